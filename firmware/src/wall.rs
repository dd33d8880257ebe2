use tagout_core::Timestamp;

/// The wall clock: the board's clock and what a time server said of it.
#[derive(Clone, Copy, Default, Debug)]
pub(crate) struct Wall {
    /// What time it was when the board started, in nanoseconds since the Unix epoch.
    start: Option<u64>,
}

impl Wall {
    /// Takes over that the board started at `start`.
    pub(crate) const fn set(&mut self, start: u64) {
        self.start = Some(start);
    }

    /// True once a server told the time.
    pub(crate) const fn is_set(&self) -> bool {
        self.start.is_some()
    }

    /// The time `now` nanoseconds after the start; counted from the start while nobody told it.
    pub(crate) fn time(&self, now: u64) -> Timestamp {
        Timestamp(self.start.unwrap_or(0).saturating_add(now))
    }
}
