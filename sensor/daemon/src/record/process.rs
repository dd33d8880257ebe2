//! What happened to a point, for records and for people.

use std::fmt;

use schemars::JsonSchema;
use serde::Serialize;
use tagout_core::engine::{ActorInfo, News, Order, Policy, ProcessEvent};

use super::Stamp;
use super::phrase::Measured;
use super::schema::words;

/// What happened to a point, and who moved it last.
#[derive(Clone, Copy)]
pub(super) struct Happening<'a> {
    news: News,
    commander: Option<ActorInfo<'a>>,
}

impl<'a> Happening<'a> {
    pub(super) fn of(policy: &Policy<'a>, news: News) -> Self {
        let commander = news.last_command.and_then(|order| policy.actor_info(order.by?));
        Self { news, commander }
    }

    /// What is wrong, as half a sentence behind the value; then who moved the point last.
    pub(super) fn told(self, unit: Option<&'a str>) -> impl fmt::Display + use<'a> {
        Told(self, unit)
    }
}

struct Told<'a>(Happening<'a>, Option<&'a str>);

impl fmt::Display for Told<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(Happening { news, commander }, unit) = *self;
        let limit = Measured { value: news.limit.unwrap_or(f64::NAN), unit };
        match news.event {
            ProcessEvent::OutOfRange => write!(f, "beyond the end of its range, {limit}")?,
            ProcessEvent::Jump => write!(f, "after a change of more than {limit} a second")?,
            ProcessEvent::Mismatch => write!(f, "though the device was told {limit}")?,
            ProcessEvent::Frozen => write!(f, "unchanged for {} s", news.limit.unwrap_or(f64::NAN))?,
            ProcessEvent::BadQuality => f.write_str("and the device does not vouch for it")?,
            ProcessEvent::Disputed => write!(f, "while others are told {limit}, in turns")?,
            ProcessEvent::Effect => f.write_str("where a command without a permit sent it")?,
            ProcessEvent::Stale => write!(f, "and not again for {} s", news.limit.unwrap_or(f64::NAN))?,
        }
        let Some(Order { value, .. }) = news.last_command else { return f.write_str(".") };
        let who = commander.map_or("somebody whom the policy does not know", |actor| actor.name);
        write!(f, ". The last command, {}, was that of {who}.", Measured { value, unit })
    }
}

/// What happened to the point.
#[derive(Serialize, JsonSchema)]
pub(super) struct Process<'a> {
    /// What.
    #[schemars(extend("enum" = words(ProcessEvent::ALL, ProcessEvent::name)))]
    event: &'static str,
    /// The point's name in the policy.
    #[serde(skip_serializing_if = "Option::is_none")]
    point: Option<&'a str>,
    /// As it was reported, in engineering units.
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<f64>,
    /// What the value should have kept to: the end of the range that it left, the greatest change a second, the commanded
    /// value, or the seconds within which it should have changed or been reported again.
    #[serde(skip_serializing_if = "Option::is_none")]
    limit: Option<f64>,
    /// The command that moved the point last.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_command: Option<LastCommand<'a>>,
}

#[derive(Serialize, JsonSchema)]
pub(super) struct LastCommand<'a> {
    /// Who commanded, by its name in the policy.
    #[serde(skip_serializing_if = "Option::is_none")]
    actor: Option<&'a str>,
    /// What, in engineering units.
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<f64>,
    /// When the command was captured.
    time: Stamp,
}

impl<'a> LastCommand<'a> {
    pub(super) fn of(order: Order, commander: Option<ActorInfo<'a>>) -> Self {
        Self {
            actor: commander.map(|actor| actor.name),
            value: Some(order.value).filter(|value| value.is_finite()),
            time: Stamp(order.at),
        }
    }
}

impl<'a> Process<'a> {
    pub(super) fn of(happening: Happening<'a>, point: Option<&'a str>) -> Self {
        let Happening { news, commander } = happening;
        let finite = |value: &f64| value.is_finite();
        Self {
            event: news.event.name(),
            point,
            value: Some(news.value).filter(finite),
            limit: news.limit.filter(finite),
            last_command: news.last_command.map(|order| LastCommand::of(order, commander)),
        }
    }
}
