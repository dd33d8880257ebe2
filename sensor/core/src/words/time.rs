use core::fmt;

use tagout_engine::Timestamp;

const NANOS_PER_SECOND: u64 = 1_000_000_000;
const NANOS_PER_DAY: u64 = 86_400 * NANOS_PER_SECOND;

const PATTERN: [u8; 26] = *b"0000-00-00T00:00:00.000000";

/// A time in UTC to the microsecond, `2024-01-01T00:00:00.000000`; what marks the zone is left to those who write it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Utc(pub Timestamp);

impl Utc {
    /// The time as ASCII text.
    pub fn text(self) -> [u8; 26] {
        let (day, nanos) = (self.0.0 / NANOS_PER_DAY, self.0.0 % NANOS_PER_DAY);
        let (year, month, day) = civil(day as u32);
        let (second, nanos) = ((nanos / NANOS_PER_SECOND) as u32, (nanos % NANOS_PER_SECOND) as u32);
        let mut text = PATTERN;
        for (place, number) in [
            (0..4, year),
            (5..7, month),
            (8..10, day),
            (11..13, second / 3_600),
            (14..16, second / 60 % 60),
            (17..19, second % 60),
            (20..26, nanos / 1_000),
        ] {
            put(text.get_mut(place).unwrap_or_default(), number);
        }
        text
    }
}

/// Writes `number` in as many decimal digits as `place` has.
fn put(place: &mut [u8], mut number: u32) {
    for digit in place.iter_mut().rev() {
        *digit = b'0' | (number % 10) as u8;
        number /= 10;
    }
}

/// Year, month and day of the Gregorian calendar, `days` after 1970-01-01.
///
/// Counted in years that begin in March, so that the leap day is a year's last; 400 such years have 146097 days.
#[expect(clippy::arithmetic_side_effects, reason = "a timestamp has fewer than 2^18 days")]
const fn civil(days: u32) -> (u32, u32, u32) {
    let days = days + 719_468;
    let (era, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let (month, next) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    (era * 400 + year + next, month, day)
}

impl fmt::Display for Utc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(str::from_utf8(&self.text()).unwrap_or_default())
    }
}

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects)]
mod tests {
    extern crate std;

    use std::string::{String, ToString};

    use super::*;

    fn text(seconds: u64, nanos: u64) -> String {
        Utc(Timestamp(seconds * 1_000_000_000 + nanos)).to_string()
    }

    #[test]
    fn times_are_written_as_the_calendar_has_them() {
        assert_eq!(text(0, 0), "1970-01-01T00:00:00.000000");
        assert_eq!(text(951_782_399, 999_999_999), "2000-02-28T23:59:59.999999");
        assert_eq!(text(951_782_400, 1_000), "2000-02-29T00:00:00.000001");
        assert_eq!(text(1_709_251_199, 0), "2024-02-29T23:59:59.000000");
        assert_eq!(text(1_709_251_200, 0), "2024-03-01T00:00:00.000000");
        assert_eq!(text(1_735_689_599, 0), "2024-12-31T23:59:59.000000");
        assert_eq!(text(4_107_542_400, 0), "2100-03-01T00:00:00.000000");
        assert_eq!(Utc(Timestamp(u64::MAX)).to_string(), "2554-07-21T23:34:33.709551");
    }
}
