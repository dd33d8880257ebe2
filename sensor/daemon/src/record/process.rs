use schemars::JsonSchema;
use serde::Serialize;
use tagout_core::engine::{ActorInfo, Order, ProcessEvent};
use tagout_core::words::Happening;

use super::Stamp;
use super::schema::words;

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
