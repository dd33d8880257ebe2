//! Requests that come again and again: what rules say of them need not be found each time.

use super::prints::Prints;
use super::{Firing, MOST_STEPS, RuleKey, Rules};
use crate::condition::{ConditionId, Scene};
use crate::image::Rule;
use crate::{Field, PermitId, Policy, RuleId, Stage, Threshold, Timestamp, Verdict};

/// For so long it is taken as settled what rules say of a request. What a rule saw before counts as seen again that often.
const SETTLED_MS: u32 = 60_000;
/// Of so many rules it can be settled that they have to be asked each time, or what they count.
const MOST_LISTED: usize = 12;

/// What requests have in common that differ in nothing but time that fields of [`Stage::Request`] tell.
#[derive(Clone, Copy, Default, Debug)]
pub struct RoutineKey {
    /// Its owner says what they stand for.
    parts: [u64; 6],
    standing: Standing,
}

/// What permits say of requests with one key.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
enum Standing {
    #[default]
    Unknown,
    Unjudged,
    Permitted(Option<PermitId>),
}

impl Standing {
    const fn of(verdict: &Verdict) -> Option<Self> {
        match verdict {
            Verdict::Unjudged => Some(Self::Unjudged),
            Verdict::Permitted(permit) => Some(Self::Permitted(*permit)),
            Verdict::Unexpected(_) => None,
        }
    }

    const fn verdict(self) -> Option<Verdict> {
        match self {
            Self::Unknown => None,
            Self::Unjudged => Some(Verdict::Unjudged),
            Self::Permitted(permit) => Some(Verdict::Permitted(permit)),
        }
    }
}

impl RoutineKey {
    /// Of requests that these numbers tell from all others, but for the verdict on them.
    pub const fn new(parts: [u64; 6]) -> Self {
        Self { parts, standing: Standing::Unknown }
    }

    /// Of those among them on which there is this verdict. What the policy does not cover has no key.
    pub fn under(self, verdict: &Verdict) -> Option<Self> {
        Some(Self { standing: Standing::of(verdict)?, ..self })
    }

    /// One of `places`; nothing but speed depends on it.
    fn place(&self, places: usize) -> usize {
        let halves = |part: &u64| part.wrapping_shr(32) as u32 ^ *part as u32;
        let mixed = self.parts.iter().fold(0_u32, |mixed, part| mixed.rotate_left(9) ^ halves(part));
        let under = match self.standing {
            Standing::Permitted(Some(PermitId(permit))) => u32::from(permit).wrapping_add(1),
            Standing::Unknown | Standing::Unjudged | Standing::Permitted(None) => 0,
        };
        let spread = (mixed ^ under).wrapping_mul(0x9E37_79B9);
        u64::from(spread).wrapping_mul(places as u64).wrapping_shr(32) as usize
    }
}

impl PartialEq for RoutineKey {
    /// Word by word: where instructions count, comparing memory goes byte by byte.
    fn eq(&self, other: &Self) -> bool {
        let differ = |differ, (one, other): (&u64, &u64)| differ | (one ^ other);
        self.standing == other.standing && self.parts.iter().zip(&other.parts).fold(0, differ) == 0
    }
}

/// An entry in the table of requests that come again and again.
#[derive(Clone, Copy, Default, Debug)]
pub struct RoutineSlot {
    key: RoutineKey,
    /// Whether it came more than once.
    came_again: bool,
    /// The verdict, if it is the same each time.
    verdict: Standing,
    /// Until then what rules say is settled.
    until: Timestamp,
    settled: Settled,
}

/// What rules say of a request, which most have nothing to say of.
#[derive(Clone, Copy, Default, Debug)]
pub(super) struct Settled {
    /// How many of the others there are,
    count: u8,
    /// and which, in order.
    listed: [u16; MOST_LISTED],
    /// What some of them count.
    stakes: [Option<(RuleId, Stake)>; 2],
}

/// What a rule that counts takes from a request.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stake {
    /// Stands for the fields that the rule keeps apart by.
    key: u64,
    /// Stands for the value of the field whose values are to differ.
    value: Option<u32>,
    /// The steps of a sequence that the request is.
    steps: u16,
}

const _: () = assert!(MOST_STEPS <= u16::BITS as usize, "every step has its bit");

/// What is settled of a request.
pub(super) enum Routine {
    /// Nothing, and it may never come again.
    New,
    /// Nothing, but it came before.
    Known,
    /// This.
    Settled(Settled),
}

impl Settled {
    /// Lists a rule; false where there is no room.
    fn list(&mut self, id: RuleId) -> bool {
        let place = self.listed.get_mut(usize::from(self.count));
        place.map(|place| (*place, self.count) = (id.0, self.count.saturating_add(1))).is_some()
    }

    /// The rules that may have something to say, in order.
    pub(super) fn rules<'a>(&self, policy: &Policy<'a>) -> impl Iterator<Item = (RuleId, &'a Rule)> {
        let listed = self.listed.get(..usize::from(self.count)).unwrap_or_default();
        listed.iter().filter_map(|id| Some((RuleId(*id), policy.rule(RuleId(*id))?)))
    }

    /// What is settled of what a rule counts.
    pub(super) fn stake(&self, id: RuleId) -> Option<&Stake> {
        self.stakes.iter().flatten().find(|(of, _)| *of == id).map(|(_, stake)| stake)
    }
}

/// Requests that came lately. Each has one place, and displaces what was there.
#[derive(Debug)]
pub(crate) struct Routines<'s>(&'s mut [RoutineSlot]);

impl<'s> Routines<'s> {
    pub(super) fn new(slots: &'s mut [RoutineSlot]) -> Self {
        Self(slots)
    }

    /// Forgets everything.
    pub(super) fn clear(&mut self) {
        self.0.fill(RoutineSlot::default());
    }

    /// Takes note of a request; the verdict on it, if it is the same each time.
    pub(crate) fn recall(&mut self, key: &RoutineKey) -> Option<Verdict> {
        let slot = self.slot(key)?;
        if slot.key == *key {
            slot.came_again = true;
            return slot.verdict.verdict();
        }
        *slot = RoutineSlot { key: *key, ..RoutineSlot::default() };
        None
    }

    /// Takes note of the verdict on a request that is the same each time.
    pub(crate) fn note_verdict(&mut self, key: &RoutineKey, verdict: &Verdict) {
        if let Some(slot) = self.slot(key).filter(|slot| slot.key == *key) {
            slot.verdict = Standing::of(verdict).unwrap_or_default();
        }
    }

    /// What is settled of a request by now that was just taken note of.
    pub(super) fn look(&mut self, key: &RoutineKey, now: Timestamp) -> Routine {
        match self.slot(key) {
            Some(slot) if slot.key != *key || !slot.came_again => Routine::New,
            Some(slot) if now < slot.until => Routine::Settled(slot.settled),
            Some(_) => Routine::Known,
            None => Routine::New,
        }
    }

    /// Whether it is settled by now that no rule has anything to say of a request.
    pub(crate) fn is_silent(&mut self, key: &RoutineKey, now: Timestamp) -> bool {
        self.slot(key).is_some_and(|slot| now < slot.until && slot.settled.count == 0 && slot.key == *key)
    }

    fn settle(&mut self, key: &RoutineKey, now: Timestamp, settled: Settled) {
        if let Some(slot) = self.slot(key).filter(|slot| slot.key == *key) {
            (slot.until, slot.settled) = (now.plus_ms(SETTLED_MS), settled);
        }
    }

    fn slot(&mut self, key: &RoutineKey) -> Option<&mut RoutineSlot> {
        self.0.get_mut(key.place(self.0.len()))
    }
}

impl Rules<'_> {
    /// Takes it as settled what rules say of a request that they were just asked of; nothing if too many may have something
    /// to say.
    pub(super) fn settle<'p>(
        &mut self,
        key: &RoutineKey,
        policy: &Policy<'_>,
        rules: impl Iterator<Item = (RuleId, &'p Rule)>,
        (scene, prints): (&Scene<'_, '_>, &mut Prints<'_>),
    ) {
        let mut settled = Settled::default();
        for (id, rule) in rules.filter(|(_, rule)| !is_idle(policy, rule, scene)) {
            if !settled.list(id) {
                return;
            }
            if is_steady(policy, rule)
                && let Some(free) = settled.stakes.iter_mut().find(|stake| stake.is_none())
            {
                *free = Some((id, self.stake(policy, rule, (scene, prints))));
            }
        }
        self.routines.settle(key, scene.now, settled);
    }

    fn stake(&self, policy: &Policy<'_>, rule: &Rule, (scene, prints): (&Scene<'_, '_>, &mut Prints<'_>)) -> Stake {
        let does = |at: &usize| policy.step(rule, *at).is_some_and(|step| policy.is_true(step, scene));
        let steps = (0..MOST_STEPS).filter(does).fold(0, |steps, at| steps | step_bit(at));
        Stake { key: self.key(policy, rule, prints), value: self.value(rule, prints), steps }
    }

    /// What [`consider`](Self::consider) would find of a request of which the rule's part is settled.
    pub(super) fn consider_again(
        &mut self,
        policy: &Policy<'_>,
        (id, rule): (RuleId, &Rule),
        stake: &Stake,
        scene: &Scene<'_, '_>,
    ) -> Option<Firing> {
        let key = RuleKey { rule: id.0, key: stake.key };
        let fires = match Threshold::from_number(rule.threshold)? {
            Threshold::Sequence => self.is_complete((key, rule), |at| stake.steps & step_bit(at) != 0, scene.now),
            threshold => self.is_reached((key, rule), threshold, (true, stake.value), scene.now),
        };
        fires.then(|| Firing::of(id, key.kin(), policy, scene))
    }
}

fn step_bit(at: usize) -> u16 {
    1_u16.checked_shl(at as u32).unwrap_or(0)
}

/// Whether a rule says the same of a request as long as only the time and what it counted are others.
fn is_steady(policy: &Policy<'_>, rule: &Rule) -> bool {
    let counts = [Threshold::Count, Threshold::Distinct, Threshold::Sequence].map(Threshold::number);
    counts.contains(&rule.threshold) && is_told_by_request(policy, rule)
}

/// Whether a rule that was just asked of a request has nothing to say of it as long as only the time is another: it would
/// find that it does not hold, or that it saw it before.
fn is_idle(policy: &Policy<'_>, rule: &Rule, scene: &Scene<'_, '_>) -> bool {
    if !is_told_by_request(policy, rule) {
        return false;
    }
    let is_true = |condition| policy.is_true(condition, scene);
    let holds = ConditionId::named(rule.when).is_none_or(is_true);
    let is_a_step = || policy.steps(rule).iter().copied().filter_map(ConditionId::named).any(is_true);
    match Threshold::from_number(rule.threshold) {
        Some(Threshold::First) => true,
        Some(Threshold::Each | Threshold::Count | Threshold::Distinct) => !holds,
        Some(Threshold::Sequence) => !holds || !is_a_step(),
        Some(Threshold::Absent) => !holds && !is_a_step(),
        Some(Threshold::Lasting | Threshold::Invariant) | None => false,
    }
}

/// Whether a rule asks for nothing but what fields of the request tell.
fn is_told_by_request(policy: &Policy<'_>, rule: &Rule) -> bool {
    let mut asks = policy.steps(rule).iter().copied().chain([rule.when]).filter_map(ConditionId::named);
    let keys = policy.key_fields(rule).chain(Field::from_number(rule.distinct));
    rule.items == 0
        && asks.all(|condition| policy.is_told_by_request(condition))
        && keys.into_iter().all(|field| field.stage() == Stage::Request)
}

#[cfg(test)]
mod tests {
    use super::*;

    const POLL: RoutineKey = RoutineKey::new([7, 1, 2, 3, 4, 5]);
    const OTHER: RoutineKey = RoutineKey::new([7, 1, 2, 3, 4, 6]);
    const SECOND: u64 = 1_000_000_000;

    #[test]
    fn what_is_settled_of_a_request_is_so_for_a_minute() {
        let mut slots = [RoutineSlot::default(); 4];
        let mut routines = Routines::new(&mut slots);
        let stake = Stake { key: 7, value: None, steps: 0 };
        let settled = Settled { stakes: [None, Some((RuleId(2), stake))], ..Settled::default() };
        routines.recall(&POLL);
        assert!(matches!(routines.look(&POLL, Timestamp(0)), Routine::New));
        routines.recall(&POLL);
        assert!(matches!(routines.look(&POLL, Timestamp(SECOND)), Routine::Known));
        routines.settle(&POLL, Timestamp(SECOND), settled);
        let settled = match routines.look(&POLL, Timestamp(60 * SECOND)) {
            Routine::Settled(settled) => Some(settled),
            Routine::New | Routine::Known => None,
        };
        let keys = settled.map(|settled| [0, 1, 2].map(|id| settled.stake(RuleId(id)).map(|stake| stake.key)));
        assert_eq!(keys, Some([None, None, Some(7)]));
        assert!(matches!(routines.look(&POLL, Timestamp(61 * SECOND)), Routine::Known));
    }

    #[test]
    fn another_request_in_the_same_place_starts_anew() {
        let mut slots = [RoutineSlot::default(); 1];
        let mut routines = Routines::new(&mut slots);
        (0..2).for_each(|_| assert!(routines.recall(&POLL).is_none()));
        routines.settle(&POLL, Timestamp(0), Settled::default());
        routines.note_verdict(&POLL, &Verdict::Unjudged);
        assert_eq!(routines.recall(&POLL), Some(Verdict::Unjudged));
        assert_eq!(routines.recall(&OTHER), None);
        assert!(matches!(routines.look(&OTHER, Timestamp(1)), Routine::New));
        assert!(matches!(routines.look(&POLL, Timestamp(1)), Routine::New));
        assert_eq!(routines.recall(&POLL), None);
        let mut nowhere = Routines::new(&mut []);
        (0..2).for_each(|_| assert!(nowhere.recall(&POLL).is_none()));
        assert!(matches!(nowhere.look(&POLL, Timestamp(1)), Routine::New));
    }

    #[test]
    fn requests_under_another_permit_are_others() {
        let under = |permit| POLL.under(&Verdict::Permitted(Some(PermitId(permit))));
        assert_ne!(under(1), under(2));
        assert_ne!(under(1), Some(POLL));
        assert_eq!(under(1), under(1));
    }

    #[test]
    fn no_more_rules_are_listed_than_there_is_room_for() {
        let mut settled = Settled::default();
        assert!((0..MOST_LISTED as u16).all(|id| settled.list(RuleId(id))));
        assert!(!settled.list(RuleId(99)));
        assert_eq!(usize::from(settled.count), MOST_LISTED);
    }
}
