//! How often, how far and how soon again: limits that the rest of the traffic keeps to.

use tagout_tests::generate::{Session, modbus};
use tagout_tests::plant::{Lan, PANEL, Protocol};

use crate::proposals::propose;
use crate::{SECOND, Talk, capture, learn, panel, session, text, violations};

/// A panel that reads register 10 every other second for twenty minutes, and writes to it at these times in seconds, with
/// these values.
fn paced(writes: &[(u64, u16)]) -> Session {
    let mut talk = Talk::new();
    let mut value = 500;
    for second in (0..1_200).step_by(2) {
        for (at, written) in writes.iter().filter(|(at, _)| (second..second + 2).contains(at)) {
            let write = modbus::write_register(10, *written);
            talk.push((at * SECOND + 200_000, write.clone(), write));
            value = *written;
        }
        talk.push((second * SECOND + 1_900_000, modbus::read(3, 10, 1), modbus::registers_response(3, &[value])));
    }
    session(Lan::Ipv4.endpoint(PANEL, 40_000), &talk)
}

/// Up and down in steps of one, a write every so many seconds.
fn ramps(every: u64) -> Vec<(u64, u16)> {
    let value = |turn: u64| [500, 501, 502, 503, 502, 501][turn as usize % 6];
    (0..1_200 / every).map(|turn| (turn * every, value(turn))).collect()
}

#[test]
fn paces_are_learned_where_the_rest_keeps_to_them() {
    let capture = capture(&[paced(&ramps(10))]);
    let learned = learn(&capture, Protocol::Modbus);
    let (permits, review) = (text(&learned, "permits.toml"), text(&learned, "review.md"));
    for limit in ["at_most = \"10/min\"", "max_step = 2 ", "max_change = \"9/min\"", "opposite_after = \"5 s\""] {
        assert!(permits.contains(limit), "{limit} is not in\n{permits}");
    }
    assert!(review.contains("| `at_most = \"10/min\"` | 6 at most in a minute, in 120 uses |"), "{review}");
    assert_eq!(violations(&learned, &capture, Protocol::Modbus), []);
    let against = |writes: &[(u64, u16)]| {
        let later = crate::capture(&[paced(writes)]);
        !violations(&learned, &later, Protocol::Modbus).is_empty()
    };
    assert!(!against(&ramps(11)), "slower");
    assert!(against(&ramps(3)), "more often");
    assert!(against(&[(0, 500), (20, 503)]), "a larger step");
    assert!(against(&[(0, 500), (20, 501), (24, 500)]), "back at once");
}

#[test]
fn a_pace_that_did_not_last_is_left_out_and_told() {
    let mut writes: Vec<_> = ramps(10).into_iter().take(80).collect();
    writes.extend((800..1_200).map(|second| (second, 500 + (second % 2) as u16)));
    let capture = capture(&[paced(&writes)]);
    let learned = learn(&capture, Protocol::Modbus);
    assert!(text(&learned, "review.md").contains("| **none** | no `at_most`: "), "{}", text(&learned, "review.md"));
    assert_eq!(violations(&learned, &capture, Protocol::Modbus), []);
}

#[test]
fn what_was_used_too_little_has_no_pace() {
    let learned = learn(&capture(&[panel()]), Protocol::Modbus);
    assert!(!text(&learned, "permits.toml").contains("at_most"));
    assert!(text(&learned, "review.md").contains("| **none** | 15 uses within "), "{}", text(&learned, "review.md"));
}

#[test]
fn what_a_policy_permits_but_for_its_pace_is_for_decision() {
    let learned = learn(&capture(&[paced(&ramps(10))]), Protocol::Modbus);
    let same = propose(&learned, &capture(&[paced(&ramps(11))]));
    assert!(same.to_decide == 0 && !same.page.contains("## Beyond times"), "{}", same.page);
    let faster = propose(&learned, &capture(&[paced(&ramps(3))]));
    assert!(faster.proposed == 0 && faster.to_decide > 0, "{}", faster.page);
    assert!(faster.page.contains("| pace-exceeded | "), "{}", faster.page);
}
