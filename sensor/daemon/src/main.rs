//! The `tagout` command.

use std::io::{self, Write as _};
use std::process::ExitCode;

use clap::Parser as _;
use tagout::cli::{self, Cli};

fn main() -> ExitCode {
    match cli::main(Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            if let Some(message) = failure.message() {
                let _ = writeln!(io::stderr(), "tagout: {message}");
            }
            failure.exit_code()
        }
    }
}
