use std::fmt;
use std::io::{self, ErrorKind};
use std::path::Path;
use std::process::ExitCode;

/// Why a command ended without doing what it was asked.
#[derive(Debug)]
pub enum Failure {
    /// The command line or the configuration is wrong.
    Usage(String),
    /// A policy is wrong; its diagnostics have been printed.
    Policy,
    /// A capture could not be read; why has been logged.
    Captures,
    /// A gateway refuses what it was asked to do.
    Refused(String),
    /// Reading or writing failed.
    Io(String),
    /// Nobody reads what is written any more.
    BrokenPipe,
    /// There are findings, and the command was asked to fail on them.
    Findings,
}

impl Failure {
    /// An input file could not be read.
    pub fn input(path: &Path, error: &impl fmt::Display) -> Self {
        Self::Io(format!("{}: {error}", path.display()))
    }

    /// An output could not be written.
    pub fn output(name: &str, error: &io::Error) -> Self {
        if error.kind() == ErrorKind::BrokenPipe { Self::BrokenPipe } else { Self::Io(format!("{name}: {error}")) }
    }

    /// The exit code: 1 findings or a refusal, 2 usage or configuration, 3 input or output. A reader that has had enough is no
    /// failure.
    pub fn exit_code(&self) -> ExitCode {
        ExitCode::from(match self {
            Self::BrokenPipe => 0,
            Self::Findings | Self::Refused(_) => 1,
            Self::Usage(_) | Self::Policy => 2,
            Self::Captures | Self::Io(_) => 3,
        })
    }

    /// What to tell the user, if anything is left to tell.
    pub fn message(&self) -> Option<&str> {
        match self {
            Self::Usage(message) | Self::Refused(message) | Self::Io(message) => Some(message),
            Self::Policy | Self::Captures | Self::BrokenPipe | Self::Findings => None,
        }
    }
}
