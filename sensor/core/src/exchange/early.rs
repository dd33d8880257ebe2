//! Responses that a mirror delivers before their requests, as happens where each direction comes from a port of its own.

use tagout_engine::AnomalyKind;

use super::desk::{Hearing, Message};
use super::dnp3::{are_numbered_together, sequence};
use super::pending::{Pending, Pendings};
use super::relations::Tie;
use crate::counters::Counter;
use crate::dnp3::Fragment;
use crate::finding::{Finding, Term};
use crate::flow::{Flow, Reader, Turn};
use crate::record::{Outcome, Protocol};

/// What speaks against a response whose request was not seen.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Doubt {
    /// Nothing more.
    None,
    /// The request that it answers was answered already, with other bytes.
    Second,
    /// A request with this sequence number waits for its response.
    Sequence { open: u8 },
}

impl Hearing<'_, '_> {
    /// Takes a response that answers nothing seen so far: its request may be on its way, as long as an alert may wait.
    /// With one direction missing from the mirror, none can be.
    pub(super) fn unmatched(
        &mut self,
        flow: &mut Flow,
        turn: Turn,
        mut early: Pending,
        response: &Message<'_>,
        ends: Outcome,
    ) {
        early.flow = self.flow_id;
        early.seen = response.seen;
        early.ack = turn.ack;
        early.early = Some(ends);
        early.doubt = self.doubt(flow, &early, response);
        flow.answers.renew(early.key);
        early.alert_due = true;
        let may_come = flow.is_tcp() && flow.heard(turn.side.other()) && !Pendings::flow_is_full(flow);
        if !may_come || self.desk.pendings.insert(flow, &early, response.bytes).is_none() {
            self.answers_nothing(flow, &early, response);
        }
    }

    fn doubt(&self, flow: &Flow, early: &Pending, response: &Message<'_>) -> Doubt {
        if flow.answers.contradicts(early.key, early.ack, response.seen.time, self.desk.digest(response.bytes) as u32) {
            return Doubt::Second;
        }
        let is_open = |asked: &Pending| {
            asked.tie != Tie::Link
                && asked.requester == early.requester
                && asked.parties.of == early.parties.of
                && are_numbered_together(asked.key, early.key)
        };
        let is_numbered = flow.protocol == Protocol::Dnp3 && early.tie != Tie::Link;
        // Its request may be among bytes that the sensor did not see, or was given up.
        if !is_numbered || flow.misses_before(early.requester, early.ack) || flow.answers.missed(early.key) {
            return Doubt::None;
        }
        let open = self.desk.pendings.latest(flow, is_open).and_then(|id| self.desk.pendings.get(id));
        open.map_or(Doubt::None, |open| Doubt::Sequence { open: sequence(open.key) })
    }

    /// Reports a request together with the response that was captured before it; false if there is none, or if more of it
    /// is to come.
    pub(super) fn answered_before(&mut self, flow: &mut Flow, asked: &mut Pending, request: &[u8], end: u32) -> bool {
        let Some(id) = self.desk.pendings.early(flow, asked, end) else { return false };
        let mut is_last = true;
        self.take_out(flow, id, |hearing, flow, early, bytes| {
            hearing.desk.counters.add(Counter::Responses, 1);
            let response = Message { seen: early.seen, bytes };
            let outcome = early.early.unwrap_or(Outcome::Answered);
            hearing.close(flow, asked, request, Some(&response), outcome);
            is_last = flow.protocol != Protocol::Dnp3 || early.tie == Tie::Link || is_last_fragment(bytes);
        });
        if !is_last {
            asked.alert_due = false;
            asked.expect_next();
        }
        is_last
    }

    /// Gives up waiting for the request of a response.
    pub(super) fn request_never_came(&mut self, flow: &mut Flow, id: u32) {
        self.take_out(flow, id, |hearing, flow, early, bytes| {
            hearing.answers_nothing(flow, early, &Message { seen: early.seen, bytes });
        });
    }

    fn answers_nothing(&mut self, flow: &mut Flow, early: &Pending, response: &Message<'_>) {
        self.unrequested(flow, early, response);
        if flow.heard(early.requester) {
            let turn = Turn { side: early.requester.other(), seen: early.seen, seq: 0, end: 0, ack: early.ack };
            self.anomaly(flow, turn, finding(early, response.bytes));
        }
    }
}

fn is_last_fragment(bytes: &[u8]) -> bool {
    Fragment::parse(bytes).is_none_or(|fragment| fragment.control.fin())
}

/// What is wrong with a response whose request was not seen.
fn finding(early: &Pending, response: &[u8]) -> Finding {
    let of = |kind| Finding::new(kind, response.len());
    match early.doubt {
        Doubt::None => of(AnomalyKind::UnmatchedResponse),
        Doubt::Second => of(AnomalyKind::SecondResponse)
            .because(Term::Words("the bytes of the first response"), Term::Words("other bytes")),
        Doubt::Sequence { open } => of(AnomalyKind::SequenceContradiction)
            .at("SEQ", 0)
            .because(Term::Number(open.into()), Term::Number(sequence(early.key).into())),
    }
}
