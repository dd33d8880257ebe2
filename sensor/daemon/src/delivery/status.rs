//! How it stands with what is to be delivered, for people and for other processes.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::intake::{Intake, Lost};
use super::measure::waits;
use super::progress::{Board, Outcome};
use super::spool::{Spool, SpoolError};
use crate::Failure;
use crate::replace::replace_file_of_plant;

/// Name of the file beside the spool in which a running process tells how it stands.
const FILE: &str = "status.json";
/// It is written once in this long at most.
const INTERVAL: Duration = Duration::from_secs(1);

/// How it stands with everything.
#[derive(Serialize, Deserialize, Clone, PartialEq, Eq, Default, Debug)]
pub struct Status {
    /// Bytes that wait in the spool.
    pub spooled_bytes: u64,
    /// Alerts since the start that went because memory or spool was full, or because they waited too long.
    pub lost_alerts: u64,
    /// Events that went in the same way.
    pub lost_events: u64,
    /// Each destination.
    pub destinations: Vec<DestinationStatus>,
}

/// How it stands with a destination.
#[derive(Serialize, Deserialize, Clone, PartialEq, Eq, Debug)]
pub struct DestinationStatus {
    /// Its name.
    pub name: String,
    /// Messages that it was given, in all the time that the spool knows of.
    pub delivered: u64,
    /// Notices that are there and that it is not done with: what it asked for among them is sent.
    pub waiting: u64,
    /// Messages since the start that it will never take.
    pub refused: u64,
    /// Notices since the start that it did not ask for.
    pub passed_over: u64,
    /// Why messages wait, if they cannot be sent.
    pub trouble: Option<String>,
}

impl Status {
    pub(super) fn of(spool: &Spool, board: &Board, intake: &Intake) -> Self {
        let lost = lost(spool, intake);
        let (before, tallies) = (spool.stock(), board.tallies());
        let destinations = waits(spool, board, tallies, [before, spool.stock()]);
        let destinations = destinations.map(|(name, tally, waiting)| DestinationStatus {
            name: name.to_owned(),
            delivered: tally.delivered,
            waiting,
            refused: tally.of(Outcome::Refused),
            passed_over: tally.of(Outcome::PassedOver),
            trouble: tally.trouble.map(|fault| fault.why),
        });
        Self {
            spooled_bytes: spool.bytes(),
            lost_alerts: lost.alerts,
            lost_events: lost.events,
            destinations: destinations.collect(),
        }
    }

    /// Reads it out of a spool's folder: from the spool itself, or from what the process that has it open says.
    ///
    /// # Errors
    /// When there is no spool, or it cannot be read.
    pub fn read(directory: &Path) -> Result<Self, Failure> {
        match inspect(directory) {
            Ok(spool) => {
                let (last, kept) = (spool.last(), spool.stock().kept.total());
                let destinations = spool.cursors().into_iter().map(|cursor| DestinationStatus {
                    waiting: last.saturating_sub(cursor.done).min(kept),
                    name: cursor.name,
                    delivered: cursor.delivered,
                    refused: 0,
                    passed_over: 0,
                    trouble: None,
                });
                let destinations = destinations.collect();
                Ok(Self { spooled_bytes: spool.bytes(), destinations, ..Self::default() })
            }
            Err(Cannot::InUse) => {
                let path = directory.join(FILE);
                let text = fs::read(&path).map_err(|error| Failure::input(&path, &error))?;
                serde_json::from_slice(&text).map_err(|error| Failure::input(&path, &error))
            }
            Err(Cannot::Other(failure)) => Err(failure),
        }
    }

    /// Notices that destinations are not done with, counted for each.
    pub fn waiting(&self) -> u64 {
        self.destinations.iter().map(|destination| destination.waiting).sum()
    }
}

/// What was lost since the start: it found no room in memory, or had to make room in the spool.
pub(super) fn lost(spool: &Spool, intake: &Intake) -> Lost {
    let (counts, stock) = (intake.counts(), spool.stock());
    (counts.refused + counts.unkept + stock.shed()).into()
}

/// How many alerts, and things that the sensor told of itself, each destination asked for since the start and never gets.
pub(super) fn missed(spool: &Spool, board: &Board, intake: &Intake) -> Vec<(String, u64)> {
    let counts = intake.counts();
    let unkept = counts.refused + counts.unkept;
    let destinations = board.destinations().iter().enumerate();
    destinations.map(|(place, progress)| (progress.name().to_owned(), spool.alerts_missed(place, unkept))).collect()
}

/// What waits in a spool that no process has open, as EVE records, for one destination or for all.
///
/// # Errors
/// When there is no spool, it is in use, it cannot be read, or it knows no such destination.
pub fn waiting(directory: &Path, destination: Option<&str>) -> Result<Vec<String>, Failure> {
    let spool = inspect(directory).map_err(|cannot| cannot.failure(directory))?;
    let done = match destination {
        Some(name) => cursor(&spool, name)?,
        None => 0,
    };
    let waiting = spool.after(done, usize::MAX, true).map_err(|error| Failure::input(directory, &error))?;
    Ok(waiting.into_iter().map(|(_, notice)| notice.eve).collect())
}

/// Lets go of what waits for a destination in a spool that no process has open; tells how many notices there were.
///
/// # Errors
/// As [`waiting`].
pub fn drop_waiting(directory: &Path, destination: &str) -> Result<usize, Failure> {
    let spool = inspect(directory).map_err(|cannot| cannot.failure(directory))?;
    cursor(&spool, destination)?;
    spool.drop_for(destination).map_err(|error| Failure::input(directory, &error))
}

fn cursor(spool: &Spool, name: &str) -> Result<u64, Failure> {
    let cursors = spool.cursors();
    let known = cursors.iter().find(|cursor| cursor.name == name).map(|cursor| cursor.done);
    known.ok_or_else(|| {
        let names: Vec<&str> = cursors.iter().map(|cursor| cursor.name.as_str()).collect();
        Failure::Usage(format!("the spool knows no destination `{name}`; it knows {}", names.join(", ")))
    })
}

/// Why a spool cannot be looked into.
enum Cannot {
    /// A process has it open.
    InUse,
    Other(Failure),
}

impl Cannot {
    fn failure(self, directory: &Path) -> Failure {
        match self {
            Self::InUse => Failure::Io(format!("{}: in use; stop tagout first", directory.display())),
            Self::Other(failure) => failure,
        }
    }
}

fn inspect(directory: &Path) -> Result<Spool, Cannot> {
    let path = directory.join(super::FILE);
    if !path.exists() {
        return Err(Cannot::Other(Failure::Io(format!("{}: there is no spool", directory.display()))));
    }
    Spool::inspect(&path).map_err(|error| match error {
        SpoolError::DatabaseAlreadyOpen => Cannot::InUse,
        error => Cannot::Other(Failure::input(&path, &error)),
    })
}

/// Where a running process tells how it stands.
pub(super) struct StatusFile {
    path: Option<PathBuf>,
    written: Option<(Instant, Status)>,
}

impl StatusFile {
    pub(super) fn beside(spool: Option<&Path>) -> Self {
        Self { path: spool.map(|spool| spool.with_file_name(FILE)), written: None }
    }

    /// Writes it, if there is something new and the last time was long enough ago.
    pub(super) fn write(&mut self, status: impl FnOnce() -> Status) {
        let Some(path) = &self.path else { return };
        if self.written.as_ref().is_some_and(|(written, _)| written.elapsed() < INTERVAL) {
            return;
        }
        let status = status();
        let is_known = self.written.as_ref().is_some_and(|(_, known)| *known == status);
        // Whoever looks sees what it was before where it cannot be written; the spool's own trouble is told elsewhere.
        if !is_known {
            let _ = serde_json::to_vec(&status).map(|text| replace_file_of_plant(path, text));
        }
        self.written = Some((Instant::now(), status));
    }
}
