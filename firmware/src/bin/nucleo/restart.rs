//! What makes the board start again: a watchdog that runs from a clock of its own, faults, panics.

use core::panic::PanicInfo;

use cortex_m_rt::{ExceptionFrame, exception};
use embassy_stm32::wdg::IndependentWatchdog;
use tagout_firmware::board::{Start, Watchdog};

use crate::kept::restart;

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

#[allow(unsafe_code, reason = "the processor calls it")]
#[exception]
unsafe fn HardFault(_: &ExceptionFrame) -> ! {
    restart(Start::Fault)
}

/// Core, engine and the gateway's own code cannot panic, which the image that replays a capture proves. The network stack
/// and the HAL can, as far as their code shows.
#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    restart(Start::Panic)
}
