//! Who uses which address on the link: what ARP and the frames of plant flows say of it, and what is no matter.

use std::net::Ipv4Addr;

use tagout_core::engine::{AnomalyKind, Policy};
use tagout_tests::collect::Records;
use tagout_tests::generate::modbus::{adu, read, registers_response};
use tagout_tests::generate::{Capture, Endpoint, Message, Network, Session, Side, Transport};
use tagout_tests::observe::observe;
use tagout_tests::plant::Protocol;

const SECOND_US: u64 = 1_000_000;
/// Last octets of addresses: IP addresses are 10.0.0.x, MAC addresses 02::x.
const PANEL: u8 = 1;
const PLC: u8 = 2;
const STRANGER: u8 = 9;

fn mac(last: u8) -> [u8; 6] {
    [2, 0, 0, 0, 0, last]
}

/// `count` polls, one a second from `second` on, of the PLC by the panel, whose IP address is at this MAC address.
fn polls(second: u64, count: u16, panel_mac: u8) -> Session {
    let end = |mac_last, last, port| Endpoint { mac: mac(mac_last), ip: Ipv4Addr::new(10, 0, 0, last).into(), port };
    let client_port = 40_000 + second as u16;
    let mut session = Session::new(end(panel_mac, PANEL, client_port), end(PLC, PLC, 502), Transport::Udp);
    let poll = |turn: u16| {
        let at_us = (second + u64::from(turn)) * SECOND_US;
        let message = |from, at_us, bytes| Message { turn: turn.into(), from, at_us, bytes };
        [
            message(Side::Client, at_us, adu(turn, 1, &read(3, 0, 1))),
            message(Side::Server, at_us + 1_000, adu(turn, 1, &registers_response(3, &[7]))),
        ]
    };
    session.play(&(0..count).flat_map(poll).collect::<Vec<_>>(), [1, 1]);
    session
}

/// An ARP reply that `ip` is at `at`, to the PLC.
fn arp(ip: u8, at: u8) -> Vec<u8> {
    let header = [&mac(PLC)[..], &mac(at), &[0x08, 0x06]].concat();
    let body = [&[0, 1, 8, 0, 6, 4, 0, 2][..], &mac(at), &[10, 0, 0, ip], &mac(PLC), &[10, 0, 0, PLC]].concat();
    [header, body].concat()
}

/// Kind and second of the anomalies.
fn told(sessions: &[Session], arps: &[(u64, Vec<u8>)]) -> Vec<(AnomalyKind, u64)> {
    let mut capture = Capture::of(sessions, &Network::default());
    arps.iter().for_each(|(second, frame)| capture.add_frame(second * SECOND_US + 500_000, frame.clone()));
    let mut records = Records::default();
    observe(&capture, Protocol::Modbus, 502, Policy::empty(), &mut records);
    let start = capture.frames()[0].time_ns;
    let second = |frame: u64| (capture.frames()[frame as usize - 1].time_ns - start) / 1_000_000_000;
    records.anomalies.into_iter().map(|(kind, frame)| (kind, second(frame))).collect()
}

#[test]
fn somebody_who_claims_anothers_address_is_told() {
    let claims = [(10, arp(PLC, STRANGER)), (11, arp(PANEL, STRANGER))];
    let told = told(&[polls(0, 30, PANEL)], &claims);
    let changed = |second| (AnomalyKind::IpMacChanged, second);
    assert_eq!(told, [changed(10), changed(11)], "then it changes back and forth within a minute");
}

#[test]
fn a_host_that_speaks_from_another_mac_is_told_once() {
    let told = told(&[polls(0, 30, PANEL), polls(30, 300, STRANGER)], &[]);
    assert_eq!(told, [(AnomalyKind::IpMacChanged, 30)]);
}

#[test]
fn a_host_with_another_address_is_told() {
    let told = told(&[polls(0, 30, PANEL)], &[(120, arp(50, PANEL)), (121, arp(50, PANEL))]);
    assert_eq!(told, [(AnomalyKind::MacIpMoved, 120)]);
}

#[test]
fn what_is_as_it_was_is_not_told() {
    let usual = [(5, arp(PLC, PLC)), (6, arp(PANEL, PANEL)), (15, arp(PANEL, PANEL))];
    assert_eq!(told(&[polls(0, 20, PANEL), polls(4_000, 20, STRANGER)], &usual), [], "an hour of silence between them");
    let several: Vec<_> = (20..40).map(|ip| (u64::from(ip), arp(ip, STRANGER))).collect();
    assert_eq!(told(&[polls(0, 60, PANEL)], &several), [], "one that answers for many");
}
