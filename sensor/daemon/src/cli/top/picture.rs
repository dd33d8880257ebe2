use std::ops::ControlFlow;
use std::time::Duration;

use tagout_core::Timestamp;
use tagout_core::engine::Severity;

use crate::Failure;
use crate::cli::alerts::{page, row};
use crate::cli::args::StorePlace;
use crate::record::Stamp;
use crate::store::{Listing, Origin, Reader, Sample, Side, inventory};

/// Alerts that are looked at.
const MOST_ALERTS: usize = 500;
/// A daemon writes how it stands every two seconds; one that did not for so long does not run, or its disk takes nothing.
const STALE: Duration = Duration::from_secs(30);

/// What stands in the store at one time.
pub(super) struct Picture {
    /// How it stands with the sensor.
    pub(super) sample: Sample,
    /// How long the daemon that keeps the store has not written to it, if that is long.
    pub(super) silent: Option<Duration>,
    /// Frames, exchanges, commands and alerts a second, if there is something to compare with that is of now.
    pub(super) rates: Option<[f64; 4]>,
    /// The latest first.
    pub(super) alerts: Vec<Told>,
    pub(super) actors: Vec<Listing>,
    pub(super) devices: Vec<Listing>,
}

/// An alert in words.
pub(super) struct Told {
    pub(super) id: String,
    pub(super) severity: Severity,
    /// Time, signature, who, to what, id.
    pub(super) row: Vec<String>,
    pub(super) page: String,
}

impl Picture {
    pub(super) fn take(reader: &Reader, place: &StorePlace) -> Result<Self, Failure> {
        let mut samples = reader.samples()?;
        let sample = samples.pop().unwrap_or_default();
        let silent = silence(reader.origin(), &sample, Stamp::now().0);
        let rates = samples.last().filter(|_| silent.is_none()).and_then(|before| sample.rates_since(before));
        let mut alerts = Vec::new();
        reader.alerts(Timestamp::default(), Timestamp(u64::MAX), |notice| {
            let (row, page) = (row(&notice), page(&notice, place));
            alerts.push(Told { id: notice.id, severity: notice.severity, row, page });
            if alerts.len() == MOST_ALERTS { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })?;
        let deeds = reader.deeds()?;
        let actors = inventory(deeds.clone(), Side::Actors);
        let mut devices = inventory(deeds, Side::Devices);
        devices.retain(Listing::is_of_note);
        Ok(Self { sample, silent, rates, alerts, actors, devices })
    }
}

impl Told {
    /// Whether its words contain this text, in whatever letters.
    pub(super) fn contains(&self, text: &str) -> bool {
        let text = text.to_lowercase();
        self.severity.name().contains(&text) || self.row.iter().any(|cell| cell.to_lowercase().contains(&text))
    }
}

/// How long ago a daemon wrote this, if that is long; what a replay wrote is over.
fn silence(origin: Origin, sample: &Sample, now: Timestamp) -> Option<Duration> {
    let silent = Duration::from_nanos(now.0.saturating_sub(sample.time));
    (origin == Origin::Live && sample.time > 0 && silent > STALE).then_some(silent)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_store_that_its_daemon_does_not_write_to_is_told_from_one_of_a_replay() {
        let at = |second: u64| second * 1_000_000_000;
        let sample = Sample { time: at(100), ..Sample::default() };
        let of = |origin, second| silence(origin, &sample, Timestamp(at(second)));
        assert_eq!(of(Origin::Live, 1_540), Some(Duration::from_secs(1_440)));
        assert_eq!((of(Origin::Live, 110), of(Origin::Live, 90), of(Origin::Replay, 1_540)), (None, None, None));
        assert_eq!(silence(Origin::Live, &Sample::default(), Timestamp(at(1_540))), None, "nothing was written yet");
    }
}
