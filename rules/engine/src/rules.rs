//! Rules at work: which of them fire on something, and what they remember for that.
//!
//! A rule has triggers, may have a condition, and has a threshold that says which of the matches fire it. What it
//! remembers is kept by its key: the values of the fields that it names in `per`.

mod prints;
mod routine;
mod window;

pub use routine::{RoutineKey, RoutineSlot};
pub use window::MOST_DISTINCT;
pub(crate) use window::{Counts, Eighth, Sums};

use core::hash::{BuildHasher, Hasher};

use crate::condition::{ConditionId, Scene, Truth};
use crate::image::Rule;
use crate::{
    Action, AnomalyKind, CadenceEvent, Commanded, DigestHasher, Field, Judgement, Occupancy, Outcome, Policy,
    ProcessEvent, RuleId, Succession, SuppressionId, Suspect, Table, TableSlot, Threshold, Timestamp,
};
use prints::Prints;
pub(crate) use routine::Routines;
use routine::{Routine, Settled};
use window::Window;

/// The most steps of a sequence.
pub const MOST_STEPS: usize = 16;

/// The most points that an invariant asks for.
pub const MOST_INVOLVED: usize = 8;
/// The most invariants that ask for a point.
pub const MOST_INVARIANTS: usize = 16;

/// What can make a rule look.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Trigger {
    /// A request for this, and what the permits say of it.
    Request(Action, Judgement),
    /// The end of an exchange that asked for this.
    End(Action, Judgement, Outcome),
    /// An anomaly of this kind.
    Anomaly(AnomalyKind),
    /// This happened to a point.
    Process(ProcessEvent),
    /// This departs from a cadence.
    Cadence(CadenceEvent),
}

impl Trigger {
    /// Every trigger, in the order of the rule index.
    pub fn all() -> impl Iterator<Item = Self> {
        let requests = || {
            let judged = |action: &'static Action| Judgement::ALL.iter().map(|judgement| (*action, *judgement));
            Action::ALL.iter().flat_map(judged)
        };
        let ends = |(action, judgement)| Outcome::ALL.iter().map(move |outcome| Self::End(action, judgement, *outcome));
        let asked = requests().map(|(action, judgement)| Self::Request(action, judgement));
        let anomalies = AnomalyKind::ALL.iter().map(|kind| Self::Anomaly(*kind));
        let process = ProcessEvent::ALL.iter().map(|event| Self::Process(*event));
        let cadence = CadenceEvent::ALL.iter().map(|event| Self::Cadence(*event));
        asked.chain(requests().flat_map(ends)).chain(anomalies).chain(process).chain(cadence)
    }

    /// Its place among all of them.
    pub fn index(self) -> usize {
        let requests = |number: u8, judgement: u8| {
            usize::from(number).saturating_mul(Judgement::ALL.len()).saturating_add(judgement.into())
        };
        let all = Action::ALL.len().saturating_mul(Judgement::ALL.len());
        let end = |request: usize, outcome: u8| {
            all.saturating_add(request.saturating_mul(Outcome::ALL.len())).saturating_add(outcome.into())
        };
        match self {
            Self::Request(action, judgement) => requests(action.number(), judgement.number()),
            Self::End(action, judgement, outcome) => {
                end(requests(action.number(), judgement.number()), outcome.number())
            }
            Self::Anomaly(kind) => end(all, kind.number()),
            Self::Process(event) => end(all, event.number()).saturating_add(AnomalyKind::ALL.len()),
            Self::Cadence(event) => {
                end(all, event.number()).saturating_add(AnomalyKind::ALL.len()).saturating_add(ProcessEvent::ALL.len())
            }
        }
    }

    /// Whether the rule asks for it.
    pub fn is_of(self, rule: &Rule) -> bool {
        let has = |action: Action, judgement: Judgement| {
            rule.actions.get() & action.bit() != 0 && rule.verdicts & judgement.bit() != 0
        };
        match self {
            Self::Request(action, judgement) => rule.outcomes == 0 && has(action, judgement),
            Self::End(action, judgement, outcome) => rule.outcomes & outcome.bit() != 0 && has(action, judgement),
            Self::Anomaly(kind) => rule.anomalies.get() & kind.bit() != 0,
            Self::Process(event) => rule.process & event.bit() != 0,
            Self::Cadence(event) => rule.cadence & event.bit() != 0,
        }
    }
}

/// A rule that fired.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Firing {
    /// The rule.
    pub rule: RuleId,
    /// What it fired for has this in common; `None` where every match is by itself.
    pub kin: Option<u32>,
    /// The point or address that it fired for, if it looks at each.
    pub item: Option<Commanded>,
    /// What keeps its alert from being given.
    pub suppressed: Option<SuppressionId>,
    /// What it says of something that should follow.
    pub wait: Wait,
}

impl Firing {
    /// The firing of a rule in a scene.
    pub(crate) fn of(rule: RuleId, kin: Option<u32>, policy: &Policy<'_>, scene: &Scene<'_, '_>) -> Self {
        Self { rule, kin, item: None, suppressed: policy.suppression(Suspect::Rule(rule), scene), wait: Wait::No }
    }
}

/// Whether a rule waits for what should follow.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Wait {
    /// It does not: it fires now.
    #[default]
    No,
    /// From now on: it fires unless this ends within the rule's time.
    Begins,
    /// It ended: what should follow came.
    Ends,
}

/// What rules remember something by.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct RuleKey {
    rule: u16,
    key: u64,
}

impl RuleKey {
    /// What firings with this key have in common.
    fn kin(self) -> Option<u32> {
        Some((self.key ^ self.key.wrapping_shr(32)) as u32)
    }
}

/// An entry in the table of what rules saw before.
pub type SeenSlot = TableSlot<RuleKey, ()>;
/// An entry in the table of what rules count and wait for.
pub type WindowSlot = TableSlot<RuleKey, Window>;

/// What is done with each of some rules.
type Asking<'a, 'p> = dyn FnMut((RuleId, &'p Rule)) + 'a;

/// The memory of all rules.
#[derive(Debug)]
pub(crate) struct Rules<'s> {
    seen: Table<'s, RuleKey, ()>,
    windows: Table<'s, RuleKey, Window>,
    routines: Routines<'s>,
    hasher: DigestHasher,
    /// When the first thing was seen.
    born: Option<Timestamp>,
}

impl<'s> Rules<'s> {
    pub(crate) fn new(
        (seen_buckets, seen): (&'s mut [u32], &'s mut [SeenSlot]),
        (window_buckets, windows): (&'s mut [u32], &'s mut [WindowSlot]),
        routines: &'s mut [RoutineSlot],
        seed: u64,
    ) -> Self {
        Self {
            seen: Table::new(seen_buckets, seen, seed),
            windows: Table::new(window_buckets, windows, seed),
            routines: Routines::new(routines),
            hasher: DigestHasher::with_seed(seed),
            born: None,
        }
    }

    /// Goes on under the numbers of another policy.
    pub(crate) fn succeed(&mut self, succession: &Succession<'_>) {
        let renamed = |key: &RuleKey| Some(RuleKey { rule: succession.rule(RuleId(key.rule))?.0, key: key.key });
        self.seen.rename(|key, ()| renamed(key));
        self.windows.rename(|key, _| renamed(key));
        self.routines.clear();
    }

    pub(crate) fn seen(&self) -> Occupancy {
        self.seen.occupancy()
    }

    pub(crate) fn windows(&self) -> Occupancy {
        self.windows.occupancy()
    }

    /// How much was forgotten to make room.
    pub(crate) const fn forgotten(&self) -> u64 {
        self.seen.evicted().saturating_add(self.windows.evicted())
    }

    /// Takes the first time that is told as the beginning.
    pub(crate) fn begin(&mut self, now: Timestamp) {
        self.born.get_or_insert(now);
    }

    /// The table of requests that come again and again.
    pub(crate) fn routines(&mut self) -> &mut Routines<'s> {
        &mut self.routines
    }

    /// Tells which rules fire: those that ask for items for each that is touched, the others at most once.
    pub(crate) fn react(
        &mut self,
        policy: &Policy<'_>,
        trigger: Trigger,
        scene: &Scene<'_, '_>,
        fire: &mut dyn FnMut(Firing),
    ) {
        let key = scene.facts.routine();
        let routine = key.map_or(Routine::New, |key| self.routines.look(key, scene.now));
        if let Routine::Settled(settled) = &routine {
            return self.react_again(policy, settled, scene, fire);
        }
        let setting = scene.facts.setting();
        let listed = || policy.rules_on(trigger, scene.facts.device()).filter_map(|id| Some((id, policy.rule(id)?)));
        let rules = || listed().filter(|(_, rule)| setting.is_in(rule.settings.get()));
        let hasher = self.hasher.clone();
        let mut prints = Prints::new(scene.facts, &hasher);
        let mut asks_for_items = false;
        for (id, rule) in rules() {
            if rule.items != 0 {
                asks_for_items = true;
            } else if let Some(firing) = self.consider(policy, (id, rule), scene, &mut prints) {
                fire(firing);
            }
        }
        if let (Some(key), Routine::Known) = (key, routine) {
            self.settle(key, policy, rules(), (scene, &mut prints));
        }
        if asks_for_items {
            self.react_to_items(policy, &mut |ask| rules().for_each(ask), scene, fire);
        }
    }

    /// The same of a request of which it is settled what most rules say.
    fn react_again(
        &mut self,
        policy: &Policy<'_>,
        settled: &Settled,
        scene: &Scene<'_, '_>,
        fire: &mut dyn FnMut(Firing),
    ) {
        let hasher = self.hasher.clone();
        let mut prints = Prints::new(scene.facts, &hasher);
        let mut asks_for_items = false;
        for (id, rule) in settled.rules(policy) {
            let firing = match settled.stake(id) {
                _ if rule.items != 0 => {
                    asks_for_items = true;
                    continue;
                }
                Some(stake) => self.consider_again(policy, (id, rule), stake, scene),
                None => self.consider(policy, (id, rule), scene, &mut prints),
            };
            firing.into_iter().for_each(&mut *fire);
        }
        if asks_for_items {
            self.react_to_items(policy, &mut |ask| settled.rules(policy).for_each(ask), scene, fire);
        }
    }

    /// Tells which of `rules` fire that ask for items.
    fn react_to_items<'p>(
        &mut self,
        policy: &Policy<'_>,
        rules: &mut dyn FnMut(&mut Asking<'_, 'p>),
        scene: &Scene<'_, '_>,
        fire: &mut dyn FnMut(Firing),
    ) {
        let hasher = self.hasher.clone();
        scene.facts.touches(&mut |device, touch| {
            scene.items(policy, device, touch, &mut |item| {
                let told = Scene { facts: item, ..*scene };
                let mut prints = Prints::new(item, &hasher);
                rules(&mut |(id, rule)| {
                    if rule.items != 0
                        && let Some(firing) = self.consider(policy, (id, rule), &told, &mut prints)
                    {
                        fire(Firing { item: Some(item.commanded()), ..firing });
                    }
                });
            });
        });
    }

    /// Tells whether an invariant is broken anew.
    pub(crate) fn is_broken(&mut self, policy: &Policy<'_>, id: RuleId, rule: &Rule, scene: &Scene<'_, '_>) -> bool {
        let holds = ConditionId::named(rule.when).map_or(Truth::Unknown, |must| policy.holds(must, scene));
        let key = RuleKey { rule: id.0, key: 0 };
        // One that holds takes no room.
        let known = match holds {
            Truth::False => self.windows.entry(key, Window::default()),
            Truth::True | Truth::Unknown => self.windows.find(&key),
        };
        let window = known.and_then(|id| self.windows.get_mut(id));
        window.is_some_and(|window| window.breaks(holds, scene.now, rule.within_ms.get()))
    }

    fn consider(
        &mut self,
        policy: &Policy<'_>,
        (id, rule): (RuleId, &Rule),
        scene: &Scene<'_, '_>,
        prints: &mut Prints<'_>,
    ) -> Option<Firing> {
        let threshold = Threshold::from_number(rule.threshold)?;
        let holds = ConditionId::named(rule.when).is_none_or(|when| policy.is_true(when, scene));
        if !holds && !matches!(threshold, Threshold::Lasting | Threshold::Absent) {
            return None;
        }
        if threshold == Threshold::Each {
            return Some(Firing::of(id, None, policy, scene));
        }
        let key = RuleKey { rule: id.0, key: self.key(policy, rule, prints) };
        let kin = key.kin();
        if threshold == Threshold::Absent {
            return wait(policy, rule, holds, scene).map(|wait| Firing { wait, ..Firing::of(id, kin, policy, scene) });
        }
        let fires = match threshold {
            Threshold::First => self.is_first(key) && !self.warms_up(rule, scene.now),
            Threshold::Sequence => {
                let does = |at| policy.step(rule, at).is_some_and(|step| policy.is_true(step, scene));
                self.is_complete((key, rule), does, scene.now)
            }
            _ => self.is_reached((key, rule), threshold, (holds, self.value(rule, prints)), scene.now),
        };
        fires.then(|| Firing::of(id, kin, policy, scene))
    }

    /// Whether a count, a number of values, or a time is reached by this match, and the rule does not rest.
    fn is_reached(
        &mut self,
        (key, rule): (RuleKey, &Rule),
        threshold: Threshold,
        (holds, value): (bool, Option<u32>),
        now: Timestamp,
    ) -> bool {
        let (within, most) = (rule.within_ms.get(), u32::from(rule.count.get()));
        if threshold == Threshold::Distinct && value.is_none() {
            return false;
        }
        let Some(window) = self.windows.entry(key, Window::default()).and_then(|id| self.windows.get_mut(id)) else {
            return false;
        };
        let reached = match threshold {
            Threshold::Count => window.count(Eighth::of(now, within)) >= most,
            Threshold::Distinct => value.is_some_and(|value| window.distinct(value, Eighth::of(now, within)) >= most),
            _ => window.lasts(holds, now, within),
        };
        reached && window.awake(now, rule.rearm_ms.get())
    }

    /// Whether this match is the last step of a sequence, and the rule does not rest. Nothing is remembered before the
    /// first step.
    fn is_complete(&mut self, (key, rule): (RuleKey, &Rule), does: impl Fn(usize) -> bool, now: Timestamp) -> bool {
        let begun = self.windows.find(&key);
        if begun.is_none() && !does(0) {
            return false;
        }
        let id = begun.or_else(|| self.windows.entry(key, Window::default()));
        let Some(window) = id.and_then(|id| self.windows.get_mut(id)) else { return false };
        let steps = rule.steps.count.get() as usize;
        window.step(steps, does, now, rule.within_ms.get()) && window.awake(now, rule.rearm_ms.get())
    }

    /// Whether nothing with this key was seen before.
    fn is_first(&mut self, key: RuleKey) -> bool {
        let known = self.seen.find(&key).is_some();
        if !known {
            self.seen.entry(key, ());
        }
        !known
    }

    fn warms_up(&self, rule: &Rule, now: Timestamp) -> bool {
        self.born.is_some_and(|born| now < born.plus_ms(rule.warm_up_ms.get()))
    }

    /// Stands for the value of the field whose values are to differ.
    fn value(&self, rule: &Rule, prints: &mut Prints<'_>) -> Option<u32> {
        let value = prints.of(Field::from_number(rule.distinct)?)?;
        Some(self.hasher.hash_one(value).wrapping_shr(32) as u32)
    }

    fn key(&self, policy: &Policy<'_>, rule: &Rule, prints: &mut Prints<'_>) -> u64 {
        let mut hasher = self.hasher.build_hasher();
        for field in policy.key_fields(rule) {
            hasher.write_u64(prints.of(field).unwrap_or(prints::UNKNOWN));
        }
        hasher.finish()
    }
}

/// Whether this is what a rule waits for, or what it begins to wait after.
fn wait(policy: &Policy<'_>, rule: &Rule, begins: bool, scene: &Scene<'_, '_>) -> Option<Wait> {
    let follows = policy.steps(rule).first().and_then(|id| ConditionId::named(*id));
    if follows.is_some_and(|follows| policy.is_true(follows, scene)) {
        return Some(Wait::Ends);
    }
    begins.then_some(Wait::Begins)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_trigger_stands_at_its_index() {
        assert!(Trigger::all().enumerate().all(|(index, trigger)| trigger.index() == index));
    }
}
