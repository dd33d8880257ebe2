//! What a policy of the reference says, and who and what there is in its plant.

use std::net::Ipv4Addr;

use tagout_core::engine::{Action, Judgement, Outcome, ProcessEvent, Space};

use super::expression::Expression;

/// Somebody who asks.
#[derive(Debug)]
pub(super) struct Actor {
    /// Name and kind in the policy, for those that it knows.
    pub(super) known: Option<(&'static str, &'static str)>,
    pub(super) ip: Ipv4Addr,
    pub(super) mac: [u8; 6],
}

pub(super) const ACTORS: [Actor; 3] = [
    Actor { known: Some(("agent", "ai-agent")), ip: Ipv4Addr::new(10, 0, 0, 1), mac: [2, 0, 0, 0, 0, 1] },
    Actor { known: Some(("panel", "hmi")), ip: Ipv4Addr::new(10, 0, 0, 2), mac: [2, 0, 0, 0, 0, 2] },
    Actor { known: None, ip: Ipv4Addr::new(10, 0, 0, 3), mac: [2, 0, 0, 0, 0, 3] },
];

/// Somebody who is asked.
#[derive(Debug)]
pub(super) struct Device {
    pub(super) name: Option<&'static str>,
    pub(super) ip: Ipv4Addr,
    pub(super) mac: [u8; 6],
}

pub(super) const DEVICES: [Device; 3] = [
    Device { name: Some("plc1"), ip: Ipv4Addr::new(10, 0, 1, 1), mac: [2, 0, 0, 0, 1, 1] },
    Device { name: Some("plc2"), ip: Ipv4Addr::new(10, 0, 1, 2), mac: [2, 0, 0, 0, 1, 2] },
    Device { name: None, ip: Ipv4Addr::new(10, 0, 1, 3), mac: [2, 0, 0, 0, 1, 3] },
];
/// How many of them the policy names.
pub(super) const NAMED: usize = 2;

pub(super) const PORT: u16 = 502;
pub(super) const UNIT: u8 = 1;

/// Where points may be: name, space, address and whether they are of single precision.
pub(super) const PLACES: [(&str, Space, u16, bool); 5] = [
    ("level", Space::HoldingRegister, 0, false),
    ("speed", Space::HoldingRegister, 1, false),
    ("flow", Space::HoldingRegister, 3, true),
    ("pump", Space::Coil, 1, false),
    ("inlet", Space::InputRegister, 0, false),
];

/// Numbers with a fraction are in tenths.
#[derive(Clone, Debug)]
pub(super) struct Point {
    pub(super) device: usize,
    pub(super) name: &'static str,
    pub(super) space: Space,
    pub(super) address: u16,
    pub(super) is_single: bool,
    pub(super) scale: i64,
    pub(super) range: Option<(i64, i64)>,
    pub(super) max_rate: Option<i64>,
    pub(super) travel_ms: Option<u64>,
    pub(super) frozen_ms: Option<u64>,
}

impl Point {
    /// How many addresses it takes.
    pub(super) fn width(&self) -> u16 {
        if self.is_single { 2 } else { 1 }
    }
}

#[derive(Debug)]
pub(super) struct Policy {
    /// By device, space and address.
    pub(super) points: Vec<Point>,
    pub(super) permits: Vec<Permit>,
    pub(super) rules: Vec<Rule>,
    pub(super) invariants: Vec<Invariant>,
    pub(super) suppressions: Vec<Suppression>,
}

/// A permit for a whole device.
#[derive(Debug)]
pub(super) struct Permit {
    pub(super) actor: usize,
    pub(super) device: usize,
    pub(super) actions: Vec<Action>,
}

#[derive(Debug)]
pub(super) struct Rule {
    pub(super) trigger: Trigger,
    pub(super) when: Option<Expression>,
    /// The names of fields.
    pub(super) per: Option<Vec<&'static str>>,
    pub(super) threshold: Threshold,
    pub(super) rearm_ms: Option<u64>,
}

#[derive(Debug)]
pub(super) enum Trigger {
    Exchange { actions: Vec<Action>, verdicts: Option<Vec<Judgement>>, outcomes: Option<Vec<Outcome>> },
    Process(Vec<ProcessEvent>),
}

#[derive(Debug)]
pub(super) enum Threshold {
    Each,
    Once { warm_up_ms: Option<u64> },
    Count { count: usize, within_ms: u64 },
    Distinct { count: usize, field: &'static str, within_ms: u64 },
    Sequence { steps: Vec<Expression>, within_ms: u64 },
    Absent { follows: Expression, within_ms: u64 },
    Lasting { ms: u64 },
}

#[derive(Debug)]
pub(super) struct Invariant {
    pub(super) must: Expression,
    pub(super) lasting_ms: Option<u64>,
}

#[derive(Debug)]
pub(super) struct Suppression {
    /// Rules by number.
    pub(super) rules: Option<Vec<usize>>,
    /// Reasons of violations by name; only beside `rules`.
    pub(super) reasons: Vec<&'static str>,
    pub(super) actor: Option<usize>,
    pub(super) device: Option<usize>,
    pub(super) points: Option<Vec<&'static str>>,
    pub(super) when: Option<Expression>,
}

/// What somebody asks, and what comes of it.
#[derive(Debug)]
pub(super) struct Exchange {
    pub(super) actor: usize,
    pub(super) device: usize,
    /// In milliseconds since the epoch.
    pub(super) at: u64,
    pub(super) request: Request,
    pub(super) answer: Option<Answer>,
}

#[derive(Debug)]
pub(super) enum Request {
    Read {
        space: Space,
        address: u16,
        count: u16,
    },
    /// One value in a function of its own, if `single`.
    Write {
        space: Space,
        address: u16,
        values: Vec<u16>,
        single: bool,
    },
    /// Changes a register in a way that the wire does not tell.
    Mask {
        address: u16,
    },
    Identify,
}

#[derive(Debug)]
pub(super) struct Answer {
    /// In milliseconds since the request.
    pub(super) after: u64,
    pub(super) said: Said,
}

#[derive(Debug)]
pub(super) enum Said {
    Refused(u8),
    /// With what was read, if something was.
    Answered(Vec<u16>),
}

impl Exchange {
    pub(super) fn action(&self) -> Action {
        match self.request {
            Request::Read { .. } => Action::Read,
            Request::Write { .. } | Request::Mask { .. } => Action::Write,
            Request::Identify => Action::Identify,
        }
    }

    pub(super) fn outcome(&self) -> Outcome {
        match &self.answer {
            None => Outcome::Unanswered,
            Some(Answer { said: Said::Refused(_), .. }) => Outcome::Refused,
            Some(Answer { said: Said::Answered(_), .. }) => Outcome::Answered,
        }
    }

    /// Space, first address and how many it touches.
    pub(super) fn place(&self) -> Option<(Space, u16, u16)> {
        match &self.request {
            Request::Read { space, address, count } => Some((*space, *address, *count)),
            Request::Write { space, address, values, .. } => Some((*space, *address, values.len() as u16)),
            Request::Mask { address } => Some((Space::HoldingRegister, *address, 1)),
            Request::Identify => None,
        }
    }

    /// The values that it writes.
    pub(super) fn written(&self) -> Option<&[u16]> {
        match &self.request {
            Request::Write { values, .. } => Some(values),
            _ => None,
        }
    }

    /// What the permits say of it, and the reason against it.
    pub(super) fn judged(&self, policy: &Policy) -> (Judgement, Option<&'static str>) {
        if self.device >= NAMED {
            return (Judgement::Unjudged, None);
        }
        let mut of_pair =
            policy.permits.iter().filter(|permit| (permit.actor, permit.device) == (self.actor, self.device));
        if ACTORS[self.actor].known.is_none() {
            (Judgement::Unexpected, Some("unknown-actor"))
        } else if of_pair.clone().any(|permit| permit.actions.contains(&self.action())) {
            (Judgement::Permitted, None)
        } else if of_pair.next().is_some() {
            (Judgement::Unexpected, Some("action-not-permitted"))
        } else {
            (Judgement::Unexpected, Some("no-permit"))
        }
    }
}
