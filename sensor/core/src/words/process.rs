//! What happened to a point, in words.

use core::fmt;

use tagout_engine::{ActorInfo, News, Order, Policy, ProcessEvent};

use super::Decimal;
use super::measure::Measured;

/// What happened to a point, and who moved it last.
#[derive(Clone, Copy)]
pub struct Happening<'a> {
    /// What happened.
    pub news: News,
    /// Who moved the point last, if the policy names the actor.
    pub commander: Option<ActorInfo<'a>>,
}

impl<'a> Happening<'a> {
    pub(super) fn of(policy: &Policy<'a>, news: News) -> Self {
        let commander = news.last_command.and_then(|order| policy.actor_info(order.by?));
        Self { news, commander }
    }

    /// What is wrong, as half a sentence behind the value; then who moved the point last.
    pub(super) fn told(&self, unit: Option<&'a str>) -> impl fmt::Display + use<'_, 'a> {
        Told(self, unit)
    }
}

struct Told<'a>(&'a Happening<'a>, Option<&'a str>);

impl fmt::Display for Told<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(Happening { news, commander }, unit) = *self;
        let limit = news.limit.unwrap_or(f64::NAN);
        let measured = Measured { value: limit, unit };
        match news.event {
            ProcessEvent::OutOfRange => write!(f, "beyond the end of its range, {measured}")?,
            ProcessEvent::Jump => write!(f, "after a change of more than {measured} a second")?,
            ProcessEvent::Mismatch => write!(f, "though the device was told {measured}")?,
            ProcessEvent::Frozen => write!(f, "unchanged for {} s", Decimal::from(limit))?,
            ProcessEvent::BadQuality => f.write_str("and the device does not vouch for it")?,
            ProcessEvent::Disputed => write!(f, "while others are told {measured}, in turns")?,
            ProcessEvent::Effect => f.write_str("where a command without a permit sent it")?,
            ProcessEvent::Stale => write!(f, "and not again for {} s", Decimal::from(limit))?,
        }
        let Some(Order { value, .. }) = news.last_command else { return f.write_str(".") };
        let who = commander.map_or("somebody whom the policy does not know", |actor| actor.name);
        write!(f, ". The last command, {}, was that of {who}.", Measured { value, unit })
    }
}
