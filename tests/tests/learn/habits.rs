//! What becomes a policy, and how it is written.

use tagout::learn::{Learned, Limits, Listener, MOST_POINTS};
use tagout_core::engine::Policy;
use tagout_tests::generate::modbus;
use tagout_tests::observe::observe;
use tagout_tests::plant::{Lan, PANEL, Protocol};

use crate::{LENGTH, SECOND, Talk, capture, habit, image, ip, learn, learn_points, panel, session, text, violations};

#[test]
fn a_habit_becomes_a_policy_under_which_it_raises_nothing() {
    let capture = capture(&[panel()]);
    let learned = learn(&capture, Protocol::Modbus);
    assert_eq!(violations(&learned, &capture, Protocol::Modbus), []);
    assert_eq!(learned.to_decide, 0, "{}", text(&learned, "review.md"));
    let (devices, permits) = (text(&learned, "devices.toml"), text(&learned, "permits.toml"));
    assert!(text(&learned, "actors.toml").contains("[actors.hmi_10_0_0_48]\nkind = \"hmi\""));
    assert!(devices.contains("ir_0 = { input-register = 0, type = \"f32\", words = \"low-first\" }"), "{devices}");
    assert!(devices.contains("hr_11 = { holding-register = 11 }"), "{devices}");
    assert!(
        permits.contains("do     = [\"write\"]\npoints = [\"hr_10\"]\nvalue  = { min = 500, max = 506 }"),
        "{permits}"
    );
}

#[test]
fn a_value_beyond_the_habit_is_not_permitted() {
    let learned = learn(&capture(&[panel()]), Protocol::Modbus);
    let mut talk = habit();
    let write = modbus::write_register(10, 5_000);
    talk.push((LENGTH * SECOND, write.clone(), write));
    let later = capture(&[session(Lan::Ipv4.endpoint(PANEL, 40_000), &talk)]);
    assert_eq!(violations(&learned, &later, Protocol::Modbus), [(ip(PANEL), "write")]);
}

#[test]
fn points_with_other_ranges_have_permits_with_names_of_their_own() {
    let mut talk = habit();
    let at = |(at_us, request, _): &(u64, Vec<u8>, Vec<u8>)| (request[0] == 6).then_some(at_us + 50_000);
    let writes: Vec<_> = talk.iter().filter_map(at).collect();
    talk.extend(writes.into_iter().map(|at_us| (at_us, modbus::write_register(12, 7), modbus::write_register(12, 7))));
    talk.sort_by_key(|(at_us, ..)| *at_us);
    let capture = capture(&[session(Lan::Ipv4.endpoint(PANEL, 40_000), &talk)]);
    let learned = learn(&capture, Protocol::Modbus);
    assert_eq!(violations(&learned, &capture, Protocol::Modbus), []);
    let permits = text(&learned, "permits.toml");
    let named = |name: &str| permits.contains(&format!("name   = \"hmi_10_0_0_48 {name}\""));
    assert!(named("commands plc_10_0_0_16_u1") && named("commands plc_10_0_0_16_u1, 2"), "{permits}");
}

/// What is learned of a panel that writes these values to register 10, one every ten seconds, and reads it.
fn learn_written(value: impl Fn(u64) -> u16) -> Learned {
    let mut talk = Talk::new();
    for second in 0..LENGTH {
        let at_us = second * SECOND;
        let now = value(second / 10);
        talk.push((at_us, modbus::read(3, 10, 1), modbus::registers_response(3, &[now])));
        if second % 10 == 0 {
            let write = modbus::write_register(10, now);
            talk.push((at_us + 200_000, write.clone(), write));
        }
    }
    learn(&capture(&[session(Lan::Ipv4.endpoint(PANEL, 40_000), &talk)]), Protocol::Modbus)
}

#[test]
fn a_value_that_still_goes_on_is_permitted_as_much_again_and_told() {
    let learned = learn_written(|step| 200 - 2 * step as u16);
    let (permits, review) = (text(&learned, "permits.toml"), text(&learned, "review.md"));
    assert!(
        permits.contains("value  = { min = 84, max = 258 }  # seen from 142 to 200, but seldom at its ends"),
        "{permits}"
    );
    assert!(review.contains("## Permitted beyond what was seen"), "{review}");
}

#[test]
fn a_value_that_goes_to_and_fro_is_permitted_as_it_was_seen() {
    let learned = learn_written(|step| [100, 110, 120, 110][step as usize % 4]);
    let (permits, review) = (text(&learned, "permits.toml"), text(&learned, "review.md"));
    assert!(permits.contains("value  = { min = 100, max = 120 }  # exactly what was seen"), "{permits}");
    assert!(!review.contains("## Permitted beyond what was seen"), "{review}");
}

#[test]
fn the_same_traffic_gives_the_same_files() {
    let capture = capture(&[panel()]);
    assert_eq!(learn(&capture, Protocol::Modbus), learn(&capture, Protocol::Modbus));
}

#[test]
fn what_finds_no_room_is_told_and_not_permitted() {
    let capture = capture(&[panel()]);
    let learned = learn_points(&capture, Protocol::Modbus, 3);
    assert!(text(&learned, "review.md").contains("## Not kept"), "{}", text(&learned, "review.md"));
    image(&learned);
    let mut small = Listener::new(Limits { things: 1, ..Limits::default() });
    observe(&capture, Protocol::Modbus, 502, Policy::empty(), &mut small);
    let small = small.learn(&[], MOST_POINTS);
    assert!(small.incomplete);
    image(&small);
}
