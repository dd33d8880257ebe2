use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use tagout_engine::Mac;

use crate::LinkType;
use crate::wire::Datagram;
use crate::wire::cursor::Cursor;
use crate::wire::link::{ETHERTYPE_ARP, Opened, open};

/// Internet Control Message Protocol for IPv6.
const ICMPV6: u8 = 58;
/// Neighbour advertisement, code 0.
const ADVERTISEMENT: [u8; 2] = [136, 0];
/// The option of an advertisement that holds the target's link-layer address, in one unit of 8 octets.
const TARGET_LINK_ADDRESS: [u8; 2] = [2, 1];
/// Where the options of an advertisement start.
const OPTIONS: usize = 24;
/// The most options of an advertisement that are looked at.
const MAX_OPTIONS: usize = 8;
/// What senders set TTL or hop limit to. No router has touched a packet that arrives with one of these.
const INITIAL_TTLS: [u8; 3] = [64, 128, 255];

/// That an IP address is at a MAC address, as a frame says or shows.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Claim {
    /// The IP address.
    pub ip: IpAddr,
    /// The MAC address that uses it: its host's own, or that of a router before it.
    pub mac: Mac,
    /// VLAN id of the innermost 802.1Q tag that names one.
    pub vlan: Option<u16>,
    /// Whom the claim is made to.
    pub target: IpAddr,
    /// No router stands between the two addresses.
    pub is_direct: bool,
    /// The field that holds the MAC address, and where it stands in its packet or frame.
    pub mac_field: (&'static str, usize),
    /// The same of the IP address.
    pub ip_field: (&'static str, usize),
}

impl Claim {
    /// What the addresses of a datagram show.
    #[inline]
    pub fn of_datagram(datagram: &Datagram<'_>) -> Option<Self> {
        Some(Self {
            ip: datagram.src,
            mac: datagram.src_mac?,
            vlan: datagram.vlan,
            target: datagram.dst,
            is_direct: INITIAL_TTLS.contains(&datagram.ttl),
            mac_field: ("source MAC address", 6),
            ip_field: ("IP source address", if datagram.src.is_ipv4() { 12 } else { 8 }),
        })
    }

    /// What an ARP packet (RFC 826) for IPv4 over Ethernet says of its sender, be it a request, a reply or an
    /// announcement. None for a probe (RFC 5227), which claims nothing, and for any other frame.
    pub fn of_arp(link: LinkType, bytes: &[u8], wire_len: u32) -> Option<Self> {
        let Opened { link, ethertype, mut cursor } = open(link, bytes, wire_len).ok()?;
        if ethertype != ETHERTYPE_ARP {
            return None;
        }
        let &[0, 1, 0x08, 0x00, 6, 4, 0, 1 | 2] = cursor.take().ok()? else { return None };
        let (mac, ip) = arp_pair(&mut cursor)?;
        let (_, target) = arp_pair(&mut cursor)?;
        (!ip.is_unspecified()).then_some(Self {
            ip: IpAddr::V4(ip),
            mac,
            vlan: link.vlan,
            target: IpAddr::V4(target),
            is_direct: true,
            mac_field: ("ARP sender hardware address", 8),
            ip_field: ("ARP sender protocol address", 14),
        })
    }

    /// What an IPv6 neighbour advertisement (RFC 4861, section 4.4) says of its target.
    pub fn of_advertisement(datagram: &Datagram<'_>) -> Option<Self> {
        let is_advertisement = datagram.protocol == ICMPV6 && datagram.ttl == 255 && datagram.missing == 0;
        if !is_advertisement || !datagram.payload.starts_with(&ADVERTISEMENT) {
            return None;
        }
        let target: [u8; 16] = *datagram.payload.get(8..)?.first_chunk()?;
        let (mac, offset) = target_link_address(datagram.payload)?;
        Some(Self {
            ip: IpAddr::V6(Ipv6Addr::from(target)),
            mac,
            vlan: datagram.vlan,
            target: datagram.dst,
            is_direct: true,
            mac_field: ("target link-layer address", offset),
            ip_field: ("target address", 8),
        })
    }
}

/// A hardware and a protocol address.
fn arp_pair(cursor: &mut Cursor<'_>) -> Option<(Mac, Ipv4Addr)> {
    let mac = Mac(*cursor.take().ok()?);
    let ip: [u8; 4] = *cursor.take().ok()?;
    Some((mac, Ipv4Addr::from(ip)))
}

/// The target's link-layer address among the options of an advertisement, and where it stands.
fn target_link_address(advertisement: &[u8]) -> Option<(Mac, usize)> {
    let mut at = OPTIONS;
    for _ in 0..MAX_OPTIONS {
        let &[kind, units, a, b, c, d, e, f] = advertisement.get(at..)?.first_chunk()?;
        if [kind, units] == TARGET_LINK_ADDRESS {
            return Some((Mac([a, b, c, d, e, f]), at.saturating_add(2)));
        }
        at = at.saturating_add(usize::from(units.max(1)).saturating_mul(8));
    }
    None
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    extern crate std;

    use std::vec::Vec;

    use super::*;
    use crate::wire::decode;

    const MACS: [u8; 12] = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2, 0, 0, 0, 0, 9];

    /// 192.0.2.1 is at 02::01, to 192.0.2.2.
    fn arp(operation: u8) -> [u8; 28] {
        let head = [0, 1, 8, 0, 6, 4, 0, operation];
        let rest = [2, 0, 0, 0, 0, 1, 192, 0, 2, 1, 2, 0, 0, 0, 0, 2, 192, 0, 2, 2];
        let mut packet = [0; 28];
        packet.iter_mut().zip(head.into_iter().chain(rest)).for_each(|(to, from)| *to = from);
        packet
    }

    fn claim(parts: &[&[u8]]) -> Option<Claim> {
        let bytes = parts.concat();
        Claim::of_arp(LinkType::Ethernet, &bytes, bytes.len() as u32)
    }

    #[test]
    fn an_arp_packet_says_where_its_sender_is() {
        for operation in [1, 2] {
            let claim = claim(&[&MACS, &[0x08, 0x06], &arp(operation), &[0; 18]]).unwrap();
            assert_eq!((claim.mac, claim.ip), (Mac([2, 0, 0, 0, 0, 1]), "192.0.2.1".parse().unwrap()));
            assert_eq!((claim.vlan, claim.target), (None, "192.0.2.2".parse().unwrap()));
        }
        let tagged = claim(&[&MACS, &[0x81, 0x00, 0x60, 0x07, 0x08, 0x06], &arp(1)]).unwrap();
        assert_eq!(tagged.vlan, Some(7));
    }

    #[test]
    fn what_claims_nothing() {
        let whole = [&MACS[..], &[0x08, 0x06], &arp(2)].concat();
        for len in 0..whole.len() {
            assert_eq!(claim(&[whole.get(..len).unwrap()]), None, "{len}");
        }
        assert_eq!(claim(&[&MACS, &[0x08, 0x00], &arp(2)]), None);
        for (at, byte) in [(1, 6), (2, 0x86), (4, 8), (5, 16), (7, 3)] {
            let mut other = arp(2);
            *other.get_mut(at).unwrap() = byte;
            assert_eq!(claim(&[&MACS, &[0x08, 0x06], &other]), None, "{at}");
        }
        let mut probe = arp(1);
        probe.get_mut(14..18).unwrap().fill(0);
        assert_eq!(claim(&[&MACS, &[0x08, 0x06], &probe]), None);
    }

    /// An advertisement of 2001:db8::1 with these options, from fe80::9 to all nodes.
    fn advertisement(options: &[u8]) -> Vec<u8> {
        let payload_len = 24_u8.saturating_add(options.len() as u8);
        let mut packet = [&MACS[..], &[0x86, 0xdd, 0x60, 0, 0, 0, 0, payload_len, 58, 255]].concat();
        packet.extend([0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9]);
        packet.extend([0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
        packet.extend([136, 0, 0, 0, 0x20, 0, 0, 0, 0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
        packet.extend(options);
        packet
    }

    #[test]
    fn a_neighbour_advertisement_says_where_its_target_is() {
        let of = |options: &[u8]| {
            let packet = advertisement(options);
            Claim::of_advertisement(&decode(LinkType::Ethernet, &packet, packet.len() as u32).unwrap())
        };
        let option = [2, 1, 2, 0, 0, 0, 0, 1];
        let claim = of(&option).unwrap();
        assert_eq!((claim.mac, claim.ip), (Mac([2, 0, 0, 0, 0, 1]), "2001:db8::1".parse().unwrap()));
        assert_eq!(claim.mac_field.1, 26);
        assert_eq!(of(&[&[14, 1, 0, 0, 0, 0, 0, 0], &option[..]].concat()).unwrap().mac_field.1, 34);
        assert_eq!(of(&[]), None);
        assert_eq!(of(&[14, 0, 0, 0, 0, 0, 0, 0]), None, "an option without length");
    }
}
