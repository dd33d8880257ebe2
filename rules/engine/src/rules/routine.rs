//! Polls that come again and again: what rules say of them need not be found each time.

use super::prints::Prints;
use super::{Firing, MOST_STEPS, RuleKey, Rules};
use crate::condition::{ConditionId, Scene};
use crate::image::Rule;
use crate::{Field, Policy, RuleId, Stage, Threshold, Timestamp};

/// For so long it is taken as settled what rules say of a poll. What a rule saw before counts as seen again that often.
const SETTLED_MS: u32 = 60_000;

/// An entry in the table of polls that come again and again.
#[derive(Clone, Copy, Default, Debug)]
pub struct RoutineSlot {
    /// The poll, as [`Facts::routine`](crate::Facts::routine) tells it.
    digest: u64,
    /// Until then.
    until: Timestamp,
    settled: Settled,
}

/// What rules say of a poll, by their place among those that look at it.
#[derive(Clone, Copy, Default, Debug)]
pub(super) struct Settled {
    /// Those that have nothing to say.
    idle: u64,
    /// Some of the others.
    stakes: [Option<(u8, Stake)>; 2],
}

/// What a rule that counts takes from a poll.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stake {
    /// Stands for the fields that the rule keeps apart by.
    key: u64,
    /// Stands for the value of the field whose values are to differ.
    value: Option<u32>,
    /// The steps of a sequence that the poll is.
    steps: u16,
}

const _: () = assert!(MOST_STEPS <= u16::BITS as usize, "every step has its bit");

/// What is settled of a poll.
pub(super) enum Routine {
    /// Nothing, and it may never come again.
    New,
    /// Nothing, but it came before.
    Known,
    /// This.
    Settled(Settled),
}

impl Routine {
    /// Whether the rule at this place has nothing to say.
    pub(super) fn is_idle(&self, place: u32) -> bool {
        matches!(self, Self::Settled(settled) if settled.idle & bit(place) != 0)
    }

    /// What is settled of the rule at this place, if it has something to say.
    pub(super) fn stake(&self, place: u32) -> Option<&Stake> {
        let Self::Settled(settled) = self else { return None };
        let here = |(at, _): &&(u8, Stake)| u32::from(*at) == place;
        settled.stakes.iter().flatten().find(here).map(|(_, stake)| stake)
    }
}

/// The bit of a rule's place; none beyond the first 64.
fn bit(place: u32) -> u64 {
    1_u64.checked_shl(place).unwrap_or(0)
}

/// Polls that came lately. Each has one place, and displaces what was there.
#[derive(Debug)]
pub(super) struct Routines<'s>(&'s mut [RoutineSlot]);

impl<'s> Routines<'s> {
    pub(super) fn new(slots: &'s mut [RoutineSlot]) -> Self {
        Self(slots)
    }

    /// What is settled of a poll by now.
    pub(super) fn look(&mut self, digest: u64, now: Timestamp) -> Routine {
        match self.slot(digest) {
            Some(slot) if slot.digest == digest && now < slot.until => Routine::Settled(slot.settled),
            Some(slot) if slot.digest == digest => Routine::Known,
            Some(slot) => {
                *slot = RoutineSlot { digest, ..RoutineSlot::default() };
                Routine::New
            }
            None => Routine::New,
        }
    }

    fn settle(&mut self, digest: u64, now: Timestamp, settled: Settled) {
        if let Some(slot) = self.slot(digest) {
            *slot = RoutineSlot { digest, until: now.plus_ms(SETTLED_MS), settled };
        }
    }

    fn slot(&mut self, digest: u64) -> Option<&mut RoutineSlot> {
        let place = digest.wrapping_shr(32).wrapping_mul(self.0.len() as u64).wrapping_shr(32);
        self.0.get_mut(place as usize)
    }
}

impl Rules<'_> {
    /// Takes it as settled what rules say of a poll that they were just asked of; of those beyond the first 256 nothing is.
    pub(super) fn settle<'p>(
        &mut self,
        digest: u64,
        policy: &Policy<'_>,
        rules: impl Iterator<Item = (RuleId, &'p Rule)>,
        (scene, prints): (&Scene<'_, '_>, &mut Prints<'_>),
    ) {
        let mut settled = Settled::default();
        for (place, (_, rule)) in (0..=u8::MAX).zip(rules) {
            if is_idle(policy, rule, scene) {
                settled.idle |= bit(place.into());
            } else if is_steady(policy, rule)
                && let Some(free) = settled.stakes.iter_mut().find(|stake| stake.is_none())
            {
                *free = Some((place, self.stake(policy, rule, (scene, prints))));
            }
        }
        self.routines.settle(digest, scene.now, settled);
    }

    fn stake(&self, policy: &Policy<'_>, rule: &Rule, (scene, prints): (&Scene<'_, '_>, &mut Prints<'_>)) -> Stake {
        let does = |at: &usize| policy.step(rule, *at).is_some_and(|step| policy.is_true(step, scene));
        let steps = (0..MOST_STEPS).filter(does).fold(0, |steps, at| steps | step_bit(at));
        Stake { key: self.key(policy, rule, prints), value: self.value(rule, prints), steps }
    }

    /// What [`consider`](Self::consider) would find of a poll of which the rule's part is settled.
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

/// Whether a rule says the same of a poll as long as only the time and what it counted are others.
fn is_steady(policy: &Policy<'_>, rule: &Rule) -> bool {
    let counts = [Threshold::Count, Threshold::Distinct, Threshold::Sequence].map(Threshold::number);
    counts.contains(&rule.threshold) && is_told_by_request(policy, rule)
}

/// Whether a rule that was just asked of a poll has nothing to say of it as long as only the time is another: it would
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

    const POLL: u64 = 0x1234_5678_9ABC_DEF0;
    const SECOND: u64 = 1_000_000_000;

    #[test]
    fn what_is_settled_of_a_poll_is_so_for_a_minute() {
        let mut slots = [RoutineSlot::default(); 4];
        let mut routines = Routines::new(&mut slots);
        assert!(matches!(routines.look(POLL, Timestamp(0)), Routine::New));
        assert!(matches!(routines.look(POLL, Timestamp(SECOND)), Routine::Known));
        let stake = Stake { key: 7, value: None, steps: 0 };
        routines.settle(POLL, Timestamp(SECOND), Settled { idle: 1 | 1 << 63, stakes: [None, Some((2, stake))] });
        let settled = routines.look(POLL, Timestamp(60 * SECOND));
        assert!([0, 63].into_iter().all(|place| settled.is_idle(place)));
        assert!([1, 2, 64, 200].into_iter().all(|place| !settled.is_idle(place)));
        assert_eq!([0, 1, 2].map(|place| settled.stake(place).map(|stake| stake.key)), [None, None, Some(7)]);
        assert!(matches!(routines.look(POLL, Timestamp(61 * SECOND)), Routine::Known));
    }

    #[test]
    fn another_poll_in_the_same_place_starts_anew() {
        let mut slots = [RoutineSlot::default(); 1];
        let mut routines = Routines::new(&mut slots);
        routines.settle(POLL, Timestamp(0), Settled::default());
        assert!(matches!(routines.look(!POLL, Timestamp(1)), Routine::New));
        assert!(matches!(routines.look(POLL, Timestamp(2)), Routine::New));
        let mut nowhere = Routines::new(&mut []);
        nowhere.settle(POLL, Timestamp(0), Settled::default());
        assert!(matches!(nowhere.look(POLL, Timestamp(1)), Routine::New));
    }
}
