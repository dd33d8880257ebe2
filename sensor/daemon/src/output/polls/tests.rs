//! Which exchanges are written, and what they are told to stand for.

use std::net::Ipv4Addr;

use proptest::prelude::*;
use tagout_core::Host;
use tagout_core::modbus::Framing;

use super::*;

const INTERVAL_S: u32 = 60;
const ASK: &[u8] = &[3, 0, 10, 0, 1];
const ANSWER: &[u8] = &[3, 2, 0, 7];

/// What was written: frame of the request, response, and what it stands for.
type Line = (u64, Vec<u8>, Option<Repeated>);

/// Frames are numbered by the second in which they were captured.
fn seen(second: u64) -> Seen {
    Seen { frame: second, time: Timestamp(second * NANOS_PER_SECOND) }
}

fn host(last: u8, port: u16) -> Host {
    Host { mac: None, ip: Ipv4Addr::new(10, 0, 0, last).into(), port }
}

/// A poll by a client whose port and transaction id are never the same twice.
fn poll<'a>(second: u64, request: &'a [u8], response: &'a [u8]) -> Exchange<'a> {
    let port = 40_000 + second as u16;
    let (request_seen, response_seen) = (seen(second), Seen { frame: second, ..seen(second) });
    Exchange {
        path: Path {
            flow: second,
            transport: Transport::Tcp,
            vlan: None,
            client: host(20, port),
            server: host(10, 502),
        },
        actor: None,
        device: None,
        action: Action::Read,
        request: Some(request_seen),
        response: Some(response_seen),
        outcome: Outcome::Answered,
        body: Body::Modbus(modbus::Exchange {
            framing: Framing::Mbap,
            unit: 1,
            transaction_id: Some(port),
            function: 3,
            request: Some(request),
            response: Some(response),
        }),
    }
}

fn dnp3_poll<'a>(second: u64, request: &'a [u8], response: &'a [u8]) -> Exchange<'a> {
    let body = dnp3::Exchange {
        master: 1,
        outstation: 10,
        request: Some(request),
        response: Some(response),
        part: 1,
        responder: None,
        relation: Relation::None,
    };
    Exchange { body: Body::Dnp3(body), ..poll(second, &[], &[]) }
}

/// What becomes of `work`.
fn written(polls: &mut Polls, work: impl FnOnce(&mut Polls, &mut Write<'_>)) -> Vec<Line> {
    let mut lines = Vec::new();
    work(polls, &mut |exchange, repeated| {
        let frame = exchange.request.or(exchange.response).map_or(0, |seen| seen.frame);
        lines.push((frame, messages(exchange).1.unwrap_or_default().to_vec(), repeated));
    });
    lines
}

fn take(polls: &mut Polls, exchange: &Exchange<'_>) -> Vec<Line> {
    written(polls, |polls, write| polls.take(exchange, write))
}

fn polls() -> Polls {
    Polls::new(INTERVAL_S).unwrap()
}

/// What the exchanges of these seconds are told as.
fn all<'a>(exchanges: impl IntoIterator<Item = &'a Exchange<'a>>) -> Repeated {
    let mut exchanges = exchanges.into_iter();
    let mut repeated = Repeated::once(exchanges.next().unwrap());
    exchanges.for_each(|exchange| repeated.add(exchange));
    repeated
}

#[test]
fn without_an_interval_nothing_is_counted() {
    assert!(Polls::new(0).is_none());
}

#[test]
fn a_repeated_poll_is_told_once_an_interval() {
    let mut polls = polls();
    let exchanges: Vec<Exchange<'_>> = (0..130).map(|second| poll(second, ASK, ANSWER)).collect();
    let lines: Vec<Line> = exchanges.iter().flat_map(|exchange| take(&mut polls, exchange)).collect();
    let expected = [
        (0, ANSWER.to_vec(), None),
        (59, ANSWER.to_vec(), Some(all(&exchanges[1..60]))),
        (119, ANSWER.to_vec(), Some(all(&exchanges[60..120]))),
    ];
    assert_eq!(lines, expected);
    let rest = written(&mut polls, Polls::finish);
    assert_eq!(rest, [(129, ANSWER.to_vec(), Some(all(&exchanges[120..])))]);
    assert_eq!(take(&mut polls, &exchanges[0]).len(), 1, "another capture begins anew");
}

#[test]
fn a_changed_answer_is_written_behind_what_it_ends() {
    let mut polls = polls();
    let [first, second, third] = [1, 2, 3].map(|second| poll(second, ASK, ANSWER));
    let changed = poll(4, ASK, &[3, 2, 0, 8]);
    for exchange in [&first, &second, &third] {
        take(&mut polls, exchange);
    }
    let repeated = all([&second, &third]);
    let expected = [(3, ANSWER.to_vec(), Some(repeated)), (4, vec![3, 2, 0, 8], None)];
    assert_eq!(take(&mut polls, &changed), expected);
    assert_eq!(take(&mut polls, &poll(5, ASK, ANSWER)), [(5, ANSWER.to_vec(), None)]);
}

#[test]
fn what_happened_once_is_written_as_such() {
    let mut polls = polls();
    take(&mut polls, &poll(1, ASK, ANSWER));
    assert!(take(&mut polls, &poll(2, ASK, ANSWER)).is_empty());
    assert_eq!(written(&mut polls, Polls::finish), [(2, ANSWER.to_vec(), None)]);
}

#[test]
fn whatever_differs_is_written() {
    let first = poll(1, ASK, ANSWER);
    let Body::Modbus(body) = first.body else { unreachable!() };
    let differing = [
        Exchange { action: Action::Write, ..first },
        Exchange { actor: Some(ActorId(3)), ..first },
        Exchange { device: Some(DeviceId(3)), ..first },
        Exchange { outcome: Outcome::Refused, ..first },
        Exchange {
            outcome: Outcome::Unanswered,
            response: None,
            body: Body::Modbus(modbus::Exchange { response: None, ..body }),
            ..first
        },
        Exchange { path: Path { vlan: Some(1), ..first.path }, ..first },
        Exchange { path: Path { transport: Transport::Udp, ..first.path }, ..first },
        Exchange { path: Path { client: host(21, 1), ..first.path }, ..first },
        Exchange { path: Path { server: host(10, 503), ..first.path }, ..first },
        Exchange { body: Body::Modbus(modbus::Exchange { unit: 2, ..body }), ..first },
        poll(1, &[3, 0, 10, 0, 2], ANSWER),
        poll(1, ASK, &[3, 2, 1, 7]),
    ];
    for exchange in differing {
        let mut polls = polls();
        take(&mut polls, &first);
        assert_eq!(take(&mut polls, &exchange).len(), 1, "{exchange:?}");
    }
}

#[test]
fn commands_and_what_stands_alone_are_never_counted() {
    let read = poll(1, ASK, ANSWER);
    let Body::Modbus(body) = read.body else { unreachable!() };
    let alone = Exchange {
        request: None,
        outcome: Outcome::Unrequested,
        body: Body::Modbus(modbus::Exchange { request: None, ..body }),
        ..read
    };
    for exchange in
        [Exchange { action: Action::Write, ..read }, Exchange { outcome: Outcome::NoResponseDue, ..read }, alone]
    {
        let mut polls = polls();
        assert_eq!([1; 3].map(|_| take(&mut polls, &exchange).len()), [1; 3]);
        assert!(polls.polls.is_empty());
    }
}

#[test]
fn the_sequence_number_of_dnp3_makes_no_difference_but_other_bits_do() {
    let mut polls = polls();
    let ask = |control| [control, 1, 60, 2, 6];
    let answer = |control, iin| [control, 129, iin, 0];
    assert_eq!(take(&mut polls, &dnp3_poll(1, &ask(0xC1), &answer(0xC1, 0))).len(), 1);
    assert_eq!(take(&mut polls, &dnp3_poll(2, &ask(0xC2), &answer(0xC2, 0))).len(), 0);
    assert_eq!(take(&mut polls, &dnp3_poll(3, &ask(0xC3), &answer(0xE3, 0))).len(), 2, "asks for a confirm");
    assert_eq!(take(&mut polls, &dnp3_poll(4, &ask(0xC4), &answer(0xE4, 0x10))).len(), 1, "another indication");
    let told = written(&mut polls, Polls::finish);
    assert!(told.is_empty(), "{told:?}");
}

#[test]
fn link_frames_are_counted_whatever_their_frame_count_bit() {
    let frame = |control| Some(LinkMessage { control: dnp3::link::Control(control), user_data: &[] });
    let test_link = |second, control, answer| {
        let relation = Relation::Link(LinkExchange { request: frame(control), response: frame(answer) });
        let Body::Dnp3(body) = dnp3_poll(second, &[], &[]).body else { unreachable!() };
        let body = Body::Dnp3(dnp3::Exchange { request: None, response: None, relation, ..body });
        Exchange { action: Action::Diagnostics, body, ..poll(second, &[], &[]) }
    };
    let mut polls = polls();
    assert_eq!(take(&mut polls, &test_link(1, 0xD2, 0x00)).len(), 1);
    assert_eq!(take(&mut polls, &test_link(2, 0xF2, 0x00)).len(), 0);
    let mut told = String::new();
    let latest = test_link(3, 0xD2, 0x00);
    assert_eq!(take(&mut polls, &latest).len(), 0);
    polls.finish(&mut |exchange, _| told = format!("{exchange:?}"));
    assert_eq!(told, format!("{latest:?}"));
    take(&mut polls, &latest);
    assert_eq!(take(&mut polls, &test_link(4, 0xF2, 0x01)).len(), 1, "not acknowledged");
}

#[test]
fn the_latest_of_the_repeated_is_told_as_it_was() {
    let mut polls = polls();
    let [first, second, third] = [1, 2, 3].map(|second| poll(second, ASK, ANSWER));
    for exchange in [&first, &second, &third] {
        take(&mut polls, exchange);
    }
    let mut told = String::new();
    polls.finish(&mut |exchange, _| told = format!("{exchange:?}"));
    assert_eq!(told, format!("{third:?}"));
}

#[test]
fn an_alert_ends_the_count() {
    let mut polls = polls();
    let [first, second, third] = [1, 2, 3].map(|second| poll(second, ASK, ANSWER));
    for exchange in [&first, &second, &third] {
        take(&mut polls, exchange);
    }
    let told = written(&mut polls, |polls, write| polls.alerted(&third, write));
    assert_eq!(told, [(3, ANSWER.to_vec(), Some(all([&second, &third])))]);
    assert_eq!(take(&mut polls, &poll(4, ASK, ANSWER)), [(4, ANSWER.to_vec(), None)]);
}

#[test]
fn polls_that_stop_are_told_when_time_passes() {
    let mut polls = polls();
    take(&mut polls, &poll(1, ASK, ANSWER));
    take(&mut polls, &poll(2, ASK, ANSWER));
    let advance = |second: u64| move |polls: &mut Polls, write: &mut Write<'_>| polls.advance(seen(second).time, write);
    assert!(written(&mut polls, advance(59)).is_empty());
    assert_eq!(written(&mut polls, advance(60)), [(2, ANSWER.to_vec(), None)]);
    assert!(written(&mut polls, advance(120)).is_empty());
}

#[test]
fn a_full_table_tells_what_it_displaces() {
    let mut polls = polls();
    let requests: Vec<[u8; 5]> =
        (0..=MAX_POLLS).map(|number| [3, (number >> 8) as u8, number as u8, 0, (number >> 16) as u8 + 1]).collect();
    take(&mut polls, &poll(1, &requests[0], ANSWER));
    let displaced: Vec<Line> =
        requests.iter().flat_map(|request| take(&mut polls, &poll(2, request, ANSWER))).collect();
    assert_eq!(displaced.len(), MAX_POLLS, "each new one");
    assert_eq!(polls.polls.len(), MAX_POLLS);
    assert_eq!(polls.places.len(), MAX_POLLS);
    assert_eq!(written(&mut polls, Polls::finish).len(), 1, "the one that was repeated is still there");
}

#[test]
fn bytes_are_bounded_too() {
    let mut polls = polls();
    let long = vec![0; 2_048];
    for number in 0..6_000_u16 {
        let request = [0xC0, 1, (number >> 8) as u8, number as u8];
        take(&mut polls, &dnp3_poll(1, &request, &long));
        assert!(polls.bytes <= MAX_BYTES);
    }
    assert_eq!(polls.bytes, polls.polls.iter().map(|poll| poll.bytes.len()).sum::<usize>());
}

proptest! {
    /// Whatever is polled, each exchange is either written or counted, and what is told of a poll last is how it was.
    #[test]
    fn nothing_is_lost(exchanges in proptest::collection::vec((0_u64..20, 0_u8..4, 0_u8..3, any::<bool>()), 0..200)) {
        let mut polls = polls();
        let (mut now, mut told) = (0, 0);
        let mut last = HashMap::new();
        let mut latest = HashMap::new();
        for (pause, address, value, alerts) in exchanges.iter().copied() {
            now += pause;
            let (request, response) = ([3, 0, address, 0, 1], [3, 2, 0, value]);
            let exchange = poll(now, &request, &response);
            let mut write = |exchange: &Exchange<'_>, repeated: Option<Repeated>| {
                told += repeated.map_or(1, |repeated| repeated.count());
                let (request, response) = messages(exchange);
                last.insert(request.unwrap().to_vec(), response.unwrap().to_vec());
            };
            polls.take(&exchange, &mut write);
            if alerts {
                polls.alerted(&exchange, &mut write);
            }
            latest.insert(request.to_vec(), response.to_vec());
            prop_assert_eq!(&last, &latest);
        }
        polls.finish(&mut |_, repeated| told += repeated.map_or(1, |repeated| repeated.count()));
        prop_assert_eq!(told, exchanges.len() as u64);
    }
}
