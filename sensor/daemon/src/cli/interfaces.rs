use std::io::{self, Write};

use super::args::InterfacesArgs;
use crate::Failure;
use crate::capture::interfaces::{self, Interface};
use crate::output::plain_table;

/// Lists the network interfaces.
pub(super) fn interfaces(args: &InterfacesArgs) -> Result<(), Failure> {
    let interfaces = interfaces::all();
    let text = if args.json { json(&interfaces)? } else { table(&interfaces) };
    writeln!(io::stdout(), "{text}").map_err(|error| Failure::output("standard output", &error))
}

fn json(interfaces: &[Interface]) -> Result<String, Failure> {
    serde_json::to_string(interfaces).map_err(|error| Failure::Io(error.to_string()))
}

fn table(interfaces: &[Interface]) -> String {
    let row = |interface: &Interface| {
        let state = match (interface.up, interface.loopback) {
            (true, true) => "up, loopback",
            (true, false) => "up",
            (false, _) => "down",
        };
        let mac = interface.mac.clone().unwrap_or_default();
        vec![interface.name.clone(), state.to_owned(), mac, interface.addresses.join(" ")]
    };
    plain_table(&["name", "state", "mac", "addresses"], interfaces.iter().map(row), &[]).trim_fmt()
}
