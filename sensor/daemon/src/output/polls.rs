//! Repeated polls, counted instead of written.

use std::collections::HashMap;
use std::hash::{BuildHasher as _, Hash, Hasher as _};
use std::net::IpAddr;

use foldhash::fast::FixedState;
use tagout_core::dnp3::{LinkExchange, LinkMessage, Relation};
use tagout_core::engine::{Action, ActorId, DeviceId};
use tagout_core::{Body, Exchange, Outcome, Path, Seen, Timestamp, Transport, dnp3, modbus};

use crate::record::Repeated;

/// Polls known at a time. A new one displaces one that was not repeated lately.
const MAX_POLLS: usize = 16_384;
/// Bytes of their requests and responses.
const MAX_BYTES: usize = 8 << 20;
/// Polls looked at beside each exchange, to tell those whose interval is over.
const STRIDE: usize = 8;
const NANOS_PER_SECOND: u64 = 1_000_000_000;

/// The latest exchange of every poll, and how often it was repeated without being written.
///
/// A poll is an exchange that commands nothing. It is repeated when the same client asks the same of the same device and
/// gets the same answer; client port, transaction id and sequence number do not matter. It is written when it is new or its
/// answer changes. Repetitions are told by the latest of them once an interval: intervals are those of the capture's
/// clock, so that it does not matter when they are looked at.
pub(super) struct Polls {
    interval_ns: u64,
    /// Number of the current interval.
    interval: u64,
    now: Timestamp,
    polls: Vec<Poll>,
    places: HashMap<u64, usize, FixedState>,
    bytes: usize,
    /// The next to be displaced if it was not repeated since the last look.
    displacing: usize,
    /// The next whose interval may be over.
    telling: usize,
}

/// Takes what is to be written.
pub(super) type Write<'w> = dyn FnMut(&Exchange<'_>, Option<Repeated>) + 'w;

impl Polls {
    /// No polls yet; `None` if every exchange is to be written.
    pub(super) fn new(interval_s: u32) -> Option<Self> {
        (interval_s > 0).then(|| Self {
            interval_ns: u64::from(interval_s) * NANOS_PER_SECOND,
            interval: 0,
            now: Timestamp::default(),
            polls: Vec::new(),
            places: HashMap::default(),
            bytes: 0,
            displacing: 0,
            telling: 0,
        })
    }

    /// Takes an exchange, to be written or counted.
    pub(super) fn take(&mut self, exchange: &Exchange<'_>, write: &mut Write<'_>) {
        let times = [exchange.request, exchange.response].into_iter().flatten().map(|seen| seen.time);
        self.pass(times.max().unwrap_or_default());
        self.tell_due(STRIDE, write);
        let Some(hash) = identity(exchange).filter(|_| is_settled(exchange.outcome)) else {
            return write(exchange, None);
        };
        match self.places.get(&hash).copied() {
            Some(place) if self.polls[place].is_repeated_by(exchange) => {
                let poll = &mut self.polls[place];
                poll.tell_before(self.interval, write);
                poll.repeat(exchange, self.interval);
            }
            Some(place) => {
                self.remove(place, write);
                self.insert(hash, exchange, write);
            }
            None => self.insert(hash, exchange, write),
        }
    }

    /// Takes note of an alert on an exchange: it and those before it are written, not counted.
    pub(super) fn alerted(&mut self, exchange: &Exchange<'_>, write: &mut Write<'_>) {
        if let Some(place) = identity(exchange).and_then(|hash| self.places.get(&hash).copied()) {
            self.remove(place, write);
        }
    }

    /// Lets time pass without exchanges.
    pub(super) fn advance(&mut self, now: Timestamp, write: &mut Write<'_>) {
        self.pass(now);
        self.tell_due(self.polls.len(), write);
    }

    /// Tells everything that was counted, and forgets it.
    pub(super) fn finish(&mut self, write: &mut Write<'_>) {
        self.polls.drain(..).for_each(|mut poll| poll.tell(write));
        self.places.clear();
        (self.bytes, self.interval, self.now) = (0, 0, Timestamp::default());
    }

    fn pass(&mut self, now: Timestamp) {
        self.now = self.now.max(now);
        self.interval = self.now.0 / self.interval_ns;
    }

    fn tell_due(&mut self, count: usize, write: &mut Write<'_>) {
        for _ in 0..count.min(self.polls.len()) {
            self.telling = if self.telling + 1 < self.polls.len() { self.telling + 1 } else { 0 };
            self.polls[self.telling].tell_before(self.interval, write);
        }
    }

    /// Writes an exchange and knows it from now on.
    fn insert(&mut self, hash: u64, exchange: &Exchange<'_>, write: &mut Write<'_>) {
        let poll = Poll::new(hash, exchange);
        while !self.polls.is_empty() && (self.polls.len() >= MAX_POLLS || self.bytes + poll.bytes.len() > MAX_BYTES) {
            self.displace(write);
        }
        self.bytes += poll.bytes.len();
        self.places.insert(hash, self.polls.len());
        self.polls.push(poll);
        write(exchange, None);
    }

    /// Makes room by second chance.
    fn displace(&mut self, write: &mut Write<'_>) {
        loop {
            self.displacing = if self.displacing + 1 < self.polls.len() { self.displacing + 1 } else { 0 };
            if !std::mem::take(&mut self.polls[self.displacing].is_lively) {
                return self.remove(self.displacing, write);
            }
        }
    }

    fn remove(&mut self, place: usize, write: &mut Write<'_>) {
        let mut poll = self.polls.swap_remove(place);
        self.places.remove(&poll.hash);
        if let Some(moved) = self.polls.get(place) {
            self.places.insert(moved.hash, place);
        }
        self.bytes -= poll.bytes.len();
        poll.tell(write);
    }
}

/// The latest exchange of a poll.
struct Poll {
    hash: u64,
    ends: Ends,
    path: Path,
    parties: (Option<ActorId>, Option<DeviceId>),
    action: Action,
    request: Option<Seen>,
    response: Option<Seen>,
    outcome: Outcome,
    /// The protocol's part without the messages.
    body: Body<'static>,
    /// The request, then the response.
    bytes: Vec<u8>,
    request_len: usize,
    /// What was not written yet, and in which interval.
    repeated: Option<(Repeated, u64)>,
    /// Whether it was repeated since it was looked at for displacing.
    is_lively: bool,
}

/// All of them with their messages take 16 MiB at most.
const _: () = assert!(MAX_POLLS * size_of::<Poll>() + MAX_BYTES <= 16 << 20);

/// What a poll has in common with its repetitions beside what is said.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Ends {
    client: IpAddr,
    server: (IpAddr, u16),
    vlan: Option<u16>,
    transport: Transport,
    stations: Stations,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Stations {
    Modbus { unit: u8 },
    Dnp3 { master: u16, outstation: u16, part: u16 },
}

impl Poll {
    fn new(hash: u64, exchange: &Exchange<'_>) -> Self {
        let (request, response) = messages(exchange);
        Self {
            hash,
            ends: Ends::of(exchange),
            path: exchange.path,
            parties: (exchange.actor, exchange.device),
            action: exchange.action,
            request: exchange.request,
            response: exchange.response,
            outcome: exchange.outcome,
            body: without_messages(&exchange.body),
            bytes: [request.unwrap_or_default(), response.unwrap_or_default()].concat(),
            request_len: request.map_or(0, <[u8]>::len),
            repeated: None,
            is_lively: false,
        }
    }

    fn exchange(&self) -> Exchange<'_> {
        let (request, response) = self.bytes.split_at(self.request_len);
        let (request, response) = (self.request.map(|_| request), self.response.map(|_| response));
        Exchange {
            path: self.path,
            actor: self.parties.0,
            device: self.parties.1,
            action: self.action,
            request: self.request,
            response: self.response,
            outcome: self.outcome,
            body: match self.body {
                Body::Modbus(body) => Body::Modbus(modbus::Exchange { request, response, ..body }),
                Body::Dnp3(dnp3::Exchange { relation: Relation::Link(_), .. }) => self.body,
                Body::Dnp3(body) => Body::Dnp3(dnp3::Exchange { request, response, ..body }),
            },
        }
    }

    /// Whether an exchange says nothing that this one did not.
    fn is_repeated_by(&self, exchange: &Exchange<'_>) -> bool {
        self.ends == Ends::of(exchange)
            && (self.parties, self.action) == ((exchange.actor, exchange.device), exchange.action)
            && (self.outcome, responder(&self.body)) == (exchange.outcome, responder(&exchange.body))
            && numberless(&self.exchange().body) == numberless(&exchange.body)
    }

    /// Counts an exchange that repeats this one.
    fn repeat(&mut self, exchange: &Exchange<'_>, interval: u64) {
        match &mut self.repeated {
            Some((repeated, _)) => repeated.add(exchange),
            None => self.repeated = Some((Repeated::once(exchange), interval)),
        }
        let (request, response) = messages(exchange);
        self.path = exchange.path;
        (self.request, self.response) = (exchange.request, exchange.response);
        self.body = without_messages(&exchange.body);
        self.bytes.clear();
        self.bytes.extend([request, response].into_iter().flatten().flatten());
        self.is_lively = true;
    }

    /// Tells what was counted in an earlier interval.
    fn tell_before(&mut self, interval: u64, write: &mut Write<'_>) {
        if self.repeated.as_ref().is_some_and(|(_, counted)| *counted < interval) {
            self.tell(write);
        }
    }

    fn tell(&mut self, write: &mut Write<'_>) {
        if let Some((repeated, _)) = self.repeated.take() {
            write(&self.exchange(), repeated.unless_single());
        }
    }
}

impl Ends {
    fn of(exchange: &Exchange<'_>) -> Self {
        let path = &exchange.path;
        Self {
            client: path.client.ip,
            server: (path.server.ip, path.server.port),
            vlan: path.vlan,
            transport: path.transport,
            stations: match &exchange.body {
                Body::Modbus(body) => Stations::Modbus { unit: body.unit },
                Body::Dnp3(body) => {
                    Stations::Dnp3 { master: body.master, outstation: body.outstation, part: body.part }
                }
            },
        }
    }
}

/// What a poll is found by; `None` for what is no poll.
fn identity(exchange: &Exchange<'_>) -> Option<u64> {
    if exchange.action.is_command() || belongs_to_another(&exchange.body) {
        return None;
    }
    let (first, rest) = numberless(&exchange.body)[0]?;
    let mut hasher = FixedState::default().build_hasher();
    Ends::of(exchange).hash(&mut hasher);
    hasher.write_u8(first);
    hasher.write(rest);
    Some(hasher.finish())
}

/// Whether it tells of more than its own messages.
fn belongs_to_another(body: &Body<'_>) -> bool {
    let Body::Dnp3(dnp3::Exchange { relation, .. }) = body else { return false };
    match relation {
        Relation::None => false,
        Relation::Link(link) => [link.request, link.response].iter().flatten().any(|frame| !frame.user_data.is_empty()),
        _ => true,
    }
}

/// Who answered in place of a DNP3 outstation.
const fn responder(body: &Body<'_>) -> Option<u16> {
    match body {
        Body::Dnp3(body) => body.responder,
        Body::Modbus(_) => None,
    }
}

/// Whether there is nothing to come of an exchange that was seen from its beginning.
const fn is_settled(outcome: Outcome) -> bool {
    matches!(outcome, Outcome::Answered | Outcome::Refused | Outcome::Unanswered)
}

/// Request and response.
fn messages<'a>(exchange: &Exchange<'a>) -> (Option<&'a [u8]>, Option<&'a [u8]>) {
    match exchange.body {
        Body::Modbus(body) => (body.request, body.response),
        Body::Dnp3(body) => (body.request, body.response),
    }
}

/// Request and response, the first octet of each apart, without the sequence number or frame count bit that DNP3 has there.
fn numberless<'a>(body: &Body<'a>) -> [Option<(u8, &'a [u8])>; 2] {
    let apart = |message: Option<&'a [u8]>, mask: u8| {
        message.and_then(<[u8]>::split_first).map(|(first, rest)| (first & mask, rest))
    };
    match *body {
        Body::Modbus(body) => [body.request, body.response].map(|message| apart(message, 0xFF)),
        Body::Dnp3(dnp3::Exchange { relation: Relation::Link(link), .. }) => {
            [link.request, link.response].map(|frame| frame.map(|frame| (frame.control.0 & 0xDF, frame.user_data)))
        }
        Body::Dnp3(body) => [body.request, body.response].map(|message| apart(message, 0xF0)),
    }
}

fn without_messages(body: &Body<'_>) -> Body<'static> {
    match *body {
        Body::Modbus(modbus::Exchange { framing, unit, transaction_id, function, .. }) => {
            Body::Modbus(modbus::Exchange { framing, unit, transaction_id, function, request: None, response: None })
        }
        Body::Dnp3(dnp3::Exchange { master, outstation, part, responder, relation, .. }) => {
            Body::Dnp3(dnp3::Exchange {
                master,
                outstation,
                part,
                responder,
                request: None,
                response: None,
                relation: match relation {
                    Relation::Link(link) => Relation::Link(LinkExchange {
                        request: link.request.map(without_data),
                        response: link.response.map(without_data),
                    }),
                    _ => Relation::None,
                },
            })
        }
    }
}

const fn without_data(frame: LinkMessage<'_>) -> LinkMessage<'static> {
    LinkMessage { control: frame.control, user_data: &[] }
}

#[cfg(test)]
mod tests;
