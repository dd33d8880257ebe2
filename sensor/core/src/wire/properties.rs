//! What must hold for all bytes, and agreement with `etherparse` on what it accepts.
#![allow(clippy::arithmetic_side_effects, clippy::indexing_slicing, clippy::unwrap_used)]

extern crate std;

use std::net::IpAddr;
use std::vec;
use std::vec::Vec;

use etherparse::{
    IpAuthHeader, IpFragOffset, IpHeaders, Ipv4Extensions, Ipv4Header, Ipv6Extensions, Ipv6FragmentHeader, Ipv6Header,
    Ipv6RawExtHeader, Ipv6RoutingExtensions, LinkExtSlice, NetSlice, PacketBuilder, PacketBuilderStep, SlicedPacket,
    TransportSlice, ether_type, ip_number,
};
use proptest::collection::vec as many;
use proptest::prelude::*;

use crate::LinkType;
use crate::wire::{Datagram, Skip, decode, tcp, udp};

const LINKS: [LinkType; 6] = [
    LinkType::Ethernet,
    LinkType::RawIp,
    LinkType::Loopback,
    LinkType::LinuxCooked,
    LinkType::LinuxCooked2,
    LinkType::Unknown(147),
];

/// Decodes, and checks what holds for every result.
fn decode_checked(link: LinkType, bytes: &[u8], wire_len: u32) -> Result<Datagram<'_>, Skip> {
    let datagram = decode(link, bytes, wire_len)?;
    let on_wire = bytes.len().max(wire_len as usize);
    assert!(bytes.as_ptr_range().contains(&datagram.payload.as_ptr()) || datagram.payload.is_empty());
    assert!(datagram.payload.len() + datagram.missing as usize <= on_wire);
    assert!(datagram.vlan.is_none_or(|vlan| (1..=0xfff).contains(&vlan)));
    if let Some(part) = datagram.fragment {
        assert!(part.offset % 8 == 0 && part.offset <= 65528 && (part.more || part.offset > 0));
    }
    for payload in [tcp(datagram.payload, datagram.missing).map(|segment| (segment.payload, segment.missing))]
        .into_iter()
        .chain([udp(datagram.payload, datagram.missing).map(|udp| (udp.payload, udp.missing))])
        .flatten()
    {
        assert!(payload.0.len() <= datagram.payload.len() && payload.1 <= datagram.missing);
    }
    Ok(datagram)
}

/// Headers of either IP version, with options or extension headers; some announce a fragment.
fn ip_headers() -> impl Strategy<Value = IpHeaders> {
    let extension = || prop::option::of(any::<[u8; 6]>().prop_map(extension_header));
    let part = (0_u16..3, any::<bool>(), any::<u32>());
    let extensions = (extension(), extension(), extension(), prop::option::of(part), any::<bool>());
    let v4 = (any::<[u8; 4]>(), any::<[u8; 4]>(), any::<u8>(), 0_usize..=10, any::<bool>());
    let v6 = (any::<[u8; 16]>(), any::<[u8; 16]>(), any::<u8>(), extensions);
    prop_oneof![v4.prop_map(ipv4_headers), v6.prop_map(ipv6_headers)]
}

fn extension_header(bytes: [u8; 6]) -> Ipv6RawExtHeader {
    Ipv6RawExtHeader::new_raw(ip_number::TCP, &bytes).unwrap()
}

fn authentication(wanted: bool) -> Option<IpAuthHeader> {
    wanted.then(|| IpAuthHeader::new(ip_number::TCP, 1, 2, &[0; 12]).unwrap())
}

fn ipv4_headers((src, dst, ttl, options, auth): ([u8; 4], [u8; 4], u8, usize, bool)) -> IpHeaders {
    let mut header = Ipv4Header::new(0, ttl, ip_number::TCP, src, dst).unwrap();
    header.options = vec![1; options * 4].as_slice().try_into().unwrap();
    IpHeaders::Ipv4(header, Ipv4Extensions { auth: authentication(auth) })
}

type Extensions =
    (Option<Ipv6RawExtHeader>, Option<Ipv6RawExtHeader>, Option<Ipv6RawExtHeader>, Option<(u16, bool, u32)>, bool);

fn ipv6_headers((src, dst, hop_limit, extensions): ([u8; 16], [u8; 16], u8, Extensions)) -> IpHeaders {
    let (hop_by_hop_options, destination_options, routing, part, auth) = extensions;
    let header = Ipv6Header { source: src, destination: dst, hop_limit, ..Ipv6Header::default() };
    let fragment = part.map(|(offset, more, id)| {
        Ipv6FragmentHeader::new(ip_number::TCP, IpFragOffset::try_new(offset).unwrap(), more, id)
    });
    let routing = routing.map(|routing| Ipv6RoutingExtensions { routing, final_destination_options: None });
    let auth = authentication(auth);
    let extensions = Ipv6Extensions { hop_by_hop_options, destination_options, routing, fragment, auth };
    IpHeaders::Ipv6(header, extensions)
}

/// Ethernet frames that `etherparse` wrote: tags, either IP version, TCP or UDP, padding.
fn frames() -> impl Strategy<Value = Vec<u8>> {
    let tags = many((0_usize..3, 0_u16..4096), 0..=3);
    let transport = any::<(bool, u16, u16, u32)>();
    (tags, ip_headers(), transport, many(any::<u8>(), 0..80), 0_usize..20).prop_map(
        |(tags, ip, transport, payload, padding)| {
            let builder = PacketBuilder::ethernet2([2, 0, 0, 0, 0, 1], [2, 0, 0, 0, 0, 2]);
            let mut frame = written(builder.ip(ip), transport, &payload);
            for (kind, id) in tags {
                let ethertype = [[0x81, 0x00], [0x88, 0xa8], [0x91, 0x00]][kind];
                frame.splice(12..12, [ethertype, id.to_be_bytes()].concat());
            }
            frame.extend(vec![0; padding]);
            frame
        },
    )
}

fn written(
    ip: PacketBuilderStep<IpHeaders>,
    (is_tcp, src_port, dst_port, seq): (bool, u16, u16, u32),
    payload: &[u8],
) -> Vec<u8> {
    let mut frame = Vec::new();
    if is_tcp {
        let options = &[1, 1, 1, 0][..(seq % 2) as usize * 4];
        let segment = ip.tcp(src_port, dst_port, seq, 1024).ack(!seq).options_raw(options).unwrap();
        segment.write(&mut frame, payload).unwrap();
    } else {
        ip.udp(src_port, dst_port).write(&mut frame, payload).unwrap();
    }
    frame
}

/// Headers that `etherparse` passes over in fragments too; `Reassembly` does so in the whole datagram.
const EXTENSIONS: [u8; 4] = [0, 43, 51, 60];

/// Where `etherparse` finds IP in an Ethernet frame and has no complaint, `ours` must say the same.
fn assert_agrees(frame: &[u8], ours: Result<Datagram<'_>, Skip>) {
    let Ok(theirs) = SlicedPacket::from_ethernet(frame) else { return };
    let (src, dst, ttl, payload) = match &theirs.net {
        Some(NetSlice::Ipv4(ip)) => {
            let header = ip.header();
            let ends = (IpAddr::V4(header.source_addr()), IpAddr::V4(header.destination_addr()));
            (ends.0, ends.1, header.ttl(), ip.payload())
        }
        Some(NetSlice::Ipv6(ip)) if ip.header().payload_length() > 0 => {
            let header = ip.header();
            let ends = (IpAddr::V6(header.source_addr()), IpAddr::V6(header.destination_addr()));
            (ends.0, ends.1, header.hop_limit(), ip.payload())
        }
        _ => return,
    };
    if theirs.link_exts.iter().any(|extension| matches!(extension, LinkExtSlice::Macsec(_))) {
        return;
    }
    let ours = ours.unwrap();
    assert_eq!((ours.src, ours.dst, ours.ttl), (src, dst, ttl));
    let vlan = theirs.vlan_ids().iter().rev().map(|id| id.value()).find(|id| *id != 0);
    assert_eq!((ours.vlan, ours.missing, ours.fragment.is_some()), (vlan, 0, payload.fragmented));
    if ours.fragment.is_some() && EXTENSIONS.contains(&ours.protocol) {
        return;
    }
    assert_eq!((ours.payload, ours.protocol), (payload.payload, payload.ip_number.0));
    match &theirs.transport {
        Some(TransportSlice::Tcp(theirs)) => {
            let ours = tcp(ours.payload, 0).unwrap();
            assert_eq!((ours.src_port, ours.dst_port), (theirs.source_port(), theirs.destination_port()));
            assert_eq!((ours.seq, ours.ack), (theirs.sequence_number(), theirs.acknowledgment_number()));
            let flags = [ours.flags.syn, ours.flags.fin, ours.flags.rst, ours.flags.ack];
            assert_eq!(flags, [theirs.syn(), theirs.fin(), theirs.rst(), theirs.ack()]);
            assert_eq!(ours.payload, theirs.payload());
        }
        Some(TransportSlice::Udp(theirs)) => {
            let ours = udp(ours.payload, 0).unwrap();
            assert_eq!((ours.src_port, ours.dst_port), (theirs.source_port(), theirs.destination_port()));
            assert_eq!(ours.payload, theirs.payload());
        }
        _ => {}
    }
}

proptest! {
    #[test]
    fn arbitrary_bytes_are_read_within_bounds(bytes in many(any::<u8>(), 0..200), wire_len in 0_u32..300) {
        for link in LINKS {
            let _ = decode_checked(link, &bytes, wire_len);
        }
    }

    #[test]
    fn damaged_frames_are_read_within_bounds_and_as_etherparse_reads_them(
        frame in frames(),
        damage in many((any::<prop::sample::Index>(), any::<u8>()), 0..6),
        keep in any::<prop::sample::Index>(),
    ) {
        let mut frame = frame;
        for (at, byte) in damage {
            let at = at.index(frame.len().min(64));
            frame[at] = byte;
        }
        assert_agrees(&frame, decode_checked(LinkType::Ethernet, &frame, frame.len() as u32));
        let cut = &frame[..keep.index(frame.len())];
        let _ = decode_checked(LinkType::Ethernet, cut, frame.len() as u32);
    }

    #[test]
    fn whole_frames_are_decoded_as_etherparse_decodes_them(frame in frames()) {
        let ours = decode_checked(LinkType::Ethernet, &frame, frame.len() as u32);
        prop_assert!(ours.is_ok());
        assert_agrees(&frame, ours);
    }

    #[test]
    fn cut_frames_miss_what_was_cut(frame in frames(), keep in any::<prop::sample::Index>()) {
        let whole = decode(LinkType::Ethernet, &frame, frame.len() as u32).unwrap();
        let cut = &frame[..keep.index(frame.len())];
        match decode(LinkType::Ethernet, cut, frame.len() as u32) {
            Ok(cut) => {
                prop_assert_eq!(cut.payload, &whole.payload[..cut.payload.len()]);
                prop_assert_eq!(cut.payload.len() + cut.missing as usize, whole.payload.len());
                prop_assert_eq!(Datagram { payload: whole.payload, missing: 0, ..cut }, whole);
            }
            Err(skip) => prop_assert_eq!(skip, Skip::Truncated),
        }
    }

    #[test]
    fn frames_behind_a_timestamp_are_read_as_they_are_without(
        frame in frames(),
        (scale, hardware, is_short, time) in any::<(u8, u8, bool, [u8; 8])>(),
        keep in any::<prop::sample::Index>(),
    ) {
        let (format, time) = if is_short { (0x20, &time[..6]) } else { (0x10, &time[..]) };
        let header = [&[0xd2, 0x8b, 0, 1, scale, format | hardware & 0x0f][..], time].concat();
        let stamped = [&frame[..12], &header, &frame[12..]].concat();
        let plain = decode_checked(LinkType::Ethernet, &frame, frame.len() as u32);
        prop_assert_eq!(decode_checked(LinkType::Ethernet, &stamped, stamped.len() as u32), plain);
        let cut = keep.index(header.len());
        prop_assert_eq!(decode(LinkType::Ethernet, &stamped[..12 + cut], stamped.len() as u32), Err(Skip::Truncated));
    }

    #[test]
    fn every_link_type_carries_the_same_datagram(frame in frames()) {
        let theirs = SlicedPacket::from_ethernet(&frame).unwrap();
        let payload = theirs.ether_payload().unwrap();
        let raw = decode(LinkType::RawIp, payload.payload, 0).unwrap();
        let family: u32 = if payload.ether_type == ether_type::IPV4 { 2 } else { 30 };
        let ethertype = payload.ether_type.0.to_be_bytes();
        let links = [
            (LinkType::Loopback, family.to_le_bytes().to_vec()),
            (LinkType::Loopback, family.to_be_bytes().to_vec()),
            (LinkType::LinuxCooked, [&[0; 14][..], &ethertype].concat()),
            (LinkType::LinuxCooked2, [&ethertype[..], &[0; 18]].concat()),
        ];
        for (link, header) in links {
            let frame = [&header, payload.payload].concat();
            prop_assert_eq!(decode(link, &frame, 0), Ok(raw));
        }
    }
}
