use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::failure::Failure;

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
            Self::Replace => File::create(path),
            Self::Keep => OpenOptions::new().create(true).append(true).open(path),
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

    /// Writes out what was held back.
    ///
    /// # Errors
    /// The first failure of any output since it was opened.
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
pub struct Lines {
    target: Target,
    to: Box<dyn Write>,
    buffer: Vec<u8>,
    failed: Option<io::Error>,
}

impl Lines {
    fn open(target: Target, existing: Existing) -> Result<Self, Failure> {
        let to: Box<dyn Write> = match &target {
            Target::Stdout => Box::new(io::stdout()),
            Target::File(path) => Box::new(existing.open(path).map_err(|error| Failure::input(path, &error))?),
        };
        Ok(Self { target, to, buffer: Vec::with_capacity(2 * BUFFER), failed: None })
    }

    /// Adds one record. A failure to write is kept for [`Sinks::flush`].
    pub fn put(&mut self, record: &impl Serialize) {
        if let Err(error) = serde_json::to_writer(&mut self.buffer, record) {
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
        if self.buffer.len() >= BUFFER {
            self.write_out();
        }
    }

    fn write_out(&mut self) {
        if self.failed.is_none()
            && let Err(error) = self.to.write_all(&self.buffer).and_then(|()| self.to.flush())
        {
            self.failed = Some(error);
        }
        self.buffer.clear();
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

impl std::fmt::Display for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Stdout => f.write_str("standard output"),
            Self::File(path) => write!(f, "{}", path.display()),
        }
    }
}
