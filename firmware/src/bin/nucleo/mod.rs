//! What STMicroelectronics' Nucleo boards with 144 pins share: an Ethernet port with a LAN8742 PHY, serial lines, flash in two
//! banks, a watchdog. What depends on the microcontroller is in the image of each board.

mod clock;
mod flash;
mod line;
mod port;
mod restart;

use core::mem::MaybeUninit;

use cortex_m::peripheral::SYST;
use cortex_m::peripheral::syst::SystClkSource;
use cortex_m_rt::{entry, exception};
use embassy_stm32::eth::{self, Ethernet, GenericPhy, Sma};
use embassy_stm32::pac::{RCC, UID};
use embassy_stm32::rng::{self, Rng};
use embassy_stm32::{Config, Peri, bind_interrupts, peripherals};
use tagout_firmware::board::{Board, Start, Started};
use tagout_firmware::settings::Settings;
use tagout_firmware::{Identity, Memory, run};

use crate::{build, kept, stack};
use clock::Ticks;
use flash::{Area, Shared};
use port::Mac;
use restart::Dog;

/// The address at which both boards strap their PHY.
const PHY: u8 = 0;
/// The processor is woken this often when nothing else does.
const WAKES_A_SECOND: u32 = 100;

bind_interrupts!(struct Interrupts {
    ETH => eth::InterruptHandler;
    RNG => rng::InterruptHandler<peripherals::RNG>;
    USART2 => line::Handler<0>;
    USART6 => line::Handler<1>;
});

#[entry]
fn main() -> ! {
    static mut MEMORY: Memory<Area> = Memory::new();
    static mut FLASH_DRIVER: MaybeUninit<Shared> = MaybeUninit::uninit();
    stack::paint();
    let started = kept::started(power_came_on(), build::id());
    let Some(mut core) = cortex_m::Peripherals::take() else { kept::restart(Start::Fault) };
    let unique = unique();
    // Not before the unique number was read, which no cache may hold.
    crate::prepare(&mut core);
    watch(started, &unique, core.SYST, MEMORY, FLASH_DRIVER)
}

/// True if the board did not start by itself. Forgets why it started.
fn power_came_on() -> bool {
    let cause = RCC.rsr().read();
    RCC.rsr().modify(|causes| causes.set_rmvf(true));
    !crate::restarted_itself(cause)
}

/// What only this microcontroller has.
fn unique() -> [u8; 12] {
    let words = [0, 1, 2].map(|word| UID.uid(word).read().to_le_bytes());
    let mut unique = [0; 12];
    unique.copy_from_slice(words.as_flattened());
    unique
}

/// The gateway from its start on, for ever.
fn watch(
    started: Started,
    unique: &[u8; 12],
    timer: SYST,
    memory: &'static mut Memory<Area>,
    flash: &'static mut MaybeUninit<Shared>,
) -> ! {
    // First of all, since a clock or a PHY that fails keeps what follows waiting.
    let watchdog = Dog::start();
    let mut config = Config::default();
    config.rcc = crate::clocks();
    let p = embassy_stm32::init(config);
    wake_regularly(timer);
    let identity = Identity::read(flash::identity()).copied().unwrap_or_else(|| Identity::unwritten(unique));
    let areas = flash::areas(flash.write(flash::driver(p.FLASH)));
    let equip = |identity: &Identity, settings: &Settings| {
        let mac = settings.tap_mac(identity);
        let phy = GenericPhy::new(Sma::new(p.ETH_SMA, p.PA2, p.PC1), PHY);
        let (queue, tx_d1) = (port::queue(), tx_d1());
        let controller = Ethernet::new_with_phy(
            queue, p.ETH, Interrupts, p.PA1, p.PA7, p.PC4, p.PC5, p.PG13, tx_d1, p.PG11, mac, phy,
        );
        let clock = Ticks::start(p.TIM2);
        let lines = line::open(&settings.serial_lines, (p.USART2, p.PD6), (p.USART6, p.PG9));
        let seed = Rng::new(p.RNG, Interrupts).next_u64();
        (Board { tap: Mac::new(controller, mac), own: None, lines, clock, watchdog, stack: stack::used }, seed)
    };
    run(identity, areas, memory, started, equip, (cortex_m::asm::wfe, kept::restart))
}

/// The pin of which the boards have different ones for the second bit that is sent. To be called once.
fn tx_d1() -> Peri<'static, crate::TxD1> {
    // SAFETY: nothing else uses it.
    #[allow(unsafe_code, reason = "all other pins are those of both boards")]
    unsafe {
        crate::TxD1::steal()
    }
}

/// Lets the timer wake the processor.
fn wake_regularly(mut timer: SYST) {
    timer.set_clock_source(SystClkSource::Core);
    timer.set_reload(crate::CORE_HZ / WAKES_A_SECOND);
    timer.clear_current();
    timer.enable_counter();
    timer.enable_interrupt();
}

/// It only wakes the processor.
#[exception]
fn SysTick() {}
