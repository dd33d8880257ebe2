//! What happened lately and who is there, in a database that this machine's people look into.
//!
//! ```text
//! recorder → tally (memory, bounded) → keeper (a thread) → database ← tagout alerts, devices, actors, top
//! ```
//!
//! Alerts and commands that were held against intents are kept as their records; exchanges are counted by who did what to whom. The design stands in
//! `docs/design/store.md`.

mod batch;
mod database;
mod deed;
mod inventory;
mod keeper;
mod sample;
pub mod schema;
mod span;
mod tally;

use std::path::PathBuf;
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use serde::Deserialize;
use tagout_core::engine::Policy;
use tagout_core::{Alert, Exchange, Timestamp};

use self::batch::Batch;
use self::keeper::Keeper;
use self::tally::Tally;
use crate::Failure;
use crate::notice::Notice;

pub use batch::Lost;
pub use database::{Bounds, Database, Origin, Reader};
pub use deed::{Command, Count, Deed, Party};
pub use inventory::{Listing, Side, inventory};
pub use sample::Sample;
pub use span::Span;

/// Batches that wait for the disk at most.
const QUEUE: usize = 2;
/// On a live capture a batch is handed over so often.
const INTERVAL: Duration = Duration::from_secs(2);

/// `[store]`: what `tagout alerts`, `agent`, `devices`, `actors` and `top` read. The path is relative to the configuration file.
#[derive(Deserialize, Clone, PartialEq, Eq, Debug)]
#[serde(deny_unknown_fields, default)]
pub struct Options {
    /// The database, in a folder of its own; without one there is none.
    pub path: Option<PathBuf>,
    /// MiB of alerts at most, and as much of commands that were held against intents.
    pub most_mib: u64,
    /// Days that either is kept at most.
    pub most_days: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self { path: None, most_mib: 64, most_days: 90 }
    }
}

impl Options {
    fn bounds(&self) -> Bounds {
        Bounds { bytes: self.most_mib.saturating_mul(1 << 20), age_s: self.most_days.saturating_mul(86_400) }
    }
}

/// How it stands with the database, since the start.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Measured {
    /// Whether the disk took what was last written.
    pub is_up: bool,
    /// Bytes of alerts that are there.
    pub alert_bytes: u64,
    /// Bytes of commands that were held against intents.
    pub act_bytes: u64,
    /// How many there may be of either.
    pub limit_bytes: u64,
    /// What it does not have.
    pub lost: Lost,
}

/// Takes what is to be kept. Nothing here waits for a disk, unless it was opened to.
pub struct Store {
    tally: Tally,
    /// What was taken and is not handed over yet.
    waiting: Batch,
    queue: Option<SyncSender<Batch>>,
    keeper: Option<JoinHandle<()>>,
    measured: Arc<Mutex<Measured>>,
    /// Whether to wait while the queue is full: a replay does, a live capture never.
    waits: bool,
    handed_over: Instant,
}

impl Store {
    /// Opens the database for what is captured live, which goes on from what there is; `None` where none is configured.
    ///
    /// # Errors
    /// When it cannot be opened, or is of a later version.
    pub fn open(options: &Options) -> Result<Option<Self>, Failure> {
        let Some(path) = &options.path else { return Ok(None) };
        Self::start(Database::open(path, options.bounds())?, false).map(Some)
    }

    /// Makes a database for replays anew; one that a live capture wrote is left alone.
    ///
    /// # Errors
    /// When there is something else, or the file cannot be written.
    pub fn replace(path: &std::path::Path) -> Result<Self, Failure> {
        Self::start(Database::replace(path)?, true)
    }

    fn start(database: Database, waits: bool) -> Result<Self, Failure> {
        let (queue, batches) = sync_channel(QUEUE);
        let mut keeper = Keeper::new(database);
        let measured = keeper.measured();
        let thread = thread::Builder::new().name("store".to_owned()).spawn(move || keeper.run(&batches));
        let thread = thread.map_err(|error| Failure::Io(format!("cannot start a thread: {error}")))?;
        Ok(Self {
            tally: Tally::default(),
            waiting: Batch::default(),
            queue: Some(queue),
            keeper: Some(thread),
            measured,
            waits,
            handed_over: Instant::now(),
        })
    }

    /// How it stands with the database, as of the last batch.
    pub fn measure(&self) -> Measured {
        *self.measured.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts an exchange.
    pub fn exchange(&mut self, exchange: &Exchange<'_>, policy: &Policy<'_>) {
        if self.waits && self.tally.is_full() {
            self.hand_over(policy);
        }
        self.tally.exchange(exchange, policy);
    }

    /// Counts an alert on whoever it is about.
    pub fn alert(&mut self, alert: &Alert<'_>) {
        self.tally.alert(alert);
    }

    /// Keeps the record of an alert, of what the sensor tells of itself, or of a command that was held against intents (an event).
    pub fn notice(&mut self, notice: Notice, policy: &Policy<'_>) {
        if self.waits && self.waiting.is_full() {
            self.hand_over(policy);
        }
        self.waiting.put(notice);
    }

    /// Whether it is time to hand over what was taken.
    pub fn is_due(&self) -> bool {
        !self.waits && self.handed_over.elapsed() >= INTERVAL
    }

    /// Hands over what was taken, and how it stands with the sensor.
    pub fn hand_over_with(&mut self, sample: Sample, policy: &Policy<'_>) {
        self.waiting.sample = Some(sample);
        self.hand_over(policy);
    }

    /// Hands over what was taken, in the words of this policy; what the queue has no room for waits here.
    pub fn hand_over(&mut self, policy: &Policy<'_>) {
        self.handed_over = Instant::now();
        self.tally.drain(policy, &mut self.waiting);
        let Some(queue) = self.queue.as_ref().filter(|_| !self.waiting.is_empty()) else { return };
        let batch = std::mem::take(&mut self.waiting);
        if self.waits {
            // It ends only with this.
            let _ = queue.send(batch);
        } else if let Err(TrySendError::Full(batch) | TrySendError::Disconnected(batch)) = queue.try_send(batch) {
            self.waiting = batch;
        }
    }

    /// The time from which the age of alerts is counted: that of the latest frame.
    pub fn advance(&mut self, now: Timestamp) {
        self.waiting.now = self.waiting.now.max(now);
    }
}

impl Drop for Store {
    /// Waits until everything is written that was handed over.
    fn drop(&mut self) {
        if let Some(queue) = self.queue.take().filter(|_| !self.waiting.is_empty()) {
            let _ = queue.send(std::mem::take(&mut self.waiting));
        }
        if let Some(keeper) = self.keeper.take() {
            // It has no result that could be missed.
            let _ = keeper.join();
        }
    }
}

#[cfg(test)]
mod tests;
