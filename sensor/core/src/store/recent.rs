//! The payload seen last, over all flows.

use super::copy;
use crate::sequence::distance;

/// What precedes each record in the ring: the position of the same stream's previous record (8), its sequence number
/// (4), its length (2), padded to 16.
const HEADER_LEN: usize = 16;
/// How many records of a stream are looked at when a segment repeats.
const LOOK_BACK: usize = 256;

/// A ring of the latest stream payload, so that bytes that come twice can be compared with what came first.
///
/// Positions count all bytes ever written; what lies further back than the ring is long has been overwritten.
#[derive(Debug)]
pub(crate) struct Recent<'s> {
    ring: &'s mut [u8],
    written: u64,
}

#[derive(Clone, Copy)]
struct Record {
    previous: u64,
    seq: u32,
    len: usize,
}

impl<'s> Recent<'s> {
    /// Position 0 means "no record"; the first one is written behind it.
    ///
    /// Only the largest power of two of bytes is used.
    pub(crate) fn new(ring: &'s mut [u8]) -> Self {
        let len = ring.len().checked_ilog2().map_or(0, |log| 1_usize.wrapping_shl(log));
        Self { ring: ring.get_mut(..len).unwrap_or_default(), written: 1 }
    }

    /// Remembers `payload`, the next bytes of a stream whose latest record is at `previous`; returns the position of
    /// the new record.
    pub(crate) fn remember(&mut self, previous: u64, seq: u32, payload: &[u8]) -> u64 {
        let total = HEADER_LEN.saturating_add(payload.len());
        let Ok(len) = u16::try_from(payload.len()) else { return previous };
        if total > self.ring.len() {
            return previous;
        }
        let start = self.offset(self.written);
        if start.saturating_add(total) > self.ring.len() {
            // A record lies in one piece: the rest of the ring is left out.
            self.written = self.written.saturating_add(self.ring.len().saturating_sub(start) as u64);
        }
        let position = self.written;
        let start = self.offset(position);
        if let Some(room) = self.ring.get_mut(start..start.saturating_add(total))
            && let Some((header, body)) = room.split_first_chunk_mut::<HEADER_LEN>()
        {
            header[..8].copy_from_slice(&previous.to_le_bytes());
            header[8..12].copy_from_slice(&seq.to_le_bytes());
            header[12..14].copy_from_slice(&len.to_le_bytes());
            copy(body, payload);
        }
        self.written = position.saturating_add(total as u64);
        position
    }

    /// The segment, with its sequence number, that the stream whose latest record is at `position` carried before and
    /// that says something else than `payload` at `seq`.
    pub(crate) fn contradicting(&self, position: u64, seq: u32, payload: &[u8]) -> Option<(u32, &[u8])> {
        let mut position = position;
        for _ in 0..LOOK_BACK {
            let (record, body) = self.record(position)?;
            if differs(seq, payload, record.seq, body) {
                return Some((record.seq, body));
            }
            // What came before it has no byte of the payload.
            if body.len() > seq.wrapping_sub(record.seq) as usize {
                return None;
            }
            position = record.previous;
        }
        None
    }

    fn offset(&self, position: u64) -> usize {
        (position as usize) & self.ring.len().saturating_sub(1)
    }

    fn record(&self, position: u64) -> Option<(Record, &[u8])> {
        let age = self.written.checked_sub(position)?;
        if position == 0 || age > self.ring.len() as u64 {
            return None;
        }
        let (header, rest) = self.ring.get(self.offset(position)..)?.split_first_chunk::<HEADER_LEN>()?;
        let [p0, p1, p2, p3, p4, p5, p6, p7, s0, s1, s2, s3, l0, l1, ..] = *header;
        let record = Record {
            previous: u64::from_le_bytes([p0, p1, p2, p3, p4, p5, p6, p7]),
            seq: u32::from_le_bytes([s0, s1, s2, s3]),
            len: usize::from(u16::from_le_bytes([l0, l1])),
        };
        Some((record, rest.get(..record.len)?))
    }
}

/// True when the bytes that both segments carry for the same sequence numbers differ.
pub(crate) fn differs(seq_a: u32, a: &[u8], seq_b: u32, b: &[u8]) -> bool {
    let ahead = distance(seq_a, seq_b);
    let skip = ahead.unsigned_abs() as usize;
    let (a, b) = if ahead >= 0 { (a.get(skip..), Some(b)) } else { (Some(a), b.get(skip..)) };
    let (a, b) = (a.unwrap_or_default(), b.unwrap_or_default());
    let both = a.len().min(b.len());
    a.get(..both) != b.get(..both)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_a_repeated_byte_from_another() {
        let mut ring = [0; 256];
        let mut recent = Recent::new(&mut ring);
        let first = recent.remember(0, u32::MAX - 1, b"abcd");
        let second = recent.remember(first, 2, b"efgh");
        assert_eq!(recent.contradicting(second, u32::MAX, b"bcdef"), None);
        assert_eq!(recent.contradicting(second, u32::MAX, b"bcdXf"), Some((2, &b"efgh"[..])));
        assert_eq!(recent.contradicting(second, u32::MAX, b"bXdef"), Some((u32::MAX - 1, &b"abcd"[..])));
        assert_eq!(recent.contradicting(second, 100, b"anything"), None);
    }

    #[test]
    fn forgets_what_the_ring_no_longer_holds() {
        let mut ring = [0; 64];
        let mut recent = Recent::new(&mut ring);
        let first = recent.remember(0, 10, b"aaaa");
        assert_eq!(recent.contradicting(first, 10, b"bbbb"), Some((10, &b"aaaa"[..])));
        (0..9).for_each(|n| {
            recent.remember(0, n, b"0123456789");
        });
        assert_eq!(recent.contradicting(first, 10, b"bbbb"), None);
    }

    #[test]
    fn a_ring_too_small_for_a_record_remembers_nothing() {
        let mut ring = [0; 8];
        let mut recent = Recent::new(&mut ring);
        assert_eq!(recent.remember(0, 1, b"abc"), 0);
        assert_eq!(recent.contradicting(0, 1, b"xyz"), None);
    }
}
