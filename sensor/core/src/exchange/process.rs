//! What exchanges tell of the process: values that devices report, commands that they accept.

use core::num::NonZeroU32;

use tagout_engine::{Action, Audience, DeviceId, Given, Reason, Timestamp, Touch, Verdict};

use super::absences::{Absence, Awaited};
use super::alert::{alert_id, point_key};
use super::desk::Desk;
use super::facts::{Said, Waited};
use super::fold::incident_key;
use super::pending::Pending;
use crate::counters::Counter;
use crate::dnp3::{self, Fragment, Function};
use crate::flow::address_bits;
use crate::modbus::{self, Request, Response};
use crate::record::{Alert, Body, Cause, Exchange, Outcome, Output, Seen};

/// So long after points of a device were looked at for stale reports they are not looked at again.
const LOOK_MS: u32 = 1_000;

/// Shows each point that an exchange tells of, and whether the device vouches for what it tells.
type Told<'t> = &'t dyn Fn(&mut dyn FnMut(&Touch<'_>, bool));

impl Desk<'_> {
    /// Takes over into the process image what an exchange tells of declared points, and gives the
    /// alerts for it. Devices without any cost nothing.
    pub(super) fn note_process(&mut self, exchange: &Exchange<'_>, pending: &Pending, output: &mut dyn Output) {
        let Some(device) = exchange.device.filter(|device| self.engine.has_points(*device)) else { return };
        match &exchange.body {
            Body::Modbus(body) => self.note_modbus(device, (exchange, body), pending, output),
            Body::Dnp3(body) => self.note_dnp3(device, (exchange, body), pending, output),
        }
    }

    fn note_modbus(
        &mut self,
        device: DeviceId,
        (exchange, body): (&Exchange<'_>, &modbus::Exchange<'_>),
        pending: &Pending,
        output: &mut dyn Output,
    ) {
        let Some((request, asked)) = body.request.and_then(|pdu| Some((pdu, Request::parse(pdu).ok()?))) else {
            return;
        };
        let response = body.response.filter(|response| modbus::contradiction(request, response).is_none());
        let outcome = exchange.outcome;
        let accepted = outcome == Outcome::NoResponseDue || outcome == Outcome::Answered && response.is_some();
        if accepted && exchange.action == Action::Write {
            let touches: Told<'_> = &|visit| asked.touches(Action::Write).for_each(|touch| visit(&touch, true));
            self.note_order((device, exchange), touches, pending, output);
        }
        let reported = response.and_then(|pdu| modbus::reported(asked, Response::parse(pdu).ok()?));
        let told: Told<'_> = &|visit| reported.iter().for_each(|touch| visit(touch, true));
        self.note_reports(device, exchange, told, pending, output);
    }

    fn note_dnp3(
        &mut self,
        device: DeviceId,
        (exchange, body): (&Exchange<'_>, &dnp3::Exchange<'_>),
        pending: &Pending,
        output: &mut dyn Output,
    ) {
        let operates = matches!(exchange.action, Action::Operate | Action::DirectOperate);
        match (body.response.and_then(Fragment::parse), body.request.and_then(Fragment::parse)) {
            (Some(answer), _) if operates => {
                let touches: Told<'_> = &|visit| {
                    for touch in dnp3::accepted(&answer) {
                        visit(&touch, true);
                    }
                };
                self.note_order((device, exchange), touches, pending, output);
            }
            (Some(answer), _) => {
                let told: Told<'_> = &|visit| dnp3::reported(&answer).for_each(|(touch, good)| visit(&touch, good));
                self.note_reports(device, exchange, told, pending, output);
            }
            (None, Some(asked))
                if asked.function == Function::DIRECT_OPERATE_NR && exchange.outcome == Outcome::NoResponseDue =>
            {
                let touches: Told<'_> = &|visit| dnp3::touches(&asked).for_each(|touch| visit(&touch, true));
                self.note_order((device, exchange), touches, pending, output);
            }
            _ => {}
        }
    }

    fn note_order(
        &mut self,
        (device, exchange): (DeviceId, &Exchange<'_>),
        touches: Told<'_>,
        pending: &Pending,
        output: &mut dyn Output,
    ) {
        let Some(Seen { time, .. }) = exchange.request.or(exchange.response) else { return };
        let given = Given { by: exchange.actor, at: time, unpermitted: self.unpermitted(exchange, pending) };
        touches(&mut |touch, _| self.engine.ordered(device, touch, given));
        self.check_invariants((device, exchange), touches, time, pending, output);
    }

    /// The incident of a command that no permit covers, where the device's permits are in force. What was permitted and not
    /// replied to as expected is none.
    fn unpermitted(&self, exchange: &Exchange<'_>, pending: &Pending) -> Option<NonZeroU32> {
        let Verdict::Unexpected(violation) = pending.verdict else { return None };
        let is_in_force = exchange.device.and_then(|id| self.policy.device_info(id)).is_some_and(|info| !info.observe);
        (is_in_force && violation.reason != Reason::Reply).then(|| incident_key(&exchange.path, pending.parties.of))
    }

    fn note_reports(
        &mut self,
        device: DeviceId,
        exchange: &Exchange<'_>,
        told: Told<'_>,
        pending: &Pending,
        output: &mut dyn Output,
    ) {
        let Some(Seen { time, .. }) = exchange.response else { return };
        let policy = &self.policy;
        let said = Said { exchange, policy, verdict: &pending.verdict, routine: None };
        let to = audience(exchange);
        let (engine, folds, counters) = (&mut self.engine, &mut self.folds, &mut self.counters);
        told(&mut |touch, good| {
            engine.observe((device, touch), (good, to), time, &said, |firing, news| {
                let cause = Cause::Rule(firing.rule);
                let id = alert_id(policy, &exchange.path, time, [point_key(policy, news.point), 0], &cause);
                let suppressed = firing.suppressed;
                let alert = Alert { process: Some(news), suppressed, ..Alert::of_exchange(id, time, cause, exchange) };
                folds.give(alert, pending.parties.of, firing.kin, counters, output);
            });
        });
        if policy.awaits_reports() {
            let mut stale: Option<Timestamp> = None;
            told(&mut |touch, _| {
                if let Some(next) = self.engine.stale_from(device, touch) {
                    stale = Some(stale.map_or(next, |stale| stale.min(next)));
                }
            });
            self.await_reports((device, exchange), pending, time, stale);
        }
        self.check_invariants((device, exchange), told, time, pending, output);
    }

    /// Waits for the points of a device to be reported again, the first of them until it is `stale`.
    fn await_reports(
        &mut self,
        (device, exchange): (DeviceId, &Exchange<'_>),
        pending: &Pending,
        now: Timestamp,
        stale: Option<Timestamp>,
    ) {
        let Some(due) = stale else { return };
        if !self.absences.renew(&Absence::after(Awaited::Reports(device), exchange, pending, now, due)) {
            self.counters.add(Counter::RuleFiringsLost, 1);
        }
    }

    /// Gives the alerts for points of a device whose reports are stale once `waited` is over, and waits for the others.
    pub(super) fn tell_stale(&mut self, device: DeviceId, waited: &Absence, output: &mut dyn Output) {
        let (policy, now) = (&self.policy, waited.due);
        let facts = Waited { absence: waited, policy };
        let (engine, folds, counters) = (&mut self.engine, &mut self.folds, &mut self.counters);
        let next = engine.overdue(device, now, &facts, |firing, news| {
            let cause = Cause::Rule(firing.rule);
            let id = alert_id(policy, &waited.path, now, [point_key(policy, news.point), 0], &cause);
            let alert = Alert { suppressed: firing.suppressed, ..waited.alert(id, cause, Some(news)) };
            folds.give(alert, waited.of, firing.kin, counters, output);
        });
        if let Some(next) = next {
            // Looking at all points of a device that reports them one by one is not to be had at every frame.
            self.absences.renew(&Absence { due: next.max(now.plus_ms(LOOK_MS)), ..*waited });
        }
    }

    /// Gives an alert for each invariant that what an exchange tells of points breaks.
    fn check_invariants(
        &mut self,
        (device, exchange): (DeviceId, &Exchange<'_>),
        told: Told<'_>,
        time: Timestamp,
        pending: &Pending,
        output: &mut dyn Output,
    ) {
        if !self.policy.has_invariants() {
            return;
        }
        let policy = &self.policy;
        let said = Said { exchange, policy, verdict: &pending.verdict, routine: None };
        let (engine, folds, counters) = (&mut self.engine, &mut self.folds, &mut self.counters);
        told(&mut |touch, _| {
            engine.check((device, touch), time, &said, |firing, breach| {
                let cause = Cause::Rule(firing.rule);
                let id = alert_id(policy, &exchange.path, time, [pending.key, 0], &cause);
                let suppressed = firing.suppressed;
                let alert = Alert { breach: Some(breach), suppressed, ..Alert::of_exchange(id, time, cause, exchange) };
                folds.give(alert, pending.parties.of, firing.kin, counters, output);
            });
        });
    }
}

/// Who a device tells something by this exchange: the client, apart from what it was not asked for.
fn audience(exchange: &Exchange<'_>) -> Audience {
    let bits = address_bits(exchange.path.client.ip);
    // By halves: single words are dear to take out of 128 bits.
    let half = bits.wrapping_shr(64) as u64 ^ bits as u64;
    let quarter = half.wrapping_shr(32) as u32 ^ half as u32;
    let folded = quarter.wrapping_shr(16) as u16 ^ quarter as u16;
    Audience(folded.rotate_left(1) ^ u16::from(exchange.request.is_none()))
}
