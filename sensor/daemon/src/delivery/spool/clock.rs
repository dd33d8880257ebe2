//! How long things wait, whatever the machine's clock is set to.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// The spool's own clock, in seconds. It begins as the machine's, and goes on by monotonic time while the sensor runs: the machine's
/// may be set, and so make what waits older or younger than it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Clock {
    began: Instant,
    began_s: u64,
}

/// What both clocks said at one moment, in seconds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Reading {
    /// The spool's own.
    pub(super) own_s: u64,
    /// The machine's, since 1970.
    pub(super) machine_s: u64,
}

impl Clock {
    /// A clock that goes on from its last reading, or is new. Only the machine's clock tells how long the sensor did not run, and may have
    /// been set meanwhile: that counts for `most` at most.
    pub(super) fn resumed(last: Option<Reading>, machine_s: u64, most: Duration) -> Self {
        let stopped_s = |last: Reading| machine_s.saturating_sub(last.machine_s).min(most.as_secs());
        let began_s = last.map_or(machine_s, |last| last.own_s.saturating_add(stopped_s(last)));
        Self { began: Instant::now(), began_s }
    }

    /// What it says now.
    pub(super) fn now_s(&self) -> u64 {
        self.began_s.saturating_add(self.began.elapsed().as_secs())
    }

    /// What both say now.
    pub(super) fn read(&self) -> Reading {
        Reading { own_s: self.now_s(), machine_s: machine_s() }
    }
}

/// What the machine's clock says, in seconds since 1970.
pub(super) fn machine_s() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stop_counts_by_the_machines_clock_within_a_bound() {
        let last = Reading { own_s: 5_000, machine_s: 9_000 };
        let resumed = |machine_s| Clock::resumed(Some(last), machine_s, Duration::from_secs(100)).now_s();
        assert_eq!(resumed(9_000), 5_000);
        assert_eq!(resumed(9_060), 5_060);
        assert_eq!(resumed(1_000_000), 5_100, "set forward, or a long stop");
        assert_eq!(resumed(10), 5_000, "set back");
        assert_eq!(Clock::resumed(None, 9_000, Duration::ZERO).now_s(), 9_000);
    }
}
