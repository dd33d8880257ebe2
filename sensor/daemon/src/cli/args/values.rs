//! Values of options that are written as people write them.

use std::time::Duration;

use tagout_core::Timestamp;
use tagout_core::engine::{Grade, Severity};

use crate::record::Stamp;

/// A number with its unit, as in `30s`.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let units = [("s", 1), ("min", 60), ("h", 3_600), ("day", 86_400)];
    let parts = units.into_iter().find_map(|(unit, seconds)| Some((text.strip_suffix(unit)?, seconds)));
    let seconds = parts.and_then(|(number, seconds)| number.trim().parse::<u64>().ok()?.checked_mul(seconds));
    let seconds = seconds.filter(|seconds| *seconds > 0);
    seconds.map(Duration::from_secs).ok_or_else(|| "expected a number and s, min, h or day, such as 10min".to_owned())
}

/// How long ago, as in `30s`, or a time.
pub(super) fn moment(text: &str) -> Result<Stamp, String> {
    if let Ok(ago) = duration(text) {
        let ago_ns = u64::try_from(ago.as_nanos()).unwrap_or(u64::MAX);
        return Ok(Stamp(Timestamp(Stamp::now().0.0.saturating_sub(ago_ns))));
    }
    if text == "today" {
        let now = Stamp::now().0.0;
        return Ok(Stamp(Timestamp(now - now % NANOS_PER_DAY)));
    }
    let time = text.parse::<jiff::Timestamp>().map_err(|_| {
        "expected a number and s, min, h or day, such as 10min, or `today`, or a time with its zone, such as 2026-11-29T06:00:00Z"
    })?;
    Ok(Stamp(Timestamp(u64::try_from(time.as_nanosecond()).unwrap_or_default())))
}

const NANOS_PER_DAY: u64 = 86_400_000_000_000;

pub(super) fn grade(name: &str) -> Result<Grade, String> {
    let found = Grade::ALL.iter().copied().find(|grade| grade.name() == name);
    found.ok_or_else(|| {
        let names: Vec<_> = Grade::ALL.iter().map(|grade| grade.name()).collect();
        format!("expected one of {}", names.join(", "))
    })
}

pub(super) fn severity(name: &str) -> Result<Severity, String> {
    Severity::from_name(name).ok_or_else(|| {
        let names: Vec<_> = Severity::ALL.iter().map(|severity| severity.name()).collect();
        format!("expected one of {}", names.join(", "))
    })
}
