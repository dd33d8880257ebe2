//! Runs the core over a file's bytes as a serial line brings them, in pieces of one length. What a test counts the instructions of.

use std::num::NonZeroUsize;
use std::process::ExitCode;

use tagout::memory::{Limits, Memory};
use tagout_core::engine::Policy;
use tagout_core::{Alert, Anomaly, Config, Exchange, Output, Seen, Sensor, Timestamp};
use tagout_tests::fuzz::seeds::policy_image;

/// A byte of eleven bits at 115,200 bit/s, in nanoseconds.
const BYTE_NS: u64 = 95_486;

struct Nothing;

impl Output for Nothing {
    fn exchange(&mut self, _: &Exchange<'_>) {}
    fn anomaly(&mut self, _: &Anomaly) {}
    fn alert(&mut self, _: &Alert<'_>) {}
}

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let piece = arguments.next().and_then(|piece| piece.parse::<NonZeroUsize>().ok());
    let bytes = arguments.next().and_then(|path| std::fs::read(path).ok());
    let Some((piece, bytes)) = piece.zip(bytes) else {
        eprintln!("usage: line BYTES_OF_A_PIECE FILE");
        return ExitCode::from(2);
    };
    let image = policy_image();
    let policy = Policy::load(&image).expect("what the compiler makes loads");
    let mut memory = Memory::new(&Limits { flows: 8, ..Limits::default() }, policy);
    let mut sensor = Sensor::new(Config::default(), policy, memory.lend());
    let mut time = Timestamp(0);
    for (frame, piece) in (1..).zip(bytes.chunks(piece.get())) {
        time = Timestamp(time.0 + piece.len() as u64 * BYTE_NS);
        sensor.serial(1, piece, Seen { frame, time }, &mut Nothing);
    }
    sensor.finish(&mut Nothing);
    ExitCode::SUCCESS
}
