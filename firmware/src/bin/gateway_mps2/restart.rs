//! Why the board starts, and what makes it start again: a watchdog, faults, panics.

use core::mem::MaybeUninit;
use core::panic::PanicInfo;
use core::ptr::addr_of_mut;

use cortex_m::peripheral::SCB;
use cortex_m_rt::{ExceptionFrame, exception};
use tagout_firmware::board::{Start, Watchdog};

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

/// Says that the words behind it are ours and not what RAM holds after power came on.
const MAGIC: u32 = 0x7461_6f75;

/// Magic, cause and count, in RAM that a reset leaves as it is.
#[allow(unsafe_code, reason = "where RAM keeps its content is said by the section")]
#[unsafe(link_section = ".uninit.restart")]
static mut KEPT: MaybeUninit<[u32; 3]> = MaybeUninit::uninit();

/// Why the board started, and how often it did so by itself since power came on. From here on a restart that nobody
/// accounts for is the watchdog's.
pub(crate) fn cause() -> (Start, u32) {
    let [magic, cause, count] = read();
    if magic != MAGIC {
        write([MAGIC, Start::Watchdog as u32, 0]);
        return (Start::Power, 0);
    }
    let count = count.wrapping_add(1);
    write([MAGIC, Start::Watchdog as u32, count]);
    let causes = [Start::Watchdog, Start::Fault, Start::Panic, Start::Asked];
    (causes.into_iter().find(|known| *known as u32 == cause).unwrap_or(Start::Watchdog), count)
}

/// Starts the board again.
pub(crate) fn restart(because: Start) -> ! {
    let [magic, _, count] = read();
    write([magic, because as u32, count]);
    SCB::sys_reset()
}

fn read() -> [u32; 3] {
    // SAFETY: no interrupt handler but those that never return touches it, and any word is a valid u32.
    #[allow(unsafe_code, reason = "a static that no start-up code writes")]
    unsafe {
        addr_of_mut!(KEPT).cast::<[u32; 3]>().read_volatile()
    }
}

fn write(words: [u32; 3]) {
    // SAFETY: as in `read`.
    #[allow(unsafe_code, reason = "a static that no start-up code writes")]
    unsafe {
        addr_of_mut!(KEPT).cast::<[u32; 3]>().write_volatile(words);
    }
}

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

#[allow(unsafe_code, reason = "the processor calls it")]
#[exception]
unsafe fn HardFault(_: &ExceptionFrame) -> ! {
    restart(Start::Fault)
}

/// Core, engine and the gateway's own code cannot panic, which the image that replays a capture proves. The network stack
/// can, as far as its code shows.
#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    restart(Start::Panic)
}
