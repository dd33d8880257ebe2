//! Interfaces go down, disappear, come again under another number or name, fall silent and are overrun. All of it is told, and
//! capture goes on.

use crate::sensor::{self, Sensor};
use crate::{SOURCES, flood, tagged};
use tagout_tests::mirror::Mirror;

/// Room for what comes while frames wait for those of the other interface, on a busy machine too.
const BUFFER_MIB: u32 = 8;
/// More than there is room for.
const FLOOD: u64 = 200_000;

#[test]
fn what_becomes_of_interfaces_is_told_and_capture_goes_on() {
    let watch = |source| {
        if let Some(mirror) = Mirror::of_test(&format!("come-{source}")) {
            comes_and_goes(&mirror, source);
        }
    };
    std::thread::scope(|scope| SOURCES.iter().for_each(|source| drop(scope.spawn(move || watch(source)))));
}

fn comes_and_goes(mirror: &Mirror, source: &str) {
    mirror.plug_in("eth1");
    let capture = format!("source = \"{source}\"\nbuffer_mib = {BUFFER_MIB}\nsilence_s = 2\n");
    let mut sensor = mirror.in_sensor(|| Sensor::begin(&["eth1", "eth2"], &format!("come-{source}"), &capture));
    sensor.await_news("interface-lost", "eth2", 1);
    sensor.await_news("silence", "eth1", 1);

    mirror.plug_in("eth2");
    sensor.await_news("interface-back", "eth2", 1);
    is_read(mirror, "eth2", &mut sensor);

    mirror.on_sensor(&["link", "set", "eth1", "down"]);
    sensor.await_news("interface-lost", "eth1", 1);
    mirror.on_sensor(&["link", "set", "eth1", "up"]);
    sensor.await_news("interface-back", "eth1", 1);
    is_read(mirror, "eth1", &mut sensor);
    sensor.await_news("silence-over", "eth1", 1);

    mirror.unplug("eth1");
    sensor.await_news("interface-lost", "eth1", 2);
    mirror.plug_in("eth1");
    sensor.await_news("interface-back", "eth1", 2);
    is_read(mirror, "eth1", &mut sensor);

    mirror.on_sensor(&["link", "set", "eth2", "down"]);
    mirror.on_sensor(&["link", "set", "eth2", "name", "mirror2", "up"]);
    sensor.await_news("interface-renamed", "eth2", 1);
    is_read(mirror, "eth2", &mut sensor);

    Sensor::pause(std::slice::from_ref(&sensor), || mirror.at_wire("eth1", |wire| flood::send(FLOOD, wire)));
    sensor.await_news("kernel-drops", "eth1", 1);
    let (told, lost) = (sensor.news("kernel-drops", "eth1"), sensor::frames(&sensor.stop())[1]);
    let told: u64 = told.iter().filter_map(|alert| alert["ot"]["sensor"]["count"].as_u64()).sum();
    assert!(told > 0 && told <= lost, "{told} told and {lost} lost, by {source}");
}

/// What is said on the wire of a port is seen.
fn is_read(mirror: &Mirror, port: &str, sensor: &mut Sensor) {
    let before = sensor.tagged();
    // A connection of its own: nothing in it is a repetition.
    let capture = tagged::capture(40_000 + before as u16);
    mirror.at_wire(port, |wire| tagged::send(&capture, wire));
    sensor.await_tagged(before + tagged::replayed(&capture).len());
}
