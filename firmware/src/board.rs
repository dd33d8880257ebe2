//! What a board lends to the gateway. Nothing here waits: each method does what can be done now and returns.

use core::fmt;
use core::sync::atomic::{AtomicU32, Ordering};

use heapless::Vec;

use crate::settings::SERIAL_LINES;

/// The longest frame that is taken from a port, without its FCS: 1,500 bytes of payload behind a header, two VLAN tags and
/// a timestamp header, with room to spare.
pub const FRAME_LEN: usize = 1_600;

/// A second of a [`Clock`].
pub(crate) const SECOND: u64 = 1_000_000_000;

/// An Ethernet controller that takes every frame, whomever it is for.
pub trait Port {
    /// The controller's own address.
    fn mac(&self) -> [u8; 6];

    /// Copies the frame that waits longest to `buffer`, without its FCS, and returns its length. One that is longer than
    /// `buffer` is passed over and counted as lost.
    fn receive(&mut self, buffer: &mut [u8]) -> Option<usize>;

    /// True if a frame can be sent now.
    fn can_transmit(&mut self) -> bool;

    /// Sends `frame`, without its FCS. It is lost where [`can_transmit`](Self::can_transmit) is false.
    fn transmit(&mut self, frame: &[u8]);

    /// True while a cable is plugged in and the other side answers.
    fn is_up(&mut self) -> bool;

    /// How many frames the controller lost so far, as far as it can tell.
    fn lost(&mut self) -> u32;
}

/// The receiving side of a serial line.
pub trait Line {
    /// Bytes that came since the call before, with no silence between them, copied to `buffer`: how many, and when the last of
    /// them came (time of the board's [`Clock`]). What does not fit, or came after a silence, stays for the next call.
    fn receive(&mut self, buffer: &mut [u8]) -> Option<(usize, u64)>;

    /// How many bytes were lost so far, as far as the board can tell.
    fn lost(&mut self) -> u32;
}

/// A clock that starts with the board and is never set.
pub trait Clock {
    /// Nanoseconds since the start.
    fn now(&mut self) -> u64;
}

/// A counter of 32 bits made longer. It has to be read at least once while the counter goes round.
#[derive(Debug)]
pub struct Rounds {
    rounds: AtomicU32,
    shown: AtomicU32,
}

impl Rounds {
    /// Of a counter that starts now.
    pub const fn new() -> Self {
        Self { rounds: AtomicU32::new(0), shown: AtomicU32::new(0) }
    }

    /// How far the counter is that shows `shows`. Only one at a time may ask.
    pub fn count(&self, shows: u32) -> u64 {
        let went_round = shows < self.shown.swap(shows, Ordering::Relaxed);
        let rounds = self.rounds.load(Ordering::Relaxed).wrapping_add(u32::from(went_round));
        self.rounds.store(rounds, Ordering::Relaxed);
        u64::from(rounds) << 32 | u64::from(shows)
    }
}

impl Default for Rounds {
    fn default() -> Self {
        Self::new()
    }
}

/// What restarts the board when it is not fed in time.
pub trait Watchdog {
    /// Puts the restart off.
    fn feed(&mut self);
}

/// A board as the gateway uses it.
#[derive(Debug)]
pub struct Board<P, L, C, W> {
    /// The port on the mirror.
    pub tap: P,
    /// A second port, where the board has one.
    pub own: Option<P>,
    /// Those of its serial lines that are listened to, in the order of the settings.
    pub lines: Vec<L, SERIAL_LINES>,
    /// The clock.
    pub clock: C,
    /// The watchdog.
    pub watchdog: W,
    /// Tells how many bytes the stack was deep at most so far.
    pub stack: fn() -> u32,
}

/// Which build the image is: a hash of its content.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BuildId(pub [u8; Self::LEN]);

impl BuildId {
    /// Octets of it.
    pub const LEN: usize = 20;
}

impl fmt::Display for BuildId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|octet| write!(out, "{octet:02x}"))
    }
}

/// How the image came to run.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Started {
    /// Why the board started.
    pub because: Start,
    /// How often it did so by itself since power came on.
    pub restarts: u32,
    /// Which build the image is.
    pub build: BuildId,
}

/// Why the board started.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Start {
    /// Power came on, or someone pressed the button.
    Power,
    /// The watchdog was not fed in time.
    Watchdog,
    /// The processor met an instruction or address that it cannot take.
    Fault,
    /// The image gave up.
    Panic,
    /// A manager asked for it.
    Asked,
}

impl Start {
    /// The cause as messages write it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Power => "power",
            Self::Watchdog => "watchdog",
            Self::Fault => "fault",
            Self::Panic => "panic",
            Self::Asked => "asked",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_counter_goes_on_where_it_begins_anew() {
        let rounds = Rounds::new();
        let shown = [5, u32::MAX, 0, 0, 7, 3];
        let counts = shown.map(|shows| rounds.count(shows));
        let round = 1 << 32;
        assert_eq!(counts, [5, round - 1, round, round, round + 7, 2 * round + 3]);
    }
}
