use std::path::PathBuf;

use clap::{Args, Subcommand};
use tagout_core::engine::{Grade, Severity};

use super::delivery::CONFIG;
use super::values::{grade, moment, severity};
use crate::record::Stamp;

#[derive(Args, Debug)]
pub(in crate::cli) struct StorePlace {
    /// Configuration file that names the store
    #[arg(long, global = true, value_name = "FILE", default_value = CONFIG)]
    pub(in crate::cli) config: PathBuf,
    /// The store itself, such as `tagout replay --store` writes, without a configuration file
    #[arg(long, global = true, value_name = "FILE", conflicts_with = "config")]
    pub(in crate::cli) store: Option<PathBuf>,
}

#[derive(Args, Debug)]
#[command(after_help = ALERTS_EXAMPLES, args_conflicts_with_subcommands = true)]
pub(in crate::cli) struct AlertsArgs {
    #[command(subcommand)]
    pub(in crate::cli) command: Option<AlertsCommand>,
    #[command(flatten)]
    pub(in crate::cli) place: StorePlace,
    #[command(flatten)]
    pub(in crate::cli) filter: AlertsFilter,
    /// Show so many at most, the latest; 0 shows all
    #[arg(long, value_name = "COUNT", default_value_t = 50)]
    pub(in crate::cli) limit: usize,
    /// Go on showing those that come
    #[arg(short, long, conflicts_with = "until")]
    pub(in crate::cli) follow: bool,
    /// Write the records, one JSON object a line, the oldest first
    #[arg(long)]
    pub(in crate::cli) json: bool,
}

#[derive(Args, Clone, Debug)]
pub(in crate::cli) struct AlertsFilter {
    #[command(flatten)]
    pub(in crate::cli) times: Times,
    /// Of this severity or worse
    #[arg(long, value_name = "SEVERITY", value_parser = severity)]
    pub(in crate::cli) severity: Option<Severity>,
    /// What this actor did: its name or address, in which * and ? stand for what they do in file names
    #[arg(long, value_name = "NAME")]
    pub(in crate::cli) actor: Option<glob::Pattern>,
    /// What was done to this device, told in the same way
    #[arg(long, value_name = "NAME")]
    pub(in crate::cli) device: Option<glob::Pattern>,
    /// Of this signature: its id, or some of its words
    #[arg(long, value_name = "SIGNATURE")]
    pub(in crate::cli) signature: Option<String>,
}

#[derive(Args, Clone, Debug)]
pub(in crate::cli) struct Times {
    /// From this time on: how long ago, such as 30s, 10min, 1h or 7day, `today`, or a time such as 2026-11-29T06:00:00Z
    #[arg(long, value_name = "TIME", value_parser = moment)]
    pub(in crate::cli) since: Option<Stamp>,
    /// Up to this time, told in the same ways
    #[arg(long, value_name = "TIME", value_parser = moment)]
    pub(in crate::cli) until: Option<Stamp>,
}

#[derive(Subcommand, Debug)]
pub(in crate::cli) enum AlertsCommand {
    /// Show all of an alert
    Show(AlertsShowArgs),
}

#[derive(Args, Debug)]
pub(in crate::cli) struct AlertsShowArgs {
    /// The alert's id, or the beginning of it
    #[arg(value_name = "ID")]
    pub(in crate::cli) id: String,
    /// Write its record as JSON
    #[arg(long)]
    pub(in crate::cli) json: bool,
    #[command(flatten)]
    pub(in crate::cli) place: StorePlace,
}

const ALERTS_EXAMPLES: &str = "\
Examples:
  tagout alerts --since 1h --severity medium
  tagout alerts --actor 'optim*' --device plc1 --signature restart
  tagout alerts show 1f2e
  tagout alerts --follow --json | jq .ot.why
  tagout replay plant.pcap --policy site.toml --store plant.store
  tagout alerts --store plant.store --limit 0

Times are UTC. What `tagout run` sees stands in its store within some seconds; its configuration names the store:
  [store]
  path = \"/var/lib/tagout/store/tagout.redb\"";

#[derive(Args, Debug)]
#[command(after_help = DEVICES_EXAMPLES)]
pub(in crate::cli) struct DevicesArgs {
    /// Show all of this device: its name or address, in which * and ? stand for what they do in file names
    #[arg(value_name = "NAME")]
    pub(in crate::cli) name: Option<glob::Pattern>,
    #[command(flatten)]
    pub(in crate::cli) place: StorePlace,
    /// Only those that the policy does not name
    #[arg(long)]
    pub(in crate::cli) unknown: bool,
    /// Those too that never answered, nor were commanded or in an alert
    #[arg(long)]
    pub(in crate::cli) all: bool,
    /// Write one JSON object a line
    #[arg(long)]
    pub(in crate::cli) json: bool,
}

const DEVICES_EXAMPLES: &str = "\
Examples:
  tagout devices
  tagout devices --unknown
  tagout devices plc1                 who did what to it
  tagout devices '192.0.2.*' --json | jq '{place: .ip, identification}'

Times are UTC. `tagout schema inventory` tells what --json writes.";

#[derive(Args, Debug)]
#[command(after_help = ACTORS_EXAMPLES)]
pub(in crate::cli) struct ActorsArgs {
    /// Show all of this actor: its name or address, in which * and ? stand for what they do in file names
    #[arg(value_name = "NAME")]
    pub(in crate::cli) name: Option<glob::Pattern>,
    #[command(flatten)]
    pub(in crate::cli) place: StorePlace,
    /// Only those that the policy does not name
    #[arg(long)]
    pub(in crate::cli) unknown: bool,
    /// Write one JSON object a line
    #[arg(long)]
    pub(in crate::cli) json: bool,
}

const ACTORS_EXAMPLES: &str = "\
Examples:
  tagout actors
  tagout actors --unknown
  tagout actors optimizer             what it did to whom
  tagout actors --json | jq 'select(.commands > 0) | .ip'

Times are UTC. `tagout schema inventory` tells what --json writes.";

#[derive(Args, Debug)]
#[command(after_help = AGENT_EXAMPLES)]
pub(in crate::cli) struct AgentArgs {
    /// The actor: its name or address, in which * and ? stand for what they do in file names
    #[arg(value_name = "NAME")]
    pub(in crate::cli) name: glob::Pattern,
    #[command(flatten)]
    pub(in crate::cli) place: StorePlace,
    #[command(flatten)]
    pub(in crate::cli) times: Times,
    /// Only commands that are covered so well: exact, partial, temporal, none or unknown
    #[arg(long, value_name = "GRADE", value_parser = grade)]
    pub(in crate::cli) grade: Option<Grade>,
    /// Show so many at most, the latest; 0 shows all
    #[arg(long, value_name = "COUNT", default_value_t = 50)]
    pub(in crate::cli) limit: usize,
    /// Write the records, one JSON object a line, the oldest first
    #[arg(long)]
    pub(in crate::cli) json: bool,
}

const AGENT_EXAMPLES: &str = "\
Examples:
  tagout agent optimizer --since today
  tagout agent optimizer --since 1h --grade none
  tagout agent '192.0.2.*' --json | jq '[.timestamp, .ot.action, .ot.intent.grade]'
  tagout replay plant.pcap --policy site.toml --intents intents.jsonl --store plant.store
  tagout agent optimizer --store plant.store

A command is kept with what was declared of it if the policy asks for the actor's intents (intents = \"required\" or \"observed\");
of others only how often it was given is known, and what the last one was. Times are UTC.";

#[derive(Args, Debug)]
#[command(after_help = TOP_EXAMPLES)]
pub(in crate::cli) struct TopArgs {
    #[command(flatten)]
    pub(in crate::cli) place: StorePlace,
    /// Print what there is to show now, and end
    #[arg(long)]
    pub(in crate::cli) once: bool,
}

const TOP_EXAMPLES: &str = "\
Examples:
  tagout top
  tagout top --once
  tagout top --store plant.store

Keys: q ends, p pauses, s sorts the busiest by something else, the arrows choose an alert, enter shows all of it, / shows only
what contains a text, esc goes back. It reads the store and needs no privilege; what it shows is some seconds old.";
