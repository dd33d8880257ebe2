//! The kernel drops what is not of the plant, and nothing else.

use tagout_tests::generate::{Capture, Endpoint, Message, Network, Session, Side, Transport};

use crate::sensor::{self, Sensor};
use crate::{BUFFER_MIB, SOURCES, tagged};
use tagout_tests::mirror::Mirror;

/// Requests and responses on a port of no plant protocol.
const MESSAGES: usize = 40;

#[test]
fn what_is_not_of_the_plant_is_left_with_the_kernel() {
    let Some(mirror) = Mirror::of_test("prefilter") else { return };
    mirror.plug_in("eth1");
    let (plant, other) = (tagged::capture(40_000), other());
    for source in SOURCES {
        let frames = [true, false].map(|filters| {
            let lines =
                format!("source = \"{source}\"\nbuffer_mib = {BUFFER_MIB}\nsilence_s = 1\nprefilter = {filters}\n");
            let mut sensor = mirror.in_sensor(|| Sensor::begin(&["eth1"], &format!("prefilter-{source}"), &lines));
            sensor.await_news("silence", "eth1", 1);
            mirror.at_wire("eth1", |wire| tagged::send(&other, wire));
            mirror.at_wire("eth1", |wire| tagged::send(&plant, wire));
            sensor.await_tagged(tagged::replayed(&plant).len());
            sensor::frames(&sensor.stop())[0]
        });
        let sent = other.frames().len() as u64;
        assert_eq!(frames[1] - frames[0], sent, "{frames:?} by {source}");
    }
}

/// A conversation that is none of a plant.
fn other() -> Capture {
    let endpoint = |host: u8, port| Endpoint { mac: [2, 0, 0, 0, 0, host], ip: [192, 0, 2, host].into(), port };
    let mut session = Session::new(endpoint(1, 50_000), endpoint(2, 443), Transport::Tcp);
    let message = |turn: usize| {
        let from = if turn.is_multiple_of(2) { Side::Client } else { Side::Server };
        Message { turn, from, at_us: 1_000 * turn as u64, bytes: vec![turn as u8; 100] }
    };
    session.play(&(0..MESSAGES).map(message).collect::<Vec<_>>(), [1_000, 5_000]);
    let mut capture = Capture::default();
    capture.add(&session, &Network::default());
    capture
}
