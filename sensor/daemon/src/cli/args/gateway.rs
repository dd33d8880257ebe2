//! Arguments of what is for gateways.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::gateway::config::Mac;

#[derive(Args, Debug)]
pub(in crate::cli) struct KeyArgs {
    #[command(subcommand)]
    pub(in crate::cli) command: KeyCommand,
}

#[derive(Subcommand, Debug)]
pub(in crate::cli) enum KeyCommand {
    /// Make a key: the secret half signs, the public half goes to gateways or into a policy
    New(NewKeyArgs),
    /// Print a public key as `public` of a policy's [[intents.keys]] has it
    Show(ShowKeyArgs),
}

#[derive(Args, Debug)]
#[command(after_help = NEW_KEY_EXAMPLES)]
pub(in crate::cli) struct NewKeyArgs {
    /// Name of both files, without .key and .pub
    #[arg(short, long, value_name = "NAME")]
    pub(in crate::cli) output: PathBuf,
}

const NEW_KEY_EXAMPLES: &str = "\
Examples:
  tagout key new -o site        writes site.key and site.pub

Nothing is written over. Keep site.key where only those come who may change what gateways judge by: whoever
has it can. Without it no gateway that trusts it takes another policy.";

#[derive(Args, Debug)]
pub(in crate::cli) struct ShowKeyArgs {
    /// File with a public key, as `tagout key new` or OpenSSL writes it
    #[arg(value_name = "KEY")]
    pub(in crate::cli) key: PathBuf,
}

#[derive(Args, Debug)]
pub(in crate::cli) struct GatewayArgs {
    #[command(subcommand)]
    pub(in crate::cli) command: GatewayCommand,
}

#[derive(Subcommand, Debug)]
pub(in crate::cli) enum GatewayCommand {
    /// Write the identity of a board, which is flashed with its firmware
    Identity(IdentityArgs),
    /// Send a package to a gateway, which checks it and starts again with it
    Push(PushArgs),
    /// Tell how a gateway is
    Status(StatusArgs),
}

#[derive(Args, Debug)]
#[command(after_help = IDENTITY_EXAMPLES)]
pub(in crate::cli) struct IdentityArgs {
    /// Public key whose packages it takes; twice while one key replaces another
    #[arg(long, value_name = "KEY", required = true, num_args = 1)]
    pub(in crate::cli) key: Vec<PathBuf>,
    /// MAC address of the port that receives mirrored frames
    #[arg(long, value_name = "MAC", value_parser = mac)]
    pub(in crate::cli) tap_mac: [u8; 6],
    /// MAC address of the management port; that of the other if they are one
    #[arg(long, value_name = "MAC", value_parser = mac)]
    pub(in crate::cli) management_mac: Option<[u8; 6]>,
    /// The board's serial number, 32 characters at most
    #[arg(long, value_name = "TEXT", default_value = "")]
    pub(in crate::cli) serial_number: String,
    /// Where to write it
    #[arg(short, long, value_name = "FILE")]
    pub(in crate::cli) output: PathBuf,
}

const IDENTITY_EXAMPLES: &str = "\
Examples:
  tagout gateway identity --key site.pub --tap-mac 02:00:00:00:00:01 --management-mac 02:00:00:00:00:02 \\
      --serial-number GW-0007 -o gw-0007.identity";

#[derive(Args, Debug)]
#[command(after_help = PUSH_EXAMPLES)]
pub(in crate::cli) struct PushArgs {
    /// The gateway, by address or name, with a port if that is not 7355
    #[arg(value_name = "ADDRESS")]
    pub(in crate::cli) address: String,
    /// The package, as `tagout compile --target gateway` writes one
    #[arg(value_name = "PACKAGE")]
    pub(in crate::cli) package: PathBuf,
}

const PUSH_EXAMPLES: &str = "\
Examples:
  tagout gateway push 192.0.2.7 plant.tgp
  tagout gateway push gw-hall-3:7000 plant.tgp

Whatever goes wrong, what was in force stays so. Exits with 1 if the gateway refuses, and says why.";

#[derive(Args, Debug)]
#[command(after_help = STATUS_EXAMPLES)]
pub(in crate::cli) struct StatusArgs {
    /// The gateway, by address or name, with a port if that is not 7355
    #[arg(value_name = "ADDRESS")]
    pub(in crate::cli) address: String,
    /// Write one JSON object
    #[arg(long)]
    pub(in crate::cli) json: bool,
}

const STATUS_EXAMPLES: &str = "\
Examples:
  tagout gateway status 192.0.2.7
  tagout gateway status gw-hall-3 --json | jq .alerts_waiting";

fn mac(text: &str) -> Result<[u8; 6], String> {
    text.parse().map(|mac: Mac| mac.0).map_err(|()| "expected a MAC address such as 02:00:00:00:00:07".to_owned())
}
