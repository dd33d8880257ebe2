use std::sync::mpsc::Receiver;
use std::sync::{Arc, Mutex, PoisonError};

use tracing::{error, info};

use super::Measured;
use super::batch::{Batch, Lost};
use super::database::Database;

/// Writes batches; one that the disk does not take is written with the next.
pub(super) struct Keeper {
    database: Database,
    held: Option<Batch>,
    measured: Arc<Mutex<Measured>>,
}

impl Keeper {
    pub(super) fn new(database: Database) -> Self {
        let limit_bytes = database.limit_bytes();
        let measured = Measured { is_up: true, alert_bytes: 0, act_bytes: 0, limit_bytes, lost: Lost::default() };
        Self { database, held: None, measured: Arc::new(Mutex::new(measured)) }
    }

    /// How it stands, as of the last batch.
    pub(super) fn measured(&self) -> Arc<Mutex<Measured>> {
        Arc::clone(&self.measured)
    }

    /// Works until nothing more comes.
    pub(super) fn run(&mut self, batches: &Receiver<Batch>) {
        for batch in batches {
            self.keep(batch);
        }
        if let Some(batch) = self.held.take() {
            self.keep(batch);
        }
        if let Some(held) = &self.held {
            error!("the local store takes nothing at the end: {} alerts are not in it", held.alerts.notices.len());
        }
    }

    fn keep(&mut self, batch: Batch) {
        let was_failing = self.held.is_some();
        let whole = match self.held.take() {
            Some(mut held) => {
                held.absorb(batch);
                held
            }
            None => batch,
        };
        let written = self.database.write(&whole);
        let mut measured = self.measured.lock().unwrap_or_else(PoisonError::into_inner);
        measured.is_up = written.is_ok();
        match written {
            Ok(written) => {
                measured.lost.absorb(written.lost);
                (measured.alert_bytes, measured.act_bytes) = (written.alert_bytes, written.act_bytes);
                if was_failing {
                    info!("the local store is written again");
                }
            }
            Err(failure) => {
                if !was_failing {
                    error!("the local store takes nothing: {failure}; what is to be kept waits in memory");
                }
                self.held = Some(whole);
            }
        }
    }
}
