//! What DNP3 messages mean together, told as one line an exchange.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects)]

extern crate std;

mod link;

use core::net::{IpAddr, Ipv4Addr};
use std::format;
use std::string::{String, ToString};
use std::vec;
use std::vec::Vec;

use tagout_engine::{AnomalyKind, Engine, Memory, Policy};

use super::absences::Absences;
use super::intents::Matching;
use super::*;
use crate::config::Folding;
use crate::counters::Counter;
use crate::dnp3::encode::{crob, frame};
use crate::dnp3::{LinkMessage, Relation};
use crate::flow::{BLOCK_LEN, Flow, FlowKey, Reader, Side, Turn};
use crate::intent::IntentMemory;
use crate::record::{Alert, Anomaly, Body, Exchange, Output, Protocol, Seen, Transport};
use crate::store::{Block, Links};
use tagout_engine::Timestamp;

const MASTER: u16 = 1;
const OUTSTATION: u16 = 10;

#[derive(Default)]
struct Listener {
    told: Vec<String>,
    anomalies: Vec<AnomalyKind>,
    retries: u64,
    acks: u64,
}

impl Output for Listener {
    fn exchange(&mut self, exchange: &Exchange<'_>) {
        let Body::Dnp3(dnp3) = exchange.body else { return };
        let number = |seen: Option<Seen>| seen.map_or("?".into(), |seen| seen.frame.to_string());
        let frames = format!("{}-{}", number(exchange.request), number(exchange.response));
        let responder = dnp3.responder.map_or(String::new(), |own| format!(" by {own}"));
        let (outcome, relation) = (exchange.outcome.name(), relation(&dnp3.relation));
        self.told.push(format!("{frames} {} {outcome}{responder}{relation}", exchange.action.name()));
    }
    fn anomaly(&mut self, anomaly: &Anomaly) {
        self.anomalies.push(anomaly.finding.kind);
    }
    fn alert(&mut self, _: &Alert<'_>) {}
}

fn relation(relation: &Relation<'_>) -> String {
    match relation {
        Relation::None => String::new(),
        Relation::Link(link) => format!(", {} {}", link_name(link.request), link_name(link.response)),
        Relation::Confirms(seen) => format!(", confirms {}", seen.frame),
        Relation::Challenges(seen) => format!(", challenges {}", seen.frame),
        Relation::Replies(seen) => format!(", replies to {}", seen.frame),
        Relation::Select(select) => format!(
            ", selected {}-{} {} us before, in sequence {}, matches {:?}",
            select.request_seen.frame,
            select.response_seen.map_or("?".into(), |seen| seen.frame.to_string()),
            select.delay_us,
            select.in_sequence,
            select.matches,
        ),
        Relation::File(file) => format!(
            ", file {} handle {:?} block {:?} of {} bytes {}",
            file.name.map_or("?".into(), String::from_utf8_lossy),
            file.handle,
            file.block,
            file.blocks,
            file.bytes
        ),
    }
}

fn link_name(message: Option<LinkMessage<'_>>) -> String {
    message.map_or("?".into(), |message| {
        let number = || format!("{}", message.control.function());
        message.control.function_name().map_or_else(number, ToString::to_string)
    })
}

/// Lets a connection carry these frames, 1 ms one after the other, past tables of this many slots.
fn hear_with(slots: usize, said: &[(Side, Vec<u8>)]) -> Listener {
    hear_captured(slots, said, &(0..said.len()).collect::<Vec<_>>())
}

/// The same, captured in another order than they were sent in.
fn hear_captured(slots: usize, said: &[(Side, Vec<u8>)], order: &[usize]) -> Listener {
    let mut pendings = vec![PendingSlot::EMPTY; 16];
    let mut links = vec![Links::EMPTY; 48];
    let (mut blocks, mut bytes) = (vec![Block::EMPTY; 8], vec![0; 8 * BLOCK_LEN]);
    let (mut buckets, mut associations) = (vec![0; slots], vec![AssociationSlot::default(); slots]);
    let (mut selection_buckets, mut selections) = (vec![0; slots], vec![SelectionSlot::default(); slots]);
    let mut selection_bytes = vec![0; slots * 128];
    let (mut file_buckets, mut files) = (vec![0; slots], vec![FileSlot::default(); slots]);
    let mut scratch = vec![0; 2048];
    let mut desk = Desk::new(
        Engine::new(Policy::empty(), Memory::default(), 0),
        Pendings::new(&mut pendings, &mut links, &mut blocks, &mut bytes),
        Dialogues {
            assemblies: Assemblies::new(&mut [], &mut [], &mut [], 0),
            associations: Associations::new(&mut buckets, &mut associations, 0),
            selects: Selects::new(&mut selection_buckets, &mut selections, &mut selection_bytes, 0),
            files: Files::new(&mut file_buckets, &mut files, 0),
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
    let (key, client_is_low) = FlowKey::new((ip, 40_000), (ip, 20_000), None, Transport::Tcp);
    let mut flow = Flow::new(key, Protocol::Dnp3, client_is_low);
    let mut output = Listener::default();
    let mut hearing = Hearing { desk: &mut desk, flow_id: 0, output: &mut output };
    let mut next = [0, 0];
    let mut turn = |(side, frame): &(Side, Vec<u8>)| {
        let own = usize::from(*side == Side::Server);
        let (seq, ack) = (next[own], next[1 - own]);
        next[own] += frame.len() as u32;
        let seen = Seen { frame: 0, time: Timestamp(0) };
        Turn { side: *side, seen, seq, end: next[own], ack }
    };
    let turns: Vec<_> = said.iter().map(&mut turn).collect();
    for (number, at) in (1..).zip(order) {
        let seen = Seen { frame: number, time: Timestamp(number * 1_000_000) };
        flow.hear(said[*at].0);
        hearing.unit(&mut flow, Turn { seen, ..turns[*at] }, &said[*at].1);
    }
    while let Some(oldest) = hearing.desk.due(Due::Request) {
        hearing.unanswered(&mut flow, oldest);
    }
    (output.retries, output.acks) =
        (desk.counters.get(Counter::Dnp3LinkRetries), desk.counters.get(Counter::Dnp3LinkAcks));
    output
}

fn hear(said: &[(Side, Vec<u8>)]) -> Listener {
    hear_with(4, said)
}

#[track_caller]
fn expect(said: &[(Side, Vec<u8>)], told: &[&str]) {
    let heard = hear(said);
    assert_eq!(heard.told, told);
    assert_eq!(heard.anomalies, []);
}

/// A frame from the master with this control octet.
fn asks(control: u8, user_data: &[u8]) -> (Side, Vec<u8>) {
    (Side::Client, frame(control, OUTSTATION, MASTER, user_data))
}

/// A frame from the outstation with this control octet.
fn says(control: u8, user_data: &[u8]) -> (Side, Vec<u8>) {
    (Side::Server, frame(control, MASTER, OUTSTATION, user_data))
}

/// A request in a frame of its own.
fn request(sequence: u8, function: u8, objects: &[u8]) -> (Side, Vec<u8>) {
    asks(0xc4, &[&[0xc0, 0xc0 | sequence, function], objects].concat())
}

/// A response; `control` has CON and UNS where they are to be set, and the sequence number.
fn response(control: u8, function: u8, objects: &[u8]) -> (Side, Vec<u8>) {
    says(0x44, &[&[0xc0, 0xc0 | control, function, 0, 0], objects].concat())
}

const CON: u8 = 0x20;
const UNS: u8 = 0x10;

fn control(index: u8, status: u8) -> Vec<u8> {
    [&[12, 1, 0x17, 1, index][..], &crob(0x41, status)].concat()
}

#[test]
fn who_is_asked_by_the_self_address_answers_by_its_own() {
    let asked = (Side::Client, frame(0xc4, 0xfffc, MASTER, &[0xc0, 0xc1, 1, 60, 1, 6]));
    expect(&[asked, response(1, 129, &[])], &["1-2 read answered by 10"]);
    let status = (Side::Client, frame(0xc9, 0xfffc, MASTER, &[]));
    expect(&[status, says(0x0b, &[])], &["1-2 diagnostics answered by 10, REQUEST_LINK_STATUS LINK_STATUS"]);
}

#[test]
fn confirms_name_what_they_confirm() {
    let confirm = |control: u8| request(control, 0, &[]);
    expect(
        &[
            request(3, 1, &[60, 2, 6]),
            response(CON | 3, 129, &[]),
            confirm(3),
            response(CON | UNS | 3, 130, &[]),
            confirm(UNS | 3),
            confirm(UNS | 3),
            confirm(4),
            confirm(3),
        ],
        &[
            "1-2 read answered",
            "3-? confirm no-response-due, confirms 2",
            "?-4 other unrequested",
            "5-? confirm no-response-due, confirms 4",
            "6-? confirm no-response-due, confirms 4",
            "7-? confirm no-response-due",
            "8-? confirm no-response-due, confirms 2",
        ],
    );
}

#[test]
fn select_and_operate_are_one_action() {
    let echo = |sequence, status| response(sequence, 129, &control(5, status));
    expect(
        &[
            request(1, 3, &control(5, 0)),
            echo(1, 0),
            request(2, 4, &control(5, 0)),
            echo(2, 0),
            request(3, 4, &control(5, 0)),
            echo(3, 2),
        ],
        &[
            "1-2 select answered",
            "3-4 operate answered, selected 1-2 2000 us before, in sequence true, matches Some(true)",
            "5-6 operate refused",
        ],
    );
}

#[test]
fn a_repeated_operate_belongs_to_the_same_select() {
    let operate = || request(2, 4, &control(5, 0));
    let heard = hear(&[request(1, 3, &control(5, 0)), response(1, 129, &control(5, 0)), operate(), operate()]);
    assert!(heard.told[1..].iter().all(|told| told.contains("selected 1-2")), "{:?}", heard.told);
}

#[test]
fn an_operate_of_something_else_is_told() {
    expect(
        &[
            request(1, 3, &control(5, 0)),
            request(4, 4, &control(6, 0)),
            response(1, 129, &control(5, 0)),
            response(4, 129, &control(6, 2)),
        ],
        &[
            "1-3 select answered",
            "2-4 operate refused, selected 1-3 1000 us before, in sequence false, matches Some(false)",
        ],
    );
}

#[test]
fn a_select_too_long_to_keep_is_named_still() {
    let many = (0..8).flat_map(|index| control(index, 0)).collect::<Vec<u8>>();
    let heard = hear(&[request(1, 3, &many), request(2, 4, &many)]);
    assert!(heard.told[1].ends_with("selected 1-? 1000 us before, in sequence true, matches None"), "{:?}", heard.told);
}

#[test]
fn a_challenge_leaves_what_it_challenges_waiting() {
    let challenge = || response(6, 131, &[120, 1, 0x5b, 1, 12, 0, 1, 0, 0, 0, 1, 0, 3, 1, 9, 9, 9, 9]);
    let reply = request(6, 32, &[120, 2, 0x5b, 1, 10, 0, 1, 0, 0, 0, 1, 0, 7, 7, 7, 7]);
    expect(
        &[request(6, 5, &control(5, 0)), challenge(), challenge(), reply, response(6, 129, &control(5, 0))],
        &[
            "?-2 direct-operate no-response-due, challenges 1",
            "?-3 direct-operate no-response-due, challenges 1",
            "4-? confirm no-response-due, replies to 3",
            "1-5 direct-operate answered",
        ],
    );
}

#[test]
fn an_authentication_error_ends_what_was_asked() {
    let error = [&[120, 7, 0x5b, 1, 15, 0][..], &[1, 0, 0, 0, 1, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0]].concat();
    expect(&[request(6, 5, &control(5, 0)), response(6, 131, &error)], &["1-2 direct-operate refused"]);
}

#[test]
fn keys_are_asked_for_and_changed() {
    let status = [&[120, 5, 0x5b, 1, 15, 0][..], &[1, 0, 0, 0, 1, 0, 2, 2, 4, 4, 0, 9, 9, 9, 9]].concat();
    expect(
        &[
            request(1, 32, &[120, 4, 0x07, 1, 1, 0]),
            response(1, 131, &status),
            request(2, 32, &[120, 6, 0x5b, 1, 8, 0, 1, 0, 0, 0, 1, 0, 5, 5]),
            response(2, 131, &status),
        ],
        &["1-2 confirm answered", "3-4 confirm answered"],
    );
}

#[test]
fn a_master_challenges_an_unsolicited_response() {
    let challenge = [120, 1, 0x5b, 1, 12, 0, 1, 0, 0, 0, 1, 0, 3, 1, 9, 9, 9, 9];
    let reply = [120, 2, 0x5b, 1, 10, 0, 1, 0, 0, 0, 1, 0, 7, 7, 7, 7];
    expect(
        &[response(CON | UNS | 2, 130, &[]), request(UNS | 2, 32, &challenge), response(UNS | 2, 131, &reply)],
        &["?-1 other unrequested", "2-3 confirm answered, challenges 1"],
    );
}

#[test]
fn messages_about_unsolicited_responses_have_numbers_of_their_own() {
    let challenge = [120, 1, 0x5b, 1, 12, 0, 1, 0, 0, 0, 1, 0, 3, 1, 9, 9, 9, 9];
    let reply = [120, 2, 0x5b, 1, 10, 0, 1, 0, 0, 0, 1, 0, 7, 7, 7, 7];
    let (read, challenges) = (request(5, 1, &[60, 1, 6]), request(UNS | 5, 32, &challenge));
    let (replies, answer) = (response(UNS | 5, 131, &reply), response(5, 129, &[]));
    expect(&[read, challenges, replies, answer], &["2-3 confirm answered", "1-4 read answered"]);
}

#[test]
fn the_first_fragment_of_a_response_may_come_before_its_request() {
    let read = |sequence| request(sequence, 1, &[60, 1, 6]);
    let first = says(0x44, &[0xc0, 0xa2, 129, 0, 0]);
    let said = [read(1), response(1, 129, &[]), read(2), first, request(2, 0, &[]), response(3, 129, &[])];
    let heard = hear_captured(4, &said, &[0, 1, 3, 2, 4, 5]);
    let told =
        ["1-2 read answered", "4-3 read answered", "5-? confirm no-response-due, confirms 3", "4-6 read answered"];
    assert_eq!((heard.told, heard.anomalies), (told.map(String::from).to_vec(), vec![]));
}

/// A command (g70v3) to open a file for reading or, mode 2, writing.
fn command(name: &[u8], mode: u8) -> Vec<u8> {
    let len = name.len() as u8;
    [&[70, 3, 0x5b, 1, 26 + len, 0, 26, 0, len, 0][..], &[0; 16], &[mode, 0, 0, 4, 9, 0], name].concat()
}

fn status(handle: u8, status: u8) -> Vec<u8> {
    [&[70, 4, 0x5b, 1, 13, 0, handle, 0, 0, 0][..], &[0; 4], &[0, 2, 9, 0, status]].concat()
}

fn block(handle: u8, number: u8, data: &[u8]) -> Vec<u8> {
    [&[70, 5, 0x5b, 1, 8 + data.len() as u8, 0, handle, 0, 0, 0, number, 0, 0, 0], data].concat()
}

#[test]
fn a_file_is_followed_from_open_to_close() {
    expect(
        &[
            request(1, 25, &command(b"a.txt", 1)),
            response(1, 129, &status(7, 0)),
            request(2, 1, &block(7, 0, &[])),
            response(2, 129, &block(7, 0, b"abc")),
            request(3, 1, &block(7, 0, &[])),
            response(3, 129, &block(7, 0, b"abc")),
            request(4, 1, &block(7, 1, &[])),
            response(4, 129, &block(7, 1, b"d")),
            request(5, 26, &status(7, 0)),
            response(5, 129, &status(7, 0)),
            request(6, 1, &block(7, 2, &[])),
            response(6, 129, &[70, 6, 0x5b, 1, 9, 0, 7, 0, 0, 0, 2, 0, 0, 0, 16]),
        ],
        &[
            "1-2 file answered, file a.txt handle Some(7) block None of 0 bytes 0",
            "3-4 file answered, file a.txt handle Some(7) block Some(0) of 1 bytes 3",
            "5-6 file answered, file a.txt handle Some(7) block Some(0) of 1 bytes 3",
            "7-8 file answered, file a.txt handle Some(7) block Some(1) of 2 bytes 4",
            "9-10 file answered, file a.txt handle Some(7) block None of 2 bytes 4",
            "11-12 file refused, file ? handle Some(7) block Some(2) of 0 bytes 0",
        ],
    );
}

#[test]
fn a_file_that_was_not_seen_to_be_opened_has_no_name() {
    expect(
        &[request(1, 25, &command(b"no", 1)), response(1, 129, &status(0, 3)), request(2, 26, &status(9, 0))],
        &[
            "1-2 file refused, file no handle None block None of 0 bytes 0",
            "3-? file unanswered, file ? handle Some(9) block None of 0 bytes 0",
        ],
    );
}

#[test]
fn full_tables_forget_and_go_on() {
    let open = |number: u8| [request(number, 25, &command(b"file", 2)), response(number, 129, &status(number, 0))];
    let said: Vec<_> = (1..=9).flat_map(open).chain([request(10, 26, &status(1, 0))]).collect();
    let last = hear_with(2, &said).told.pop().unwrap();
    assert_eq!(last, "19-? file unanswered, file ? handle Some(1) block None of 0 bytes 0");
    let confirms = [response(CON | UNS | 1, 130, &[]), request(UNS | 1, 0, &[])];
    assert_eq!(hear_with(0, &confirms).told[1], "2-? confirm no-response-due");
}

#[test]
fn both_ways_to_set_the_time_are_time_synchronisation() {
    let time = [50, 1, 0x07, 1, 0, 0, 0, 0, 0, 0];
    let recorded = [50, 3, 0x07, 1, 0, 0, 0, 0, 0, 0];
    expect(
        &[
            request(1, 23, &[]),
            response(1, 129, &[52, 2, 0x07, 1, 5, 0]),
            request(2, 2, &time),
            response(2, 129, &[]),
            request(3, 24, &[]),
            response(3, 129, &[]),
            request(4, 2, &recorded),
            response(4, 129, &[]),
            request(5, 1, &[50, 1, 0x07, 1]),
            response(5, 129, &time),
        ],
        &[
            "1-2 time-sync answered",
            "3-4 time-sync answered",
            "5-6 time-sync answered",
            "7-8 time-sync answered",
            "9-10 read answered",
        ],
    );
}

#[test]
fn a_repeated_request_is_a_request_of_its_own() {
    let read = || request(1, 1, &[60, 1, 6]);
    expect(&[read(), read(), response(1, 129, &[])], &["1-3 read answered", "2-? read unanswered"]);
}
