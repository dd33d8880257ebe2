//! Numbers with what they are in.

use core::fmt;

use tagout_engine::{Rate, Replied, Replies, ValueRange};

use super::Decimal;

/// A number as people write it: without the digits that only binary arithmetic put there.
pub struct Number(pub f64);

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        #[expect(clippy::cast_possible_truncation, reason = "compared with what it came from")]
        let single = self.0 as f32;
        let decimal = if f64::from(single) == self.0 { Decimal::from(single) } else { Decimal::from(self.0).rounded() };
        write!(f, "{decimal}")
    }
}

/// A number with its unit of measure.
pub(super) struct Measured<'a> {
    pub(super) value: f64,
    pub(super) unit: Option<&'a str>,
}

impl fmt::Display for Measured<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", Number(self.value))?;
        self.unit.map_or(Ok(()), |unit| write!(f, " {unit}"))
    }
}

/// A permitted range, as in `0..80 %` or `at most 80 %`.
pub(super) struct Range<'a>(pub(super) ValueRange, pub(super) Option<&'a str>);

impl fmt::Display for Range<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(ValueRange { min, max }, unit) = *self;
        let measured = |value| Measured { value, unit };
        match (min, max) {
            (Some(min), Some(max)) => write!(f, "{}..{}", Number(min), measured(max)),
            (Some(min), None) => write!(f, "at least {}", measured(min)),
            (None, Some(max)) => write!(f, "at most {}", measured(max)),
            (None, None) => f.write_str("any value"),
        }
    }
}

/// Where a value lies that a range does not have, as in `outside 0..80 %` or `above 80 %`.
pub(super) struct Outside<'a>(pub(super) Range<'a>);

impl fmt::Display for Outside<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(range @ Range(ValueRange { min, max }, unit)) = self;
        match (*min, *max) {
            (Some(value), None) => write!(f, "below {}", Measured { value, unit: *unit }),
            (None, Some(value)) => write!(f, "above {}", Measured { value, unit: *unit }),
            _ => write!(f, "outside {range}"),
        }
    }
}

/// So much in a time, as in `6/min` or `10 %/min`.
pub struct PerTime<'a>(pub Option<Rate>, pub Option<&'a str>);

impl fmt::Display for PerTime<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(Rate { amount, per_ms }) = self.0 else { return Ok(()) };
        let per = match per_ms {
            1_000 => "s",
            60_000 => "min",
            3_600_000 => "h",
            _ => "d",
        };
        write!(f, "{}/{per}", Measured { value: amount, unit: self.1 })
    }
}

/// Milliseconds as policies write them, as in `30 s`.
pub struct Duration(pub u32);

impl fmt::Display for Duration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            ms if ms % 1_000 != 0 => write!(f, "{ms} ms"),
            ms => write!(f, "{} s", ms / 1_000),
        }
    }
}

/// The replies that a permit expects, as in `success within 500 ms, or exception or status 6`.
pub struct Expected(pub Replies);

impl fmt::Display for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut between = "";
        for word in Replied::ALL.iter().filter(|word| self.0.has(**word)) {
            f.write_str(between)?;
            between = ", or ";
            match (word, self.0.within_ms) {
                (Replied::Success, Some(ms)) => write!(f, "success within {}", Duration(ms))?,
                (Replied::Success, None) => f.write_str("success")?,
                (Replied::Refused, _) => f.write_str("a refusal")?,
                (Replied::Nothing, _) => f.write_str("no reply")?,
            }
        }
        for code in self.0.codes() {
            write!(f, "{between}exception or status {code}")?;
            between = ", or ";
        }
        Ok(())
    }
}
