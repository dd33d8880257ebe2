//! What must hold for every input: the bodies of the fuzz targets.
//!
//! Each body is a plain function that panics when something does not hold. libFuzzer calls it in campaigns
//! (`make fuzz`); `tests/fuzz_smoke.rs` calls it, on the stable toolchain, on the corpus and some mutations of it.

mod ascii;
mod dnp3;
mod frames;
mod gateway;
mod image;
mod intent;
mod modbus;
mod mutate;
mod otlp;
mod records;
mod rtu;
mod scanned;
pub mod seeds;
mod serial;
mod tally;
mod told;
mod update;

use std::path::PathBuf;

pub use ascii::ascii;
pub use dnp3::dnp3;
pub use frames::frames;
pub use gateway::gateway;
pub use image::image;
pub use intent::intent;
pub use modbus::modbus;
pub use mutate::Mutator;
pub use otlp::{otlp, otlp_json};
pub use records::records;
pub use rtu::rtu;
pub use serial::serial;
pub use told::told;
pub use update::update;

/// A fuzz target: its name, which is that of its folder in the corpus, and its body.
pub type Target = (&'static str, fn(&[u8]));

/// Every fuzz target.
pub const TARGETS: [Target; 14] = [
    ("frames", frames),
    ("records", records),
    ("serial", serial),
    ("modbus", modbus),
    ("rtu", rtu),
    ("ascii", ascii),
    ("dnp3", dnp3),
    ("image", image),
    ("update", update),
    ("gateway", gateway),
    ("intent", intent),
    ("otlp", otlp),
    ("otlp_json", otlp_json),
    ("told", told),
];

/// The inputs that are kept for a target.
pub fn corpus(target: &str) -> PathBuf {
    crate::binary::workspace().join("tests/fuzz/corpus").join(target)
}
