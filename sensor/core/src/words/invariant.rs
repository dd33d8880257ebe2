//! A broken invariant, in words.

use core::fmt;

use tagout_engine::{ActorInfo, Breach, DeviceInfo, Involved, PointInfo, Policy};

use super::measure::Measured;
use super::{Decimal, Utc};

/// What does not hold, and what was known of its points.
#[derive(Clone, Copy)]
pub struct Broken<'a> {
    policy: Policy<'a>,
    breach: &'a Breach,
    /// What must hold, as the policy writes it.
    pub must: &'a str,
    for_ms: u32,
}

/// A point of it, in the policy's words.
pub struct Part<'a> {
    /// What is known of it.
    pub involved: Involved,
    /// The point.
    pub point: PointInfo<'a>,
    /// Its device.
    pub device: DeviceInfo<'a>,
    /// Who commanded it last, if the policy names the actor.
    pub commander: Option<ActorInfo<'a>>,
}

impl<'a> Broken<'a> {
    pub(super) const fn of(policy: Policy<'a>, breach: &'a Breach, must: &'a str, for_ms: u32) -> Self {
        Self { policy, breach, must, for_ms }
    }

    /// The point that was commanded last of them.
    pub(super) fn moved_last(&self) -> Option<(PointInfo<'a>, Option<f64>)> {
        let last = self.breach.moved_last()?;
        Some((self.policy.point_info(last.point)?, last.value))
    }

    /// Its points, in the order in which the condition names them.
    pub fn parts(&self) -> impl Iterator<Item = Part<'a>> + use<'a> {
        let (policy, breach) = (self.policy, self.breach);
        breach.points().filter_map(move |involved| {
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
            write!(f, " for {} s", Decimal::seconds(self.for_ms))?;
        }
        f.write_str(".")?;
        for part in self.parts() {
            write!(f, " {part}.")?;
        }
        Ok(())
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
        write!(f, ", last commanded by {who} at {}+0000: {told}", Utc(order.at))
    }
}
