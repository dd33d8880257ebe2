//! Serial lines, receive only: what came between two silences.

use heapless::Vec;

use crate::board::SECOND;

/// A byte on the line: start bit, 8 bits, parity or a second stop bit, stop bit.
const BITS: u64 = 11;
/// Above this many bit/s silence does not become shorter (Modbus over serial line 2.5.1.1).
const FASTEST: u32 = 19_200;
const SHORTEST_NS: u64 = 1_750_000;
/// Longer than any RTU frame (256), ASCII frame (513) or DNP3 link frame (292).
const PIECE: usize = 544;

/// Gathers the bytes of a line until it is silent for 3.5 characters, so that the core gets frames in one piece.
#[derive(Debug)]
pub(crate) struct Gathered {
    bytes: Vec<u8, PIECE>,
    last: u64,
    silence: u64,
}

impl Gathered {
    /// Nothing gathered of a line with `baud` bit/s.
    pub(crate) fn new(baud: u32) -> Self {
        Self { bytes: Vec::new(), last: 0, silence: silence(baud) }
    }

    /// Takes bytes of which the last came at `at`, if any came, and gives out what is whole.
    pub(crate) fn take(&mut self, mut bytes: &[u8], at: u64, mut give: impl FnMut(&[u8], u64)) {
        loop {
            if let Some((piece, last)) = self.whole(at) {
                give(piece, last);
                self.bytes.clear();
            }
            if bytes.is_empty() {
                return;
            }
            bytes = bytes.get(self.push(bytes, at)..).unwrap_or_default();
        }
    }

    /// What was gathered before a byte that comes at `now`, and when the last of it came, if it is whole: the line was
    /// silent, or there is no room for more.
    fn whole(&self, now: u64) -> Option<(&[u8], u64)> {
        let silent = now.saturating_sub(self.last) >= self.silence;
        (!self.bytes.is_empty() && (silent || self.bytes.is_full())).then_some((self.bytes.as_slice(), self.last))
    }

    /// Takes bytes of which the last came at `at`; returns how many found room.
    fn push(&mut self, bytes: &[u8], at: u64) -> usize {
        let room = self.bytes.capacity().saturating_sub(self.bytes.len()).min(bytes.len());
        // As many as there is room for always fit.
        let _ = self.bytes.extend_from_slice(bytes.get(..room).unwrap_or_default());
        self.last = at;
        room
    }
}

/// 3.5 characters at `baud` bit/s, in nanoseconds.
fn silence(baud: u32) -> u64 {
    if baud > FASTEST {
        return SHORTEST_NS;
    }
    (BITS * SECOND * 7 / 2).checked_div(u64::from(baud)).unwrap_or(SHORTEST_NS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn silence_follows_from_the_rate_up_to_a_limit() {
        assert_eq!(silence(9_600), 4_010_416);
        assert_eq!(silence(19_200), 2_005_208);
        assert_eq!(silence(115_200), SHORTEST_NS);
        assert_eq!(silence(0), SHORTEST_NS);
    }

    #[test]
    fn bytes_are_whole_after_a_silence() {
        let mut gathered = Gathered::new(9_600);
        assert_eq!(gathered.whole(u64::MAX), None);
        assert_eq!(gathered.push(&[1, 2], 1_000), 2);
        assert_eq!(gathered.push(&[3], 2_000), 1);
        assert_eq!(gathered.whole(2_000 + 4_010_415), None);
        assert_eq!(gathered.whole(2_000 + 4_010_416), Some((&[1, 2, 3][..], 2_000)));
        gathered.bytes.clear();
        assert_eq!(gathered.whole(u64::MAX), None);
    }

    #[test]
    fn a_line_that_is_never_silent_is_passed_on_in_pieces() {
        let mut gathered = Gathered::new(9_600);
        assert_eq!(gathered.push(&[7; PIECE + 1], 5), PIECE);
        assert_eq!(gathered.whole(5).map(|(bytes, _)| bytes.len()), Some(PIECE));
    }
}
