//! What the sensor tells of one frame, and of what is around it.

use std::collections::HashMap;
use std::fmt::Write as _;

use tagout_core::dnp3::{self, Fragment};
use tagout_core::engine::{
    ActorId, Considered, DeviceId, Fact, IntentMode, PermitId, PointId, Policy, Reason, RuleId, SourceInfo, Space,
    SuppressionId, Touch, Values,
};
use tagout_core::intent::{IntentKey, Match};
use tagout_core::modbus::Request;
use tagout_core::words::{Answer, Subject};
use tagout_core::{
    Alert, Anomaly, Body, Cause, Command, Config, Exchange, Folding, Outcome, Output, Path, Sensor, Timestamp,
};

use super::Place;
use super::declared::Held;
use crate::capture::{CaptureError, CaptureFile};
use crate::intent::{Audience, Declaration, Known};
use crate::memory::{Limits, Memory};
use crate::record::{Stamp, Suggestion};

/// What happened in a frame, and what the policy made of it.
#[derive(Default)]
pub struct Story {
    /// The frame of the request to which the frame in question belongs, if it is part of an exchange.
    pub(super) asked_in: Option<u64>,
    pub(super) head: Option<Head>,
    /// The permits that were asked, in turn.
    pub asked: Vec<Asked>,
    pub(super) alerts: Vec<Told>,
    /// How it was held against what was declared, if it was.
    pub(super) held: Option<Held>,
    /// What would permit it.
    pub(super) suggestion: Option<Suggested>,
    pub(super) reason: Option<Reason>,
    /// The exchange before and the one behind on the same flow.
    pub(super) before: Option<String>,
    pub(super) after: Option<String>,
}

/// A suggestion, and the file and line of the permit of which it changes a key.
#[derive(Clone)]
pub(super) struct Suggested {
    pub(super) text: String,
    pub(super) edits: Option<(String, u32)>,
}

/// The exchange itself.
pub(super) struct Head {
    pub(super) path: Path,
    pub(super) station: u16,
    pub(super) actor: Option<ActorId>,
    pub(super) device: Option<DeviceId>,
    pub(super) action: tagout_core::engine::Action,
    pub(super) time: Timestamp,
    pub(super) frames: [Option<u64>; 2],
    pub(super) touches: Vec<String>,
    pub(super) answer: Answer,
}

/// A permit that was asked, and what it says.
pub struct Asked {
    /// The permit.
    pub permit: PermitId,
    pub(super) place: Option<(Space, u32)>,
    pub(super) point: Option<PointId>,
    pub(super) value: Option<f64>,
    /// Why it does not cover the point or address; `None` if it does.
    pub objection: Option<(Reason, Option<f64>)>,
    /// The parts of its condition with their values.
    pub(super) trace: Vec<(String, String)>,
}

/// An alert about the frame.
pub(super) struct Told {
    pub(super) sid: u32,
    pub(super) severity: &'static str,
    pub(super) why: String,
    /// The entry that decided, as file, line and column.
    pub(super) entry: Option<(String, u32, u32)>,
    /// How often the same rule fired before; for rules only.
    pub(super) before: Option<u32>,
    /// The suppression that keeps it from being given.
    pub(super) suppressed_by: Option<String>,
}

impl Story {
    /// Whether anything happens in the frame.
    pub(super) fn tells(&self) -> bool {
        self.head.is_some() || !self.alerts.is_empty()
    }

    /// Whether the policy permits the exchange.
    pub fn is_permitted(&self) -> bool {
        self.reason.is_none() && self.head.as_ref().is_some_and(|head| head.device.is_some())
    }

    /// Why the policy does not permit it, if it does not.
    pub const fn reason(&self) -> Option<Reason> {
        self.reason
    }
}

/// Plays a capture, up to what comes behind a frame, and tells of that frame.
pub(super) fn watch(place: Place<'_>, policy: Policy<'_>, config: &Config) -> Result<Story, CaptureError> {
    let mut file = CaptureFile::open(place.capture)?;
    let mut memory = Memory::new(&Limits::default(), policy);
    let mut sensor = Sensor::new(Config { folding: Folding::OFF, ..config.clone() }, policy, memory.lend());
    let mut watch = Watch {
        policy,
        frame: place.frame,
        now: 0,
        story: Story::default(),
        latest: HashMap::new(),
        fired: HashMap::new(),
        known: Known::default(),
    };
    let mut coming = place.declared.coming(&policy);
    coming.begin(&mut sensor);
    let patience_ms = config.response_timeout_ms.max(policy.intent_waits().hold_ms).saturating_add(AFTER_MS);
    let mut end = None;
    while let Some(frame) = file.next()? {
        watch.now = frame.number;
        coming.deliver(frame.time, &mut sensor, &mut watch);
        sensor.frame(&frame, &mut watch);
        if frame.number == place.frame {
            end = Some(frame.time.plus_ms(patience_ms));
        }
        if watch.story.after.is_some() && !watch.waits() || end.is_some_and(|end| frame.time > end) {
            return Ok(watch.story);
        }
    }
    coming.settle(&mut sensor, &mut watch);
    sensor.finish(&mut watch);
    Ok(watch.story)
}

/// So long after the frame could have been answered the next exchange on its flow is waited for.
const AFTER_MS: u32 = 60_000;

struct Watch<'p> {
    policy: Policy<'p>,
    /// The frame in question.
    frame: u64,
    /// The frame that the sensor works on.
    now: u64,
    story: Story,
    /// The latest exchange on each flow.
    latest: HashMap<u64, String>,
    fired: HashMap<RuleId, u32>,
    /// The words of what was declared.
    known: Known,
}

impl Watch<'_> {
    /// Whether it is still to be decided what was declared of it.
    fn waits(&self) -> bool {
        self.story.held.is_none() && self.story.head.as_ref().is_some_and(|head| head.mode(&self.policy).is_some())
    }

    fn is_about(&self, exchange: &Exchange<'_>) -> bool {
        let frames = [exchange.request, exchange.response].into_iter().flatten();
        frames.into_iter().any(|seen| seen.frame == self.frame)
    }

    /// An exchange in a line.
    fn line(&self, exchange: &Exchange<'_>) -> String {
        let head = self.head(exchange);
        let [request, response] = head.frames;
        let what = head.touches.first().cloned().unwrap_or_default();
        let more = if head.touches.len() > 1 { " …" } else { "" };
        let frame = request.or(response).unwrap_or_default();
        format!("frame {frame}, {}: {} {what}{more}; {}", Stamp(head.time), head.action.name(), head.answer)
    }

    fn head(&self, exchange: &Exchange<'_>) -> Head {
        let frames = [exchange.request, exchange.response];
        Head {
            path: exchange.path,
            station: exchange.station(),
            actor: exchange.actor,
            device: exchange.device,
            action: exchange.action,
            time: frames.into_iter().flatten().next().map(|seen| seen.time).unwrap_or_default(),
            frames: frames.map(|seen| seen.map(|seen| seen.frame)),
            touches: touches(exchange),
            answer: Answer::of(exchange),
        }
    }
}

impl Head {
    /// What its actor's declarations mean, if they mean anything of it.
    pub(super) fn mode(&self, policy: &Policy<'_>) -> Option<IntentMode> {
        policy.intent_mode(self.actor?).filter(|_| self.action.is_command())
    }
}

impl Audience for Watch<'_> {
    fn declared(&mut self, key: IntentKey, words: &Declaration) {
        self.known.take(key, words);
    }

    fn undeclared(&mut self, key: IntentKey) {
        self.known.forget(key);
    }
}

impl Output for Watch<'_> {
    fn matched(&mut self, command: &Command<'_>, verdict: &Match) {
        if command.seen.frame == self.frame {
            let words = verdict.intent.and_then(|intent| self.known.of(intent.key));
            self.story.held = Some(Held::of(&self.policy, command, verdict, words));
        }
    }

    fn intent_gone(&mut self, key: IntentKey) {
        self.known.forget(key);
    }

    fn exchange(&mut self, exchange: &Exchange<'_>) {
        let line = self.line(exchange);
        if self.is_about(exchange) {
            self.story.asked_in = exchange.request.or(exchange.response).map(|seen| seen.frame);
            self.story.head = Some(self.head(exchange));
            self.story.before = self.latest.get(&exchange.path.flow).cloned();
        } else if let Some(head) = self.story.head.as_ref().filter(|head| head.path.flow == exchange.path.flow)
            && head.answer.outcome != Outcome::Pending
        {
            self.story.after.get_or_insert(line.clone());
        }
        self.latest.insert(exchange.path.flow, line);
    }

    fn anomaly(&mut self, _: &Anomaly) {}

    fn suppressed(&mut self, alert: &Alert<'_>, by: SuppressionId) {
        let before = self.story.alerts.len();
        self.alert(alert);
        let name = self.policy.suppression_info(by).map(|info| info.name.to_owned());
        if let Some(told) = self.story.alerts.get_mut(before) {
            told.suppressed_by = name;
        }
    }

    fn alert(&mut self, alert: &Alert<'_>) {
        let before = match alert.cause {
            Cause::Rule(rule) => {
                let fired = self.fired.entry(rule).or_default();
                *fired += 1;
                Some(*fired - 1)
            }
            Cause::Violation(_) | Cause::Intent(..) => None,
        };
        let about = match (alert.exchange, alert.anomaly) {
            (Some(exchange), _) => self.is_about(exchange),
            (None, Some(anomaly)) => anomaly.seen.frame == self.frame,
            (None, None) => {
                let seen = alert.intent.and_then(|verdict| verdict.seen);
                seen.is_some_and(|seen| seen.frame == self.frame)
            }
        };
        let Some(subject) = Subject::of(&self.policy, alert).filter(|_| about) else { return };
        if let Cause::Violation(violation) = alert.cause {
            self.story.reason = Some(violation.reason);
            let place = |source: SourceInfo<'_>| (source.file.to_owned(), source.line);
            self.story.suggestion = Suggestion::of(&subject)
                .map(|one| Suggested { text: one.to_string(), edits: one.edited().map(|permit| place(permit.source)) });
        }
        let entry = subject.decided_by().map(|source| (source.file.to_owned(), source.line, source.column));
        self.story.alerts.push(Told {
            sid: subject.signature_id(),
            severity: subject.severity().name(),
            why: subject.why().to_string(),
            entry,
            before,
            suppressed_by: None,
        });
    }

    fn considers(&self) -> bool {
        true
    }

    fn considered(&mut self, permit: &Considered<'_, '_>) {
        if self.now != self.frame {
            return;
        }
        let mut trace = Vec::new();
        let when = self.policy.permit_info(permit.permit).and_then(|info| info.terms.when);
        let asks = permit.objection.is_none_or(|(reason, _)| reason >= Reason::Condition);
        if let Some(when) = when.filter(|_| asks) {
            permit.trace(when, |step| {
                let (part, value) = (step.text.to_owned(), shown(step.value));
                if part != value && !trace.iter().any(|(known, _)| *known == part) {
                    trace.push((part, value));
                }
            });
        }
        let Considered { permit, place, point, value, objection, .. } = *permit;
        self.story.asked.push(Asked { permit, place, point, value, objection, trace });
    }
}

fn shown(fact: Fact<'_>) -> String {
    match fact {
        Fact::Unknown => "not known".to_owned(),
        Fact::Number(number) => number.to_string(),
        Fact::Flag(flag) => flag.to_string(),
        Fact::Text(text) => format!("\"{text}\""),
        Fact::Bytes(octets) => {
            octets.iter().fold("x\"".to_owned(), |text, octet| text + &format!("{octet:02x}")) + "\""
        }
        Fact::Address(ip) => ip.to_string(),
    }
}

/// What the request touches, each with its raw value.
fn touches(exchange: &Exchange<'_>) -> Vec<String> {
    match &exchange.body {
        Body::Modbus(body) => {
            let request = body.request.and_then(|pdu| Request::parse(pdu).ok());
            request
                .into_iter()
                .flat_map(|request| request.touches(exchange.action))
                .map(|touch| touched(&touch))
                .collect()
        }
        Body::Dnp3(body) => {
            let request = body.request.and_then(Fragment::parse);
            request.iter().flat_map(dnp3::touches).map(|touch| touched(&touch)).collect()
        }
    }
}

fn touched(touch: &Touch<'_>) -> String {
    let mut text = format!("{} {}", touch.space.name(), touch.address);
    if touch.count > 1 {
        let last = touch.address.saturating_add(touch.count - 1);
        let _ = write!(text, " to {last}");
    }
    let octets = |octets: &[u8]| octets.iter().map(|octet| format!("{octet:02x}")).collect::<Vec<_>>().join(" ");
    let _ = match touch.values {
        Values::None => Ok(()),
        Values::Unknown => write!(text, " = ?"),
        Values::Number(number) => write!(text, " = {number}"),
        Values::Bits(bits) | Values::Registers(bits) => write!(text, " = {} (hex)", octets(bits)),
    };
    text
}
