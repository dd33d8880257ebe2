//! How requests end: answered, given up, or told of early; and what is then written of them.

use tagout_engine::Trigger;

use super::desk::{Desk, Hearing, Message, anomaly, exchange};
use super::facts::is_end;
use super::pending::Pending;
use crate::counters::Counter;
use crate::finding::Finding;
use crate::flow::Flow;
use crate::record::{Exchange, Outcome, Output, Protocol};

impl Desk<'_> {
    /// Gives the alerts of rules that look at how an exchange ended.
    fn ended(&mut self, exchange: &Exchange<'_>, pending: &Pending, output: &mut dyn Output) {
        if self.policy.expects_replies() && is_end(exchange) {
            self.check_reply(exchange, pending, output);
        }
        let trigger = Trigger::End(exchange.action, pending.verdict.judgement(), exchange.outcome);
        if self.policy.has_rules_on(trigger, exchange.device) && is_end(exchange) {
            let first = self.react(trigger, exchange, pending, None);
            self.alert_firings(exchange, pending, first, output);
        }
    }
}

impl Hearing<'_, '_> {
    /// Closes the request that a response answers.
    pub(super) fn answered(&mut self, flow: &mut Flow, id: u32, response: &Message<'_>, outcome: Outcome) {
        self.desk.counters.add(Counter::Responses, 1);
        self.finish(flow, id, Some(response), outcome);
    }

    /// Closes a request early, to make room.
    pub(crate) fn evict(&mut self, flow: &mut Flow, id: u32) {
        self.desk.counters.add(Counter::ExchangesEvicted, 1);
        self.unanswered(flow, id);
    }

    /// Closes a request that nobody answered.
    pub(crate) fn unanswered(&mut self, flow: &mut Flow, id: u32) {
        match self.desk.pendings.get(id) {
            Some(pending) if pending.early.is_some() => self.request_never_came(flow, id),
            // A response that has begun was reported fragment by fragment.
            Some(pending) if pending.parts > 0 => {
                let pending = *pending;
                self.desk.pendings.remove(flow, id, &pending, &mut []);
            }
            _ => {
                self.desk.counters.add(Counter::Unanswered, 1);
                self.missed(flow, id);
                self.finish(flow, id, None, Outcome::Unanswered);
            }
        }
    }

    /// Closes all requests of a flow.
    pub(crate) fn unanswered_all(&mut self, flow: &mut Flow) {
        while let Some(pending) = flow.pending.front() {
            self.unanswered(flow, pending);
        }
    }

    fn finish(&mut self, flow: &mut Flow, id: u32, response: Option<&Message<'_>>, outcome: Outcome) {
        self.take_out(flow, id, |hearing, flow, pending, request| {
            hearing.close(flow, pending, request, response, outcome);
        });
    }

    /// Takes out what is pending, and works on it and its bytes.
    pub(super) fn take_out(
        &mut self,
        flow: &mut Flow,
        id: u32,
        work: impl FnOnce(&mut Self, &mut Flow, &Pending, &[u8]),
    ) {
        let scratch = core::mem::take(&mut self.desk.scratch);
        if let Some(pending) = self.desk.pendings.get(id).copied() {
            let len = self.desk.pendings.remove(flow, id, &pending, scratch);
            work(self, flow, &pending, scratch.get(..len).unwrap_or_default());
        }
        self.desk.scratch = scratch;
    }

    /// Reports one fragment of a response whose request stays open for the next.
    pub(super) fn continued(&mut self, flow: &mut Flow, id: u32, response: &Message<'_>, outcome: Outcome) {
        self.desk.counters.add(Counter::Responses, 1);
        self.with_request(id, |hearing, pending, request| {
            hearing.close(flow, pending, request, Some(response), outcome);
        });
        self.desk.pendings.alert_given(id);
    }

    /// Gives the alert of a request that waits for its response still.
    pub(crate) fn alert_now(&mut self, flow: &mut Flow, id: u32) {
        if self.desk.pendings.get(id).is_some_and(|pending| pending.early.is_some()) {
            return self.request_never_came(flow, id);
        }
        self.with_request(id, |hearing, pending, request| hearing.alert_unanswered(flow, pending, request));
        self.desk.pendings.alert_given(id);
    }

    pub(super) fn alert_unanswered(&mut self, flow: &Flow, pending: &Pending, request: &[u8]) {
        self.in_context(flow, pending, Some(request), None, |hearing, relation| {
            let exchange = exchange(flow, pending, Some(request), None, Outcome::Pending, relation);
            hearing.desk.alert(&exchange, pending, hearing.output);
        });
    }

    /// Works on a pending request and its bytes.
    pub(super) fn with_request(&mut self, id: u32, work: impl FnOnce(&mut Self, &Pending, &[u8])) {
        let scratch = core::mem::take(&mut self.desk.scratch);
        if let Some(pending) = self.desk.pendings.get(id).copied() {
            let len = self.desk.pendings.body(&pending, scratch);
            work(self, &pending, scratch.get(..len).unwrap_or_default());
        }
        self.desk.scratch = scratch;
    }

    /// Reports a request, with its response or a part of it if there is one.
    pub(super) fn close(
        &mut self,
        flow: &mut Flow,
        pending: &Pending,
        request: &[u8],
        response: Option<&Message<'_>>,
        outcome: Outcome,
    ) {
        if let Some(response) = response {
            self.heard_from(flow, pending, response);
        }
        if let (Protocol::Modbus, Some(response)) = (flow.protocol, response) {
            self.notice_contradiction(flow, pending, request, response);
        }
        self.report(flow, pending, Some(request), response, outcome);
    }

    /// Writes the record of an exchange, and its alerts if they are due.
    pub(super) fn report(
        &mut self,
        flow: &Flow,
        pending: &Pending,
        request: Option<&[u8]>,
        response: Option<&Message<'_>>,
        outcome: Outcome,
    ) {
        self.settle(flow, pending, request, response, outcome);
        self.in_context(flow, pending, request, response, |hearing, relation| {
            let exchange = exchange(flow, pending, request, response, outcome, relation);
            hearing.output.exchange(&exchange);
            if pending.alert_due {
                hearing.desk.alert(&exchange, pending, hearing.output);
            }
            hearing.desk.ended(&exchange, pending, hearing.output);
            if hearing.is_declarable(pending) {
                hearing.desk.act_ended(&exchange, pending, hearing.output);
            }
            hearing.desk.note_process(&exchange, pending, hearing.output);
        });
        if let Some(cadence) = response.and(self.desk.cadence(pending)) {
            self.desk.engine.poll_answered(cadence);
        }
    }

    /// Reports the last anomaly of each kind that was only counted, since nothing more comes on the flow.
    pub(crate) fn settle_anomalies(&mut self, flow: &mut Flow) {
        while let Some((kind, unreported, (seen, side))) = flow.anomalies.settle() {
            self.desk.counters.add(Counter::AnomalySummaries, 1);
            let finding = Finding::new(kind, 0);
            self.output.anomaly(&anomaly(flow, side, finding, seen, unreported.saturating_sub(1)));
        }
    }

    /// Reports a response to nothing that was seen.
    pub(super) fn unrequested(&mut self, flow: &mut Flow, pending: &Pending, response: &Message<'_>) {
        self.desk.counters.add(Counter::Unrequested, 1);
        self.in_context(flow, pending, None, Some(response), |hearing, relation| {
            let exchange = exchange(flow, pending, None, Some(response), Outcome::Unrequested, relation);
            hearing.output.exchange(&exchange);
            hearing.desk.ended(&exchange, pending, hearing.output);
            hearing.desk.note_process(&exchange, pending, hearing.output);
        });
    }
}
