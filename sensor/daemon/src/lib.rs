//! The parts of the `tagout` command, as a library for its tests.
//!
//! Frames come from [`capture`], go through the sensor of `tagout-core`, whose tables live in [`memory`], and end as
//! [`record`]s in [`output`], [`delivery`] and the [`store`], the packets behind alerts in [`evidence`]. [`cli`] puts these
//! together.

pub mod capture;
pub mod cli;
pub mod config;
pub mod delivery;
pub mod doctor;
pub mod evidence;
pub mod explain;
mod failure;
pub mod format;
pub mod gateway;
pub mod heartbeat;
pub mod intent;
mod json;
pub mod learn;
pub mod management;
pub mod memory;
mod modes;
mod near;
pub mod news;
pub mod notice;
pub mod output;
pub mod policy;
pub mod record;
mod replace;
mod restarts;
mod salvage;
pub mod sandbox;
pub mod secret;
pub mod service;
pub mod store;
pub mod testing;
#[cfg(feature = "tls")]
mod tls;

pub use failure::Failure;
