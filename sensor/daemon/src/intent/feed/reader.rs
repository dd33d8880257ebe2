use std::io;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use tracing::warn;

use super::FeedTable;
use super::desk::{Desk, Gone};
use super::folder::Folder;
use super::pulse::Source;
use super::tail::Tail;

/// From one look at the files to the next.
const PAUSE: Duration = Duration::from_millis(50);
/// From one sign of life to the next.
const ALIVE_INTERVAL: Duration = Duration::from_secs(1);

/// Reads files again and again until nobody listens any more.
pub(super) struct Reader {
    tails: Vec<Tail>,
    folder: Option<Folder>,
    desk: Desk,
    /// When the last sign of life was given.
    alive: Option<Instant>,
    is_well: bool,
}

/// Why reading stops before its end.
pub(super) enum Halt {
    /// Nobody listens any more.
    Gone,
    /// What there is cannot be read.
    Unreadable(io::Error),
}

impl From<Gone> for Halt {
    fn from(_: Gone) -> Self {
        Self::Gone
    }
}

impl From<io::Error> for Halt {
    fn from(error: io::Error) -> Self {
        Self::Unreadable(error)
    }
}

impl Reader {
    /// Of the files of a table.
    pub(super) fn new(table: &FeedTable, desk: Desk) -> Self {
        Self {
            tails: table.files.iter().map(|file| Tail::new(file)).collect(),
            folder: table.directory.as_deref().map(Folder::new),
            desk,
            alive: None,
            is_well: true,
        }
    }

    pub(super) fn run(mut self) {
        while self.look().is_ok() {
            thread::sleep(PAUSE);
        }
    }

    fn look(&mut self) -> Result<(), Gone> {
        let mut trouble = None;
        for tail in &mut self.tails {
            let read = tail.read(|text| self.desk.take(text));
            note(read, tail.path(), &mut trouble)?;
        }
        if let Some(folder) = &mut self.folder {
            let read = folder.read(|text| self.desk.take(text));
            note(read, folder.path(), &mut trouble)?;
        }
        self.live(trouble)
    }

    /// Gives a sign of life now and then while everything can be read, and tells in the log once when it cannot.
    fn live(&mut self, trouble: Option<String>) -> Result<(), Gone> {
        let was_well = std::mem::replace(&mut self.is_well, trouble.is_none());
        if let Some(why) = trouble {
            if was_well {
                warn!("declarations cannot be read: {why}");
            }
            return Ok(());
        }
        if self.alive.is_some_and(|alive| alive.elapsed() < ALIVE_INTERVAL) {
            return Ok(());
        }
        self.alive = Some(Instant::now());
        self.desk.live(Source::Files)
    }
}

/// Takes note of what cannot be read, which keeps nothing else from being read.
fn note(read: Result<(), Halt>, path: &Path, trouble: &mut Option<String>) -> Result<(), Gone> {
    match read {
        Err(Halt::Gone) => Err(Gone),
        Err(Halt::Unreadable(error)) => {
            trouble.get_or_insert_with(|| format!("{}: {error}", path.display()));
            Ok(())
        }
        Ok(()) => Ok(()),
    }
}
