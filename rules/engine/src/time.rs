/// Nanoseconds since the Unix epoch, as captured.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Timestamp(pub u64);

impl Timestamp {
    /// This time plus `ms` milliseconds.
    // Forty places ask for it, and products of 64 bits are long where flash is short.
    #[cfg_attr(target_os = "none", inline(never))]
    pub const fn plus_ms(self, ms: u32) -> Self {
        Self(self.0.saturating_add((ms as u64).saturating_mul(1_000_000)))
    }

    /// Whole microseconds from `earlier` to this; 0 if `earlier` is later.
    #[cfg_attr(target_os = "none", inline(never))]
    pub const fn micros_since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0).wrapping_div(1_000)
    }
}
