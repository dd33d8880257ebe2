//! What is remembered of each device: whether it answers, what it indicates, what it is, and whose commands it takes.

use tagout_engine::{Action, AnomalyKind, Timestamp};

use super::desk::{Hearing, Message};
use super::digest::digest;
use super::pending::Pending;
use crate::dnp3::objects::Value;
use crate::dnp3::{Fragment, Indications, ObjectHeader};
use crate::finding::{Finding, Term};
use crate::flow::{Flow, Reader, Side, Turn, to_ip};
use crate::modbus::Response;
use crate::record::{Protocol, Seen};
use crate::store::{Occupancy, Table, TableSlot};

/// A device answers regularly after so many responses.
const REGULAR: u8 = 3;
/// It is silent after so many requests in a row without a response,
const MISSED: u8 = 3;
/// which span at least this long.
const SILENCE_MS: u32 = 30_000;
/// A link address that nobody used for so long may be given to another master.
const FORGOTTEN_MS: u32 = 3_600_000;
/// Objects of a device's identification that are remembered.
const OBJECTS: usize = 8;
/// In place of an object id: the answer of function 17 as a whole.
const SERVER_ID: u16 = 0x100;
/// The device attributes that tell hardware and software apart: software and hardware version, serial number, product,
/// manufacturer's code and name.
const IDENTIFYING: [u8; 6] = [242, 243, 248, 250, 251, 252];
/// The indications that are told of when they rise, with the bits of each.
const TOLD: [(u16, AnomalyKind, &str); 4] = [
    (0x0080, AnomalyKind::DeviceRestarted, "IIN1.7"),
    (0x0800, AnomalyKind::EventBufferOverflow, "IIN2.3"),
    (0x2000, AnomalyKind::ConfigurationCorrupt, "IIN2.5"),
    (0xC000, AnomalyKind::ReservedIin, "IIN2.6, IIN2.7"),
];

/// A device: where it answers, and its unit id, or the link addresses of master and outstation.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct StationKey {
    server: (u128, u16),
    of: u32,
}

impl StationKey {
    /// The device that `requester`'s side asks. An outstation that connects to its master has a new port every time.
    fn new(flow: &Flow, requester: Side, of: u32) -> Self {
        let (ip, port) = flow.address(requester.other());
        Self { server: (ip, if requester == Side::Client { port } else { 0 }), of }
    }
}

/// What is remembered of a device.
#[derive(Clone, Copy, Debug)]
pub struct Station {
    /// How many responses there were, as far as counted.
    answers: u8,
    /// When it was heard of last.
    answered: Timestamp,
    /// How many requests in a row had no response.
    missed: u8,
    /// When the first of them was seen.
    missed_since: Timestamp,
    indications: Indications,
    /// Address of the master that uses the link address, and when it did last.
    master: Option<(u128, Timestamp)>,
    /// Object ids with the digests of their values.
    objects: [Option<(u16, u32)>; OBJECTS],
}

impl Default for Station {
    /// A device of which nothing is known; it may have restarted before.
    fn default() -> Self {
        Self {
            answers: 0,
            answered: Timestamp(0),
            missed: 0,
            missed_since: Timestamp(0),
            indications: Indications::RESTART,
            master: None,
            objects: [None; OBJECTS],
        }
    }
}

impl Station {
    /// Takes note of a request without a response; true when this makes the device a silent one.
    fn miss(&mut self, asked: Timestamp) -> bool {
        if self.answers < REGULAR || asked <= self.answered {
            return false;
        }
        if self.missed == 0 {
            self.missed_since = asked;
        }
        let was_silent = self.is_silent();
        self.missed = self.missed.saturating_add(1);
        if self.missed_since.plus_ms(SILENCE_MS) > asked {
            self.missed = self.missed.min(MISSED.saturating_sub(1));
        }
        self.is_silent() && !was_silent
    }

    /// Takes note of a sign of life.
    const fn heard(&mut self, now: Timestamp) {
        self.answered = now;
        self.missed = 0;
    }

    const fn is_silent(&self) -> bool {
        self.missed >= MISSED
    }

    /// Takes note of what the device says of itself under an id; true when it said otherwise before.
    fn identify(&mut self, id: u16, value: &[u8]) -> bool {
        let said = (id, digest(&[value]) as u32);
        let place = self.objects.iter_mut().find(|known| known.is_none_or(|(known, _)| known == id));
        place.and_then(|known| known.replace(said)).is_some_and(|before| before != said)
    }

    /// Takes note of the master; the address of the one that used its link address lately, if it was another.
    fn asked_by(&mut self, master: u128, now: Timestamp) -> Option<u128> {
        let (before, last) = self.master.replace((master, now))?;
        (before != master && last.plus_ms(FORGOTTEN_MS) > now).then_some(before)
    }
}

/// An entry in the table of devices that the sensor's owner lends.
pub type StationSlot = TableSlot<StationKey, Station>;

/// The devices that something is remembered of. When the table is full, the one goes that was silent for longest.
#[derive(Debug)]
pub(crate) struct Stations<'s>(Table<'s, StationKey, Station>);

impl<'s> Stations<'s> {
    /// As many as `slots` provide for.
    pub(crate) fn new(buckets: &'s mut [u32], slots: &'s mut [StationSlot], seed: u64) -> Self {
        Self(Table::new(buckets, slots, seed))
    }

    /// How many devices are remembered.
    pub(crate) fn occupancy(&self) -> Occupancy {
        self.0.occupancy()
    }

    /// The device that this is asked of; `None` only in a table without slots.
    fn of(&mut self, flow: &Flow, pending: &Pending) -> Option<&mut Station> {
        let key = StationKey::new(flow, pending.requester, pending.parties.of);
        let id = self.0.find(&key).or_else(|| self.0.entry(key, Station::default()))?;
        self.0.get_mut(id)
    }
}

impl Hearing<'_, '_> {
    /// Takes note of a response: the device answers, and may say what it is.
    pub(super) fn heard_from(&mut self, flow: &mut Flow, pending: &Pending, response: &Message<'_>) {
        let Some(station) = self.desk.stations.of(flow, pending) else { return };
        station.answers = station.answers.saturating_add(1);
        station.heard(response.seen.time);
        if pending.action != Action::Identify {
            return;
        }
        let changed = match flow.protocol {
            Protocol::Modbus => modbus_identity(station, response.bytes),
            Protocol::Dnp3 => dnp3_identity(station, response.bytes),
        };
        if let Some(field) = changed {
            let finding = Finding::new(AnomalyKind::DeviceIdentityChanged, response.bytes.len()).at(field, 0);
            let finding = finding.because(Term::Words("as before"), Term::Words("another"));
            self.anomaly(flow, from_device(pending, response.seen), finding);
        }
    }

    /// Takes note of a request that the device left unanswered.
    pub(super) fn missed(&mut self, flow: &mut Flow, id: u32) {
        let Some(pending) = self.desk.pendings.get(id).copied() else { return };
        flow.answers.miss(pending.key);
        let Some(station) = self.desk.stations.of(flow, &pending) else { return };
        if station.miss(pending.seen.time) {
            let finding = Finding::new(AnomalyKind::DeviceSilent, 0);
            let finding = finding.because(Term::Words("a response"), Term::Words("none to several requests"));
            self.anomaly(flow, from_device(&pending, pending.seen), finding);
        }
    }

    /// Takes note of where a DNP3 master asks from.
    pub(super) fn asked_from(&mut self, flow: &mut Flow, turn: Turn, pending: &Pending) {
        let (master, _) = flow.address(turn.side);
        let Some(station) = self.desk.stations.of(flow, pending) else { return };
        if let Some(before) = station.asked_by(master, turn.seen.time) {
            let finding = Finding::new(AnomalyKind::LinkAddressMoved, 0).at("source address", 6);
            self.anomaly(flow, turn, finding.because(Term::Ip(to_ip(before)), Term::Ip(to_ip(master))));
        }
    }

    /// Takes note of what a DNP3 outstation indicates; tells of what was not so before.
    pub(super) fn indicated(&mut self, flow: &mut Flow, turn: Turn, pending: &Pending, fragment: &Fragment<'_>) {
        let Some(now) = fragment.indications else { return };
        let Some(station) = self.desk.stations.of(flow, pending) else { return };
        station.heard(turn.seen.time);
        let risen = now.risen_since(core::mem::replace(&mut station.indications, now));
        for (bits, kind, field) in TOLD {
            if risen & bits != 0 {
                let offset = if bits > 0xff { 3 } else { 2 };
                let finding = Finding::new(kind, fragment.objects.len()).at(field, offset);
                self.anomaly(flow, turn, finding.because(Term::Number(0), Term::Number(1)));
            }
        }
    }
}

/// What the device says, or fails to say.
fn from_device(pending: &Pending, seen: Seen) -> Turn {
    Turn { side: pending.requester.other(), seen, seq: 0, end: 0, ack: 0 }
}

/// Takes note of an identification; the first of its fields that was another before.
fn modbus_identity(station: &mut Station, pdu: &[u8]) -> Option<&'static str> {
    let mut changed = None;
    match Response::parse(pdu).ok()? {
        Response::Identification(identification) => {
            for object in identification.objects {
                if station.identify(object.id.into(), object.value) {
                    changed = changed.or(Some(object.name().unwrap_or("object")));
                }
            }
        }
        Response::ServerId(server) if station.identify(SERVER_ID, without_status(server.0)) => {
            changed = Some("server id");
        }
        _ => {}
    }
    changed
}

/// A server id up to its run indicator, which changes with the device's mode: somewhere in it, by the device's own format.
fn without_status(server_id: &[u8]) -> &[u8] {
    let status = server_id.iter().position(|byte| matches!(byte, 0x00 | 0xFF));
    status.and_then(|at| server_id.get(..at)).unwrap_or(server_id)
}

/// Takes note of the device attributes in a response; which of them was another before. Those of sets other than 0, which
/// the index tells, are a vendor's own.
fn dnp3_identity(station: &mut Station, fragment: &[u8]) -> Option<&'static str> {
    let response = Fragment::parse(fragment)?;
    let identifies = |header: &ObjectHeader<'_>| header.group == 0 && IDENTIFYING.contains(&header.variation);
    let mut changed = None;
    for header in response.headers().filter_map(Result::ok).filter(identifies) {
        for point in header.points().filter(|point| point.index == 0) {
            if let Value::Attribute(attribute) = point.value
                && station.identify(header.variation.into(), attribute.data)
            {
                changed = Some("device attribute");
            }
        }
    }
    changed
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: u64) -> Timestamp {
        Timestamp(second.saturating_mul(1_000_000_000))
    }

    fn regular() -> Station {
        Station { answers: REGULAR, answered: at(100), ..Station::default() }
    }

    #[test]
    fn a_device_is_silent_once_it_missed_several_requests_over_a_while() {
        let mut station = regular();
        let silent = [101, 103, 105, 130, 131, 132, 133].map(|second| station.miss(at(second)));
        assert_eq!(silent, [false, false, false, false, true, false, false]);
        station.missed = 0;
        assert!(!station.miss(at(99)), "asked before the device last answered");
        assert_eq!([200, 220, 240].map(|second| station.miss(at(second))), [false, false, true]);
    }

    #[test]
    fn who_never_answered_regularly_is_not_silent() {
        let mut station = Station { answers: REGULAR.saturating_sub(1), ..regular() };
        assert!((101..200).all(|second| !station.miss(at(second))));
    }

    #[test]
    fn an_identity_changes_object_by_object() {
        let mut station = Station::default();
        assert!(!station.identify(2, b"1.0"));
        assert!(!station.identify(0, b"ACME"));
        assert!(!station.identify(2, b"1.0"));
        assert!(station.identify(2, b"1.1"));
        assert!(!station.identify(2, b"1.1"));
        (10..30).for_each(|id| assert!(!station.identify(id, b"more than are remembered")));
        assert_eq!(without_status(&[7, 0xFF, 1, 2]), without_status(&[7, 0x00, 1, 2]));
    }

    #[test]
    fn a_link_address_moves_unless_it_was_long_unused() {
        let mut station = Station::default();
        assert_eq!(station.asked_by(1, at(0)), None);
        assert_eq!(station.asked_by(2, at(1)), Some(1));
        assert_eq!(station.asked_by(2, at(2)), None);
        assert_eq!(station.asked_by(1, at(3_603)), None);
    }
}
