//! From verdicts and anomalies to alerts.

use tagout_engine::{
    Commanded, Firing, PointId, Policy, RoutineKey, Space, SuppressionId, Suspect, Timestamp, Trigger, Verdict,
    Violation, Wait,
};

use super::absences::{Absence, Awaited};
use super::desk::Desk;
use super::digest::digest;
use super::facts::{Noticed, Said};
use super::pending::Pending;
use crate::counters::Counter;
use crate::record::{Alert, AlertId, Anomaly, Cause, Exchange, Output, Path};
use crate::store::NONE;

impl Desk<'_> {
    /// The first of the rules that fire on this exchange. What rules wait for after it is kept, or no more.
    pub(super) fn react(
        &mut self,
        trigger: Trigger,
        exchange: &Exchange<'_>,
        pending: &Pending,
        routine: Option<&RoutineKey>,
    ) -> u32 {
        let mut first = NONE;
        let seen = exchange.response.filter(|_| matches!(trigger, Trigger::End(..))).or(exchange.request);
        let (now, policy) = (seen.map_or(Timestamp(0), |seen| seen.time), &self.policy);
        let said = Said { exchange, policy, verdict: &pending.verdict, routine };
        let (engine, counters) = (&mut self.engine, &mut self.counters);
        let (firings, absences) = (&mut self.firings, &mut self.absences);
        engine.react(trigger, now, &said, |firing| {
            let kept = match firing.wait {
                Wait::No => firings.keep(&mut first, firing),
                wait => {
                    let within_ms = policy.rule_info(firing.rule).map_or(0, |rule| rule.within_ms);
                    absences.note(wait, &Absence::of(firing, exchange, pending, now, within_ms))
                }
            };
            if !kept {
                counters.add(Counter::RuleFiringsLost, 1);
            }
        });
        first
    }

    /// Gives an alert for everything that should have come by `now` and did not.
    pub(crate) fn tell_absences(&mut self, now: Timestamp, output: &mut dyn Output) {
        while let Some(absence) = self.absences.overdue(now) {
            match absence.awaited {
                Awaited::Exchange(rule, kin) => {
                    let cause = Cause::Rule(rule);
                    let keys = [ABSENCES | absence.key, 0];
                    let id = alert_id(&self.policy, &absence.path, absence.since, keys, &cause);
                    self.give(absence.alert(id, cause, None), absence.of, Some(kin), output);
                }
                Awaited::Reports(device) => self.tell_stale(device, &absence, output),
            }
        }
    }

    /// Gives the alerts of an exchange that are due with its request.
    pub(super) fn alert(&mut self, exchange: &Exchange<'_>, pending: &Pending, output: &mut dyn Output) {
        if let Verdict::Unexpected(violation) = pending.verdict {
            let firing = Firing { suppressed: self.suppression(exchange, pending, violation), ..Firing::default() };
            self.give_of(exchange, pending, (Cause::Violation(violation), firing), output);
        }
        self.alert_firings(exchange, pending, pending.firings, output);
    }

    /// What keeps the alert of a violation from being given.
    pub(super) fn suppression(
        &self,
        exchange: &Exchange<'_>,
        pending: &Pending,
        violation: Violation,
    ) -> Option<SuppressionId> {
        if self.policy.suppression_count() == 0 {
            return None;
        }
        let said = Said { exchange, policy: &self.policy, verdict: &pending.verdict, routine: None };
        let time = exchange.request.or(exchange.response).map_or(Timestamp(0), |seen| seen.time);
        self.engine.suppression(Suspect::Violation(exchange.action, violation.reason), time, &said)
    }

    /// Gives an alert for each rule that fired, from the first on.
    pub(super) fn alert_firings(
        &mut self,
        exchange: &Exchange<'_>,
        pending: &Pending,
        mut first: u32,
        output: &mut dyn Output,
    ) {
        while let Some(firing) = self.firings.take(&mut first) {
            self.give_of(exchange, pending, (Cause::Rule(firing.rule), firing), output);
        }
    }

    pub(super) fn give_of(
        &mut self,
        exchange: &Exchange<'_>,
        pending: &Pending,
        (cause, Firing { kin, item, suppressed, .. }): (Cause, Firing),
        output: &mut dyn Output,
    ) {
        let time = exchange.request.or(exchange.response).map_or(Timestamp(0), |seen| seen.time);
        let keys = [pending.key, item.map_or(0, place)];
        let id = alert_id(&self.policy, &exchange.path, time, keys, &cause);
        let alert = Alert { item, suppressed, ..Alert::of_exchange(id, time, cause, exchange) };
        self.give(alert, pending.parties.of, kin, output);
    }

    /// Gives the alerts of an anomaly on a flow whose latest station is `of`.
    pub(super) fn alert_anomaly(&mut self, anomaly: &Anomaly, of: u32, output: &mut dyn Output) {
        let trigger = Trigger::Anomaly(anomaly.finding.kind);
        if !self.policy.has_rules_on(trigger, anomaly.device) {
            return;
        }
        let policy = &self.policy;
        let noticed = Noticed { anomaly, policy };
        let (folds, counters) = (&mut self.folds, &mut self.counters);
        self.engine.react(trigger, anomaly.seen.time, &noticed, |firing| {
            let cause = Cause::Rule(firing.rule);
            let keys = [u64::from(anomaly.from_client), 0];
            let id = alert_id(policy, &anomaly.path, anomaly.seen.time, keys, &cause);
            let alert = Alert { suppressed: firing.suppressed, ..Alert::of_anomaly(id, cause, anomaly) };
            folds.give(alert, of, firing.kin, counters, output);
        });
    }

    /// Tells of the alerts that were repeated by `now`.
    pub(crate) fn tell_repeats(&mut self, now: Timestamp, output: &mut dyn Output) {
        self.folds.advance(now, &mut self.counters, output);
    }

    /// Gives an alert of a station (a unit id, or a pair of link addresses), unless it repeats one that was given.
    fn give(&mut self, alert: Alert<'_>, of: u32, kin: Option<u32>, output: &mut dyn Output) {
        self.folds.give(alert, of, kin, &mut self.counters, output);
    }
}

/// Tells what rules wait for from all other keys of alerts.
const ABSENCES: u64 = 1 << 62;

/// The place of an item as a number that is not 0.
pub(super) fn place(item: Commanded) -> u64 {
    place_key((item.space, item.address))
}

/// A place as a number that is not 0.
pub(super) fn place_key((space, address): (Space, u32)) -> u64 {
    u64::from(space.number()).wrapping_add(1).wrapping_shl(32) | u64::from(address)
}

/// Tells points from all other keys of alerts.
const POINTS: u64 = 1 << 63;

/// A point as a key, by its device's name and its own.
pub(super) fn point_key(policy: &Policy<'_>, point: PointId) -> u64 {
    let point = policy.point_info(point);
    let device = point.and_then(|point| policy.device_info(point.device));
    let names = [device.map_or("", |device| device.name), point.map_or("", |point| point.name)];
    POINTS | digest(&names.map(str::as_bytes)) as u64
}

/// Derives the identity from what the alert is about: `keys` are those of the exchange and of what it does in it. Nothing
/// of it says where something stands in the policy, so that ids stay when a policy or pack grows.
pub(super) fn alert_id(
    policy: &Policy<'_>,
    path: &Path,
    time: Timestamp,
    [key, part]: [u64; 2],
    cause: &Cause,
) -> AlertId {
    let (cause, name) = match cause {
        Cause::Violation(violation) => (violation.reason.number().into(), ""),
        Cause::Intent(finding, _) => (INTENTS | u64::from(finding.number()), ""),
        Cause::Rule(rule) => {
            let (sid, name) = policy.rule_identity(*rule);
            (RULES | u64::from(sid), name)
        }
    };
    let [flow, time, key, cause, part] = [path.flow, time.0, key, cause, part].map(u64::to_le_bytes);
    let part: &[u8] = if part == [0; 8] { &[] } else { &part };
    AlertId(digest(&[&flow, &time, &key, &cause, part, name.as_bytes()]))
}

/// Tells what intents show from reasons and rules.
const INTENTS: u64 = 1 << 33;
/// Tells rules from reasons.
const RULES: u64 = 1 << 32;
