use crate::vocabulary::{Judgement, Reason, Space};

/// Index of an actor in the policy.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
pub struct ActorId(pub u16);
/// Index of a device in the policy.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
pub struct DeviceId(pub u16);
/// Index of a point in the policy; points of one device are consecutive.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
pub struct PointId(pub u32);
/// Index of a permit in the policy, in the order of the files.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
pub struct PermitId(pub u16);
/// Index of a rule in the policy.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, PartialOrd, Ord, Default)]
pub struct RuleId(pub u16);

/// Index of a cadence in the policy.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
pub struct CadenceId(pub u16);
/// Index of a poll in the policy; polls of one cycle are consecutive.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
pub struct PollId(pub u16);

/// What the policy says of an exchange.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Verdict {
    /// The policy does not name the device.
    Unjudged,
    /// Every touched point is covered; the permit is the one that covered the first. A confirm needs none.
    Permitted(Option<PermitId>),
    /// Something is not covered.
    Unexpected(Violation),
}

impl Verdict {
    /// The verdict in one word.
    pub const fn judgement(&self) -> Judgement {
        match self {
            Self::Unjudged => Judgement::Unjudged,
            Self::Permitted(_) => Judgement::Permitted,
            Self::Unexpected(_) => Judgement::Unexpected,
        }
    }
}

/// The first thing in an exchange that no permit covers.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Violation {
    /// Why it is not covered.
    pub reason: Reason,
    /// Where, if the action has an address: the first address touched that is not covered, in the order of the touches.
    pub place: Option<(Space, u32)>,
    /// The point that the policy knows there.
    pub point: Option<PointId>,
    /// The offending value: in the point's engineering unit where a point is known, else raw.
    pub value: Option<f64>,
    /// The permit that came nearest: of this actor, for this device, for this action and point as far as there is one.
    pub nearest: Option<PermitId>,
    /// What was measured against the nearest permit's limit: uses, a change, or seconds.
    pub found: Option<f64>,
    /// How many of the touched points or unmapped addresses are not covered.
    pub violations: u32,
}
