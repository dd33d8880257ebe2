use std::fs;
use std::io::{self, Write};

use indicatif::ProgressBar;
use serde_json::json;
use tagout_firmware::protocol::Status;
use tagout_firmware::{Identity, KEYS, SERIAL_NUMBER};
use zerocopy::IntoBytes as _;

use super::args::{GatewayArgs, GatewayCommand, IdentityArgs, PushArgs, StatusArgs};
use super::ui::{hidden_bar, show_bar};
use crate::Failure;
use crate::gateway::client::{Gateway, Pushed};
use crate::gateway::public;

/// Works on gateways.
pub(super) fn gateway(args: &GatewayArgs) -> Result<(), Failure> {
    match &args.command {
        GatewayCommand::Identity(args) => identity(args),
        GatewayCommand::Push(args) => push(args),
        GatewayCommand::Status(args) => status(args),
    }
}

fn identity(args: &IdentityArgs) -> Result<(), Failure> {
    if args.serial_number.len() > SERIAL_NUMBER {
        return Err(Failure::Usage(format!("the serial number is longer than {SERIAL_NUMBER} octets")));
    }
    let mut keys = [[0; 32]; KEYS];
    if args.key.len() > keys.len() {
        return Err(Failure::Usage(format!("a gateway trusts {KEYS} keys at most")));
    }
    for (slot, path) in keys.iter_mut().zip(&args.key) {
        *slot = public(path)?.to_bytes();
    }
    let macs = [args.tap_mac, args.management_mac.unwrap_or(args.tap_mac)];
    let identity = Identity::new(keys, macs, &args.serial_number);
    fs::write(&args.output, identity.as_bytes()).map_err(|error| Failure::input(&args.output, &error))
}

fn push(args: &PushArgs) -> Result<(), Failure> {
    let package = fs::read(&args.package).map_err(|error| Failure::input(&args.package, &error))?;
    let mut gateway = Gateway::connect(&args.address)?;
    let bar = hidden_bar();
    bar.set_length(package.len() as u64);
    show_bar(&bar);
    let pushed = send(&mut gateway, &package, &bar);
    bar.finish_and_clear();
    print(&match pushed? {
        Pushed::Committed(version) => {
            format!("{} has version {version} and starts again with it.\n", args.address)
        }
        Pushed::InForce(version) => format!("{} has version {version} in force already.\n", args.address),
    })
}

fn send(gateway: &mut Gateway, package: &[u8], bar: &ProgressBar) -> Result<Pushed, Failure> {
    gateway.push(package, |sent| bar.set_position(sent as u64))
}

fn status(args: &StatusArgs) -> Result<(), Failure> {
    let status = Gateway::connect(&args.address)?.status()?;
    print(&if args.json { format!("{}\n", object(&status)) } else { page(&status) })
}

fn object(status: &Status) -> serde_json::Value {
    json!({
        "host_name": status.host_name.as_str(),
        "serial_number": status.serial_number.as_str(),
        "firmware": status.firmware.as_str(),
        "build": status.build.as_str(),
        "package": status.package,
        "pending": status.pending,
        "uptime_s": status.uptime_s,
        "restarts": status.restarts,
        "frames": status.frames,
        "frames_lost": status.frames_lost,
        "alerts": status.alerts,
        "alerts_waiting": status.alerts_waiting,
        "alerts_lost": status.alerts_lost,
    })
}

/// The same for people.
fn page(status: &Status) -> String {
    let version = |version: Option<u64>| version.map_or("none".to_owned(), |version| version.to_string());
    let pending = status.pending.map_or(String::new(), |pending| format!(", {pending} with the next start"));
    let lines = [
        ("gateway", format!("{} {}", status.host_name, status.serial_number)),
        ("firmware", format!("{} {}", status.firmware, status.build)),
        ("package", version(status.package) + &pending),
        ("up", format!("{} s after {} restarts", status.uptime_s, status.restarts)),
        ("frames", format!("{} inspected, {} lost", status.frames, status.frames_lost)),
        ("alerts", format!("{} raised, {} waiting, {} lost", status.alerts, status.alerts_waiting, status.alerts_lost)),
    ];
    lines.iter().map(|(name, text)| format!("{name:<9} {}\n", text.trim_end())).collect()
}

fn print(text: &str) -> Result<(), Failure> {
    io::stdout().write_all(text.as_bytes()).map_err(|error| Failure::output("standard output", &error))
}
