use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Serialize, Serializer};
use tagout_core::Timestamp;

const NANOS_PER_DAY: u64 = 86_400_000_000_000;

/// A capture time as records write it: UTC to the microsecond, `2024-01-01T00:00:00.000000+0000`, as Suricata does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Stamp(pub Timestamp);

const PATTERN: [u8; 31] = *b"0000-00-00T00:00:00.000000+0000";

impl Stamp {
    fn digits(self) -> [u8; 31] {
        let (day, nanos) = (self.0.0 / NANOS_PER_DAY, self.0.0 % NANOS_PER_DAY);
        let (year, month, day) = civil(day);
        let micros = nanos / 1_000;
        let second = micros / 1_000_000;
        let mut text = PATTERN;
        put(&mut text[0..4], year);
        put(&mut text[5..7], month);
        put(&mut text[8..10], day);
        put(&mut text[11..13], second / 3_600);
        put(&mut text[14..16], second / 60 % 60);
        put(&mut text[17..19], second % 60);
        put(&mut text[20..26], micros % 1_000_000);
        text
    }
}

/// Writes `number` in as many decimal digits as `place` has.
fn put(place: &mut [u8], mut number: u64) {
    for digit in place.iter_mut().rev() {
        *digit = b'0' + u8::try_from(number % 10).unwrap_or(0);
        number /= 10;
    }
}

/// Year, month and day of the Gregorian calendar, `days` after 1970-01-01.
///
/// Counted in years that begin in March, so that the leap day is a year's last; 400 such years have 146097 days.
fn civil(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let (era, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let (month, next) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    (era * 400 + year + next, month, day)
}

impl Serialize for Stamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let digits = self.digits();
        serializer.serialize_str(str::from_utf8(&digits).unwrap_or_default())
    }
}

impl JsonSchema for Stamp {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Stamp".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "string", "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+0000$"})
    }
}

impl fmt::Display for Stamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(str::from_utf8(&self.digits()).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(seconds: u64, nanos: u64) -> String {
        Stamp(Timestamp(seconds * 1_000_000_000 + nanos)).to_string()
    }

    #[test]
    fn times_are_written_as_suricata_writes_them() {
        assert_eq!(text(0, 0), "1970-01-01T00:00:00.000000+0000");
        assert_eq!(text(951_782_399, 999_999_999), "2000-02-28T23:59:59.999999+0000");
        assert_eq!(text(951_782_400, 1_000), "2000-02-29T00:00:00.000001+0000");
        assert_eq!(text(1_709_251_199, 0), "2024-02-29T23:59:59.000000+0000");
        assert_eq!(text(1_709_251_200, 0), "2024-03-01T00:00:00.000000+0000");
        assert_eq!(text(1_735_689_599, 0), "2024-12-31T23:59:59.000000+0000");
        assert_eq!(text(4_107_542_400, 0), "2100-03-01T00:00:00.000000+0000");
    }
}
