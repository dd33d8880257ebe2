use tagout_engine::{Succession, Timestamp};

use super::{Intent, IntentKey};
use crate::store::Occupancy;

/// So long behind its end an intent is remembered, so that what comes late is told from what was never declared.
const REMEMBERED_MS: u32 = 600_000;

/// An entry in the table of intents that the sensor's owner lends.
#[derive(Clone, Copy, Debug, Default)]
pub struct IntentSlot(Option<Kept>);

/// An intent and what was done of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Kept {
    pub(super) intent: Intent,
    /// Commands that it covered.
    pub(super) used: u32,
    /// When the latest of them was seen.
    pub(super) last_use: Option<Timestamp>,
    /// How much the capture had lost when the intent came.
    losses: u64,
    /// Whether it is past the time at which it is told that nothing came of it.
    past: bool,
}

impl Kept {
    /// Whether it covers one more command, at that time.
    pub(super) fn is_free(&self, at: Timestamp) -> bool {
        let Intent { count, pace_ms, .. } = self.intent;
        let paced = self.last_use.is_none_or(|last| at >= last.plus_ms(pace_ms));
        (count == 0 || self.used < count) && paced
    }

    /// When something is to be done about it.
    fn due(&self, late_ms: u32) -> Timestamp {
        let end = self.intent.expires.max(self.intent.received).plus_ms(late_ms);
        if self.past { end.plus_ms(REMEMBERED_MS) } else { end }
    }
}

/// What happens to an intent with time.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Passed {
    /// It ended, and nothing came of it; the capture was whole if `true`.
    Unfulfilled(Intent, bool),
    /// It ended, and was used or need not be.
    Ended,
    /// It is forgotten.
    Gone(IntentKey),
}

/// Declared intents, in no order. When the table is full, the one goes that expires first.
#[derive(Debug)]
pub(crate) struct Intents<'s> {
    slots: &'s mut [IntentSlot],
    len: usize,
    /// Nothing is due before this.
    due: Timestamp,
}

const NEVER: Timestamp = Timestamp(u64::MAX);

impl<'s> Intents<'s> {
    pub(crate) fn new(slots: &'s mut [IntentSlot]) -> Self {
        Self { slots, len: 0, due: NEVER }
    }

    /// How many are known.
    pub(crate) fn occupancy(&self) -> Occupancy {
        Occupancy { entries: self.len, limit: self.slots.len() }
    }

    /// Whether an intent of this key is known.
    pub(crate) fn knows(&self, key: IntentKey) -> bool {
        self.iter().any(|(_, kept)| kept.intent.key == key)
    }

    /// Keeps an intent; the one that goes to make room.
    pub(crate) fn keep(&mut self, intent: Intent, late_ms: u32, losses: u64) -> Option<IntentKey> {
        let kept = Kept { intent, used: 0, last_use: None, losses, past: false };
        let gone = if self.len == self.slots.len() { self.evict() } else { None };
        if let Some(slot) = self.slots.get_mut(self.len) {
            slot.0 = Some(kept);
            self.len = self.len.saturating_add(1);
            self.due = self.due.min(kept.due(late_ms));
        }
        gone
    }

    /// Takes from a further span of a call what the first left open, which stays as it is otherwise; the intent, if it says more now.
    pub(crate) fn refine(&mut self, further: &Intent) -> Option<Intent> {
        let kept = self.slots.iter_mut().take(self.len).filter_map(|slot| slot.0.as_mut());
        let kept = { kept }.find(|kept| kept.intent.key == further.key)?;
        let refined = kept.intent.with(further)?;
        Some(core::mem::replace(&mut kept.intent, refined)).filter(|known| *known != refined).map(|_| refined)
    }

    /// Forgets the intent of this key; whether there was one.
    pub(crate) fn withdraw(&mut self, key: IntentKey) -> bool {
        let found = self.iter().find(|(_, kept)| kept.intent.key == key).map(|(place, _)| place);
        found.map(|place| self.remove(place)).is_some()
    }

    fn evict(&mut self) -> Option<IntentKey> {
        let (place, first) = self.iter().min_by_key(|(_, kept)| (kept.intent.expires, kept.intent.key))?;
        let key = first.intent.key;
        self.remove(place);
        Some(key)
    }

    fn remove(&mut self, place: usize) {
        self.len = self.len.saturating_sub(1);
        let last = self.slots.get(self.len).copied().unwrap_or_default();
        if let Some(slot) = self.slots.get_mut(place) {
            *slot = last;
        }
    }

    /// All that are kept, with their places.
    pub(super) fn iter(&self) -> impl Iterator<Item = (usize, &Kept)> {
        self.slots.iter().take(self.len).enumerate().filter_map(|(place, slot)| Some((place, slot.0.as_ref()?)))
    }

    pub(super) fn get(&self, place: usize) -> Option<&Kept> {
        self.slots.get(place).filter(|_| place < self.len)?.0.as_ref()
    }

    /// Takes note that an intent covers a command seen then.
    pub(super) fn used(&mut self, place: usize, at: Timestamp) {
        if let Some(kept) = self.slots.get_mut(place).and_then(|slot| slot.0.as_mut()) {
            kept.used = kept.used.saturating_add(1);
            kept.last_use = Some(kept.last_use.map_or(at, |last| last.max(at)));
        }
    }

    /// The intent of this key.
    pub(crate) fn of(&self, key: IntentKey) -> Option<Intent> {
        self.iter().find(|(_, kept)| kept.intent.key == key).map(|(_, kept)| kept.intent)
    }

    /// When something is next to be done.
    pub(crate) fn next_due(&self) -> Option<Timestamp> {
        (self.due < NEVER).then_some(self.due)
    }

    /// Something that happens to an intent by `now`; works out when the next thing does once there is none. Intents end
    /// `late_ms` after they expire.
    pub(crate) fn passed(&mut self, now: Timestamp, late_ms: u32, losses: u64) -> Option<Passed> {
        let mut next = NEVER;
        let mut found: Option<(Timestamp, IntentKey, usize)> = None;
        for (place, kept) in self.iter() {
            let due = kept.due(late_ms);
            if due > now {
                next = next.min(due);
            } else if found.is_none_or(|(first, key, _)| (due, kept.intent.key) < (first, key)) {
                found = Some((due, kept.intent.key, place));
            }
        }
        let Some((_, key, place)) = found else {
            self.due = next;
            return None;
        };
        let kept = self.slots.get_mut(place).and_then(|slot| slot.0.as_mut())?;
        if kept.past {
            self.remove(place);
            return Some(Passed::Gone(key));
        }
        kept.past = true;
        let unfulfilled = kept.used == 0 && kept.intent.awaits_command();
        Some(if unfulfilled { Passed::Unfulfilled(kept.intent, kept.losses == losses) } else { Passed::Ended })
    }

    /// Goes on under another policy; tells of the intents that name what is no more.
    pub(crate) fn succeed(&mut self, succession: &Succession<'_>, mut gone: impl FnMut(IntentKey)) {
        let mut place = 0;
        while let Some(kept) = self.slots.get_mut(place).filter(|_| place < self.len).and_then(|slot| slot.0.as_mut()) {
            match kept.intent.succeed(succession) {
                Some(intent) => {
                    kept.intent = intent;
                    place = place.saturating_add(1);
                }
                None => {
                    gone(kept.intent.key);
                    self.remove(place);
                }
            }
        }
    }
}
