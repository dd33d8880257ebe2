mod check;
mod compile;
mod delivery;
mod doctor;
mod evidence;
mod explain;
mod fmt;
mod gateway;
mod health;
mod intent;
mod learn;
mod options;
mod replay;
mod run;
mod seal;
mod store;
mod test;
mod values;

use clap::{Args, ColorChoice, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

pub(super) use check::CheckArgs;
pub(super) use compile::{CompileArgs, CompileFor};
pub(super) use delivery::{
    CONFIG, DestinationsArgs, DestinationsCommand, DestinationsTestArgs, SpoolArgs, SpoolCommand, SpoolPlace,
};
pub(super) use doctor::DoctorArgs;
pub(super) use evidence::EvidenceArgs;
pub(super) use explain::ExplainArgs;
pub(super) use fmt::FmtArgs;
pub(super) use gateway::{GatewayArgs, GatewayCommand, IdentityArgs, KeyArgs, KeyCommand, PushArgs, StatusArgs};
pub(super) use health::HealthArgs;
pub(super) use intent::{IntentArgs, IntentCommand, SignArgs, SpansArgs, VerifyArgs};
pub(super) use learn::LearnArgs;
pub(super) use replay::ReplayArgs;
pub(super) use run::RunArgs;
pub(super) use seal::SealArgs;
pub(super) use store::{
    ActorsArgs, AgentArgs, AlertsArgs, AlertsCommand, AlertsFilter, AlertsShowArgs, DevicesArgs, StorePlace, Times,
    TopArgs,
};
pub(super) use test::TestArgs;

/// Names who commanded what on a plant network, and alerts on what nobody permitted
///
/// tagout reads copies of packets, from capture files or from a mirror port, understands Modbus and DNP3 in them, and
/// compares every command with a policy: which actor may do what to which points of which device. It never sends.
#[derive(Parser, Debug)]
#[command(name = "tagout", version, after_help = EXAMPLES)]
pub struct Cli {
    #[command(subcommand)]
    pub(super) command: Command,
    /// When to use colour
    #[arg(long, global = true, value_enum, default_value_t = ColorChoice::Auto, value_name = "WHEN")]
    pub(super) color: ColorChoice,
    /// Say more of what tagout itself does; repeat for even more (or set TAGOUT_LOG)
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub(super) verbose: u8,
}

const EXAMPLES: &str = "\
Examples:
  tagout replay plant.pcap                     who did what to whom
  tagout replay plant.pcap --policy site.toml --alerts alerts.jsonl
  tcpdump -i eth1 -w - | tagout replay -       from standard input
  tagout run --interface eth1 --policy site.toml --alerts -
  tagout check site.toml                       everything that is wrong with a policy
  tagout gateway push gw-hall-3 plant.tgp      a signed policy for a gateway

Exit codes: 0 fine; 1 findings, where asked to fail on them, or a gateway refuses; 2 usage, configuration or policy; 3 input or output.";

#[derive(Subcommand, Debug)]
pub(super) enum Command {
    /// Read capture files
    Replay(ReplayArgs),
    /// Watch live interfaces until interrupted
    Run(RunArgs),
    /// Write a policy out of clean traffic, and a page of what somebody has to decide
    Learn(LearnArgs),
    /// Tell everything that is wrong with policy files
    Check(CheckArgs),
    /// Hold a policy to its own tests
    Test(TestArgs),
    /// Tell why an exchange is judged as it is, and what would permit it
    Explain(ExplainArgs),
    /// Show the alerts that the local store keeps
    Alerts(AlertsArgs),
    /// Show the devices that were seen
    Devices(DevicesArgs),
    /// Show the actors that were seen
    Actors(ActorsArgs),
    /// Show what an actor commanded, and who declared it
    Agent(AgentArgs),
    /// Show what happens now, in the terminal
    Top(TopArgs),
    /// Show the packets behind an alert
    Evidence(EvidenceArgs),
    /// List the destinations of alerts, and try them out
    Destinations(DestinationsArgs),
    /// Tell what waits for which destination
    Spool(SpoolArgs),
    /// Tell whether a sensor can do its work on this machine
    Doctor(DoctorArgs),
    /// Ask a running daemon how it does
    Health(HealthArgs),
    /// Lay out policy files and column maps in the one way
    Fmt(FmtArgs),
    /// Compile policy files into an image, or into a signed package for gateways
    Compile(CompileArgs),
    /// Sign policy files, for sensors that take no others
    Seal(SealArgs),
    /// Make keys that sign policies, packages for gateways, or intents
    Key(KeyArgs),
    /// Prepare gateways, send them packages, ask how they are
    Gateway(GatewayArgs),
    /// Sign what an actor will do, check what was signed
    Intent(IntentArgs),
    /// List the network interfaces
    Interfaces(InterfacesArgs),
    /// Print the JSON Schema of records, or of policy and settings files for editors
    Schema(SchemaArgs),
    /// Print a completion script for a shell
    Completions(CompletionsArgs),
    /// Print the manual page
    Man,
}

#[derive(Args, Debug)]
pub(super) struct InterfacesArgs {
    /// Write one JSON array
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Args, Debug)]
#[command(after_help = SCHEMA_EXAMPLES)]
pub(super) struct SchemaArgs {
    /// What to print the schema of
    #[arg(value_enum, default_value_t = SchemaOf::Records)]
    pub(super) of: SchemaOf,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum SchemaOf {
    /// What --alerts and --events write
    Records,
    /// Policy files
    Policy,
    /// Column maps for tag exports
    Map,
    /// Settings of gateways
    Gateway,
    /// What `devices --json` and `actors --json` write
    Inventory,
}

const SCHEMA_EXAMPLES: &str = "\
Examples:
  tagout schema > tagout.schema.json
  tagout schema policy > policy.schema.json

A policy file that begins with the line `#:schema ./policy.schema.json` is checked and completed
while it is written, in editors that have taplo (Even Better TOML) or tombi.";

#[derive(Args, Debug)]
pub(super) struct CompletionsArgs {
    /// The shell
    #[arg(value_enum)]
    pub(super) shell: Shell,
}
