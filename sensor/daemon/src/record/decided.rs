use schemars::JsonSchema;
use serde::Serialize;
use tagout_core::engine::Policy;
use tagout_core::intent::{Done, Match};
use tagout_core::{Command, Protocol, Timestamp};

use super::event::Roles;
use super::flow::{Flow, Message};
use super::intent::{IntentRecord, Place, Values};
use super::{Context, Origin, Stamp};
use crate::intent::Declaration;

/// One line a command of an actor whose intents matter, once it is decided what was declared of it.
#[derive(Serialize, JsonSchema)]
pub struct DecidedRecord<'a> {
    /// When the command was captured.
    timestamp: Stamp,
    /// The kind of record.
    #[schemars(extend("const" = "intent"))]
    event_type: &'static str,
    #[serde(flatten)]
    flow: Flow,
    #[serde(flatten)]
    origin: Origin<'a>,
    /// The protocol.
    #[schemars(extend("enum" = ["modbus", "dnp3"]))]
    app_proto: &'static str,
    /// Where and when the command was complete on the wire; of SELECT and OPERATE, the SELECT.
    request: Message,
    /// Who did what, and who declared it.
    ot: Ot<'a>,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "DecidedOt")]
struct Ot<'a> {
    #[serde(flatten)]
    roles: Roles<'a>,
    /// Whether the device refused the command, as far as was known when this was decided.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    refused: bool,
    /// What it touches: each point, and each run of addresses without one. At most eight; nothing if it is about the device as a
    /// whole.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    done: Vec<DoneRecord<'a>>,
    /// What was declared against what was done.
    intent: IntentRecord<'a>,
}

/// One thing that a command does.
#[derive(Serialize, JsonSchema)]
struct DoneRecord<'a> {
    #[serde(flatten)]
    place: Place<'a>,
    #[serde(flatten)]
    values: Values,
    /// The unit of measure of the value.
    #[serde(skip_serializing_if = "Option::is_none")]
    unit: Option<&'a str>,
}

impl<'a> DecidedRecord<'a> {
    /// The record of a command and the verdict on it; `words` are those of the declaration.
    pub fn new(context: &Context<'a>, command: &Command<'_>, verdict: &Match, words: Option<&'a Declaration>) -> Self {
        let policy = &context.policy;
        let done = command.done.iter().flatten().filter_map(|done| DoneRecord::of(policy, done));
        Self {
            timestamp: Stamp(command.seen.time),
            event_type: "intent",
            flow: Flow::of(&command.path),
            origin: context.origin,
            app_proto: Protocol::name(command.protocol),
            request: command.seen.into(),
            ot: Ot {
                roles: Roles::of(policy, command.action, Some(command.actor), command.device),
                refused: command.refused,
                done: done.collect(),
                intent: IntentRecord::of(policy, (verdict.finding, verdict.mode), Some(verdict), words),
            },
        }
    }

    /// When the command was captured.
    pub fn time(&self) -> Timestamp {
        self.timestamp.0
    }
}

impl<'a> DoneRecord<'a> {
    fn of(policy: &Policy<'a>, done: &Done) -> Option<Self> {
        let unit = done.point.and_then(|id| policy.point_info(id)?.unit);
        Some(Self { place: Place::of(policy, done)?, values: Values::of(done), unit })
    }
}
