//! What actors declared.

use tagout_engine::{ActorId, IntentFinding, Timestamp};

use super::Sensor;
use crate::exchange::Matching;
use crate::intent::{ActSlot, Intent, IntentKey, IntentMemory};
use crate::record::{Output, intents_are_matched};

impl<'s> Sensor<'s> {
    /// Takes an intent that came to be known, at `intent.received` or the latest time given, whichever is later. One whose
    /// key is known changes nothing, but for a further span of a call, which tells what the first left open. It is named by its
    /// key in what is told of it, until [`Output::intent_gone`].
    pub fn declare(&mut self, intent: &Intent, output: &mut dyn Output) {
        self.advance(intent.received, output);
        self.desk.declare(&Intent { received: self.now, ..*intent }, output);
    }

    /// Takes a sign of life that the feed of declarations gave at this time.
    pub fn hear_feed(&mut self, at: Timestamp, output: &mut dyn Output) {
        self.advance(at, output);
        self.desk.matching.feed.heard(at);
    }

    /// Forgets an intent that its source takes back: it covers nothing any more.
    pub fn withdraw(&mut self, key: IntentKey, output: &mut dyn Output) {
        if self.desk.matching.intents.withdraw(key) {
            output.intent_gone(key);
        }
    }

    /// Takes note whether anything is going to be declared: if not, what is not declared is not known, which is told once.
    pub fn expect_feed(&mut self, is_there: bool) {
        self.desk.matching.feed.expect(is_there);
    }

    /// Takes room for intents and for commands that are held against them, if it has none yet: for a policy that asks for them
    /// in place of one that did not.
    pub fn lend_intents(&mut self, intents: IntentMemory<'s>, acts: &'s mut [ActSlot]) {
        let Matching { acts: known, feed, missed, .. } = &self.desk.matching;
        if known.is_off() {
            self.desk.matching =
                Matching { feed: *feed, missed: *missed, ..Matching::new(intents, acts, self.config.hash_seed) };
        }
    }

    /// Takes note that frames were lost before they came here: what was declared may have been done in them.
    pub fn miss(&mut self, frames: u64) {
        self.desk.matching.missed = self.desk.matching.missed.saturating_add(frames);
    }

    /// Takes a declaration that is not believed: its signature does not fit, or its key may not declare this. `actor` is whom
    /// it names, if the policy knows that one.
    pub fn disbelieve(
        &mut self,
        finding: IntentFinding,
        declared: (Option<ActorId>, IntentKey),
        now: Timestamp,
        output: &mut dyn Output,
    ) {
        self.advance(now, output);
        self.desk.disbelieve(finding, declared, self.now, output);
    }

    /// Whether commands wait for it to be decided what was declared of them.
    pub fn waits_for_intents(&self) -> bool {
        self.desk.matching.acts.waits_since().is_some()
    }

    /// When a verdict on what was declared falls due, or the end of an intent.
    pub(super) fn next_intent_due(&self, output: &dyn Output) -> Option<Timestamp> {
        if !intents_are_matched(output) || !self.desk.policy.has_intents() {
            return None;
        }
        self.desk.matching.next_due(&self.desk.policy.intent_waits())
    }

    pub(super) fn pass_intents(&mut self, now: Timestamp, output: &mut dyn Output) {
        if intents_are_matched(output) {
            self.desk.pass_intents(now, output);
        }
    }

    pub(super) fn finish_intents(&mut self, output: &mut dyn Output) {
        if intents_are_matched(output) {
            self.desk.finish_intents(self.now, output);
        }
    }
}
