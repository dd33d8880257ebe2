use std::sync::mpsc::Receiver;

use tracing::{error, info};

use super::batch::Batch;
use super::database::Database;

/// Writes batches; one that the disk does not take is written with the next.
pub(super) struct Keeper {
    database: Database,
    held: Option<Batch>,
}

impl Keeper {
    pub(super) fn new(database: Database) -> Self {
        Self { database, held: None }
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
        match self.database.write(&whole) {
            Ok(()) if was_failing => info!("the local store is written again"),
            Ok(()) => {}
            Err(failure) => {
                if !was_failing {
                    error!("the local store takes nothing: {failure}; what is to be kept waits in memory");
                }
                self.held = Some(whole);
            }
        }
    }
}
