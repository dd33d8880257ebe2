//! What permits expect a device to reply.

use tagout_engine::{Codes, Firing, Reply, Timestamp, Verdict};

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
    let after_ms = exchange.request.zip(exchange.response).map(|(asked, answered)| {
        let micros = answered.time.micros_since(asked.time);
        micros as f64 / 1e3
    });
    Reply { outcome: exchange.outcome, codes: codes(&exchange.body), after_ms }
}

/// With what a device refused.
fn codes(body: &Body<'_>) -> Codes {
    let mut codes = Codes::default();
    match body {
        Body::Modbus(body) => {
            if let Some(Ok(Response::Exception { code })) = body.response.map(Response::parse) {
                codes.insert(code);
            }
        }
        Body::Dnp3(body) => {
            if let Some(response) = body.response.and_then(Fragment::parse) {
                dnp3::control_statuses(&response, &mut |status| codes.insert(status.0));
            }
        }
    }
    codes
}
