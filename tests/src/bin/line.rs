//! Runs the core over a file's bytes as a serial line brings them. What a test counts the instructions of.

use std::process::ExitCode;

use tagout::memory::{Limits, Memory};
use tagout_core::engine::Policy;
use tagout_core::{Alert, Anomaly, Config, Exchange, Output, Seen, Sensor, Timestamp};
use tagout_tests::fuzz::seeds::policy_image;

/// Bytes of a piece: what a UART's buffer holds.
const PIECE: usize = 64;
/// From one piece to the next, at 115,200 bit/s.
const PIECE_US: u64 = 5_556;

struct Nothing;

impl Output for Nothing {
    fn exchange(&mut self, _: &Exchange<'_>) {}
    fn anomaly(&mut self, _: &Anomaly) {}
    fn alert(&mut self, _: &Alert<'_>) {}
}

fn main() -> ExitCode {
    let Some(bytes) = std::env::args_os().nth(1).and_then(|path| std::fs::read(path).ok()) else {
        eprintln!("usage: line FILE");
        return ExitCode::from(2);
    };
    let image = policy_image();
    let policy = Policy::load(&image).expect("what the compiler makes loads");
    let mut memory = Memory::new(&Limits { flows: 8, ..Limits::default() }, policy);
    let mut sensor = Sensor::new(Config::default(), policy, memory.lend());
    for (frame, piece) in (1..).zip(bytes.chunks(PIECE)) {
        sensor.serial(1, piece, Seen { frame, time: Timestamp(frame * PIECE_US * 1_000) }, &mut Nothing);
    }
    sensor.finish(&mut Nothing);
    ExitCode::SUCCESS
}
