//! Files on disk: a folder a day, within bounds.

use std::collections::VecDeque;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{self, JoinHandle};
use std::time::SystemTime;

use tracing::{info, warn};

use crate::modes;

/// Files that wait for the disk at most.
const QUEUE: usize = 256;

/// Puts files onto the disk from a thread of its own.
pub(super) struct Shelf {
    queue: Option<SyncSender<Whole>>,
    /// Whether to wait while the queue is full.
    waits: bool,
    lost: Arc<AtomicU64>,
    keeper: Option<JoinHandle<()>>,
}

/// A file to be written.
struct Whole {
    name: String,
    bytes: Vec<u8>,
}

impl Shelf {
    /// A shelf for at most so many bytes, of which there may be some from earlier.
    pub(super) fn open(directory: &Path, most: u64, waits: bool) -> io::Result<Self> {
        modes::make_folder(directory)?;
        let (queue, files) = sync_channel(QUEUE);
        let lost = Arc::new(AtomicU64::new(0));
        let mut keeper = Keeper {
            directory: directory.to_owned(),
            kept: VecDeque::new(),
            bytes: 0,
            most,
            lost: Arc::clone(&lost),
            is_failing: false,
        };
        let keeper = thread::Builder::new().name("evidence".to_owned()).spawn(move || keeper.keep_all(&files))?;
        Ok(Self { queue: Some(queue), waits, lost, keeper: Some(keeper) })
    }

    /// Hands over a file; tells whether it will be written, if the disk takes it.
    pub(super) fn put(&self, name: String, bytes: Vec<u8>) -> bool {
        let Some(queue) = &self.queue else { return false };
        let whole = Whole { name, bytes };
        let is_taken = if self.waits { queue.send(whole).is_ok() } else { queue.try_send(whole).is_ok() };
        if !is_taken {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
        is_taken
    }

    /// Files that were not kept.
    pub(super) fn lost(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }
}

impl Drop for Shelf {
    /// Waits until everything is written.
    fn drop(&mut self) {
        self.queue = None;
        if let Some(keeper) = self.keeper.take() {
            // It has no result that could be missed.
            let _ = keeper.join();
        }
    }
}

struct Keeper {
    directory: PathBuf,
    /// Files with their sizes, the oldest first.
    kept: VecDeque<(PathBuf, u64)>,
    /// All their sizes.
    bytes: u64,
    most: u64,
    lost: Arc<AtomicU64>,
    /// Whether the file before could not be written.
    is_failing: bool,
}

impl Keeper {
    fn keep_all(&mut self, files: &Receiver<Whole>) {
        self.take_stock();
        for whole in files {
            let kept = self.keep(&whole);
            self.report(&kept);
        }
    }

    fn take_stock(&mut self) {
        let mut found: Vec<(SystemTime, PathBuf, u64)> = days(&self.directory)
            .iter()
            .flat_map(|day| fs::read_dir(day).into_iter().flatten().flatten())
            .filter_map(|entry| {
                let about = entry.metadata().ok().filter(fs::Metadata::is_file)?;
                Some((about.modified().ok()?, entry.path(), about.len()))
            })
            .collect();
        found.sort();
        self.bytes = found.iter().map(|(_, _, bytes)| bytes).sum();
        self.kept = found.into_iter().map(|(_, path, bytes)| (path, bytes)).collect();
        self.make_room(0);
    }

    /// Writes a file, of which either the whole or nothing has its name.
    fn keep(&mut self, whole: &Whole) -> io::Result<()> {
        let (path, bytes) = (self.directory.join(&whole.name), whole.bytes.len() as u64);
        self.make_room(bytes);
        let unfinished = path.with_extension("part");
        modes::make_folder(path.parent().unwrap_or(&self.directory))?;
        let written = write(&unfinished, &whole.bytes).and_then(|()| fs::rename(&unfinished, &path));
        if written.is_err() {
            // What is left of it is of no use; where even that fails, it is counted at the next start.
            let _ = fs::remove_file(&unfinished);
            return written;
        }
        self.bytes += bytes;
        self.kept.push_back((path, bytes));
        Ok(())
    }

    /// Removes the oldest files until so many bytes more have room.
    fn make_room(&mut self, bytes: u64) {
        while self.bytes.saturating_add(bytes) > self.most {
            let Some((path, bytes)) = self.kept.pop_front() else { break };
            self.bytes -= bytes;
            // Somebody else may have removed it.
            let _ = fs::remove_file(&path);
            // Only the last file of a day leaves its folder empty.
            let _ = path.parent().map(fs::remove_dir);
        }
    }

    fn report(&mut self, kept: &io::Result<()>) {
        match kept {
            Ok(()) if self.is_failing => info!("{}: evidence is kept again", self.directory.display()),
            Err(error) if !self.is_failing => {
                warn!("{}: evidence cannot be kept: {error}", self.directory.display());
            }
            _ => {}
        }
        self.is_failing = kept.is_err();
        if kept.is_err() {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
    }
}

fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file: File = modes::file().truncate(true).open(path)?;
    file.write_all(bytes)?;
    file.sync_data()
}

/// The folders of days, the first day first.
pub(super) fn days(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    let mut days: Vec<PathBuf> = entries.map(|entry| entry.path()).filter(|path| path.is_dir()).collect();
    days.sort();
    days
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(directory: &Path) -> Vec<String> {
        let files = days(directory).into_iter().flat_map(|day| fs::read_dir(day).into_iter().flatten().flatten());
        let mut names: Vec<String> = files.map(|file| file.file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }

    #[test]
    fn the_oldest_files_make_room() {
        let directory = tempfile::tempdir().unwrap();
        for start in 0..2 {
            let shelf = Shelf::open(directory.path(), 35, true).unwrap();
            for number in 0..5 {
                assert!(shelf.put(format!("2026-11-{:02}/{start}{number}", 10 + start), vec![0; 10]));
            }
            assert_eq!(shelf.lost(), 0);
        }
        assert_eq!(names(directory.path()), ["12", "13", "14"]);
        assert_eq!(days(directory.path()).len(), 1, "a day without files has no folder");
    }

    #[test]
    fn what_cannot_be_written_is_counted() {
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join("2026-11-28"), "in the way").unwrap();
        let shelf = Shelf::open(directory.path(), 1_000, true).unwrap();
        assert!(shelf.put("2026-11-28/a".to_owned(), vec![0; 10]));
        assert!(shelf.put("2026-11-29/b".to_owned(), vec![0; 10]));
        let lost = Arc::clone(&shelf.lost);
        drop(shelf);
        assert_eq!((lost.load(Ordering::Relaxed), names(directory.path())), (1, vec!["b".to_owned()]));
    }
}
