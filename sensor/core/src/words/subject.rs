//! What an alert is about, in the policy's words.

use core::fmt;

use tagout_engine::attack::Technique;
use tagout_engine::{
    Action, ActorInfo, AnomalyKind, Breach, Commanded, DeviceInfo, IntentFinding, IntentMode, PermitInfo, PointInfo,
    Policy, Reason, RuleInfo, Severity, SourceInfo, Space, TermsInfo, Touch, ValueRange, Values,
};

use super::answer::Answer;
use super::cadence::Departed;
use super::deed::{Named, Place, What};
use super::intent::Compared;
use super::invariant::Broken;
use super::process::Happening;
use super::sentence::{Complaint, Signature, Why};
use crate::dnp3::{self, Fragment};
use crate::finding::Finding;
use crate::intent::IntentTarget;
use crate::modbus::Request;
use crate::record::{Alert, Body, Cause, Exchange, Host, Outcome, Path, Repeats, Spot};

/// Signature ids of policy violations are this plus the place of the reason in [`Reason`]; the shipped pack ends below.
const FIRST_VIOLATION_SID: u32 = 1_001_001;
/// The same for what declared intents show, by the place in [`IntentFinding`].
const FIRST_INTENT_SID: u32 = 1_001_201;

/// Who did what to what, what the policy says of it, and what became of it.
///
/// Everything that describes an alert, be it for a machine or for a person, be it from the daemon or from a gateway, is told
/// from here.
#[derive(Clone, Copy)]
pub struct Subject<'a> {
    /// Who talks to whom.
    pub path: Path,
    /// The actor at the client's address, if the policy names it.
    pub actor: Option<ActorInfo<'a>>,
    /// The device at the server's address, if the policy names it.
    pub device: Option<DeviceInfo<'a>>,
    /// What the exchange does; `None` for an anomaly.
    pub action: Option<Action>,
    /// The anomaly that it is about; `None` for an exchange.
    pub anomaly: Option<AnomalyKind>,
    /// What exactly was wrong; `None` for an exchange, and where a summary counts several.
    pub finding: Option<&'a Finding>,
    /// Whether what it is about came from the client.
    pub from_client: bool,
    /// Modbus unit id or DNP3 link address of the device.
    pub station: Option<u16>,
    /// The first address that it touches.
    pub place: Option<(Space, u32)>,
    /// The point that the policy declares there.
    pub point: Option<PointInfo<'a>>,
    /// In the point's engineering unit where the policy declares one, else raw.
    pub value: Option<f64>,
    /// What a rule fired for that looks at each point or address: the value before, and who commanded it.
    pub before: Option<Before<'a>>,
    /// How many addresses or points beside the one at `place` it is about.
    pub further: u32,
    /// What decided that there is an alert.
    pub verdict: Verdict<'a>,
    /// What became of it, if it can be told.
    pub answer: Option<Answer>,
    /// What happened to the point, if it is about that.
    pub happening: Option<Happening<'a>>,
    /// What does not hold of the process, if it is about that.
    pub broken: Option<Broken<'a>>,
    /// What departs from a cadence, if it is about that.
    pub departed: Option<Departed<'a>>,
    /// What was declared and done, if it is about that.
    pub compared: Option<Compared<'a>>,
    /// What must hold by the permit that came nearest, as the policy writes it.
    pub when: Option<&'a str>,
    /// The repetitions of an earlier alert that it tells of.
    pub repeats: Option<Repeats>,
}

/// What a command would change.
#[derive(Clone, Copy)]
pub struct Before<'a> {
    /// In the unit of the commanded value.
    pub value: Option<f64>,
    /// Who commanded the point last.
    pub actor: Option<ActorInfo<'a>>,
}

/// What decided that there is an alert.
#[derive(Clone, Copy)]
pub enum Verdict<'a> {
    /// No permit covers it.
    Violation {
        /// Why not.
        reason: Reason,
        /// The permit that came nearest.
        nearest: Option<PermitInfo<'a>>,
        /// What was measured against its limit.
        found: Option<f64>,
    },
    /// A rule matched.
    Rule(RuleInfo<'a>),
    /// What was declared and what was done differ, or something is wrong with what was declared.
    Intent(IntentFinding, IntentMode),
}

impl<'a> Subject<'a> {
    /// What `alert` is about; `None` when the alert does not fit the policy, which the core rules out.
    #[inline(never)]
    pub fn of(policy: &Policy<'a>, alert: &Alert<'a>) -> Option<Self> {
        let mut subject = Self {
            path: alert.path,
            actor: alert.actor.and_then(|id| policy.actor_info(id)),
            device: alert.device.and_then(|id| policy.device_info(id)),
            action: alert.action,
            anomaly: alert.anomaly_kind().map(|(kind, _)| kind),
            finding: alert.anomaly.map(|anomaly| &anomaly.finding),
            from_client: alert.anomaly_kind().is_none_or(|(_, from_client)| from_client),
            station: alert.station(),
            place: None,
            point: None,
            value: None,
            before: None,
            further: 0,
            verdict: verdict(policy, &alert.cause)?,
            // What departs from a cadence is told before the answer comes.
            answer: alert.exchange.filter(|_| alert.departure.is_none()).map(Answer::of),
            happening: alert.process.map(|news| Happening::of(policy, news)),
            broken: None,
            departed: alert.departure.and_then(|departure| Departed::of(policy, departure, alert.exchange)),
            compared: alert.intent.filter(|_| cfg!(feature = "intents")).map(|verdict| Compared::of(policy, verdict)),
            when: None,
            repeats: alert.repeats,
        };
        subject.describe(policy, alert);
        Some(subject)
    }

    /// Takes what it is about from where the alert tells it.
    fn describe(&mut self, policy: &Policy<'a>, alert: &Alert<'a>) {
        if let (Some(breach), Verdict::Rule(rule)) = (alert.breach, self.verdict) {
            return self.describe_broken(policy, breach, &rule);
        }
        if let Some(news) = alert.process {
            self.point = policy.point_info(news.point);
            self.value = Some(news.value);
            return;
        }
        self.when = self.terms().and_then(|terms| policy.condition_info(terms.when?)).map(|info| info.text);
        match (alert.cause, alert.exchange) {
            (Cause::Violation(violation), _) => {
                self.place = violation.place;
                self.point = violation.point.and_then(|id| policy.point_info(id));
                // Repetitions have values of their own.
                self.value = violation.value.filter(|_| alert.repeats.is_none());
                self.further = violation.violations.saturating_sub(1);
            }
            (Cause::Intent(..), _) => self.describe_compared(policy, alert.spot()),
            (Cause::Rule(_), Some(exchange)) => match alert.item {
                Some(item) => self.describe_item(policy, item),
                None => self.describe_touched(exchange),
            },
            (Cause::Rule(_), None) => self.describe_spot(policy, alert.spot()),
        }
    }

    /// Takes the point from those of a broken invariant: the one that was commanded last.
    fn describe_broken(&mut self, policy: &Policy<'a>, breach: &'a Breach, rule: &RuleInfo<'a>) {
        let must = rule.when.and_then(|id| policy.condition_info(id)).map_or("", |info| info.text);
        let broken = Broken::of(*policy, breach, must, rule.within_ms);
        (self.point, self.value) = broken.moved_last().map_or((None, None), |(point, value)| (Some(point), value));
        self.device = self.point.and_then(|point| policy.device_info(point.device)).or(self.device);
        self.broken = Some(broken);
    }

    fn describe_spot(&mut self, policy: &Policy<'a>, spot: Option<Spot>) {
        match spot {
            Some(Spot::Point(id)) => self.point = policy.point_info(id),
            Some(Spot::Address(space, address)) => self.place = Some((space, address)),
            None => {}
        }
    }

    /// Takes point and value from what was done, else from what was declared.
    fn describe_compared(&mut self, policy: &Policy<'a>, spot: Option<Spot>) {
        let Some(compared) = self.compared.filter(|_| cfg!(feature = "intents")) else {
            return self.describe_spot(policy, spot);
        };
        let Some(done) = compared.verdict.done else {
            self.place = compared.place;
            self.point = match compared.target {
                Some(IntentTarget::Point(id)) => policy.point_info(id),
                Some(IntentTarget::Run { .. }) | None => None,
            };
            return;
        };
        self.describe_spot(policy, spot);
        self.place = done.place;
        self.value = done.value();
        self.further = compared.verdict.uncovered.saturating_sub(1);
    }

    /// Takes place and values from what a rule fired for.
    fn describe_item(&mut self, policy: &Policy<'a>, item: Commanded) {
        self.place = Some((item.space, item.address));
        self.point = item.point.and_then(|id| policy.point_info(id));
        self.value = item.value();
        let actor = item.actor_before.and_then(|id| policy.actor_info(id));
        self.before = Some(Before { value: item.previous(), actor });
    }

    /// Takes place and value from the first thing that the request touches; a value only where there is just one.
    fn describe_touched(&mut self, exchange: &Exchange<'_>) {
        let (first, count) = match &exchange.body {
            Body::Modbus(body) => {
                let Some(request) = body.request.and_then(|pdu| Request::parse(pdu).ok()) else { return };
                first_and_count(&mut request.touches(exchange.action))
            }
            Body::Dnp3(body) => {
                let Some(request) = body.request.and_then(Fragment::parse) else { return };
                first_and_count(&mut dnp3::touches(&request))
            }
        };
        self.place = first.map(|touch| (touch.space, touch.address));
        self.value = first.filter(|_| count == 1).and_then(|touch| single(touch.values));
        self.further = count.saturating_sub(1);
    }

    /// How bad it is.
    pub fn severity(&self) -> Severity {
        match self.verdict {
            Verdict::Violation { .. } if self.is_observed() => Severity::Informational,
            // What was permitted was done, or tried.
            Verdict::Violation { reason: Reason::Reply, .. } => Severity::Medium,
            Verdict::Violation { .. } => {
                let severity = self.action.map_or(Severity::Medium, Severity::of_violation);
                if self.outcome() == Some(Outcome::Refused) { severity.lower() } else { severity }
            }
            Verdict::Rule(rule) => rule.severity,
            Verdict::Intent(finding, mode) => Severity::of_intent(finding, mode),
        }
    }

    /// Whether it violates permits that are still in the making.
    pub fn is_observed(&self) -> bool {
        matches!(self.verdict, Verdict::Violation { .. }) && self.device.is_some_and(|device| device.observe)
    }

    /// How the exchange stands, or how those ended that a summary counts.
    pub fn outcome(&self) -> Option<Outcome> {
        self.answer.map(|answer| answer.outcome).or(self.repeats.and_then(|repeats| repeats.outcome))
    }

    /// What it amounts to in ATT&CK for ICS.
    pub fn technique(&self) -> Option<&'static Technique> {
        match self.verdict {
            Verdict::Violation { reason, .. } => self.action.map(|action| Technique::of_violation(action, reason)),
            Verdict::Rule(rule) => rule.technique,
            Verdict::Intent(..) => None,
        }
    }

    /// Id of the rule, or of the reason against a violation.
    pub fn signature_id(&self) -> u32 {
        match self.verdict {
            Verdict::Violation { reason, .. } => FIRST_VIOLATION_SID.wrapping_add(reason as u32),
            Verdict::Rule(rule) => rule.sid,
            Verdict::Intent(finding, _) => intent_signature_id(finding),
        }
    }

    /// The rule's category.
    pub fn category(&self) -> &'a str {
        match self.verdict {
            Verdict::Violation { .. } | Verdict::Intent(..) => "Policy Violation",
            Verdict::Rule(rule) => rule.category,
        }
    }

    /// The permitted range of the permit that came nearest, when the value is what it does not cover.
    pub fn permitted(&self) -> Option<ValueRange> {
        match self.verdict {
            Verdict::Violation { reason: Reason::Value, nearest, .. } => nearest?.value,
            _ => None,
        }
    }

    /// What the permit that came nearest asks for beside a range, for a violation of that.
    pub fn terms(&self) -> Option<TermsInfo<'a>> {
        match self.verdict {
            Verdict::Violation { reason, nearest, .. } if reason > Reason::Value => nearest.map(|permit| permit.terms),
            _ => None,
        }
    }

    /// What was measured against the limit of the permit that came nearest.
    pub fn found(&self) -> Option<f64> {
        match self.verdict {
            // Repetitions have measures of their own.
            Verdict::Violation { found, .. } if self.repeats.is_none() => found,
            _ => None,
        }
    }

    /// The policy entry that decided: the nearest permit, else what names the device; the cadence that is not kept; else
    /// the rule.
    pub fn decided_by(&self) -> Option<SourceInfo<'a>> {
        match self.verdict {
            Verdict::Violation { nearest, .. } => {
                nearest.map(|permit| permit.source).or(self.device.map(|device| device.source))
            }
            Verdict::Intent(..) => self.actor.map(|actor| actor.source),
            Verdict::Rule(rule) => Some(self.departed.map_or(rule.source, |departed| departed.cadence.source)),
        }
    }

    /// The unit that its value is in.
    pub fn unit_of_measure(&self) -> Option<&'a str> {
        self.point.and_then(|point| point.unit)
    }

    /// Who did it: the client, or for an anomaly the sender of its bytes.
    pub fn who(&self) -> impl fmt::Display + use<'_, 'a> {
        if self.from_client { self.client() } else { self.server() }
    }

    /// To whom: the server, or for an anomaly the receiver of its bytes.
    pub fn whom(&self) -> impl fmt::Display + use<'_, 'a> {
        if self.from_client { self.server() } else { self.client() }
    }

    /// The actor's name, or the address.
    fn client(&self) -> Named<'a> {
        Named { name: self.actor.map(|actor| actor.name), place: self.place_of(self.path.client), station: None }
    }

    /// The device's name, or address and unit.
    fn server(&self) -> Named<'a> {
        let name = self.device.map(|device| device.name);
        Named { name, place: self.place_of(self.path.server), station: self.station }
    }

    fn place_of(&self, host: Host) -> Place {
        Place::of(host, self.path.transport)
    }

    /// What: device and point with the value, as in `plc1.pump_speed = 95 %`.
    pub fn what(&self) -> impl fmt::Display + use<'_, 'a> {
        What(self)
    }

    /// What is wrong, for the screen: the reason against a violation, or what the rule says.
    pub fn complaint(&self) -> impl fmt::Display + use<'_, 'a> {
        Complaint(self)
    }

    /// The alert in one line: EVE's `alert.signature`.
    pub fn signature(&self) -> impl fmt::Display + use<'_, 'a> {
        Signature(self)
    }

    /// Why there is an alert, in a sentence or two.
    pub fn why(&self) -> impl fmt::Display + use<'_, 'a> {
        Why(self)
    }

    /// How many alerts like it this summary tells of.
    pub fn repeated(&self) -> Option<u32> {
        self.repeats.map(|repeats| repeats.count)
    }
}

/// The signature of alerts on what declared intents show.
pub const fn intent_signature_id(finding: IntentFinding) -> u32 {
    FIRST_INTENT_SID.wrapping_add(finding as u32)
}

fn verdict<'a>(policy: &Policy<'a>, cause: &Cause) -> Option<Verdict<'a>> {
    match cause {
        Cause::Violation(violation) => Some(Verdict::Violation {
            reason: violation.reason,
            nearest: violation.nearest.and_then(|id| policy.permit_info(id)),
            found: violation.found,
        }),
        Cause::Rule(id) => policy.rule_info(*id).map(Verdict::Rule),
        Cause::Intent(finding, mode) => Some(Verdict::Intent(*finding, *mode)),
    }
}

/// The first touch, and how many addresses all of them touch.
fn first_and_count<'t>(touches: &mut dyn Iterator<Item = Touch<'t>>) -> (Option<Touch<'t>>, u32) {
    let first = touches.next();
    let count = touches.fold(first.map_or(0, |first| first.count), |count, touch| count.saturating_add(touch.count));
    (first, count)
}

/// The value of a single address.
fn single(values: Values<'_>) -> Option<f64> {
    match values {
        Values::Bits(bits) => bits.first().map(|byte| f64::from(byte & 1)),
        Values::Registers(bytes) => bytes.first_chunk().map(|register| f64::from(u16::from_be_bytes(*register))),
        Values::Number(number) => Some(number),
        Values::None | Values::Unknown => None,
    }
}
