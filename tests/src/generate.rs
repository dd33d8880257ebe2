//! Captures made from descriptions of dialogues, as an oracle for the sensor.
//!
//! Nothing here uses the sensor's own parsers, checksums or tables: what the sensor says of a generated capture is
//! compared with what was asked for. Undisturbed captures are correct in every checksum and length.
//!
//! A dialogue is a list of [`Message`]s. [`Session`] carries it over TCP or UDP as timed [`Segment`]s, which
//! [`disturb`] can then drop, reorder or damage. [`Capture`] puts sessions on a [`Network`] and yields frames or the
//! bytes of a classic pcap file.

mod capture;
pub mod checksum;
pub mod disturb;
pub mod dnp3;
pub mod modbus;
mod network;
mod session;
mod tunnel;

pub use capture::{Capture, Captured};
pub use network::{Endpoint, Network};
pub use session::{Deception, Fragmentation, Message, Segment, Session, Side, Transport, flags, udp_frame};
pub use tunnel::Tunnel;
