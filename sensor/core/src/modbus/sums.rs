//! The CRCs of many stretches of the same bytes, for less than those of each.
//!
//! The CRC's register is linear: what it holds behind a stretch is what it holds behind all bytes up to there, but for what
//! it held before the stretch, moved on by as many bytes.

use super::rtu::MAX_FRAME;

/// Offsets at which a stretch may begin.
pub(super) const WINDOW: usize = MAX_FRAME;
/// States that are kept: those behind no byte to behind the last of the longest stretch.
const STATES: usize = WINDOW + MAX_FRAME + 1;

/// x^16 + x^15 + x^2 + 1, the lowest power in the highest bit.
const POLYNOMIAL: u16 = 0xA001;
const ONE: u16 = 0x8000;
/// The register before the first byte.
pub(super) const INITIAL: u16 = 0xFFFF;

/// What each byte adds to the register.
#[cfg(not(target_os = "none"))]
static BYTES: [u16; 256] = bytes();

/// What a register is multiplied by when so many bytes of zero pass: x to eight times the index.
#[cfg(not(target_os = "none"))]
static POWERS: [u16; MAX_FRAME + 1] = powers(1);

/// The first of these powers, and every one that many apart; a table of all takes 514 octets of flash.
#[cfg(target_os = "none")]
static LOW_POWERS: [u16; APART] = powers(1);
#[cfg(target_os = "none")]
static HIGH_POWERS: [u16; MAX_FRAME / APART + 1] = powers(APART);
#[cfg(target_os = "none")]
const APART: usize = 16;

/// The sums of some bytes.
pub(super) struct Sums<'a> {
    bytes: &'a [u8],
    /// The register behind so many bytes, from one that was 0 before them.
    states: [u16; STATES],
    /// How many states are known beside the first.
    known: usize,
}

impl<'a> Sums<'a> {
    pub(super) const fn of(bytes: &'a [u8]) -> Self {
        Self { bytes, states: [0; STATES], known: 0 }
    }

    /// The CRC of `len` bytes from `start` on; `None` if they are not there, or lie outside the window.
    pub(super) fn crc(&mut self, start: usize, len: usize) -> Option<u16> {
        let end = start.saturating_add(len);
        self.reach(end)?;
        let moved = product(INITIAL ^ self.states.get(start)?, power(len)?);
        Some(moved ^ self.states.get(end)?)
    }

    fn reach(&mut self, end: usize) -> Option<()> {
        let Some(new) = self.bytes.get(self.known..end) else { return (end <= self.known).then_some(()) };
        let mut state = *self.states.get(self.known)?;
        let places = self.states.get_mut(self.known.saturating_add(1)..=end)?;
        for (place, byte) in places.iter_mut().zip(new) {
            state = pass(state, *byte);
            *place = state;
        }
        self.known = end;
        Some(())
    }
}

#[cfg(not(target_os = "none"))]
fn power(len: usize) -> Option<u16> {
    POWERS.get(len).copied()
}

#[cfg(target_os = "none")]
fn power(len: usize) -> Option<u16> {
    Some(product(*LOW_POWERS.get(len % APART)?, *HIGH_POWERS.get(len / APART)?))
}

/// The CRC of `bytes` by themselves.
pub(super) fn crc(bytes: &[u8]) -> u16 {
    bytes.iter().fold(INITIAL, |state, byte| pass(state, *byte))
}

/// The register behind one more byte.
pub(super) fn pass(state: u16, byte: u8) -> u16 {
    added(state as u8 ^ byte) ^ state >> 8
}

/// What a byte adds to the register.
#[cfg(not(target_os = "none"))]
fn added(byte: u8) -> u16 {
    BYTES.get(usize::from(byte)).copied().unwrap_or(0)
}

/// What a byte adds to the register, computed: a table takes 512 octets of flash, and serial lines are slow.
#[cfg(target_os = "none")]
const fn added(byte: u8) -> u16 {
    product(byte as u16, ONE >> 8)
}

/// The product of two polynomials, modulo that of the CRC.
const fn product(a: u16, b: u16) -> u16 {
    let (mut product, mut factor, mut bit) = (0, b, ONE);
    while bit != 0 {
        if a & bit != 0 {
            product ^= factor;
        }
        factor = times_x(factor);
        bit >>= 1;
    }
    product
}

const fn times_x(a: u16) -> u16 {
    if a & 1 == 0 { a >> 1 } else { a >> 1 ^ POLYNOMIAL }
}

#[allow(clippy::indexing_slicing, clippy::arithmetic_side_effects, reason = "the compiler evaluates it")]
const fn powers<const N: usize>(apart: usize) -> [u16; N] {
    let (mut powers, mut step, mut passed) = ([ONE; N], ONE, 0);
    while passed < apart {
        step = product(step, ONE >> 8);
        passed += 1;
    }
    let mut at = 1;
    while at < N {
        powers[at] = product(powers[at - 1], step);
        at += 1;
    }
    powers
}

#[cfg(not(target_os = "none"))]
#[allow(clippy::indexing_slicing, clippy::arithmetic_side_effects, reason = "the compiler evaluates it")]
const fn bytes() -> [u16; 256] {
    let mut bytes = [0; 256];
    let mut byte = 0;
    while byte < bytes.len() {
        bytes[byte] = product(byte as u16, ONE >> 8);
        byte += 1;
    }
    bytes
}

#[cfg(test)]
mod tests {
    use ::crc::{CRC_16_MODBUS, Crc};
    use proptest::prelude::*;

    use super::*;

    static CRC: Crc<u16> = Crc::<u16>::new(&CRC_16_MODBUS);

    proptest! {
        #[test]
        fn the_sum_of_every_stretch_is_its_crc(
            bytes in proptest::collection::vec(any::<u8>(), 0..600),
            stretches in proptest::collection::vec((0..WINDOW, 0..=MAX_FRAME), 1..20),
        ) {
            let mut sums = Sums::of(&bytes);
            for (start, len) in stretches {
                let crc = bytes.get(start..start.saturating_add(len)).map(|stretch| CRC.checksum(stretch));
                prop_assert_eq!(sums.crc(start, len), crc);
                let alone = bytes.get(start..start.saturating_add(len)).map(super::crc);
                prop_assert_eq!(alone, crc);
            }
        }
    }
}
