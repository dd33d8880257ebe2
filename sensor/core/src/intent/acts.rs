use tagout_engine::{Policy, Succession, Timestamp};

use super::{Act, IntentKey};
use crate::store::Occupancy;

/// An OPERATE this long after its SELECT, or a repetition after its request, belongs to it no more.
const JOINED_MS: u32 = 60_000;

/// An entry in the table of acts that the sensor's owner lends.
#[derive(Clone, Copy, Debug, Default)]
pub struct ActSlot(Option<Act>);

/// What became of an act.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Joined {
    /// It is one of its own.
    No,
    /// It is part of an earlier one.
    Yes,
}

/// Commands in the order of the wire, a ring: first those that are decided and may be joined or answered still, then those that
/// wait. A full table lets the oldest go.
#[derive(Debug)]
pub(crate) struct Acts<'s> {
    slots: &'s mut [ActSlot],
    first: usize,
    decided: usize,
    len: usize,
}

impl<'s> Acts<'s> {
    pub(crate) fn new(slots: &'s mut [ActSlot]) -> Self {
        Self { slots, first: 0, decided: 0, len: 0 }
    }

    /// How many are remembered.
    pub(crate) fn occupancy(&self) -> Occupancy {
        Occupancy { entries: self.len, limit: self.slots.len() }
    }

    /// Whether there is no room but in the place of one that waits.
    pub(crate) fn is_full(&self) -> bool {
        self.decided == 0 && self.len == self.slots.len()
    }

    /// Whether any is kept at all.
    pub(crate) fn is_off(&self) -> bool {
        self.slots.is_empty()
    }

    fn place(&self, nth: usize) -> usize {
        self.first.saturating_add(nth).checked_rem(self.slots.len()).unwrap_or(0)
    }

    fn nth(&mut self, nth: usize) -> Option<&mut Act> {
        let place = self.place(nth);
        self.slots.get_mut(place)?.0.as_mut()
    }

    /// Joins an act to an earlier one that it is part of.
    pub(crate) fn join(&mut self, policy: &Policy<'_>, act: &Act) -> Joined {
        for nth in (0..self.len).rev() {
            let waits = nth >= self.decided;
            let Some(earlier) = self.nth(nth) else { continue };
            if earlier.seen.time.plus_ms(JOINED_MS) < act.seen.time {
                break;
            }
            if earlier.path.flow != act.path.flow || earlier.actor != act.actor {
                continue;
            }
            if act.operates(earlier) {
                (earlier.operated, earlier.answered, earlier.key) = (true, false, act.key);
                return Joined::Yes;
            }
            if act.repeats(earlier) || waits && earlier.complete(policy, act) {
                return Joined::Yes;
            }
        }
        Joined::No
    }

    /// Keeps an act that waits, in the place of the oldest if there is no other.
    pub(crate) fn push(&mut self, act: Act) {
        if self.len == self.slots.len() {
            self.forget_oldest();
        }
        let place = self.place(self.len);
        if let Some(slot) = self.slots.get_mut(place) {
            slot.0 = Some(act);
            self.len = self.len.saturating_add(1);
        }
    }

    fn forget_oldest(&mut self) {
        self.first = self.place(1);
        self.len = self.len.saturating_sub(1);
        self.decided = self.decided.saturating_sub(1);
    }

    /// When the oldest that waits was seen.
    pub(crate) fn waits_since(&self) -> Option<Timestamp> {
        let waiting = self.slots.get(self.place(self.decided)).filter(|_| self.decided < self.len)?;
        waiting.0.as_ref().map(|act| act.seen.time)
    }

    /// The oldest that waits.
    pub(crate) fn waiting(&mut self) -> Option<&mut Act> {
        if self.decided < self.len { self.nth(self.decided) } else { None }
    }

    /// The oldest that waited waits no longer.
    pub(crate) fn next(&mut self) {
        self.decided = self.decided.saturating_add(1).min(self.len);
    }

    /// Takes note of the answer to the latest act that is this request; the act, if it is decided.
    pub(crate) fn answered(&mut self, (flow, key): (u64, u64), refused: bool) -> Option<Act> {
        for nth in (0..self.len).rev() {
            let decided = nth < self.decided;
            let Some(act) = self.nth(nth).filter(|act| (act.path.flow, act.key) == (flow, key)) else { continue };
            if act.answered {
                return None;
            }
            (act.answered, act.refused) = (true, refused);
            return decided.then_some(*act);
        }
        None
    }

    /// An act that is decided and covered by this intent, and is not as the question finds it should be: it is covered no more.
    pub(crate) fn uncover<T>(
        &mut self,
        key: IntentKey,
        mut objection: impl FnMut(&Act) -> Option<T>,
    ) -> Option<(Act, T)> {
        for nth in 0..self.decided {
            let Some(act) = self.nth(nth).filter(|act| act.covered_by == Some(key)) else { continue };
            if let Some(found) = objection(act) {
                act.covered_by = None;
                return Some((*act, found));
            }
        }
        None
    }

    /// Goes on under another policy; what was done by actors that are no more is forgotten.
    pub(crate) fn succeed(&mut self, succession: &Succession<'_>) {
        let (len, decided) = (self.len, self.decided);
        let (mut kept, mut kept_decided) = (0_usize, 0_usize);
        for nth in 0..len {
            let Some(act) = self.nth(nth).and_then(|act| act.succeed(succession)) else { continue };
            let place = self.place(kept);
            if let Some(slot) = self.slots.get_mut(place) {
                slot.0 = Some(act);
            }
            kept = kept.saturating_add(1);
            kept_decided = kept_decided.saturating_add(usize::from(nth < decided));
        }
        (self.len, self.decided) = (kept, kept_decided);
    }
}
