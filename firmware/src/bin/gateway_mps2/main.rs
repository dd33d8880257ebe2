//! The gateway on ARM's MPS2 board with the AN386 (Cortex-M4F) or AN500 (Cortex-M7F) design, which QEMU emulates.
//!
//! QEMU's `-device loader,file=…,addr=…,force-raw=on` puts the identity and a package where `flash.rs` says.
#![no_std]
#![no_main]

#[path = "../build/mod.rs"]
mod build;
mod clock;
mod flash;
#[path = "../kept/mod.rs"]
mod kept;
mod lan9118;
mod register;
mod restart;
#[path = "../stack/mod.rs"]
mod stack;
mod uart;
#[path = "../vectors/mod.rs"]
mod vectors;

use cortex_m::peripheral::syst::SystClkSource;
use cortex_m::peripheral::{NVIC, SCB};
use cortex_m_rt::entry;
use tagout_firmware::board::{Board, Clock, Start};
use tagout_firmware::settings::Settings;
use tagout_firmware::{Identity, Memory, run};

use clock::FreeRun;
use flash::{Area, Flash};
use lan9118::Lan9118;
use restart::Dog;
use uart::Uart;

/// Wakes the processor when nothing else does: 10 ms at 25 MHz.
const TICK: u32 = 250_000;
/// The address of a board that was given none, from those that everyone may use.
const NO_MAC: [u8; 6] = [0x02, 0, 0, 0, 0, 0x01];

#[entry]
fn main() -> ! {
    static mut MEMORY: Memory<Area> = Memory::new();
    stack::paint();
    let started = kept::started(false, build::id());
    // Interrupts only wake the processor; nothing is done in them.
    cortex_m::interrupt::disable();
    wake_regularly();
    let Flash { identity, areas } = Flash::take(started.because == Start::Power);
    let nobody = || Identity::new([[0; 32]; 2], [NO_MAC; 2], "");
    let identity = Identity::read(identity).copied().unwrap_or_else(nobody);
    let equip = |identity: &Identity, settings: &Settings| equip(identity, started.restarts, settings);
    run(identity, areas, MEMORY, started, equip, (rest, kept::restart))
}

/// The board as the settings want it, and a number that differs from board to board and from start to start. The board has
/// no source of random numbers.
fn equip(identity: &Identity, restarts: u32, settings: &Settings) -> (Board<Lan9118, Uart, FreeRun, Dog>, u64) {
    let mut board = Board {
        tap: Lan9118::new(settings.tap_mac(identity)),
        own: None,
        lines: uart::lines(settings.serial_lines.iter()),
        clock: FreeRun::new(),
        watchdog: Dog::new(),
        stack: stack::used,
    };
    let [a, b, c, d, e, f] = identity.tap_mac();
    let mac = u64::from_be_bytes([0, 0, a, b, c, d, e, f]);
    let now = board.clock.now().rotate_left(32);
    (board, (mac << 16 ^ u64::from(restarts) ^ now).wrapping_mul(0x9e37_79b9_7f4a_7c15))
}

/// Sleeps until a frame, a byte or the timer comes.
fn rest() {
    cortex_m::asm::wfi();
    Lan9118::acknowledge();
    uart::acknowledge();
    SCB::clear_pendst();
    NVIC::unpend(lan9118::Interrupt);
}

/// Lets the timer, the serial lines and the Ethernet controller wake the processor.
fn wake_regularly() {
    if let Some(mut peripherals) = cortex_m::Peripherals::take() {
        peripherals.SYST.set_clock_source(SystClkSource::Core);
        peripherals.SYST.set_reload(TICK);
        peripherals.SYST.clear_current();
        peripherals.SYST.enable_counter();
        peripherals.SYST.enable_interrupt();
    }
    uart::wake();
    // SAFETY: interrupts are masked for good, so that no handler is ever entered and no critical section is broken.
    #[allow(unsafe_code, reason = "the interrupt may end a critical section, says its signature")]
    unsafe {
        NVIC::unmask(lan9118::Interrupt);
    }
}
