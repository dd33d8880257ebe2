use std::collections::{HashMap, VecDeque};
use std::fmt::Debug;
use std::hash::Hash;

use tagout_core::engine::{
    ActorId, CadenceId, DeviceId, PermitId, PointId, Policy, RuleId, SourceInfo, Succession, SuppressionId,
};

use super::Sources;

/// Which entries of a policy are those of another: actors, devices and suppressions of the same name, points of the same
/// device, name, place and meaning, and permits, rules and cadences whose text is the same.
#[derive(Debug, Default)]
pub struct Heirs {
    actors: Vec<Option<ActorId>>,
    devices: Vec<Option<DeviceId>>,
    points: Vec<Option<PointId>>,
    permits: Vec<Option<PermitId>>,
    rules: Vec<Option<RuleId>>,
    cadences: Vec<Option<CadenceId>>,
    suppressions: Vec<Option<SuppressionId>>,
}

/// A policy with the text that it was compiled from.
#[derive(Clone, Copy)]
pub struct Written<'a> {
    /// The policy.
    pub policy: Policy<'a>,
    /// Its text.
    pub sources: &'a Sources,
}

impl Heirs {
    /// The entries of `new` that are those of `old`.
    pub fn between(old: Written<'_>, new: Written<'_>) -> Self {
        Self {
            actors: matched(old.actors(), new.actors()),
            devices: matched(old.devices(), new.devices()),
            points: matched(old.points(), new.points()),
            permits: matched(old.permits(), new.permits()),
            rules: matched(old.rules(), new.rules()),
            cadences: matched(old.cadences(), new.cadences()),
            suppressions: matched(old.suppressions(), new.suppressions()),
        }
    }

    /// The same as the sensor takes it.
    pub fn succession(&self) -> Succession<'_> {
        Succession {
            actors: &self.actors,
            devices: &self.devices,
            points: &self.points,
            permits: &self.permits,
            rules: &self.rules,
            cadences: &self.cadences,
            suppressions: &self.suppressions,
        }
    }

    /// How many permits and rules go on.
    pub fn kept(&self) -> [usize; 2] {
        [self.permits.iter().flatten().count(), self.rules.iter().flatten().count()]
    }
}

/// The new number of what has the same name; of several with one name the first is that of the first, and so on.
fn matched<I: Copy, N: Eq + Hash>(
    old: impl Iterator<Item = (I, N)>,
    new: impl Iterator<Item = (I, N)>,
) -> Vec<Option<I>> {
    let mut places: HashMap<N, VecDeque<I>> = HashMap::new();
    for (id, name) in new {
        places.entry(name).or_default().push_back(id);
    }
    old.map(|(_, name)| places.get_mut(&name).and_then(VecDeque::pop_front)).collect()
}

impl<'a> Written<'a> {
    fn actors(&self) -> impl Iterator<Item = (ActorId, &'a str)> {
        (0..).map(ActorId).map_while(|id| Some((id, self.policy.actor_info(id)?.name)))
    }

    fn devices(&self) -> impl Iterator<Item = (DeviceId, &'a str)> {
        (0..).map(DeviceId).map_while(|id| Some((id, self.policy.device_info(id)?.name)))
    }

    fn suppressions(&self) -> impl Iterator<Item = (SuppressionId, &'a str)> {
        (0..).map(SuppressionId).map_while(|id| Some((id, self.policy.suppression_info(id)?.name)))
    }

    fn points(&self) -> impl Iterator<Item = (PointId, String)> {
        let of = |id| {
            let point = self.policy.point_info(id)?;
            let device = self.policy.device_info(point.device)?.name;
            let meaning = (point.space, point.address, point.encoding, point.scaling, point.range);
            Some((id, told(&(device, point.name, meaning))))
        };
        (0..).map(PointId).map_while(of)
    }

    fn permits(&self) -> impl Iterator<Item = (PermitId, String)> {
        let of = |id| {
            let permit = self.policy.permit_info(id)?;
            let terms = permit.terms;
            let limits = (terms.step, terms.at_most, terms.max_step, terms.opposite_ms, terms.max_change);
            Some((
                id,
                told(&(permit.name, permit.actions, permit.points, permit.value, limits, self.text(permit.source))),
            ))
        };
        (0..).map(PermitId).map_while(of)
    }

    fn rules(&self) -> impl Iterator<Item = (RuleId, String)> {
        let of = |id| {
            let rule = self.policy.rule_info(id)?;
            let threshold = (rule.threshold, rule.count, rule.distinct, rule.within_ms);
            Some((id, told(&(rule.sid, rule.signature, threshold, self.text(rule.source)))))
        };
        (0..).map(RuleId).map_while(of)
    }

    fn cadences(&self) -> impl Iterator<Item = (CadenceId, String)> {
        let of = |id| {
            let cadence = self.policy.cadence_info(id)?;
            let ends = (self.policy.actor_info(cadence.actor)?.name, self.policy.device_info(cadence.device)?.name);
            Some((id, told(&(ends, self.text(cadence.source)))))
        };
        (0..).map(CadenceId).map_while(of)
    }

    fn text(&self, source: SourceInfo<'_>) -> Option<&'a str> {
        self.sources.entry(source.file, source.line)
    }
}

fn told(what: &impl Debug) -> String {
    format!("{what:?}")
}
