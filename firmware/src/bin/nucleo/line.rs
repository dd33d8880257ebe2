//! Serial lines, receive only: USART2 on PD6 and USART6 on PG9. Each byte is taken by interrupt together with its time, since
//! silence tells where a frame ends.

use core::cell::RefCell;

use critical_section::Mutex;
use embassy_stm32::gpio::Pull;
use embassy_stm32::interrupt::{Interrupt, InterruptExt, typelevel};
use embassy_stm32::mode::Blocking;
use embassy_stm32::pac::usart::Usart;
use embassy_stm32::pac::{USART2, USART6};
use embassy_stm32::usart::{Config, DataBits, Parity, UartRx};
use embassy_stm32::{Peri, peripherals};
use heapless::{Deque, Vec};
use tagout_firmware::board::Line;
use tagout_firmware::settings::{self, SERIAL_LINES, SerialFraming, SerialLine};

use super::clock;

/// Bytes that wait to be judged: 22 ms at 115,200 bit/s, far longer than the loop takes.
const WAITING: usize = 256;
/// The parity bit of characters of 7 bits, which comes along with them.
const EIGHTH_BIT: u8 = 0x80;

/// What a line brought: bytes and what the timer showed when each came.
struct Arrived {
    bytes: Deque<(u8, u32), WAITING>,
    lost: u32,
    /// Bits of a byte that are no part of the character.
    ignored: u8,
}

static ARRIVED: [Mutex<RefCell<Arrived>>; 2] =
    [const { Mutex::new(RefCell::new(Arrived { bytes: Deque::new(), lost: 0, ignored: 0 })) }; 2];
const REGISTERS: [Usart; 2] = [USART2, USART6];

/// Takes what line `N` brings.
pub(crate) struct Handler<const N: usize>;

impl<const N: usize, I: typelevel::Interrupt> typelevel::Handler<I> for Handler<N> {
    #[allow(unsafe_code, reason = "the trait has it so")]
    unsafe fn on_interrupt() {
        let now = clock::ticks();
        critical_section::with(|section| ARRIVED[N].borrow_ref_mut(section).take(REGISTERS[N], now));
    }
}

impl Arrived {
    fn take(&mut self, line: Usart, now: u32) {
        loop {
            let state = line.isr().read();
            let damaged = state.pe() || state.fe() || state.ne();
            line.icr().write(|clear| {
                clear.set_pe(state.pe());
                clear.set_fe(state.fe());
                clear.set_ne(state.ne());
                clear.set_ore(state.ore());
            });
            self.lost = self.lost.saturating_add(u32::from(state.ore()));
            if !state.rxne() {
                return;
            }
            let byte = line.rdr().read().dr() as u8 & !self.ignored;
            if damaged || self.bytes.push_back((byte, now)).is_err() {
                self.lost = self.lost.saturating_add(1);
            }
        }
    }
}

/// A line that is listened to.
pub(crate) struct Uart {
    /// What it brought, if the board has such a line that can receive at that rate.
    arrived: Option<&'static Mutex<RefCell<Arrived>>>,
    /// Holds the receiver on.
    _receiver: Option<UartRx<'static, Blocking>>,
}

/// The lines of the settings, in their order; one that the board does not have stays silent.
pub(crate) fn open(
    settings: &[SerialLine],
    (usart2, pd6): (Peri<'static, peripherals::USART2>, Peri<'static, peripherals::PD6>),
    (usart6, pg9): (Peri<'static, peripherals::USART6>, Peri<'static, peripherals::PG9>),
) -> Vec<Uart, SERIAL_LINES> {
    let (mut first, mut second) = (Some((usart2, pd6)), Some((usart6, pg9)));
    let mut uart = |line: &SerialLine| {
        let config = config(line);
        let receiver = match line.number {
            1 => first.take().and_then(|(usart, pin)| UartRx::new_blocking(usart, pin, config).ok()),
            2 => second.take().and_then(|(usart, pin)| UartRx::new_blocking(usart, pin, config).ok()),
            _ => None,
        };
        let arrived = receiver.as_ref().and_then(|_| listen(line));
        Uart { arrived, _receiver: receiver }
    };
    settings.iter().map(&mut uart).collect()
}

/// Lets interrupts take what the line brings.
fn listen(line: &SerialLine) -> Option<&'static Mutex<RefCell<Arrived>>> {
    let which = usize::from(line.number).checked_sub(1)?;
    let (arrived, registers) = (ARRIVED.get(which)?, REGISTERS.get(which)?);
    if has_seven_bits(line) {
        critical_section::with(|section| arrived.borrow_ref_mut(section).ignored = EIGHTH_BIT);
    }
    registers.cr1().modify(|control| control.set_rxneie(true));
    // SAFETY: what the handlers touch, others touch within a critical section only.
    #[allow(unsafe_code, reason = "the interrupt may end a critical section, says its signature")]
    unsafe {
        [Interrupt::USART2, Interrupt::USART6].get(which)?.enable();
    }
    Some(arrived)
}

/// Modbus ASCII has characters of 7 bits unless they come without a parity bit (Modbus over serial line 2.5.2).
fn has_seven_bits(line: &SerialLine) -> bool {
    line.framing == SerialFraming::Ascii && line.parity != settings::Parity::None
}

fn config(line: &SerialLine) -> Config {
    let mut config = Config::default();
    config.baudrate = line.baud;
    // A line that nothing is plugged into is silent.
    config.rx_pull = Pull::Up;
    config.data_bits = if has_seven_bits(line) { DataBits::DataBits7 } else { DataBits::DataBits8 };
    config.parity = match line.parity {
        settings::Parity::None => Parity::ParityNone,
        settings::Parity::Even => Parity::ParityEven,
        settings::Parity::Odd => Parity::ParityOdd,
    };
    config
}

impl Line for Uart {
    /// A byte at a time, since the time of each tells whether there was silence before it.
    fn receive(&mut self, buffer: &mut [u8]) -> Option<(usize, u64)> {
        let (arrived, place) = (self.arrived?, buffer.first_mut()?);
        let (byte, then) = critical_section::with(|section| arrived.borrow_ref_mut(section).bytes.pop_front())?;
        *place = byte;
        Some((1, clock::time_of(then)))
    }

    fn lost(&mut self) -> u32 {
        self.arrived.map_or(0, |arrived| critical_section::with(|section| arrived.borrow_ref(section).lost))
    }
}
