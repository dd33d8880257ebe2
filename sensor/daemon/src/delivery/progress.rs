use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::spool::Cursor;

/// How far one destination is, for the thread that writes it down and for whoever asks.
pub(super) struct Progress {
    name: String,
    done: AtomicU64,
    delivered: AtomicU64,
    passed_over: AtomicU64,
    refused: AtomicU64,
    trouble: Mutex<Option<String>>,
}

impl Progress {
    pub(super) fn from(cursor: Cursor) -> Self {
        Self {
            name: cursor.name,
            done: cursor.done.into(),
            delivered: cursor.delivered.into(),
            passed_over: 0.into(),
            refused: 0.into(),
            trouble: Mutex::default(),
        }
    }

    /// The destination's name.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// It needs nothing up to this sequence number any more.
    pub(super) fn done(&self) -> u64 {
        self.done.load(Ordering::Acquire)
    }

    /// Messages that it was given, in all the time that the spool knows of.
    pub(super) fn delivered(&self) -> u64 {
        self.delivered.load(Ordering::Acquire)
    }

    /// Messages since the start that its filter does not let through.
    pub(super) fn passed_over(&self) -> u64 {
        self.passed_over.load(Ordering::Relaxed)
    }

    /// Messages since the start that it will never take.
    pub(super) fn refused(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }

    /// Why messages wait, if they do.
    pub(super) fn trouble(&self) -> Option<String> {
        self.lock().clone()
    }

    /// Tells why messages wait now; whether that is news.
    pub(super) fn set_trouble(&self, trouble: Option<String>) -> bool {
        let mut known = self.lock();
        let is_news = known.is_some() != trouble.is_some();
        *known = trouble;
        is_news
    }

    /// Everything up to `done` needs no more care.
    pub(super) fn advance(&self, done: u64, outcome: Outcome) {
        let count = match outcome {
            Outcome::Delivered => &self.delivered,
            Outcome::PassedOver => &self.passed_over,
            Outcome::Refused => &self.refused,
        };
        count.fetch_add(1, Ordering::Release);
        self.done.store(done, Ordering::Release);
    }

    /// Nothing up to `done` was asked for.
    pub(super) fn skip_to(&self, done: u64) {
        self.done.store(done, Ordering::Release);
    }

    fn cursor(&self) -> Cursor {
        Cursor { name: self.name.clone(), done: self.done(), delivered: self.delivered() }
    }

    fn lock(&self) -> MutexGuard<'_, Option<String>> {
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What became of a message.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Outcome {
    /// The destination has it.
    Delivered,
    /// The destination did not ask for it.
    PassedOver,
    /// The destination will never take it.
    Refused,
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
    /// When to give up what is not delivered yet; `None` as long as there is no end.
    deadline: Option<Instant>,
}

impl Board {
    pub(super) fn new(destinations: Vec<Arc<Progress>>, published: u64) -> Self {
        Self { destinations, state: Mutex::new(State { published, deadline: None }), changed: Condvar::new() }
    }

    pub(super) fn destinations(&self) -> &[Arc<Progress>] {
        &self.destinations
    }

    pub(super) fn cursors(&self) -> Vec<Cursor> {
        self.destinations.iter().map(|progress| progress.cursor()).collect()
    }

    /// Everything up to this sequence number may be sent.
    pub(super) fn publish(&self, sequence: u64) {
        self.lock().published = sequence;
        self.changed.notify_all();
    }

    /// Has the destinations' threads end when they have sent everything, or at a deadline.
    pub(super) fn end_at(&self, deadline: Instant) {
        self.lock().deadline = Some(deadline);
        self.changed.notify_all();
    }

    /// Waits until there is something behind a sequence number, and tells up to where; `None` at the end.
    pub(super) fn wait_behind(&self, sequence: u64) -> Option<u64> {
        let mut state = self.lock();
        loop {
            if state.published > sequence {
                let is_over = state.deadline.is_some_and(|deadline| deadline <= Instant::now());
                return (!is_over).then_some(state.published);
            }
            if state.deadline.is_some() {
                return None;
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
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
