//! DNP3: fragments out of link frames; an exchange is told by link addresses and application sequence number.

use tagout_engine::AnomalyKind;

use super::associations::{AssociationKey, Numbered, pair};
use super::desk::{Hearing, Message};
use super::pending::Pending;
use super::relations::Tie;
use crate::counters::Counter;
use crate::dnp3::link::{self, FIRST_BROADCAST, MAX_USER_DATA, SELF_ADDRESS};
use crate::dnp3::transport::{Progress, Segment, Step};
use crate::dnp3::{Fragment, Function, action, is_refusal, touches};
use crate::finding::{Finding, Term};
use crate::flow::{Flow, Reader, Turn};
use crate::record::Outcome;

impl Hearing<'_, '_> {
    pub(super) fn dnp3(&mut self, flow: &mut Flow, turn: Turn, frame: &[u8]) {
        self.desk.counters.add(Counter::Dnp3Frames, 1);
        let Some((header, data)) = link::parse(frame) else { return };
        if !header.control.is_plain() && !self.link_frame(flow, turn, header, frame) {
            return;
        }
        let mut buffer = [0; MAX_USER_DATA];
        let Some(segment) = Segment::parse(data.copy_to(&mut buffer)) else {
            let finding =
                Finding::new(AnomalyKind::Dnp3Transport, frame.len()).at("transport header", link::HEADER_LEN);
            return self.anomaly(flow, turn, finding.because(Term::Words("an octet"), Term::Words("none")));
        };
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
        let assemblies = &mut self.desk.dnp3.assemblies;
        let (id, evicted) = assemblies.entry(AssociationKey::new(flow, turn.side, ends));
        let buffer = core::mem::take(&mut assemblies.buffer);
        let step = id.and_then(|id| assemblies.push(id, segment, buffer));
        for lost in [evicted > 0, step.is_none()] {
            self.desk.counters.add(Counter::Dnp3SegmentsLost, lost.into());
        }
        if let Some(step) = step {
            self.stepped(flow, turn, ends, &step);
        }
        self.desk.dnp3.assemblies.buffer = buffer;
    }

    fn stepped(&mut self, flow: &mut Flow, turn: Turn, ends: (u16, u16), step: &Step<'_>) {
        if let Some(loss) = step.loss {
            self.anomaly(flow, turn, loss.finding());
            self.desk.counters.add(Counter::StrayBytes, u64::from(loss.bytes));
        }
        if let Progress::Complete(fragment) = step.progress {
            self.fragment(flow, turn, ends, fragment);
        }
    }

    /// Takes a whole application fragment between two link addresses.
    fn fragment(&mut self, flow: &mut Flow, turn: Turn, ends: (u16, u16), bytes: &[u8]) {
        self.desk.counters.add(Counter::Dnp3Fragments, 1);
        let Some(fragment) = Fragment::parse(bytes) else {
            let finding = Finding::new(AnomalyKind::Dnp3Malformed, bytes.len()).at("application header", 0);
            let found = u32::try_from(bytes.len()).ok();
            return self.anomaly(flow, turn, finding.because(Term::Words("2 octets, in responses 4"), found.into()));
        };
        if let Some(fault) = fragment.fault() {
            let finding = Finding::new(AnomalyKind::Dnp3Malformed, bytes.len());
            let finding = finding.at(fault.field, fault.offset);
            self.anomaly(flow, turn, finding.because(fault.expected.into(), fault.found.into()));
        }
        if fragment.control.con() {
            self.await_confirm(flow, turn, ends, &fragment);
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
        let action = action(fragment.function, fragment.headers());
        let mut pending = Pending {
            key: key(ends, fragment.number()),
            function: fragment.function.0,
            requester: turn.side,
            seen: turn.seen,
            ack: turn.ack,
            action,
            parties,
            tie: self.tie(flow, turn, ends, fragment, action, bytes),
            ..Pending::EMPTY
        };
        self.asked_from(flow, turn, &pending);
        flow.answers.renew(pending.key);
        let response_due = outstation < FIRST_BROADCAST && fragment.expects_response();
        self.desk.engine.next_exchange();
        let mut touches = touches(fragment).all(action.sets_points());
        self.request(flow, turn, &mut pending, bytes, response_due, &mut touches);
    }

    fn dnp3_response(&mut self, flow: &mut Flow, turn: Turn, ends: (u16, u16), fragment: &Fragment<'_>, bytes: &[u8]) {
        let (outstation, master) = ends;
        let response = Message { seen: turn.seen, bytes };
        let requester = turn.side.other();
        let parties = self.parties(flow, requester, pair(master, outstation), Some((master, outstation)));
        let key = key((master, outstation), fragment.number());
        let pending = Pending { key, function: fragment.function.0, requester, parties, ..Pending::EMPTY };
        self.indicated(flow, turn, &pending, fragment);
        let solicited = fragment.function != Function::UNSOLICITED_RESPONSE;
        let asked = if solicited { self.asked(flow, turn, &pending, outstation) } else { None };
        if fragment.is_challenge() {
            return self.challenge(flow, turn, pending, asked, &response);
        }
        let outcome = if is_refusal(fragment) { Outcome::Refused } else { Outcome::Answered };
        if asked.is_some() {
            flow.answers.note(key, turn.ack, turn.seen.time, self.desk.digest(bytes) as u32);
        }
        match asked {
            Some(id) if fragment.control.fin() => self.answered(flow, id, &response, outcome),
            Some(id) => {
                self.continued(flow, id, &response, outcome);
                if let Some(asked) = self.desk.pendings.get_mut(id) {
                    asked.expect_next();
                }
            }
            None if solicited => self.unmatched(flow, turn, pending, &response, outcome),
            None => self.unrequested(flow, &pending, &response),
        }
    }

    /// The request that a response answers: one to the outstation's address, or else one to the self address, which
    /// outstations answer from their own.
    pub(super) fn asked(&mut self, flow: &Flow, turn: Turn, answer: &Pending, outstation: u16) -> Option<u32> {
        let pendings = &mut self.desk.pendings;
        pendings.answered_by(flow, answer, turn.seq).or_else(|| {
            let key = answer.key & !OUTSTATION | u64::from(SELF_ADDRESS) << 8;
            let id = pendings.answered_by(flow, &Pending { key, ..*answer }, turn.seq)?;
            pendings.get_mut(id)?.responder = Some(outstation);
            Some(id)
        })
    }

    /// Reports a challenge, which stands alone: what is challenged waits on for its own response.
    fn challenge(
        &mut self,
        flow: &mut Flow,
        turn: Turn,
        mut pending: Pending,
        asked: Option<u32>,
        response: &Message<'_>,
    ) {
        let sequence = sequence(pending.key);
        let ends = (pending.parties.of as u16, (pending.parties.of >> 16) as u16);
        if let Some(association) = self.desk.dnp3.associations.entry(AssociationKey::new(flow, turn.side, ends)) {
            association.challenge = Some(Numbered { sequence, seen: turn.seen });
        }
        let Some(challenged) = asked.and_then(|id| self.desk.pendings.get(id)) else {
            return self.unrequested(flow, &pending, response);
        };
        self.desk.counters.add(Counter::Responses, 1);
        pending.tie = Tie::Challenges(challenged.seen);
        pending.action = challenged.action;
        self.report(flow, &pending, None, Some(response), Outcome::NoResponseDue);
    }
}

impl Pending {
    /// The next fragment of the response carries the next sequence number (IEEE 1815-2012, 4.2.2.3.5).
    pub(super) const fn expect_next(&mut self) {
        self.parts = self.parts.saturating_add(1);
        self.key = self.key & !SEQUENCE | self.key.wrapping_add(1) & SEQUENCE;
    }
}

/// The bits of a key that hold the sequence number, and above them the one that tells those of messages about
/// unsolicited responses from others (see [`Fragment::number`]).
const SEQUENCE: u64 = 0x0f;
const UNSOLICITED: u64 = 0x10;

/// The bits of a key that hold the outstation's address.
const OUTSTATION: u64 = 0xffff << 8;

/// What a request and its response have in common: their link addresses and their [number](Fragment::number).
pub(super) fn key((master, outstation): (u16, u16), number: u8) -> u64 {
    u64::from(pair(master, outstation)) << 8 | u64::from(number)
}

/// SEQ of the message with this key.
pub(super) const fn sequence(key: u64) -> u8 {
    (key & SEQUENCE) as u8
}

/// Whether the messages with these keys are numbered together.
pub(super) const fn are_numbered_together(one: u64, other: u64) -> bool {
    (one ^ other) & UNSOLICITED == 0
}
