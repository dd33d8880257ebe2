use std::net::IpAddr;

use super::checksum;

/// One side of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// Link-layer address.
    pub mac: [u8; 6],
    /// Network address; both sides of a session have the same family.
    pub ip: IpAddr,
    /// TCP or UDP port.
    pub port: u16,
}

/// What lies between the Ethernet addresses and the IP header.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Network {
    /// VLAN ids, outermost first; with two, the outer one is a service tag (802.1ad).
    pub vlans: Vec<u16>,
}

const MIN_FRAME: usize = 60;

impl Network {
    /// An Ethernet frame around an IP packet, padded to the least size of a frame.
    pub fn frame(&self, from: &Endpoint, to: &Endpoint, packet: &[u8]) -> Vec<u8> {
        let mut bytes = [to.mac, from.mac].concat();
        for (at, vlan) in self.vlans.iter().enumerate() {
            let outer_of_two = at == 0 && self.vlans.len() > 1;
            bytes.extend(if outer_of_two { [0x88, 0xa8] } else { [0x81, 0x00] });
            bytes.extend(vlan.to_be_bytes());
        }
        bytes.extend(if from.ip.is_ipv4() { [0x08, 0x00] } else { [0x86, 0xdd] });
        bytes.extend(packet);
        bytes.resize(bytes.len().max(MIN_FRAME), 0);
        bytes
    }
}

/// A transport segment's checksum over its pseudo header (RFC 9293 section 3.1, RFC 8200 section 8.1).
pub(super) fn transport_checksum(from: IpAddr, to: IpAddr, protocol: u8, segment: &[u8]) -> u16 {
    let length = (segment.len() as u32).to_be_bytes();
    checksum::internet(&[&octets(from), &octets(to), &length, &[0, protocol], segment])
}

/// The TTL of packets as a host sends them.
pub(super) const TTL: u8 = 64;

/// An unfragmented IP packet.
pub(super) fn packet(from: IpAddr, to: IpAddr, protocol: u8, id: u16, ttl: u8, payload: &[u8]) -> Vec<u8> {
    match from {
        IpAddr::V4(_) => ipv4(from, to, protocol, id, ttl, 0x4000, payload),
        IpAddr::V6(_) => ipv6(from, to, protocol, ttl, payload),
    }
}

/// The fragments of a packet, each with `size` bytes of the payload (a multiple of 8), in order.
pub(super) fn fragments(from: IpAddr, to: IpAddr, protocol: u8, id: u16, payload: &[u8], size: usize) -> Vec<Vec<u8>> {
    assert!(size > 0 && size.is_multiple_of(8), "fragments lie on multiples of 8 bytes");
    let pieces = payload.chunks(size).enumerate();
    pieces
        .map(|(at, piece)| {
            let offset = at * size;
            let more = offset + piece.len() < payload.len();
            match from {
                IpAddr::V4(_) => ipv4(from, to, protocol, id, TTL, (offset / 8) as u16 | u16::from(more) << 13, piece),
                IpAddr::V6(_) => {
                    ipv6(from, to, 44, TTL, &ipv6_fragment(protocol, id, offset as u16 | u16::from(more), piece))
                }
            }
        })
        .collect()
}

fn ipv4(from: IpAddr, to: IpAddr, protocol: u8, id: u16, ttl: u8, flags_and_offset: u16, payload: &[u8]) -> Vec<u8> {
    let mut header = vec![0x45, 0];
    header.extend((20 + payload.len() as u16).to_be_bytes());
    header.extend(id.to_be_bytes());
    header.extend(flags_and_offset.to_be_bytes());
    header.extend([ttl, protocol, 0, 0]);
    header.extend(octets(from));
    header.extend(octets(to));
    let checksum = checksum::internet(&[&header]).to_be_bytes();
    header[10..12].copy_from_slice(&checksum);
    header.extend(payload);
    header
}

fn ipv6(from: IpAddr, to: IpAddr, next_header: u8, ttl: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0x60, 0, 0, 0];
    bytes.extend((payload.len() as u16).to_be_bytes());
    bytes.extend([next_header, ttl]);
    bytes.extend(octets(from));
    bytes.extend(octets(to));
    bytes.extend(payload);
    bytes
}

fn ipv6_fragment(protocol: u8, id: u16, offset_and_more: u16, piece: &[u8]) -> Vec<u8> {
    let mut bytes = vec![protocol, 0];
    bytes.extend(offset_and_more.to_be_bytes());
    bytes.extend(u32::from(id).to_be_bytes());
    bytes.extend(piece);
    bytes
}

fn octets(ip: IpAddr) -> Vec<u8> {
    match ip {
        IpAddr::V4(ip) => ip.octets().to_vec(),
        IpAddr::V6(ip) => ip.octets().to_vec(),
    }
}
