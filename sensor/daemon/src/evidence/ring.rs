//! The latest frames of plant protocols.

use std::collections::VecDeque;
use std::net::IpAddr;

use tagout_core::wire::{Carried, decode};
use tagout_core::{Frame, LinkType, Path, Timestamp};

/// Frames as they came, the oldest of which make room for new ones. Nothing is allocated for a frame.
pub(super) struct Ring {
    bytes: Box<[u8]>,
    frames: VecDeque<Kept>,
    /// How many frames there can be.
    most: usize,
    /// Where the next frame goes, counted from the first byte that was ever kept.
    next: u64,
    /// The frame that was taken last, which is not among the frames unless it belongs to a flow.
    latest: Option<Kept>,
}

/// A frame in the ring.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Kept {
    /// The flow that it belongs to; unknown of a fragment of a datagram.
    flow: Option<u64>,
    pub(super) number: u64,
    pub(super) time: Timestamp,
    pub(super) link: LinkType,
    pub(super) wire_len: u32,
    len: u32,
    /// Where it begins, counted as [`Ring::next`].
    start: u64,
}

impl Ring {
    /// A ring of so many bytes, for so many frames.
    pub(super) fn new(bytes: usize, most: usize) -> Self {
        let (bytes, frames) = (vec![0; bytes].into_boxed_slice(), VecDeque::with_capacity(most));
        Self { bytes, frames, most, next: 0, latest: None }
    }

    /// Takes a frame, which goes again with the next one unless it is kept.
    #[inline]
    pub(super) fn take(&mut self, frame: &Frame<'_>) {
        let (len, size) = (frame.bytes.len() as u64, self.bytes.len() as u64);
        self.latest = None;
        // Frames are told apart by where they begin, so that each has to have a byte.
        if !(1..=size).contains(&len) || self.most == 0 {
            return;
        }
        let place = self.next % size;
        // Frames stay in one piece.
        let start = if place + len > size { self.next + size - place } else { self.next };
        while self.frames.front().is_some_and(|oldest| oldest.start + size < start + len) {
            self.frames.pop_front();
        }
        let Frame { number, time, link, bytes, wire_len } = *frame;
        let kept = Kept { flow: None, number, time, link, wire_len, len: bytes.len() as u32, start };
        let range = self.range(&kept);
        self.bytes[range].copy_from_slice(bytes);
        self.latest = Some(kept);
    }

    /// Keeps the frame that was taken last, as one of this flow.
    #[inline]
    pub(super) fn keep(&mut self, flow: Option<u64>) {
        let Some(latest) = self.latest.as_mut() else { return };
        latest.flow = flow.or(latest.flow);
        match self.frames.back_mut() {
            Some(last) if last.start == latest.start => *last = *latest,
            _ => {
                if self.frames.len() == self.most {
                    self.frames.pop_front();
                }
                self.next = latest.start + u64::from(latest.len);
                self.frames.push_back(*latest);
            }
        }
    }

    /// Forgets all frames.
    pub(super) fn clear(&mut self) {
        self.frames.clear();
        self.latest = None;
    }

    /// The frames between two hosts on a flow, in the order in which they came; and fragments between these hosts.
    pub(super) fn between<'r>(&'r self, path: &'r Path) -> impl DoubleEndedIterator<Item = &'r Kept> {
        self.frames.iter().filter(|kept| match kept.flow {
            Some(flow) => flow == path.flow,
            None => self.is_between(kept, path),
        })
    }

    /// What was captured of a frame.
    pub(super) fn bytes(&self, kept: &Kept) -> &[u8] {
        &self.bytes[self.range(kept)]
    }

    fn range(&self, kept: &Kept) -> std::ops::Range<usize> {
        let start = (kept.start % self.bytes.len() as u64) as usize;
        start..start + kept.len as usize
    }

    fn is_between(&self, kept: &Kept, path: &Path) -> bool {
        let carried = Carried { link: kept.link, bytes: self.bytes(kept), wire_len: kept.wire_len };
        addresses(carried).is_some_and(|[src, dst]| {
            [path.client.ip, path.server.ip] == [src, dst] || [path.server.ip, path.client.ip] == [src, dst]
        })
    }
}

/// Source and destination of the innermost packet, as the sensor reads it; each layer is shorter than the one around it.
fn addresses(mut layer: Carried<'_>) -> Option<[IpAddr; 2]> {
    loop {
        let datagram = decode(layer.link, layer.bytes, layer.wire_len).ok()?;
        match Carried::by(&datagram) {
            Some(inner) => layer = inner,
            None => return Some([datagram.src, datagram.dst]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(number: u64, bytes: &[u8]) -> Frame<'_> {
        Frame { number, time: Timestamp(number), link: LinkType::Unknown(7), bytes, wire_len: 1_000 }
    }

    fn of(flow: u64) -> Path {
        Path { flow, ..Path::default() }
    }

    fn numbers(ring: &Ring, flow: u64) -> Vec<u64> {
        ring.between(&of(flow)).map(|kept| kept.number).collect()
    }

    #[test]
    fn frames_make_room_for_later_ones_and_stay_whole() {
        for size in 7..40 {
            let mut ring = Ring::new(size, 100);
            for number in 1..=200_u64 {
                let bytes = vec![number as u8; 1 + number as usize % 7];
                ring.take(&frame(number, &bytes));
                ring.keep(Some(number % 3));
                let mut seen = 0;
                for kept in &ring.frames {
                    assert!(ring.bytes(kept).iter().all(|byte| *byte == kept.number as u8), "ring of {size}");
                    seen += kept.len as usize;
                }
                assert!(seen <= size);
            }
            assert_eq!(ring.frames.back().map(|kept| kept.number), Some(200));
        }
    }

    #[test]
    fn a_frame_without_a_flow_is_not_kept() {
        let mut ring = Ring::new(100, 2);
        for (number, flow) in [(1, Some(5)), (2, None), (3, Some(5)), (4, Some(6)), (5, Some(5))] {
            ring.take(&frame(number, b"frame"));
            if flow.is_some() {
                ring.keep(flow);
            }
        }
        assert_eq!((numbers(&ring, 5), numbers(&ring, 6)), (vec![5], vec![4]), "two at most");
        ring.clear();
        ring.keep(Some(5));
        assert!(numbers(&ring, 5).is_empty());
    }

    #[test]
    fn a_frame_that_does_not_fit_or_is_nothing_is_not_kept() {
        for (size, bytes) in [(4, &b"frame"[..]), (4, b""), (0, b"frame"), (0, b"")] {
            let mut ring = Ring::new(size, 9);
            ring.take(&frame(1, bytes));
            ring.keep(Some(5));
            assert!(numbers(&ring, 5).is_empty(), "{bytes:?} in {size}");
        }
    }

    #[test]
    fn the_fragment_that_completes_a_datagram_is_kept_once() {
        let mut ring = Ring::new(100, 9);
        ring.take(&frame(1, b"fragment"));
        ring.keep(None);
        ring.keep(Some(5));
        assert_eq!(numbers(&ring, 5), [1]);
    }

    /// The first fragment of a UDP datagram from 192.0.2.1 to 192.0.2.2.
    const FRAGMENT: [u8; 28] =
        [0x45, 0, 0, 28, 0, 7, 0x20, 0, 64, 17, 0, 0, 192, 0, 2, 1, 192, 0, 2, 2, 4, 210, 78, 32, 0, 16, 0, 0];
    const MACS: [u8; 12] = [2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1];

    #[test]
    fn a_fragment_is_found_behind_whatever_the_sensor_reads_behind() {
        let end = |last: u8| tagout_core::Host { ip: IpAddr::from([192, 0, 2, last]), ..Path::default().client };
        let path = |client, server| Path { client: end(client), server: end(server), ..of(5) };
        let gre = [0x45, 0, 0, 52, 0, 0, 0, 0, 64, 47, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2, 0, 0, 8, 0];
        let headers: [(&str, &[u8]); 6] = [
            ("nothing", &[8, 0]),
            ("a VLAN tag", &[0x81, 0, 0, 9, 8, 0]),
            ("HSR", &[0x89, 0x2f, 0x10, 0x42, 0, 9, 8, 0]),
            ("MPLS", &[0x88, 0x47, 0, 0, 0x81, 0x40]),
            ("PPPoE", &[0x88, 0x64, 0x11, 0, 0, 7, 0, 30, 0, 0x21]),
            ("GRE", &[&[8, 0][..], &gre].concat()),
        ];
        for (name, header) in headers {
            let bytes = [&MACS[..], header, &FRAGMENT].concat();
            let wire_len = bytes.len() as u32;
            let mut ring = Ring::new(1_000, 9);
            ring.take(&Frame { link: LinkType::Ethernet, wire_len, ..frame(1, &bytes) });
            ring.keep(None);
            assert_eq!(ring.between(&path(2, 1)).count(), 1, "{name}");
            assert_eq!(ring.between(&path(1, 3)).count(), 0, "{name}");
        }
    }
}
