use std::ops::ControlFlow;

use tagout_core::Timestamp;
use tagout_core::engine::Severity;

use crate::Failure;
use crate::cli::alerts::{page, row};
use crate::store::{Listing, Reader, Sample, Side, inventory};

/// Alerts that are looked at.
const MOST_ALERTS: usize = 500;

/// What stands in the store at one time.
pub(super) struct Picture {
    /// How it stands with the sensor.
    pub(super) sample: Sample,
    /// Frames, exchanges, commands and alerts a second, if there is something to compare with.
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
    pub(super) fn take(reader: &Reader) -> Result<Self, Failure> {
        let mut samples = reader.samples()?;
        let sample = samples.pop().unwrap_or_default();
        let rates = samples.last().and_then(|before| sample.rates_since(before));
        let mut alerts = Vec::new();
        reader.alerts(Timestamp::default(), Timestamp(u64::MAX), |notice| {
            let (row, page) = (row(&notice), page(&notice));
            alerts.push(Told { id: notice.id, severity: notice.severity, row, page });
            if alerts.len() == MOST_ALERTS { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })?;
        let deeds = reader.deeds()?;
        let actors = inventory(deeds.clone(), Side::Actors);
        let mut devices = inventory(deeds, Side::Devices);
        devices.retain(Listing::is_of_note);
        Ok(Self { sample, rates, alerts, actors, devices })
    }
}

impl Told {
    /// Whether its words contain this text, in whatever letters.
    pub(super) fn contains(&self, text: &str) -> bool {
        let text = text.to_lowercase();
        self.severity.name().contains(&text) || self.row.iter().any(|cell| cell.to_lowercase().contains(&text))
    }
}
