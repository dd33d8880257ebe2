//! `tagout run` on a mirrored port, live: it sees every exchange and sends nothing.

mod doctor;
mod flood;
mod heartbeat;
mod intents;
mod interfaces;
mod listener;
mod management;
mod peers;
mod prefilter;
mod reload;
mod sensor;
mod service;
mod subject;
mod tagged;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use sensor::Sensor;
use tagout_tests::lab::Lab;
use tagout_tests::namespace::or_skipped;

const PLC: [IpAddr; 2] =
    [IpAddr::V4(Ipv4Addr::new(192, 0, 2, 10)), IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 10))];
const HMI: [IpAddr; 2] =
    [IpAddr::V4(Ipv4Addr::new(192, 0, 2, 20)), IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 20))];
const WRITES: u16 = 200;
const BUFFER_MIB: u32 = 64;
/// More frames than find room in a small buffer while nobody reads them.
const FLOOD: u64 = 20_000;
const SMALL_MIB: u32 = 1;
const SOURCES: [&str; 2] = ["libpcap", "af-packet"];

#[test]
fn every_exchange_on_the_wire_is_seen_and_nothing_is_sent() {
    let Some(lab) = or_skipped(Lab::build("live", PLC, HMI)) else { return };
    lab.in_plc(|| peers::serve(&PLC));
    let mut sensors = SOURCES.map(|source| lab.in_sensor(|| Sensor::start("eth0", source, BUFFER_MIB)));
    for (family, plc) in (1..).zip(PLC) {
        let registers = 1000 * family..1000 * family + WRITES;
        lab.in_hmi(|| peers::poll_until(plc, || sensors.iter_mut().all(|sensor| sensor.has_seen(plc))));
        lab.in_hmi(|| peers::write_and_read_back(plc, registers.clone()));
        sensors.iter_mut().for_each(|sensor| sensor.await_exchange(plc, registers.end - 1));
    }
    let capture = tagged::capture(40_000);
    lab.in_hmi(|| tagged::send(&capture, "eth0"));
    let of_tagged = tagged::replayed(&capture);
    sensors.iter_mut().for_each(|sensor| sensor.await_tagged(of_tagged.len()));
    for (sensor, source) in sensors.into_iter().zip(SOURCES) {
        let events = sensor.stop();
        for (family, plc) in (1..).zip(PLC) {
            let registers = 1000 * family..1000 * family + WRITES;
            let expected: Vec<_> = registers.clone().flat_map(|register| [(6, register), (3, register)]).collect();
            assert_eq!(sensor::exchanges(&events, plc, registers.start), expected, "with {plc} by {source}");
        }
        assert_eq!(tagged::exchanges(&events), of_tagged, "by {source}");
    }
    a_flood_is_counted(&lab);
    assert!(lab.frames_from("hmi") > 4 * u64::from(WRITES), "the switch counts what it receives");
    assert_eq!(lab.frames_from("sensor"), 0, "tagout transmits nothing");
}

/// What finds no room is told, whoever reads.
fn a_flood_is_counted(lab: &Lab) {
    let mut sensors = SOURCES.map(|source| lab.in_sensor(|| Sensor::start("eth0", source, SMALL_MIB)));
    lab.in_hmi(|| peers::poll_until(PLC[0], || sensors.iter_mut().all(|sensor| sensor.has_seen(PLC[0]))));
    Sensor::pause(&sensors, || lab.in_hmi(|| flood::send(FLOOD, "eth0")));
    for (sensor, source) in sensors.into_iter().zip(SOURCES) {
        let [captured, dropped] = sensor::frames(&sensor.stop());
        assert!(dropped > 0 && captured + dropped > FLOOD, "{captured} captured and {dropped} dropped by {source}");
    }
}
