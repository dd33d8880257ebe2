//! What agents, those who direct them and those who approve say they will do, before they do it.
//!
//! Whatever form it comes in, it ends as a [`Declaration`], whose names are then numbers of a policy: an
//! [`Intent`](tagout_core::intent::Intent) that the sensor holds commands against. A signed intent is [`Claims`] in a signed
//! object ([`jws`]), taken only from somebody whose key is among [`Keys`].

mod approvals;
pub mod claims;
mod coming;
mod declaration;
mod feed;
pub mod jws;
mod keys;
mod known;
pub mod lines;
mod object;
mod receive;
mod refusal;
mod resolve;
mod script;
pub mod spans;
mod time;
mod told;

pub use approvals::{Approvals, InWords};
pub use claims::Claims;
pub use coming::Coming;
pub(crate) use declaration::wanted;
pub use declaration::{Declaration, Source, Target};
pub use feed::{Feed, FeedTable, Inlet, NatsTable, Renewal};
pub use keys::{Key, Keys, Verified};
pub use known::{Audience, Known};
#[cfg(feature = "tls")]
pub(crate) use receive::expire as certificates_expire;
pub use receive::{ClientTable, Limits, Outcome, Receipts, TlsTable, Turned};
pub use refusal::Refusal;
pub use script::Script;
pub use time::Instant;
pub use told::Told;
