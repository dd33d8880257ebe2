//! From verdicts and anomalies to alerts.

use core::hash::Hasher;

use siphasher::sip128::{Hasher128, SipHasher13};
use tagout_engine::{Action, RuleId, Verdict};

use super::desk::Desk;
use crate::counters::Counter;
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
    pub(super) fn alert(
        &mut self,
        exchange: &Exchange<'_>,
        verdict: &Verdict,
        first: bool,
        key: u64,
        output: &mut impl Output,
    ) {
        let time = exchange.request.or(exchange.response).map_or(Timestamp(0), |seen| seen.time);
        let mut give = |counters: &mut crate::counters::Counters, cause| {
            counters.add(Counter::Alerts, 1);
            let id = alert_id(&exchange.path, time, key, &cause);
            output.alert(&Alert { id, time, cause, exchange: Some(exchange), anomaly: None });
        };
        match verdict {
            Verdict::Permitted(_) => {}
            Verdict::Unexpected(violation) => give(&mut self.counters, Cause::Violation(*violation)),
            Verdict::Unjudged => {
                for rule in self.engine.policy().rules_for_action(exchange.action) {
                    if first || !self.engine.policy().fires_once(rule) {
                        give(&mut self.counters, Cause::Rule(rule));
                    }
                }
            }
        }
    }

    /// Gives the alerts of an anomaly.
    pub(super) fn alert_anomaly(&mut self, anomaly: &Anomaly, output: &mut impl Output) {
        for rule in self.engine.policy().rules_for_anomaly(anomaly.finding.kind) {
            self.counters.add(Counter::Alerts, 1);
            let cause = Cause::Rule(rule);
            let time = anomaly.seen.time;
            let id = alert_id(&anomaly.path, time, u64::from(anomaly.from_client), &cause);
            output.alert(&Alert { id, time, cause, exchange: None, anomaly: Some(anomaly) });
        }
    }
}

/// Derives the identity from what the alert is about.
fn alert_id(path: &Path, time: Timestamp, key: u64, cause: &Cause) -> AlertId {
    let mut hasher = SipHasher13::new();
    let cause = match cause {
        Cause::Violation(violation) => violation.reason as u32,
        Cause::Rule(RuleId(rule)) => u32::from(*rule).wrapping_add(0x1_0000),
    };
    for number in [path.flow, time.0, key, u64::from(cause)] {
        hasher.write(&number.to_le_bytes());
    }
    AlertId(hasher.finish128().as_u128())
}
