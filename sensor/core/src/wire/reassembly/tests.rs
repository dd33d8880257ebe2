extern crate std;

use std::vec;
use std::vec::Vec;

use super::*;

const SECOND: u64 = 1_000_000_000;

/// Two slots of 64 bytes each, fed with fragments of protocol UDP.
struct Bench {
    slots: Vec<FragmentSlot>,
    buffer: Vec<u8>,
}

/// What a push gave, with the payload and its protocol copied out.
#[derive(PartialEq, Eq, Debug)]
struct Given {
    whole: Option<(u8, Vec<u8>)>,
    lost: u32,
    conflict: bool,
    altered: bool,
}

fn given(whole: Option<&[u8]>, lost: u32, conflict: bool) -> Given {
    Given { whole: whole.map(|bytes| (17, bytes.to_vec())), lost, conflict, altered: false }
}

fn altered(whole: &[u8]) -> Given {
    Given { altered: true, ..given(Some(whole), 0, false) }
}

fn waiting() -> Given {
    given(None, 0, false)
}

fn datagram(src: IpAddr, payload: &[u8]) -> Datagram<'_> {
    let dst = IpAddr::from([10, 0, 0, 2]);
    Datagram {
        src_mac: None,
        dst_mac: None,
        vlan: None,
        src,
        dst,
        ttl: 64,
        protocol: 17,
        payload,
        missing: 0,
        fragment: None,
    }
}

impl Bench {
    fn new() -> Self {
        Self { slots: vec![FragmentSlot::EMPTY; 2], buffer: vec![0; 128] }
    }

    /// Runs `pushes` on one reassembly: (seconds, id, offset, more, payload).
    fn run(&mut self, pushes: &[(u64, u32, u32, bool, &[u8])]) -> Vec<Given> {
        let mut reassembly = Reassembly::new(&mut self.slots, &mut self.buffer);
        let push = |&(seconds, id, offset, more, payload): &(u64, u32, u32, bool, &[u8])| {
            let datagram = datagram([10, 0, 0, 1].into(), payload);
            let part = FragmentPart { id, offset, more };
            let got = reassembly.push(&datagram, part, Timestamp(seconds * SECOND));
            let whole = got.datagram.map(|whole| (whole.protocol, whole.payload.to_vec()));
            Given { whole, lost: got.lost, conflict: got.conflict, altered: got.altered }
        };
        pushes.iter().map(push).collect()
    }
}

fn last(pushes: &[(u64, u32, u32, bool, &[u8])]) -> Given {
    Bench::new().run(pushes).pop().unwrap()
}

#[test]
fn in_order_and_reversed() {
    let (first, second): (&[u8], &[u8]) = (b"abcdefgh", b"ij");
    let whole = given(Some(b"abcdefghij"), 0, false);
    assert_eq!(Bench::new().run(&[(0, 1, 0, true, first), (0, 1, 8, false, second)]), [waiting(), whole]);
    let whole = given(Some(b"abcdefghij"), 0, false);
    assert_eq!(Bench::new().run(&[(0, 1, 8, false, second), (0, 1, 0, true, first)]), [waiting(), whole]);
}

#[test]
fn duplicates_that_agree_are_no_conflict() {
    let first = (0, 1, 0, true, &b"abcdefgh"[..]);
    assert_eq!(last(&[first, first, (0, 1, 8, false, b"ij")]), given(Some(b"abcdefghij"), 0, false));
}

#[test]
fn first_bytes_stand_and_the_conflict_is_told_with_the_whole() {
    let got = last(&[(0, 1, 8, true, b"ijklmnop"), (0, 1, 0, true, b"abcdefghIJKLMNOP"), (0, 1, 16, false, b"q")]);
    assert_eq!(got, given(Some(b"abcdefghijklmnopq"), 0, true));
}

#[test]
fn first_length_stands() {
    let contradicting_last = [(0, 1, 8, false, &b"ij"[..]), (0, 1, 16, false, b"x"), (0, 1, 0, true, b"abcdefgh")];
    assert_eq!(last(&contradicting_last), given(Some(b"abcdefghij"), 0, true));
    let beyond_last = [(0, 1, 8, false, &b"ij"[..]), (0, 1, 0, true, b"abcdefghijklmnop")];
    assert_eq!(last(&beyond_last), given(Some(b"abcdefghij"), 0, true));
    let last_before_end = [(0, 1, 0, true, &b"abcdefghijklmnop"[..]), (0, 1, 8, false, b"ij"), (0, 1, 16, false, b"q")];
    assert_eq!(last(&last_before_end), given(Some(b"abcdefghijklmnopq"), 0, true));
}

#[test]
fn uneven_fragment_is_cut_to_units_of_eight() {
    let got = last(&[(0, 1, 0, true, b"abcdefghXYZ"), (0, 1, 8, false, b"ij")]);
    assert_eq!(got, given(Some(b"abcdefghij"), 0, true));
    assert_eq!(last(&[(0, 1, 0, true, b"abc")]), given(None, 1, false));
    assert_eq!(last(&[(0, 1, 8, false, b"")]), given(None, 1, false));
}

#[test]
fn too_large_for_the_slot() {
    let got = Bench::new().run(&[(0, 1, 0, true, &[7; 8]), (0, 1, 56, false, &[7; 9]), (0, 2, 65528, true, &[7; 16])]);
    assert_eq!(got, [waiting(), given(None, 2, false), given(None, 1, false)]);
    let exact = last(&[(0, 1, 0, true, &[7; 56]), (0, 1, 56, false, &[7; 8])]);
    assert_eq!(exact, given(Some(&[7; 64]), 0, false));
}

#[test]
fn timeout_by_capture_time() {
    let (first, second) = ((0, 1, 0, true, &b"abcdefgh"[..]), &b"ij"[..]);
    assert_eq!(last(&[first, (29, 1, 8, false, second)]), given(Some(b"abcdefghij"), 0, false));
    assert_eq!(last(&[first, (30, 1, 8, false, second)]), given(None, 1, false));
}

#[test]
fn full_table_gives_up_the_oldest() {
    let part = |seconds, id| (seconds, id, 0, true, &b"abcdefgh"[..]);
    let got = Bench::new().run(&[part(1, 1), part(2, 2), part(3, 1), part(4, 3), (5, 2, 8, false, b"ij")]);
    assert_eq!(got, [waiting(), waiting(), waiting(), given(None, 2, false), given(Some(b"abcdefghij"), 0, false)]);
}

#[test]
fn leftovers_of_a_doubled_mirror_are_no_loss() {
    let (first, second) = ((0, 1, 0, true, &b"abcdefgh"[..]), (0, 1, 8, false, &b"ij"[..]));
    let got = Bench::new().run(&[first, first, second, second, (60, 2, 0, true, b"abcdefgh")]);
    assert_eq!(got.iter().map(|got| got.lost).sum::<u32>(), 0);
    let other = (0, 1, 8, false, &b"iX"[..]);
    let got = Bench::new().run(&[first, second, other, (60, 2, 0, true, b"abcdefgh")]);
    assert_eq!(got.iter().map(|got| got.lost).sum::<u32>(), 1);
}

#[test]
fn the_same_datagram_sent_again_is_whole_again() {
    let (first, second) = ((0, 1, 0, true, &b"abcdefgh"[..]), (0, 1, 8, false, &b"ij"[..]));
    let whole = || given(Some(b"abcdefghij"), 0, false);
    assert_eq!(Bench::new().run(&[first, second, first, second]), [waiting(), whole(), waiting(), whole()]);
}

#[test]
fn a_fragment_that_alters_what_was_whole_gives_it_again() {
    let (first, decoy, taken) = ((0, 1, 0, true, &b"abcdefgh"[..]), (0, 1, 8, false, &b"ij"[..]), b"iX");
    let got = Bench::new().run(&[decoy, first, (9, 1, 8, false, taken)]);
    assert_eq!(got, [waiting(), given(Some(b"abcdefghij"), 0, false), altered(b"abcdefghiX")]);
    let longer = [first, decoy, (9, 1, 0, true, b"ABCDEFGHIJKLMNOP"), (9, 1, 16, false, b"q")];
    assert_eq!(last(&longer), given(Some(b"ABCDEFGHIJKLMNOPq"), 0, false));
}

#[test]
fn another_id_or_vlan_is_another_datagram() {
    assert_eq!(last(&[(0, 1, 0, true, b"abcdefgh"), (0, 2, 8, false, b"ij")]), waiting());
    let mut bench = Bench::new();
    let mut reassembly = Reassembly::new(&mut bench.slots, &mut bench.buffer);
    let part = |offset, more| FragmentPart { id: 1, offset, more };
    let first = Datagram { vlan: Some(1), ..datagram([10, 0, 0, 1].into(), b"abcdefgh") };
    let second = Datagram { vlan: Some(2), ..datagram([10, 0, 0, 1].into(), b"ij") };
    reassembly.push(&first, part(0, true), Timestamp(0));
    assert!(reassembly.push(&second, part(8, false), Timestamp(0)).datagram.is_none());
}

#[test]
fn snap_length_leaves_a_hole() {
    let (mut slots, mut buffer) = ([FragmentSlot::EMPTY], [0; 64]);
    let mut reassembly = Reassembly::new(&mut slots, &mut buffer);
    let cut = Datagram { missing: 4, ..datagram([10, 0, 0, 1].into(), b"abcd") };
    let part = |offset, more| FragmentPart { id: 1, offset, more };
    reassembly.push(&cut, part(0, true), Timestamp(0));
    let rest = datagram([10, 0, 0, 1].into(), b"ij");
    assert!(reassembly.push(&rest, part(8, false), Timestamp(0)).datagram.is_none());
    assert_eq!(reassembly.expire(Timestamp(u64::MAX)), 2);
}

#[test]
fn ipv6_takes_the_protocol_from_the_first_fragment_and_reads_on() {
    let (mut slots, mut buffer) = ([FragmentSlot::EMPTY], [0; 64]);
    let mut reassembly = Reassembly::new(&mut slots, &mut buffer);
    let part = |offset, more| FragmentPart { id: 1, offset, more };
    let second = Datagram { protocol: 6, ..datagram([1; 16].into(), b"ij") };
    let first = Datagram { protocol: 60, ..datagram([1; 16].into(), &[17, 0, 0, 0, 0, 0, 0, 0]) };
    assert!(reassembly.push(&second, part(8, false), Timestamp(0)).datagram.is_none());
    let whole = reassembly.push(&first, part(0, true), Timestamp(0)).datagram.unwrap();
    assert_eq!((whole.protocol, whole.payload), (17, &b"ij"[..]));

    let nested = Datagram { protocol: 44, ..datagram([1; 16].into(), &[17, 0, 0, 1, 0, 0, 0, 0]) };
    reassembly.push(&second, part(8, false), Timestamp(0));
    let got = reassembly.push(&nested, part(0, true), Timestamp(0));
    assert_eq!((got.datagram, got.lost), (None, 2));
}

#[test]
fn no_storage_loses_every_fragment() {
    let mut reassembly = Reassembly::new(&mut [], &mut []);
    let got =
        reassembly.push(&datagram([1; 16].into(), b"ij"), FragmentPart { id: 1, offset: 8, more: false }, Timestamp(0));
    assert_eq!((got.datagram, got.lost), (None, 1));
}
