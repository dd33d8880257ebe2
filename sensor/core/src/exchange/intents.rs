//! Commands of actors whose intents matter: kept until it is decided what was declared of them.

use tagout_engine::{ActorId, DeviceId, IntentFinding, IntentMode, IntentWaits, Suspect, Timestamp, Touch};

use super::alert::{alert_id, place_key};
use super::desk::{Desk, Hearing, exchange};
use super::facts::{Promised, Said, is_end};
use super::pending::Pending;
use super::relations::Tie;
use crate::counters::Counter;
use crate::dnp3::{self, Fragment};
use crate::flow::Flow;
use crate::intent::{
    Act, ActSlot, Acts, Feed, Intent, IntentKey, IntentMemory, IntentTarget, Intents, Joined, Match, Passed, Question,
    Suppressed, Wanted, contradicted, decide,
};
use crate::modbus::Request;
use crate::record::{Alert, AlertId, Cause, Exchange, Outcome, Output, Path, Protocol, intents_are_matched};

/// What was declared, and what was done and waits for its declaration.
#[derive(Debug)]
pub(crate) struct Matching<'s> {
    pub(crate) intents: Intents<'s>,
    pub(crate) acts: Acts<'s>,
    pub(crate) feed: Feed,
    /// Frames that were lost before the sensor could have them.
    pub(crate) missed: u64,
}

impl<'s> Matching<'s> {
    pub(crate) fn new(intents: IntentMemory<'s>, acts: &'s mut [ActSlot], seed: u64) -> Self {
        Self { intents: Intents::new(intents, seed), acts: Acts::new(acts), feed: Feed::default(), missed: 0 }
    }

    /// When the next thing is due: a verdict, the end of an intent, or the silence of the feed.
    pub(crate) fn next_due(&self, waits: &IntentWaits) -> Option<Timestamp> {
        let verdict = self.acts.waits_since().map(|since| since.plus_ms(waits.hold_ms));
        let others = [self.intents.next_due(), self.feed.silent_from(waits)];
        others.into_iter().flatten().chain(verdict).min()
    }
}

impl Hearing<'_, '_> {
    /// Whether it is held against what was declared; nothing is where nobody asks for it.
    pub(super) fn is_declarable(&self, pending: &Pending) -> bool {
        intents_are_matched(self.output) && self.desk.policy.has_intents() && pending.action.is_command()
    }

    /// Takes note of a command if its actor's intents matter.
    pub(super) fn note_act(&mut self, flow: &Flow, pending: &Pending, bytes: &[u8]) {
        let Some(actor) = pending.parties.actor.filter(|_| pending.tie != Tie::Link) else { return };
        let policy = self.desk.policy;
        let Some(mode) = policy.intent_mode(actor).filter(|_| !self.desk.matching.acts.is_off()) else { return };
        let parties = (actor, pending.parties.device);
        let request = (pending.parties.of, pending.key, pending.seen);
        let mut act = Act::new((flow.path(pending.requester), flow.protocol), parties, pending.action, request);
        touch_all(bytes, pending, flow.protocol, |touch, mask| act.touch(&policy, touch, mask));
        if self.desk.matching.acts.join(&policy, &act) == Joined::Yes {
            return;
        }
        if self.desk.matching.acts.is_full() {
            self.desk.counters.add(Counter::IntentsForgotten, 1);
            self.desk.decide_oldest(pending.seen.time, self.output);
        }
        act.suppressed = self.suppressed(flow, pending, bytes, mode);
        self.desk.matching.acts.push(act);
    }

    /// What keeps alerts about a command from being given.
    fn suppressed(&self, flow: &Flow, pending: &Pending, bytes: &[u8], mode: IntentMode) -> Suppressed {
        let Desk { policy, engine, .. } = &*self.desk;
        if policy.suppression_count() == 0 {
            return Suppressed::default();
        }
        let asked = exchange(flow, pending, Some(bytes), None, Outcome::Pending, dnp3::Relation::None);
        let said = Said { exchange: &asked, policy, verdict: &pending.verdict, routine: None };
        let mut suppressed = Suppressed::default();
        engine.intent_suppressions(mode, pending.seen.time, &said, |finding, by| suppressed.note(finding, by));
        suppressed
    }
}

/// Shows everything that a command touches; of a mask write with its masks.
fn touch_all(
    bytes: &[u8],
    pending: &Pending,
    protocol: Protocol,
    mut show: impl FnMut(&Touch<'_>, Option<(u16, u16)>),
) {
    match protocol {
        Protocol::Modbus => {
            let Ok(request) = Request::parse(bytes) else { return };
            let mask = match request {
                Request::MaskWrite { and_mask, or_mask, .. } => Some((and_mask, or_mask)),
                _ => None,
            };
            request.touches(pending.action).for_each(|touch| show(&touch, mask));
        }
        Protocol::Dnp3 => {
            let fragment = Fragment::parse(bytes);
            fragment.iter().flat_map(dnp3::touches).for_each(|touch| show(&touch, None));
        }
    }
}

impl Desk<'_> {
    /// Takes an intent that came to be known, unless it is known already.
    pub(crate) fn declare(&mut self, intent: &Intent, output: &mut dyn Output) {
        let waits = self.policy.intent_waits();
        self.counters.add(Counter::Intents, 1);
        let Some(mode) = self.policy.intent_mode(intent.actor) else { return output.intent_gone(intent.key) };
        if self.matching.feed.took(intent, &waits) {
            self.tell_of_feed(intent.received, output);
        }
        if self.matching.intents.knows(intent.key) {
            return self.refine(intent, mode, output);
        }
        let losses = self.losses();
        let late_ms = waits.skew_ms.saturating_add(waits.hold_ms);
        if let Some(gone) = self.matching.intents.keep(*intent, late_ms, losses) {
            self.counters.add(Counter::IntentsForgotten, 1);
            output.intent_gone(gone);
        }
        if self.is_beyond_permit(intent) {
            self.tell_of_intent(IntentFinding::BeyondPermit, mode, intent, intent.received, output);
        }
    }

    /// Takes what a further span of the same call tells, and tells of commands that the first covered and that are not so.
    fn refine(&mut self, further: &Intent, mode: IntentMode, output: &mut dyn Output) {
        let Some(intent) = self.matching.intents.refine(further) else { return };
        if self.is_beyond_permit(&intent) {
            self.tell_of_intent(IntentFinding::BeyondPermit, mode, &intent, further.received, output);
        }
        let skew_ms = self.policy.intent_waits().skew_ms;
        loop {
            let Matching { intents, acts, .. } = &mut self.matching;
            let found = acts.uncover(intent.key, |act| contradicted(intents, &intent, (act, mode), skew_ms));
            let Some((act, verdict)) = found else { return };
            let finding = verdict.finding.unwrap_or(IntentFinding::None);
            self.tell_of_act(finding, &verdict, &act, output);
        }
    }

    /// What was lost of the capture, so that a command may have been done unseen.
    fn losses(&self) -> u64 {
        self.counters.losses().saturating_add(self.matching.missed)
    }

    /// Whether a declared command is one that no permit covers, as far as it says.
    fn is_beyond_permit(&self, intent: &Intent) -> bool {
        let Some((device, action)) = intent.device.zip(intent.operation) else { return false };
        let ends = match intent.value {
            Some(Wanted::Is(value)) => [Some(value), None],
            Some(Wanted::Range { least, most }) => [Some(least), Some(most)],
            Some(Wanted::Masked { .. }) | None => [None, None],
        };
        let who = (intent.actor, device, action);
        let may = |target: IntentTarget| match target {
            IntentTarget::Point(point) => self.policy.may_declare_point(who, point, ends),
            IntentTarget::Run { space, address, quantity } => {
                self.policy.may_declare_run(who, (space, address, quantity.into()), ends)
            }
        };
        if intent.targets().next().is_none() {
            return !self.policy.may_declare(intent.actor, device, action, (None, None, None));
        }
        !intent.targets().all(may)
    }

    /// Does what is due by `now`.
    pub(crate) fn pass_intents(&mut self, now: Timestamp, output: &mut dyn Output) {
        let waits = self.policy.intent_waits();
        while self.matching.acts.waits_since().is_some_and(|since| since.plus_ms(waits.hold_ms) <= now) {
            self.decide_oldest(now, output);
        }
        let (late_ms, losses) = (waits.skew_ms.saturating_add(waits.hold_ms), self.losses());
        while let Some(passed) = self.matching.intents.passed(now, late_ms, losses) {
            match passed {
                Passed::Unfulfilled(intent, true) => {
                    if let Some(mode) = self.policy.intent_mode(intent.actor) {
                        self.tell_of_intent(IntentFinding::Unfulfilled, mode, &intent, now, output);
                    }
                }
                Passed::Unfulfilled(_, false) | Passed::Ended => {}
                Passed::Gone(key) => output.intent_gone(key),
            }
        }
        if self.matching.feed.silent_from(&waits).is_some_and(|from| from <= now) {
            self.matching.feed.tell();
            self.tell_of_feed(now, output);
        }
    }

    /// Decides on the act that waits for longest.
    pub(super) fn decide_oldest(&mut self, now: Timestamp, output: &mut dyn Output) {
        let waits = self.policy.intent_waits();
        let sound = self.matching.feed.is_sound(now, &waits);
        let (policy, intents) = (self.policy, &mut self.matching.intents);
        let Some(act) = self.matching.acts.waiting() else { return };
        let Some(mode) = policy.intent_mode(act.actor) else { return self.matching.acts.next() };
        let verdict = decide(intents, Question { act, mode, waits: &waits, sound });
        let covering = verdict.intent.filter(|_| verdict.finding.is_none());
        act.covered_by = covering.map(|intent| intent.key);
        let act = *act;
        self.matching.acts.next();
        if let Some(finding) = verdict.finding {
            self.tell_of_act(finding, &verdict, &act, output);
        } else if act.refused && covering.is_some() {
            self.tell_of_act(IntentFinding::Refused, &verdict, &act, output);
        }
        output.matched(&act.described(), &verdict);
    }

    /// Decides on every act, since nothing more comes.
    pub(crate) fn finish_intents(&mut self, now: Timestamp, output: &mut dyn Output) {
        while self.matching.acts.waits_since().is_some() {
            self.decide_oldest(now, output);
        }
    }

    /// Takes note of how an exchange ended, and tells if a declared command was refused.
    pub(super) fn act_ended(&mut self, exchange: &Exchange<'_>, pending: &Pending, output: &mut dyn Output) {
        if !is_end(exchange) {
            return;
        }
        let refused = exchange.outcome == Outcome::Refused;
        let Some(act) = self.matching.acts.answered((exchange.path.flow, pending.key), refused) else { return };
        let Some((key, mode)) = act.covered_by.zip(self.policy.intent_mode(act.actor)).filter(|_| refused) else {
            return;
        };
        let intent = self.matching.intents.of(key);
        let verdict = Match { intent, ..Match::covered(mode, &act) };
        self.tell_of_act(IntentFinding::Refused, &verdict, &act, output);
    }

    /// Gives the alert for a command.
    fn tell_of_act(&mut self, finding: IntentFinding, verdict: &Match, act: &Act, output: &mut dyn Output) {
        let verdict = Match { finding: Some(finding), ..*verdict };
        let cause = Cause::Intent(finding, verdict.mode);
        let part = verdict.done.and_then(|done| done.place).map_or(0, place_key);
        let id = alert_id(&self.policy, &act.path, act.seen.time, [act.key, part], &cause);
        let alert = Alert {
            actor: Some(act.actor),
            device: act.device,
            action: Some(act.action),
            protocol: Some(act.protocol),
            intent: Some(&verdict),
            suppressed: act.suppressed.by(finding),
            ..Alert::bare(id, act.seen.time, act.path, cause)
        };
        self.folds.give(alert, act.of, None, &mut self.counters, output);
    }

    /// Gives an alert for an intent without a command.
    fn tell_of_intent(
        &mut self,
        finding: IntentFinding,
        mode: IntentMode,
        intent: &Intent,
        now: Timestamp,
        output: &mut dyn Output,
    ) {
        let verdict = Match { finding: Some(finding), intent: Some(*intent), ..Match::nothing(mode) };
        self.tell_without_act(
            (finding, mode),
            (Some(intent.actor), intent.device),
            intent.key,
            now,
            Some(&verdict),
            output,
        );
    }

    /// Gives the alert for a declaration that is not believed.
    pub(crate) fn disbelieve(
        &mut self,
        finding: IntentFinding,
        (actor, key): (Option<ActorId>, IntentKey),
        now: Timestamp,
        output: &mut dyn Output,
    ) {
        let mode = actor.and_then(|actor| self.policy.intent_mode(actor)).unwrap_or(IntentMode::Required);
        self.tell_without_act((finding, mode), (actor, None), key, now, None, output);
    }

    fn tell_of_feed(&mut self, now: Timestamp, output: &mut dyn Output) {
        let cause = (IntentFinding::FeedSilent, IntentMode::Required);
        self.tell_without_act(cause, (None, None), IntentKey::default(), now, None, output);
    }

    fn tell_without_act(
        &mut self,
        (finding, mode): (IntentFinding, IntentMode),
        (actor, device): (Option<ActorId>, Option<DeviceId>),
        key: IntentKey,
        now: Timestamp,
        verdict: Option<&Match>,
        output: &mut dyn Output,
    ) {
        let cause = Cause::Intent(finding, mode);
        let path = Path::default();
        let keys = [key.0 as u64, key.0.wrapping_shr(64) as u64];
        let id: AlertId = alert_id(&self.policy, &path, now, keys, &cause);
        let action = verdict.and_then(|verdict| verdict.intent?.operation);
        let declared = Some(key).filter(|key| *key != IntentKey::default());
        let promised =
            Promised { policy: &self.policy, actor, device, intent: verdict.and_then(|one| one.intent.as_ref()) };
        let suppressed = self.engine.suppression(Suspect::Intent(finding, mode), now, &promised);
        let alert =
            Alert { actor, device, action, intent: verdict, declared, suppressed, ..Alert::bare(id, now, path, cause) };
        let of = actor.map_or(0, |actor| u32::from(actor.0).saturating_add(1));
        self.folds.give(alert, of, Some(key.0 as u32), &mut self.counters, output);
    }
}
