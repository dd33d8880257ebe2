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
use cortex_m_rt::exception;
use embassy_stm32::eth::{self, Ethernet, GenericPhy, Sma};
use embassy_stm32::pac::UID;
use embassy_stm32::rng::{self, Rng};
use embassy_stm32::{Config, bind_interrupts, peripherals, rcc};
use tagout_firmware::board::{Board, Started};
use tagout_firmware::settings::Settings;
use tagout_firmware::{Identity, Memory, run};

use clock::Ticks;
pub(crate) use flash::{Area, Shared};
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

/// What the image of a board lends for good.
pub(crate) struct Lent {
    pub(crate) memory: &'static mut Memory<Area>,
    pub(crate) flash: &'static mut MaybeUninit<Shared>,
}

/// What only this microcontroller has.
pub(crate) fn unique() -> [u8; 12] {
    let words = [0, 1, 2].map(|word| UID.uid(word).read().to_le_bytes());
    let mut unique = [0; 12];
    unique.copy_from_slice(words.as_flattened());
    unique
}

/// The gateway from its start on, for ever.
pub(crate) fn watch(
    started: Started,
    unique: &[u8; 12],
    clocks: rcc::Config,
    timer: SYST,
    Lent { memory, flash }: Lent,
) -> ! {
    // First of all, since a clock or a PHY that fails keeps what follows waiting.
    let watchdog = Dog::start();
    let mut config = Config::default();
    config.rcc = clocks;
    let p = embassy_stm32::init(config);
    wake_regularly(timer);
    let identity = Identity::read(flash::identity()).copied().unwrap_or_else(|| Identity::unwritten(unique));
    let areas = flash::areas(flash.write(flash::driver(p.FLASH)));
    let equip = |identity: &Identity, settings: &Settings| {
        let mac = settings.tap_mac(identity);
        let phy = GenericPhy::new(Sma::new(p.ETH_SMA, p.PA2, p.PC1), PHY);
        let (queue, tx_d1) = (port::queue(), crate::tx_d1());
        let controller = Ethernet::new_with_phy(
            queue, p.ETH, Interrupts, p.PA1, p.PA7, p.PC4, p.PC5, p.PG13, tx_d1, p.PG11, mac, phy,
        );
        let clock = Ticks::start(p.TIM2);
        let lines = line::open(&settings.serial_lines, (p.USART2, p.PD6), (p.USART6, p.PG9));
        let seed = Rng::new(p.RNG, Interrupts).next_u64();
        (Board { tap: Mac::new(controller, mac), own: None, lines, clock, watchdog, stack: crate::stack::used }, seed)
    };
    run(identity, areas, memory, started, equip, (cortex_m::asm::wfe, crate::kept::restart))
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
