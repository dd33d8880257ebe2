use std::fmt::{self, Display};
use std::net::IpAddr;

use serde::{Serialize, Serializer};
use tagout_core::engine::attack::{Technique, VERSION};
use tagout_core::engine::{Action, Reason, ValueRange};
use tagout_core::{Alert, Exchange};

use super::anomaly::Details;
use super::event::{BodyRecord, Messages, latency_us, protocol};
use super::flow::{Flow, protocol_name};
use super::subject::Verdict;
use super::suggestion::Suggestion;
use super::text::Text;
use super::{Context, Origin, Stamp, Subject};

/// An alert in the shape of Suricata's EVE; what EVE has no place for stands under `ot`.
#[derive(Serialize)]
pub struct AlertRecord<'a> {
    timestamp: Stamp,
    event_type: &'static str,
    #[serde(flatten)]
    flow: Flow,
    #[serde(flatten)]
    origin: Origin<'a>,
    app_proto: &'static str,
    alert: Signature<'a>,
    #[serde(flatten)]
    messages: Option<Messages>,
    #[serde(flatten)]
    body: Option<BodyRecord<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    anomaly: Option<Details>,
    ot: Ot<'a>,
}

/// EVE's `alert`. `action` is always `allowed`: tagout watches.
struct Signature<'a>(&'a Subject<'a>);

impl Serialize for Signature<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Fields {
            action: "allowed",
            gid: 1,
            signature_id: self.0.signature_id(),
            rev: 1,
            signature: Text(self.0.signature()),
            category: self.0.category(),
            severity: self.0.severity().number(),
            metadata: self.0.technique().map(Metadata::from),
        }
        .serialize(serializer)
    }
}

#[derive(Serialize)]
#[serde(bound = "T: Display")]
struct Fields<'a, T: Display> {
    action: &'static str,
    gid: u32,
    signature_id: u32,
    rev: u32,
    signature: Text<T>,
    category: &'a str,
    severity: u8,
    #[serde(skip_serializing_if = "Option::is_none")]
    metadata: Option<Metadata>,
}

/// Lists of text, as Suricata writes a rule's metadata.
#[derive(Serialize)]
struct Metadata {
    mitre_technique_id: [&'static str; 1],
    mitre_technique_name: [&'static str; 1],
}

impl From<&'static Technique> for Metadata {
    fn from(technique: &'static Technique) -> Self {
        Self { mitre_technique_id: [technique.id], mitre_technique_name: [technique.name] }
    }
}

/// What only tagout tells.
#[derive(Serialize)]
struct Ot<'a> {
    alert_id: Text<AlertId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
    actor: Actor<'a>,
    device: Device<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    action: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    point: Option<Point<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    permitted: Option<Range>,
    #[serde(skip_serializing_if = "Option::is_none")]
    violations: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response: Option<Response>,
    #[serde(skip_serializing_if = "Option::is_none")]
    policy: Option<PolicyLine<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    suggestion: Option<Text<Suggestion<'a>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    attack: Option<Attack>,
    why: Why<'a>,
}

/// 32 hexadecimal digits.
struct AlertId(u128);

impl Display for AlertId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

#[derive(Serialize)]
struct Actor<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    kind: &'static str,
    ip: IpAddr,
    #[serde(skip_serializing_if = "Option::is_none")]
    mac: Option<Text<tagout_core::engine::Mac>>,
}

#[derive(Serialize)]
struct Device<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    ip: IpAddr,
    port: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    station: Option<u16>,
}

#[derive(Serialize)]
struct Point<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    space: &'static str,
    address: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    unit: Option<&'a str>,
}

#[derive(Serialize)]
struct Range {
    #[serde(skip_serializing_if = "Option::is_none")]
    min: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max: Option<f64>,
}

impl From<ValueRange> for Range {
    fn from(range: ValueRange) -> Self {
        Self { min: range.min, max: range.max }
    }
}

#[derive(Serialize)]
struct Response {
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    exception: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    frame: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    latency_us: Option<u64>,
}

#[derive(Serialize)]
struct PolicyLine<'a> {
    file: &'a str,
    line: u32,
    column: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    permit: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<&'a str>,
}

#[derive(Serialize)]
struct Attack {
    technique: &'static str,
    name: &'static str,
    version: &'static str,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    aliases: &'static [&'static str],
}

impl From<&'static Technique> for Attack {
    fn from(technique: &'static Technique) -> Self {
        Self { technique: technique.id, name: technique.name, version: VERSION, aliases: technique.superseded }
    }
}

/// The sentence for the analyst.
struct Why<'a>(&'a Subject<'a>);

impl Serialize for Why<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0.why())
    }
}

impl<'a> AlertRecord<'a> {
    /// The record of `alert`, which `subject` describes.
    pub fn new(context: &Context<'a>, alert: &'a Alert<'a>, subject: &'a Subject<'a>) -> Self {
        let flow = match alert.anomaly {
            Some(anomaly) if !anomaly.from_client => Flow::back(&subject.path),
            _ => Flow::of(&subject.path),
        };
        let app_proto = match (alert.exchange, alert.anomaly) {
            (Some(exchange), _) => protocol_name(protocol(exchange)),
            (None, Some(anomaly)) => protocol_name(anomaly.protocol),
            (None, None) => "unknown",
        };
        Self {
            timestamp: Stamp(alert.time),
            event_type: "alert",
            flow,
            origin: context.origin,
            app_proto,
            alert: Signature(subject),
            messages: alert.exchange.map(Messages::of),
            body: alert.exchange.map(BodyRecord::of),
            anomaly: alert.anomaly.map(Details::of),
            ot: Ot::new(context, alert, subject),
        }
    }
}

impl<'a> Ot<'a> {
    fn new(context: &Context<'a>, alert: &Alert<'_>, subject: &'a Subject<'a>) -> Self {
        let (reason, violations) = match subject.verdict {
            Verdict::Violation { reason, .. } => (Some(Reason::name(reason)), Some(1 + subject.further)),
            Verdict::Rule(_) => (None, None),
        };
        Self {
            alert_id: Text(AlertId(alert.id.0)),
            reason,
            actor: Actor::of(subject),
            device: Device::of(subject),
            action: subject.action.map(Action::name),
            point: Point::of(subject),
            value: subject.value.filter(|value| value.is_finite()),
            permitted: subject.permitted().map(Range::from),
            violations,
            response: alert.exchange.map(|exchange| Response::of(exchange, subject)),
            policy: PolicyLine::of(context, subject),
            suggestion: Suggestion::of(subject).map(Text),
            attack: subject.technique().map(Attack::from),
            why: Why(subject),
        }
    }
}

impl<'a> Actor<'a> {
    fn of(subject: &Subject<'a>) -> Self {
        Self {
            name: subject.actor.map(|actor| actor.name),
            kind: subject.actor.map_or("unknown", |actor| actor.kind.name()),
            ip: subject.path.client.ip,
            mac: subject.mac().map(Text),
        }
    }
}

impl<'a> Device<'a> {
    fn of(subject: &Subject<'a>) -> Self {
        Self {
            name: subject.device.map(|device| device.name),
            ip: subject.path.server.ip,
            port: subject.path.server.port,
            station: subject.station,
        }
    }
}

impl<'a> Point<'a> {
    fn of(subject: &Subject<'a>) -> Option<Self> {
        let (space, address) = match (subject.point, subject.place) {
            (Some(point), _) => (point.space, u32::from(point.address)),
            (None, place) => place?,
        };
        let name = subject.point.map(|point| point.name);
        Some(Self { name, space: space.name(), address, unit: subject.unit_of_measure() })
    }
}

impl Response {
    fn of(exchange: &Exchange<'_>, subject: &Subject<'_>) -> Self {
        let refusal = subject.answer.and_then(|answer| answer.refusal);
        Self {
            status: exchange.outcome.name(),
            exception: refusal.and_then(|refusal| refusal.code),
            name: refusal.and_then(|refusal| refusal.name),
            frame: exchange.response.map(|seen| seen.frame),
            latency_us: latency_us(exchange),
        }
    }
}

impl<'a> PolicyLine<'a> {
    fn of(context: &Context<'a>, subject: &Subject<'a>) -> Option<Self> {
        let source = subject.decided_by()?;
        let permit = match subject.verdict {
            Verdict::Violation { nearest, .. } => nearest.and_then(|permit| permit.name),
            Verdict::Rule(_) => None,
        };
        let text = context.sources.entry(source.file, source.line);
        Some(Self { file: source.file, line: source.line, column: source.column, permit, text })
    }
}
