#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects)]

extern crate std;

use core::net::{IpAddr, Ipv4Addr};
use std::vec;
use std::vec::Vec;

use tagout_engine::{AnomalyKind, Engine, Memory, Policy};

use super::absences::Absences;
use super::intents::Matching;
use super::*;
use crate::config::Folding;
use crate::finding::{Finding, Term};
use crate::flow::{BLOCK_LEN, Flow, FlowKey, Reader, Side, Turn};
use crate::intent::IntentMemory;
use crate::record::{Alert, Anomaly, Body, Exchange, Outcome, Output, Protocol, Seen, Transport};
use crate::store::{Block, Links};
use tagout_engine::Timestamp;

/// Frames of request and response, the request's PDU, and how it ended.
type Told = (Option<u64>, Option<u64>, Vec<u8>, Outcome);

#[derive(Default)]
struct Listener {
    told: Vec<Told>,
    findings: Vec<Finding>,
}

impl Output for Listener {
    fn exchange(&mut self, exchange: &Exchange<'_>) {
        let Body::Modbus(modbus) = exchange.body else { return };
        let frame = |seen: Option<Seen>| seen.map(|seen| seen.frame);
        let request = modbus.request.unwrap_or_default().to_vec();
        self.told.push((frame(exchange.request), frame(exchange.response), request, exchange.outcome));
    }
    fn anomaly(&mut self, anomaly: &Anomaly) {
        self.findings.push(anomaly.finding);
    }
    fn alert(&mut self, _: &Alert<'_>) {}
}

/// What one side says: its frame, sequence number and acknowledgement, transaction id and PDU.
struct Said<'a> {
    side: Side,
    frame: u64,
    seq: u32,
    ack: u32,
    id: u16,
    pdu: &'a [u8],
}

fn hear(requests: usize, said: &[Said<'_>]) -> Vec<Told> {
    listen(requests, said).told
}

fn listen(requests: usize, said: &[Said<'_>]) -> Listener {
    listen_over(Transport::Tcp, requests, said)
}

fn listen_over(transport: Transport, requests: usize, said: &[Said<'_>]) -> Listener {
    let mut slots = vec![PendingSlot::EMPTY; requests];
    let mut links = vec![Links::EMPTY; 3 * requests];
    let (mut blocks, mut bytes) = (vec![Block::EMPTY; 8], vec![0; 8 * BLOCK_LEN]);
    let mut scratch = vec![0; 2048];
    let mut desk = Desk::new(
        Engine::new(Policy::empty(), Memory::default(), 0),
        Pendings::new(&mut slots, &mut links, &mut blocks, &mut bytes),
        Dialogues {
            assemblies: Assemblies::new(&mut [], &mut [], &mut [], 0),
            associations: Associations::new(&mut [], &mut [], 0),
            selects: Selects::new(&mut [], &mut [], &mut [], 0),
            files: Files::new(&mut [], &mut [], 0),
        },
        Stations::new(&mut [], &mut [], 0),
        (
            Firings::new(&mut []),
            Folds::new(Folding::OFF, (&mut [], &mut []), (&mut [], &mut []), 0),
            Absences::new(&mut [], &mut [], 0),
            Matching::new(IntentMemory::none(), &mut [], 0),
        ),
        &mut scratch,
        0,
    );
    let ip = IpAddr::V4(Ipv4Addr::LOCALHOST);
    let (key, client_is_low) = FlowKey::new((ip, 40_000), (ip, 502), None, transport);
    let mut flow = Flow::new(key, Protocol::Modbus, client_is_low);
    let mut output = Listener::default();
    let mut hearing = Hearing { desk: &mut desk, flow_id: 0, output: &mut output };
    for said in said {
        let [high, low] = said.id.to_be_bytes();
        let adu = [&[high, low, 0, 0, 0, said.pdu.len() as u8 + 1, 1], said.pdu].concat();
        let seen = Seen { frame: said.frame, time: Timestamp(said.frame) };
        let end = said.seq + adu.len() as u32;
        flow.hear(said.side);
        hearing.unit(&mut flow, Turn { side: said.side, seen, seq: said.seq, end, ack: said.ack }, &adu);
    }
    while let Some(oldest) = hearing.desk.due(Due::Request) {
        hearing.unanswered(&mut flow, oldest);
    }
    output
}

const READ: &[u8] = &[3, 0, 1, 0, 1];
const VALUE: &[u8] = &[3, 2, 0, 7];

fn asks(frame: u64, seq: u32, ack: u32, id: u16) -> Said<'static> {
    Said { side: Side::Client, frame, seq, ack, id, pdu: READ }
}

fn answers(frame: u64, seq: u32, ack: u32, id: u16) -> Said<'static> {
    Said { side: Side::Server, frame, seq, ack, id, pdu: VALUE }
}

fn pairs(told: &[Told]) -> Vec<(Option<u64>, Option<u64>)> {
    told.iter().map(|told| (told.0, told.1)).collect()
}

#[test]
fn pipelined_requests_pair_by_transaction() {
    let told = hear(8, &[asks(1, 0, 0, 5), asks(2, 12, 0, 6), answers(3, 0, 24, 6), answers(4, 11, 24, 5)]);
    assert_eq!(pairs(&told), [(Some(2), Some(3)), (Some(1), Some(4))]);
}

#[test]
fn pipelined_requests_under_one_transaction_id_pair_in_order() {
    let told = hear(8, &[asks(1, 0, 0, 5), asks(2, 12, 0, 5), answers(3, 0, 24, 5), answers(4, 11, 24, 5)]);
    assert_eq!(pairs(&told), [(Some(1), Some(3)), (Some(2), Some(4))]);
}

#[test]
fn a_lost_response_does_not_shift_the_others_under_one_transaction_id() {
    let told = hear(
        8,
        &[asks(1, 0, 0, 5), asks(3, 12, 11, 5), answers(4, 11, 24, 5), asks(5, 24, 22, 5), answers(6, 22, 36, 5)],
    );
    assert_eq!(pairs(&told), [(Some(3), Some(4)), (Some(5), Some(6)), (Some(1), None)]);
}

#[test]
fn over_udp_a_response_answers_the_latest_request_under_its_transaction_id() {
    let said = [asks(1, 0, 0, 5), asks(2, 0, 0, 5), answers(3, 0, 0, 5)];
    let told = listen_over(Transport::Udp, 8, &said).told;
    assert_eq!(pairs(&told), [(Some(2), Some(3)), (Some(1), None)]);
}

#[test]
fn a_response_captured_before_its_request_waits_for_it() {
    let told = hear(8, &[asks(1, 0, 0, 5), answers(2, 0, 12, 5), answers(3, 11, 24, 6), asks(4, 12, 11, 6)]);
    assert_eq!(pairs(&told), [(Some(1), Some(2)), (Some(4), Some(3))]);
}

#[test]
fn a_stale_response_does_not_answer_a_later_request() {
    let told = hear(
        8,
        &[asks(1, 0, 0, 5), answers(2, 0, 12, 5), answers(3, 11, 12, 5), asks(4, 12, 22, 5), answers(5, 22, 24, 5)],
    );
    assert_eq!(pairs(&told), [(Some(1), Some(2)), (Some(4), Some(5)), (None, Some(3))]);
    assert_eq!(told[2].3, Outcome::Unrequested);
}

#[test]
fn a_response_that_contradicts_its_request_is_told() {
    let answer = |pdu| Said { side: Side::Server, frame: 2, seq: 0, ack: 12, id: 5, pdu };
    let cases: [(&[u8], &str, u32, u32); 3] = [
        (&[3, 4, 0, 7, 0, 8], "byte count", 2, 4),
        (&[4, 2, 0, 7], "function code", 3, 4),
        (&[0x84, 2], "function code", 3, 4),
    ];
    for (pdu, field, expected, found) in cases {
        let heard = listen(8, &[asks(1, 0, 0, 5), answer(pdu)]);
        assert_eq!(pairs(&heard.told), [(Some(1), Some(2))]);
        let finding = heard.findings[0];
        assert_eq!((finding.kind, finding.field), (AnomalyKind::ModbusContradiction, field));
        assert_eq!((finding.expected, finding.found), (Term::Number(expected), Term::Number(found)));
    }
}

#[test]
fn who_is_to_listen_only_owes_no_response() {
    let told = hear(8, &[Said { side: Side::Client, frame: 1, seq: 0, ack: 0, id: 5, pdu: &[8, 0, 4, 0, 0] }]);
    assert_eq!((told[0].1, told[0].3), (None, Outcome::NoResponseDue));
}

#[test]
fn a_transaction_id_for_two_requests_at_a_time_is_told() {
    let other = Said { side: Side::Client, frame: 4, seq: 24, ack: 11, id: 6, pdu: &[3, 0, 9, 0, 1] };
    let before = [asks(1, 0, 0, 5), answers(2, 0, 12, 5), asks(3, 12, 11, 6)];
    let kinds = |said: Vec<Said<'_>>| listen(8, &said).findings.iter().map(|finding| finding.kind).collect::<Vec<_>>();
    assert_eq!(kinds(before.into_iter().chain([other]).collect()), [AnomalyKind::ModbusTransactionReused]);
    let before = [asks(1, 0, 0, 5), answers(2, 0, 12, 5), asks(3, 12, 11, 6)];
    assert_eq!(kinds(before.into_iter().chain([asks(4, 24, 11, 6)]).collect()), []);
}

#[test]
fn a_full_table_closes_the_oldest_and_loses_nothing() {
    let said: Vec<_> = (0..20).map(|n| asks(u64::from(n) + 1, 12 * u32::from(n), 0, n)).collect();
    let told = hear(4, &said);
    assert_eq!(told.iter().map(|told| told.0.unwrap()).collect::<Vec<_>>(), (1..=20).collect::<Vec<_>>());
    assert!(told.iter().all(|told| told.3 == Outcome::Unanswered));
}

#[test]
fn requests_of_any_length_are_kept_whole() {
    for len in 1..253 {
        let pdu: Vec<u8> = core::iter::once(100).chain(1..len).collect();
        let told = hear(8, &[Said { side: Side::Client, frame: 1, seq: 0, ack: 0, id: 1, pdu: &pdu }]);
        assert_eq!(told[0].2, pdu);
    }
}
