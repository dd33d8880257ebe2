//! DNP3: fragments out of link frames; an exchange is told by link addresses and application sequence number.

use tagout_engine::AnomalyKind;

use super::desk::{Hearing, Message};
use super::pending::Pending;
use crate::counters::Counter;
use crate::dnp3::link::{self, MAX_USER_DATA};
use crate::dnp3::transport::{Assembler, Loss, Progress, Segment, Step};
use crate::dnp3::{Fragment, Function, action, is_refusal, touches};
use crate::finding::Finding;
use crate::flow::{Flow, Reader, Side, Turn};
use crate::record::{Outcome, Output};
use crate::store::{Table, TableSlot};

/// Nobody answers what is sent to this link address or a higher one (IEEE 1815-2012, 9.2.5.2).
const FIRST_BROADCAST: u16 = 0xFFFD;

/// Which segments belong together: those of one sender to one receiver on one flow.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct AssemblyKey {
    flow: u64,
    from_client: bool,
    /// Source and destination link address.
    addresses: u32,
}

/// An entry in the table of fragments under assembly that the sensor's owner lends.
pub type AssemblySlot = TableSlot<AssemblyKey, Assembler>;

impl AssemblySlot {
    /// A free slot.
    pub const EMPTY: Self = Self::free(AssemblyKey { flow: 0, from_client: true, addresses: 0 }, Assembler::new());
}

impl Default for AssemblySlot {
    fn default() -> Self {
        Self::EMPTY
    }
}

/// The fragments under assembly, each with an equal share of the buffer.
#[derive(Debug)]
pub(crate) struct Assemblies<'s> {
    table: Table<'s, AssemblyKey, Assembler>,
    buffer: &'s mut [u8],
    fragment_len: usize,
}

impl<'s> Assemblies<'s> {
    /// As many fragments as `slots` provide for.
    pub(crate) fn new(buckets: &'s mut [u32], slots: &'s mut [AssemblySlot], buffer: &'s mut [u8], seed: u64) -> Self {
        let fragment_len = buffer.len().checked_div(slots.len()).unwrap_or(0);
        Self { table: Table::new(buckets, slots, seed), buffer, fragment_len }
    }

    /// The entry of a sender and receiver; makes room for it when there is none. The second number tells how many
    /// octets that cost.
    fn entry(&mut self, key: AssemblyKey) -> (Option<u32>, u32) {
        if let Some(id) = self.table.find(&key) {
            return (Some(id), 0);
        }
        if let Some(id) = self.table.insert(key, Assembler::new()) {
            return (Some(id), 0);
        }
        let Some(victim) = self.table.victim() else { return (None, 0) };
        let lost = self.table.get_mut(victim).map_or(0, Assembler::abandon);
        self.table.remove(victim);
        (self.table.insert(key, Assembler::new()), lost)
    }
}

/// The part of the buffer that belongs to entry `id`.
fn share(buffer: &mut [u8], id: u32, len: usize) -> &mut [u8] {
    let start = (id as usize).saturating_mul(len);
    buffer.get_mut(start..start.saturating_add(len)).unwrap_or_default()
}

impl<O: Output> Hearing<'_, '_, O> {
    pub(super) fn dnp3(&mut self, flow: &mut Flow, turn: Turn, frame: &[u8]) {
        self.desk.counters.add(Counter::Dnp3Frames, 1);
        let Some((header, data)) = link::parse(frame) else { return };
        if !header.carries_segment() {
            return;
        }
        let mut buffer = [0; MAX_USER_DATA];
        let Some(segment) = Segment::parse(data.copy_to(&mut buffer)) else { return };
        let ends = (header.source, header.destination);
        if segment.is_whole() && !flow.assembles {
            self.fragment(flow, turn, ends, segment.data);
        } else {
            flow.assembles = true;
            self.segment(flow, turn, ends, segment);
        }
    }

    /// Puts a segment to those before it.
    fn segment(&mut self, flow: &mut Flow, turn: Turn, ends: (u16, u16), segment: Segment<'_>) {
        let key =
            AssemblyKey { flow: flow.id, from_client: turn.side == Side::Client, addresses: pair(ends.0, ends.1) };
        let (id, evicted) = self.desk.assemblies.entry(key);
        self.desk.counters.add(Counter::Dnp3SegmentsLost, u64::from(evicted > 0));
        let Some(id) = id else {
            self.desk.counters.add(Counter::Dnp3SegmentsLost, 1);
            return;
        };
        let mut assembler = self.desk.assemblies.table.get(id).copied().unwrap_or_default();
        let buffer = core::mem::take(&mut self.desk.assemblies.buffer);
        let step = assembler.push(segment, share(buffer, id, self.desk.assemblies.fragment_len));
        if let Some(entry) = self.desk.assemblies.table.get_mut(id) {
            *entry = assembler;
        }
        self.stepped(flow, turn, ends, &step);
        self.desk.assemblies.buffer = buffer;
    }

    fn stepped(&mut self, flow: &mut Flow, turn: Turn, ends: (u16, u16), step: &Step<'_>) {
        if let Some(Loss { bytes, .. }) = step.loss {
            self.anomaly(flow, turn, Finding::new(AnomalyKind::Dnp3Transport, bytes as usize));
            self.desk.counters.add(Counter::StrayBytes, u64::from(bytes));
        }
        if let Progress::Complete(fragment) = step.progress {
            self.fragment(flow, turn, ends, fragment);
        }
    }

    /// Takes a whole application fragment between two link addresses.
    fn fragment(&mut self, flow: &mut Flow, turn: Turn, ends: (u16, u16), bytes: &[u8]) {
        self.desk.counters.add(Counter::Dnp3Fragments, 1);
        let Some(fragment) = Fragment::parse(bytes) else {
            self.anomaly(flow, turn, Finding::new(AnomalyKind::Dnp3Malformed, bytes.len()));
            return;
        };
        if let Some(fault) = fragment.fault() {
            let finding = Finding::new(AnomalyKind::Dnp3Malformed, bytes.len());
            self.anomaly(flow, turn, finding.at("object header", fault.offset));
        }
        if fragment.function.is_response() {
            self.dnp3_response(flow, turn, ends, &fragment, bytes);
        } else {
            self.dnp3_request(flow, turn, ends, &fragment, bytes);
        }
    }

    fn dnp3_request(&mut self, flow: &mut Flow, turn: Turn, ends: (u16, u16), fragment: &Fragment<'_>, bytes: &[u8]) {
        let (master, outstation) = ends;
        let parties = self.parties(flow, turn.side, pair(master, outstation), Some(ends));
        let pending = Pending {
            key: key(master, outstation, fragment.control.sequence()),
            function: fragment.function.0,
            requester: turn.side,
            seen: turn.seen,
            ack: turn.ack,
            action: action(fragment.function, fragment.headers()),
            parties,
            ..Pending::EMPTY
        };
        let response_due = fragment.function.expects_response() && outstation < FIRST_BROADCAST;
        self.request(flow, turn, pending, bytes, response_due, touches(fragment));
    }

    fn dnp3_response(&mut self, flow: &mut Flow, turn: Turn, ends: (u16, u16), fragment: &Fragment<'_>, bytes: &[u8]) {
        let (outstation, master) = ends;
        let response = Message { seen: turn.seen, bytes };
        let requester = turn.side.other();
        let parties = self.parties(flow, requester, pair(master, outstation), Some((master, outstation)));
        let key = key(master, outstation, fragment.control.sequence());
        let pending = Pending { key, function: fragment.function.0, requester, parties, ..Pending::EMPTY };
        let solicited = fragment.function != Function::UNSOLICITED_RESPONSE;
        let asked = if solicited { self.desk.pendings.answered_by(flow, &pending, turn.seq) } else { None };
        let outcome = if is_refusal(fragment) { Outcome::Refused } else { Outcome::Answered };
        match asked {
            Some(id) if fragment.control.fin() => self.answered(flow, id, &response, outcome),
            Some(id) => {
                self.continued(flow, id, &response, outcome);
                self.expect_next(id, master, outstation, fragment.control.sequence());
            }
            None if solicited => self.unmatched(flow, turn, pending, &response, outcome),
            None => self.unrequested(flow, &pending, &response),
        }
    }

    /// The next fragment of a response carries the next sequence number (IEEE 1815-2012, 4.2.2.3.5).
    fn expect_next(&mut self, id: u32, master: u16, outstation: u16, sequence: u8) {
        if let Some(pending) = self.desk.pendings.get_mut(id) {
            pending.parts = pending.parts.saturating_add(1);
            pending.key = key(master, outstation, sequence.wrapping_add(1) & 0x0F);
        }
    }
}

fn pair(high: u16, low: u16) -> u32 {
    u32::from(high) << 16 | u32::from(low)
}

fn key(master: u16, outstation: u16, sequence: u8) -> u64 {
    u64::from(pair(master, outstation)) << 8 | u64::from(sequence)
}
