use serde::{Deserialize, Serialize};
use tagout_core::Timestamp;

use crate::delivery::status::DestinationStatus;

/// How it stood with the sensor at some time. Counts are since its start.
#[derive(Serialize, Deserialize, Clone, PartialEq, Eq, Default, Debug)]
pub struct Sample {
    /// When, in nanoseconds since 1970.
    pub time: u64,
    /// When the sensor was started.
    pub started: u64,
    /// Where frames come from.
    pub origin: String,
    /// Frames.
    pub frames: u64,
    /// Exchanges.
    pub exchanges: u64,
    /// Those of them that are commands.
    pub commands: u64,
    /// Alerts, with what the sensor tells of itself.
    pub alerts: u64,
    /// Frames that were dropped before the sensor had them.
    pub dropped: u64,
    /// How it stands with each destination.
    #[serde(default)]
    pub destinations: Vec<DestinationStatus>,
}

impl Sample {
    /// What was counted a second since an earlier sample: frames, exchanges, commands, alerts; `None` if that is of another start
    /// or as late.
    pub fn rates_since(&self, earlier: &Self) -> Option<[f64; 4]> {
        let seconds = Timestamp(self.time).micros_since(Timestamp(earlier.time)) as f64 / 1e6;
        let rate = |now: u64, then: u64| now.saturating_sub(then) as f64 / seconds;
        (self.started == earlier.started && seconds > 0.0).then(|| {
            [
                rate(self.frames, earlier.frames),
                rate(self.exchanges, earlier.exchanges),
                rate(self.commands, earlier.commands),
                rate(self.alerts, earlier.alerts),
            ]
        })
    }
}
