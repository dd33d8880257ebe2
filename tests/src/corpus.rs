//! Captures of real plants with what tshark says of each frame, and the comparison of tagout's records with that.
//!
//! tshark is a witness, not the law: every difference is either a defect of tagout or explained by file and reason.

mod case;
mod difference;
mod message;

pub use case::{Case, cases, directory};
pub use difference::{Differences, Explanations};
pub use message::{Kind, Message, Protocol};
