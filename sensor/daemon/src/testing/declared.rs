//! What a test declares, as a sensor hears of it.

use tagout_compiler::testing::{Declared, Test};
use tagout_core::engine::Policy;
use tagout_core::{Sensor, Timestamp};

use crate::intent::{Approvals, Audience, Declaration, Keys, Script, Source, Target, Told, wanted};

const NS_PER_MS: u64 = 1_000_000;

/// What comes of declarations while a test goes on.
pub(super) struct Declarations<'t> {
    test: &'t Test,
    keys: &'t Keys,
    approvals: Approvals,
    /// What is declared; `None` before the test begins.
    script: Option<Script>,
    /// The latest sign of life of the feed, and how long one lasts, where that is watched.
    heard: Timestamp,
    lasts_ms: Option<u32>,
}

impl<'t> Declarations<'t> {
    /// Of a test that says what is declared; approvals are those of the policy.
    pub(super) fn of(test: &'t Test, (keys, approvals): (&'t Keys, Approvals), policy: &Policy<'_>) -> Self {
        let lasts_ms = policy.intent_waits().silence_ms;
        Self { test, keys, approvals, script: None, heard: Timestamp::default(), lasts_ms }
    }

    /// Gives the sensor what comes up to a frame of this time.
    pub(super) fn come(&mut self, now: Timestamp, sensor: &mut Sensor<'_>, to: &mut impl Audience) {
        if self.script.is_none() {
            sensor.expect_feed(!self.test.is_silent);
            self.heard = now;
        }
        let (test, keys) = (self.test, self.keys);
        let script = self.script.get_or_insert_with(|| Script::of(told(test, now, keys)));
        let half_ms = self.lasts_ms.filter(|_| !test.is_silent).map(|ms| (ms / 2).max(1));
        while let Some(next) = half_ms.map(|ms| self.heard.plus_ms(ms)).filter(|next| *next <= now) {
            script.deliver(next, sensor, to);
            sensor.hear_feed(next, to);
            self.heard = next;
        }
        script.deliver(now, sensor, to);
        self.approvals.deliver(now, sensor, to);
    }

    /// Gives the sensor what comes while commands wait for it.
    pub(super) fn end(&mut self, sensor: &mut Sensor<'_>, to: &mut impl Audience) {
        if let Some(script) = &mut self.script {
            script.settle(sensor, to);
        }
    }
}

/// Everything that a test declares, as it comes once the test begins.
fn told(test: &Test, begin: Timestamp, keys: &Keys) -> Vec<Told> {
    let declared = test.intents.iter().flatten();
    (1..).zip(declared).map(|(number, one)| told_of(number, one, begin, keys)).collect()
}

fn told_of(number: u32, declared: &Declared, begin: Timestamp, keys: &Keys) -> Told {
    let later = |from: Timestamp, ms: u32| Timestamp(from.0.saturating_add(u64::from(ms) * NS_PER_MS));
    let received = later(begin, declared.after_ms);
    let vouched = declared.key.as_deref().map(|key| (key, keys.vouch(key, &declared.actor, received)));
    let finding = vouched.as_ref().and_then(|(_, vouched)| vouched.as_ref().err()?.finding());
    let source = vouched.map_or(Source::Span, |(key, approver)| Source::Signed {
        key: key.to_owned(),
        approver: approver.unwrap_or_default(),
    });
    let declaration = Declaration {
        id: number.to_string(),
        source,
        actor: declared.actor.clone(),
        device: declared.deed.device.clone(),
        targets: Target::of(&declared.deed),
        operation: declared.deed.action,
        value: wanted(&declared.deed),
        count: declared.count,
        pace_ms: Some(declared.pace_ms),
        not_before: begin,
        expires: declared.lasts_ms.map_or(Timestamp(u64::MAX), |ms| later(received, ms)),
        received,
        reason: None,
        agent: None,
        tool: None,
        trace_id: None,
        span_id: None,
    };
    let (actor, declaration) = (Some(declared.actor.clone()), Box::new(declaration));
    match finding {
        None => Told::Declared(declaration),
        Some(finding) => Told::Disbelieved { actor, declaration: Some(declaration), finding, received },
    }
}
