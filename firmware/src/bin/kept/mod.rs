//! Restarts: faults and panics, which end in one, and what it leaves as it is, which is why the image made the board start again,
//! and how often that was.

use core::mem::MaybeUninit;
use core::panic::PanicInfo;
use core::ptr::addr_of_mut;

use cortex_m::peripheral::SCB;
use cortex_m_rt::{ExceptionFrame, exception};
use tagout_firmware::board::{BuildId, Start, Started};

/// Says that the words behind it are ours and not what RAM holds after power came on.
const MAGIC: u32 = 0x7461_6f75;

/// Magic, cause and count, in RAM that a reset leaves as it is.
#[allow(unsafe_code, reason = "where RAM keeps its content is said by the section")]
#[unsafe(link_section = ".uninit.kept")]
static mut KEPT: MaybeUninit<[u32; 3]> = MaybeUninit::uninit();

/// Why the board started, and how often it did so by itself since power came on. From here on a restart that nobody
/// accounts for is the watchdog's. `power_came_on` if the board knows that what RAM holds is not from before.
pub(crate) fn started(power_came_on: bool, build: BuildId) -> Started {
    let [magic, cause, count] = read();
    if power_came_on || magic != MAGIC {
        write([MAGIC, Start::Watchdog as u32, 0]);
        return Started { because: Start::Power, restarts: 0, build };
    }
    let restarts = count.wrapping_add(1);
    write([MAGIC, Start::Watchdog as u32, restarts]);
    let causes = [Start::Watchdog, Start::Fault, Start::Panic, Start::Asked];
    let because = causes.into_iter().find(|known| *known as u32 == cause).unwrap_or(Start::Watchdog);
    Started { because, restarts, build }
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

#[allow(unsafe_code, reason = "the processor calls it")]
#[exception]
unsafe fn HardFault(_: &ExceptionFrame) -> ! {
    restart(Start::Fault)
}

/// Core, engine and the gateway's own code cannot panic, which the image that replays a capture proves. The network stack
/// and a HAL can, as far as their code shows.
#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    restart(Start::Panic)
}
