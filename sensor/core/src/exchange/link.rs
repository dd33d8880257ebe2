//! DNP3 link functions: frames that carry no segment, and what counts those that do (IEEE 1815-2012, clause 9).

use tagout_engine::{Action, AnomalyKind, Verdict};

use super::associations::{Association, AssociationKey, Counted, FrameCount};
use super::desk::{Hearing, Message};
use super::dnp3::key;
use super::pending::Pending;
use super::relations::Tie;
use crate::counters::Counter;
use crate::dnp3::link::{self, Control, Header, MAX_USER_DATA};
use crate::finding::{Finding, Term};
use crate::flow::{Flow, Reader, Turn};
use crate::record::{Outcome, Seen};

/// In place of a sequence number, which link functions have none of.
const LINK: u8 = 0x80;
/// A control octet and all the user data of a frame.
const MAX_MESSAGE: usize = MAX_USER_DATA + 1;

impl Hearing<'_, '_> {
    /// Takes a frame that is more, or less, than unconfirmed user data. True when its segment is to be read.
    pub(super) fn link_frame(&mut self, flow: &mut Flow, turn: Turn, header: Header, frame: &[u8]) -> bool {
        if let Some(finding) = header.misuse() {
            self.anomaly(flow, turn, finding);
        }
        let control = header.control;
        if control.counts() && self.is_repeated(flow, turn, header, frame) {
            self.desk.counters.add(Counter::Dnp3LinkRetries, 1);
            return false;
        }
        if !control.carries_segment() {
            self.link_message(flow, turn, header, frame);
        } else if control.asks_for_ack()
            && let Some(association) = self.desk.dnp3.associations.entry(key_of(flow, turn, header))
        {
            association.unacknowledged = Some((control, turn.seen));
        }
        control.carries_segment()
    }

    /// Whether a counted frame is the one before it once more. Another one with the same FCB is judged all the same, since
    /// not every receiver counts.
    fn is_repeated(&mut self, flow: &mut Flow, turn: Turn, header: Header, frame: &[u8]) -> bool {
        let fcb = header.control.fcb();
        let association = self.desk.dnp3.associations.entry(key_of(flow, turn, header));
        let counted = association.map_or(Counted::Next, |association| association.count(fcb, frame));
        if counted == Counted::Contradicting {
            let finding = Finding::new(AnomalyKind::Dnp3FrameCount, frame.len()).at("FCB", 3);
            let number = |bit: bool| Term::Number(bit.into());
            self.anomaly(flow, turn, finding.because(number(!fcb), number(fcb)));
        }
        counted == Counted::Repeated
    }

    /// Takes a frame that is the link layer's own.
    fn link_message(&mut self, flow: &mut Flow, turn: Turn, header: Header, frame: &[u8]) {
        let mut buffer = [0; MAX_MESSAGE];
        let bytes = message(header.control, frame, &mut buffer);
        if header.control.prm() {
            self.link_request(flow, turn, header, bytes);
        } else {
            self.link_response(flow, turn, header, &Message { seen: turn.seen, bytes });
        }
    }

    fn link_request(&mut self, flow: &mut Flow, turn: Turn, header: Header, bytes: &[u8]) {
        if header.control.resets()
            && let Some(association) = self.desk.dnp3.associations.entry(key_of(flow, turn, header))
        {
            association.count = FrameCount::RESET;
        }
        let ends = (header.source, header.destination);
        let mut pending = self.link_pending(flow, turn, ends, header.control, turn.seen);
        let response_due = !header.is_broadcast();
        // Every station looks after its links, whatever it may do on them. Who else tries links is looking for stations.
        if pending.parties.actor.is_some() {
            pending.verdict = Verdict::Permitted(None);
            self.judged(flow, turn, &mut pending, (bytes, None), response_due);
        } else {
            self.desk.engine.next_exchange();
            self.request(flow, turn, &mut pending, bytes, response_due, &mut core::iter::empty());
        }
    }

    fn link_response(&mut self, flow: &mut Flow, turn: Turn, header: Header, response: &Message<'_>) {
        let (asker, responder) = (header.destination, header.source);
        let back = Turn { side: turn.side.other(), ..turn };
        let pending = self.link_pending(flow, back, (asker, responder), header.control, turn.seen);
        let outcome = if header.control.refuses() { Outcome::Refused } else { Outcome::Answered };
        if let Some(id) = self.asked(flow, turn, &pending, responder) {
            return self.answered(flow, id, response, outcome);
        }
        let mut none = Association::default();
        let association = self.desk.dnp3.associations.get(AssociationKey::of(flow, &pending)).unwrap_or(&mut none);
        match association.unacknowledged.take() {
            Some(_) if header.control.is_ack() => self.desk.counters.add(Counter::Dnp3LinkAcks, 1),
            Some((control, seen)) => {
                self.desk.counters.add(Counter::Requests, 1);
                self.desk.counters.add(Counter::Responses, 1);
                self.report(flow, &Pending { seen, ..pending }, Some(&[control.0]), Some(response), outcome);
            }
            None if header.control.is_ack() && association.repetitions > 0 => {
                association.repetitions = association.repetitions.saturating_sub(1);
                self.desk.counters.add(Counter::Dnp3LinkAcks, 1);
            }
            None => self.unmatched(flow, turn, pending, response, outcome),
        }
    }

    /// What is known of a link function that `turn`'s side asked for.
    fn link_pending(&mut self, flow: &mut Flow, turn: Turn, ends: (u16, u16), control: Control, seen: Seen) -> Pending {
        let key = key(ends, LINK);
        let parties = self.parties(flow, turn.side, (key >> 8) as u32, Some(ends));
        Pending {
            key,
            function: control.function(),
            requester: turn.side,
            seen,
            ack: turn.ack,
            action: Action::Diagnostics,
            parties,
            tie: Tie::Link,
            ..Pending::EMPTY
        }
    }
}

/// The sender and receiver of a frame.
fn key_of(flow: &Flow, turn: Turn, header: Header) -> AssociationKey {
    AssociationKey::new(flow, turn.side, (header.source, header.destination))
}

/// Control octet and user data of a frame.
fn message<'b>(control: Control, frame: &[u8], buffer: &'b mut [u8; MAX_MESSAGE]) -> &'b [u8] {
    let [first, room @ ..] = buffer;
    *first = control.0;
    let len = link::parse(frame).map_or(0, |(_, data)| data.copy_to(room).len());
    buffer.get(..len.saturating_add(1)).unwrap_or_default()
}
