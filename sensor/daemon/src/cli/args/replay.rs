use std::path::PathBuf;

use clap::Args;
use tagout_core::engine::Severity;

use super::options::{OutputArgs, PolicyArgs, PortArgs};
use super::values::severity;

#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(in crate::cli) struct ReplayArgs {
    /// Capture files, pcap or pcapng, gzipped or not; - is standard input
    #[arg(required = true, value_name = "CAPTURE")]
    pub(in crate::cli) captures: Vec<PathBuf>,
    #[command(flatten)]
    pub(in crate::cli) policy: PolicyArgs,
    #[command(flatten)]
    pub(in crate::cli) output: OutputArgs,
    #[command(flatten)]
    pub(in crate::cli) ports: PortArgs,
    /// Take all captures as one, in the order given, as of a capture that was split: connections, open requests and
    /// frame numbers go on from one file to the next
    #[arg(long = "continue")]
    pub(in crate::cli) continued: bool,
    /// Hold commands against the declarations of this file: JSON lines, each with the time at which it was received
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli) intents: Option<PathBuf>,
    /// Deliver alerts to the destinations of this configuration file, by its spool; nothing else of it counts. Exit with 3 if
    /// what was not delivered is lost, as the spool has no directory
    #[arg(long, value_name = "CONFIG")]
    pub(in crate::cli) deliver: Option<PathBuf>,
    /// Keep alerts, and who did what to whom, in this database, made anew, for `tagout alerts`, `devices`, `actors` and `top`
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli) store: Option<PathBuf>,
    /// Exit with 1 if there is an alert of this severity or worse
    #[arg(
        long,
        value_name = "SEVERITY",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "informational",
        value_parser = severity
    )]
    pub(in crate::cli) fail_on_alert: Option<Severity>,
}

const EXAMPLES: &str = "\
Examples:
  tagout replay plant.pcap.gz
  tagout replay monday.pcap tuesday.pcap --policy site/ --alerts alerts.jsonl --events events.jsonl
  tagout replay plant.pcap --policy site.toml --alerts - | jq .ot.why
  tagout replay plant.pcap --policy site.toml --alerts alerts.cef --format cef
  tagout replay test.pcap --policy site.toml --fail-on-alert=medium
  tagout replay night.pcap --policy site.toml --deliver /etc/tagout/tagout.toml
  tagout replay night.pcap --policy site.toml --intents declared.jsonl
  tagout replay night.pcap --policy site.toml --store night.store && tagout devices --store night.store

Each capture is judged by itself, with frame numbers from 1, unless --continue is given. The same captures and policy
give the same output, byte for byte.";
