//! What the gateway tells of itself every so often.

use core::fmt::{self, Write};

use heapless::String;
use tagout_core::Counters;

use crate::board::{SECOND, Started};
use crate::log::LogCounts;
use crate::syslog::TEXT_LEN;

/// What a heartbeat tells.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Heartbeat<'h> {
    /// What the sensor counted since the start.
    pub(crate) counters: &'h Counters,
    /// Frames that the ports lost.
    pub(crate) frames_lost: u32,
    /// Frames that could not be inspected, since there was no policy or nobody knew the time.
    pub(crate) frames_uninspected: u32,
    /// Bytes that serial lines lost.
    pub(crate) bytes_lost: u32,
    /// How the log of alerts is.
    pub(crate) log: LogCounts,
    /// The policy in force; 0 for none.
    pub(crate) policy: u64,
    /// Nanoseconds since the start.
    pub(crate) uptime: u64,
    /// Nanoseconds from the start to the first look at the tap.
    pub(crate) ready: u64,
    /// How the gateway came to run.
    pub(crate) started: Started,
    /// Tells how many bytes the stack was deep at most so far.
    pub(crate) stack: fn() -> u32,
    /// True once the time is known.
    pub(crate) is_set: bool,
}

impl Heartbeat<'_> {
    /// The heartbeat as a CEF line. Counters that are zero are left out, and so are those that find no room.
    pub(crate) fn text(&self) -> String<TEXT_LEN> {
        let mut text = String::new();
        // Both parts are far shorter than the room.
        let _ = self.head(&mut text);
        for (counter, count) in self.counters.iter().filter(|(_, count)| *count > 0) {
            let mut field: String<64> = String::new();
            let _ = write!(field, " {}={count}", counter.name());
            let _ = text.push_str(&field);
        }
        text
    }

    fn head(&self, text: &mut String<TEXT_LEN>) -> fmt::Result {
        write!(text, "CEF:0|tagout|gateway|{}|heartbeat|Heartbeat|0|", env!("CARGO_PKG_VERSION"))?;
        let Started { because, restarts, build } = self.started;
        write!(text, "uptime_s={} ready_ms={}", self.uptime / SECOND, self.ready / 1_000_000)?;
        write!(text, " start={} restarts={restarts} build={build}", because.name())?;
        write!(text, " clock={} policy={}", if self.is_set { "set" } else { "unset" }, self.policy)?;
        write!(text, " frames_lost={} frames_uninspected={}", self.frames_lost, self.frames_uninspected)?;
        write!(text, " line_bytes_lost={}", self.bytes_lost)?;
        write!(text, " waiting={} alerts_lost={}", self.log.waiting, self.log.lost)?;
        write!(text, " log_torn={} log_failures={}", self.log.torn, self.log.failures)?;
        write!(text, " stack={}", (self.stack)())
    }
}
