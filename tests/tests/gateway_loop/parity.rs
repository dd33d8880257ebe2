//! The gateway raises the alerts that the daemon raises.

use tagout_firmware::Settings;
use tagout_firmware::settings::{TapTimes, Transport};

use crate::host::Host;
use crate::replay;
use crate::world::{MS, SECOND, World, heapless_vec, settings};

#[test]
fn the_alerts_of_the_loop_are_those_of_the_daemon() {
    let image = replay::image();
    let mut judged = 0;
    for (name, capture) in replay::captures() {
        let host = Host::new(9);
        let collector = host.collector(Transport::Tcp);
        let settings = Settings { collectors: heapless_vec([collector]), tap_times: TapTimes::Arista, ..settings() };
        let mut world = World::new(settings, &image, vec![host]);
        world.pass(SECOND);
        for frame in capture.frames() {
            world.mirror(&replay::timestamped(frame));
            world.pass(MS);
        }
        world.pass(5 * SECOND);
        let expected = replay::alerts(&capture);
        assert_eq!(alerts(&world.hosts[0].messages()), expected, "{name}");
        judged += expected.len();
    }
    assert!(judged > 0, "no case raised an alert");
    println!("{judged} alerts, the same from both");
}

/// What `messages` say of alerts: CEF, as the daemon writes it.
pub(crate) fn alerts(messages: &[String]) -> Vec<String> {
    let alerts = messages.iter().filter(|message| message.contains(" tagout - alert ["));
    let texts = alerts.map(|message| message.split_once("] ").expect("a text behind the header").1);
    texts.map(|text| text.trim_start_matches('\u{feff}').to_owned()).collect()
}
