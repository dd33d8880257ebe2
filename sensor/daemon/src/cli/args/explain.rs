use std::path::PathBuf;

use clap::Args;

use super::options::{PolicyArgs, PortArgs};

#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(in crate::cli) struct ExplainArgs {
    /// File with alerts as --alerts writes them; - is standard input
    #[arg(value_name = "ALERTS", required_unless_present = "frame")]
    pub(in crate::cli) alert: Option<PathBuf>,
    /// The alert's id, or the beginning of it, where there are several
    #[arg(long, value_name = "ID", requires = "alert")]
    pub(in crate::cli) id: Option<String>,
    /// The capture that it is from; that of the alert if left out
    #[arg(long, value_name = "CAPTURE", required_unless_present = "alert")]
    pub(in crate::cli) capture: Option<PathBuf>,
    /// Number of the frame of the request or response; that of the alert if left out
    #[arg(long, value_name = "NUMBER", requires = "capture")]
    pub(in crate::cli) frame: Option<u64>,
    /// Hold the command against the declarations of this file, as `tagout replay` does
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli) intents: Option<PathBuf>,
    #[command(flatten)]
    pub(in crate::cli) policy: PolicyArgs,
    #[command(flatten)]
    pub(in crate::cli) ports: PortArgs,
}

const EXAMPLES: &str = "\
Examples:
  tagout explain alerts.jsonl --id 1f2e --policy site/
  tagout explain --capture plant.pcap --frame 1288 --policy site/
  tail -n 1 alerts.jsonl | tagout explain - --policy site/
  tagout explain alerts.jsonl --id 1f2e --policy site/ --intents intents.jsonl

Plays the capture again up to that frame, and shows every permit that was asked about the request, with the
values at that time. What would permit it is tried out before it is shown.";
