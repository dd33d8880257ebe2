use tagout_core::{Frame, LinkType, Timestamp};

use crate::memory::word;

/// Magic numbers of a classic pcap file with microseconds and with nanoseconds (pcap-savefile(5)).
const MICROSECONDS: u32 = 0xa1b2_c3d4;
const NANOSECONDS: u32 = 0xa1b2_3c4d;

/// A little-endian classic pcap file in memory, as an iterator over its frames. It ends at the first record that does
/// not lie wholly within the memory.
#[derive(Clone, Debug)]
pub struct Capture<'a> {
    rest: &'a [u8],
    link: LinkType,
    tick_ns: u64,
    number: u64,
}

impl<'a> Capture<'a> {
    /// The capture that starts at the first byte of `memory`, if one does.
    pub fn new(memory: &'a [u8]) -> Option<Self> {
        let (magic, rest) = word(memory)?;
        let (link, rest) = word(rest.get(16..)?)?;
        let tick_ns = match magic {
            MICROSECONDS => 1_000,
            NANOSECONDS => 1,
            _ => return None,
        };
        Some(Self { rest, link: LinkType::from_registry(link), tick_ns, number: 0 })
    }
}

impl<'a> Iterator for Capture<'a> {
    type Item = Frame<'a>;

    fn next(&mut self) -> Option<Frame<'a>> {
        let (seconds, rest) = word(self.rest)?;
        let (ticks, rest) = word(rest)?;
        let (captured, rest) = word(rest)?;
        let (wire_len, rest) = word(rest)?;
        let (bytes, rest) = rest.split_at_checked(usize::try_from(captured).ok()?)?;
        if bytes.is_empty() {
            return None;
        }
        self.rest = rest;
        self.number = self.number.wrapping_add(1);
        let time =
            u64::from(seconds).wrapping_mul(1_000_000_000).wrapping_add(u64::from(ticks).wrapping_mul(self.tick_ns));
        Some(Frame { number: self.number, time: Timestamp(time), link: self.link, bytes, wire_len })
    }
}

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects, clippy::indexing_slicing, clippy::unwrap_used)]
mod tests {
    use super::*;

    /// A header, a frame of 3 bytes captured of 60, and zeroed memory behind it.
    const MEMORY: [u8; 64] = {
        let mut memory = [0; 64];
        let head = [0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0];
        let record = [1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 60, 0, 0, 0, 0xaa, 0xbb, 0xcc];
        memory.split_at_mut(8).0.copy_from_slice(&head);
        memory.split_at_mut(20).1.split_at_mut(1).0.copy_from_slice(&[1]);
        memory.split_at_mut(24).1.split_at_mut(19).0.copy_from_slice(&record);
        memory
    };

    #[test]
    fn frames_come_out_with_time_link_and_length_until_the_memory_is_empty() {
        let mut capture = Capture::new(&MEMORY).unwrap();
        let frame = capture.next().unwrap();
        assert_eq!((frame.number, frame.time, frame.link), (1, Timestamp(1_000_002_000), LinkType::Ethernet));
        assert_eq!((frame.bytes, frame.wire_len), (&[0xaa, 0xbb, 0xcc][..], 60));
        assert!(capture.next().is_none());
    }

    #[test]
    fn the_magic_tells_the_unit_of_time() {
        let mut memory = MEMORY;
        memory[..4].copy_from_slice(&NANOSECONDS.to_le_bytes());
        assert_eq!(Capture::new(&memory).unwrap().next().unwrap().time, Timestamp(1_000_000_002));
    }

    #[test]
    fn a_record_that_runs_past_the_memory_ends_the_capture() {
        for len in 24..MEMORY.len() {
            let frames = Capture::new(&MEMORY[..len]).unwrap().count();
            assert_eq!(frames, usize::from(len >= 43), "{len} bytes");
        }
    }

    #[test]
    fn other_memory_is_no_capture() {
        assert!(Capture::new(&[]).is_none());
        assert!(Capture::new(&MEMORY[..23]).is_none());
        assert!(Capture::new(&[0xff; 64]).is_none());
    }
}
