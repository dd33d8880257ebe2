use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use tagout_core::Timestamp;

use super::deed::Deed;
use super::sample::Sample;
use crate::notice::Notice;

/// Bytes of records that wait for the disk at most.
const MOST_BYTES: usize = 8 << 20;
/// Deeds that wait for the disk at most.
const MOST_DEEDS: usize = 8_192;

/// What is to be written as one.
#[derive(Default, Debug)]
pub(super) struct Batch {
    /// The time of the latest frame.
    pub(super) now: Timestamp,
    pub(super) notices: Vec<Notice>,
    /// Bytes of their records.
    bytes: usize,
    /// By their keys.
    pub(super) deeds: BTreeMap<String, Deed>,
    pub(super) sample: Option<Sample>,
    pub(super) lost: Lost,
}

/// What the store does not have, counted.
#[derive(Serialize, Deserialize, Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Lost {
    /// Alerts that found no room on their way to the disk.
    pub alerts: u64,
    /// Alerts that made room for later ones, or were too old.
    pub alerts_shed: u64,
    /// Exchanges that are in no count, since there were too many different ones.
    pub exchanges: u64,
    /// Counts that made room for others.
    pub deeds_shed: u64,
}

impl Batch {
    /// Adds a record, if there is room.
    pub(super) fn put(&mut self, notice: Notice) {
        if self.is_full() {
            self.lost.alerts += 1;
            return;
        }
        self.bytes += notice.bytes();
        self.notices.push(notice);
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
        later.notices.into_iter().for_each(|notice| self.put(notice));
        later.deeds.into_values().for_each(|deed| self.count(deed));
    }

    /// Whether there is no room for a record.
    pub(super) fn is_full(&self) -> bool {
        self.bytes >= MOST_BYTES
    }

    pub(super) fn is_empty(&self) -> bool {
        self.notices.is_empty() && self.deeds.is_empty() && self.sample.is_none() && self.lost == Lost::default()
    }
}

impl Lost {
    /// Adds what was lost later.
    pub(super) fn absorb(&mut self, later: Self) {
        self.alerts += later.alerts;
        self.alerts_shed += later.alerts_shed;
        self.exchanges += later.exchanges;
        self.deeds_shed += later.deeds_shed;
    }
}
