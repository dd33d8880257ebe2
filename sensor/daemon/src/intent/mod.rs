//! What agents, those who direct them and those who approve say they will do, before they do it.
//!
//! Whatever form it comes in, it ends as a [`Declaration`]. A signed intent is [`Claims`] in a signed object ([`jws`]), taken
//! only from somebody whose key is among [`Keys`].

pub mod claims;
mod declaration;
pub mod jws;
mod keys;
pub mod lines;
mod object;
mod refusal;
mod time;

pub use claims::Claims;
pub use declaration::{Declaration, MOST_TARGETS, Source, Target, Values};
pub use keys::{Key, Keys, Verified};
pub use refusal::Refusal;
pub use time::Instant;
