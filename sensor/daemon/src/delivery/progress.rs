use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use tagout_core::Timestamp;

use super::latency::Latency;
use super::spool::Cursor;

/// How far one destination is, for the thread that writes it down and for whoever asks.
pub(super) struct Progress {
    name: String,
    tally: Mutex<Tally>,
}

/// What became of notices for one destination.
#[derive(Clone, PartialEq, Default, Debug)]
pub(super) struct Tally {
    /// It needs nothing up to this sequence number any more.
    pub(super) done: u64,
    /// Messages that it was given, in all the time that the spool knows of.
    pub(super) delivered: u64,
    /// What became of notices since the start.
    outcomes: [u64; Outcome::ALL.len()],
    /// Attempts since the start that came to nothing.
    pub(super) failures: u64,
    /// Why messages wait, if they do.
    pub(super) trouble: Option<Fault>,
    /// Notices since the start of which it is known that it never gets them: skipped, or to be skipped.
    gone: u64,
    /// When it last took a message.
    pub(super) taken: Option<SystemTime>,
    /// From the packets of alerts until it had them.
    pub(super) latency: Latency,
}

impl Tally {
    /// How many notices since the start came to this.
    pub(super) fn of(&self, outcome: Outcome) -> u64 {
        self.outcomes[outcome as usize]
    }
}

/// Something that does not work.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Fault {
    /// Since when.
    pub since: SystemTime,
    /// Why.
    pub why: String,
}

impl Fault {
    /// The same fault goes on for another reason, or a new one begins.
    pub(super) fn going_on(known: Option<Self>, why: String) -> Self {
        Self { since: known.map_or_else(SystemTime::now, |known| known.since), why }
    }
}

impl Progress {
    pub(super) fn from(Cursor { name, done, delivered }: Cursor) -> Self {
        Self { name, tally: Mutex::new(Tally { done, delivered, ..Tally::default() }) }
    }

    /// The destination's name.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// It needs nothing up to this sequence number any more.
    pub(super) fn done(&self) -> u64 {
        self.lock().done
    }

    /// Messages that it was given, in all the time that the spool knows of.
    pub(super) fn delivered(&self) -> u64 {
        self.lock().delivered
    }

    /// Everything that is counted, as of one moment.
    pub(super) fn tally(&self) -> Tally {
        self.lock().clone()
    }

    /// How much waits where it is behind by so many notices, of which it can still get this many at most.
    ///
    /// What it cannot get counts as skipped from here on, and never as waiting again.
    pub(super) fn take_stock(&self, tally: &mut Tally, behind: u64, most: u64) -> u64 {
        let mut kept = self.lock();
        let skipped = tally.of(Outcome::Skipped);
        kept.gone = kept.gone.max(skipped + behind.saturating_sub(most));
        let waiting = (skipped + behind).saturating_sub(kept.gone);
        tally.outcomes[Outcome::Skipped as usize] = skipped + behind - waiting;
        waiting
    }

    /// Tells why an attempt failed; whether it is the first.
    pub(super) fn fail(&self, why: String) -> bool {
        let mut tally = self.lock();
        let is_news = tally.trouble.is_none();
        tally.failures += 1;
        tally.trouble = Some(Fault::going_on(tally.trouble.take(), why));
        is_news
    }

    /// Messages are taken; whether they were not before.
    pub(super) fn go_on(&self) -> bool {
        let mut tally = self.lock();
        tally.taken = Some(SystemTime::now());
        tally.trouble.take().is_some()
    }

    /// Everything up to `done` needs no more care; what stood between was skipped.
    pub(super) fn advance(&self, done: u64, outcome: Outcome) {
        let mut tally = self.lock();
        tally.skip_to(done.saturating_sub(1));
        tally.outcomes[outcome as usize] += 1;
        tally.delivered += u64::from(outcome == Outcome::Delivered);
        tally.done = done;
    }

    /// An alert of packets of this time is with the destination.
    pub(super) fn acknowledge(&self, packets: Timestamp) {
        self.lock().latency.observe(packets);
    }

    fn cursor(&self) -> Cursor {
        let tally = self.lock();
        Cursor { name: self.name.clone(), done: tally.done, delivered: tally.delivered }
    }

    fn lock(&self) -> MutexGuard<'_, Tally> {
        self.tally.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Tally {
    fn skip_to(&mut self, done: u64) {
        self.outcomes[Outcome::Skipped as usize] += done.saturating_sub(self.done);
        self.done = self.done.max(done);
    }
}

/// What became of a message.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// The destination has it.
    Delivered,
    /// The destination's filter does not let it through.
    PassedOver,
    /// The destination will never take it.
    Refused,
    /// An event for a destination that takes none, or gone from the spool before its turn.
    Skipped,
}

impl Outcome {
    /// Every outcome.
    pub const ALL: [Self; 4] = [Self::Delivered, Self::PassedOver, Self::Refused, Self::Skipped];

    /// It in a word.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Delivered => "delivered",
            Self::PassedOver => "passed-over",
            Self::Refused => "refused",
            Self::Skipped => "skipped",
        }
    }
}

/// Where the threads of all destinations learn what there is to do.
pub(super) struct Board {
    destinations: Vec<Arc<Progress>>,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Clone, Copy, Default)]
struct State {
    /// The greatest sequence number that is safe on disk.
    published: u64,
    /// From the packets of alerts until they were safe on disk.
    kept: Latency,
    /// When to give up what is not delivered yet; `None` as long as there is no end.
    deadline: Option<Instant>,
}

impl Board {
    pub(super) fn new(destinations: Vec<Arc<Progress>>, published: u64) -> Self {
        Self { destinations, state: Mutex::new(State { published, ..State::default() }), changed: Condvar::new() }
    }

    pub(super) fn destinations(&self) -> &[Arc<Progress>] {
        &self.destinations
    }

    pub(super) fn tallies(&self) -> Vec<Tally> {
        self.destinations.iter().map(|progress| progress.tally()).collect()
    }

    /// How far all destinations together are.
    pub(super) fn done(&self) -> u64 {
        self.destinations.iter().map(|progress| progress.done()).sum()
    }

    pub(super) fn cursors(&self) -> Vec<Cursor> {
        self.destinations.iter().map(|progress| progress.cursor()).collect()
    }

    /// Everything up to this sequence number may be sent.
    pub(super) fn publish(&self, sequence: u64) {
        self.lock().published = sequence;
        self.changed.notify_all();
    }

    /// Alerts of packets of these times are safe on disk.
    pub(super) fn keep(&self, packets: impl Iterator<Item = Timestamp>) {
        let mut state = self.lock();
        packets.for_each(|time| state.kept.observe(time));
    }

    /// From the packets of alerts until they were safe on disk.
    pub(super) fn kept(&self) -> Latency {
        self.lock().kept
    }

    /// Has the destinations' threads end when they have sent everything, or at a deadline.
    pub(super) fn end_at(&self, deadline: Instant) {
        self.lock().deadline = Some(deadline);
        self.changed.notify_all();
    }

    /// Waits until there is something behind a sequence number, or for so long if something is under way; tells up to
    /// where there is something. `None` at the end.
    pub(super) fn wait_behind(&self, sequence: u64, under_way: Option<Duration>) -> Option<u64> {
        let mut state = self.lock();
        let mut is_late = false;
        loop {
            if state.deadline.is_some_and(|deadline| deadline <= Instant::now()) {
                return None;
            }
            if state.published > sequence || is_late {
                return Some(state.published);
            }
            state = match under_way {
                Some(patience) => {
                    is_late = true;
                    self.changed.wait_timeout(state, patience).unwrap_or_else(PoisonError::into_inner).0
                }
                None if state.deadline.is_some() => return None,
                None => self.changed.wait(state).unwrap_or_else(PoisonError::into_inner),
            };
        }
    }

    /// Waits this long, or until the end has come; false then.
    pub(super) fn pause(&self, pause: Duration) -> bool {
        let until = Instant::now() + pause;
        let mut state = self.lock();
        loop {
            let now = Instant::now();
            if state.deadline.is_some_and(|deadline| deadline <= now) {
                return false;
            }
            let until = state.deadline.map_or(until, |deadline| until.min(deadline));
            let left = until.saturating_duration_since(now);
            if left.is_zero() {
                return true;
            }
            (state, _) = self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
