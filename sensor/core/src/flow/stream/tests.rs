#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects, clippy::panic)]

extern crate std;

use core::net::{IpAddr, Ipv4Addr};
use std::vec::Vec;

use proptest::prelude::*;

use super::super::{FlowKey, Turn};
use super::*;
use crate::record::Transport;
use crate::wire::TcpFlags;
use tagout_engine::{Mac, Timestamp};

/// What a stream yielded: the transaction ids of its units, in order, and the anomalies.
#[derive(Default)]
struct Heard {
    ids: Vec<u16>,
    frames: Vec<u64>,
    /// The last octet of the MAC address that each unit is from: the number of its frame.
    senders: Vec<u8>,
    anomalies: Vec<AnomalyKind>,
}

impl Reader for Heard {
    fn unit(&mut self, flow: &mut Flow, turn: Turn, bytes: &[u8]) {
        self.senders.push(flow.sender(turn.side).0[5]);
        self.ids.push(u16::from_be_bytes([bytes[0], bytes[1]]));
        self.frames.push(turn.seen.frame);
    }
    fn anomaly(&mut self, _: &mut Flow, _: Turn, finding: Finding) {
        self.anomalies.push(finding.kind);
    }
    fn count(&mut self, _: Counter, _: usize) {}
}

#[derive(Clone)]
struct Segment {
    seq: u32,
    payload: Vec<u8>,
    flags: TcpFlags,
    urgent: u16,
}

const NO_FLAGS: TcpFlags = TcpFlags { syn: false, fin: false, rst: false, ack: false, urg: false };

fn data(seq: u32, payload: &[u8]) -> Segment {
    Segment { seq, payload: payload.to_vec(), flags: NO_FLAGS, urgent: 0 }
}

fn syn(seq: u32) -> Segment {
    Segment { flags: TcpFlags { syn: true, ..NO_FLAGS }, ..data(seq, &[]) }
}

fn rst(seq: u32) -> Segment {
    Segment { flags: TcpFlags { rst: true, ..NO_FLAGS }, ..data(seq, &[]) }
}

/// What the server acknowledges; nothing else here comes from there.
fn ack(ack: u32) -> Segment {
    Segment { flags: TcpFlags { ack: true, ..NO_FLAGS }, ..data(ack, &[]) }
}

/// A write of register 10, told apart by its transaction id.
fn adu(id: u16) -> Vec<u8> {
    let [high, low] = id.to_be_bytes();
    [&[high, low, 0, 0, 0, 6, 1, 6, 0, 10][..], &[high, low]].concat()
}

fn stream(ids: core::ops::Range<u16>) -> Vec<u8> {
    ids.flat_map(adu).collect()
}

fn hear(segments: &[Segment]) -> Heard {
    let (mut blocks, mut bytes) = ([Block::EMPTY; 64], [0; 64 * BLOCK_LEN]);
    let (mut recent, mut links) = ([0; 16_384], [Links::EMPTY; 2]);
    let mut streams = Streams::new(&mut blocks, &mut bytes, &mut recent, &mut links);
    let ip = IpAddr::V4(Ipv4Addr::LOCALHOST);
    let (key, client_is_low) = FlowKey::new((ip, 40_000), (ip, 502), None, Transport::Tcp);
    let mut flow = Flow::new(key, Protocol::Modbus, client_is_low);
    let mut heard = Heard::default();
    for (number, segment) in (1..).zip(segments) {
        let tcp = TcpSegment {
            src_port: 40_000,
            dst_port: 502,
            seq: segment.seq,
            ack: segment.seq,
            flags: segment.flags,
            urgent: segment.urgent,
            payload: &segment.payload,
            missing: 0,
        };
        let seen = Seen { frame: number, time: Timestamp(number) };
        flow.note_macs(Side::Client, Some(Mac([2, 0, 0, 0, 0, number as u8])), None);
        let side = if segment.flags.ack { Side::Server } else { Side::Client };
        streams.segment(0, &mut flow, side, &tcp, seen, &mut heard);
    }
    streams.forget(0, &mut flow, Side::Client, &mut heard);
    heard
}

#[test]
fn units_may_be_split_and_joined_anywhere() {
    let bytes = stream(1..5);
    for size in 1..bytes.len() {
        let mut seq = u32::MAX - 20;
        let mut segments = Vec::from([syn(seq.wrapping_sub(1))]);
        for piece in bytes.chunks(size) {
            segments.push(data(seq, piece));
            seq = seq.wrapping_add(piece.len() as u32);
        }
        let heard = hear(&segments);
        assert_eq!(heard.ids, [1, 2, 3, 4], "pieces of {size}");
        assert_eq!(heard.anomalies, []);
    }
}

#[test]
fn a_unit_is_seen_in_the_frame_that_carried_its_last_byte() {
    let late = [syn(99), data(112, &adu(2)), data(100, &adu(1))];
    assert_eq!((hear(&late).ids, hear(&late).frames), (Vec::from([1, 2]), Vec::from([3, 2])));
}

#[test]
fn what_waited_behind_a_hole_is_of_who_sent_it() {
    let late = [syn(99), data(112, &adu(2)), data(124, &adu(3)), data(100, &adu(1)), data(136, &adu(4))];
    assert_eq!((hear(&late).ids, hear(&late).senders), (Vec::from([1, 2, 3, 4]), Vec::from([4, 2, 3, 5])));
}

#[test]
fn repeated_bytes_count_once() {
    let heard = hear(&[syn(99), data(100, &adu(1)), data(100, &stream(1..3)), data(100, &adu(1))]);
    assert_eq!((heard.ids, heard.anomalies), (Vec::from([1, 2]), Vec::new()));
}

#[test]
fn a_held_unit_keeps_its_frame_when_it_is_repeated() {
    let heard = hear(&[syn(99), data(112, &adu(2)), data(100, &stream(1..4))]);
    assert_eq!((heard.ids, heard.frames), (Vec::from([1, 2, 3]), Vec::from([3, 2, 3])));
}

#[test]
fn held_units_keep_their_frames_when_they_are_repeated_behind_the_hole() {
    let heard = hear(&[syn(99), data(112, &adu(2)), data(136, &adu(4)), data(112, &stream(2..6)), data(100, &adu(1))]);
    assert_eq!((heard.ids, heard.frames), (Vec::from([1, 2, 3, 4, 5]), Vec::from([5, 2, 4, 3, 4])));
    assert_eq!(heard.anomalies, []);
}

#[test]
fn a_lost_stream_goes_on_at_a_segment_of_whole_units() {
    let private = |id: u8| [0, id, 0, 0, 0, 5, 0, 90, 0, 4, 1];
    let heard =
        hear(&[syn(99), data(100, &[9; 10]), data(110, &[1, 2]), data(112, &private(5)), data(123, &private(6))]);
    assert_eq!(heard.ids, [5, 6]);
}

#[test]
fn a_keep_alive_probe_is_no_conflict() {
    for before in [&[ack(112)][..], &[]] {
        let probed = [data(111, &[0]), data(112, &adu(2))];
        let segments: Vec<_> = [syn(99), data(100, &adu(1))].iter().chain(before).chain(&probed).cloned().collect();
        let heard = hear(&segments);
        assert_eq!((heard.ids, heard.anomalies), (Vec::from([1, 2]), Vec::new()));
    }
}

#[test]
fn a_byte_that_nobody_has_acknowledged_is_no_keep_alive_probe() {
    let heard = hear(&[syn(99), ack(100), data(100, &adu(1)), data(111, &[7])]);
    assert_eq!((heard.ids, heard.anomalies), (Vec::from([1, 1]), Vec::from([AnomalyKind::TcpOverlapConflict])));
}

#[test]
fn a_connection_that_takes_the_ports_of_another_is_read_wherever_it_begins() {
    for isn in [99, 50, 111, 5_000, 300_000] {
        let begun = [syn(99), data(100, &adu(1))];
        let next = [syn(isn), data(isn + 1, &adu(2)), data(isn + 13, &adu(3))];
        let again: Vec<Segment> = begun.into_iter().chain([rst(112)]).chain(next).collect();
        let heard = hear(&again);
        assert_eq!((heard.ids, heard.anomalies), (Vec::from([1, 2, 3]), Vec::new()), "from {isn} on");
    }
}

#[test]
fn a_syn_below_stray_data_is_believed_when_bytes_follow_it() {
    let (unit, stray) = (adu(2), data(5_000, b"?"));
    let heard = hear(&[stray, syn(99), data(100, &unit[..5]), data(105, &unit[5..])]);
    assert_eq!(heard.ids, [2]);
}

#[test]
fn what_repeats_many_segments_is_compared() {
    let decoys = (100..300).map(|seq| data(seq, b"?"));
    let segments: Vec<Segment> = [syn(99), ack(100)].into_iter().chain(decoys).chain([data(100, &adu(7))]).collect();
    let heard = hear(&segments);
    assert!(heard.anomalies.contains(&AnomalyKind::TcpOverlapConflict));
    assert_eq!(heard.ids, [7]);
}

#[test]
fn both_readings_of_urgent_data_are_judged() {
    let with_a_byte = [&adu(1)[..10], b"!", &adu(1)[10..]].concat();
    let urgent = Segment { flags: TcpFlags { urg: true, ..NO_FLAGS }, urgent: 11, ..data(100, &with_a_byte) };
    let heard = hear(&[syn(99), urgent]);
    assert_eq!(heard.ids[0], 1);
    assert_eq!(heard.anomalies[0], AnomalyKind::TcpUrgent);
}

#[test]
fn both_readings_of_an_overlap_are_judged() {
    let heard = hear(&[syn(99), data(100, &adu(1)), data(100, &adu(7)), data(112, &adu(2))]);
    assert_eq!(heard.ids, [1, 7, 2]);
    assert_eq!(heard.anomalies, [AnomalyKind::TcpOverlapConflict]);
}

#[test]
fn the_other_reading_of_a_part_includes_what_stands_around_it() {
    let heard = hear(&[syn(99), data(100, &stream(1..4)), data(112, &[0, 8]), data(136, &adu(4))]);
    assert_eq!(
        (heard.ids, heard.anomalies),
        (Vec::from([1, 2, 3, 8, 4]), Vec::from([AnomalyKind::TcpOverlapConflict]))
    );
}

#[test]
fn a_lost_segment_costs_its_own_units() {
    let heard = hear(&[syn(99), data(100, &adu(1)), data(124, &adu(3)), data(136, &adu(4))]);
    assert_eq!(heard.ids, [1, 3, 4]);
    assert_eq!(heard.anomalies, [AnomalyKind::TcpGap]);
}

#[test]
fn a_session_older_than_the_sensor_is_picked_up() {
    let bytes = stream(1..4);
    let heard = hear(&[data(7, &bytes[5..12]), data(14, &bytes[12..])]);
    assert_eq!((heard.ids, heard.anomalies), (Vec::from([2, 3]), Vec::new()));
}

#[test]
fn what_fills_a_hole_given_up_is_judged_still() {
    let mut segments = Vec::from([syn(99)]);
    segments.extend((1..80).map(|id| data(100 + 12 * u32::from(id), &adu(id))));
    segments.push(data(100, &adu(0)));
    let heard = hear(&segments);
    assert_eq!(heard.ids.last(), Some(&0));
    assert_eq!(heard.ids.len(), 80);
}

#[test]
fn what_fills_a_hole_within_a_longer_repetition_is_judged_still() {
    let behind = (2..80).map(|id| data(100 + 12 * u32::from(id), &adu(id)));
    let given_up: Vec<Segment> = [syn(99)].into_iter().chain(behind).collect();
    let late = [
        ("the hole and all behind it", Vec::from([data(100, &stream(0..80))])),
        ("the hole and a part of what is behind it", Vec::from([data(100, &stream(0..3))])),
        ("the second unit, then both", Vec::from([data(112, &adu(1)), data(100, &stream(0..2))])),
    ];
    for (name, late) in late {
        let mut ids = hear(&[&given_up[..], &late].concat()).ids;
        ids.sort_unstable();
        assert_eq!(ids, (0..80).collect::<Vec<_>>(), "{name}");
    }
}

#[test]
fn a_forged_syn_or_segment_does_not_move_the_stream() {
    let halves = adu(2);
    let forged = [
        syn(99),
        data(100, &adu(1)),
        data(112, &halves[..6]),
        syn(0x7000_0000),
        data(0xA000_0000, &adu(9)),
        data(118, &halves[6..]),
    ];
    assert_eq!(hear(&forged).ids, [1, 9, 2]);
}

#[test]
fn what_nobody_acknowledged_does_not_move_the_stream() {
    let [first, second] = [adu(2)[..6].to_vec(), adu(2)[6..].to_vec()];
    let ahead = |seq| [data(seq, &adu(8)), data(seq + 12, &adu(9))];
    let decoys: [(&str, Vec<Segment>); 4] = [
        ("a SYN ahead", [&[syn(4_999)], &ahead(5_000)[..]].concat()),
        ("a SYN behind an RST", [&[rst(0), syn(4_999)], &ahead(5_000)[..]].concat()),
        ("a SYN far ahead", [&[syn(0x7000_0000)], &ahead(0x7000_0001)[..]].concat()),
        ("segments far ahead", ahead(0x7000_0000).to_vec()),
    ];
    for (name, decoy) in decoys {
        let begun = [syn(99), ack(100), data(100, &adu(1)), ack(112)];
        let rest = [data(112, &first), ack(118), data(118, &second), ack(124), data(124, &adu(3))];
        let heard = hear(&[&begun[..], &decoy, &rest].concat());
        assert!([1, 2, 3].iter().all(|id| heard.ids.contains(id)), "{name}: {:?}", heard.ids);
    }
}

#[test]
fn a_new_connection_is_followed_where_acknowledgements_are_mirrored() {
    for isn in [50, 99, 111, 5_000, 300_000] {
        let begun = [syn(99), ack(100), data(100, &adu(1)), ack(112), rst(112)];
        let halves = [&adu(2)[..5], &adu(2)[5..]];
        let next = [syn(isn), ack(isn + 1), data(isn + 1, halves[0]), data(isn + 6, halves[1]), ack(isn + 13)];
        let heard = hear(&[&begun[..], &next].concat());
        assert_eq!((heard.ids, heard.anomalies), (Vec::from([1, 2]), Vec::new()), "from {isn} on");
    }
}

#[test]
fn a_new_connection_under_old_ports_is_followed() {
    let heard = hear(&[syn(99), data(100, &adu(1)), syn(0x7000_0000), data(0x7000_0001, &stream(2..4))]);
    assert_eq!((heard.ids, heard.anomalies), (Vec::from([1, 2, 3]), Vec::new()));
}

#[test]
fn a_syn_that_comes_late_changes_nothing() {
    let heard = hear(&[data(100, &adu(1)), syn(99), data(112, &adu(2))]);
    assert_eq!((heard.ids, heard.anomalies), (Vec::from([1, 2]), Vec::new()));
}

proptest! {
    #[test]
    fn order_and_repetition_within_reach_do_not_matter(
        cuts in proptest::collection::vec(1_usize..40, 1..20),
        order in proptest::collection::vec(any::<u8>(), 40),
        isn: u32,
    ) {
        let bytes = stream(1..20);
        let (mut at, mut pieces) = (0, Vec::new());
        for cut in cuts {
            let end = (at + cut).min(bytes.len());
            pieces.push((at, end));
            at = end;
        }
        pieces.push((at, bytes.len()));
        let mut shuffled: Vec<_> = pieces.iter().chain(&pieces).zip(&order).map(|(piece, rank)| (*rank, *piece)).collect();
        shuffled.sort();
        let mut segments = Vec::from([syn(isn)]);
        segments.extend(shuffled.iter().map(|(_, (from, to))| data(isn.wrapping_add(1 + *from as u32), &bytes[*from..*to])));
        segments.extend(pieces.iter().map(|(from, to)| data(isn.wrapping_add(1 + *from as u32), &bytes[*from..*to])));
        let heard = hear(&segments);
        if !heard.anomalies.contains(&AnomalyKind::TcpGap) {
            prop_assert_eq!(heard.ids, (1..20).collect::<Vec<_>>());
            prop_assert_eq!(heard.anomalies, []);
        }
    }

    #[test]
    fn random_segments_yield_only_whole_units(segments in proptest::collection::vec((any::<u32>(), proptest::collection::vec(any::<u8>(), 0..700), any::<bool>()), 0..60)) {
        let segments: Vec<_> = segments.into_iter().map(|(seq, payload, syn)| Segment { seq: seq % 5_000, payload, ..if syn { self::syn(0) } else { data(0, &[]) } }).collect();
        hear(&segments);
    }
}

#[test]
fn a_forged_segment_ahead_does_not_hide_what_is_split_behind_it() {
    let true_bytes = stream(2..5);
    let forged = [
        syn(99),
        data(100, &adu(1)),
        data(5_000, &adu(9)),
        data(112, &true_bytes[..7]),
        data(119, &true_bytes[7..20]),
        data(132, &true_bytes[20..]),
    ];
    let heard = hear(&forged);
    assert!([1, 2, 3, 4, 9].iter().all(|id| heard.ids.contains(id)), "{:?}", heard.ids);
}
