//! Compares with tshark what tagout tells of captures, whichever they are: every message by frame and function code, and every field.
//!
//! `compare [--modbus-port N]... [--dnp3-port N]... CAPTURE...` prints, for each capture in which they differ, the classes of
//! differences with the frames and what either says. Ends with 1 if there are any. tshark is a witness, not the law.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Parser;
use tagout_tests::corpus::{self, Account, Differences, Message, tshark};

/// Frames that are named of one class.
const FRAMES_NAMED: usize = 8;

/// Compare with tshark what tagout tells of captures.
#[derive(Parser)]
struct Args {
    /// A further port of Modbus over TCP
    #[arg(long, value_name = "N")]
    modbus_port: Vec<u16>,
    /// A further port of DNP3 over TCP
    #[arg(long, value_name = "N")]
    dnp3_port: Vec<u16>,
    /// What to compare
    #[arg(required = true)]
    captures: Vec<PathBuf>,
}

fn main() -> ExitCode {
    let args = Args::parse();
    if !tshark::available() {
        eprintln!("compare: there is no tshark on this machine: install it (`apt install tshark`)");
        return ExitCode::from(2);
    }
    let differing = args.captures.iter().filter(|capture| differs(capture, &args)).count();
    println!("{differing} of {} captures differ", args.captures.len());
    ExitCode::from(u8::from(differing > 0))
}

/// Compares one capture and prints how it differs, if it does.
fn differs(capture: &Path, args: &Args) -> bool {
    let [for_tagout, for_tshark] = options(args);
    let replay = corpus::replay(capture, &for_tagout);
    let witness = tshark::witness(capture, &for_tshark);
    let [told, repeated, found] =
        [&witness.accounts, &witness.repeated, &replay.accounts].map(|accounts| messages(accounts));
    let mut differences = Differences::of(&told, &repeated, &found);
    differences.extend(corpus::compare(&witness.accounts, &replay.accounts));
    let is_clean = differences.0.is_empty() && replay.faults.is_empty();
    if !is_clean {
        println!("{}: tshark {} messages, tagout {}", capture.display(), told.len(), found.len());
        replay.faults.iter().for_each(|fault| println!("    fault: {fault}"));
    }
    for (class, cases) in &differences.0 {
        let frames: Vec<_> = cases.frames.iter().take(FRAMES_NAMED).map(u64::to_string).collect();
        let example = cases.example.as_deref().unwrap_or_default();
        println!("    {:>6} {class}: frames {} {example}", cases.frames.len(), frames.join(" "));
    }
    !is_clean
}

/// What tells tagout, and tshark, of further ports.
fn options(args: &Args) -> [Vec<String>; 2] {
    let ports = || {
        let modbus = args.modbus_port.iter().map(|port| ("--modbus-port", port, "mbtcp"));
        modbus.chain(args.dnp3_port.iter().map(|port| ("--dnp3-port", port, "dnp3")))
    };
    let tagout = ports().flat_map(|(option, port, _)| [option.to_owned(), port.to_string()]);
    let tshark = ports().flat_map(|(_, port, layer)| ["-d".to_owned(), format!("tcp.port=={port},{layer}")]);
    [tagout.collect(), tshark.collect()]
}

fn messages(accounts: &[Account]) -> Vec<Message> {
    accounts.iter().map(|account| account.message).collect()
}
