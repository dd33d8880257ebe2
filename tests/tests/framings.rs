//! Modbus in every framing, over networks and serial lines: sessions, changes of framing, broadcasts.

use std::net::{IpAddr, Ipv4Addr};

use proptest::prelude::*;
use tagout::memory::{Limits, Memory};
use tagout_core::engine::{AnomalyKind, Policy};
use tagout_core::{Config, Frame, LineProtocol, LinkType, Seen, Sensor, Timestamp};
use tagout_tests::collect::Records;
use tagout_tests::generate::dnp3::{self, Link};
use tagout_tests::generate::modbus::{adu, ascii, read, registers_response, rtu, write_register};
use tagout_tests::generate::{Capture, Endpoint, Fragmentation, Message, Network, Session, Side, Transport};
use tagout_tests::observe::observe;
use tagout_tests::plant::Protocol;

const UNIT: u8 = 7;
/// Between two messages.
const STEP_US: u64 = 10_000;

/// What one side writes.
type Said = (Side, Vec<u8>);

/// Puts what a framing wants around a PDU for a unit.
type Wrap = fn(u8, &[u8]) -> Vec<u8>;

fn asks(bytes: Vec<u8>) -> Said {
    (Side::Client, bytes)
}

fn answers(bytes: Vec<u8>) -> Said {
    (Side::Server, bytes)
}

/// A read and a write with their responses.
fn dialogue(frame: impl Fn(u8, &[u8]) -> Vec<u8>) -> Vec<Said> {
    vec![
        asks(frame(UNIT, &read(3, 0, 2))),
        answers(frame(UNIT, &registers_response(3, &[1, 2]))),
        asks(frame(UNIT, &write_register(0, 2))),
        answers(frame(UNIT, &write_register(0, 2))),
    ]
}

fn mbap(unit: u8, pdu: &[u8]) -> Vec<u8> {
    adu(1, unit, pdu)
}

fn session(transport: Transport) -> Session {
    let end = |last, port| Endpoint { mac: [2, 0, 0, 0, 0, last], ip: IpAddr::V4(Ipv4Addr::new(10, 0, 0, last)), port };
    Session::new(end(1, 40_000), end(2, 502), transport)
}

fn over(transport: Transport, segment_bytes: usize, said: &[Said]) -> Records {
    judged_over(transport, segment_bytes, said, Policy::empty())
}

/// The same judged by a policy.
fn judged_over(transport: Transport, segment_bytes: usize, said: &[Said], policy: Policy<'_>) -> Records {
    let mut session = session(transport);
    session.segment_bytes = segment_bytes;
    let message = |(turn, (from, bytes)): (usize, &Said)| Message {
        turn,
        from: *from,
        at_us: 1_000_000 + turn as u64 * STEP_US,
        bytes: bytes.clone(),
    };
    session.play(&said.iter().enumerate().map(message).collect::<Vec<_>>(), [1, 1]);
    let mut records = Records::default();
    let capture = Capture::of(&[session], &Network::default());
    observe(&capture, Protocol::Modbus, 502, policy, &mut records);
    records
}

/// The bytes of a line in pieces of this many, a step apart.
fn over_line(carries: Option<LineProtocol>, piece: usize, said: &[Said]) -> Records {
    judged_over_line(3, carries, piece, said, Policy::empty())
}

/// The same over the line of this number, judged by a policy.
fn judged_over_line(
    line: u16,
    carries: Option<LineProtocol>,
    piece: usize,
    said: &[Said],
    policy: Policy<'_>,
) -> Records {
    let bytes: Vec<u8> = said.iter().flat_map(|(_, bytes)| bytes.iter().copied()).collect();
    let mut config = Config::default();
    if let Some(carries) = carries {
        config.lines.push((line, carries)).unwrap();
    }
    let mut memory = Memory::new(&Limits::default(), policy);
    let mut sensor = Sensor::new(config, policy, memory.lend());
    let mut records = Records::default();
    for (number, piece) in (1..).zip(bytes.chunks(piece)) {
        let seen = Seen { frame: number, time: Timestamp(number * STEP_US * 1_000) };
        sensor.serial(line, piece, seen, &mut records);
    }
    sensor.finish(&mut records);
    records
}

/// The two IP fragments of a datagram with a request, of which the second has the address and the value.
fn fragments(request: &[u8]) -> [Vec<u8>; 2] {
    let mut session = session(Transport::Udp);
    session.play(&[Message { turn: 0, from: Side::Client, at_us: 0, bytes: mbap(UNIT, request) }], [1, 1]);
    session.segments[0].fragmentation = Some(Fragmentation { size: 16, reversed: false });
    let capture = Capture::of(&[session], &Network::default());
    [0, 1].map(|at| capture.frames()[at].bytes.clone())
}

/// Requests, responses and outcomes.
fn told(records: &Records) -> Vec<(Vec<u8>, Vec<u8>, &'static str)> {
    let pdu = |pdu: &Option<Vec<u8>>| pdu.clone().unwrap_or_default();
    records.exchanges.iter().map(|one| (pdu(&one.request), pdu(&one.response), one.outcome)).collect()
}

fn kinds(records: &Records) -> Vec<AnomalyKind> {
    records.anomalies.iter().map(|(kind, _)| *kind).collect()
}

/// What that many [`dialogue`]s have to leave.
fn expected(times: usize) -> Vec<(Vec<u8>, Vec<u8>, &'static str)> {
    let once = [
        (read(3, 0, 2), registers_response(3, &[1, 2]), "answered"),
        (write_register(0, 2), write_register(0, 2), "answered"),
    ];
    vec![once; times].into_iter().flatten().collect()
}

#[test]
fn the_framing_of_a_flow_is_told_by_its_first_unit() {
    for transport in [Transport::Tcp, Transport::Udp] {
        for said in [dialogue(mbap), dialogue(rtu), dialogue(ascii)] {
            let records = over(transport, 1400, &said);
            assert_eq!(told(&records), expected(1));
            assert_eq!(kinds(&records), []);
        }
    }
}

#[test]
fn a_change_of_framing_hides_no_command() {
    let framings: [Wrap; 3] = [mbap, rtu, ascii];
    for transport in [Transport::Tcp, Transport::Udp] {
        for (own, other) in [(0, 1), (0, 2), (1, 0), (1, 2), (2, 0), (2, 1)] {
            let (own, other) = (framings[own], framings[other]);
            let said = [dialogue(own), dialogue(other), dialogue(own)].concat();
            let records = over(transport, 1400, &said);
            let mut exchanges = told(&records);
            exchanges.sort();
            let mut all = expected(3);
            all.sort();
            assert_eq!(exchanges, all, "{:02x?}", said[4].1);
            assert!(kinds(&records).contains(&AnomalyKind::ModbusFramingChange));
        }
    }
}

#[test]
fn an_adu_whose_last_bytes_are_an_rtu_crc_by_chance_stays_one() {
    let chance = adu(0x796e, 1, &[0x42, 2, 0, 6, 0, 0, 0xf0, 0x96, 0, 1]);
    assert_eq!(chance, rtu(0x79, &chance[1..15]));
    let said = [dialogue(mbap), vec![asks(chance)], dialogue(mbap)].concat();
    let records = over(Transport::Tcp, 1400, &said);
    assert_eq!((records.exchanges.len(), kinds(&records)), (5, vec![]));
}

#[test]
fn ip_fragments_that_contradict_each_other_are_told_and_the_first_counts() {
    let [head, value] = fragments(&write_register(0, 2));
    let [_, other] = fragments(&write_register(0, 9));
    let mut memory = Memory::new(&Limits::default(), Policy::empty());
    let mut sensor = Sensor::new(Config::default(), Policy::empty(), memory.lend());
    let mut records = Records::default();
    for (number, bytes) in (1..).zip([&other, &value, &head]) {
        let (time, wire_len) = (Timestamp(number), bytes.len() as u32);
        sensor.frame(&Frame { number, time, link: LinkType::Ethernet, bytes, wire_len }, &mut records);
    }
    sensor.finish(&mut records);
    assert_eq!(told(&records), [(write_register(0, 9), vec![], "unanswered")]);
    assert_eq!(kinds(&records), [AnomalyKind::IpFragmentConflict]);
}

#[test]
fn a_damaged_frame_costs_itself_only() {
    for (frame, kind) in
        [(rtu as fn(u8, &[u8]) -> Vec<u8>, AnomalyKind::ModbusRtuCrc), (ascii, AnomalyKind::ModbusAsciiLrc)]
    {
        let mut said = [dialogue(frame), dialogue(frame), dialogue(frame)].concat();
        let at = said[4].1.len() - 5;
        said[4].1[at] ^= 1;
        let records = over(Transport::Tcp, 1400, &said);
        assert_eq!(told(&records).iter().filter(|one| one.2 == "answered").count(), 5);
        assert_eq!(kinds(&records), [kind, AnomalyKind::UnmatchedResponse]);
    }
}

#[test]
fn a_frame_that_was_cut_short_does_not_hold_up_the_next() {
    let cut = rtu(UNIT, &[16, 0, 0, 0, 60, 120, 0, 1])[..8].to_vec();
    let said = [dialogue(rtu), vec![asks(cut)], dialogue(rtu)].concat();
    let records = over(Transport::Tcp, 1400, &said);
    assert_eq!(told(&records), expected(2));
    assert_eq!(kinds(&records), [AnomalyKind::ModbusRtuCrc]);
    let frames: Vec<_> = records.frames.iter().map(|(request, _)| *request).collect();
    assert!(frames.is_sorted() && frames.len() == 4, "{frames:?}");
}

#[test]
fn nobody_answers_a_broadcast_where_there_is_one() {
    let write = |frame: fn(u8, &[u8]) -> Vec<u8>| vec![asks(frame(0, &write_register(0, 2)))];
    assert_eq!(told(&over(Transport::Tcp, 1400, &write(rtu)))[0].2, "no-response-due");
    assert_eq!(told(&over(Transport::Tcp, 1400, &write(ascii)))[0].2, "no-response-due");
    assert_eq!(told(&over(Transport::Tcp, 1400, &write(mbap)))[0].2, "unanswered");
}

/// Unit 255 stands for the device itself where there is no gateway (V1.0b, 3.1.3), 248 to 254 are reserved.
#[test]
fn units_above_247_are_asked_and_answer_like_any_other() {
    for unit in [248, 254, 255] {
        for frame in [mbap as Wrap, rtu, ascii] {
            let whole =
                [asks(frame(unit, &write_register(65_535, 2))), answers(frame(unit, &write_register(65_535, 2)))];
            let records = over(Transport::Tcp, 1400, &whole);
            assert_eq!(told(&records), [(write_register(65_535, 2), write_register(65_535, 2), "answered")]);
            assert_eq!(told(&over(Transport::Tcp, 1400, &whole[..1]))[0].2, "unanswered");
            assert_eq!(kinds(&records), []);
        }
    }
}

#[test]
fn without_transaction_ids_a_response_belongs_to_the_latest_request_of_its_unit() {
    let ask = |unit, address| asks(rtu(unit, &read(3, address, 1)));
    let said = [ask(1, 10), ask(1, 11), ask(2, 12), answers(rtu(1, &registers_response(3, &[7])))];
    let records = over(Transport::Tcp, 1400, &said);
    let answered = |one: &&(Vec<u8>, Vec<u8>, &str)| one.2 == "answered";
    let exchanges = told(&records);
    assert_eq!(exchanges.iter().filter(answered).map(|one| &one.0).collect::<Vec<_>>(), [&read(3, 11, 1)]);
    assert_eq!(exchanges.len(), 3);
}

#[test]
fn a_line_tells_requests_from_responses() {
    for (frame, carries) in
        [(rtu as fn(u8, &[u8]) -> Vec<u8>, LineProtocol::ModbusRtu), (ascii, LineProtocol::ModbusAscii)]
    {
        for carries in [None, Some(carries)] {
            let records = over_line(carries, 5, &[dialogue(frame), dialogue(frame)].concat());
            assert_eq!(told(&records), expected(2));
            assert_eq!(kinds(&records), []);
        }
    }
}

#[test]
fn a_line_may_carry_dnp3() {
    let link = Link { master: 1, outstation: 10 };
    let request = dnp3::request(0, 1, &[60, 2, 6]);
    let response = dnp3::response(0, [0, 0], &[]);
    let said = [
        asks(dnp3::frames(link, Side::Client, 0, &request).concat()),
        answers(dnp3::frames(link, Side::Server, 0, &response).concat()),
    ];
    for carries in [None, Some(LineProtocol::Dnp3)] {
        for piece in [1, 7, 100] {
            let records = over_line(carries, piece, &said);
            assert_eq!(told(&records), [(request.clone(), response.clone(), "answered")]);
            assert_eq!((records.exchanges[0].master, records.exchanges[0].unit), (1, 10));
        }
    }
}

#[test]
fn fragments_of_two_outstations_may_be_interleaved() {
    let links = [10, 11].map(|outstation| Link { master: 1, outstation });
    let request = dnp3::request(0, 1, &[60, 2, 6]);
    let responses =
        [1, 2].map(|value| dnp3::response(0, [0, 0], &[&[30, 4, 0x00, 0, 199][..], &[value; 400]].concat()));
    let asked = links.map(|link| asks(dnp3::frames(link, Side::Client, 0, &request).concat()));
    let [first, second] = [0, 1].map(|at| dnp3::frames(links[at], Side::Server, 0, &responses[at]));
    assert_eq!((first.len(), second.len()), (2, 2));
    let answered = first.into_iter().zip(second).flat_map(|(first, second)| [answers(first), answers(second)]);
    let said: Vec<Said> = asked.into_iter().chain(answered).collect();
    let records = over_line(Some(LineProtocol::Dnp3), 64, &said);
    let expected = responses.map(|response| (request.clone(), response, "answered"));
    assert_eq!((told(&records), kinds(&records)), (expected.to_vec(), vec![]));
}

#[test]
fn another_write_is_no_echo_of_the_one_before() {
    let said = [asks(rtu(UNIT, &write_register(0, 2))), asks(rtu(UNIT, &write_register(0, 3)))];
    let requests: Vec<_> = told(&over_line(None, 8, &said)).into_iter().map(|one| one.0).collect();
    assert_eq!(requests, [write_register(0, 2), write_register(0, 3)]);
}

/// A panel and a drive that are both on line 3 and in the network.
const POLICY: &str = r#"
[actors.panel]
kind = "hmi"
selectors = [{ line = 3 }, { ip = "10.0.0.1" }]

[devices.drive]
selectors = [{ line = 3, unit = 7 }, { ip = "10.0.0.2", unit = 7 }]

[devices.drive.points]
speed = { holding-register = 0, type = "u16" }

[[permits]]
actor = "panel"
device = "drive"
do = ["read"]

[[permits]]
actor = "panel"
device = "drive"
do = ["write"]
value = { max = 1 }
"#;

#[test]
fn what_is_on_a_line_is_judged_as_what_is_in_a_network() {
    let image = tagout_compiler::compile(&[tagout_compiler::SourceFile::new("policy.toml", POLICY)]).unwrap().image;
    let policy = Policy::load(&image).unwrap();
    let said = |records: &Records| records.alerts.iter().map(|alert| alert.told(policy)).collect::<Vec<_>>();
    let network = said(&judged_over(Transport::Tcp, 1_400, &dialogue(mbap), policy));
    assert_eq!(network, ["panel write drive speed 2.0 value-out-of-range"]);
    let line = |number| said(&judged_over_line(number, Some(LineProtocol::ModbusRtu), 8, &dialogue(rtu), policy));
    assert_eq!(line(3), network);
    assert!(line(4).iter().all(|alert| alert.starts_with("nobody ")), "line 4 is another one: {:?}", line(4));
}

#[test]
fn silence_ends_a_frame_on_a_line() {
    let mut memory = Memory::new(&Limits::default(), Policy::empty());
    let mut sensor = Sensor::new(Config::default(), Policy::empty(), memory.lend());
    let mut records = Records::default();
    let pieces =
        [(1, rtu(UNIT, &read(3, 0, 2))), (2, vec![UNIT, 16, 0, 0, 0, 60, 120]), (300, rtu(UNIT, &read(4, 0, 2)))];
    for (ms, bytes) in pieces {
        sensor.serial(1, &bytes, Seen { frame: ms, time: Timestamp(ms * 1_000_000) }, &mut records);
    }
    assert_eq!(kinds(&records), [AnomalyKind::ModbusRtuCrc]);
    assert_eq!(records.frames, [(1, 0)]);
    sensor.finish(&mut records);
    assert_eq!(records.frames, [(1, 0), (300, 0)]);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_line_says_the_same_in_pieces_of_any_size(piece in 1_usize..200, in_ascii: bool) {
        let said = vec![if in_ascii { dialogue(ascii) } else { dialogue(rtu) }; 3].concat();
        prop_assert_eq!(told(&over_line(None, piece, &said)), expected(3));
    }

    #[test]
    fn segments_of_any_size_say_the_same(segment_bytes in 1_usize..40, framing in 0..3_usize) {
        let said = vec![[dialogue(mbap), dialogue(rtu), dialogue(ascii)][framing].clone(); 3].concat();
        prop_assert_eq!(told(&over(Transport::Tcp, segment_bytes, &said)), expected(3));
    }
}
