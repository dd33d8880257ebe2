//! The rules that fired on requests, until their alerts are given.

use tagout_engine::{Firing, Succession};

use crate::store::NONE;

/// As many rules as can fire on one request; those beyond are counted as lost.
const MOST_FIRINGS: usize = 4;

/// An entry in the table of firings that the sensor's owner lends.
#[derive(Clone, Copy, Debug)]
pub struct FiringSlot {
    firing: Firing,
    /// The next of the same request, or the next free one.
    next: u32,
}

impl Default for FiringSlot {
    fn default() -> Self {
        Self { firing: Firing::default(), next: NONE }
    }
}

/// The rules that fired, a chain a request. A request keeps the index of its first, [`NONE`] if none fired.
#[derive(Debug)]
pub(crate) struct Firings<'s> {
    slots: &'s mut [FiringSlot],
    free: u32,
    free_count: usize,
}

impl<'s> Firings<'s> {
    pub(crate) fn new(slots: &'s mut [FiringSlot]) -> Self {
        let mut free = NONE;
        for (slot, id) in slots.iter_mut().zip(0..) {
            slot.next = core::mem::replace(&mut free, id);
        }
        Self { free_count: slots.len(), slots, free }
    }

    /// True when the next request may find no room for all that fires on it.
    pub(crate) fn is_short(&self) -> bool {
        self.free_count < MOST_FIRINGS
    }

    /// Keeps one more at the end of a chain; false if there is no room.
    pub(crate) fn keep(&mut self, first: &mut u32, firing: Firing) -> bool {
        let (mut last, mut kept) = (NONE, 0_usize);
        let mut next = *first;
        while let Some(slot) = self.slots.get(next as usize) {
            last = core::mem::replace(&mut next, slot.next);
            kept = kept.saturating_add(1);
        }
        if kept >= MOST_FIRINGS {
            return false;
        }
        let id = self.free;
        let Some(slot) = self.slots.get_mut(id as usize) else { return false };
        self.free = core::mem::replace(&mut slot.next, NONE);
        self.free_count = self.free_count.saturating_sub(1);
        slot.firing = firing;
        match self.slots.get_mut(last as usize) {
            Some(last) => last.next = id,
            None => *first = id,
        }
        true
    }

    /// Whether every rule of a chain goes on under another policy.
    pub(crate) fn are_whole(&self, first: u32, succession: &Succession<'_>) -> bool {
        let mut slots =
            core::iter::successors(self.slots.get(first as usize), |slot| self.slots.get(slot.next as usize));
        slots.all(|slot| succession.firing(slot.firing).is_some())
    }

    /// Goes on under the numbers of another policy.
    pub(crate) fn succeed(&mut self, succession: &Succession<'_>) {
        for slot in self.slots.iter_mut() {
            slot.firing = succession.firing(slot.firing).unwrap_or(slot.firing);
        }
    }

    /// Takes the first of a chain.
    pub(crate) fn take(&mut self, first: &mut u32) -> Option<Firing> {
        let slot = self.slots.get_mut(*first as usize)?;
        let rest = core::mem::replace(&mut slot.next, self.free);
        self.free = core::mem::replace(first, rest);
        self.free_count = self.free_count.saturating_add(1);
        Some(slot.firing)
    }
}

#[cfg(test)]
mod tests {
    use tagout_engine::RuleId;

    use super::*;

    fn firing(rule: u16) -> Firing {
        Firing { rule: RuleId(rule), ..Firing::default() }
    }

    #[test]
    fn a_chain_comes_out_in_its_order_and_makes_room_again() {
        let mut slots = [FiringSlot::default(); 6];
        let mut firings = Firings::new(&mut slots);
        let (mut one, mut other) = (NONE, NONE);
        assert!((0..4).all(|rule| firings.keep(&mut one, firing(rule))));
        assert!(!firings.keep(&mut one, firing(4)), "there is room for no more of one request");
        assert!(firings.is_short());
        assert!((0..2).all(|rule| firings.keep(&mut other, firing(rule))));
        assert!(!firings.keep(&mut other, firing(2)), "the table is full");
        let rules: [_; 5] = core::array::from_fn(|_| firings.take(&mut one).map(|firing| firing.rule.0));
        assert_eq!(rules, [Some(0), Some(1), Some(2), Some(3), None]);
        assert!(!firings.is_short());
        assert!(firings.keep(&mut one, firing(7)));
        assert_eq!(firings.take(&mut one), Some(firing(7)));
        assert_eq!(firings.take(&mut other), Some(firing(0)));
    }
}
