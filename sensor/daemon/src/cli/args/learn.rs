use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::options::PortArgs;
use super::values::duration;
use crate::learn::{Limits, MOST_POINTS};

#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(in crate::cli) struct LearnArgs {
    /// Capture files, pcap or pcapng, gzipped or not; - is standard input
    #[arg(required_unless_present = "from_live", conflicts_with = "from_live", value_name = "CAPTURE")]
    pub(in crate::cli) captures: Vec<PathBuf>,
    /// Learn from this interface, by name or address, or any
    #[arg(long, value_name = "NAME")]
    pub(in crate::cli) from_live: Option<String>,
    /// How long to learn from an interface, such as 30s, 10min, 8h or 7day; until interrupted if left out
    #[arg(long = "for", value_name = "DURATION", requires = "from_live", value_parser = duration)]
    pub(in crate::cli) duration: Option<Duration>,
    /// Write no policy but what would have to change in this one, which is left as it is; repeat for several files
    #[arg(long, value_name = "POLICY", num_args = 1)]
    pub(in crate::cli) against: Vec<PathBuf>,
    /// Folder to write the policy and the review to, or the proposal; made if it is not there
    #[arg(short, long, value_name = "FOLDER")]
    pub(in crate::cli) output: PathBuf,
    /// Write over a policy, review or proposal that stands there
    #[arg(long)]
    pub(in crate::cli) force: bool,
    #[command(flatten)]
    pub(in crate::cli) ports: PortArgs,
    /// Follow the values of so many addresses, and declare so many points, at most
    #[arg(long, value_name = "COUNT", default_value_t = MOST_POINTS)]
    pub(in crate::cli) max_points: usize,
    /// Keep so many different requests at most
    #[arg(long, value_name = "COUNT", default_value_t = Limits::default().things)]
    pub(in crate::cli) max_things: usize,
}

const EXAMPLES: &str = "\
Examples:
  tagout learn monday.pcap tuesday.pcap -o site/
  tagout learn --from-live eth1 --for 7day -o site/
  tagout replay wednesday.pcap --policy site/
  tagout learn thursday.pcap --against site/ -o thursday/

Writes actors.toml, devices.toml and permits.toml, which together are a policy, and review.md. What was not seen often
enough, or speaks against itself, is not permitted: review.md tells what and why, with the permit to paste if it is right.
With --against, proposal.md tells which habits the policy does not permit, and the least that would permit them.
The same captures give the same files, byte for byte.";
