use tagout_engine::Mac;

use crate::LinkType;
use crate::wire::cursor::Cursor;
use crate::wire::{Datagram, Skip, ipv4, ipv6};

/// The most VLAN tags that a frame may stack.
const MAX_TAGS: usize = 8;

const ETHERTYPE_IPV4: u16 = 0x0800;
const ETHERTYPE_IPV6: u16 = 0x86dd;
/// 802.1Q, 802.1ad, and the number that QinQ used before 802.1ad.
const ETHERTYPES_VLAN: [u16; 3] = [0x8100, 0x88a8, 0x9100];

/// What the link says of a frame.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Link {
    pub(super) src_mac: Option<Mac>,
    pub(super) dst_mac: Option<Mac>,
    pub(super) vlan: Option<u16>,
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
fn ethernet(mut cursor: Cursor<'_>) -> Result<Datagram<'_>, Skip> {
    let dst_mac = Some(Mac(*cursor.take()?));
    let src_mac = Some(Mac(*cursor.take()?));
    let ethertype = u16::from_be_bytes(*cursor.take()?);
    network(Link { src_mac, dst_mac, vlan: None }, ethertype, cursor)
}

/// IEEE 802.1Q, clause 9: tags, then what the last of them announces.
fn network(mut link: Link, mut ethertype: u16, mut cursor: Cursor<'_>) -> Result<Datagram<'_>, Skip> {
    for _ in 0..=MAX_TAGS {
        match ethertype {
            ETHERTYPE_IPV4 => return ipv4::decode(link, cursor),
            ETHERTYPE_IPV6 => return ipv6::decode(link, cursor),
            tag if ETHERTYPES_VLAN.contains(&tag) => {
                let id = u16::from_be_bytes(*cursor.take()?) & 0x0fff;
                ethertype = u16::from_be_bytes(*cursor.take()?);
                link.vlan = if id == 0 { link.vlan } else { Some(id) };
            }
            _ => return Err(Skip::NotIp),
        }
    }
    Err(Skip::Malformed)
}

/// LINKTYPE_RAW: the version decides.
fn raw_ip(cursor: Cursor<'_>) -> Result<Datagram<'_>, Skip> {
    match cursor.rest().first().map(|byte| byte >> 4) {
        Some(4) => ipv4::decode(Link::default(), cursor),
        Some(6) => ipv6::decode(Link::default(), cursor),
        None if cursor.missing() > 0 => Err(Skip::Truncated),
        _ => Err(Skip::Malformed),
    }
}

/// LINKTYPE_NULL and LINKTYPE_LOOP: an address family of the capturing host, in either byte order. AF_INET6 is 24 on
/// NetBSD and OpenBSD, 28 on FreeBSD, 30 on macOS.
fn loopback(mut cursor: Cursor<'_>) -> Result<Datagram<'_>, Skip> {
    let family = *cursor.take()?;
    match u32::from_be_bytes(family).min(u32::from_le_bytes(family)) {
        2 => ipv4::decode(Link::default(), cursor),
        24 | 28 | 30 => ipv6::decode(Link::default(), cursor),
        _ => Err(Skip::NotIp),
    }
}

/// LINKTYPE_LINUX_SLL.
fn linux_cooked(mut cursor: Cursor<'_>) -> Result<Datagram<'_>, Skip> {
    let &[_, _, hardware0, hardware1, len0, len1, a, b, c, d, e, f, _, _, type0, type1] = cursor.take()?;
    let hardware = u16::from_be_bytes([hardware0, hardware1]);
    let len = u16::from_be_bytes([len0, len1]);
    cooked(hardware, len, [a, b, c, d, e, f], u16::from_be_bytes([type0, type1]), cursor)
}

/// LINKTYPE_LINUX_SLL2.
fn linux_cooked2(mut cursor: Cursor<'_>) -> Result<Datagram<'_>, Skip> {
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
) -> Result<Datagram<'_>, Skip> {
    if matches!(hardware, 770 | 778 | 803 | 824) {
        return Err(Skip::NotIp);
    }
    let src_mac = (address_len == 6).then_some(Mac(address));
    network(Link { src_mac, ..Link::default() }, ethertype, cursor)
}
