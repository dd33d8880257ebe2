use std::io::{self, Write};

use indicatif::ProgressBar;
use tagout_core::Timestamp;
use tagout_core::words::Subject;

use super::Paint;
use super::summary::Summary;
use crate::failure::Failure;
use crate::news::News;
use crate::record::Stamp;

/// Text for people: a line an alert as it happens, and a summary at the end.
pub struct Screen {
    to: Box<dyn Write>,
    paint: Paint,
    bar: ProgressBar,
    failed: Option<io::Error>,
}

impl Screen {
    /// A screen on any stream, on which `bar` may be shown as well.
    pub fn new(to: Box<dyn Write>, paint: Paint, bar: ProgressBar) -> Self {
        Self { to, paint, bar, failed: None }
    }

    /// Shows that what follows is of another capture.
    pub fn capture(&mut self, name: &str) {
        let dim = self.paint.dim();
        let shown = self.bar.clone().suspend(|| writeln!(self.to, "{dim}{name}{dim:#}"));
        self.keep(shown);
    }

    /// Shows an alert in one line.
    pub fn alert(&mut self, time: Timestamp, subject: &Subject<'_>) {
        let shown = self.bar.clone().suspend(|| self.write_alert(time, subject));
        self.keep(shown);
    }

    /// Shows in one line what the sensor tells of itself.
    pub fn news(&mut self, news: &News) {
        let (dim, alarm) = (self.paint.dim(), self.paint.severity(news.kind.severity()));
        let (clock, severity) = (Clock(news.time), news.kind.severity().name());
        let line = format!("{dim}{clock}{dim:#} {alarm}{severity:<13}{alarm:#} {}", news.why);
        let shown = self.bar.clone().suspend(|| writeln!(self.to, "{line}"));
        self.keep(shown);
    }

    /// Shows what it all came to.
    pub fn summary(&mut self, summary: &Summary<'_>) {
        let shown = summary.write(&mut self.to, self.paint);
        self.keep(shown);
    }

    /// Writes out what was held back.
    ///
    /// # Errors
    /// The first failure since the beginning.
    pub fn flush(&mut self) -> Result<(), Failure> {
        let flushed = self.to.flush();
        self.keep(flushed);
        self.failed.as_ref().map_or(Ok(()), |error| Err(Failure::output("standard output", error)))
    }

    /// Whether showing something has failed.
    pub fn has_failed(&self) -> bool {
        self.failed.is_some()
    }

    fn keep(&mut self, result: io::Result<()>) {
        if let Err(error) = result {
            self.failed.get_or_insert(error);
        }
    }

    fn write_alert(&mut self, time: Timestamp, subject: &Subject<'_>) -> io::Result<()> {
        let (severity, name, dim) = (subject.severity(), self.paint.name(), self.paint.dim());
        let alarm = self.paint.severity(severity);
        write!(self.to, "{dim}{}{dim:#} {alarm}{:<13}{alarm:#} ", Clock(time), severity.name())?;
        write!(self.to, "{name}{}{name:#} → {name}{}{name:#}: ", subject.who(), subject.what())?;
        write!(self.to, "{}", subject.complaint())?;
        if let Some(answer) = subject.answer {
            write!(self.to, "; {dim}{answer}{dim:#}")?;
        }
        if let Some(count) = subject.repeated() {
            write!(self.to, "; {dim}{count} more like it{dim:#}")?;
        }
        writeln!(self.to)
    }
}

/// A time of day with milliseconds, in UTC.
struct Clock(Timestamp);

impl std::fmt::Display for Clock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(Stamp(self.0).to_string().get(11..23).unwrap_or_default())
    }
}
