//! The sensor on an ARM edge gateway: what does not depend on the board, so that it is tested on any host.
#![no_std]
#![deny(unsafe_code)]
#![deny(
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used
)]

mod alerts;
pub mod board;
pub mod capacity;
mod capture;
mod collectors;
mod copy;
mod fit;
mod gateway;
mod heartbeat;
mod identity;
mod judge;
mod log;
mod management;
mod managers;
mod memory;
#[cfg(target_os = "none")]
mod moves;
mod news;
mod package;
pub mod protocol;
mod refusal;
mod run;
pub mod settings;
mod signature;
mod slots;
mod sntp;
mod syslog;
mod tables;
mod tap;
mod teller;
mod update;
mod wall;

pub use alerts::AlertLines;
pub use capture::Capture;
pub use fit::{Use, uses};
pub use gateway::{Gateway, GatewayMemory, Judge, Step, sensor_config};
pub use identity::{Identity, KEYS, MACS, SERIAL_NUMBER};
pub use judge::judge;
pub use log::{AlertLog, LONGEST_MESSAGE, LogCounts};
pub use memory::policy_at;
pub use package::{Header, LONGEST, Package, Signed};
pub use refusal::Refusal;
pub use run::{Areas, Memory, run};
pub use settings::Settings;
pub use slots::{MappedFlash, Slots};
pub use tables::Tables;
pub use teller::LOG_RAM;
pub use update::{Progress, Update};
