//! What the sensor tells of the frames that it is shown.

use std::collections::HashMap;
use std::path::Path;

use tagout_core::engine::{DeviceId, Judgement, Policy, Reason, SuppressionId};
use tagout_core::words::Subject;
use tagout_core::{Alert, Anomaly, Cause, Config, Exchange, Folding, Frame, LinkType, Output, Sensor};

use super::script::Script;
use crate::capture::{CaptureError, CaptureFile};
use crate::memory::{Limits, Memory};

/// Exchanges and alerts, by the frame that they are about.
#[derive(Default)]
pub(super) struct Heard {
    /// The device of each exchange, by the frame of its request.
    exchanges: HashMap<u64, Option<DeviceId>>,
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
    /// A rule's sid and signature.
    Rule(u32, String),
}

impl Heard {
    /// What comes of a script.
    pub(super) fn in_script(script: &Script, policy: Policy<'_>, config: &Config) -> Self {
        let config = every_alert(config);
        let mut memory = Memory::new(&Limits::default(), policy);
        let mut sensor = Sensor::new(config, policy, memory.lend());
        let mut ear = Ear { policy, heard: Self::default() };
        for (number, (time, bytes)) in (1..).zip(&script.frames) {
            let wire_len = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
            sensor.frame(&Frame { number, time: *time, link: LinkType::Ethernet, bytes, wire_len }, &mut ear);
        }
        sensor.finish(&mut ear);
        ear.heard
    }

    /// What comes of a capture, or of the frames from one to another in it.
    pub(super) fn in_capture(
        path: &Path,
        frames: Option<(u64, u64)>,
        policy: Policy<'_>,
        config: &Config,
    ) -> Result<Self, CaptureError> {
        let (first, last) = frames.unwrap_or((1, u64::MAX));
        let mut file = CaptureFile::open(path)?;
        let mut memory = Memory::new(&Limits::default(), policy);
        let mut sensor = Sensor::new(every_alert(config), policy, memory.lend());
        let mut ear = Ear { policy, heard: Self::default() };
        while let Some(frame) = file.next()? {
            if frame.number > last {
                break;
            }
            if frame.number >= first {
                sensor.frame(&frame, &mut ear);
            }
        }
        sensor.finish(&mut ear);
        Ok(ear.heard)
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

fn every_alert(config: &Config) -> Config {
    Config { folding: Folding::OFF, ..config.clone() }
}

/// Listens for one policy.
struct Ear<'p> {
    policy: Policy<'p>,
    heard: Heard,
}

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

    fn suppressed(&mut self, alert: &Alert<'_>, _: SuppressionId) {
        self.heard.suppressed.extend(self.raised(alert));
    }
}

impl Ear<'_> {
    fn raised(&self, alert: &Alert<'_>) -> Option<Raised> {
        let subject = Subject::of(&self.policy, alert)?;
        let by = match alert.cause {
            Cause::Violation(violation) => By::Violation(violation.reason),
            Cause::Intent(..) => return None,
            Cause::Rule(rule) => {
                let rule = self.policy.rule_info(rule)?;
                By::Rule(rule.sid, rule.signature.to_owned())
            }
        };
        let seen = alert.exchange.and_then(|exchange| exchange.request.or(exchange.response));
        let seen = seen.or(alert.anomaly.map(|anomaly| anomaly.seen)).unwrap_or_default();
        Some(Raised { frame: seen.frame, by, why: subject.why().to_string() })
    }
}
