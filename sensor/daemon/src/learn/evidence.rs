//! What was seen, counted: who asked whom for what, how often, when, with which values, and how it ended.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;

use foldhash::fast::FixedState;
use tagout_core::engine::{Action, AnomalyKind, Mac, Space};
use tagout_core::{Exchange, Protocol, Seen, Timestamp};

use super::against::{Objected, Objection};
use super::calendar::{Calendar, Merge, Slots};
use super::listen::Sample;
use super::rhythm::Rhythms;
use super::series::Series;
use super::strays::Strays;

type Map<K, V> = HashMap<K, V, FixedState>;

/// How much is kept. What comes when a table is full is counted, and the review tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Different things that were asked, over all who asked.
    pub things: usize,
    /// Of these, those of one who asks; a scan cannot take the room of others.
    pub things_each: usize,
    /// Addresses whose values are followed.
    pub points: usize,
    /// Clients, and stations.
    pub parties: usize,
    /// Values that are commanded, each with its time.
    pub commands: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { things: 65_536, things_each: 8_192, points: 65_536, parties: 4_096, commands: 262_144 }
    }
}

/// Who asks: everything that the wire tells of a client but for its port.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub(super) struct Source {
    pub(super) ip: IpAddr,
    /// DNP3 link address of the master.
    pub(super) link: Option<u16>,
    pub(super) mac: Option<Mac>,
}

/// Who is asked.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub(super) struct Station {
    pub(super) ip: IpAddr,
    pub(super) dnp3: bool,
    /// Modbus unit id or DNP3 link address.
    pub(super) number: u16,
}

impl Station {
    pub(super) fn new(ip: IpAddr, protocol: Protocol, number: u16) -> Self {
        Self { ip, dnp3: protocol == Protocol::Dnp3, number }
    }
}

/// What is asked for: the addresses that one request touches together, or its function where it has none.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub(super) enum Thing {
    Span {
        space: Space,
        address: u32,
        count: u32,
    },
    /// Function code and, of Modbus diagnostics and interfaces, what is under it.
    Function {
        code: u8,
        sub: u16,
    },
}

/// Somebody asks somebody for something. The numbers are those of [`Evidence::sources`] and [`Evidence::stations`].
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub(super) struct Deed {
    pub(super) source: usize,
    pub(super) station: usize,
    pub(super) action: Action,
    pub(super) thing: Thing,
}

/// A value that somebody writes.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub(super) struct Target {
    pub(super) source: usize,
    pub(super) station: usize,
    pub(super) action: Action,
    pub(super) space: Space,
    pub(super) address: u32,
}

/// Where a value is.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub(super) struct Place {
    pub(super) station: usize,
    pub(super) space: Space,
    pub(super) address: u32,
}

/// A value that somebody commands.
#[derive(Clone, Copy, Debug)]
pub(super) struct Command {
    pub(super) at: Timestamp,
    /// The number of its exchange: all that one does is one use of a permit.
    pub(super) exchange: u64,
    pub(super) target: Target,
    pub(super) sample: Sample,
    /// What the address was reported to hold before, and when.
    pub(super) reported: Option<(Timestamp, Sample)>,
}

/// How a request ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Ending {
    /// It was answered, or no answer is due.
    Accepted,
    /// The device refused, with this Modbus exception if it was one.
    Refused(Option<u8>),
    /// Nobody answered.
    Unanswered,
}

/// How often something was seen, when, and how it ended.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tally {
    pub(super) accepted: u64,
    pub(super) refused: u64,
    pub(super) unanswered: u64,
    /// The first exception.
    pub(super) exception: Option<u8>,
    /// It went to all stations at once.
    pub(super) broadcast: bool,
    pub(super) first: Timestamp,
    pub(super) last: Timestamp,
    pub(super) slots: Slots,
}

impl Tally {
    pub(super) fn at(time: Timestamp) -> Self {
        Self {
            accepted: 0,
            refused: 0,
            unanswered: 0,
            exception: None,
            broadcast: false,
            first: time,
            last: time,
            slots: Slots::default(),
        }
    }

    pub(super) fn count(&mut self, ending: Ending, time: Timestamp, slot: Slots) {
        match ending {
            Ending::Accepted => self.accepted += 1,
            Ending::Unanswered => self.unanswered += 1,
            Ending::Refused(exception) => {
                self.refused += 1;
                self.exception = self.exception.or(exception);
            }
        }
        (self.first, self.last) = (self.first.min(time), self.last.max(time));
        self.slots.add(slot);
    }

    /// How often it was asked.
    pub(super) const fn asked(&self) -> u64 {
        self.accepted + self.refused + self.unanswered
    }

    /// Both together.
    pub(super) fn with(mut self, other: &Self) -> Self {
        self.accepted += other.accepted;
        self.refused += other.refused;
        self.unanswered += other.unanswered;
        self.exception = self.exception.or(other.exception);
        self.broadcast |= other.broadcast;
        (self.first, self.last) = (self.first.min(other.first), self.last.max(other.last));
        self.slots.add(other.slots);
        self
    }
}

/// An anomaly between two hosts, by who sent what was wrong.
pub(super) type Oddity = (IpAddr, IpAddr, AnomalyKind);

/// What did not find room.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub(super) struct Beyond {
    /// Requests of things that were not kept.
    pub(super) things: u64,
    /// Values of addresses that were not followed.
    pub(super) values: u64,
    /// Exchanges of clients or stations that were not kept.
    pub(super) parties: u64,
    /// Anomalies of kinds and hosts that were not kept.
    pub(super) oddities: u64,
    /// Commanded values whose times were not kept.
    pub(super) commands: u64,
}

/// Everything that was seen, in bounded memory.
#[derive(Debug)]
pub(super) struct Evidence {
    limits: Limits,
    pub(super) calendar: Calendar,
    pub(super) sources: Listed<Source>,
    pub(super) stations: Listed<Station>,
    /// How often each station answered anything.
    pub(super) answers: Vec<u64>,
    /// How many things each source asked for.
    things_of: Vec<usize>,
    pub(super) deeds: Map<Deed, Tally>,
    /// What the policy that was learned against does not permit.
    pub(super) objections: BTreeMap<(Deed, Objection), Objected>,
    /// What it permits but for what it asks beside values.
    pub(super) strays: Strays,
    pub(super) written: Map<Target, Series>,
    /// Values that were commanded, in the order in which they came.
    pub(super) commands: Vec<Command>,
    pub(super) reported: Map<Place, Series>,
    pub(super) oddities: BTreeMap<Oddity, u64>,
    /// Empty link frames that a DNP3 master sent, by source and station: asked and answered.
    pub(super) probes: BTreeMap<(usize, usize), (u64, u64)>,
    pub(super) rhythms: Rhythms,
    pub(super) beyond: Beyond,
    pub(super) exchanges: u64,
    pub(super) first: Option<Timestamp>,
    pub(super) last: Option<Timestamp>,
}

/// Things by number, in the order of their first appearance.
#[derive(Debug)]
pub(super) struct Listed<T> {
    numbers: Map<T, usize>,
    pub(super) all: Vec<T>,
}

impl<T: Copy + Eq + std::hash::Hash> Listed<T> {
    fn new() -> Self {
        Self { numbers: Map::default(), all: Vec::new() }
    }

    fn number(&mut self, thing: T, limit: usize) -> Option<usize> {
        if let Some(number) = self.numbers.get(&thing) {
            return Some(*number);
        }
        let number = self.all.len();
        (number < limit).then(|| {
            self.numbers.insert(thing, number);
            self.all.push(thing);
            number
        })
    }
}

impl Evidence {
    pub(super) fn new(limits: Limits) -> Self {
        Self {
            limits,
            calendar: Calendar::default(),
            sources: Listed::new(),
            stations: Listed::new(),
            answers: Vec::new(),
            things_of: Vec::new(),
            deeds: Map::default(),
            objections: BTreeMap::new(),
            strays: Strays::default(),
            written: Map::default(),
            commands: Vec::new(),
            reported: Map::default(),
            oddities: BTreeMap::new(),
            probes: BTreeMap::new(),
            rhythms: Rhythms::default(),
            beyond: Beyond::default(),
            exchanges: 0,
            first: None,
            last: None,
        }
    }

    /// The numbers of who asks whom; `None` when there is no room for one of them.
    pub(super) fn parties(&mut self, source: Source, station: Station) -> Option<(usize, usize)> {
        let limit = self.limits.parties;
        let numbers = self.sources.number(source, limit).zip(self.stations.number(station, limit));
        self.things_of.resize(self.sources.all.len(), 0);
        self.answers.resize(self.stations.all.len(), 0);
        self.beyond.parties += u64::from(numbers.is_none());
        numbers
    }

    /// Notes that something was seen at this time.
    pub(super) fn moment(&mut self, seen: Seen) -> Slots {
        self.exchanges += 1;
        self.first = Some(self.first.map_or(seen.time, |first| first.min(seen.time)));
        self.last = Some(self.last.map_or(seen.time, |last| last.max(seen.time)));
        let (slot, merge) = self.calendar.slot(seen.time);
        if let Some(merge) = merge {
            self.merge(&merge);
        }
        slot
    }

    fn merge(&mut self, merge: &Merge) {
        let objected = self.objections.values_mut().map(|objected| &mut objected.tally);
        self.deeds.values_mut().chain(objected).for_each(|tally| tally.slots.merge(merge));
    }

    /// Counts something that was asked.
    pub(super) fn deed(&mut self, deed: Deed, ending: Ending, broadcast: bool, time: Timestamp, slot: Slots) {
        let full = self.deeds.len() >= self.limits.things || self.things_of[deed.source] >= self.limits.things_each;
        if !self.deeds.contains_key(&deed) {
            if full {
                self.beyond.things += 1;
                return;
            }
            self.things_of[deed.source] += 1;
        }
        let tally = self.deeds.entry(deed).or_insert_with(|| Tally::at(time));
        tally.count(ending, time, slot);
        tally.broadcast |= broadcast;
    }

    /// What a policy has against something that was asked; `None` when there is no room for it.
    pub(super) fn objected(&mut self, deed: Deed, objection: Objection, time: Timestamp) -> Option<&mut Objected> {
        let key = (deed, objection);
        if self.objections.len() >= self.limits.things && !self.objections.contains_key(&key) {
            self.beyond.things += 1;
            return None;
        }
        Some(self.objections.entry(key).or_insert_with(|| Objected::at(time)))
    }

    /// The values that somebody writes to an address.
    pub(super) fn written(&mut self, target: Target) -> Option<&mut Series> {
        bounded(&mut self.written, target, self.limits.points, &mut self.beyond.values)
    }

    /// Keeps a value that somebody commands.
    pub(super) fn commanded(&mut self, target: Target, at: Timestamp, sample: Sample) {
        if self.commands.len() >= self.limits.commands {
            self.beyond.commands += 1;
            return;
        }
        let Target { station, space, address, .. } = target;
        let reported = self.reported.get(&Place { station, space, address }).and_then(|series| series.latest);
        self.commands.push(Command { at, exchange: self.exchanges, target, sample, reported });
    }

    /// The values that a station reports of an address.
    pub(super) fn reported(&mut self, place: Place) -> Option<&mut Series> {
        bounded(&mut self.reported, place, self.limits.points, &mut self.beyond.values)
    }

    /// Takes a poll, if the exchange is one.
    pub(super) fn poll(&mut self, parties: (usize, usize), exchange: &Exchange<'_>) {
        self.rhythms.hear(parties, exchange, self.limits.parties);
    }

    /// Counts an empty link frame.
    pub(super) fn probe(&mut self, parties: (usize, usize), answered: bool) {
        if self.probes.len() >= self.limits.things && !self.probes.contains_key(&parties) {
            self.beyond.things += 1;
            return;
        }
        let (asked, heard) = self.probes.entry(parties).or_default();
        (*asked, *heard) = (*asked + 1, *heard + u64::from(answered));
    }

    /// Counts an anomaly.
    pub(super) fn oddity(&mut self, oddity: Oddity, count: u64) {
        if self.oddities.len() < self.limits.parties || self.oddities.contains_key(&oddity) {
            *self.oddities.entry(oddity).or_default() += count;
        } else {
            self.beyond.oddities += count;
        }
    }

    /// Every deed with its tally, in an order that does not depend on chance.
    pub(super) fn sorted_deeds(&self) -> Vec<(Deed, Tally)> {
        let mut deeds: Vec<_> = self.deeds.iter().map(|(deed, tally)| (*deed, *tally)).collect();
        deeds.sort_unstable_by_key(|(deed, _)| *deed);
        deeds
    }
}

fn bounded<'m, K: Copy + Eq + std::hash::Hash>(
    map: &'m mut Map<K, Series>,
    key: K,
    limit: usize,
    beyond: &mut u64,
) -> Option<&'m mut Series> {
    if map.len() >= limit && !map.contains_key(&key) {
        *beyond += 1;
        return None;
    }
    Some(map.entry(key).or_default())
}
