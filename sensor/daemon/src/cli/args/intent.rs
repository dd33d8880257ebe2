//! Arguments of what signs and checks intents.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::intent::Instant;

#[derive(Args, Debug)]
pub(in crate::cli) struct IntentArgs {
    #[command(subcommand)]
    pub(in crate::cli) command: IntentCommand,
}

#[derive(Subcommand, Debug)]
pub(in crate::cli) enum IntentCommand {
    /// Sign what an actor will do
    Sign(SignArgs),
    /// Check signed intents as a sensor would
    Verify(VerifyArgs),
    /// Show what spans of tool calls declare
    Spans(SpansArgs),
    /// Print the JSON Schema of what is signed
    Schema,
}

#[derive(Args, Debug)]
#[command(after_help = SIGN_EXAMPLES)]
pub(in crate::cli) struct SignArgs {
    /// File with the intent's claims in JSON; - is standard input
    #[arg(value_name = "CLAIMS")]
    pub(in crate::cli) claims: PathBuf,
    /// Secret key, as `tagout key new` or OpenSSL writes it (PKCS #8 in PEM)
    #[arg(long, value_name = "KEY")]
    pub(in crate::cli) key: PathBuf,
    /// Id of the key, as the policy names it
    #[arg(long, value_name = "ID")]
    pub(in crate::cli) key_id: String,
    /// Write the flattened JSON form instead of the compact one
    #[arg(long)]
    pub(in crate::cli) json: bool,
}

const SIGN_EXAMPLES: &str = "\
Examples:
  tagout key new -o scheduler
  tagout intent sign intent.json --key scheduler.key --key-id scheduler-2026 >> intents.jws

An intent (tagout intent schema tells all of it):
  {
    \"id\": \"batch-17/fill\", \"actor\": \"scheduler\",
    \"device\": \"plc1\", \"points\": [\"pump_speed\"], \"operation\": \"write\", \"range\": [20, 60],
    \"count\": 3, \"pace_ms\": 60000,
    \"not_before\": \"2026-01-31T08:00:00Z\", \"expires\": \"2026-01-31T09:00:00Z\",
    \"reason\": \"fill the tank for batch 17\"
  }";

#[derive(Args, Debug)]
#[command(after_help = VERIFY_EXAMPLES)]
pub(in crate::cli) struct VerifyArgs {
    /// File with signed intents, one a line; - is standard input
    #[arg(value_name = "INTENTS")]
    pub(in crate::cli) intents: PathBuf,
    /// Policy file, or folder of them, whose [[intents.keys]] are believed; repeat for several
    #[arg(long, value_name = "POLICY", required = true, num_args = 1)]
    pub(in crate::cli) policy: Vec<PathBuf>,
    /// Check as of this time; now if left out
    #[arg(long, value_name = "TIME")]
    pub(in crate::cli) at: Option<Instant>,
}

const VERIFY_EXAMPLES: &str = "\
Examples:
  tagout intent verify intents.jws --policy site/
  tagout intent verify intents.jws --policy site/ --at 2026-01-31T08:30:00Z

Writes a JSON object for each intent that is taken: the key, its approver, the claims. Why another is refused goes to
standard error; then it exits with 1.";

#[derive(Args, Debug)]
#[command(after_help = SPANS_EXAMPLES)]
pub(in crate::cli) struct SpansArgs {
    /// File with spans: OTLP requests in JSON, one a line, as a collector's file exporter writes them, or one in protobuf; - is
    /// standard input
    #[arg(value_name = "SPANS")]
    pub(in crate::cli) spans: PathBuf,
    /// File that names the servers whose tools command
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli) servers: PathBuf,
}

const SPANS_EXAMPLES: &str = "\
Examples:
  tagout intent spans traces.jsonl --servers servers.toml > intents.jsonl
  tagout replay capture.pcap --policy plant.toml --intents intents.jsonl

A file of servers:
  [[servers]]
  mapping = \"modbus-mcp\"               # industriagents-modbus-mcp, industriagents-dnp3-mcp, labmcp-modbus, or a file
  services = [\"scheduler\"]             # service.name of the spans; all if left out
  actor = \"scheduler\"
  device = \"plc1\"                      # where a call names none
  devices = { boiler = \"plc2\" }        # what calls say of a device, and its name in the policy
  points = { Setpoint = \"pump_speed\" } # the same for points

Writes a JSON object for each call that commands: what it declares, and what it leaves open by not saying it.";
