//! The gateway raises the alerts that the daemon raises.

use tagout_firmware::Settings;
use tagout_firmware::settings::{Collector, TapTimes, Transport};

use crate::host::{Host, SYSLOG_TCP};
use crate::replay;
use crate::world::{MS, SECOND, World, heapless_vec, settings};

#[test]
fn the_alerts_of_the_loop_are_those_of_the_daemon() {
    let image = replay::image();
    let mut judged = 0;
    for (name, capture) in replay::captures() {
        let host = Host::new(9);
        let collector = Collector { at: (host.ip, SYSLOG_TCP).into(), transport: Transport::Tcp };
        let settings = Settings { collectors: heapless_vec([collector]), tap_times: TapTimes::Arista, ..settings() };
        let mut world = World::new(settings, &image, vec![host]);
        world.pass(SECOND);
        for frame in capture.frames() {
            world.mirror(&replay::timestamped(frame));
            world.pass(MS);
        }
        world.pass(5 * SECOND);
        let expected = replay::alerts(&capture);
        assert_eq!(ids(&world.hosts[0].messages()), expected, "{name}");
        judged += expected.len();
    }
    assert!(judged > 0, "no case raised an alert");
    println!("{judged} alerts, the same from both");
}

/// The ids of the alerts among `messages`.
pub(crate) fn ids(messages: &[String]) -> Vec<String> {
    let texts = messages.iter().filter_map(|message| message.split_once("] ").map(|(_, text)| text));
    texts
        .filter(|text| !text.contains("|gateway|"))
        .map(|text| text.split(' ').next().unwrap_or_default().to_owned())
        .collect()
}
