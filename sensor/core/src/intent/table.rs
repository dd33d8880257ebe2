use tagout_engine::{ActorId, DeviceId, PointId, Succession, TableSlot, Timestamp};

use super::{Act, Done, Intent, IntentKey, IntentTarget};
use crate::store::{Fifo, Links, Lists, Occupancy, Table};

/// So long behind its end an intent is remembered, so that what comes late is told from what was never declared.
const REMEMBERED_MS: u32 = 600_000;

/// An entry in the table of intents that the sensor's owner lends.
pub type IntentSlot = TableSlot<IntentKey, Option<Kept>>;

/// Storage for what actors declared.
#[derive(Debug)]
pub struct IntentMemory<'s> {
    /// The intents. A full table forgets what ended first, or else what expires first.
    pub slots: &'s mut [IntentSlot],
    /// As many as slots.
    pub buckets: &'s mut [u32],
    /// As many as slots: intents by what they are about.
    pub subjects: &'s mut [Fifo],
    /// As many as slots.
    pub subject_links: &'s mut [Links],
    /// As many as slots.
    pub age_links: &'s mut [Links],
}

impl IntentMemory<'_> {
    /// No room for any.
    pub fn none() -> Self {
        Self { slots: &mut [], buckets: &mut [], subjects: &mut [], subject_links: &mut [], age_links: &mut [] }
    }
}

/// An intent and what was done of it.
#[derive(Clone, Copy, Debug)]
pub struct Kept {
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

/// What an intent is about, as far as it says: of several points or addresses only the device.
type Subject = (ActorId, Option<DeviceId>, Option<PointId>);

fn subject(intent: &Intent) -> Subject {
    let mut targets = intent.targets();
    let point = match (intent.device, targets.next(), targets.next()) {
        (Some(_), Some(IntentTarget::Point(point)), None) => Some(point),
        _ => None,
    };
    (intent.actor, intent.device, point)
}

/// Declared intents.
#[derive(Debug)]
pub(crate) struct Intents<'s> {
    kept: Table<'s, IntentKey, Option<Kept>>,
    len: usize,
    by_subject: Lists<'s>,
    ages: &'s mut [Links],
    /// Those that are not past, in the order in which they came.
    live: Fifo,
    /// Those that are, in the order in which they ended.
    past: Fifo,
    /// Nothing is due before this.
    due: Timestamp,
}

const NEVER: Timestamp = Timestamp(u64::MAX);

impl<'s> Intents<'s> {
    pub(crate) fn new(memory: IntentMemory<'s>, seed: u64) -> Self {
        let IntentMemory { slots, buckets, subjects, subject_links, age_links } = memory;
        Self {
            kept: Table::new(buckets, slots, seed),
            len: 0,
            by_subject: Lists::new(subject_links, subjects, seed),
            ages: age_links,
            live: Fifo::EMPTY,
            past: Fifo::EMPTY,
            due: NEVER,
        }
    }

    /// How many are known.
    pub(crate) fn occupancy(&self) -> Occupancy {
        Occupancy { entries: self.len, limit: self.kept.capacity() as usize }
    }

    /// Whether an intent of this key is known.
    pub(crate) fn knows(&mut self, key: IntentKey) -> bool {
        self.kept.find(&key).is_some()
    }

    /// Keeps an intent whose key is not known; the one that goes to make room.
    pub(crate) fn keep(&mut self, intent: Intent, late_ms: u32, losses: u64) -> Option<IntentKey> {
        let kept = Kept { intent, used: 0, last_use: None, losses, past: false };
        let gone = if self.kept.is_full() { self.evict() } else { None };
        if let Some(id) = self.kept.insert(intent.key, Some(kept)) {
            self.len = self.len.saturating_add(1);
            self.by_subject.push(subject(&intent), id);
            self.live.push(self.ages, id);
            self.due = self.due.min(kept.due(late_ms));
        }
        gone
    }

    /// Takes from a further span of a call what the first left open, which stays as it is otherwise; the intent, if it says more now.
    pub(crate) fn refine(&mut self, further: &Intent) -> Option<Intent> {
        let id = self.kept.find(&further.key)?;
        let known = self.get(id)?.intent;
        let refined = known.with(further).filter(|refined| *refined != known)?;
        self.rewrite(id, refined);
        Some(refined)
    }

    /// Puts an intent in the place of the one that it was.
    fn rewrite(&mut self, id: u32, intent: Intent) {
        let Some(kept) = self.get_mut(id) else { return };
        let known = core::mem::replace(&mut kept.intent, intent);
        self.by_subject.remove(subject(&known), id);
        self.by_subject.push(subject(&intent), id);
    }

    /// Forgets the intent of this key; whether there was one.
    pub(crate) fn withdraw(&mut self, key: IntentKey) -> bool {
        let found = self.kept.find(&key);
        found.map(|id| self.remove(id)).is_some()
    }

    fn evict(&mut self) -> Option<IntentKey> {
        let first_to_expire = || {
            let live = self.live.oldest(self.ages).filter_map(|id| Some((id, self.get(id)?.intent)));
            live.min_by_key(|(_, intent)| (intent.expires, intent.key)).map(|(id, _)| id)
        };
        let id = self.past.front().or_else(first_to_expire)?;
        let key = self.get(id)?.intent.key;
        self.remove(id);
        Some(key)
    }

    fn remove(&mut self, id: u32) {
        let Some(kept) = self.get(id).copied() else { return };
        self.by_subject.remove(subject(&kept.intent), id);
        if kept.past { &mut self.past } else { &mut self.live }.remove(self.ages, id);
        self.kept.remove(id);
        self.len = self.len.saturating_sub(1);
    }

    pub(super) fn get(&self, id: u32) -> Option<&Kept> {
        self.kept.get(id)?.as_ref()
    }

    fn get_mut(&mut self, id: u32) -> Option<&mut Kept> {
        self.kept.get_mut(id)?.as_mut()
    }

    fn with_ids<'i>(&'i self, ids: impl Iterator<Item = u32> + 'i) -> impl Iterator<Item = (u32, &'i Kept)> {
        ids.filter_map(|id| Some((id, self.get(id)?)))
    }

    /// All that might cover something that an act does, and others of the same device.
    pub(super) fn about(&self, act: &Act, done: &Done) -> impl Iterator<Item = (u32, &Kept)> {
        let (actor, device) = (act.actor, act.device);
        let point = done.point.filter(|_| device.is_some()).map(|point| (actor, device, Some(point)));
        let whole = device.map(|_| (actor, device, None));
        let subjects = [point, whole, Some((actor, None, None))];
        let ids = subjects.into_iter().flatten().flat_map(|subject| self.by_subject.latest(subject));
        self.with_ids(ids).filter(move |(_, kept)| kept.intent.actor == actor)
    }

    /// What an actor declared lately and that is not past: among the `most` that came last of all.
    pub(super) fn latest_of(&self, actor: ActorId, most: usize) -> impl Iterator<Item = (u32, &Kept)> {
        self.with_ids(self.live.latest(self.ages).take(most)).filter(move |(_, kept)| kept.intent.actor == actor)
    }

    /// Takes note that an intent covers a command seen then.
    pub(super) fn used(&mut self, id: u32, at: Timestamp) {
        if let Some(kept) = self.get_mut(id) {
            kept.used = kept.used.saturating_add(1);
            kept.last_use = Some(kept.last_use.map_or(at, |last| last.max(at)));
        }
    }

    /// The intent of this key.
    pub(crate) fn of(&mut self, key: IntentKey) -> Option<Intent> {
        let id = self.kept.find(&key)?;
        self.get(id).map(|kept| kept.intent)
    }

    /// When something is next to be done.
    pub(crate) fn next_due(&self) -> Option<Timestamp> {
        (self.due < NEVER).then_some(self.due)
    }

    /// Something that happens to an intent by `now`; works out when the next thing does once there is none. Intents end
    /// `late_ms` after they expire.
    pub(crate) fn passed(&mut self, now: Timestamp, late_ms: u32, losses: u64) -> Option<Passed> {
        if self.due > now {
            return None;
        }
        let candidates = self.with_ids(self.live.oldest(self.ages).chain(self.past.front()));
        let first = candidates.map(|(id, kept)| (kept.due(late_ms), kept.intent.key, id)).min();
        self.due = first.map_or(NEVER, |(due, ..)| due);
        let (_, key, id) = first.filter(|(due, ..)| *due <= now)?;
        let kept = self.get_mut(id)?;
        if kept.past {
            self.remove(id);
            return Some(Passed::Gone(key));
        }
        kept.past = true;
        let unfulfilled = kept.used == 0 && kept.intent.awaits_command();
        let kept = *kept;
        self.live.remove(self.ages, id);
        self.past.push(self.ages, id);
        Some(if unfulfilled { Passed::Unfulfilled(kept.intent, kept.losses == losses) } else { Passed::Ended })
    }

    /// Goes on under another policy; tells of the intents that name what is no more.
    pub(crate) fn succeed(&mut self, succession: &Succession<'_>, mut gone: impl FnMut(IntentKey)) {
        for queue in [self.past, self.live] {
            let mut next = queue.front();
            while let Some(id) = next {
                next = Fifo::after(self.ages, id);
                let Some(known) = self.get(id).map(|kept| kept.intent) else { continue };
                match known.succeed(succession) {
                    Some(intent) => self.rewrite(id, intent),
                    None => {
                        gone(known.key);
                        self.remove(id);
                    }
                }
            }
        }
    }
}
