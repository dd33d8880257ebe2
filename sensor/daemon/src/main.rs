//! The `tagout` command.

use std::process::ExitCode;

use clap::Parser as _;
use tagout::cli::{self, Cli};

fn main() -> ExitCode {
    match cli::main(Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            if let Some(message) = failure.message() {
                eprintln!("tagout: {message}");
            }
            failure.exit_code()
        }
    }
}
