//! One policy in the place of another: which entries of the old one go on under which number of the new one.

use crate::rules::Firing;
use crate::{
    ActorId, CadenceId, ChannelState, Commanded, CycleState, DeviceId, PermitId, PointId, PointState, RuleId,
    SuppressionId, Verdict, Violation,
};

/// By the old number of an entry, its number in the new policy; `None`, or none at all, where it has none there.
///
/// Each new number stands for one old one at most. What the entries are is for the owner to say: memories go on under the
/// new number as they are.
#[derive(Clone, Copy, Debug, Default)]
pub struct Succession<'a> {
    /// By [`ActorId`].
    pub actors: &'a [Option<ActorId>],
    /// By [`DeviceId`].
    pub devices: &'a [Option<DeviceId>],
    /// By [`PointId`].
    pub points: &'a [Option<PointId>],
    /// By [`PermitId`].
    pub permits: &'a [Option<PermitId>],
    /// By [`RuleId`].
    pub rules: &'a [Option<RuleId>],
    /// By [`CadenceId`]; both have as many cycles.
    pub cadences: &'a [Option<CadenceId>],
    /// By [`SuppressionId`].
    pub suppressions: &'a [Option<SuppressionId>],
}

/// The storage of an engine whose size depends on the policy, lent for a new one.
#[derive(Debug, Default)]
pub struct PolicyMemory<'s> {
    /// As many as the policy has points; those beyond stay unknown.
    pub points: &'s mut [PointState],
    /// As many as the policy has cadences; those beyond are not watched.
    pub channels: &'s mut [ChannelState],
    /// As many as these have cycles.
    pub cycles: &'s mut [CycleState],
}

impl Succession<'_> {
    /// The actor's new number.
    pub fn actor(&self, id: ActorId) -> Option<ActorId> {
        self.actors.get(usize::from(id.0)).copied().flatten()
    }

    /// The device's new number.
    pub fn device(&self, id: DeviceId) -> Option<DeviceId> {
        self.devices.get(usize::from(id.0)).copied().flatten()
    }

    /// The point's new number.
    pub fn point(&self, id: PointId) -> Option<PointId> {
        self.points.get(id.0 as usize).copied().flatten()
    }

    /// The permit's new number.
    pub fn permit(&self, id: PermitId) -> Option<PermitId> {
        self.permits.get(usize::from(id.0)).copied().flatten()
    }

    /// The rule's new number.
    pub fn rule(&self, id: RuleId) -> Option<RuleId> {
        self.rules.get(usize::from(id.0)).copied().flatten()
    }

    /// The cadence's new number.
    pub fn cadence(&self, id: CadenceId) -> Option<CadenceId> {
        self.cadences.get(usize::from(id.0)).copied().flatten()
    }

    /// The suppression's new number.
    pub fn suppression(&self, id: SuppressionId) -> Option<SuppressionId> {
        self.suppressions.get(usize::from(id.0)).copied().flatten()
    }

    /// The verdict in the new numbers; `None` if it names what is no more.
    pub fn verdict(&self, verdict: Verdict) -> Option<Verdict> {
        Some(match verdict {
            Verdict::Unjudged | Verdict::Permitted(None) => verdict,
            Verdict::Permitted(Some(permit)) => Verdict::Permitted(Some(self.permit(permit)?)),
            Verdict::Unexpected(violation) => Verdict::Unexpected(self.violation(violation)?),
        })
    }

    /// The verdict in the new numbers, without what is no more.
    pub fn verdict_left(&self, verdict: Verdict) -> Verdict {
        self.verdict(verdict).unwrap_or(match verdict {
            Verdict::Unexpected(violation) => Verdict::Unexpected(self.violation_left(violation)),
            Verdict::Unjudged | Verdict::Permitted(_) => Verdict::Permitted(None),
        })
    }

    /// The violation in the new numbers, without what is no more.
    pub fn violation_left(&self, violation: Violation) -> Violation {
        let nearest = violation.nearest.and_then(|permit| self.permit(permit));
        Violation { nearest, point: violation.point.and_then(|point| self.point(point)), ..violation }
    }

    /// The violation in the new numbers; `None` if it names what is no more.
    pub fn violation(&self, violation: Violation) -> Option<Violation> {
        let nearest = kept(violation.nearest, |permit| self.permit(permit))?;
        let point = kept(violation.point, |point| self.point(point))?;
        Some(Violation { nearest, point, ..violation })
    }

    /// The firing in the new numbers; `None` if it names what is no more.
    pub fn firing(&self, firing: Firing) -> Option<Firing> {
        let item = kept(firing.item, |item| {
            let point = kept(item.point, |point| self.point(point))?;
            let actor_before = kept(item.actor_before, |actor| self.actor(actor))?;
            let mut item: Commanded = item;
            (item.point, item.actor_before) = (point, actor_before);
            Some(item)
        })?;
        let suppressed = kept(firing.suppressed, |by| self.suppression(by))?;
        Some(Firing { rule: self.rule(firing.rule)?, item, suppressed, ..firing })
    }
}

/// What there is by its new number, nothing if there is nothing; `None` if it has none.
fn kept<T: Copy>(what: Option<T>, new: impl FnOnce(T) -> Option<T>) -> Option<Option<T>> {
    match what {
        Some(what) => new(what).map(Some),
        None => Some(None),
    }
}
