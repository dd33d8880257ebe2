//! The clock that stamps frames, made one that never goes back.

use std::time::{Duration, Instant};

use tagout_core::Timestamp;

use crate::news::{News, NewsKind};
use crate::record::Stamp;

/// Less than this is no step: interfaces are not in step with each other to the millisecond, and clocks are trimmed.
const STEP: Duration = Duration::from_secs(1);

/// A clock that goes on where that of the system is set back, and is as far ahead of it from then on until that is set forward.
pub(super) struct Clock {
    last: Timestamp,
    ahead_ns: u64,
    /// What the system's clock showed when, by a clock that nobody sets.
    shown: (Timestamp, Instant),
    /// What a frame showed of it.
    noticed: Option<News>,
}

impl Clock {
    pub(super) fn new() -> Self {
        Self { last: Timestamp::default(), ahead_ns: 0, shown: (Stamp::now().0, Instant::now()), noticed: None }
    }

    /// The time of something that the system stamped.
    #[inline]
    pub(super) fn time(&mut self, stamp: Timestamp) -> Timestamp {
        self.time_by(stamp, || (Stamp::now().0, Instant::now()))
    }

    /// The same, where `look` tells what the system's clock shows when.
    #[inline]
    fn time_by(&mut self, stamp: Timestamp, look: impl FnOnce() -> (Timestamp, Instant)) -> Timestamp {
        let time = Timestamp(stamp.0.saturating_add(self.ahead_ns));
        if time >= self.last {
            if self.ahead_ns > 0 && u128::from(time.0 - self.last.0) > STEP.as_nanos() {
                return self.leap(stamp, look());
            }
            self.last = time;
            return time;
        }
        self.behind(time)
    }

    /// The time of what comes a while behind the last, or after the system's clock was set forward again.
    #[cold]
    fn leap(&mut self, stamp: Timestamp, (shown, now): (Timestamp, Instant)) -> Timestamp {
        self.noticed = self.compare(shown, now).or(self.noticed.take());
        self.last = self.last.max(Timestamp(stamp.0.saturating_add(self.ahead_ns)));
        self.last
    }

    /// The time of what seems to be before something else.
    #[cold]
    fn behind(&mut self, time: Timestamp) -> Timestamp {
        let back_ns = self.last.0.saturating_sub(time.0);
        if u128::from(back_ns) < STEP.as_nanos() {
            return time;
        }
        self.ahead_ns = self.ahead_ns.saturating_add(back_ns);
        self.last
    }

    /// Compares the system's clock with one that nobody sets; tells if it was set.
    pub(super) fn check(&mut self) -> Option<News> {
        let compared = self.compare(Stamp::now().0, Instant::now());
        self.noticed.take().or(compared)
    }

    fn compare(&mut self, shown: Timestamp, now: Instant) -> Option<News> {
        let (before, then) = std::mem::replace(&mut self.shown, (shown, now));
        let expected = before.0.saturating_add(u64::try_from((now - then).as_nanos()).unwrap_or(u64::MAX));
        let is_forward = shown.0 > expected;
        let by_ns = shown.0.abs_diff(expected);
        if u128::from(by_ns) < STEP.as_nanos() {
            return None;
        }
        let how = if is_forward { "forward" } else { "back" };
        if is_forward {
            self.ahead_ns = self.ahead_ns.saturating_sub(by_ns);
        } else {
            // Frames may have told already.
            self.time(shown);
        }
        let seconds = by_ns / 1_000_000_000;
        let ahead = match self.ahead_ns / 1_000_000_000 {
            0 => String::new(),
            ahead => format!(
                "; times in records are {ahead} s ahead of it until it is set forward or tagout is started anew"
            ),
        };
        let why = format!("the clock of this machine was set {how} by {seconds} s{ahead}");
        Some(News::new(NewsKind::ClockStepped, shown, why).with_count(seconds))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;
    const HOUR: u64 = 3_600 * SECOND;
    const NOON: u64 = 500_000 * HOUR;

    fn clock() -> Clock {
        Clock { last: Timestamp::default(), ahead_ns: 0, shown: (Timestamp(NOON), Instant::now()), noticed: None }
    }

    fn times(clock: &mut Clock, stamps: &[u64]) -> Vec<u64> {
        let shown = clock.shown;
        stamps.iter().map(|stamp| clock.time_by(Timestamp(*stamp), || shown).0).collect()
    }

    #[test]
    fn time_goes_on_where_the_clock_is_set_back_and_forward_again() {
        let mut clock = clock();
        let stamps = [NOON, NOON + SECOND, NOON - HOUR, NOON - HOUR + SECOND, NOON - HOUR + 2 * SECOND];
        let went_on = [NOON, NOON + SECOND, NOON + SECOND, NOON + 2 * SECOND, NOON + 3 * SECOND];
        assert_eq!(times(&mut clock, &stamps), went_on);
        let later = clock.shown.1 + Duration::from_secs(4);
        clock.shown.0 = Timestamp(NOON - HOUR);
        let news = clock.compare(Timestamp(NOON + 4 * SECOND), later).expect("it was set");
        assert_eq!(news.count, Some(3_600));
        assert_eq!(times(&mut clock, &[NOON + 4 * SECOND]), [NOON + 5 * SECOND], "a second was lost when it was set");
    }

    #[test]
    fn a_frame_that_comes_before_the_clock_is_looked_at_again_is_not_ahead() {
        let mut clock = clock();
        times(&mut clock, &[NOON, NOON - HOUR, NOON - HOUR + SECOND]);
        clock.shown = (Timestamp(NOON - HOUR + SECOND), clock.shown.1 + Duration::from_secs(1));
        let (shown, later) = (Timestamp(NOON + 2 * SECOND), clock.shown.1 + Duration::from_secs(1));
        assert_eq!(clock.time_by(Timestamp(NOON + 2 * SECOND), || (shown, later)).0, NOON + 2 * SECOND);
        assert_eq!(clock.noticed.as_ref().and_then(|news| news.count), Some(3_600));
        assert_eq!(times(&mut clock, &[NOON + 3 * SECOND]), [NOON + 3 * SECOND]);
        // A mere silence is none.
        clock.ahead_ns = HOUR;
        clock.last = Timestamp(NOON + HOUR + 3 * SECOND);
        let (shown, later) = (Timestamp(NOON + 9 * SECOND), later + Duration::from_secs(7));
        assert_eq!(clock.time_by(Timestamp(NOON + 9 * SECOND), || (shown, later)).0, NOON + HOUR + 9 * SECOND);
    }

    #[test]
    fn a_step_is_told_once_and_a_trim_is_none() {
        let mut clock = clock();
        let start = clock.shown.1;
        let at = |seconds| start + Duration::from_secs(seconds);
        assert_eq!(clock.compare(Timestamp(NOON + SECOND + SECOND / 2), at(1)), None);
        clock.time(Timestamp(NOON + SECOND));
        let news = clock.compare(Timestamp(NOON - HOUR + 2 * SECOND), at(2)).expect("it was set");
        assert!(news.why.contains("set back by 3600 s; times in records are 3599 s ahead"), "{}", news.why);
        assert_eq!(clock.compare(Timestamp(NOON - HOUR + 3 * SECOND), at(3)), None);
    }

    #[test]
    fn frames_that_are_a_little_out_of_order_stay_as_they_are() {
        assert_eq!(times(&mut clock(), &[NOON, NOON - SECOND / 2, NOON + 1]), [NOON, NOON - SECOND / 2, NOON + 1]);
    }
}
