//! The sensor on an ARM edge gateway: what does not depend on the board, so that it is tested on any host.
#![no_std]
#![forbid(unsafe_code)]
#![deny(
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used
)]

mod alerts;
mod capture;
mod memory;
mod tables;

pub use alerts::{AlertQueue, Notice, QUEUED_ALERTS};
pub use capture::Capture;
pub use memory::policy_at;
pub use tables::Tables;
