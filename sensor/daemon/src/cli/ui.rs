use std::io::{self, BufWriter, IsTerminal, Write};
use std::time::{Duration, Instant};

use anstream::{AutoStream, ColorChoice};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::capture::CaptureFile;
use crate::output::{Paint, Screen, Sinks};

/// How to talk to people.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ui {
    stdout: Paint,
    stderr: Paint,
}

impl Ui {
    /// Colour as asked for; if that is left open, where the stream is a terminal and NO_COLOR is not set.
    pub(super) fn new(choice: clap::ColorChoice) -> Self {
        match choice {
            clap::ColorChoice::Auto => ColorChoice::Auto,
            clap::ColorChoice::Always => ColorChoice::Always,
            clap::ColorChoice::Never => ColorChoice::Never,
        }
        .write_global();
        Self {
            stdout: Paint::new(AutoStream::choice(&io::stdout()) != ColorChoice::Never),
            stderr: Paint::new(AutoStream::choice(&io::stderr()) != ColorChoice::Never),
        }
    }

    /// Whether standard error takes colour.
    pub(super) const fn stderr_colour(self) -> bool {
        self.stderr.colour()
    }

    /// How text on standard output looks.
    pub(super) const fn stdout(self) -> Paint {
        self.stdout
    }

    /// Where alerts and summary are shown: on standard output, unless records claim it.
    pub(super) fn screen(self, sinks: &Sinks, bar: &ProgressBar) -> Screen {
        let (to, paint): (Box<dyn Write>, _) = match sinks.claim_stdout() {
            true => (Box::new(io::stderr()), self.stderr),
            false if io::stdout().is_terminal() => (Box::new(io::stdout()), self.stdout),
            false => (Box::new(BufWriter::new(io::stdout())), self.stdout),
        };
        Screen::new(to, paint, bar.clone())
    }
}

/// Frames read between two looks at the clock.
pub(super) const STRIDE: u64 = 8_192;

/// How long reading a file has to last before its progress is shown.
const LONG_READ: Duration = Duration::from_secs(1);

/// A progress bar that does not show yet.
pub(super) fn hidden_bar() -> ProgressBar {
    ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden())
}

/// Shows how far a file is read that was opened at `started`, once that takes long.
pub(super) fn show_progress(file: &CaptureFile, bar: &ProgressBar, started: Instant) {
    if let Some(bytes) = file.size() {
        bar.set_length(bytes);
        if bar.is_hidden() && started.elapsed() > LONG_READ {
            show_bar(bar);
        }
    }
    bar.set_position(file.position());
}

/// Shows a progress bar over bytes, where standard error is a terminal.
pub(super) fn show_bar(bar: &ProgressBar) {
    let style = ProgressStyle::with_template("{bar:40} {bytes}/{total_bytes} {binary_bytes_per_sec} {eta}");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar.set_draw_target(ProgressDrawTarget::stderr());
}
