//! What is no habit is left for somebody to decide, and changes nothing of what is.

use std::collections::BTreeSet;

use tagout::learn::Learned;
use tagout_tests::generate::{Endpoint, Session, modbus};
use tagout_tests::plant::{AGENT, Lan, PANEL, Protocol, STRANGER};

use crate::{LENGTH, SECOND, Talk, capture, habit, ip, learn, panel, session, text, violations};

/// What one stranger does beside the habit must neither be permitted nor change what the panel may do.
fn rejected(stranger: Session, client: u8, action: &'static str) -> Learned {
    let both = capture(&[panel(), stranger]);
    let learned = learn(&both, Protocol::Modbus);
    let told: BTreeSet<_> = violations(&learned, &both, Protocol::Modbus).into_iter().collect();
    assert_eq!(told, BTreeSet::from([(ip(client), action)]), "{}", text(&learned, "review.md"));
    assert!(learned.to_decide > 0);
    learned
}

#[test]
fn a_single_command_is_for_decision() {
    let write = modbus::write_register(10, 9_000);
    let talk = vec![(60 * SECOND, write.clone(), write)];
    let learned = rejected(session(Lan::Ipv4.endpoint(STRANGER, 41_000), &talk), STRANGER, "write");
    let review = text(&learned, "review.md");
    assert!(review.contains("value  = { min = 9000, max = 9000 }"), "what to paste is told: {review}");
    assert!(text(&learned, "permits.toml").contains("max = 506 }"), "the panel's range is as if it had not been");
}

#[test]
fn a_burst_of_commands_is_for_decision() {
    let burst = (0..200).map(|at| {
        let write = modbus::write_register(10, 500 + at);
        (60 * SECOND + u64::from(at) * 10_000, write.clone(), write)
    });
    let read = (modbus::read(3, 10, 1), modbus::registers_response(3, &[1]));
    let reads = (0..200).map(|at| (70 * SECOND + at * 10_000, read.0.clone(), read.1.clone()));
    let talk = burst.chain(reads).collect();
    let both = capture(&[panel(), session(Lan::Ipv4.endpoint(STRANGER, 41_000), &talk)]);
    let learned = learn(&both, Protocol::Modbus);
    let told = violations(&learned, &both, Protocol::Modbus);
    assert!(!told.is_empty() && told.iter().all(|(client, _)| *client == ip(STRANGER)));
    assert!(!text(&learned, "actors.toml").contains("10.0.0.64"));
}

#[test]
fn who_only_commands_is_for_decision_however_often() {
    let talk = (0..LENGTH).map(|second| {
        let write = modbus::write_register(20, 7);
        (second * SECOND + 500_000, write.clone(), write)
    });
    rejected(session(Lan::Ipv4.endpoint(STRANGER, 41_000), &talk.collect()), STRANGER, "write");
}

#[test]
fn a_scan_is_for_decision_with_all_that_its_source_does() {
    let known = (modbus::read(3, 10, 3), modbus::registers_response(3, &[500, 3, 0]));
    let polls = (0..LENGTH).map(|second| (second * SECOND + 400_000, known.0.clone(), known.1.clone()));
    let tries = (0..60_u16)
        .map(|at| (u64::from(at) * 5 * SECOND + 700_000, modbus::read(3, 1_000 + at, 1), modbus::exception(3, 2)));
    let mut talk: Talk = polls.chain(tries).collect();
    talk.sort_by_key(|(at_us, ..)| *at_us);
    let learned = rejected(session(Lan::Ipv4.endpoint(STRANGER, 41_000), &talk), STRANGER, "read");
    assert!(text(&learned, "review.md").contains("a scan"));
}

#[test]
fn a_borrowed_address_is_for_decision() {
    let read = (modbus::read(3, 10, 3), modbus::registers_response(3, &[500, 3, 0]));
    let talk = (1..40).map(|at| (at * 7 * SECOND + 600_000, read.0.clone(), read.1.clone())).collect();
    let borrowed = Endpoint { mac: Lan::Ipv4.endpoint(STRANGER, 0).mac, ..Lan::Ipv4.endpoint(PANEL, 42_000) };
    let learned = rejected(session(borrowed, &talk), PANEL, "read");
    assert!(text(&learned, "actors.toml").contains("mac = \"02:00:00:00:00:30\""), "{}", text(&learned, "actors.toml"));
}

#[test]
fn what_is_rare_at_a_point_of_somebody_else_is_for_decision() {
    let own = (modbus::read(3, 11, 1), modbus::registers_response(3, &[3]));
    let mut busy = habit();
    busy.extend((0..LENGTH).map(|second| {
        let write = modbus::write_register(12, (second % 4) as u16);
        (second * SECOND + 300_000, write.clone(), write)
    }));
    busy.sort_by_key(|(at_us, ..)| *at_us);
    let mut talk: Talk = (0..LENGTH).map(|second| (second * SECOND + 600_000, own.0.clone(), own.1.clone())).collect();
    talk.extend((0..8).map(|at| {
        let write = modbus::write_register(12, 1);
        (at * 40 * SECOND + 800_000, write.clone(), write)
    }));
    talk.sort_by_key(|(at_us, ..)| *at_us);
    let sessions =
        [session(Lan::Ipv4.endpoint(PANEL, 40_000), &busy), session(Lan::Ipv4.endpoint(AGENT, 41_000), &talk)];
    let both = capture(&sessions);
    let learned = learn(&both, Protocol::Modbus);
    let told: BTreeSet<_> = violations(&learned, &both, Protocol::Modbus).into_iter().collect();
    assert_eq!(told, BTreeSet::from([(ip(AGENT), "write")]), "{}", text(&learned, "review.md"));
}
