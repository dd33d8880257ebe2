use std::path::PathBuf;

use clap::Args;

use super::delivery::CONFIG;

#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(in crate::cli) struct DoctorArgs {
    /// Configuration file of the sensor
    #[arg(long, value_name = "FILE", default_value = CONFIG)]
    pub(in crate::cli) config: PathBuf,
    /// Look at this interface instead of those of the configuration; repeat for several
    #[arg(short, long, value_name = "NAME")]
    pub(in crate::cli) interface: Vec<String>,
    /// How long to listen; 0 not at all
    #[arg(long, value_name = "SECONDS", default_value_t = 5)]
    pub(in crate::cli) listen: u64,
    /// Send every destination a message that says it is a test
    #[arg(long)]
    pub(in crate::cli) send: bool,
    /// Exit with 1 on warnings too
    #[arg(long)]
    pub(in crate::cli) strict: bool,
    /// Write one JSON object a line
    #[arg(long)]
    pub(in crate::cli) json: bool,
}

const EXAMPLES: &str = "\
Examples:
  sudo tagout doctor                           before the service is started, and when something is odd
  sudo tagout doctor --interface eth1 --listen 60
  tagout doctor --listen 0 --json | jq 'select(.verdict != \"ok\")'

It looks at policy, clock, interfaces and what they do with packets, folders, destinations and what the kernel has to lock the sensor in, and
listens for a while. It changes nothing. Exits with 1 if something fails.";
