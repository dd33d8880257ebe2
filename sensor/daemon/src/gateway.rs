//! What a site prepares for its gateways, and how it talks to them: keys, settings, signed packages, the update protocol.

pub mod client;
pub mod config;
mod key;
mod package;

pub use key::{create, public, secret};
pub use package::package;
