//! What the sensor tells of itself every so often, whether or not anything happened: whoever hears nothing knows that something
//! is wrong.

use std::time::{Duration, Instant};

use sha2::{Digest as _, Sha256};
use tagout_core::{AlertId, Counter, Timestamp};

use crate::delivery::{Measured, host_name};
use crate::management::{Health, Vitals};
use crate::record::{Losses, Stamp};

/// Tells when a heartbeat is due.
#[derive(Debug)]
pub struct Pulse {
    /// `None` for a sensor that tells nothing of the kind.
    interval: Option<Duration>,
    due: Instant,
    started: Instant,
    since: Timestamp,
    host: String,
    beats: u64,
}

impl Pulse {
    /// One that beats at once, and then every so many seconds; never if there are none.
    pub fn new(interval_s: u32) -> Self {
        let interval = (interval_s > 0).then(|| Duration::from_secs(interval_s.into()));
        let now = Instant::now();
        Self { interval, due: now, started: now, since: Stamp::now().0, host: host_name(), beats: 0 }
    }

    /// Heartbeats that were due since the start.
    pub fn beats(&self) -> u64 {
        self.beats
    }

    /// Whether a heartbeat is due; the next one is after the interval. What was slept through is not made up for.
    pub fn beat(&mut self, now: Instant) -> bool {
        let Some(interval) = self.interval.filter(|_| self.due <= now) else { return false };
        let next = self.due + interval;
        self.due = if next > now { next } else { now + interval };
        self.beats += 1;
        true
    }

    /// What the heartbeat tells.
    pub fn heartbeat<'a>(&'a self, vitals: &'a Vitals, delivery: Option<Measured>) -> Heartbeat<'a> {
        Heartbeat {
            time: Stamp::now().0,
            host: &self.host,
            started: self.since,
            uptime: self.started.elapsed(),
            interval: self.interval.unwrap_or_default(),
            health: Health::of(vitals, delivery.as_ref()),
            vitals,
            delivery,
        }
    }
}

/// How the sensor does, as of one moment.
#[derive(Clone, Debug)]
pub struct Heartbeat<'a> {
    /// When that was, by this machine's clock.
    pub time: Timestamp,
    /// The sensor's name: that of its machine.
    pub host: &'a str,
    /// When the process started, by this machine's clock.
    pub started: Timestamp,
    /// How long ago that was.
    pub uptime: Duration,
    /// From one heartbeat to the next.
    pub interval: Duration,
    /// What is unwell.
    pub health: Health,
    /// What the thread that captures counts.
    pub vitals: &'a Vitals,
    /// What delivery counts, where there are destinations.
    pub delivery: Option<Measured>,
}

impl Heartbeat<'_> {
    /// Its identity: no two heartbeats have the same.
    pub fn id(&self) -> AlertId {
        let mut hash = Sha256::new();
        for part in ["heartbeat", self.host] {
            hash.update(part);
            hash.update([0]);
        }
        hash.update(self.time.0.to_le_bytes());
        AlertId(u128::from_be_bytes(hash.finalize().first_chunk().copied().unwrap_or_default()))
    }

    /// What was lost on the way from the wire, on all interfaces together.
    pub fn losses(&self) -> Losses {
        let mut losses = Losses::default();
        self.vitals.interfaces.iter().for_each(|interface| losses += interface.losses);
        losses
    }

    /// Notices that some destination still needs, in memory and in the spool.
    pub fn waiting(&self) -> u64 {
        self.delivery.as_ref().map_or(0, |delivery| (delivery.in_memory + delivery.spooled).total())
    }

    /// It in a sentence.
    pub fn why(&self) -> String {
        let host = if self.host.is_empty() { "the sensor" } else { self.host };
        let losses = self.losses();
        let (frames, lost) = (self.frames(), losses.kernel_drops + losses.interface_drops);
        let (up_s, alerts, waiting) = (self.uptime.as_secs(), self.alerts(), self.waiting());
        let anew = self.vitals.restarts.map_or_else(String::new, |restarts| format!(" after {restarts} restarts"));
        let did = format!("up {up_s} s{anew}, frames {frames}, lost {lost}, alerts {alerts}, waiting {waiting}");
        if self.health.is_well() {
            format!("{host} is well: {did}.")
        } else {
            format!("{host} is unwell: {}; {did}.", self.health)
        }
    }

    /// Alerts given, with those by which the sensor tells of itself.
    pub fn alerts(&self) -> u64 {
        self.vitals.recorded.alerts().map(|(_, count)| count).sum()
    }

    /// Frames that were judged.
    pub fn frames(&self) -> u64 {
        self.vitals.counters.get(Counter::Frames)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_beats_at_once_and_then_after_the_interval() {
        let mut pulse = Pulse::new(10);
        let start = pulse.due;
        let beats: Vec<u64> = (0..35).filter(|second| pulse.beat(start + Duration::from_secs(*second))).collect();
        assert_eq!(beats, [0, 10, 20, 30]);
        assert_eq!(pulse.beats(), 4);
    }

    #[test]
    fn what_was_slept_through_is_not_made_up_for() {
        let mut pulse = Pulse::new(10);
        let start = pulse.due;
        let of = |pulse: &mut Pulse, second| pulse.beat(start + Duration::from_secs(second));
        assert_eq!([0, 95, 96, 104, 105].map(|second| of(&mut pulse, second)), [true, true, false, false, true]);
    }

    #[test]
    fn without_an_interval_there_is_none() {
        let mut pulse = Pulse::new(0);
        assert!(!pulse.beat(Instant::now() + Duration::from_secs(1_000_000)));
    }
}
