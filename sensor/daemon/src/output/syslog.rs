//! Alerts as messages for syslog collectors.

mod outlet;

use std::sync::Arc;
use std::time::{Duration, Instant};

use tagout_core::Timestamp;
use tagout_core::engine::Severity;
use tagout_core::words::{Facility, SyslogHeader, Topic, syslog};

use self::outlet::Outlet;
use super::Collector;
use crate::Failure;

/// How long messages that wait are still sent at the end.
const PATIENCE: Duration = Duration::from_secs(5);

/// Sends messages to any number of collectors, each from a thread of its own: whoever gives out a message never waits.
pub struct Syslog {
    /// The name of this machine.
    host: String,
    /// Messages so far.
    number: u32,
    outlets: Vec<Outlet>,
}

impl Syslog {
    /// Begins to send to these collectors; `None` if there are none.
    ///
    /// # Errors
    /// When a thread cannot be started.
    pub fn to(collectors: &[Collector]) -> Result<Option<Self>, Failure> {
        if collectors.is_empty() {
            return Ok(None);
        }
        let outlets = collectors.iter().cloned().map(Outlet::to).collect::<Result<_, _>>();
        let outlets = outlets.map_err(|error| Failure::Io(format!("cannot start a thread for syslog: {error}")))?;
        let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
        Ok(Some(Self { host, number: 0, outlets }))
    }

    /// Gives out a message of this topic, time and severity. A collector whose queue is full does not get it.
    pub(super) fn put(&mut self, topic: Topic, time: Timestamp, severity: Severity, text: &str) {
        self.number = self.number.wrapping_add(1);
        let header = SyslogHeader {
            facility: Facility::Security,
            severity,
            topic,
            time: Some(time),
            host: &self.host,
            number: Some(self.number),
        };
        let mut message = String::new();
        // Text takes whatever is written to it.
        let _ = syslog(&mut message, &header, text);
        let message: Arc<str> = message.into();
        self.outlets.iter_mut().for_each(|outlet| outlet.put(&message));
    }

    /// Waits a little for what is on its way; tells how many messages did not get out, counted for each collector.
    pub(super) fn finish(&mut self) -> u64 {
        let deadline = Instant::now() + PATIENCE;
        self.outlets.iter_mut().for_each(Outlet::close);
        self.outlets.iter().map(|outlet| outlet.lost_at(deadline)).sum()
    }
}

#[cfg(test)]
mod tests;
