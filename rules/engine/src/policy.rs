use crate::{Action, ActorId, AnomalyKind, DeviceId, Endpoint, RuleId, Touch, Verdict};

/// A verified policy image.
#[derive(Clone, Copy, Debug)]
pub struct Policy<'a> {
    bytes: &'a [u8],
}

impl<'a> Policy<'a> {
    /// The policy that names nobody and has no rules.
    pub const fn empty() -> Self {
        Self { bytes: &[] }
    }

    /// The actor that sits at `source`: the one with the most specific selector.
    pub fn actor(&self, source: &Endpoint) -> Option<ActorId> {
        let _ = (self.bytes, source);
        None
    }

    /// The device at `target`.
    pub fn device(&self, target: &Endpoint) -> Option<DeviceId> {
        let _ = target;
        None
    }

    /// Whether `actor` may do `action` to what it touches on `device`. No touches: the action has no address.
    pub fn judge<'t>(
        &self,
        actor: Option<ActorId>,
        device: Option<DeviceId>,
        action: Action,
        touches: impl Iterator<Item = Touch<'t>>,
    ) -> Verdict {
        let _ = (actor, device, action, touches);
        Verdict::Unjudged
    }

    /// The rules that `action` by itself could match, in order.
    pub fn rules_for_action(&self, action: Action) -> impl Iterator<Item = RuleId> + use<'a> {
        let _ = action;
        core::iter::empty()
    }

    /// The rules that an anomaly of this kind matches, in order.
    pub fn rules_for_anomaly(&self, kind: AnomalyKind) -> impl Iterator<Item = RuleId> + use<'a> {
        let _ = kind;
        core::iter::empty()
    }

    /// Whether the rule fires only the first time an actor does this to a device.
    pub fn fires_once(&self, rule: RuleId) -> bool {
        let _ = rule;
        false
    }
}
