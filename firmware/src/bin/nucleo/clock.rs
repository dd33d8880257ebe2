//! The board's time: a timer that counts tenths of microseconds, made longer.

use embassy_stm32::Peri;
use embassy_stm32::pac::TIM2;
use embassy_stm32::peripherals;
use embassy_stm32::time::Hertz;
use embassy_stm32::timer::low_level::Timer;
use tagout_firmware::board::{Clock, Rounds};

const TICKS_A_SECOND: Hertz = Hertz(10_000_000);
const TICK_NS: u64 = 100;

/// It begins anew every 429 s, and is read far more often.
static ROUNDS: Rounds = Rounds::new();

/// What the timer shows: the time of now in ticks, of which the upper half is missing.
pub(crate) fn ticks() -> u32 {
    TIM2.cnt().read()
}

/// When the timer showed `then`, which is less than a round ago.
pub(crate) fn time_of(then: u32) -> u64 {
    let shows = ticks();
    ROUNDS.count(shows).saturating_sub(shows.wrapping_sub(then).into()).saturating_mul(TICK_NS)
}

/// The clock.
pub(crate) struct Ticks {
    _timer: Timer<'static, peripherals::TIM2>,
}

impl Ticks {
    /// Lets the timer count.
    pub(crate) fn start(timer: Peri<'static, peripherals::TIM2>) -> Self {
        let mut timer = Timer::new(timer);
        timer.set_tick_freq(TICKS_A_SECOND);
        timer.set_max_compare_value(u32::MAX);
        timer.start();
        Self { _timer: timer }
    }
}

impl Clock for Ticks {
    fn now(&mut self) -> u64 {
        time_of(ticks())
    }
}
