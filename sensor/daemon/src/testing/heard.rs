//! What the sensor tells of the frames that it is shown.

use std::collections::HashMap;
use std::path::Path;

use tagout_compiler::testing::Test;
use tagout_core::engine::{DeviceId, Grade, IntentFinding, Judgement, Policy, Reason, SuppressionId};
use tagout_core::intent::Match;
use tagout_core::words::Subject;
use tagout_core::{Alert, Anomaly, Cause, Command, Config, Exchange, Folding, Frame, LinkType, Output, Sensor};

use super::Bench;
use super::declared::Declarations;
use super::script::Script;
use crate::capture::{CaptureError, CaptureFile};
use crate::intent::Audience;
use crate::memory::{Limits, Memory};

/// Exchanges and alerts, by the frame that they are about.
#[derive(Default)]
pub(super) struct Heard {
    /// The device of each exchange, by the frame of its request.
    exchanges: HashMap<u64, Option<DeviceId>>,
    /// How well what was declared covers each command, by the frame of its request.
    grades: HashMap<u64, Grade>,
    pub(super) alerts: Vec<Raised>,
    /// Alerts that the policy suppresses.
    suppressed: Vec<Raised>,
}

/// An alert.
pub(super) struct Raised {
    /// The frame of the request, or else of what it is about.
    pub(super) frame: u64,
    pub(super) by: By,
    /// The whole of it in a sentence.
    pub(super) why: String,
}

/// What raised an alert.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum By {
    Violation(Reason),
    /// What was declared and what was done show this.
    Intent(IntentFinding),
    /// A rule's sid and signature.
    Rule(u32, String),
}

impl Heard {
    /// What comes of a script.
    pub(super) fn in_script(script: &Script, test: &Test, bench: Bench<'_>) -> Self {
        let config = script.config(bench.config);
        let mut memory = Memory::new(&Limits::default(), bench.policy);
        let mut play = Play::new(test, Bench { config: &config, ..bench }, &mut memory);
        for (number, (time, bytes)) in (1..).zip(&script.frames) {
            let wire_len = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
            play.show(&Frame { number, time: *time, link: LinkType::Ethernet, bytes, wire_len });
        }
        play.end()
    }

    /// What comes of a capture, or of the frames from one to another in it.
    pub(super) fn in_capture(
        path: &Path,
        frames: Option<(u64, u64)>,
        test: &Test,
        bench: Bench<'_>,
    ) -> Result<Self, CaptureError> {
        let (first, last) = frames.unwrap_or((1, u64::MAX));
        let mut file = CaptureFile::open(path)?;
        let mut memory = Memory::new(&Limits::default(), bench.policy);
        let mut play = Play::new(test, bench, &mut memory);
        while let Some(frame) = file.next()? {
            if frame.number > last {
                break;
            }
            if frame.number >= first {
                play.show(&frame);
            }
        }
        Ok(play.end())
    }

    /// How well what was declared covers the request in a frame; `None` where that was not asked.
    pub(super) fn grade(&self, frame: u64) -> Option<Grade> {
        self.grades.get(&frame).copied()
    }

    /// What the permits say of the request in a frame; `None` if there is no request.
    pub(super) fn verdict(&self, frame: u64) -> Option<(Judgement, Option<(Reason, &str)>)> {
        let device = self.exchanges.get(&frame)?;
        let violation = self.alerts.iter().chain(&self.suppressed).find_map(|alert| match alert.by {
            By::Violation(reason) if alert.frame == frame => Some((reason, alert.why.as_str())),
            _ => None,
        });
        let judgement = match (device, violation) {
            (None, _) => Judgement::Unjudged,
            (Some(_), None) => Judgement::Permitted,
            (Some(_), Some(_)) => Judgement::Unexpected,
        };
        Some((judgement, violation))
    }
}

/// A sensor that is shown the frames of a test, and hears what is declared meanwhile.
struct Play<'m, 't> {
    sensor: Sensor<'m>,
    /// `None` where nothing is held against declarations.
    declarations: Option<Declarations<'t>>,
    ear: Ear<'t>,
}

impl<'m, 't: 'm> Play<'m, 't> {
    fn new(test: &'t Test, bench: Bench<'t>, memory: &'m mut Memory) -> Self {
        let Bench { policy, config, .. } = bench;
        let config = Config { folding: Folding::OFF, ..config.clone() };
        let says = test.intents.is_some();
        Self {
            sensor: Sensor::new(config, policy, memory.lend()),
            declarations: says.then(|| Declarations::of(test, bench)),
            ear: Ear { policy, hears_intents: says, heard: Heard::default() },
        }
    }

    fn show(&mut self, frame: &Frame<'_>) {
        if let Some(declarations) = &mut self.declarations {
            declarations.come(frame.time, &mut self.sensor, &mut self.ear);
        }
        self.sensor.frame(frame, &mut self.ear);
    }

    fn end(mut self) -> Heard {
        if let Some(declarations) = &mut self.declarations {
            declarations.end(&mut self.sensor, &mut self.ear);
        }
        self.sensor.finish(&mut self.ear);
        self.ear.heard
    }
}

/// Listens for one policy.
struct Ear<'p> {
    policy: Policy<'p>,
    hears_intents: bool,
    heard: Heard,
}

impl Audience for Ear<'_> {}

impl Output for Ear<'_> {
    fn exchange(&mut self, exchange: &Exchange<'_>) {
        if let Some(request) = exchange.request {
            self.heard.exchanges.insert(request.frame, exchange.device);
        }
    }

    fn anomaly(&mut self, _: &Anomaly) {}

    fn alert(&mut self, alert: &Alert<'_>) {
        self.heard.alerts.extend(self.raised(alert));
    }

    fn matched(&mut self, command: &Command<'_>, verdict: &Match) {
        if self.hears_intents {
            self.heard.grades.insert(command.seen.frame, verdict.grade);
        }
    }

    fn suppressed(&mut self, alert: &Alert<'_>, _: SuppressionId) {
        self.heard.suppressed.extend(self.raised(alert));
    }
}

impl Ear<'_> {
    fn raised(&self, alert: &Alert<'_>) -> Option<Raised> {
        let subject = Subject::of(&self.policy, alert)?;
        let by = match alert.cause {
            Cause::Violation(violation) => By::Violation(violation.reason),
            Cause::Intent(finding, _) if self.hears_intents => By::Intent(finding),
            Cause::Intent(..) => return None,
            Cause::Rule(rule) => {
                let rule = self.policy.rule_info(rule)?;
                By::Rule(rule.sid, rule.signature.to_owned())
            }
        };
        let seen = alert.exchange.and_then(|exchange| exchange.request.or(exchange.response));
        let seen = seen.or(alert.anomaly.map(|anomaly| anomaly.seen));
        let seen = seen.or(alert.intent.and_then(|verdict| verdict.seen)).unwrap_or_default();
        Some(Raised { frame: seen.frame, by, why: subject.why().to_string() })
    }
}
