//! Judges a capture file by a policy image with a gateway's tables, and writes what the image for an emulated board writes that
//! judges a capture in memory: each is held to the other.
//!
//! `cargo run -p tagout-firmware --example judge -- POLICY.image CAPTURE.pcap`; with `--features small-tables` there is so little
//! room that most traffic exceeds it.

use std::error::Error;
use std::{env, fs};

use tagout_core::engine::Policy;
use tagout_firmware::{Capture, Tables, judge};

fn main() -> Result<(), Box<dyn Error>> {
    let mut files = env::args_os().skip(1);
    let mut read = |what| files.next().ok_or(what).and_then(|file| fs::read(file).map_err(|_| what));
    let (policy, capture) = (read("no policy image can be read")?, read("no capture can be read")?);
    let policy = Policy::load(&policy).map_err(|fault| format!("the first file is no policy image: {fault:?}"))?;
    let capture = Capture::new(&capture).ok_or("the second file is no classic capture")?;
    judge(policy, capture, &mut Tables::new(), |line| println!("{line}"));
    Ok(())
}
