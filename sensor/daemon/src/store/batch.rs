use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use tagout_core::Timestamp;

use super::deed::Deed;
use super::sample::Sample;
use crate::notice::{Kind, Notice};

/// Bytes of records of a kind that wait for the disk at most.
const MOST_BYTES: usize = 8 << 20;
/// Deeds that wait for the disk at most.
const MOST_DEEDS: usize = 8_192;

/// What is to be written as one.
#[derive(Default, Debug)]
pub(super) struct Batch {
    /// The time of the latest frame.
    pub(super) now: Timestamp,
    /// Alerts, and what the sensor tells of itself.
    pub(super) alerts: Records,
    /// Commands that were held against what was declared.
    pub(super) acts: Records,
    /// By their keys.
    pub(super) deeds: BTreeMap<String, Deed>,
    pub(super) sample: Option<Sample>,
    pub(super) lost: Lost,
}

/// Records on their way to the disk.
#[derive(Default, Debug)]
pub(super) struct Records {
    pub(super) notices: Vec<Notice>,
    bytes: usize,
}

impl Records {
    /// Adds one; false if there is no room.
    fn put(&mut self, notice: Notice) -> bool {
        let has_room = !self.is_full();
        if has_room {
            self.bytes += notice.bytes();
            self.notices.push(notice);
        }
        has_room
    }

    fn is_full(&self) -> bool {
        self.bytes >= MOST_BYTES
    }
}

/// What the store does not have, counted.
#[derive(Serialize, Deserialize, Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Lost {
    /// Alerts that found no room on their way to the disk.
    pub alerts: u64,
    /// Alerts that made room for later ones, or were too old.
    pub alerts_shed: u64,
    /// Commands held against intents that found no room on their way to the disk.
    pub acts: u64,
    /// Those that made room for later ones, or were too old.
    pub acts_shed: u64,
    /// Exchanges that are in no count, since there were too many different ones.
    pub exchanges: u64,
    /// Counts that made room for others.
    pub deeds_shed: u64,
}

impl Batch {
    /// Adds a record, if there is room.
    pub(super) fn put(&mut self, notice: Notice) {
        let (records, lost) = match notice.kind {
            Kind::Event => (&mut self.acts, &mut self.lost.acts),
            Kind::Alert | Kind::Sensor | Kind::Heartbeat => (&mut self.alerts, &mut self.lost.alerts),
        };
        if !records.put(notice) {
            *lost += 1;
        }
    }

    /// Adds what was counted, if there is room.
    pub(super) fn count(&mut self, deed: Deed) {
        let (key, is_full) = (deed.key(), self.deeds.len() >= MOST_DEEDS);
        match self.deeds.get_mut(&key) {
            Some(known) => known.absorb(&deed),
            None if is_full => self.lost.exchanges += deed.count.exchanges,
            None => drop(self.deeds.insert(key, deed)),
        }
    }

    /// Adds what came later.
    pub(super) fn absorb(&mut self, later: Self) {
        self.now = self.now.max(later.now);
        self.sample = later.sample.or(self.sample.take());
        self.lost.absorb(later.lost);
        let notices = later.alerts.notices.into_iter().chain(later.acts.notices);
        notices.for_each(|notice| self.put(notice));
        later.deeds.into_values().for_each(|deed| self.count(deed));
    }

    /// Whether there is no room for a record of some kind.
    pub(super) fn is_full(&self) -> bool {
        self.alerts.is_full() || self.acts.is_full()
    }

    pub(super) fn is_empty(&self) -> bool {
        let no_records = self.alerts.notices.is_empty() && self.acts.notices.is_empty();
        no_records && self.deeds.is_empty() && self.sample.is_none() && self.lost == Lost::default()
    }
}

impl Lost {
    /// Adds what was lost later.
    pub(super) fn absorb(&mut self, later: Self) {
        self.alerts += later.alerts;
        self.alerts_shed += later.alerts_shed;
        self.acts += later.acts;
        self.acts_shed += later.acts_shed;
        self.exchanges += later.exchanges;
        self.deeds_shed += later.deeds_shed;
    }
}
