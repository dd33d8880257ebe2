use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{SyncSender, TrySendError};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tagout_core::Timestamp;
use tracing::warn;

use super::pulse::{Pulse, Source};
use crate::intent::{Declaration, Keys, Refusal, Told};
use crate::record::Stamp;

/// What is refused is told in the log as often at most.
const COMPLAINT_INTERVAL: Duration = Duration::from_secs(1);

/// Checks what came from one source, and hands it on to the sensor. All have the same keys and the same way there.
pub(in crate::intent) struct Desk {
    keys: Arc<Mutex<Keys>>,
    to: SyncSender<Told>,
    pulse: Arc<Pulse>,
    /// What all desks did not take.
    refused: Arc<AtomicU64>,
    complaints: Complaints,
}

/// Nobody listens any more.
pub(in crate::intent) struct Gone;

/// The sensor has as much to take as may wait for it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::intent) struct Full;

/// What was refused and not told of in the log.
#[derive(Default)]
struct Complaints {
    untold: u64,
    told: Option<Instant>,
}

impl Desk {
    pub(in crate::intent) fn new(
        keys: Arc<Mutex<Keys>>,
        to: SyncSender<Told>,
        pulse: Arc<Pulse>,
        refused: Arc<AtomicU64>,
    ) -> Self {
        Self { keys, to, pulse, refused, complaints: Complaints::default() }
    }

    /// What becomes of a signed intent that came now.
    ///
    /// # Errors
    /// As [`Told::signed`]; the log tells of it too.
    pub(in crate::intent) fn verify(&mut self, text: Result<&[u8], Refusal>) -> Result<Told, Refusal> {
        let told = text.and_then(|text| {
            let keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
            Told::signed(text, Stamp::now().0, &keys)
        });
        told.inspect_err(|refusal| {
            self.refused.fetch_add(1, Ordering::Relaxed);
            self.complaints.add(refusal);
        })
    }

    /// What becomes of a declaration of somebody who may not tell it; the log tells of it too.
    ///
    /// # Errors
    /// When nobody else needs to be told of it.
    pub(in crate::intent) fn disbelieve(&mut self, words: Box<Declaration>, refusal: Refusal) -> Result<Told, Refusal> {
        self.complaints.add(&refusal);
        let finding = refusal.finding().ok_or(refusal)?;
        Ok(Told::disbelieved(words, finding))
    }

    /// Takes a signed intent, and waits until there is room for it.
    pub(in crate::intent) fn take(&mut self, text: Result<&[u8], Refusal>) -> Result<(), Gone> {
        self.verify(text).map_or(Ok(()), |told| self.send(told))
    }

    /// Hands on without waiting.
    ///
    /// # Errors
    /// When there is no room; nor is there any for who comes when the sensor ends.
    pub(in crate::intent) fn offer(&self, told: Told) -> Result<(), Full> {
        self.to.try_send(told).map_err(|_: TrySendError<Told>| Full)
    }

    /// Takes a sign of life of a source.
    pub(in crate::intent) fn live(&self, source: Source) -> Result<(), Gone> {
        self.alive(source).map_or(Ok(()), |at| self.send(Told::Alive(at)))
    }

    /// Takes a sign of life of a source without waiting. One that finds no room is made up for by the next.
    pub(in crate::intent) fn live_if_room(&self, source: Source) {
        if let Some(at) = self.alive(source) {
            let _ = self.offer(Told::Alive(at));
        }
    }

    fn alive(&self, source: Source) -> Option<Timestamp> {
        self.pulse.beat(source, Stamp::now().0)
    }

    fn send(&self, told: Told) -> Result<(), Gone> {
        self.to.send(told).map_err(|_| Gone)
    }
}

impl Complaints {
    fn add(&mut self, refusal: &Refusal) {
        self.untold += 1;
        if self.told.is_none_or(|told| told.elapsed() >= COMPLAINT_INTERVAL) {
            warn!("a declaration is not taken: {refusal} ({} since this was last told)", self.untold);
            *self = Self { untold: 0, told: Some(Instant::now()) };
        }
    }
}
