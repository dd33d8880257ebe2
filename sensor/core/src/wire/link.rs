use tagout_engine::Mac;

use crate::LinkType;
use crate::wire::backbone::{ETHERTYPE_PPPOE, ETHERTYPES_MPLS, labels, session};
use crate::wire::cursor::Cursor;
use crate::wire::{Datagram, Skip, ipv4, ipv6};

/// The most VLAN tags that a frame may stack, and what else may stand before its packet.
const MAX_TAGS: usize = 8;

/// Whether frames and packets of others are looked for.
pub(super) const LOOKS_INTO_TUNNELS: bool = cfg!(feature = "tunnels");

pub(super) const ETHERTYPE_IPV4: u16 = 0x0800;
pub(super) const ETHERTYPE_ARP: u16 = 0x0806;
pub(super) const ETHERTYPE_IPV6: u16 = 0x86dd;
/// An Ethernet frame within something else.
pub(super) const ETHERTYPE_FRAME: u16 = 0x6558;
/// 802.1Q, 802.1ad, and the number that QinQ used before 802.1ad.
const ETHERTYPES_VLAN: [u16; 3] = [0x8100, 0x88a8, 0x9100];
/// IEC 62439-3, clause 5: a tag that rings of substations know copies by.
const ETHERTYPE_HSR: u16 = 0x892f;
/// Arista's, whose switches put a header with the time of capture behind the addresses of mirrored frames. What its sub-types
/// other than that look like is not public.
const ETHERTYPE_ARISTA: u16 = 0xd28b;
const ARISTA_TIMESTAMP: u16 = 1;
/// How the time is written, beside the hardware in the low nibble: in 64 or in 48 bits.
const ARISTA_TIME_64: u8 = 1;
const ARISTA_TIME_48: u8 = 2;

/// What the link says of a frame.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Link {
    pub(super) src_mac: Option<Mac>,
    pub(super) dst_mac: Option<Mac>,
    pub(super) vlan: Option<u16>,
}

/// A frame down to what its link carries.
pub(super) struct Opened<'a> {
    pub(super) link: Link,
    /// What the bytes are; a link without this number gives the one of its IP version.
    pub(super) ethertype: u16,
    pub(super) cursor: Cursor<'a>,
}

/// Takes a frame apart down to its IP payload.
///
/// `bytes` are the captured ones, `wire_len` how many were on the wire (less than captured means as many as captured).
/// Checksums are not verified: captures of sent frames hold them unfinished.
///
/// # Errors
///
/// Says why the frame yields no datagram.
#[inline]
pub fn decode(link: LinkType, bytes: &[u8], wire_len: u32) -> Result<Datagram<'_>, Skip> {
    let Opened { link, ethertype, cursor } = open(link, bytes, wire_len)?;
    match ethertype {
        ETHERTYPE_IPV4 => ipv4::decode(link, cursor),
        ETHERTYPE_IPV6 => ipv6::decode(link, cursor),
        _ => Err(Skip::NotIp),
    }
}

/// Takes a frame apart down to what stands behind its link header and VLAN tags.
#[inline]
pub(super) fn open(link: LinkType, bytes: &[u8], wire_len: u32) -> Result<Opened<'_>, Skip> {
    let captured = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
    let cursor = Cursor::new(bytes, wire_len.saturating_sub(captured));
    match link {
        LinkType::Ethernet => ethernet(cursor),
        LinkType::RawIp => raw_ip(cursor),
        LinkType::Loopback => loopback(cursor),
        LinkType::LinuxCooked => linux_cooked(cursor),
        LinkType::LinuxCooked2 => linux_cooked2(cursor),
        LinkType::Unknown(_) => Err(Skip::UnknownLink),
    }
}

/// IEEE 802.3, clause 3. A type below 0x600 is the length of an 802.2 LLC frame.
fn ethernet(mut cursor: Cursor<'_>) -> Result<Opened<'_>, Skip> {
    let link = addressed(Link::default(), &mut cursor)?;
    let ethertype = u16::from_be_bytes(*cursor.take()?);
    untagged(link, ethertype, cursor)
}

fn addressed(link: Link, cursor: &mut Cursor<'_>) -> Result<Link, Skip> {
    let dst_mac = Some(Mac(*cursor.take()?));
    let src_mac = Some(Mac(*cursor.take()?));
    Ok(Link { src_mac, dst_mac, ..link })
}

/// IEEE 802.1Q, clause 9: tags, then what the last of them announces. A timestamp counts as a tag, and so does what a backbone puts
/// before a packet or frame.
#[inline]
fn untagged(mut link: Link, mut ethertype: u16, mut cursor: Cursor<'_>) -> Result<Opened<'_>, Skip> {
    for _ in 0..=MAX_TAGS {
        match ethertype {
            // Most frames are of these, and have neither tag nor timestamp.
            ETHERTYPE_IPV4 | ETHERTYPE_IPV6 => return Ok(Opened { link, ethertype, cursor }),
            ETHERTYPE_ARISTA => pass_timestamp(&mut cursor)?,
            // The path, the size and the sequence number.
            ETHERTYPE_HSR => cursor.skip(4)?,
            ETHERTYPE_FRAME if LOOKS_INTO_TUNNELS => link = addressed(link, &mut cursor)?,
            ETHERTYPE_PPPOE if LOOKS_INTO_TUNNELS => {
                ethertype = session(&mut cursor)?;
                continue;
            }
            _ if LOOKS_INTO_TUNNELS && ETHERTYPES_MPLS.contains(&ethertype) => {
                ethertype = labels(&mut cursor)?;
                continue;
            }
            _ if ETHERTYPES_VLAN.contains(&ethertype) => {
                let id = u16::from_be_bytes(*cursor.take()?) & 0x0fff;
                link.vlan = if id == 0 { link.vlan } else { Some(id) };
            }
            _ => return Ok(Opened { link, ethertype, cursor }),
        }
        ethertype = u16::from_be_bytes(*cursor.take()?);
    }
    Err(Skip::Malformed)
}

/// Sub-type, time scale, format, and the time, which the frame's receiver may have read.
fn pass_timestamp(cursor: &mut Cursor<'_>) -> Result<(), Skip> {
    if u16::from_be_bytes(*cursor.take()?) != ARISTA_TIMESTAMP {
        return Err(Skip::NotIp);
    }
    let &[_, format] = cursor.take()?;
    match format >> 4 {
        ARISTA_TIME_64 => cursor.take::<8>().map(|_| ()),
        ARISTA_TIME_48 => cursor.take::<6>().map(|_| ()),
        _ => Err(Skip::NotIp),
    }
}

/// LINKTYPE_RAW: the version decides.
fn raw_ip(cursor: Cursor<'_>) -> Result<Opened<'_>, Skip> {
    match cursor.rest().first().map(|byte| byte >> 4) {
        Some(4) => Ok(bare(ETHERTYPE_IPV4, cursor)),
        Some(6) => Ok(bare(ETHERTYPE_IPV6, cursor)),
        None if cursor.missing() > 0 => Err(Skip::Truncated),
        _ => Err(Skip::Malformed),
    }
}

/// What a link carries that has no addresses.
fn bare(ethertype: u16, cursor: Cursor<'_>) -> Opened<'_> {
    Opened { link: Link::default(), ethertype, cursor }
}

/// LINKTYPE_NULL and LINKTYPE_LOOP: an address family of the capturing host, in either byte order. AF_INET6 is 24 on
/// NetBSD and OpenBSD, 28 on FreeBSD, 30 on macOS.
fn loopback(mut cursor: Cursor<'_>) -> Result<Opened<'_>, Skip> {
    let family = *cursor.take()?;
    match u32::from_be_bytes(family).min(u32::from_le_bytes(family)) {
        2 => Ok(bare(ETHERTYPE_IPV4, cursor)),
        24 | 28 | 30 => Ok(bare(ETHERTYPE_IPV6, cursor)),
        _ => Err(Skip::NotIp),
    }
}

/// LINKTYPE_LINUX_SLL.
fn linux_cooked(mut cursor: Cursor<'_>) -> Result<Opened<'_>, Skip> {
    let &[_, _, hardware0, hardware1, len0, len1, a, b, c, d, e, f, _, _, type0, type1] = cursor.take()?;
    let hardware = u16::from_be_bytes([hardware0, hardware1]);
    let len = u16::from_be_bytes([len0, len1]);
    cooked(hardware, len, [a, b, c, d, e, f], u16::from_be_bytes([type0, type1]), cursor)
}

/// LINKTYPE_LINUX_SLL2.
fn linux_cooked2(mut cursor: Cursor<'_>) -> Result<Opened<'_>, Skip> {
    let &[type0, type1, _, _, _, _, _, _, hardware0, hardware1, _, len, a, b, c, d, e, f, _, _] = cursor.take()?;
    let hardware = u16::from_be_bytes([hardware0, hardware1]);
    cooked(hardware, u16::from(len), [a, b, c, d, e, f], u16::from_be_bytes([type0, type1]), cursor)
}

/// The address is the sender's; it is as long as `address_len` says. For some ARPHRD_ hardware (GRE, radiotap, frame
/// relay, netlink) the protocol field holds no Ethernet type.
fn cooked(
    hardware: u16,
    address_len: u16,
    address: [u8; 6],
    ethertype: u16,
    cursor: Cursor<'_>,
) -> Result<Opened<'_>, Skip> {
    if matches!(hardware, 770 | 778 | 803 | 824) {
        return Err(Skip::NotIp);
    }
    let src_mac = (address_len == 6).then_some(Mac(address));
    untagged(Link { src_mac, ..Link::default() }, ethertype, cursor)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    extern crate std;

    use std::vec::Vec;

    use super::*;

    /// IPv4, UDP from 192.0.2.1:1234 to 192.0.2.2:20000, no payload.
    const IPV4: [u8; 28] = [
        0x45, 0x00, 0x00, 0x1c, 0x00, 0x07, 0x40, 0x00, 0x40, 0x11, 0x00, 0x00, 0xc0, 0x00, 0x02, 0x01, 0xc0, 0x00,
        0x02, 0x02, 0x04, 0xd2, 0x4e, 0x20, 0x00, 0x08, 0x00, 0x00,
    ];
    /// IPv6, no next header.
    const IPV6: [u8; 40] = [
        0x60, 0, 0, 0, 0, 0, 59, 0x40, 0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0x20, 0x01, 0x0d,
        0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2,
    ];
    const MACS: [u8; 12] = [0x02, 0, 0, 0, 0, 0x02, 0x02, 0, 0, 0, 0, 0x01];

    fn frame(parts: &[&[u8]]) -> Vec<u8> {
        parts.concat()
    }

    fn decoded(link: LinkType, bytes: &[u8]) -> Result<Datagram<'_>, Skip> {
        decode(link, bytes, bytes.len() as u32)
    }

    #[test]
    fn ethernet_without_its_padding() {
        let bytes = frame(&[&MACS, &[0x08, 0x00], &IPV4, &[0; 18]]);
        let datagram = decoded(LinkType::Ethernet, &bytes).unwrap();
        assert_eq!(datagram.dst_mac, Some(Mac([0x02, 0, 0, 0, 0, 0x02])));
        assert_eq!(datagram.src_mac, Some(Mac([0x02, 0, 0, 0, 0, 0x01])));
        assert_eq!((datagram.vlan, datagram.protocol, datagram.ttl), (None, 17, 64));
        assert_eq!((datagram.payload, datagram.missing), (IPV4.get(20..).unwrap(), 0));
    }

    #[test]
    fn innermost_vlan_that_is_named() {
        let vlan = |tags: &[u8]| {
            let bytes = frame(&[&MACS, tags, &[0x86, 0xdd], &IPV6]);
            decoded(LinkType::Ethernet, &bytes).map(|datagram| datagram.vlan)
        };
        assert_eq!(vlan(&[0x81, 0x00, 0x60, 0x07]), Ok(Some(7)));
        assert_eq!(vlan(&[0x88, 0xa8, 0x00, 0x05, 0x81, 0x00, 0x0f, 0xff]), Ok(Some(0xfff)));
        assert_eq!(vlan(&[0x91, 0x00, 0x00, 0x05, 0x81, 0x00, 0xe0, 0x00]), Ok(Some(5)));
        assert_eq!(vlan(&[0x81, 0x00, 0xe0, 0x00]), Ok(None));
        assert_eq!(vlan(&[0x89, 0x2f, 0x10, 0x42, 0, 9, 0x81, 0x00, 0x60, 0x07]), Ok(Some(7)), "HSR");
        assert_eq!(vlan(&[0x81, 0x00, 0x00, 0x01].repeat(MAX_TAGS)), Ok(Some(1)));
        assert_eq!(vlan(&[0x81, 0x00, 0x00, 0x01].repeat(MAX_TAGS + 1)), Err(Skip::Malformed));
    }

    #[test]
    fn what_a_timestamp_stands_before() {
        let behind = |header: &[u8], rest: &[u8]| decode_len(&frame(&[&MACS, header, rest, &IPV4]));
        let (full, half) =
            ([0xd2, 0x8b, 0, 1, 1, 0x10, 1, 2, 3, 4, 5, 6, 7, 8], [0xd2, 0x8b, 0, 1, 0, 0x21, 3, 4, 5, 6, 7, 8]);
        for header in [&full[..], &half] {
            assert_eq!(behind(header, &[0x08, 0x00]), Ok((None, 8)), "{header:x?}");
            assert_eq!(behind(header, &[0x81, 0x00, 0x60, 0x07, 0x08, 0x00]), Ok((Some(7), 8)), "{header:x?}");
        }
        assert_eq!(behind(&full.repeat(MAX_TAGS), &[0x08, 0x00]), Ok((None, 8)));
        assert_eq!(behind(&full.repeat(MAX_TAGS + 1), &[0x08, 0x00]), Err(Skip::Malformed));
        for (at, byte) in [(2, 1), (3, 2), (5, 0x00), (5, 0x30)] {
            let changed = |(place, octet): (usize, u8)| if place == at { byte } else { octet };
            let other: Vec<u8> = full.into_iter().enumerate().map(changed).collect();
            assert_eq!(behind(&other, &[0x08, 0x00]), Err(Skip::NotIp), "{other:x?}");
        }
        let whole = frame(&[&MACS, &half, &[0x08, 0x00], &IPV4]);
        for len in 12..46 {
            assert_eq!(decode(LinkType::Ethernet, whole.get(..len).unwrap(), 54), Err(Skip::Truncated), "{len}");
        }
    }

    /// The sender and the VLAN of a packet.
    #[cfg(feature = "tunnels")]
    type Sent = Result<(Mac, Option<u16>), Skip>;

    #[cfg(feature = "tunnels")]
    fn sent(headers: &[u8]) -> Sent {
        let bytes = frame(&[&MACS, headers, &IPV4]);
        decoded(LinkType::Ethernet, &bytes).map(|datagram| (datagram.src_mac.unwrap(), datagram.vlan))
    }

    #[cfg(feature = "tunnels")]
    #[test]
    fn packets_and_frames_on_a_backbone() {
        let (outer, inner) = (Mac([2, 0, 0, 0, 0, 1]), Mac([0x40, 0, 0, 0, 0, 4]));
        let (label, last) = ([0, 0, 0x70, 0x40], [0, 0, 0x81, 0x40]);
        let within = [&[0x20, 0, 0, 0, 0, 3], &inner.0[..], &[0x81, 0, 0, 9, 0x08, 0]].concat();
        let near_zero = [&[0, 1], within.get(2..).unwrap()].concat();
        let pppoe = |version, code, protocol| [0x88, 0x64, version, code, 0, 7, 0, 30, 0, protocol];
        let cases: &[(&str, Vec<u8>, Sent)] = &[
            ("one label", frame(&[&[0x88, 0x47], &last]), Ok((outer, None))),
            ("three labels", frame(&[&[0x88, 0x48], &label, &label, &last]), Ok((outer, None))),
            ("in a VLAN", frame(&[&[0x81, 0, 0, 5, 0x88, 0x47], &last]), Ok((outer, Some(5)))),
            ("a frame, control word", frame(&[&[0x88, 0x47], &last, &[0; 4], &within]), Ok((inner, Some(9)))),
            ("a frame by itself", frame(&[&[0x88, 0x47], &last, &within]), Ok((inner, Some(9)))),
            ("one to 00:01", frame(&[&[0x88, 0x47], &last, &near_zero]), Ok((inner, Some(9)))),
            ("a channel's own", frame(&[&[0x88, 0x47], &last, &[0x10, 0, 0, 0x21]]), Err(Skip::NotIp)),
            ("no end of labels", frame(&[&[0x88, 0x47], &label.repeat(17)]), Err(Skip::Malformed)),
            ("PPPoE", pppoe(0x11, 0, 0x21).to_vec(), Ok((outer, None))),
            ("PPPoE, of its own", pppoe(0x11, 0, 0xc0).to_vec(), Err(Skip::NotIp)),
            ("PPPoE, no data", pppoe(0x11, 9, 0x21).to_vec(), Err(Skip::NotIp)),
            ("PPPoE of version 2", pppoe(0x21, 0, 0x21).to_vec(), Err(Skip::NotIp)),
        ];
        for (name, headers, expected) in cases {
            assert_eq!(sent(headers), *expected, "{name}");
        }
        let whole = frame(&[&MACS, &[0x88, 0x47], &last, &[0; 4], &within, &IPV4]);
        for len in 12..40 {
            assert_eq!(decode(LinkType::Ethernet, whole.get(..len).unwrap(), 68), Err(Skip::Truncated), "{len}");
        }
    }

    fn decode_len(bytes: &[u8]) -> Result<(Option<u16>, usize), Skip> {
        decoded(LinkType::Ethernet, bytes).map(|datagram| (datagram.vlan, datagram.payload.len()))
    }

    #[test]
    fn what_is_not_ip() {
        for ethertype in [[0x08, 0x06], [0x00, 0x26], [0x05, 0xff], [0x88, 0x63], [0x88, 0xcc]] {
            let bytes = frame(&[&MACS, &ethertype, &IPV4]);
            assert_eq!(decoded(LinkType::Ethernet, &bytes), Err(Skip::NotIp));
        }
        assert_eq!(decoded(LinkType::Unknown(147), &IPV4), Err(Skip::UnknownLink));
    }

    #[test]
    fn raw_ip_by_version() {
        assert!(decoded(LinkType::RawIp, &IPV4).unwrap().src.is_ipv4());
        assert!(decoded(LinkType::RawIp, &IPV6).unwrap().src.is_ipv6());
        assert_eq!(decoded(LinkType::RawIp, &[0x50; 40]), Err(Skip::Malformed));
        assert_eq!(decoded(LinkType::RawIp, &[]), Err(Skip::Malformed));
    }

    #[test]
    fn loopback_in_both_byte_orders() {
        for family in [[0, 0, 0, 2], [2, 0, 0, 0]] {
            assert!(decoded(LinkType::Loopback, &frame(&[&family, &IPV4])).unwrap().src.is_ipv4());
        }
        for family in [[0, 0, 0, 24], [24, 0, 0, 0], [0, 0, 0, 28], [28, 0, 0, 0], [0, 0, 0, 30], [30, 0, 0, 0]] {
            assert!(decoded(LinkType::Loopback, &frame(&[&family, &IPV6])).unwrap().src.is_ipv6());
        }
        assert_eq!(decoded(LinkType::Loopback, &frame(&[&[0, 0, 0, 7], &IPV4])), Err(Skip::NotIp));
    }

    #[test]
    fn linux_cooked_knows_the_sender() {
        let first = |hardware: u8, len: u8, rest: &[u8]| {
            frame(&[&[0, 4, 0x03, hardware, 0, len, 2, 0, 0, 0, 0, 1, 0, 0], rest, &IPV4])
        };
        let bytes = first(0x01, 6, &[0x08, 0x00]);
        let datagram = decoded(LinkType::LinuxCooked, &bytes).unwrap();
        assert_eq!((datagram.src_mac, datagram.dst_mac), (Some(Mac([2, 0, 0, 0, 0, 1])), None));
        assert_eq!(decoded(LinkType::LinuxCooked, &first(0x01, 0, &[0x08, 0x00])).unwrap().src_mac, None);
        let tagged = first(0x01, 6, &[0x81, 0x00, 0x00, 0x09, 0x08, 0x00]);
        assert_eq!(decoded(LinkType::LinuxCooked, &tagged).unwrap().vlan, Some(9));
        assert_eq!(decoded(LinkType::LinuxCooked, &first(0x38, 6, &[0x08, 0x00])), Err(Skip::NotIp), "netlink");
        assert_eq!(decoded(LinkType::LinuxCooked, &first(0x01, 6, &[0x00, 0x04])), Err(Skip::NotIp), "802.2");
    }

    #[test]
    fn linux_cooked_second_form() {
        let header = [0x86, 0xdd, 0, 0, 0, 0, 0, 3, 0, 1, 0, 6, 2, 0, 0, 0, 0, 1, 0, 0];
        let bytes = frame(&[&header, &IPV6]);
        let datagram = decoded(LinkType::LinuxCooked2, &bytes).unwrap();
        assert_eq!(datagram.src_mac, Some(Mac([2, 0, 0, 0, 0, 1])));
        assert!(datagram.src.is_ipv6());
    }

    #[test]
    fn cut_by_the_snap_length_or_never_whole() {
        let whole = frame(&[&MACS, &[0x08, 0x00], &IPV4]);
        for len in 0..34 {
            let cut = whole.get(..len).unwrap();
            assert_eq!(decode(LinkType::Ethernet, cut, whole.len() as u32), Err(Skip::Truncated), "{len}");
            assert_eq!(decode(LinkType::Ethernet, cut, cut.len() as u32), Err(Skip::Malformed), "{len}");
        }
        let cut = decode(LinkType::Ethernet, whole.get(..36).unwrap(), whole.len() as u32).unwrap();
        assert_eq!((cut.payload.len(), cut.missing), (2, 6));
    }
}
