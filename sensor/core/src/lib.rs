//! Frames in, exchanges, anomalies and alerts out.
//!
//! Sans I/O: bytes and their capture time come in as arguments, records go out through [`Output`]. The core never
//! reads a clock, a file or a socket, allocates nothing, and cannot panic, whatever the bytes are.
#![no_std]
#![forbid(unsafe_code)]
#![deny(
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used
)]

mod config;
mod counters;
pub mod dnp3;
mod exchange;
mod finding;
mod flow;
mod frame;
pub mod intent;
pub mod modbus;
mod neighbours;
mod occupancy;
mod record;
mod scan;
mod sensor;
mod sequence;
mod store;
pub mod wire;
pub mod words;

pub use config::{Config, Folding, LineProtocol, MAX_LINES, MAX_PORTS};
pub use counters::{Counter, Counters};
pub use exchange::{
    AbsenceSlot, AssemblySlot, AssociationSlot, FileSlot, FiringSlot, FoldSlot, PendingSlot, SelectionSlot,
    StationSlot, TallySlot,
};
pub use finding::{Finding, Term};
pub use flow::{BLOCK_LEN, FlowSlot};
pub use frame::{Frame, LinkType};
pub use neighbours::{HolderSlot, HomeSlot};
pub use occupancy::SensorTable;
pub use record::{
    Alert, AlertId, Anomaly, Body, Cause, Command, Exchange, Host, Outcome, Output, Path, Protocol, Repeats, Seen,
    Spot, Transport,
};
pub use scan::Scan;
pub use sensor::{Sensor, Storage};
pub use store::{Block, Fifo, Links};
pub use tagout_engine as engine;
pub use tagout_engine::{TableSlot, Timestamp};
