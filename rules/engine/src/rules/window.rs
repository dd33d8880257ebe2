//! What one rule remembers of one key: counts, distinct values, steps, since when something lasts.

use super::MOST_STEPS;
use crate::{Timestamp, Truth};

/// The most distinct values that a rule can ask for.
pub const MOST_DISTINCT: u16 = 16;
const KEPT: usize = MOST_DISTINCT as usize;
const EIGHTHS: u32 = 8;

/// The steps of the longest sequence but its last.
const BEFORE_LAST: usize = MOST_STEPS - 1;
/// No time that anything began.
const NEVER: Timestamp = Timestamp(u64::MAX);

/// Time in eighths of a window. A window is the eighth that runs and the seven before it, so that it is between seven
/// and eight eighths long, and needs no memory for each match.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Eighth(u32);

impl Eighth {
    /// The eighth that runs; their numbers start anew after 2³².
    pub(crate) fn of(now: Timestamp, window_ms: u32) -> Self {
        let length = (u64::from(window_ms).saturating_mul(1_000_000) >> 3).max(1);
        Self(now.0.checked_div(length).unwrap_or(0) as u32)
    }

    /// How many eighths ago this was; 0 if it is to come.
    fn age(self, now: Self) -> u32 {
        let age = now.0.wrapping_sub(self.0);
        if age > u32::MAX / 2 { 0 } else { age }
    }

    fn back(self, by: u32) -> Self {
        Self(self.0.wrapping_sub(by))
    }

    fn slot(self) -> usize {
        (self.0 & 7) as usize
    }
}

/// What happened in each eighth of a window.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Eighths<T> {
    newest: Eighth,
    parts: [T; EIGHTHS as usize],
}

impl<T: Copy + Default> Eighths<T> {
    /// A window in which nothing happened yet. One that began at 0 would take half of all eighths for the past.
    pub(crate) fn since(now: Eighth) -> Self {
        Self { newest: now, parts: [T::default(); EIGHTHS as usize] }
    }

    /// The eighths of the window up to now, in no order.
    pub(crate) fn parts(&mut self, now: Eighth) -> &[T] {
        self.advance(now);
        &self.parts
    }

    /// The eighth that runs.
    pub(crate) fn newest(&mut self, now: Eighth) -> Option<&mut T> {
        self.advance(now);
        self.parts.get_mut(self.newest.slot())
    }

    /// Empties the eighths that passed since the last time. Time that runs backwards stands still.
    fn advance(&mut self, now: Eighth) {
        let passed = self.newest.age(now);
        for back in 0..passed.min(EIGHTHS) {
            if let Some(part) = self.parts.get_mut(now.back(back).slot()) {
                *part = T::default();
            }
        }
        self.newest = if passed > 0 { now } else { self.newest };
    }
}

/// How often something happened in a window.
pub(crate) type Counts = Eighths<u16>;

impl Counts {
    /// Counts one more; tells how many that makes.
    pub(crate) fn add(&mut self, now: Eighth) -> u32 {
        if let Some(count) = self.newest(now) {
            *count = count.saturating_add(1);
        }
        self.count(now)
    }

    /// How often it happened.
    pub(crate) fn count(&mut self, now: Eighth) -> u32 {
        self.parts(now).iter().fold(0, |sum, count| sum.saturating_add(u32::from(*count)))
    }
}

/// How much came together in a window.
pub(crate) type Sums = Eighths<f64>;

impl Sums {
    /// Adds to the sum.
    pub(crate) fn add(&mut self, amount: f64, now: Eighth) {
        if let Some(sum) = self.newest(now) {
            *sum += amount;
        }
    }

    /// The sum.
    pub(crate) fn sum(&mut self, now: Eighth) -> f64 {
        self.parts(now).iter().sum()
    }
}

/// A value that was seen, and when last.
#[derive(Clone, Copy, Debug, Default)]
struct Value {
    value: u32,
    last: Eighth,
}

/// The different values of a window: the first so many of these.
#[derive(Clone, Copy, Debug, Default)]
struct Values {
    count: u8,
    values: [Value; KEPT],
}

impl Values {
    /// Takes note of a value, in the place of the oldest if there are too many; tells how many there are.
    fn note(&mut self, value: u32, now: Eighth) -> u32 {
        self.forget(now);
        let known = self.values.get_mut(..usize::from(self.count)).unwrap_or_default();
        let place = match known.iter().position(|known| known.value == value) {
            Some(place) => self.values.get_mut(place),
            None if known.len() < KEPT => {
                self.count = self.count.saturating_add(1);
                self.values.get_mut(usize::from(self.count).saturating_sub(1))
            }
            None => known.iter_mut().max_by_key(|known| known.last.age(now)),
        };
        if let Some(place) = place {
            *place = Value { value, last: now };
        }
        self.count.into()
    }

    /// Forgets the values that were not seen in the window; the last takes the place of each.
    fn forget(&mut self, now: Eighth) {
        let mut at = 0_u8;
        while at < self.count {
            let last = self.values.get(usize::from(self.count).saturating_sub(1)).copied().unwrap_or_default();
            match self.values.get_mut(usize::from(at)) {
                Some(known) if known.last.age(now) >= EIGHTHS => {
                    *known = last;
                    self.count = self.count.saturating_sub(1);
                }
                _ => at = at.saturating_add(1),
            }
        }
    }
}

/// The memory of one key.
#[derive(Clone, Copy, Debug, Default)]
pub struct Window {
    /// When the rule fired last.
    fired: Option<Timestamp>,
    watch: Watch,
}

/// Every slot has room for the largest.
#[allow(clippy::large_enum_variant)]
#[derive(Clone, Copy, Debug, Default)]
enum Watch {
    #[default]
    Nothing,
    Counts(Counts),
    Values(Values),
    /// When the steps began that got as far as each, as late as possible; the last needs no place.
    Steps([Timestamp; BEFORE_LAST]),
    Since(Timestamp),
}

impl Window {
    /// Counts a match; tells how many that makes in the window.
    pub(super) fn count(&mut self, now: Eighth) -> u32 {
        if !matches!(self.watch, Watch::Counts(_)) {
            self.watch = Watch::Counts(Counts::since(now));
        }
        if let Watch::Counts(counts) = &mut self.watch { counts.add(now) } else { 0 }
    }

    /// Takes note of a value; tells how many different ones there are in the window.
    pub(super) fn distinct(&mut self, value: u32, now: Eighth) -> u32 {
        if !matches!(self.watch, Watch::Values(_)) {
            self.watch = Watch::Values(Values::default());
        }
        if let Watch::Values(values) = &mut self.watch { values.note(value, now) } else { 0 }
    }

    /// Goes a step on wherever this match is the next one; true when it is the last of steps that did not take longer than
    /// they may. A step that comes again may begin them anew, but undoes nothing: the later one began, the better.
    pub(super) fn step(&mut self, steps: usize, does: impl Fn(usize) -> bool, now: Timestamp, within_ms: u32) -> bool {
        let mut began = match self.watch {
            Watch::Steps(began) => began,
            _ => [NEVER; BEFORE_LAST],
        };
        let last = steps.saturating_sub(1);
        // From the last to the first, so that a match counts as one step.
        for step in (0..steps).rev() {
            let since = step.checked_sub(1).map_or(Some(now), |before| began.get(before).copied());
            let in_time = |since: &Timestamp| *since != NEVER && now <= since.plus_ms(within_ms);
            let Some(since) = since.filter(|since| in_time(since) && does(step)) else { continue };
            if step == last {
                self.watch = Watch::Nothing;
                return true;
            }
            if let Some(began) = began.get_mut(step) {
                *began = since;
            }
        }
        self.watch = if began == [NEVER; BEFORE_LAST] { Watch::Nothing } else { Watch::Steps(began) };
        false
    }

    /// Whether something has held for so long.
    pub(super) fn lasts(&mut self, holds: bool, now: Timestamp, for_ms: u32) -> bool {
        let since = match self.watch {
            Watch::Since(since) if holds => since,
            _ => now,
        };
        self.watch = if holds { Watch::Since(since) } else { Watch::Nothing };
        holds && now >= since.plus_ms(for_ms)
    }

    /// Whether an invariant is broken anew: it has been false for so long, and was not told since it was true. What is
    /// not known changes nothing.
    pub(super) fn breaks(&mut self, holds: Truth, now: Timestamp, for_ms: u32) -> bool {
        match holds {
            Truth::True => *self = Self::default(),
            Truth::Unknown => {}
            Truth::False => {
                let breaks = self.lasts(true, now, for_ms) && self.fired.is_none();
                self.fired = self.fired.or(breaks.then_some(now));
                return breaks;
            }
        }
        false
    }

    /// Whether the rule does not rest after it fired; from now on it does.
    pub(super) fn awake(&mut self, now: Timestamp, rest_ms: u32) -> bool {
        let awake = self.fired.is_none_or(|fired| now >= fired.plus_ms(rest_ms));
        if awake {
            self.fired = Some(now);
        }
        awake
    }
}

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects)]
mod tests {
    extern crate std;

    use std::vec::Vec;

    use proptest::prelude::*;

    use super::*;

    const WINDOW_MS: u32 = 8_000;

    fn at(seconds: u64) -> Timestamp {
        Timestamp((1_000 + seconds) * 1_000_000_000)
    }

    #[test]
    fn steps_come_in_order_and_in_time() {
        let mut window = Window::default();
        let mut step = |what: usize, seconds| window.step(3, |step| step == what, at(seconds), WINDOW_MS);
        assert!(!step(0, 0) && !step(2, 1) && !step(1, 2) && step(2, 3));
        assert!(!step(0, 10) && !step(1, 11) && !step(2, 30));
    }

    #[test]
    fn a_step_that_comes_again_undoes_nothing() {
        let steps = |told: &[(usize, u64)]| -> Vec<_> {
            let mut window = Window::default();
            let step = |(what, at_s): &(usize, u64)| window.step(3, |step| step == *what, at(*at_s), WINDOW_MS);
            told.iter().map(step).collect()
        };
        assert_eq!(steps(&[(0, 0), (1, 1), (0, 2), (2, 3)]), [false, false, false, true]);
        assert_eq!(steps(&[(0, 0), (1, 1), (0, 5), (1, 6), (2, 10)]), [false, false, false, false, true]);
        assert_eq!(steps(&[(0, 0), (1, 1), (0, 5), (2, 10)]), [false, false, false, false]);
    }

    #[test]
    fn what_lasts_is_told_once_it_has_lasted() {
        let mut window = Window::default();
        let held = [(0, true), (7, true), (8, false), (9, true), (16, true), (17, true)];
        let told: Vec<_> = held.map(|(seconds, holds)| window.lasts(holds, at(seconds), WINDOW_MS)).into();
        assert_eq!(told, [false, false, false, false, false, true]);
    }

    #[test]
    fn a_rule_rests() {
        let mut window = Window::default();
        let awake: Vec<_> = [0, 3, 8, 9].map(|seconds| window.awake(at(seconds), WINDOW_MS)).into();
        assert_eq!(awake, [true, false, true, false]);
    }

    #[test]
    fn a_broken_invariant_is_told_once_until_it_holds_again() {
        let mut window = Window::default();
        let seen = [
            (0, Truth::Unknown),
            (1, Truth::False),
            (5, Truth::Unknown),
            (9, Truth::False),
            (20, Truth::False),
            (21, Truth::True),
            (22, Truth::False),
            (30, Truth::False),
        ];
        let told: Vec<_> = seen.map(|(seconds, holds)| window.breaks(holds, at(seconds), WINDOW_MS)).into();
        assert_eq!(told, [false, false, false, true, false, false, false, true]);
    }

    proptest! {
        /// Against lists of everything that happened.
        #[test]
        fn counts_what_is_in_the_window(
            start in 0_u64..10_000_000_000,
            steps in proptest::collection::vec((0_u64..6, 0_u32..20), 1..120),
        ) {
            let (mut counted, mut distinct) = (Window::default(), Window::default());
            let (mut seconds, mut all) = (start, Vec::new());
            for (pause, value) in steps {
                seconds += pause;
                all.push((seconds, value));
                let live: Vec<_> = all.iter().filter(|(at, _)| at + 8 > seconds).collect();
                let now = Eighth::of(at(seconds), WINDOW_MS);
                prop_assert_eq!(counted.count(now), live.len() as u32);
                let mut values: Vec<_> = live.iter().map(|(_, value)| value).collect();
                values.sort_unstable();
                values.dedup();
                prop_assert_eq!(distinct.distinct(value + 1, now), values.len().min(KEPT) as u32);
            }
        }
    }
}
