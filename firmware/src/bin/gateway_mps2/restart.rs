//! What makes the board start again when the loop does not come round.

use cortex_m_rt::exception;
use tagout_firmware::board::{Start, Watchdog};

use crate::kept::restart;
use crate::register::Register;

/// Arm's CMSDK APB watchdog, which counts down at 25 MHz: the first time it comes to 0 it asks for an NMI, the second time
/// it resets the board.
const LOAD: Register = Register::at(0x4000_8000);
const CONTROL: Register = Register::at(0x4000_8008);
const CLEAR: Register = Register::at(0x4000_800c);
const LOCK: Register = Register::at(0x4000_8c00);
const UNLOCK: u32 = 0x1acc_e551;
const NMI_AND_RESET: u32 = 3;
/// 2 s: far more than a step takes, flash writes included.
const PERIOD: u32 = 50_000_000;

/// The board's watchdog.
pub(crate) struct Dog(());

impl Dog {
    /// Lets the watchdog watch.
    pub(crate) fn new() -> Self {
        LOCK.write(UNLOCK);
        LOAD.write(PERIOD);
        CONTROL.write(NMI_AND_RESET);
        Self(())
    }
}

impl Watchdog for Dog {
    fn feed(&mut self) {
        CLEAR.write(1);
    }
}

#[allow(unsafe_code, reason = "the processor calls it")]
#[exception]
unsafe fn NonMaskableInt() {
    restart(Start::Watchdog)
}
