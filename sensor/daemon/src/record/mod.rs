//! Records as JSON lines: alerts in the shape of Suricata's EVE, one line an exchange, anomalies, and statistics.
//!
//! Each kind of record is one structure that borrows from what the core reported. What every record shares stands in
//! [`Context`] and `flow`.

mod alert;
mod anomaly;
mod cadence;
mod context;
mod decided;
mod dnp3;
mod event;
mod flow;
mod heartbeat;
mod intent;
mod invariant;
mod modbus;
mod news;
mod permitted;
mod process;
mod repeated;
pub mod schema;
mod stats;
mod suggestion;
mod text;
mod time;

pub use alert::AlertRecord;
pub use anomaly::AnomalyRecord;
pub use context::{Context, Origin};
pub use decided::DecidedRecord;
pub use event::EventRecord;
pub(crate) use flow::server_port;
pub use heartbeat::HeartbeatRecord;
pub use news::NewsRecord;
pub use repeated::Repeated;
pub use stats::{Delivered, Losses, StatsRecord};
pub use suggestion::Suggestion;
pub(crate) use text::{Hex, octets};
pub use time::Stamp;

#[cfg(test)]
mod tests;
