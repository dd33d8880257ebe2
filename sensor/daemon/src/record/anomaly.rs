use serde::Serialize;
use tagout_core::Anomaly;

use super::flow::{Flow, protocol_name};
use super::{Context, Origin, Stamp};

/// Traffic that could not be taken at face value. Source and destination are those of the bytes.
#[derive(Serialize)]
pub struct AnomalyRecord<'a> {
    timestamp: Stamp,
    event_type: &'static str,
    #[serde(flatten)]
    flow: Flow,
    #[serde(flatten)]
    origin: Origin<'a>,
    app_proto: &'static str,
    anomaly: Details,
    ot: Roles<'a>,
}

#[derive(Serialize)]
pub(super) struct Details {
    event: &'static str,
    direction: &'static str,
    frame: u64,
    bytes: u32,
}

#[derive(Serialize)]
struct Roles<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    actor: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    device: Option<&'a str>,
}

impl<'a> AnomalyRecord<'a> {
    /// The record of an anomaly.
    pub fn new(context: &Context<'a>, anomaly: &Anomaly) -> Self {
        let policy = context.policy;
        Self {
            timestamp: Stamp(anomaly.seen.time),
            event_type: "anomaly",
            flow: if anomaly.from_client { Flow::of(&anomaly.path) } else { Flow::back(&anomaly.path) },
            origin: context.origin,
            app_proto: protocol_name(anomaly.protocol),
            anomaly: Details::of(anomaly),
            ot: Roles {
                actor: anomaly.actor.and_then(|id| policy.actor_info(id)).map(|actor| actor.name),
                device: anomaly.device.and_then(|id| policy.device_info(id)).map(|device| device.name),
            },
        }
    }
}

impl Details {
    pub(super) fn of(anomaly: &Anomaly) -> Self {
        Self {
            event: anomaly.kind.name(),
            direction: if anomaly.from_client { "to_server" } else { "to_client" },
            frame: anomaly.seen.frame,
            bytes: anomaly.bytes,
        }
    }
}
