use schemars::JsonSchema;
use serde::{Serialize, Serializer};
use tagout_core::engine::{AnomalyKind, Layer};
use tagout_core::{Anomaly, Protocol, Term};

use super::flow::Flow;
use super::schema::{NumberOrText, words};
use super::{Context, Origin, Stamp};

/// Traffic that could not be taken at face value. Source and destination are those of the bytes.
#[derive(Serialize, JsonSchema)]
pub struct AnomalyRecord<'a> {
    /// When it was captured.
    timestamp: Stamp,
    /// The kind of record.
    #[schemars(extend("const" = "anomaly"))]
    event_type: &'static str,
    #[serde(flatten)]
    flow: Flow,
    #[serde(flatten)]
    origin: Origin<'a>,
    /// The protocol of the flow; what links say of addresses belongs to none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("enum" = ["modbus", "dnp3"]))]
    app_proto: Option<&'static str>,
    /// What was wrong.
    anomaly: Details,
    /// Between whom, in the policy's words.
    ot: Roles<'a>,
}

#[derive(Serialize, JsonSchema)]
pub(super) struct Details {
    /// The kind of anomaly.
    #[schemars(extend("enum" = words(AnomalyKind::ALL, AnomalyKind::name)))]
    event: &'static str,
    /// The layer whose rules it breaks.
    #[schemars(extend("enum" = words(Layer::ALL, Layer::name)))]
    layer: &'static str,
    /// Which way the bytes went.
    #[schemars(extend("enum" = ["to_server", "to_client"]))]
    direction: &'static str,
    /// Number of the frame that showed it.
    frame: u64,
    /// How many bytes it is about.
    bytes: u32,
    /// The field that was wrong.
    #[serde(skip_serializing_if = "str::is_empty")]
    field: &'static str,
    /// Where that field stands, in octets from the start of the layer's unit.
    #[serde(skip_serializing_if = "Option::is_none")]
    offset: Option<u32>,
    /// What would have been right: a number, or words.
    #[serde(skip_serializing_if = "TermRecord::is_unstated")]
    #[schemars(with = "NumberOrText")]
    expected: TermRecord,
    /// What was there: a number, or words.
    #[serde(skip_serializing_if = "TermRecord::is_unstated")]
    #[schemars(with = "NumberOrText")]
    found: TermRecord,
    /// How many more of this kind there were on the flow since the last that was reported.
    #[serde(skip_serializing_if = "is_zero")]
    unreported: u16,
}

/// One side of a finding.
pub(super) struct TermRecord(Term);

impl TermRecord {
    const fn is_unstated(&self) -> bool {
        matches!(self.0, Term::Unstated)
    }
}

impl Serialize for TermRecord {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Term::Unstated => serializer.serialize_none(),
            Term::Number(number) => serializer.serialize_u32(number),
            Term::Between(low, high) => serializer.collect_str(&format_args!("{low} to {high}")),
            Term::Mac(mac) => serializer.collect_str(&mac),
            Term::Ip(ip) => serializer.collect_str(&ip),
            Term::Words(words) => serializer.serialize_str(words),
        }
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
const fn is_zero(count: &u16) -> bool {
    *count == 0
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "AnomalyRoles")]
struct Roles<'a> {
    /// Name of the actor in the policy.
    #[serde(skip_serializing_if = "Option::is_none")]
    actor: Option<&'a str>,
    /// Name of the device in the policy.
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
            app_proto: anomaly.protocol.map(Protocol::name),
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
        let finding = anomaly.finding;
        Self {
            event: finding.kind.name(),
            layer: finding.kind.layer().name(),
            direction: if anomaly.from_client { "to_server" } else { "to_client" },
            frame: anomaly.seen.frame,
            bytes: finding.bytes,
            field: finding.field,
            offset: (!finding.field.is_empty()).then_some(finding.offset),
            expected: TermRecord(finding.expected),
            found: TermRecord(finding.found),
            unreported: anomaly.unreported,
        }
    }
}
