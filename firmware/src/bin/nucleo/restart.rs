//! What makes the board start again when the loop does not come round.

use embassy_stm32::wdg::IndependentWatchdog;
use tagout_firmware::board::Watchdog;

/// Longer than the erasure of any sector takes.
const PATIENCE_US: u32 = 8_000_000;

/// A watchdog that runs from a clock of its own.
pub(crate) struct Dog(IndependentWatchdog<'static, crate::Iwdg>);

impl Dog {
    /// Lets the watchdog watch; nothing stops it any more.
    pub(crate) fn start() -> Self {
        // SAFETY: nothing else uses the watchdog.
        #[allow(unsafe_code, reason = "wanted before anything else is set up")]
        let peripheral = unsafe { crate::Iwdg::steal() };
        let mut watchdog = IndependentWatchdog::new(peripheral, PATIENCE_US);
        watchdog.unleash();
        Self(watchdog)
    }
}

impl Watchdog for Dog {
    fn feed(&mut self) {
        self.0.pet();
    }
}
