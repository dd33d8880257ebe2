//! The gateway on the Nucleo-H743ZI: STM32H743ZI (Cortex-M7F, RM0433) with a LAN8742 Ethernet PHY.
#![no_std]
#![no_main]

mod build;
mod kept;
mod nucleo;
mod stack;

use core::arch::asm;
use core::hint::black_box;

use embassy_stm32::pac::FLASH;
use embassy_stm32::pac::rcc::regs::Rsr;
use embassy_stm32::peripherals::{IWDG1, PB13};
use embassy_stm32::rcc;
use embassy_stm32::time::Hertz;

/// The pin for the second bit that is sent.
type TxD1 = PB13;
/// The independent watchdog.
type Iwdg = IWDG1;

/// Every revision of the microcontroller takes this much; only later ones take 480 MHz.
const CORE_HZ: u32 = 400_000_000;
/// Start of the identity in flash, and its length; the last sector of the first bank.
const IDENTITY: (u32, u32) = (0x000e_0000, 0x0002_0000);
const LOG_LEN: u32 = 512 * 1024;

/// True if the watchdog or the image itself started the board again.
fn restarted_itself(cause: Rsr) -> bool {
    cause.iwdg1rstf() || cause.sftrstf()
}

/// 400 MHz from the 8 MHz that the debugger on the board gives out.
fn clocks() -> rcc::Config {
    let mut clocks = rcc::Config::new();
    clocks.hse = Some(rcc::Hse { freq: Hertz(8_000_000), mode: rcc::HseMode::Bypass });
    clocks.pll1 = Some(rcc::Pll {
        source: rcc::PllSource::HSE,
        prediv: rcc::PllPreDiv::DIV1,
        mul: rcc::PllMul::MUL100,
        divp: Some(rcc::PllDiv::DIV2),
        divq: None,
        divr: None,
        fracn: None,
    });
    clocks.sys = rcc::Sysclk::PLL1_P;
    clocks.ahb_pre = rcc::AHBPrescaler::DIV2;
    clocks.apb1_pre = rcc::APBPrescaler::DIV2;
    clocks.apb2_pre = rcc::APBPrescaler::DIV2;
    clocks.apb3_pre = rcc::APBPrescaler::DIV2;
    clocks.apb4_pre = rcc::APBPrescaler::DIV2;
    clocks.voltage_scale = rcc::VoltageScale::Scale1;
    clocks
}

/// Bits of the MPU's registers (Armv7-M, B3.5): memory that everything may read and write, nothing executes and no cache
/// holds; MPU_RASR has the length as its logarithm less one.
const UNCACHED: u32 = 1 << 28 | 0b011 << 24 | 0b001 << 19 | 1 << 18 | 1;
/// On, for faults as well, since flash is read with faults masked; what is in no region stays as it is.
const MPU_ON: u32 = 0b111;
/// Start of what is not cached, and the logarithm of its length: SRAM1, which the Ethernet controller writes to, and the second
/// bank of flash.
const REGIONS: [(u32, u32); 2] = [(0x3000_0000, 17), (0x0810_0000, 20)];
/// Data that cannot be read is no fault while faults are masked (Armv7-M, B3.2.8).
const BFHFNMIGN: u32 = 1 << 8;

/// Lets the caches work, but not where something besides the processor writes.
fn prepare(core: &mut cortex_m::Peripherals) {
    // SAFETY: the regions take no memory away, and faults are masked nowhere but in `copy`.
    #[allow(unsafe_code, reason = "the registers can take memory away")]
    unsafe {
        for (number, (start, log2)) in (0..).zip(REGIONS) {
            core.MPU.rnr.write(number);
            core.MPU.rbar.write(start);
            core.MPU.rasr.write(UNCACHED | (log2 - 1) << 1);
        }
        core.MPU.ctrl.write(MPU_ON);
        core.SCB.ccr.modify(|control| control | BFHFNMIGN);
    }
    cortex_m::asm::dsb();
    cortex_m::asm::isb();
    core.SCB.enable_icache();
    core.SCB.enable_dcache(&mut core.CPUID);
}

/// Copies what flash holds; false if a word has more wrong bits than can be mended, which reading it answers with a fault.
fn copy(kept: &[u8], into: &mut [u8]) -> bool {
    FLASH.bank(1).ccr().write(|clear| clear.set_clr_dbeccerr(true));
    // SAFETY: nothing that is between the two needs faults or interrupts.
    #[allow(unsafe_code, reason = "no safe name for these instructions")]
    unsafe {
        asm!("cpsid f");
        into.iter_mut().zip(kept).for_each(|(place, byte)| *place = *byte);
        black_box(into);
        asm!("dsb", "cpsie f");
    }
    !FLASH.bank(1).sr().read().dbeccerr()
}

/// Lets flash be changed. The HAL takes errors of earlier operations, which it does not clear, for those of this one.
fn change<T>(change: impl FnOnce() -> T) -> T {
    FLASH.bank(1).ccr().write(|clear| {
        clear.set_clr_wrperr(true);
        clear.set_clr_pgserr(true);
        clear.set_clr_strberr(true);
        clear.set_clr_incerr(true);
        clear.set_clr_operr(true);
        clear.set_clr_rdperr(true);
        clear.set_clr_rdserr(true);
        clear.set_clr_sneccerr(true);
        clear.set_clr_dbeccerr(true);
    });
    change()
}
