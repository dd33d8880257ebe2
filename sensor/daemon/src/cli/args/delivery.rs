use std::path::PathBuf;

use clap::{Args, Subcommand};

/// Where the packaged configuration is.
pub(in crate::cli) const CONFIG: &str = "/etc/tagout/tagout.toml";

#[derive(Args, Debug)]
pub(in crate::cli) struct SpoolArgs {
    #[command(subcommand)]
    pub(in crate::cli) command: SpoolCommand,
}

#[derive(Subcommand, Debug)]
pub(in crate::cli) enum SpoolCommand {
    /// Tell how much waits for which destination, and why; also while tagout runs
    Status(SpoolStatusArgs),
    /// Write what waits, one EVE record a line; tagout must not be running
    Show(SpoolShowArgs),
    /// Let go of what waits for a destination; tagout must not be running
    Drop(SpoolDropArgs),
}

#[derive(Args, Debug)]
pub(in crate::cli) struct SpoolPlace {
    /// Configuration file that names the spool
    #[arg(long, value_name = "FILE", default_value = CONFIG)]
    pub(in crate::cli) config: PathBuf,
    /// Folder of the spool, without a configuration file
    #[arg(long, value_name = "FOLDER", conflicts_with = "config")]
    pub(in crate::cli) directory: Option<PathBuf>,
}

#[derive(Args, Debug)]
#[command(after_help = STATUS_EXAMPLES)]
pub(in crate::cli) struct SpoolStatusArgs {
    #[command(flatten)]
    pub(in crate::cli) place: SpoolPlace,
    /// Write one JSON object
    #[arg(long)]
    pub(in crate::cli) json: bool,
}

const STATUS_EXAMPLES: &str = "\
Examples:
  tagout spool status
  tagout spool status --directory /var/lib/tagout/spool --json | jq .destinations

While tagout runs this tells what it wrote down within the last seconds.";

#[derive(Args, Debug)]
pub(in crate::cli) struct SpoolShowArgs {
    #[command(flatten)]
    pub(in crate::cli) place: SpoolPlace,
    /// What waits for this destination; for any if left out
    #[arg(long = "for", value_name = "NAME")]
    pub(in crate::cli) destination: Option<String>,
}

#[derive(Args, Debug)]
pub(in crate::cli) struct SpoolDropArgs {
    #[command(flatten)]
    pub(in crate::cli) place: SpoolPlace,
    /// The destination
    #[arg(long = "for", value_name = "NAME")]
    pub(in crate::cli) destination: String,
}

#[derive(Args, Debug)]
pub(in crate::cli) struct DestinationsArgs {
    #[command(subcommand)]
    pub(in crate::cli) command: DestinationsCommand,
}

#[derive(Subcommand, Debug)]
pub(in crate::cli) enum DestinationsCommand {
    /// List the destinations of a configuration
    List(DestinationsListArgs),
    /// Send every destination a message that says it is a test, and tell what it says
    Test(DestinationsTestArgs),
}

#[derive(Args, Debug)]
pub(in crate::cli) struct DestinationsListArgs {
    /// Configuration file
    #[arg(long, value_name = "FILE", default_value = CONFIG)]
    pub(in crate::cli) config: PathBuf,
}

#[derive(Args, Debug)]
#[command(after_help = TEST_EXAMPLES)]
pub(in crate::cli) struct DestinationsTestArgs {
    /// Configuration file
    #[arg(long, value_name = "FILE", default_value = CONFIG)]
    pub(in crate::cli) config: PathBuf,
    /// Test only this destination; repeat for several
    #[arg(value_name = "NAME")]
    pub(in crate::cli) names: Vec<String>,
}

const TEST_EXAMPLES: &str = "\
Examples:
  tagout destinations test
  tagout destinations test --config tagout.toml soc

Exits with 1 if a destination does not take the message. Filters do not hold it back, and it is not kept in the spool.";
