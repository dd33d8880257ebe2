//! Frames and packets within packets, as switches and clouds send what they mirror to a sensor elsewhere.

use crate::frame::{Frame, LinkType};
use crate::wire::cursor::Cursor;
use crate::wire::link::{ETHERTYPE_FRAME, ETHERTYPE_IPV4, ETHERTYPE_IPV6, LOOKS_INTO_TUNNELS};
use crate::wire::{Datagram, Skip};

/// Protocols of IP: IPv4 (RFC 2003), UDP, IPv6 (RFC 2473), and GRE.
const IPV4: u8 = 4;
const UDP: u8 = 17;
const IPV6: u8 = 41;
const GRE: u8 = 47;

/// Ports of UDP that VXLAN (RFC 7348) and Geneve (RFC 8926) are sent to.
pub const TUNNEL_PORTS: [u16; 2] = [VXLAN_PORT, GENEVE_PORT];
const VXLAN_PORT: u16 = 4789;
const GENEVE_PORT: u16 = 6081;

/// ERSPAN of types I and II, and of type III (draft-foschiano-erspan-03, section 4).
const ERSPAN: u16 = 0x88be;
const ERSPAN_III: u16 = 0x22eb;

/// Flags of GRE (RFC 2890, section 2): checksum, key and sequence number, each with a field of 4 bytes; routing (RFC 1701), whose field
/// is of any length; and a version, of which 1 is PPTP's.
const GRE_CHECKSUM: u16 = 0x8000;
const GRE_KEY: u16 = 0x2000;
const GRE_SEQUENCE: u16 = 0x1000;
const GRE_ROUTING_OR_VERSION: u16 = 0x4007;

/// A frame, or what is within one: another frame, or a packet.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Carried<'a> {
    /// What its first byte belongs to.
    pub link: LinkType,
    /// What was captured of it.
    pub bytes: &'a [u8],
    /// How many bytes of it were on the wire.
    pub wire_len: u32,
}

impl<'a> Carried<'a> {
    /// The whole of a frame.
    #[inline]
    pub fn within(frame: &Frame<'a>) -> Self {
        Self { link: frame.link, bytes: frame.bytes, wire_len: frame.wire_len }
    }

    /// What a whole datagram carries in GRE, ERSPAN, VXLAN, Geneve or IP; none if it is of no such kind, or its headers do not hold.
    #[inline]
    pub fn by(datagram: &Datagram<'a>) -> Option<Self> {
        match datagram.protocol {
            UDP | GRE | IPV4 | IPV6 if LOOKS_INTO_TUNNELS && datagram.fragment.is_none() => {
                Self::behind(datagram).ok().flatten()
            }
            _ => None,
        }
    }

    fn behind(datagram: &Datagram<'a>) -> Result<Option<Self>, Skip> {
        let mut cursor = Cursor::new(datagram.payload, datagram.missing);
        let link = match datagram.protocol {
            GRE => gre(&mut cursor)?,
            UDP => udp(&mut cursor)?,
            _ => Some(LinkType::RawIp),
        };
        let wire_len = u32::try_from(cursor.wire_len()).unwrap_or(u32::MAX);
        Ok(link.map(|link| Self { link, bytes: cursor.rest(), wire_len }))
    }
}

/// RFC 2784, section 2.
fn gre(cursor: &mut Cursor<'_>) -> Result<Option<LinkType>, Skip> {
    let &[flags0, flags1, kind0, kind1] = cursor.take()?;
    let (flags, kind) = (u16::from_be_bytes([flags0, flags1]), u16::from_be_bytes([kind0, kind1]));
    if flags & GRE_ROUTING_OR_VERSION != 0 {
        return Ok(None);
    }
    let fields = [GRE_CHECKSUM, GRE_KEY, GRE_SEQUENCE].into_iter().filter(|flag| flags & flag != 0).count();
    cursor.skip(fields.saturating_mul(4))?;
    match kind {
        // Type I has no header, and no sequence number by which it is told from type II.
        ERSPAN if flags & GRE_SEQUENCE == 0 => Ok(Some(LinkType::Ethernet)),
        ERSPAN => erspan_2(cursor),
        ERSPAN_III => erspan_3(cursor),
        _ => Ok(carried_by_type(kind)),
    }
}

/// Version 1, in 8 bytes.
fn erspan_2(cursor: &mut Cursor<'_>) -> Result<Option<LinkType>, Skip> {
    let &[version, ..] = cursor.take::<8>()?;
    Ok((version >> 4 == 1).then_some(LinkType::Ethernet))
}

/// Version 2, in 12 bytes, and 8 of the platform's where the last bit says so. What is carried is an Ethernet frame or a packet.
fn erspan_3(cursor: &mut Cursor<'_>) -> Result<Option<LinkType>, Skip> {
    let &[version, .., kind, flags] = cursor.take::<12>()?;
    if flags & 1 != 0 {
        cursor.skip(8)?;
    }
    Ok(match (version >> 4, kind >> 2 & 0x1f) {
        (2, 0) => Some(LinkType::Ethernet),
        (2, 2) => Some(LinkType::RawIp),
        _ => None,
    })
}

/// VXLAN has a flag that says that its identifier is one; what was sent from the port of either is an answer to something else.
fn udp(cursor: &mut Cursor<'_>) -> Result<Option<LinkType>, Skip> {
    let &[_, _, port0, port1, ..] = cursor.take::<8>()?;
    match u16::from_be_bytes([port0, port1]) {
        VXLAN_PORT => {
            let &[flags, ..] = cursor.take::<8>()?;
            Ok((flags & 0x08 != 0).then_some(LinkType::Ethernet))
        }
        GENEVE_PORT => geneve(cursor),
        _ => Ok(None),
    }
}

/// RFC 8926, section 3.4: version 0, the length of options in units of 4 bytes, and what is carried.
fn geneve(cursor: &mut Cursor<'_>) -> Result<Option<LinkType>, Skip> {
    let &[version_len, _, kind0, kind1, ..] = cursor.take::<8>()?;
    cursor.skip(usize::from(version_len & 0x3f).saturating_mul(4))?;
    let is_known = version_len >> 6 == 0;
    Ok(carried_by_type(u16::from_be_bytes([kind0, kind1])).filter(|_| is_known))
}

fn carried_by_type(kind: u16) -> Option<LinkType> {
    match kind {
        ETHERTYPE_FRAME => Some(LinkType::Ethernet),
        ETHERTYPE_IPV4 | ETHERTYPE_IPV6 => Some(LinkType::RawIp),
        _ => None,
    }
}

#[cfg(all(test, feature = "tunnels"))]
#[allow(clippy::unwrap_used)]
mod tests {
    extern crate std;

    use std::vec::Vec;

    use super::*;
    use crate::wire::decode;

    /// An IPv4 packet of this protocol.
    fn packet(protocol: u8, parts: &[&[u8]]) -> Vec<u8> {
        let payload = parts.concat();
        let total_len = 20_u8.saturating_add(payload.len() as u8);
        let header = [0x45, 0, 0, total_len, 0, 0, 0, 0, 64, protocol, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2];
        [&header[..], &payload].concat()
    }

    fn udp_to(port: u16, parts: &[&[u8]]) -> Vec<u8> {
        let [port0, port1] = port.to_be_bytes();
        packet(UDP, &[&[0xc0, 0, port0, port1, 0, 0, 0, 0], &parts.concat()])
    }

    /// What it carries, if that is all of `inner`.
    fn carried(packet: &[u8], inner: &[u8]) -> Option<LinkType> {
        let datagram = decode(LinkType::RawIp, packet, packet.len() as u32).unwrap();
        let carried = Carried::by(&datagram)?;
        assert_eq!((carried.bytes, carried.wire_len), (inner, inner.len() as u32));
        Some(carried.link)
    }

    const INNER: &[u8] = b"frame";
    const ERSPAN_HEADER: [u8; 12] = [0x20, 1, 0, 2, 1, 2, 3, 4, 0, 0, 0, 0];

    #[test]
    fn each_kind_of_tunnel_is_opened() {
        let (frame, ip) = (Some(LinkType::Ethernet), Some(LinkType::RawIp));
        let sub_header = [&ERSPAN_HEADER[..11], &[1], &[0; 8]].concat();
        let of_packet = [&ERSPAN_HEADER[..10], &[2 << 2, 0]].concat();
        let cases: &[(&str, Vec<u8>, Option<LinkType>)] = &[
            ("IP in IP", packet(IPV4, &[INNER]), ip),
            ("IPv6 in IP", packet(IPV6, &[INNER]), ip),
            ("GRE, IPv4", packet(GRE, &[&[0, 0, 0x08, 0], INNER]), ip),
            ("GRE, IPv6", packet(GRE, &[&[0, 0, 0x86, 0xdd], INNER]), ip),
            ("GRE, bridged", packet(GRE, &[&[0, 0, 0x65, 0x58], INNER]), frame),
            ("GRE, every field", packet(GRE, &[&[0xb0, 0, 0x65, 0x58], &[0; 12], INNER]), frame),
            ("GRE, routed", packet(GRE, &[&[0x40, 0, 0x65, 0x58], INNER]), None),
            ("GRE, PPTP", packet(GRE, &[&[0x20, 1, 0x88, 0x0b], INNER]), None),
            ("GRE, MPLS", packet(GRE, &[&[0, 0, 0x88, 0x47], INNER]), None),
            ("ERSPAN I", packet(GRE, &[&[0, 0, 0x88, 0xbe], INNER]), frame),
            ("ERSPAN II", packet(GRE, &[&[0x10, 0, 0x88, 0xbe], &[0; 4], &[0x10, 0, 0, 0, 0, 0, 0, 0], INNER]), frame),
            ("ERSPAN of version 3", packet(GRE, &[&[0x10, 0, 0x88, 0xbe], &[0; 4], &[0x30; 8], INNER]), None),
            ("ERSPAN III", packet(GRE, &[&[0x10, 0, 0x22, 0xeb], &[0; 4], &ERSPAN_HEADER, INNER]), frame),
            ("ERSPAN III, sub-header", packet(GRE, &[&[0x10, 0, 0x22, 0xeb], &[0; 4], &sub_header, INNER]), frame),
            ("ERSPAN III, packet", packet(GRE, &[&[0x10, 0, 0x22, 0xeb], &[0; 4], &of_packet, INNER]), ip),
            ("VXLAN", udp_to(VXLAN_PORT, &[&[8, 0, 0, 0, 0, 0, 7, 0], INNER]), frame),
            ("VXLAN without identifier", udp_to(VXLAN_PORT, &[&[0; 8], INNER]), None),
            ("Geneve", udp_to(GENEVE_PORT, &[&[0, 0, 0x65, 0x58, 0, 0, 7, 0], INNER]), frame),
            ("Geneve, IPv4, options", udp_to(GENEVE_PORT, &[&[2, 0, 8, 0, 0, 0, 7, 0], &[9; 8], INNER]), ip),
            ("Geneve of version 1", udp_to(GENEVE_PORT, &[&[0x40, 0, 0x65, 0x58, 0, 0, 7, 0], INNER]), None),
            ("another port", udp_to(502, &[&[8, 0, 0, 0, 0, 0, 7, 0], INNER]), None),
            ("TCP", packet(6, &[INNER]), None),
        ];
        for (name, packet, expected) in cases {
            assert_eq!(carried(packet, INNER), *expected, "{name}");
        }
    }

    #[test]
    fn headers_that_are_cut_or_part_of_a_fragment_carry_nothing() {
        let whole = packet(GRE, &[&[0x10, 0, 0x22, 0xeb], &[0; 4], &ERSPAN_HEADER]);
        for len in 20..whole.len() {
            let datagram = decode(LinkType::RawIp, whole.get(..len).unwrap(), whole.len() as u32).unwrap();
            assert_eq!(Carried::by(&datagram), None, "{len}");
        }
        let mut fragment = whole.clone();
        *fragment.get_mut(6).unwrap() = 0x20;
        assert_eq!(Carried::by(&decode(LinkType::RawIp, &fragment, 0).unwrap()), None);
    }

    #[test]
    fn what_the_snap_length_cut_is_known_to_be_missing() {
        let whole = packet(GRE, &[&[0, 0, 0x65, 0x58], INNER]);
        let datagram = decode(LinkType::RawIp, whole.get(..26).unwrap(), whole.len() as u32).unwrap();
        let carried = Carried::by(&datagram).unwrap();
        assert_eq!((carried.bytes, carried.wire_len), (&b"fr"[..], 5));
    }
}
