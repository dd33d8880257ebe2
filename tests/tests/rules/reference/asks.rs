//! What rules, invariants and suppressions ask for, as the guide says it.

use tagout_core::engine::Space;

use super::evaluator::Scene;
use super::expression::{Ask, Expression};
use super::model::{Exchange, Invariant, Point, Policy, Request, Rule, Suppression, Threshold, Trigger};

/// What rules remember by if they do not say: client, station and action, the point, and the address.
const EXCHANGE_KEY: [&str; 4] = ["client.ip", "server.ip", "server.port", "modbus.unit"];
const ITEM_KEY: [&str; 2] = ["command.space", "command.address"];
/// Fields that only the response tells.
pub(super) const OF_RESPONSES: [&str; 3] = ["outcome", "modbus.exception", "latency_ms"];

impl Rule {
    fn conditions(&self) -> Vec<&Expression> {
        let of_threshold = match &self.threshold {
            Threshold::Sequence { steps, .. } => steps.iter().collect(),
            Threshold::Absent { follows, .. } => vec![follows],
            _ => Vec::new(),
        };
        self.when.iter().chain(of_threshold).collect()
    }

    /// The fields of which it asks in any way.
    fn fields(&self) -> Vec<&'static str> {
        let asked = self.conditions().into_iter().flat_map(Expression::asks).filter_map(|ask| match ask {
            Ask::Field(name) => Some(name),
            Ask::Point { .. } => None,
        });
        let distinct = match &self.threshold {
            Threshold::Distinct { field, .. } => Some(*field),
            _ => None,
        };
        asked.chain(self.per.iter().flatten().copied()).chain(distinct).collect()
    }

    pub(super) fn asks_for_items(&self) -> bool {
        self.fields().iter().any(|name| name.starts_with("command."))
    }

    pub(super) fn looks_at(&self, scene: Scene<'_>) -> bool {
        match (&self.trigger, scene.news) {
            (Trigger::Process(events), Some(news)) => events.contains(&news.event),
            (Trigger::Exchange { actions, verdicts, outcomes }, None) => {
                let waits = outcomes.is_some() || self.fields().iter().any(|name| OF_RESPONSES.contains(name));
                waits == scene.ended
                    && actions.contains(&scene.exchange.action())
                    && verdicts.as_ref().is_none_or(|verdicts| verdicts.contains(&scene.verdict))
                    && outcomes.as_ref().is_none_or(|outcomes| outcomes.contains(&scene.exchange.outcome()))
            }
            _ => false,
        }
    }

    /// The fields whose values are its key.
    pub(super) fn key(&self) -> Vec<&'static str> {
        if let Some(per) = &self.per {
            return per.clone();
        }
        let action = (!matches!(self.threshold, Threshold::Absent { .. })).then_some("action");
        let item: &[_] = if self.asks_for_items() { &ITEM_KEY } else { &[] };
        EXCHANGE_KEY.into_iter().chain(action).chain(["process.point"]).chain(item.iter().copied()).collect()
    }
}

impl Invariant {
    /// The points that it asks for, each once, by number.
    pub(super) fn points<'a>(&'a self, policy: &'a Policy) -> impl Iterator<Item = usize> + use<'a> {
        let mut points: Vec<usize> = Vec::new();
        for ask in self.must.asks() {
            let is_it = |point: &Point| matches!(ask, Ask::Point { device, name, .. } if (point.device, point.name) == (device, name));
            let found = policy.points.iter().position(is_it);
            points.extend(found.filter(|found| !points.contains(found)));
        }
        points.into_iter()
    }

    pub(super) fn asks_for(&self, point: &Point) -> bool {
        let is_it = |ask: &Ask| matches!(ask, Ask::Point { device, name, .. } if (*device, *name) == (point.device, point.name));
        self.must.asks().iter().any(is_it)
    }
}

impl Suppression {
    pub(super) fn means_rule(&self, rule: usize) -> bool {
        self.rules.as_ref().is_none_or(|rules| rules.contains(&rule))
    }

    /// Violations of high severity only where it names the reason.
    pub(super) fn means_reason(&self, reason: &str, exchange: &Exchange) -> bool {
        let is_harmless = !exchange.action().is_command();
        self.reasons.contains(&reason) || self.rules.is_none() && is_harmless
    }
}

impl Request {
    pub(super) fn function(&self) -> u8 {
        match self {
            Self::Read { space: Space::Coil, .. } => 1,
            Self::Read { space: Space::InputRegister, .. } => 4,
            Self::Read { .. } => 3,
            Self::Write { space: Space::Coil, single: true, .. } => 5,
            Self::Write { space: Space::Coil, .. } => 15,
            Self::Write { single: true, .. } => 6,
            Self::Write { .. } => 16,
            Self::Mask { .. } => 22,
            Self::Identify => 17,
        }
    }
}
