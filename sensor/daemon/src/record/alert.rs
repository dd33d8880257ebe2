use std::fmt::Display;
use std::net::IpAddr;

use schemars::JsonSchema;
use serde::{Serialize, Serializer};
use tagout_core::engine::attack::{Technique, VERSION};
use tagout_core::engine::{Action, ActorKind, Policy, Reason, RuleInfo, Space};
use tagout_core::words::{Answer, Subject, Verdict};
use tagout_core::{Alert, AlertId, Cause, Exchange, Outcome, Protocol, Repeats};

use super::anomaly::Details;
use super::cadence::Cadence;
use super::event::{BodyRecord, Messages, latency_us};
use super::flow::{Flow, server_port};
use super::intent::IntentRecord;
use super::invariant::Invariant;
use super::permitted::Permitted;
use super::process::Process;
use super::schema::words;
use super::suggestion::Suggestion;
use super::text::Text;
use super::{Context, Origin, Stamp};
use crate::evidence::Reference;
use crate::intent::Declaration;

/// An alert in the shape of Suricata's EVE; what EVE has no place for stands under `ot`.
#[derive(Serialize, JsonSchema)]
pub struct AlertRecord<'a> {
    /// When what it is about was captured.
    timestamp: Stamp,
    /// The kind of record.
    #[schemars(extend("const" = "alert"))]
    event_type: &'static str,
    #[serde(flatten)]
    flow: Option<Flow>,
    #[serde(flatten)]
    origin: Origin<'a>,
    /// The protocol of the flow.
    #[schemars(extend("enum" = ["modbus", "dnp3", "unknown"]))]
    app_proto: &'static str,
    /// What Suricata tells of an alert.
    #[schemars(with = "Fields<'a, String>")]
    alert: Signature<'a>,
    #[serde(flatten)]
    messages: Option<Messages>,
    #[serde(flatten)]
    body: Option<BodyRecord<'a>>,
    /// The anomaly that it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    anomaly: Option<Details>,
    /// What only tagout tells.
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

#[derive(Serialize, JsonSchema)]
#[serde(bound = "T: Display")]
#[schemars(rename = "Signature")]
struct Fields<'a, T: Display> {
    /// tagout blocks nothing.
    #[schemars(extend("const" = "allowed"))]
    action: &'static str,
    /// Always 1: signature ids are of one group.
    gid: u32,
    /// Id of the rule; 1001001 to 1001014 for policy violations, 1001101 for broken invariants, 1001201 to 1001211 for intents.
    signature_id: u32,
    /// Always 1.
    rev: u32,
    /// What it is, in one line.
    signature: Text<T>,
    /// The rule's category.
    category: &'a str,
    /// How bad it is: 1 high, 2 medium, 3 low, 4 informational.
    #[schemars(range(min = 1, max = 4))]
    severity: u8,
    /// The ATT&CK technique, as Suricata's rules carry it.
    #[serde(skip_serializing_if = "Option::is_none")]
    metadata: Option<Metadata>,
}

/// Lists of text, as Suricata writes a rule's metadata.
#[derive(Serialize, JsonSchema)]
struct Metadata {
    /// Its id.
    mitre_technique_id: [&'static str; 1],
    /// Its name.
    mitre_technique_name: [&'static str; 1],
}

impl From<&'static Technique> for Metadata {
    fn from(technique: &'static Technique) -> Self {
        Self { mitre_technique_id: [technique.id], mitre_technique_name: [technique.name] }
    }
}

/// What only tagout tells.
#[derive(Serialize, JsonSchema)]
struct Ot<'a> {
    /// Derives from what the alert is about: the same whenever the same capture is replayed.
    #[schemars(extend("pattern" = "^[0-9a-f]{32}$"))]
    alert_id: Text<AlertId>,
    /// Id of the first alert of what the same client does to the same device without a pause of ten minutes.
    #[schemars(extend("pattern" = "^[0-9a-f]{32}$"))]
    incident_id: Text<AlertId>,
    /// How often an earlier alert was repeated; such an alert carries no exchange of its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    repeats: Option<Repeated>,
    /// Why no permit covers it; only in policy violations.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("enum" = words(Reason::ALL, Reason::name)))]
    reason: Option<&'static str>,
    /// Who did it.
    actor: Actor<'a>,
    /// To what.
    device: Device<'a>,
    /// What was done, in the words of a policy's `do`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("enum" = words(Action::ALL, Action::name)))]
    action: Option<&'static str>,
    /// Where.
    #[serde(skip_serializing_if = "Option::is_none")]
    point: Option<Point<'a>>,
    /// With what value: in the point's engineering unit where the policy declares one, else raw.
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<f64>,
    /// What it was before, commanded or reported, in alerts of rules that look at single points.
    #[serde(skip_serializing_if = "Option::is_none")]
    previous: Option<f64>,
    /// Who commanded the point last before, by its name in the policy; in the same alerts.
    #[serde(skip_serializing_if = "Option::is_none")]
    actor_before: Option<&'a str>,
    /// What happened to the point, in an alert about that.
    #[serde(skip_serializing_if = "Option::is_none")]
    process: Option<Process<'a>>,
    /// What must hold of the process and does not, in an alert about that.
    #[serde(skip_serializing_if = "Option::is_none")]
    invariant: Option<Invariant<'a>>,
    /// What departs from a cadence, in an alert about that.
    #[serde(skip_serializing_if = "Option::is_none")]
    cadence: Option<Cadence<'a>>,
    /// What was declared against what was done, in an alert about that.
    #[serde(skip_serializing_if = "Option::is_none")]
    intent: Option<IntentRecord<'a>>,
    /// `observe` for a violation on a device whose permits are still in the making.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("const" = "observe"))]
    mode: Option<&'static str>,
    /// What the nearest permit allows of that which is not covered.
    #[serde(skip_serializing_if = "Option::is_none")]
    permitted: Option<Permitted<'a>>,
    /// How many points or addresses of the exchange are not covered; the alert tells of the first.
    #[serde(skip_serializing_if = "Option::is_none")]
    violations: Option<u32>,
    /// What the device answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    response: Option<Response>,
    /// What decided.
    #[serde(skip_serializing_if = "Option::is_none")]
    policy: Option<PolicyLine<'a>>,
    /// The smallest addition to the policy that would permit it.
    #[serde(skip_serializing_if = "Option::is_none")]
    suggestion: Option<Text<Suggestion<'a>>>,
    /// What it amounts to in ATT&CK for ICS.
    #[serde(skip_serializing_if = "Option::is_none")]
    attack: Option<Attack>,
    /// What it amounts to where an AI agent is behind it.
    #[serde(skip_serializing_if = "Option::is_none")]
    agentic: Option<Agentic<'a>>,
    /// Where the packets behind it are, if evidence is kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    evidence: Option<&'a Reference>,
    /// The whole alert in a sentence or two.
    #[schemars(with = "String")]
    why: Why<'a>,
    /// Fields that were left out on the way to a receiver that does not take as much; a text that was shortened ends in `…`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    left_out: Vec<&'a str>,
}

#[derive(Serialize, JsonSchema)]
struct Agentic<'a> {
    /// Id of a technique of MITRE ATLAS.
    #[serde(skip_serializing_if = "Option::is_none")]
    atlas: Option<&'a str>,
    /// Id of a risk of OWASP's lists for agentic applications (ASI) or language models (LLM).
    #[serde(skip_serializing_if = "Option::is_none")]
    owasp: Option<&'a str>,
}

impl<'a> Agentic<'a> {
    /// What the rule says of it, if it says anything.
    fn of(subject: &Subject<'a>) -> Option<Self> {
        match &subject.verdict {
            Verdict::Rule(RuleInfo { atlas, owasp, .. }) if atlas.is_some() || owasp.is_some() => {
                Some(Self { atlas: *atlas, owasp: *owasp })
            }
            _ => None,
        }
    }
}

#[derive(Serialize, JsonSchema)]
struct Repeated {
    /// Id of the alert that was repeated.
    of: Text<AlertId>,
    /// How many like it followed that were not told of before.
    count: u32,
    /// When the first of them was captured, or the last that was told of before.
    first_seen: Stamp,
    /// When the last of them was captured.
    last_seen: Stamp,
    /// True when they have no more in common than what was wrong: there were too many within a minute to tell of each.
    beyond_rate: bool,
}

impl From<Repeats> for Repeated {
    fn from(repeats: Repeats) -> Self {
        Self {
            of: Text(repeats.of),
            count: repeats.count,
            first_seen: Stamp(repeats.first),
            last_seen: Stamp(repeats.last),
            beyond_rate: repeats.is_rate,
        }
    }
}

#[derive(Serialize, JsonSchema)]
struct Actor<'a> {
    /// Its name in the policy.
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    /// Its kind.
    #[schemars(extend("enum" = words(ActorKind::ALL, ActorKind::name)))]
    kind: &'static str,
    /// Its address; not there in an alert about nothing that was on a wire.
    #[serde(skip_serializing_if = "Option::is_none")]
    ip: Option<IpAddr>,
    /// Its link-layer address.
    #[serde(skip_serializing_if = "Option::is_none")]
    mac: Option<Text<tagout_core::engine::Mac>>,
}

#[derive(Serialize, JsonSchema)]
struct Device<'a> {
    /// Its name in the policy.
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    /// Its address; not there in an alert about nothing that was on a wire.
    #[serde(skip_serializing_if = "Option::is_none")]
    ip: Option<IpAddr>,
    /// Its TCP or UDP port.
    #[serde(skip_serializing_if = "Option::is_none")]
    port: Option<u16>,
    /// Modbus unit id or DNP3 link address.
    #[serde(skip_serializing_if = "Option::is_none")]
    station: Option<u16>,
}

#[derive(Serialize, JsonSchema)]
struct Point<'a> {
    /// Its name in the policy.
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    /// What its address counts.
    #[schemars(extend("enum" = words(Space::ALL, Space::name)))]
    space: &'static str,
    /// Its address or index, from 0.
    address: u32,
    /// Unit of measure of its value.
    #[serde(skip_serializing_if = "Option::is_none")]
    unit: Option<&'a str>,
}

#[derive(Serialize, JsonSchema)]
struct Response {
    /// How the exchange stands; `pending` if the alert waited in vain for an answer (`alert_hold_ms`).
    #[schemars(extend("enum" = words(Outcome::ALL, Outcome::name)))]
    status: &'static str,
    /// Code of the Modbus exception or DNP3 status with which the device refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    exception: Option<u8>,
    /// Its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'static str>,
    /// Number of the frame of the response.
    #[serde(skip_serializing_if = "Option::is_none")]
    frame: Option<u64>,
    /// Microseconds from request to response.
    #[serde(skip_serializing_if = "Option::is_none")]
    latency_us: Option<u64>,
}

#[derive(Serialize, JsonSchema)]
struct PolicyLine<'a> {
    /// The policy file, or the pack.
    file: &'a str,
    /// Where it stands, from 1.
    line: u32,
    /// Where it stands, from 1.
    column: u32,
    /// Name of the permit that came nearest.
    #[serde(skip_serializing_if = "Option::is_none")]
    permit: Option<&'a str>,
    /// The entry itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<&'a str>,
}

#[derive(Serialize, JsonSchema)]
struct Attack {
    /// Id of the technique.
    technique: &'static str,
    /// Its name.
    name: &'static str,
    /// Version of ATT&CK for ICS that it is from.
    version: &'static str,
    /// Superseded ids of the technique.
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
        let flow = || match alert.anomaly {
            Some(anomaly) if !anomaly.from_client => Flow::back(&subject.path),
            _ => Flow::of(&subject.path),
        };
        let app_proto = alert.protocol.map_or("unknown", Protocol::name);
        Self {
            timestamp: Stamp(alert.time),
            event_type: "alert",
            flow: (!subject.path.leads_nowhere()).then(flow),
            origin: context.origin,
            app_proto,
            alert: Signature(subject),
            messages: alert.exchange.map(Messages::of),
            body: alert.exchange.map(BodyRecord::of),
            anomaly: alert.anomaly.map(Details::of),
            ot: Ot::new(context, alert, subject),
        }
    }

    /// The same record, which tells what was declared, in these words if they are known.
    pub fn with_declaration(mut self, policy: &Policy<'a>, alert: &Alert<'_>, words: Option<&'a Declaration>) -> Self {
        if let Cause::Intent(finding, mode) = alert.cause {
            self.ot.intent = Some(IntentRecord::of(policy, (Some(finding), mode), alert.intent, words));
        }
        self
    }

    /// The same record, which tells where the packets behind the alert are.
    pub fn with_evidence(mut self, evidence: Option<&'a Reference>) -> Self {
        self.ot.evidence = evidence;
        self
    }
}

impl<'a> Ot<'a> {
    fn new(context: &Context<'a>, alert: &Alert<'_>, subject: &'a Subject<'a>) -> Self {
        let (reason, violations) = match subject.verdict {
            Verdict::Violation { reason, .. } => (Some(Reason::name(reason)), Some(1 + subject.further)),
            Verdict::Rule(_) | Verdict::Intent(..) => (None, None),
        };
        Self {
            alert_id: Text(alert.id),
            incident_id: Text(alert.incident),
            repeats: alert.repeats.map(Repeated::from),
            reason,
            actor: Actor::of(subject),
            device: Device::of(subject),
            action: subject.action.map(Action::name),
            point: Point::of(subject),
            value: subject.value.filter(|value| value.is_finite()),
            previous: subject.before.and_then(|before| before.value).filter(|value| value.is_finite()),
            actor_before: subject.before.and_then(|before| before.actor).map(|actor| actor.name),
            process: subject.happening.map(|one| Process::of(one, subject.point.map(|point| point.name))),
            invariant: subject.broken.as_ref().map(Invariant::from),
            cadence: subject.departed.map(Cadence::from),
            intent: None,
            mode: subject.is_observed().then_some("observe"),
            permitted: Permitted::of(subject),
            violations,
            response: alert.exchange.zip(subject.answer).map(|(exchange, answer)| Response::of(exchange, answer)),
            policy: PolicyLine::of(context, subject),
            suggestion: Suggestion::of(subject).map(Text),
            attack: subject.technique().map(Attack::from),
            agentic: Agentic::of(subject),
            evidence: None,
            why: Why(subject),
            left_out: Vec::new(),
        }
    }
}

impl<'a> Actor<'a> {
    fn of(subject: &Subject<'a>) -> Self {
        Self {
            name: subject.actor.map(|actor| actor.name),
            kind: subject.actor.map_or("unknown", |actor| actor.kind.name()),
            ip: (!subject.path.leads_nowhere()).then_some(subject.path.client.ip),
            mac: subject.path.client.mac.map(Text),
        }
    }
}

impl<'a> Device<'a> {
    fn of(subject: &Subject<'a>) -> Self {
        Self {
            name: subject.device.map(|device| device.name),
            ip: (!subject.path.leads_nowhere()).then_some(subject.path.server.ip),
            port: server_port(&subject.path),
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
    fn of(exchange: &Exchange<'_>, answer: Answer) -> Self {
        let refusal = answer.refusal;
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
            Verdict::Rule(_) | Verdict::Intent(..) => None,
        };
        let text = context.sources.entry(source.file, source.line);
        Some(Self { file: source.file, line: source.line, column: source.column, permit, text })
    }
}
