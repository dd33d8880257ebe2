use schemars::JsonSchema;
use serde::Serialize;
use tagout_core::engine::{Action, ActorId, ActorKind, DeviceId, Policy};
use tagout_core::{Body, Exchange, Outcome, Timestamp};

use super::dnp3::Dnp3;
use super::flow::{Flow, Message};
use super::modbus::Modbus;
use super::schema::words;
use super::{Context, Origin, Repeated, Stamp};

/// One line an exchange: the request and what belongs to it.
#[derive(Serialize, JsonSchema)]
pub struct EventRecord<'a> {
    /// When the request was captured, or the response if there is no request.
    timestamp: Stamp,
    /// The kind of record: the protocol.
    #[schemars(extend("enum" = ["modbus", "dnp3"]))]
    event_type: &'static str,
    #[serde(flatten)]
    flow: Flow,
    #[serde(flatten)]
    origin: Origin<'a>,
    #[serde(flatten)]
    messages: Messages,
    /// How the exchange ended.
    #[schemars(extend("enum" = words(Outcome::ALL, Outcome::name)))]
    outcome: &'static str,
    /// The exchanges that this record stands for, if it stands for more than itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    repeated: Option<Repeated>,
    #[serde(flatten)]
    body: BodyRecord<'a>,
    /// Who did what to whom, in the policy's words.
    ot: Roles<'a>,
}

/// Where request and response were seen.
#[derive(Serialize, JsonSchema)]
pub(super) struct Messages {
    /// Where and when the request was complete on the wire.
    #[serde(skip_serializing_if = "Option::is_none")]
    request: Option<Message>,
    /// Where and when the response was.
    #[serde(skip_serializing_if = "Option::is_none")]
    response: Option<Message>,
}

/// What was said, under the protocol's name.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum BodyRecord<'a> {
    /// What was said in Modbus.
    Modbus(Modbus<'a>),
    /// What was said in DNP3.
    Dnp3(Dnp3<'a>),
}

/// Who did what to whom, in the policy's words.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "EventRoles")]
pub(super) struct Roles<'a> {
    /// What the exchange does, in the words of a policy's `do`.
    #[schemars(extend("enum" = words(Action::ALL, Action::name)))]
    action: &'static str,
    /// Name of the actor in the policy.
    #[serde(skip_serializing_if = "Option::is_none")]
    actor: Option<&'a str>,
    /// Its kind.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("enum" = words(ActorKind::ALL, ActorKind::name)))]
    actor_kind: Option<&'static str>,
    /// Name of the device in the policy.
    #[serde(skip_serializing_if = "Option::is_none")]
    device: Option<&'a str>,
}

impl<'a> EventRecord<'a> {
    /// When it was captured.
    pub fn time(&self) -> Timestamp {
        self.timestamp.0
    }

    /// The record of an exchange.
    pub fn new(context: &Context<'a>, exchange: &'a Exchange<'a>) -> Self {
        let time = exchange.request.or(exchange.response).map(|seen| seen.time).unwrap_or_default();
        Self {
            timestamp: Stamp(time),
            event_type: exchange.body.protocol().name(),
            flow: Flow::of(&exchange.path),
            origin: context.origin,
            messages: Messages::of(exchange),
            outcome: exchange.outcome.name(),
            repeated: None,
            body: BodyRecord::of(exchange),
            ot: Roles::of(&context.policy, exchange.action, exchange.actor, exchange.device),
        }
    }

    /// The same, standing for the exchanges that it repeats too.
    pub fn standing_for(self, repeated: Option<Repeated>) -> Self {
        Self { repeated, ..self }
    }
}

impl Messages {
    pub(super) fn of(exchange: &Exchange<'_>) -> Self {
        Self { request: exchange.request.map(Message::from), response: exchange.response.map(Message::from) }
    }
}

impl<'a> BodyRecord<'a> {
    pub(super) fn of(exchange: &Exchange<'a>) -> Self {
        let latency_us = latency_us(exchange);
        match &exchange.body {
            Body::Modbus(body) => Self::Modbus(Modbus::of(body, latency_us)),
            Body::Dnp3(body) => Self::Dnp3(Dnp3::of(body, latency_us)),
        }
    }
}

impl<'a> Roles<'a> {
    pub(super) fn of(policy: &Policy<'a>, action: Action, actor: Option<ActorId>, device: Option<DeviceId>) -> Self {
        let actor = actor.and_then(|id| policy.actor_info(id));
        Self {
            action: Action::name(action),
            actor: actor.map(|actor| actor.name),
            actor_kind: actor.map(|actor| ActorKind::name(actor.kind)),
            device: device.and_then(|id| policy.device_info(id)).map(|device| device.name),
        }
    }
}

/// Microseconds from request to response.
pub(super) fn latency_us(exchange: &Exchange<'_>) -> Option<u64> {
    Some(exchange.response?.time.micros_since(exchange.request?.time))
}
