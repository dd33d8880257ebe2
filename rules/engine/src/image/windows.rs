//! Times at which permits hold.

use zerocopy::little_endian::{I32, U32, U64};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use super::{Place, Text, record};
use crate::Timestamp;

record! {
    /// A time: hours of some days of the week, or once from a start to an end.
    Window {
        /// Its name.
        name: Text,
        /// Where it is declared.
        source: Place,
        /// The days on which it begins, Monday in the lowest bit; 0 for a window that is there once.
        days: u8,
        /// Seconds of the day at which it begins.
        from_s: U32,
        /// Seconds of the day at which it ends; not above `from_s` where that is on the next day.
        to_s: U32,
        /// Seconds that the site's clock is ahead of UTC.
        offset_s: I32,
        /// When it begins if it is there once, in nanoseconds since the Unix epoch.
        start: U64,
        /// The first time behind it.
        end: U64,
    }
}

/// Seconds of a day.
pub const DAY_S: u32 = 86_400;

impl Window {
    /// Whether it is now.
    pub fn contains(&self, now: Timestamp) -> bool {
        const DAY: i64 = DAY_S as i64;
        if self.days == 0 {
            return (self.start.get()..self.end.get()).contains(&now.0);
        }
        let seconds = i64::try_from(now.0 / 1_000_000_000).unwrap_or(i64::MAX);
        let local = seconds.saturating_add(self.offset_s.get().into());
        let day = local.wrapping_div_euclid(DAY);
        let second = u32::try_from(local.wrapping_rem_euclid(DAY)).unwrap_or(0);
        let (from, to) = (self.from_s.get(), self.to_s.get());
        if from < to {
            self.is_on(day) && second >= from && second < to
        } else {
            (self.is_on(day) && second >= from) || (self.is_on(day.saturating_sub(1)) && second < to)
        }
    }

    /// Whether it begins on this day since the Unix epoch, which was a Thursday.
    fn is_on(&self, day: i64) -> bool {
        let weekday = day.saturating_add(3).wrapping_rem_euclid(7);
        self.days.wrapping_shr(u32::try_from(weekday).unwrap_or(0)) & 1 == 1
    }
}
