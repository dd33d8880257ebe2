//! Masters of DNP3.

use std::collections::BTreeSet;

use tagout_tests::generate::dnp3::{self, Link, function};
use tagout_tests::generate::{Message, Session, Side, Transport};
use tagout_tests::plant::{DEVICE, Lan, PANEL, Protocol};

use crate::{LENGTH, SECOND, capture, ip, learn, text, violations};

/// A DNP3 master that polls, and operates a breaker by select and operate every twenty seconds.
fn master(restarts: bool) -> Session {
    let link = Link { master: 1, outstation: 10 };
    let mut session =
        Session::new(Lan::Ipv4.endpoint(PANEL, 43_000), Lan::Ipv4.endpoint(DEVICE, 20_000), Transport::Tcp);
    let mut messages = Vec::new();
    let mut sequence = 0;
    let mut say = |at_us: u64, function: u8, objects: &[u8], answer: &[u8]| {
        sequence = (sequence + 1) % 16;
        let request = dnp3::request(sequence, function, objects);
        let response = dnp3::response(sequence, [0, 0], answer);
        for (from, at_us, fragment) in [(Side::Client, at_us, request), (Side::Server, at_us + 5_000, response)] {
            let bytes = dnp3::frames(link, from, sequence, &fragment).concat();
            messages.push(Message { turn: messages.len(), from, at_us, bytes });
        }
    };
    for second in 0..LENGTH {
        let at_us = second * SECOND;
        let analog = dnp3::analog_inputs(0, &[1_000 + second as i32, 7]);
        say(at_us, function::READ, &dnp3::ALL_CLASSES, &analog);
        if second % 20 == 5 {
            let control = if second % 40 == 5 { dnp3::control::LATCH_ON } else { dnp3::control::LATCH_OFF };
            let block = dnp3::crob(3, control, 0);
            say(at_us + 200_000, function::SELECT, &block, &block);
            say(at_us + 300_000, function::OPERATE, &block, &block);
        }
        if restarts && second % 10 == 7 {
            say(at_us + 500_000, function::COLD_RESTART, &[], &dnp3::time_delay(1_000));
        }
    }
    session.play(&messages, [1_000, 9_000]);
    session
}

#[test]
fn a_master_is_learned_with_what_it_is_told() {
    let capture = capture(&[master(false)]);
    let learned = learn(&capture, Protocol::Dnp3);
    assert_eq!(violations(&learned, &capture, Protocol::Dnp3), [], "{}", text(&learned, "permits.toml"));
    let (devices, permits) = (text(&learned, "devices.toml"), text(&learned, "permits.toml"));
    assert!(devices.contains("ai_0 = { analog-input = 0 }") && devices.contains("bo_3 = { binary-output = 3 }"));
    assert!(permits.contains("do     = [\"select\", \"operate\"]\npoints = [\"bo_3\"]"), "{permits}");
}

#[test]
fn a_restart_is_for_decision_however_often() {
    let capture = capture(&[master(true)]);
    let learned = learn(&capture, Protocol::Dnp3);
    let told: BTreeSet<_> = violations(&learned, &capture, Protocol::Dnp3).into_iter().collect();
    assert_eq!(told, BTreeSet::from([(ip(PANEL), "restart")]));
}
