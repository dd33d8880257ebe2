//! From verdicts and anomalies to alerts.

use core::hash::Hasher;

use siphasher::sip128::{Hasher128, SipHasher13};
use tagout_engine::{Action, Verdict};

use super::desk::Desk;
use super::fold::cause_parts;
use super::pending::Pending;
use crate::flow::address_bits;
use crate::record::{Alert, AlertId, Anomaly, Cause, Exchange, Output, Path};
use crate::store::{Table, TableSlot};
use tagout_engine::Timestamp;

/// Who does what to whom, for rules that fire only the first time.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct First {
    flow_ends: (u128, u128),
    of: u32,
    action: Action,
}

impl Default for First {
    fn default() -> Self {
        Self { flow_ends: (0, 0), of: 0, action: Action::Other }
    }
}

/// An entry in the table of what was seen before.
pub type FirstSlot = TableSlot<First, ()>;

/// What was seen before. When it is full, what was not seen again for longest counts as new once more.
pub(crate) type Firsts<'s> = Table<'s, First, ()>;

/// Takes note of an action; true when the same client never did this to the same device.
pub(crate) fn is_first(firsts: &mut Firsts<'_>, path: &Path, of: u32, action: Action) -> bool {
    let key = First { flow_ends: (address_bits(path.client.ip), address_bits(path.server.ip)), of, action };
    if firsts.find(&key).is_some() {
        return false;
    }
    if firsts.insert(key, ()).is_none()
        && let Some(victim) = firsts.victim()
    {
        firsts.remove(victim);
        firsts.insert(key, ());
    }
    true
}

impl Desk<'_> {
    /// True when what was judged calls for an alert.
    pub(super) fn calls_for_alert(&self, verdict: &Verdict, action: Action, first: bool) -> bool {
        match verdict {
            Verdict::Permitted(_) => false,
            Verdict::Unexpected(_) => true,
            Verdict::Unjudged => self
                .engine
                .policy()
                .rules_for_action(action)
                .any(|rule| first || !self.engine.policy().fires_once(rule)),
        }
    }

    /// Gives the alerts of an exchange.
    pub(super) fn alert(&mut self, exchange: &Exchange<'_>, pending: &Pending, output: &mut impl Output) {
        let time = exchange.request.or(exchange.response).map_or(Timestamp(0), |seen| seen.time);
        let mut give = |desk: &mut Self, cause| {
            let id = alert_id(&exchange.path, time, pending.key, &cause);
            desk.give(Alert::of_exchange(id, time, cause, exchange), pending.parties.of, output);
        };
        match &pending.verdict {
            Verdict::Permitted(_) => {}
            Verdict::Unexpected(violation) => give(self, Cause::Violation(*violation)),
            Verdict::Unjudged => {
                for rule in self.engine.policy().rules_for_action(exchange.action) {
                    if pending.first || !self.engine.policy().fires_once(rule) {
                        give(self, Cause::Rule(rule));
                    }
                }
            }
        }
    }

    /// Gives the alerts of an anomaly on a flow whose latest station is `of`.
    pub(super) fn alert_anomaly(&mut self, anomaly: &Anomaly, of: u32, output: &mut impl Output) {
        for rule in self.engine.policy().rules_for_anomaly(anomaly.finding.kind) {
            let cause = Cause::Rule(rule);
            let id = alert_id(&anomaly.path, anomaly.seen.time, u64::from(anomaly.from_client), &cause);
            self.give(Alert::of_anomaly(id, cause, anomaly), of, output);
        }
    }

    /// Tells of the alerts that were repeated by `now`.
    pub(crate) fn tell_repeats(&mut self, now: Timestamp, output: &mut impl Output) {
        self.folds.advance(now, &mut self.counters, output);
    }

    /// Gives an alert of a station (a unit id, or a pair of link addresses), unless it repeats one that was given.
    pub(super) fn give(&mut self, alert: Alert<'_>, of: u32, output: &mut impl Output) {
        self.folds.give(alert, of, &mut self.counters, output);
    }
}

/// Derives the identity from what the alert is about.
fn alert_id(path: &Path, time: Timestamp, key: u64, cause: &Cause) -> AlertId {
    let mut hasher = SipHasher13::new();
    let (cause, _) = cause_parts(cause);
    for number in [path.flow, time.0, key, u64::from(cause)] {
        hasher.write(&number.to_le_bytes());
    }
    AlertId(hasher.finish128().as_u128())
}
