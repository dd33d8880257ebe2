//! Devices over a while: what they indicate, what they are, whether they answer, who asks them, and who answers twice.

use std::net::Ipv4Addr;

use tagout_core::engine::{AnomalyKind, Policy};
use tagout_tests::collect::Records;
use tagout_tests::generate::dnp3::{self, Link};
use tagout_tests::generate::modbus::{adu, read, registers_response};
use tagout_tests::generate::{Capture, Endpoint, Message, Network, Session, Side, Transport};
use tagout_tests::observe::observe;
use tagout_tests::plant::Protocol;

const LINK: Link = Link { master: 1, outstation: 10 };

/// What one side says, at which millisecond.
type Said = (Side, u64, Vec<u8>);

/// A dialogue over UDP, so that each message is one of its own.
fn session(client: u8, port: u16, said: &[Said]) -> Session {
    dialogue(Transport::Udp, client, port, said)
}

/// A dialogue of the client with this last octet of its IP address.
fn dialogue(transport: Transport, client: u8, port: u16, said: &[Said]) -> Session {
    let end = |last, port| Endpoint { mac: [2, 0, 0, 0, 0, last], ip: Ipv4Addr::new(10, 0, 0, last).into(), port };
    let mut session = Session::new(end(client, 40_000), end(200, port), transport);
    let message = |(turn, (from, at_ms, bytes)): (usize, &Said)| Message {
        turn,
        from: *from,
        at_us: at_ms * 1_000,
        bytes: bytes.clone(),
    };
    session.play(&said.iter().enumerate().map(message).collect::<Vec<_>>(), [1, 1]);
    session
}

/// The kinds of anomalies.
fn told(protocol: Protocol, port: u16, sessions: &[Session]) -> Vec<AnomalyKind> {
    let mut records = Records::default();
    observe(&Capture::of(sessions, &Network::default()), protocol, port, Policy::empty(), &mut records);
    records.anomalies.into_iter().map(|(kind, _)| kind).collect()
}

fn modbus(said: &[Said]) -> Vec<AnomalyKind> {
    told(Protocol::Modbus, 502, &[session(1, 502, said)])
}

fn dnp3(said: &[Said]) -> Vec<AnomalyKind> {
    told(Protocol::Dnp3, 20_000, &[session(1, 20_000, said)])
}

fn modbus_asks(at_ms: u64, transaction: u16, pdu: &[u8]) -> Said {
    (Side::Client, at_ms, adu(transaction, 1, pdu))
}

fn modbus_answers(at_ms: u64, transaction: u16, pdu: &[u8]) -> Said {
    (Side::Server, at_ms, adu(transaction, 1, pdu))
}

fn asks(at_ms: u64, sequence: u8) -> Said {
    (Side::Client, at_ms, dnp3::frames(LINK, Side::Client, sequence, &dnp3::request(sequence, 1, &[60, 2, 6])).concat())
}

fn answers(at_ms: u64, sequence: u8, iin: [u8; 2]) -> Said {
    (Side::Server, at_ms, dnp3::frames(LINK, Side::Server, sequence, &dnp3::response(sequence, iin, &[])).concat())
}

/// An unsolicited report of binary input 3.
fn reports(at_ms: u64, sequence: u8, iin: [u8; 2], on: bool) -> Said {
    let fragment = dnp3::unsolicited(sequence, iin, &dnp3::binary_event(3, on));
    (Side::Server, at_ms, dnp3::frames(LINK, Side::Server, sequence, &fragment).concat())
}

#[test]
fn a_second_answer_with_other_bytes_is_told_apart_from_a_repetition() {
    let first = registers_response(3, &[7]);
    let twice = |second: &[u8]| {
        modbus(&[modbus_asks(0, 1, &read(3, 0, 1)), modbus_answers(5, 1, &first), modbus_answers(9, 1, second)])
    };
    assert_eq!(twice(&registers_response(3, &[8])), [AnomalyKind::SecondResponse]);
    assert_eq!(twice(&first), [AnomalyKind::UnmatchedResponse]);
    let said = [asks(0, 4), answers(5, 4, [0, 0]), answers(9, 4, [0, 4])];
    assert_eq!(dnp3(&said), [AnomalyKind::SecondResponse]);
}

#[test]
fn an_answer_out_of_turn_is_told() {
    let said = [asks(0, 4), answers(5, 4, [0, 0]), asks(1_000, 5), answers(1_005, 9, [0, 0])];
    assert_eq!(dnp3(&said), [AnomalyKind::SequenceContradiction]);
}

#[test]
fn a_late_answer_is_not_out_of_turn_but_once() {
    let late = |second: Option<Said>| {
        let said = [asks(0, 4), asks(60_000, 5), answers(60_005, 4, [0, 0])];
        dnp3(&said.into_iter().chain(second).chain([answers(60_020, 5, [0, 0])]).collect::<Vec<_>>())
    };
    assert_eq!(late(None), [AnomalyKind::UnmatchedResponse]);
    let again = late(Some(answers(60_010, 4, [0, 0])));
    assert_eq!(again, [AnomalyKind::UnmatchedResponse, AnomalyKind::SequenceContradiction]);
}

#[test]
fn a_report_keeps_its_sequence_number_only_when_it_is_repeated() {
    let twice =
        |iin, on| dnp3(&[asks(0, 0), answers(5, 0, [0, 0]), reports(10, 7, [0, 0], true), reports(50, 7, iin, on)]);
    assert_eq!(twice([0, 0], true), []);
    assert_eq!(twice([0, 0], false), [AnomalyKind::SequenceContradiction]);
    assert_eq!(twice([0x80, 0], false), [AnomalyKind::DeviceRestarted], "sequence numbers begin anew");
}

#[test]
fn indications_are_told_when_they_rise() {
    let said: Vec<Said> = [[0x80, 0], [0x80, 0], [0, 0], [0x80, 0x08], [0x80, 0x08], [0, 0xa0], [0, 0x20]]
        .into_iter()
        .enumerate()
        .flat_map(|(turn, iin)| {
            let at_ms = turn as u64 * 1_000;
            [asks(at_ms, turn as u8), answers(at_ms + 5, turn as u8, iin)]
        })
        .collect();
    let (restarted, overflow) = (AnomalyKind::DeviceRestarted, AnomalyKind::EventBufferOverflow);
    assert_eq!(dnp3(&said), [restarted, overflow, AnomalyKind::ConfigurationCorrupt, AnomalyKind::ReservedIin]);
}

#[test]
fn a_link_address_that_another_uses_is_told() {
    let polls = |from_ms: u64| [asks(from_ms, 0), answers(from_ms + 5, 0, [0, 0])];
    let sessions = [session(1, 20_000, &polls(0)), session(9, 20_000, &polls(500)), session(1, 20_000, &polls(900))];
    let moved = AnomalyKind::LinkAddressMoved;
    assert_eq!(told(Protocol::Dnp3, 20_000, &sessions), [moved, moved], "there and back");
    assert_eq!(told(Protocol::Dnp3, 20_000, &[sessions[0].clone(), sessions[2].clone()]), []);
}

#[test]
fn a_device_that_falls_silent_is_told_once() {
    let poll = |turn: u16| modbus_asks(u64::from(turn) * 5_000, turn, &read(3, 0, 1));
    let answer = |turn: u16| modbus_answers(u64::from(turn) * 5_000 + 5, turn, &registers_response(3, &[7]));
    let said = |answers: fn(u16) -> bool| -> Vec<Said> {
        let turn = |turn| [Some(poll(turn)), answers(turn).then(|| answer(turn))].into_iter().flatten();
        (0..20).flat_map(turn).collect()
    };
    assert_eq!(modbus(&said(|turn| turn < 5)), [AnomalyKind::DeviceSilent]);
    assert_eq!(modbus(&said(|turn| !(5..7).contains(&turn))), [], "two in a row are none");
    assert_eq!(modbus(&said(|turn| turn < 2)), [], "it never answered regularly");
}

#[test]
fn an_outstation_that_reports_is_not_silent() {
    let polls = |from: u64, count: u64| (from..from + count).map(|turn| asks(turn * 20_000, turn as u8 % 16));
    let answered = |turn: u64| [asks(turn * 20_000, turn as u8), answers(turn * 20_000 + 5, turn as u8, [0, 0])];
    let silent: Vec<Said> = (0..4).flat_map(answered).chain(polls(4, 8)).collect();
    assert_eq!(dnp3(&silent), [AnomalyKind::DeviceSilent]);
    let report = |turn: u64| reports(turn * 20_000 + 12_000, turn as u8 % 16, [0, 0], true);
    let mut reporting: Vec<Said> = silent.into_iter().chain((5..12).step_by(2).map(report)).collect();
    reporting.sort_by_key(|(_, at_ms, _)| *at_ms);
    assert_eq!(dnp3(&reporting), []);
}

/// What is told of a dialogue over TCP of which the `lost`th message is missing from the capture.
fn over_tcp(said: &[Said], lost: usize) -> Vec<AnomalyKind> {
    let mut session = dialogue(Transport::Tcp, 1, 20_000, said);
    session.segments.retain(|segment| !segment.turns.contains(&lost));
    told(Protocol::Dnp3, 20_000, &[session])
}

#[test]
fn an_answer_to_a_request_that_was_lost_is_not_out_of_turn() {
    let said = [asks(0, 4), answers(5, 4, [0, 0]), asks(1_000, 5), asks(1_001, 6), answers(1_005, 5, [0, 0])];
    let said = [&said[..], &[answers(1_006, 6, [0, 0]), asks(2_000, 7), answers(2_005, 7, [0, 0])]].concat();
    assert_eq!(over_tcp(&said, 2), [AnomalyKind::TcpGap, AnomalyKind::UnmatchedResponse]);
    let out_of_turn = [asks(0, 4), answers(5, 4, [0, 0]), asks(1_000, 5), answers(1_005, 9, [0, 0])];
    assert_eq!(over_tcp(&out_of_turn, usize::MAX), [AnomalyKind::SequenceContradiction]);
}

#[test]
fn a_device_that_names_itself_otherwise_is_told() {
    let ask = [43, 14, 1, 0];
    let named = |revision: &[u8]| {
        let objects = [&[0, 4][..], b"ACME", &[2, revision.len() as u8], revision].concat();
        [&[43, 14, 1, 1, 0, 0, 2][..], &objects].concat()
    };
    let said = |second: &[u8]| {
        modbus(&[
            modbus_asks(0, 1, &ask),
            modbus_answers(5, 1, &named(b"1.0")),
            modbus_asks(1_000, 2, &ask),
            modbus_answers(1_005, 2, &named(second)),
        ])
    };
    assert_eq!(said(b"1.1"), [AnomalyKind::DeviceIdentityChanged]);
    assert_eq!(said(b"1.0"), []);
}
