//! Where frames come from: capture files and live interfaces.
//!
//! Sources only read. Nothing here can send.

mod classic;
mod error;
mod file;
mod input;
pub mod interfaces;
pub mod live;
mod ng;
mod window;

pub use error::CaptureError;
pub use file::{CaptureFile, CutOff};

#[cfg(test)]
mod tests;
