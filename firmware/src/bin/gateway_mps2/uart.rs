//! The board's serial lines, Arm's CMSDK UARTs. They hold one byte each and are asked once a step, which suffices where they
//! are emulated: the emulator waits with the next byte. A byte wakes the processor. A board with lines of its own takes them by
//! interrupt or DMA.

use cortex_m::interrupt::InterruptNumber;
use cortex_m::peripheral::NVIC;
use heapless::Vec;
use tagout_firmware::board::{Clock, Line};
use tagout_firmware::settings::{SERIAL_LINES, SerialLine};

use crate::clock::FreeRun;
use crate::register::Register;

/// UART 1 to 3; UART 0 is the console.
const BASES: [usize; 3] = [0x4000_5000, 0x4000_6000, 0x4000_7000];
const DATA: usize = 0x0;
const STATE: usize = 0x4;
const CONTROL: usize = 0x8;
const CLEAR: usize = 0xc;
const DIVIDER: usize = 0x10;

const RECEIVED: u32 = 2;
const OVERRUN: u32 = 8;
/// The receiver, and its interrupt.
const RECEIVER_ON: u32 = 2 | 8;
/// The receivers' interrupts.
const INTERRUPTS: [Interrupt; 3] = [Interrupt(2), Interrupt(4), Interrupt(18)];
/// What the UARTs divide for their rate.
const SYSCLK: u32 = 25_000_000;
const LEAST_DIVIDER: u32 = 16;

/// The interrupt of a receiver.
#[derive(Clone, Copy)]
struct Interrupt(u16);

// SAFETY: each number stays what it is, and the board has an interrupt of each that is used.
#[allow(unsafe_code, reason = "the trait is unsafe to implement")]
unsafe impl InterruptNumber for Interrupt {
    fn number(self) -> u16 {
        self.0
    }
}

/// Lets bytes wake the processor.
pub(crate) fn wake() {
    for interrupt in INTERRUPTS {
        // SAFETY: interrupts are masked for good, so that no handler is ever entered and no critical section is broken.
        #[allow(unsafe_code, reason = "the interrupt may end a critical section, says its signature")]
        unsafe {
            NVIC::unmask(interrupt);
        }
    }
}

/// Takes back the interrupts of all lines.
pub(crate) fn acknowledge() {
    BASES.iter().for_each(|base| Register::at(base + CLEAR).write(RECEIVED));
    INTERRUPTS.into_iter().for_each(NVIC::unpend);
}

/// A line that is listened to.
pub(crate) struct Uart {
    base: Option<usize>,
    clock: FreeRun,
    lost: u32,
}

/// The lines of the settings, in their order; one that the board does not have stays silent.
pub(crate) fn lines<'l>(settings: impl Iterator<Item = &'l SerialLine>) -> Vec<Uart, SERIAL_LINES> {
    settings.map(|line| Uart::new(BASES.get(usize::from(line.number).wrapping_sub(1)).copied(), line.baud)).collect()
}

impl Uart {
    fn new(base: Option<usize>, baud: u32) -> Self {
        let divider = SYSCLK.checked_div(baud).unwrap_or(0).max(LEAST_DIVIDER);
        if let Some(base) = base {
            Register::at(base + DIVIDER).write(divider);
            Register::at(base + CONTROL).write(RECEIVER_ON);
        }
        Self { base, clock: FreeRun::new(), lost: 0 }
    }
}

impl Line for Uart {
    fn receive(&mut self, buffer: &mut [u8]) -> Option<(usize, u64)> {
        let base = self.base?;
        let state = Register::at(base + STATE);
        let mut len = 0;
        for place in buffer {
            let now = state.read();
            if now & OVERRUN != 0 {
                self.lost = self.lost.saturating_add(1);
                state.write(OVERRUN);
            }
            if now & RECEIVED == 0 {
                break;
            }
            *place = Register::at(base + DATA).read() as u8;
            len += 1;
        }
        (len > 0).then(|| (len, self.clock.now()))
    }

    fn lost(&mut self) -> u32 {
        self.lost
    }
}
