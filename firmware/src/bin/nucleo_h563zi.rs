//! The gateway on the Nucleo-H563ZI: STM32H563ZI (Cortex-M33, RM0481) with a LAN8742 Ethernet PHY.
#![no_std]
#![no_main]

mod build;
mod kept;
mod nucleo;
mod stack;

use core::hint::black_box;
use core::sync::atomic::{AtomicBool, Ordering};

use cortex_m_rt::exception;
use embassy_stm32::pac::rcc::regs::Rsr;
use embassy_stm32::pac::{FLASH, ICACHE};
use embassy_stm32::peripherals::{self, PB15};
use embassy_stm32::rcc;
use embassy_stm32::time::Hertz;
use tagout_firmware::board::Start;

/// The pin for the second bit that is sent.
type TxD1 = PB15;
/// The independent watchdog.
type Iwdg = peripherals::IWDG;

const CORE_HZ: u32 = 250_000_000;
/// Start of the identity in flash, and its length; the last sector of the first bank.
const IDENTITY: (u32, u32) = (0x000f_e000, 0x2000);
const LOG_LEN: u32 = 256 * 1024;

/// True while a word of flash that cannot be read is expected, and true once there was one.
static EXPECTED: AtomicBool = AtomicBool::new(false);
static MET: AtomicBool = AtomicBool::new(false);

/// True if the watchdog or the image itself started the board again.
fn restarted_itself(cause: Rsr) -> bool {
    cause.iwdgrstf() || cause.sftrstf()
}

/// 250 MHz from the 8 MHz that the debugger on the board gives out.
fn clocks() -> rcc::Config {
    let mut clocks = rcc::Config::new();
    clocks.hse = Some(rcc::Hse { freq: Hertz(8_000_000), mode: rcc::HseMode::BypassDigital });
    clocks.pll1 = Some(rcc::Pll {
        source: rcc::PllSource::HSE,
        prediv: rcc::PllPreDiv::DIV2,
        mul: rcc::PllMul::MUL125,
        divp: Some(rcc::PllDiv::DIV2),
        divq: None,
        divr: None,
    });
    clocks.sys = rcc::Sysclk::PLL1_P;
    clocks.voltage_scale = rcc::VoltageScale::Scale0;
    clocks
}

/// Lets the cache work.
fn prepare(_: &mut cortex_m::Peripherals) {
    ICACHE.cr().modify(|control| control.set_en(true));
}

/// Copies what flash holds; false if a word has more wrong bits than can be mended, of which an interrupt tells.
fn copy(kept: &[u8], into: &mut [u8]) -> bool {
    MET.store(false, Ordering::SeqCst);
    EXPECTED.store(true, Ordering::SeqCst);
    into.iter_mut().zip(kept).for_each(|(place, byte)| *place = *byte);
    black_box(into);
    cortex_m::asm::dsb();
    cortex_m::asm::isb();
    EXPECTED.store(false, Ordering::SeqCst);
    !MET.load(Ordering::SeqCst)
}

/// Flash has a word that cannot be read, if nothing worse.
#[allow(unsafe_code, reason = "the processor calls it")]
#[exception]
unsafe fn NonMaskableInt() {
    if !FLASH.eccdetr().read().eccd() || !EXPECTED.load(Ordering::SeqCst) {
        kept::restart(Start::Fault);
    }
    MET.store(true, Ordering::SeqCst);
    FLASH.eccdetr().modify(|error| error.set_eccd(true));
}

/// Lets flash be changed, and the cache forget what it held.
fn change<T>(change: impl FnOnce() -> T) -> T {
    let changed = change();
    ICACHE.cr().modify(|control| control.set_cacheinv(true));
    while ICACHE.sr().read().busyf() {}
    changed
}
