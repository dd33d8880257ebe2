//! One cycle: which of its polls comes next, and when.

use crate::image::Cycle;
use crate::{CadenceEvent, Timestamp};

/// Where a cycle stands.
#[derive(Clone, Copy, Debug)]
pub struct CycleState {
    /// When its round began, if that was seen.
    began: Option<Timestamp>,
    /// When it is late if nothing comes.
    due: Timestamp,
    /// The place of the poll that comes next; 0 when a round is over.
    next: u16,
    /// Whether it is known where it stands.
    is_running: bool,
    /// Whether it was seen that it is late.
    is_noticed: bool,
    /// Whether it was told that this round is late.
    is_told: bool,
    /// Whether something happened to the channel since the last poll in turn that excuses what departs.
    is_excused: bool,
}

pub(super) const NEVER: Timestamp = Timestamp(u64::MAX);

impl Default for CycleState {
    fn default() -> Self {
        Self {
            began: None,
            due: NEVER,
            next: 0,
            is_running: false,
            is_noticed: false,
            is_told: false,
            is_excused: false,
        }
    }
}

/// What departs from a cycle.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Stray {
    pub(super) event: CadenceEvent,
    /// The place of the poll that was to come.
    pub(super) expected: u16,
    pub(super) missing: u16,
    pub(super) ms: Option<u32>,
}

impl CycleState {
    /// Takes the poll at a place of the cycle; tells what departs, if that is not excused.
    pub(super) fn take(&mut self, cycle: &Cycle, place: u16, now: Timestamp) -> Option<Stray> {
        let was_running = core::mem::replace(&mut self.is_running, true);
        let stray = if was_running { self.step(cycle, place, now) } else { None };
        let is_excused = self.is_excused;
        if !was_running || is_excused && stray.is_some() {
            self.round(cycle, place, now);
        } else if stray.is_none() {
            self.is_excused = false;
        }
        self.wait(cycle);
        stray.filter(|_| !is_excused)
    }

    /// Lets departures go by until a poll is in turn again.
    pub(super) const fn excuse(&mut self) {
        self.is_excused = true;
    }

    /// Forgets where it stands.
    pub(super) const fn stop(&mut self) {
        self.is_running = false;
        self.due = NEVER;
    }

    fn step(&mut self, cycle: &Cycle, place: u16, now: Timestamp) -> Option<Stray> {
        let (expected, ms) = (self.next, self.ms(now));
        let stray = |event, missing| Stray { event, expected, missing, ms };
        let renews = place < expected || expected == 0;
        if renews && !self.may_renew(cycle, place, ms) {
            return Some(stray(CadenceEvent::Repeated, 0));
        }
        let missing = if renews { left(cycle, expected).saturating_add(place) } else { place.saturating_sub(expected) };
        let limit = if renews { cycle.max_ms } else { cycle.within_ms }.get();
        let is_late = limit != 0 && ms.is_some_and(|ms| ms > limit) && !self.is_told;
        if renews {
            self.round(cycle, place, now);
        } else {
            self.next = after(cycle, place);
            self.is_told |= is_late;
        }
        match missing {
            0 => is_late.then(|| stray(CadenceEvent::Late, 0)),
            _ => Some(stray(CadenceEvent::Missing, missing)),
        }
    }

    /// Whether a poll that came already, or was left out, can belong to the next round.
    fn may_renew(&self, cycle: &Cycle, place: u16, ms: Option<u32>) -> bool {
        let count = cycle.polls.count.get();
        let is_same = count > 1 && after(cycle, place) == self.next;
        match ms {
            Some(ms) if cycle.min_ms.get() != 0 => ms >= cycle.min_ms.get(),
            _ => !is_same,
        }
    }

    /// Begins a round with the poll at a place.
    fn round(&mut self, cycle: &Cycle, place: u16, now: Timestamp) {
        self.began = (place == 0).then_some(now);
        self.next = after(cycle, place);
        self.is_told = false;
    }

    /// Works out when it is late.
    fn wait(&mut self, cycle: &Cycle) {
        let limit = self.limit(cycle);
        self.is_noticed = false;
        self.due = self.began.filter(|_| limit != 0).map_or(NEVER, |began| began.plus_ms(limit));
    }

    /// The milliseconds from the beginning of its round within which the next is to begin, where that is watched, or
    /// else the round to end; 0 if neither is. What is left out of a round is told by what comes next.
    fn limit(&self, cycle: &Cycle) -> u32 {
        match cycle.max_ms.get() {
            0 if self.next != 0 => cycle.within_ms.get(),
            max => max,
        }
    }

    pub(super) const fn due(&self) -> Timestamp {
        self.due
    }

    /// Looks whether it is late. It counts as late once that was noticed and nothing came for as long again: what comes
    /// right behind a pause in the capture is told of by itself. From then on it is not known where it stands.
    pub(super) fn overdue(&mut self, cycle: &Cycle, now: Timestamp, is_answered: bool) -> Option<Stray> {
        if self.due > now {
            return None;
        }
        if !core::mem::replace(&mut self.is_noticed, true) {
            self.due = now.plus_ms(self.limit(cycle));
            return None;
        }
        self.stop();
        let stray = Stray { event: CadenceEvent::Late, expected: self.next, missing: 0, ms: self.ms(now) };
        Some(stray).filter(|_| is_answered && !self.is_excused)
    }

    fn ms(&self, now: Timestamp) -> Option<u32> {
        let ms = now.micros_since(self.began?).wrapping_div(1_000);
        Some(u32::try_from(ms).unwrap_or(u32::MAX))
    }
}

/// The place behind another; 0 behind the last.
fn after(cycle: &Cycle, place: u16) -> u16 {
    let next = place.saturating_add(1);
    if u32::from(next) < cycle.polls.count.get() { next } else { 0 }
}

/// How many polls are left of a round from a place on; 0 when it is over.
fn left(cycle: &Cycle, next: u16) -> u16 {
    let count = u16::try_from(cycle.polls.count.get()).unwrap_or(u16::MAX);
    if next == 0 { 0 } else { count.saturating_sub(next) }
}
