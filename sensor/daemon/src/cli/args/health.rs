use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;

use super::delivery::CONFIG;

#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(in crate::cli) struct HealthArgs {
    /// Configuration file of the daemon, whose `[management] listen` is asked
    #[arg(long, value_name = "FILE", default_value = CONFIG)]
    pub(in crate::cli) config: PathBuf,
    /// Ask at this address, whatever the configuration says
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub(in crate::cli) address: Option<SocketAddr>,
    /// Exit with 0 as long as the daemon lives, whatever of it is unwell: for those who start it anew
    #[arg(long)]
    pub(in crate::cli) live: bool,
    /// Print what the daemon says as JSON
    #[arg(long)]
    pub(in crate::cli) json: bool,
}

const EXAMPLES: &str = "\
Examples:
  tagout health
  tagout health --address 192.0.2.7:9465 --json | jq '.unwell[].why'
  tagout health --live                         for a container's health check

Exits with 0 if all is well, with 1 if something is unwell, and with 3 if the daemon cannot be reached.";
