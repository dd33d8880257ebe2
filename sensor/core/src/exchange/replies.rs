//! What permits expect a device to reply.

use tagout_engine::{Firing, Reply, Timestamp, Verdict};

use super::desk::Desk;
use super::facts::Said;
use super::pending::Pending;
use crate::dnp3::{self, Fragment};
use crate::modbus::Response;
use crate::record::{Body, Cause, Exchange, Outcome, Output};

impl Desk<'_> {
    /// Gives an alert if a device did not reply as the permit expects that covers the request. A request that is open when
    /// the capture ends was not left unanswered.
    pub(super) fn check_reply(&mut self, exchange: &Exchange<'_>, pending: &Pending, output: &mut dyn Output) {
        let Verdict::Permitted(Some(permit)) = pending.verdict else { return };
        if self.closing && exchange.outcome == Outcome::Unanswered {
            return;
        }
        let said = Said { exchange, policy: &self.policy, verdict: &pending.verdict, routine: None };
        let now = exchange.response.or(exchange.request).map_or(Timestamp(0), |seen| seen.time);
        if let Some(violation) = self.engine.against_reply(permit, reply(exchange), now, &said) {
            let firing = Firing { suppressed: self.suppression(exchange, pending, violation), ..Firing::default() };
            self.give_of(exchange, pending, (Cause::Violation(violation), firing), output);
        }
    }
}

fn reply(exchange: &Exchange<'_>) -> Reply {
    let code = match &exchange.body {
        Body::Modbus(body) => match body.response.and_then(|pdu| Response::parse(pdu).ok()) {
            Some(Response::Exception { code }) => Some(code),
            _ => None,
        },
        Body::Dnp3(body) => {
            let response = body.response.and_then(Fragment::parse);
            response.and_then(|response| dnp3::control_status(&response)).map(|status| status.0)
        }
    };
    let after_ms = exchange.request.zip(exchange.response).map(|(asked, answered)| {
        let micros = answered.time.micros_since(asked.time);
        micros as f64 / 1e3
    });
    Reply { outcome: exchange.outcome, code, after_ms }
}
