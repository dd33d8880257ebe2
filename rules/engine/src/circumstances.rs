//! What permits ask beyond what an exchange says: what time it is, what holds, and what was permitted before.

mod history;

pub(crate) use history::History;
pub use history::{HistoryKey, Past, PastSlot};

use crate::condition::{ConditionId, Scene};
use crate::image::Terms;
use crate::policy::carried::Carried;
use crate::process::Reach;
use crate::{Action, ActorId, DeviceId, PermitId, PointId, Policy, Reason, Space, Succession};

/// A use that somebody makes of a permit.
#[derive(Clone, Copy)]
pub(crate) struct Deed {
    pub(crate) permit: PermitId,
    pub(crate) actor: ActorId,
    pub(crate) device: DeviceId,
    pub(crate) action: Action,
    /// Where; `None` for an action without an address.
    pub(crate) spot: Option<Spot>,
    pub(crate) value: Carried,
    /// Whether the value is a single bit.
    pub(crate) is_bit: bool,
}

/// What has a value of its own.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Spot {
    Point(PointId),
    /// An address that the policy declares no point at.
    Address(DeviceId, Space, u32),
}

impl Spot {
    /// The spot in the numbers of another policy.
    fn renamed(self, succession: &Succession<'_>) -> Option<Self> {
        Some(match self {
            Self::Point(point) => Self::Point(succession.point(point)?),
            Self::Address(device, space, address) => Self::Address(succession.device(device)?, space, address),
        })
    }
}

/// The circumstances of a judgement.
pub(crate) struct Circumstances<'c, 's, 'h> {
    pub(crate) scene: Scene<'c, 's>,
    pub(crate) history: &'c mut History<'h>,
}

impl Circumstances<'_, '_, '_> {
    /// Why a permit with these terms does not hold for a deed that reaches this, and what was measured against its limit.
    pub(crate) fn against(
        &mut self,
        policy: &Policy<'_>,
        terms: &Terms,
        deed: &Deed,
        reach: Option<Reach<'_>>,
    ) -> Option<(Reason, Option<f64>)> {
        let when = ConditionId::named(terms.when);
        if when.is_some_and(|when| !self.holds(policy, when, reach)) {
            return Some((Reason::Condition, None));
        }
        if terms.windows.count.get() != 0 && !policy.windows_of(terms).any(|window| window.contains(self.scene.now)) {
            return Some((Reason::Window, None));
        }
        self.history.against(terms, deed, &self.scene)
    }

    fn holds(&self, policy: &Policy<'_>, when: ConditionId, reach: Option<Reach<'_>>) -> bool {
        match reach {
            None => policy.is_true(when, &self.scene),
            Some(reach) => {
                let item = self.scene.item(policy, reach);
                policy.is_true(when, &Scene { facts: &item, ..self.scene })
            }
        }
    }

    /// Takes note of a deed that is permitted.
    pub(crate) fn used(&mut self, policy: &Policy<'_>, terms: Option<&Terms>, deed: &Deed) {
        // A SELECT changes nothing: its OPERATE counts.
        if deed.action != Action::Select {
            self.history.used(policy, terms, deed, &self.scene);
        }
    }
}
