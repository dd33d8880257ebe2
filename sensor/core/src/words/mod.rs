//! What an alert means, in words: the same from the daemon and from a gateway.
//!
//! Everything here displays without allocating, and without a path to a panic: where core's way of writing something has
//! one (addresses, floating-point numbers), there is one of its own.

mod address;
mod answer;
mod cadence;
mod cef;
mod decimal;
mod deed;
mod intent;
mod invariant;
mod line;
mod measure;
mod permitted;
mod process;
mod sentence;
mod subject;
mod syslog;
mod time;

pub use answer::{Answer, Refusal};
pub use cadence::Departed;
pub use cef::{CEF_MOST, CEF_SENTENCE_LEAST, Heartbeat, SensorEvent, cef, heartbeat_cef, sensor_cef};
pub use decimal::Decimal;
pub use intent::{Compared, Declared};
pub use invariant::{Broken, Part};
pub use measure::{Duration, Expected, Number, PerTime};
pub use process::Happening;
pub use subject::{Before, Subject, Verdict, intent_signature_id};
pub use syslog::{Facility, HOST_MOST, SYSLOG_MOST, SyslogHeader, Topic, syslog};
pub use time::Utc;
