use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use serde::Deserialize;

use super::{Destination, Message, Sent, Trouble};
use crate::modes;

/// `[destination.file]`: lines in a file.
#[derive(Deserialize, Clone, PartialEq, Eq, Debug)]
#[serde(deny_unknown_fields)]
pub(in crate::delivery) struct FileTable {
    /// The file; older ones stand beside it with `.1`, `.2` and so on behind its name.
    pub(in crate::delivery) path: PathBuf,
    /// A file that has reached so many MiB is followed by a new one; 0 for never.
    #[serde(default = "default_rotate_mib")]
    rotate_mib: u64,
    /// A file that was begun so many hours ago is followed by a new one; 0 for never.
    #[serde(default)]
    rotate_hours: u64,
    /// Older files that are kept.
    #[serde(default = "default_keep")]
    keep: u32,
}

fn default_rotate_mib() -> u64 {
    64
}

fn default_keep() -> u32 {
    8
}

/// Has a line when the disk has it.
pub(in crate::delivery) struct RotatingFile {
    table: FileTable,
    open: Option<Open>,
}

struct Open {
    file: File,
    bytes: u64,
    begun: SystemTime,
}

impl RotatingFile {
    /// Opens the file, of which there may be something from earlier.
    pub(in crate::delivery) fn open(table: &FileTable) -> io::Result<Self> {
        Ok(Self { table: table.clone(), open: Some(Open::at(&table.path)?) })
    }

    fn write(&mut self, messages: &[Message]) -> io::Result<()> {
        self.open = self.open.take().and_then(|open| open.if_still_at(&self.table.path));
        if self.open.as_ref().is_some_and(|open| self.table.is_full(open)) {
            self.open = None;
            self.table.shift()?;
        }
        let mut open = match self.open.take() {
            Some(open) => open,
            None => Open::at(&self.table.path)?,
        };
        let lines: String = messages.iter().flat_map(|message| [&message.text, "\n"]).collect();
        if let Err(error) = open.append(lines.as_bytes()) {
            // A line that was written in part is taken back, as it will be written again.
            let _ = open.file.set_len(open.bytes);
            return Err(error);
        }
        self.open = Some(open);
        Ok(())
    }
}

impl Open {
    fn at(path: &Path) -> io::Result<Self> {
        let file = modes::file().append(true).open(path)?;
        let about = file.metadata()?;
        // Where the file system does not tell when it was begun, its last line does.
        let begun = about.created().or_else(|_| about.modified()).unwrap_or_else(|_| SystemTime::now());
        Ok(Self { bytes: about.len(), begun, file })
    }

    /// The same as it is now, since somebody else may have cut it short; nothing if it was moved or taken away.
    fn if_still_at(self, path: &Path) -> Option<Self> {
        let (here, there) = (self.file.metadata().ok()?, fs::metadata(path).ok()?);
        let is_same = here.ino() == there.ino() && here.dev() == there.dev();
        is_same.then(|| Self { bytes: here.len(), ..self })
    }

    fn append(&mut self, lines: &[u8]) -> io::Result<()> {
        self.file.write_all(lines)?;
        self.file.sync_data()?;
        self.bytes += lines.len() as u64;
        Ok(())
    }
}

impl FileTable {
    fn is_full(&self, open: &Open) -> bool {
        let hours = Duration::from_secs(self.rotate_hours.saturating_mul(3_600));
        let age = open.begun.elapsed().unwrap_or_default();
        self.rotate_mib > 0 && open.bytes >= self.rotate_mib.saturating_mul(1 << 20)
            || self.rotate_hours > 0 && open.bytes > 0 && age >= hours
    }

    /// Makes room for a new file.
    fn shift(&self) -> io::Result<()> {
        for number in (1..self.keep).rev() {
            let (from, to) = (self.older(number), self.older(number + 1));
            if from.exists() {
                fs::rename(from, to)?;
            }
        }
        if self.keep == 0 { fs::remove_file(&self.path) } else { fs::rename(&self.path, self.older(1)) }
    }

    fn older(&self, number: u32) -> PathBuf {
        let mut name = self.path.clone().into_os_string();
        name.push(format!(".{number}"));
        name.into()
    }
}

impl Destination for RotatingFile {
    fn most(&self) -> usize {
        256
    }

    fn send(&mut self, messages: &[Message]) -> Result<Sent, Trouble> {
        self.write(messages).map_err(|error| Trouble::Later(format!("{}: {error}", self.table.path.display())))?;
        Ok(Sent::all(messages.len()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::delivery::tests::message;

    fn table(path: PathBuf) -> FileTable {
        FileTable { path, rotate_mib: 0, rotate_hours: 0, keep: 2 }
    }

    fn lines(path: &Path) -> Vec<usize> {
        fs::read_to_string(path).unwrap_or_default().lines().map(str::len).collect()
    }

    #[test]
    fn a_file_that_was_moved_or_taken_away_is_made_anew() {
        let directory = tempfile::tempdir().unwrap();
        let table = table(directory.path().join("alerts.jsonl"));
        let mut file = RotatingFile::open(&table).unwrap();
        let mut send = |text: &str| assert_eq!(file.send(&[message(1, text)]), Ok(Sent::all(1)));
        send("1");
        fs::rename(&table.path, directory.path().join("moved")).unwrap();
        send("22");
        assert_eq!(lines(&table.path), [2]);
        fs::remove_file(&table.path).unwrap();
        send("333");
        assert_eq!((lines(&table.path), lines(&directory.path().join("moved"))), (vec![3], vec![1]));
    }

    #[test]
    fn a_full_file_is_followed_by_a_new_one() {
        let directory = tempfile::tempdir().unwrap();
        let table = FileTable { rotate_mib: 1, ..table(directory.path().join("alerts.jsonl")) };
        let mut file = RotatingFile::open(&table).unwrap();
        for size in [1 << 20, 10, 1 << 20, 20, 1 << 20, 30, 1 << 20, 40] {
            assert_eq!(file.send(&[message(1, &"x".repeat(size))]), Ok(Sent::all(1)));
        }
        assert_eq!(lines(&table.path), [40]);
        assert_eq!(lines(&table.older(1)), [30, 1 << 20]);
        assert_eq!(lines(&table.older(2)), [20, 1 << 20]);
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 3);
    }

    #[test]
    fn it_goes_on_where_it_was() {
        let directory = tempfile::tempdir().unwrap();
        let table = table(directory.path().join("alerts.jsonl"));
        for size in [1, 2] {
            let mut file = RotatingFile::open(&table).unwrap();
            assert_eq!(file.send(&[message(1, &"x".repeat(size))]), Ok(Sent::all(1)));
        }
        assert_eq!(lines(&table.path), [1, 2]);
    }
}
