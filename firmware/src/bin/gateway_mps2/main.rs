//! The gateway on ARM's MPS2 board with the AN386 (Cortex-M4F) or AN500 (Cortex-M7F) design, which QEMU emulates.
//!
//! QEMU's `-device loader,file=…,addr=…,force-raw=on` puts the identity and a package where `flash.rs` says.
#![no_std]
#![no_main]

mod clock;
mod flash;
mod lan9118;
mod register;
mod restart;
mod uart;

use cortex_m::peripheral::syst::SystClkSource;
use cortex_m::peripheral::{NVIC, SCB};
use cortex_m_rt::entry;
use tagout_core::Sensor;
use tagout_firmware::board::{Board, Clock};
use tagout_firmware::{
    AlertLog, Gateway, Identity, ManagementMemory, Package, Settings, Slots, Step, Tables, sensor_config,
};

use clock::FreeRun;
use flash::{Area, Areas};
use lan9118::Lan9118;
use restart::Dog;
use uart::Uart;

/// Wakes the processor when nothing else does: 10 ms at 25 MHz.
const TICK: u32 = 250_000;
/// The address of a board that was given none, from those that everyone may use.
const NO_MAC: [u8; 6] = [0x02, 0, 0, 0, 0, 0x01];

type Mps2 = Board<Lan9118, Uart, FreeRun, Dog>;

#[entry]
fn main() -> ! {
    static mut TABLES: Tables = Tables::new();
    static mut MEMORY: ManagementMemory = ManagementMemory::new();
    let started = restart::cause();
    // Interrupts only wake the processor; nothing is done in them.
    cortex_m::interrupt::disable();
    wake_regularly();
    let Areas { identity, slots: [mut first, mut second], log } = Areas::take();
    let nobody = Identity::new([[0; 32]; 2], [NO_MAC; 2], "");
    let identity = Identity::read(identity).unwrap_or(&nobody);
    let slots = Slots::open(&mut first, &mut second, identity);
    let package = slots.newest();
    let settings = package.as_ref().map_or_else(unconfigured, |package| package.settings.clone());
    let mut board = Board {
        tap: Lan9118::new(identity.tap_mac()),
        own: None,
        lines: uart::lines(settings.serial_lines.iter()),
        clock: FreeRun::new(),
        watchdog: Dog::new(),
    };
    let seed = seed(identity, &mut board.clock, started.1);
    let mut gateway = Gateway::new(settings.clone(), started, seed, MEMORY, AlertLog::open(log), &mut board);
    watch(&mut gateway, &mut board, package.as_ref(), &settings, TABLES)
}

/// Inspects for ever.
fn watch(
    gateway: &mut Gateway<Area>,
    board: &mut Mps2,
    package: Option<&Package<'_>>,
    settings: &Settings,
    tables: &mut Tables,
) -> ! {
    let Some(package) = package else {
        loop {
            rest(gateway.step(board, None));
        }
    };
    gateway.judges_by(package.version());
    loop {
        let mut sensor = Sensor::new(sensor_config(settings), package.policy, tables.lend());
        while rest(gateway.step(board, Some(&mut sensor))) != Step::Anew {}
        gateway.replaces(sensor.counters());
    }
}

/// Sleeps after a step that left nothing to do.
fn rest(step: Step) -> Step {
    if step == Step::Idle {
        cortex_m::asm::wfi();
        Lan9118::acknowledge();
        SCB::clear_pendst();
        NVIC::unpend(lan9118::Interrupt);
    }
    step
}

/// What a gateway without a package goes by: the board has one port, which has to serve for both.
fn unconfigured() -> Settings {
    let settings = Settings::default();
    match settings.interface() {
        Some(interface) => {
            Settings { management: tagout_firmware::settings::Management::TapPort(*interface), ..settings }
        }
        None => settings,
    }
}

/// Lets the timer and the Ethernet controller wake the processor.
fn wake_regularly() {
    if let Some(mut peripherals) = cortex_m::Peripherals::take() {
        peripherals.SYST.set_clock_source(SystClkSource::Core);
        peripherals.SYST.set_reload(TICK);
        peripherals.SYST.clear_current();
        peripherals.SYST.enable_counter();
        peripherals.SYST.enable_interrupt();
    }
    // SAFETY: interrupts are masked for good, so that no handler is ever entered and no critical section is broken.
    #[allow(unsafe_code, reason = "the interrupt may end a critical section, says its signature")]
    unsafe {
        NVIC::unmask(lan9118::Interrupt);
    }
}

/// What differs from board to board and from start to start. The board has no source of random numbers.
fn seed(identity: &Identity, clock: &mut FreeRun, restarts: u32) -> u64 {
    let [a, b, c, d, e, f] = identity.tap_mac();
    let mac = u64::from_be_bytes([0, 0, a, b, c, d, e, f]);
    (mac << 16 ^ u64::from(restarts) ^ clock.now().rotate_left(32)).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}
