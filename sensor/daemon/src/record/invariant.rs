//! A broken invariant, for records and for people.

use std::fmt;

use schemars::JsonSchema;
use serde::Serialize;
use tagout_core::engine::{ActorInfo, Breach, DeviceInfo, Involved, PointInfo, Policy};

use super::phrase::Measured;
use super::process::LastCommand;
use super::time::Stamp;

/// What does not hold, and what was known of its points.
#[derive(Clone, Copy)]
pub(super) struct Broken<'a> {
    policy: Policy<'a>,
    breach: Breach,
    must: &'a str,
    for_ms: u32,
}

/// A point of it, in the policy's words.
struct Part<'a> {
    involved: Involved,
    point: PointInfo<'a>,
    device: DeviceInfo<'a>,
    commander: Option<ActorInfo<'a>>,
}

impl<'a> Broken<'a> {
    pub(super) const fn of(policy: Policy<'a>, breach: Breach, must: &'a str, for_ms: u32) -> Self {
        Self { policy, breach, must, for_ms }
    }

    /// The point that was commanded last of them.
    pub(super) fn moved_last(&self) -> Option<(PointInfo<'a>, Option<f64>)> {
        let last = self.breach.moved_last()?;
        Some((self.policy.point_info(last.point)?, last.value))
    }

    fn parts(&self) -> impl Iterator<Item = Part<'a>> {
        let policy = self.policy;
        self.breach.points().filter_map(move |involved| {
            let point = policy.point_info(involved.point)?;
            let commander = involved.last_command.and_then(|order| policy.actor_info(order.by?));
            Some(Part { involved, point, device: policy.device_info(point.device)?, commander })
        })
    }
}

/// The whole alert in a few sentences.
impl fmt::Display for Broken<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` does not hold", self.must)?;
        if self.for_ms > 0 {
            write!(f, " for {} s", f64::from(self.for_ms) / 1e3)?;
        }
        f.write_str(".")?;
        self.parts().try_for_each(|part| write!(f, " {part}."))
    }
}

/// As in `plc1.level = 91 %, last commanded by optimizer at 2026-01-01T00:00:00.000000+0000: 95 %`.
impl fmt::Display for Part<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (unit, Involved { value, last_command, .. }) = (self.point.unit, self.involved);
        write!(f, "{}.{}", self.device.name, self.point.name)?;
        match value {
            Some(value) => write!(f, " = {}", Measured { value, unit })?,
            None => f.write_str(" was not reported")?,
        }
        let Some(order) = last_command else { return f.write_str(", never commanded") };
        let who = self.commander.map_or("somebody whom the policy does not know", |actor| actor.name);
        let told = Measured { value: order.value, unit };
        write!(f, ", last commanded by {who} at {}: {told}", Stamp(order.at))
    }
}

/// What must hold of the process and does not.
#[derive(Serialize, JsonSchema)]
pub(super) struct Invariant<'a> {
    /// What must hold, as the policy writes it.
    must: &'a str,
    /// The points that it asks for.
    points: Vec<InvolvedPoint<'a>>,
}

#[derive(Serialize, JsonSchema)]
struct InvolvedPoint<'a> {
    /// The device's name in the policy.
    device: &'a str,
    /// The point's name in the policy.
    name: &'a str,
    /// As it was reported last, in engineering units.
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<f64>,
    /// Unit of measure of its value.
    #[serde(skip_serializing_if = "Option::is_none")]
    unit: Option<&'a str>,
    /// The command that moved the point last.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_command: Option<LastCommand<'a>>,
}

impl<'a> From<&Broken<'a>> for Invariant<'a> {
    fn from(broken: &Broken<'a>) -> Self {
        let point = |part: Part<'a>| InvolvedPoint {
            device: part.device.name,
            name: part.point.name,
            value: part.involved.value.filter(|value| value.is_finite()),
            unit: part.point.unit,
            last_command: part.involved.last_command.map(|order| LastCommand::of(order, part.commander)),
        };
        Self { must: broken.must, points: broken.parts().map(point).collect() }
    }
}
