use tagout_compiler::Approval;
use tagout_core::engine::Policy;
use tagout_core::{Sensor, Timestamp};

use super::{Approvals, Audience, Script};

/// What is declared while a capture goes on: what a feed delivered, and what humans approve in the policy.
#[derive(Debug)]
pub struct Coming {
    /// `None` where there was no feed.
    script: Option<Script>,
    approvals: Approvals,
}

impl Coming {
    /// What a feed delivered, if there was one, and what this policy approves.
    pub fn new(script: Option<Script>, approvals: &[Approval], policy: &Policy<'_>) -> Self {
        Self { script, approvals: Approvals::new(approvals.to_vec(), policy.intent_waits().skew_ms) }
    }

    /// Begins anew, and tells a sensor whether it is going to hear of anything.
    pub fn begin(&mut self, sensor: &mut Sensor<'_>) {
        self.script.iter_mut().for_each(Script::rewind);
        self.approvals.rewind();
        sensor.expect_feed(self.script.is_some() || !self.approvals.is_empty());
    }

    /// Gives a sensor what comes up to a frame of this time.
    #[inline]
    pub fn deliver(&mut self, now: Timestamp, sensor: &mut Sensor<'_>, to: &mut impl Audience) {
        if let Some(script) = &mut self.script {
            script.deliver(now, sensor, to);
        }
        self.approvals.deliver(now, sensor, to);
    }

    /// Gives a sensor what comes while commands wait for it, and no frames come any more.
    pub fn settle(&mut self, sensor: &mut Sensor<'_>, to: &mut impl Audience) {
        if let Some(script) = &mut self.script {
            script.settle(sensor, to);
        }
    }
}
