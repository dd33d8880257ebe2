//! Captures of real plants with what tshark says of each frame, and the comparison of tagout's records with that.
//!
//! tshark is a witness, not the law: every difference is either a defect of tagout or explained by file and reason.

mod account;
mod case;
mod difference;
mod dissection;
mod dnp3;
mod explanation;
mod message;
mod modbus;
mod record;
mod replay;
/// The other decoder.
pub mod tshark;

pub use account::{Account, compare};
pub use case::{Case, Sent, cases, directory};
pub use difference::{Cases, Differences};
pub use explanation::Explanations;
pub use message::{Kind, Message, Protocol};
pub use record::accounts;
pub use replay::{Replay, replay};
