use tagout_core::{LinkType, Timestamp};

use super::block::{Packet, Place};
use super::{cooked, is_seen_twice, link, tagged};

/// Header of a block, that of a packet with the address behind it, where the packet's bytes stand from its header.
const BLOCK_HEADER: usize = 48;
const MAC: usize = 80;
const ETHERNET: u16 = 1;
const LOOPBACK: u16 = 772;

struct Fields {
    bytes: &'static [u8],
    status: u32,
    tci: u32,
    tpid: u16,
    hardware: u16,
    direction: u8,
}

const PLAIN: Fields =
    Fields { bytes: b"sixteen bytes...", status: 0, tci: 0, tpid: 0, hardware: ETHERNET, direction: 3 };

/// A packet as the kernel lays it out, padded to where the next one begins.
fn packet(fields: &Fields) -> Vec<u8> {
    let len = fields.bytes.len() as u32;
    let step = (MAC + fields.bytes.len()).next_multiple_of(16);
    let numbers = [step as u32, 7, 9, len, len + 100, fields.status];
    let mut packet: Vec<u8> = numbers.into_iter().flat_map(u32::to_ne_bytes).collect();
    packet.extend((MAC as u16).to_ne_bytes());
    packet.extend((MAC as u16 + 14).to_ne_bytes());
    packet.extend(0_u32.to_ne_bytes());
    packet.extend(fields.tci.to_ne_bytes());
    packet.extend(fields.tpid.to_ne_bytes());
    packet.resize(48, 0);
    packet.extend(17_u16.to_ne_bytes());
    packet.extend([0x08, 0x00]);
    packet.extend(5_i32.to_ne_bytes());
    packet.extend(fields.hardware.to_ne_bytes());
    packet.extend([fields.direction, 6, 2, 0, 0, 0, 0, 9, 0, 0]);
    packet.resize(MAC, 0);
    packet.extend(fields.bytes);
    packet.resize(step, 0);
    packet
}

fn block(packets: &[Fields]) -> Vec<u8> {
    let mut block: Vec<u8> =
        [1, 0, 1, packets.len() as u32, BLOCK_HEADER as u32, 0].into_iter().flat_map(u32::to_ne_bytes).collect();
    block.resize(BLOCK_HEADER, 0);
    packets.iter().for_each(|fields| block.extend(packet(fields)));
    block
}

fn packets(block: &[u8]) -> Vec<Packet<'_>> {
    let mut place = Place::first(block);
    let mut packets = Vec::new();
    while let Some(packet) = place.and_then(|place| place.packet(block)) {
        packets.push(packet);
        place = place.and_then(|place| place.next(block));
    }
    packets
}

#[test]
fn every_packet_of_a_block_is_read() {
    let block = block(&[PLAIN, Fields { bytes: b"more", ..PLAIN }]);
    let found = packets(&block);
    assert_eq!(found.iter().map(|packet| packet.bytes).collect::<Vec<_>>(), [PLAIN.bytes, b"more"]);
    assert_eq!((found[0].time, found[0].wire_len), (Timestamp(7_000_000_009), 116));
    assert_eq!(found[1].tag, None);
}

#[test]
fn a_block_without_packets_has_none() {
    assert_eq!(packets(&block(&[])), []);
}

#[test]
fn a_block_that_contradicts_itself_ends_where_it_does() {
    let whole = block(&[PLAIN, PLAIN]);
    for len in 0..whole.len() {
        assert!(packets(&whole[..len]).len() < 2);
    }
    let mut endless = whole;
    endless[BLOCK_HEADER..BLOCK_HEADER + 4].fill(0xff);
    assert_eq!(packets(&endless).len(), 1);
}

#[test]
fn the_tag_that_the_kernel_took_off_is_put_back() {
    const VLAN_VALID: u32 = 1 << 4;
    const TPID_VALID: u32 = 1 << 6;
    let of = |status, tci, tpid| {
        let block = block(&[Fields { status, tci, tpid, ..PLAIN }]);
        tagged(&packets(&block)[0], &mut Vec::new()).to_vec()
    };
    assert_eq!(of(0, 0, 0), b"sixteen bytes...");
    assert_eq!(of(VLAN_VALID, 0, 0), b"sixteen byte\x81\0\0\0s...", "priority tag");
    assert_eq!(of(VLAN_VALID | TPID_VALID, 0x6007, 0x88a8), b"sixteen byte\x88\xa8\x60\x07s...");
    assert_eq!(of(0, 7, 0), b"sixteen byte\x81\0\0\x07s...", "kernels before 3.0 set no flag");
}

#[test]
fn a_frame_too_short_for_a_tag_stays_as_it_is() {
    let block = block(&[Fields { bytes: b"short", tci: 7, ..PLAIN }]);
    assert_eq!(tagged(&packets(&block)[0], &mut Vec::new()), b"short");
}

#[test]
fn a_cooked_packet_stands_behind_its_header() {
    let block = block(&[Fields { bytes: b"E...", tci: 7, direction: 4, ..PLAIN }]);
    let frame = cooked(&packets(&block)[0], &mut Vec::new()).to_vec();
    assert_eq!(frame, b"\0\x04\0\x01\0\x06\x02\0\0\0\0\x09\0\0\x81\0\0\x07\x08\0E...");
}

#[test]
fn what_the_loopback_sends_itself_is_taken_once() {
    let block = block(&[
        Fields { hardware: LOOPBACK, direction: 4, ..PLAIN },
        Fields { hardware: LOOPBACK, direction: 0, ..PLAIN },
        Fields { direction: 4, ..PLAIN },
    ]);
    let twice: Vec<_> = packets(&block).iter().map(is_seen_twice).collect();
    assert_eq!(twice, [true, false, false]);
}

#[test]
fn interfaces_without_ethernet_are_told_apart() {
    assert_eq!([ETHERNET, LOOPBACK, 65_534].map(link), [LinkType::Ethernet, LinkType::Ethernet, LinkType::RawIp]);
    assert_eq!(link(512), LinkType::Unknown(512));
}
