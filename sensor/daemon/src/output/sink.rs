use std::fs::File;
use std::io::{self, Stdout, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;
use tracing::{error, info};

use crate::failure::Failure;
use crate::json;
use crate::modes;

/// Bytes held back before they are written.
const BUFFER: usize = 64 * 1024;

/// Where one kind of record goes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Target {
    /// Standard output: `-`.
    Stdout,
    /// A file, which is created where it does not exist.
    File(PathBuf),
}

impl From<PathBuf> for Target {
    fn from(path: PathBuf) -> Self {
        if path == Path::new("-") { Self::Stdout } else { Self::File(path) }
    }
}

/// What becomes of records that a file has from earlier.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Existing {
    /// They make room: the same replay gives the same file.
    Replace,
    /// They stay: a daemon that starts again goes on where it was.
    Keep,
}

impl Existing {
    fn open(self, path: &Path) -> io::Result<File> {
        match self {
            Self::Replace => modes::file().truncate(true).open(path),
            Self::Keep => modes::file().append(true).open(path),
        }
    }
}

/// The outputs for alerts and events. Both may go to the same place, in the order in which they happen.
#[derive(Default)]
pub struct Sinks {
    lines: Vec<Lines>,
    alerts: Option<usize>,
    events: Option<usize>,
}

impl Sinks {
    /// Opens the outputs.
    ///
    /// # Errors
    /// When a file cannot be opened.
    pub fn open(alerts: Option<Target>, events: Option<Target>, existing: Existing) -> Result<Self, Failure> {
        let mut sinks = Self::default();
        sinks.alerts = alerts.map(|target| sinks.add(target, existing)).transpose()?;
        sinks.events = events.map(|target| sinks.add(target, existing)).transpose()?;
        Ok(sinks)
    }

    /// Whether an output has failed; nothing more is written to it then.
    pub fn have_failed(&self) -> bool {
        self.lines.iter().any(|lines| lines.failed.is_some())
    }

    /// Whether standard output carries records.
    pub fn claim_stdout(&self) -> bool {
        self.lines.iter().any(|lines| lines.target == Target::Stdout)
    }

    /// The output for alerts.
    pub fn alerts(&mut self) -> Option<&mut Lines> {
        self.alerts.map(|index| &mut self.lines[index])
    }

    /// The output for everything else.
    pub fn events(&mut self) -> Option<&mut Lines> {
        self.events.map(|index| &mut self.lines[index])
    }

    /// Records that files which are kept did not take, because the disk was full for instance.
    pub fn lost(&self) -> u64 {
        self.lines.iter().map(|lines| lines.lost).sum()
    }

    /// Writes out what was held back.
    ///
    /// # Errors
    /// The first failure of any output since it was opened, but for files that are kept.
    pub fn flush(&mut self) -> Result<(), Failure> {
        self.lines.iter_mut().try_for_each(Lines::flush)
    }

    fn add(&mut self, target: Target, existing: Existing) -> Result<usize, Failure> {
        if let Some(known) = self.lines.iter().position(|lines| lines.target == target) {
            return Ok(known);
        }
        self.lines.push(Lines::open(target, existing)?);
        Ok(self.lines.len() - 1)
    }
}

/// Lines on their way to one place.
///
/// An output that fails gets nothing more. A file that is kept is tried again, since what fills a disk goes away, and a daemon
/// that ends for it watches nothing.
pub struct Lines {
    target: Target,
    to: To,
    buffer: Vec<u8>,
    /// Lines in it.
    held: u64,
    failed: Option<io::Error>,
    lost: u64,
    is_losing: bool,
}

enum To {
    Stdout(Stdout),
    File(File),
    Kept(File),
}

impl Lines {
    fn open(target: Target, existing: Existing) -> Result<Self, Failure> {
        let to = match &target {
            Target::Stdout => To::Stdout(io::stdout()),
            Target::File(path) => {
                let file = existing.open(path).map_err(|error| Failure::input(path, &error))?;
                if existing == Existing::Keep { To::Kept(file) } else { To::File(file) }
            }
        };
        let buffer = Vec::with_capacity(2 * BUFFER);
        Ok(Self { target, to, buffer, held: 0, failed: None, lost: 0, is_losing: false })
    }

    /// Adds one record. A failure to write is kept for [`Sinks::flush`].
    pub fn put(&mut self, record: &impl Serialize) {
        if let Err(error) = json::append(&mut self.buffer, record) {
            self.failed.get_or_insert(error.into());
        }
        self.end_line();
    }

    /// Adds one line of text, in the same way.
    pub fn put_text(&mut self, text: &str) {
        self.buffer.extend_from_slice(text.as_bytes());
        self.end_line();
    }

    fn end_line(&mut self) {
        self.buffer.push(b'\n');
        self.held += 1;
        if self.buffer.len() >= BUFFER {
            self.write_out();
        }
    }

    fn write_out(&mut self) {
        if self.failed.is_none() {
            match (self.to.write(&self.buffer), &self.to) {
                (Ok(()), _) => self.go_on(),
                (Err(error), To::Kept(_)) => self.lose(&error),
                (Err(error), _) => self.failed = Some(error),
            }
        }
        self.buffer.clear();
        self.held = 0;
    }

    fn lose(&mut self, error: &io::Error) {
        self.lost += self.held;
        if !std::mem::replace(&mut self.is_losing, true) {
            error!("{}: {error}; records are lost", self.target);
        }
    }

    fn go_on(&mut self) {
        if std::mem::take(&mut self.is_losing) {
            info!("{}: takes records again; {} were lost so far", self.target, self.lost);
        }
    }

    fn flush(&mut self) -> Result<(), Failure> {
        if !self.buffer.is_empty() {
            self.write_out();
        }
        match &self.failed {
            Some(error) => Err(Failure::output(&self.target.to_string(), error)),
            None => Ok(()),
        }
    }
}

impl To {
    fn write(&mut self, lines: &[u8]) -> io::Result<()> {
        match self {
            Self::Stdout(stdout) => stdout.write_all(lines).and_then(|()| stdout.flush()),
            Self::File(file) => file.write_all(lines),
            Self::Kept(file) => append(file, lines),
        }
    }
}

/// Adds all of these lines to a file, or none.
fn append(file: &mut File, lines: &[u8]) -> io::Result<()> {
    let before = file.metadata()?;
    file.write_all(lines).inspect_err(|_| {
        if before.is_file() {
            // What could not be taken back is a line cut short, which readers pass over.
            let _ = file.set_len(before.len());
        }
    })
}

impl std::fmt::Display for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Stdout => f.write_str("standard output"),
            Self::File(path) => write!(f, "{}", path.display()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a device that is always full takes of a record.
    fn full(existing: Existing) -> Sinks {
        let mut sinks = Sinks::open(Some(PathBuf::from("/dev/full").into()), None, existing).unwrap();
        sinks.alerts().unwrap().put_text("a record");
        sinks
    }

    #[test]
    fn a_file_that_is_kept_may_be_full_for_a_while() {
        let mut sinks = full(Existing::Keep);
        assert!(sinks.flush().is_ok());
        sinks.alerts().unwrap().put_text("another");
        assert!(sinks.flush().is_ok());
        assert_eq!((sinks.lost(), sinks.have_failed()), (2, false));
    }

    #[test]
    fn any_other_has_failed_for_good() {
        let mut sinks = full(Existing::Replace);
        assert!(sinks.flush().is_err());
        assert_eq!((sinks.lost(), sinks.have_failed()), (0, true));
    }
}
