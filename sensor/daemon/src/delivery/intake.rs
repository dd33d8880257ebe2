use std::mem;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::notice::{Kind, Notice, PerKind};

/// Bytes of notices that wait for the disk at most.
const MOST_BYTES: usize = 16 << 20;
/// The share of them that events may take, so that they never keep an alert out.
const MOST_EVENT_BYTES: usize = MOST_BYTES / 2;

/// What waits in memory for the disk: bounded, and taken out all at once, so that one write to the disk serves them all.
#[derive(Default)]
pub(super) struct Intake {
    waiting: Mutex<Waiting>,
    arrived: Condvar,
    emptied: Condvar,
}

#[derive(Default)]
struct Waiting {
    notices: Vec<Notice>,
    bytes: usize,
    event_bytes: usize,
    is_closed: bool,
    counts: Counts,
}

/// What became of everything that was given in, since the start.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(super) struct Counts {
    /// All of it.
    pub(super) given: PerKind,
    /// What found no room.
    pub(super) refused: PerKind,
    /// What was taken out and could not be kept, at the end.
    pub(super) unkept: PerKind,
    /// Bytes that wait now.
    pub(super) bytes: usize,
}

/// Notices that did not get through, counted.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Lost {
    /// Alerts, and what the sensor tells of itself.
    pub alerts: u64,
    /// Events and heartbeats.
    pub events: u64,
}

impl From<PerKind> for Lost {
    fn from(counts: PerKind) -> Self {
        let events = counts.of(Kind::Event) + counts.of(Kind::Heartbeat);
        Self { alerts: counts.total() - events, events }
    }
}

impl Intake {
    /// Adds a notice. Without room it is counted as lost, or waited for where `waits` says so.
    pub(super) fn put(&self, notice: Notice, waits: bool) {
        let mut waiting = self.lock();
        waiting.counts.given.count(notice.kind);
        while waits && !waiting.has_room(&notice) {
            waiting = self.emptied.wait(waiting).unwrap_or_else(PoisonError::into_inner);
        }
        if waiting.has_room(&notice) {
            waiting.put(notice);
        } else {
            waiting.counts.refused.count(notice.kind);
        }
    }

    /// Wakes who takes it out, if there is something: not for each notice, so that those of a moment are written to the disk
    /// together.
    pub(super) fn hand_over(&self) {
        if !self.lock().notices.is_empty() {
            self.arrived.notify_one();
        }
    }

    /// Takes everything out, after waiting this long at most for there to be something; `None` at the end.
    pub(super) fn take(&self, patience: Duration) -> Option<Vec<Notice>> {
        let waiting = self.lock();
        let (mut waiting, _) = self
            .arrived
            .wait_timeout_while(waiting, patience, |waiting| waiting.notices.is_empty() && !waiting.is_closed)
            .unwrap_or_else(PoisonError::into_inner);
        if waiting.notices.is_empty() && waiting.is_closed {
            return None;
        }
        (waiting.bytes, waiting.event_bytes) = (0, 0);
        self.emptied.notify_all();
        Some(mem::take(&mut waiting.notices))
    }

    /// Lets nothing more come.
    pub(super) fn close(&self) {
        self.lock().is_closed = true;
        self.arrived.notify_all();
    }

    /// Whether nothing more comes.
    pub(super) fn is_closed(&self) -> bool {
        self.lock().is_closed
    }

    /// Counts what was taken out and could not be kept.
    pub(super) fn lose(&self, notices: &[Notice]) {
        let mut waiting = self.lock();
        notices.iter().for_each(|notice| waiting.counts.unkept.count(notice.kind));
    }

    /// What became of everything that was given in.
    pub(super) fn counts(&self) -> Counts {
        let waiting = self.lock();
        Counts { bytes: waiting.bytes, ..waiting.counts }
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Waiting {
    fn has_room(&self, notice: &Notice) -> bool {
        let is_event = notice.kind == Kind::Event;
        self.bytes < MOST_BYTES && !(is_event && self.event_bytes >= MOST_EVENT_BYTES)
    }

    fn put(&mut self, notice: Notice) {
        self.bytes += notice.bytes();
        if notice.kind == Kind::Event {
            self.event_bytes += notice.bytes();
        }
        self.notices.push(notice);
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;
    use crate::delivery::tests::notice;

    fn lost(intake: &Intake) -> Lost {
        intake.counts().refused.into()
    }

    fn large(kind: Kind) -> Notice {
        Notice { eve: "x".repeat(1 << 20), ..notice(kind, 1) }
    }

    #[test]
    fn events_never_keep_an_alert_out() {
        let intake = Intake::default();
        for _ in 0..100 {
            intake.put(large(Kind::Event), false);
        }
        intake.put(notice(Kind::Alert, 2), false);
        assert_eq!(lost(&intake), Lost { alerts: 0, events: 92 });
        let taken = intake.take(Duration::ZERO).unwrap();
        assert_eq!(taken.iter().filter(|notice| notice.kind == Kind::Alert).count(), 1);
    }

    #[test]
    fn what_finds_no_room_is_counted() {
        let intake = Intake::default();
        for _ in 0..20 {
            intake.put(large(Kind::Alert), false);
        }
        assert_eq!(lost(&intake), Lost { alerts: 4, events: 0 });
        assert_eq!(intake.take(Duration::ZERO).map(|taken| taken.len()), Some(16));
        intake.put(large(Kind::Alert), false);
        assert_eq!(lost(&intake).alerts, 4, "there is room again");
    }

    #[test]
    fn who_waits_is_woken_when_what_was_given_in_is_handed_over() {
        let intake = Intake::default();
        let taken = |intake: &Intake| intake.take(Duration::from_secs(60)).map(|taken| taken.len());
        thread::scope(|scope| {
            let keeper = scope.spawn(|| taken(&intake));
            (1..=3).for_each(|number| intake.put(notice(Kind::Alert, number), false));
            intake.hand_over();
            let first = keeper.join().unwrap().unwrap();
            assert_eq!(first + if first < 3 { taken(&intake).unwrap() } else { 0 }, 3);
        });
    }

    #[test]
    fn what_waits_at_the_end_is_still_taken() {
        let intake = Intake::default();
        intake.put(notice(Kind::Sensor, 1), false);
        intake.close();
        assert_eq!(intake.take(Duration::MAX).map(|taken| taken.len()), Some(1));
        assert!(intake.take(Duration::MAX).is_none());
    }
}
