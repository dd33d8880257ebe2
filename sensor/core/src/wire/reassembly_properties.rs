//! What must hold for all fragments, in any order.
#![allow(clippy::arithmetic_side_effects, clippy::indexing_slicing)]

extern crate std;

use std::net::IpAddr;
use std::vec;
use std::vec::Vec;

use proptest::collection::vec as many;
use proptest::prelude::*;

use crate::Timestamp;
use crate::wire::{Datagram, FragmentPart, FragmentSlot, Reassembled, Reassembly};

/// A fragment as pushed, without the datagram around it.
#[derive(Clone, Debug)]
struct Pushed {
    offset: u32,
    more: bool,
    bytes: Vec<u8>,
}

fn around(bytes: &[u8], is_v4: bool) -> Datagram<'_> {
    let address = |last: u8| if is_v4 { IpAddr::from([10, 0, 0, last]) } else { IpAddr::from([last; 16]) };
    Datagram {
        src_mac: None,
        dst_mac: None,
        vlan: Some(7),
        src: address(1),
        dst: address(2),
        ttl: 64,
        protocol: 17,
        payload: bytes,
        missing: 0,
        fragment: None,
    }
}

fn push<'a>(reassembly: &'a mut Reassembly<'_>, pushed: &Pushed, id: u32, is_v4: bool) -> Reassembled<'a> {
    let part = FragmentPart { id, offset: pushed.offset, more: pushed.more };
    reassembly.push(&around(&pushed.bytes, is_v4), part, Timestamp(0))
}

/// A payload cut at multiples of 8 into at most 40 fragments, shuffled, some of them twice.
fn shuffled_fragments() -> impl Strategy<Value = (Vec<u8>, Vec<Pushed>)> {
    (many(any::<u8>(), 9..3000), many(any::<prop::sample::Index>(), 1..40), many(any::<bool>(), 40)).prop_flat_map(
        |(payload, cuts, twice)| {
            let mut edges: Vec<usize> = cuts.iter().map(|cut| cut.index(payload.len().div_ceil(8)) * 8).collect();
            edges.extend([0, payload.len()]);
            edges.sort_unstable();
            edges.dedup();
            let pieces = edges.windows(2).map(|edge| Pushed {
                offset: edge[0] as u32,
                more: edge[1] < payload.len(),
                bytes: payload[edge[0]..edge[1]].to_vec(),
            });
            let fragments: Vec<Pushed> = pieces
                .zip(twice)
                .flat_map(|(piece, twice)| std::iter::repeat_n(piece, 1 + usize::from(twice)))
                .collect();
            (Just(payload), Just(fragments).prop_shuffle())
        },
    )
}

/// First arrival wins, byte by byte: what a receiver without bounds would hold.
#[derive(Default)]
struct Model {
    bytes: Vec<Option<u8>>,
    len: Option<usize>,
    conflict: bool,
}

impl Model {
    fn push(&mut self, pushed: &Pushed) -> Option<Vec<u8>> {
        let (start, end) = (pushed.offset as usize, pushed.offset as usize + pushed.bytes.len());
        match self.len {
            Some(len) => self.conflict |= if pushed.more { end > len } else { end != len },
            None if pushed.more => {}
            None if end < self.bytes.len() => self.conflict = true,
            None => self.len = Some(end),
        }
        let end = end.min(self.len.unwrap_or(end));
        self.bytes.resize(self.bytes.len().max(end), None);
        for (at, byte) in (start..end).zip(&pushed.bytes) {
            self.conflict |= self.bytes[at].is_some_and(|held| held != *byte);
            self.bytes[at] = self.bytes[at].or(Some(*byte));
        }
        self.bytes.get(..self.len?)?.iter().copied().collect()
    }
}

fn overlapping_fragments() -> impl Strategy<Value = Vec<Pushed>> {
    let fragment = (0_u32..8, 1_usize..4, any::<bool>(), prop::sample::select(vec![0_u8, 0, 0, 1]));
    let pushed = |(offset, units, more, byte): (u32, usize, bool, u8)| {
        let len = if more { units * 8 } else { units * 8 - 3 };
        Pushed { offset: offset * 8, more, bytes: vec![byte; len] }
    };
    many(fragment.prop_map(pushed), 1..12)
}

proptest! {
    #[test]
    fn fragments_in_any_order_give_the_payload_once(
        (payload, fragments) in shuffled_fragments(),
        is_v4 in any::<bool>(),
    ) {
        let (mut slots, mut buffer) = (vec![FragmentSlot::EMPTY; 3], vec![0; 3 * 3000]);
        let mut reassembly = Reassembly::new(&mut slots, &mut buffer);
        let mut whole = Vec::new();
        for fragment in &fragments {
            let got = push(&mut reassembly, fragment, 1, is_v4);
            prop_assert!(got.lost == 0 && !got.conflict);
            whole.extend(got.datagram.map(|datagram| datagram.payload.to_vec()));
        }
        prop_assert_eq!(whole.first(), Some(&payload));
        prop_assert!(whole.iter().all(|again| *again == payload));
        prop_assert_eq!(reassembly.expire(Timestamp(u64::MAX)), 0, "what is left are second copies");
    }

    #[test]
    fn overlaps_are_read_as_first_arrival_wins(fragments in overlapping_fragments(), is_v4 in any::<bool>()) {
        let (mut slots, mut buffer) = (vec![FragmentSlot::EMPTY], vec![0; 100]);
        let mut reassembly = Reassembly::new(&mut slots, &mut buffer);
        let mut model = Model::default();
        for fragment in &fragments {
            let expected = model.push(fragment);
            let got = push(&mut reassembly, fragment, 1, is_v4);
            let whole = got.datagram.filter(|_| !got.altered);
            prop_assert_eq!(whole.map(|datagram| datagram.payload.to_vec()), expected.clone());
            prop_assert_eq!(got.conflict, model.conflict);
            if expected.is_some() {
                model = Model::default();
            }
        }
    }

    #[test]
    fn every_fragment_of_what_stays_unfinished_is_counted_lost(
        fragments in many((0_u32..6, 0_u32..9, 1_usize..4), 0..60),
    ) {
        let (mut slots, mut buffer) = (vec![FragmentSlot::EMPTY; 3], vec![0; 3 * 64]);
        let mut reassembly = Reassembly::new(&mut slots, &mut buffer);
        let mut lost = 0;
        for (id, offset, units) in &fragments {
            let fragment = Pushed { offset: offset * 8, more: true, bytes: vec![1; units * 8] };
            lost += push(&mut reassembly, &fragment, *id, true).lost;
        }
        lost += reassembly.expire(Timestamp(u64::MAX));
        prop_assert_eq!(lost as usize, fragments.len());
    }
}
