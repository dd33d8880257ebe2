//! Responses that a mirror delivers before their requests, as happens where each direction comes from a port of its own.

use tagout_engine::AnomalyKind;

use super::desk::{Hearing, Message};
use super::pending::{Pending, Pendings};
use crate::counters::Counter;
use crate::finding::Finding;
use crate::flow::{Flow, Reader, Turn};
use crate::record::{Outcome, Output};

impl<O: Output> Hearing<'_, '_, O> {
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
        early.alert_due = true;
        let may_come = flow.is_tcp() && flow.heard(turn.side.other()) && !Pendings::flow_is_full(flow);
        if !may_come || self.desk.pendings.insert(flow, &early, response.bytes).is_none() {
            self.answers_nothing(flow, &early, response);
        }
    }

    /// Reports a request together with the response that was captured before it; false if there is none.
    pub(super) fn answered_before(&mut self, flow: &mut Flow, asked: &Pending, request: &[u8], end: u32) -> bool {
        let Some(id) = self.desk.pendings.early(flow, asked, end) else { return false };
        self.take_out(flow, id, |hearing, flow, early, bytes| {
            hearing.desk.counters.add(Counter::Responses, 1);
            let response = Message { seen: early.seen, bytes };
            let outcome = early.early.unwrap_or(Outcome::Answered);
            hearing.close(flow, asked, request, Some(&response), outcome);
        });
        true
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
            self.anomaly(flow, turn, Finding::new(AnomalyKind::UnmatchedResponse, response.bytes.len()));
        }
    }
}
