//! What a test declares, as a sensor hears of it.

use tagout_compiler::testing::{Declared, Test};
use tagout_core::{Sensor, Timestamp};

use super::Bench;
use crate::intent::{Audience, Coming, Declaration, Keys, Script, Source, Target, Told, wanted};

const NS_PER_MS: u64 = 1_000_000;

/// What comes of declarations while a test goes on.
pub(super) struct Declarations<'t> {
    test: &'t Test,
    bench: Bench<'t>,
    /// `None` before the test begins.
    coming: Option<Coming>,
    /// The latest sign of life of the feed.
    heard: Timestamp,
}

impl<'t> Declarations<'t> {
    /// Of a test that says what is declared.
    pub(super) fn of(test: &'t Test, bench: Bench<'t>) -> Self {
        Self { test, bench, coming: None, heard: Timestamp::default() }
    }

    /// Gives the sensor what comes up to a frame of this time.
    pub(super) fn come(&mut self, now: Timestamp, sensor: &mut Sensor<'_>, to: &mut impl Audience) {
        let (test, Bench { policy, keys, approvals, .. }) = (self.test, self.bench);
        if self.coming.is_none() {
            sensor.expect_feed(!test.is_silent);
            self.heard = now;
        }
        let coming =
            self.coming.get_or_insert_with(|| Coming::new(Some(Script::of(told(test, now, keys))), approvals, &policy));
        // Where silence is watched, the feed of a test is silent only if the test says so.
        let half_ms = policy.intent_waits().silence_ms.filter(|_| !test.is_silent).map(|ms| (ms / 2).max(1));
        while let Some(next) = half_ms.map(|ms| self.heard.plus_ms(ms)).filter(|next| *next <= now) {
            coming.deliver(next, sensor, to);
            sensor.hear_feed(next, to);
            self.heard = next;
        }
        coming.deliver(now, sensor, to);
    }

    /// Gives the sensor what comes while commands wait for it.
    pub(super) fn end(&mut self, sensor: &mut Sensor<'_>, to: &mut impl Audience) {
        if let Some(coming) = &mut self.coming {
            coming.settle(sensor, to);
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
        client: None,
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
