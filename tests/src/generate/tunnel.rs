use std::net::IpAddr;

use super::network::{TTL, fragments, packet};
use super::{Capture, Captured, Endpoint, Network};

const UDP: u8 = 17;
const GRE: u8 = 47;
const ERSPAN_TYPE: [u8; 2] = [0x88, 0xbe];
const ETHERNET_TYPE: [u8; 2] = [0x65, 0x58];
const IPV4_TYPE: [u8; 2] = [0x08, 0x00];
/// Version 2 with session 7; the frame behind it is one of Ethernet; a sub-header of the platform follows.
const ERSPAN_III: [u8; 12] = [0x20, 0, 0, 7, 1, 2, 3, 4, 0, 0, 0, 1];
/// The length of Ethernet addresses.
const ADDRESSES: usize = 12;
/// Behind Ethernet addresses without tags.
const PACKET_AT: usize = 14;

/// How a switch or a cloud sends what it mirrors to a sensor elsewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tunnel {
    /// Ethernet frames in GRE, with a key (NVGRE).
    Gre,
    /// Cisco's first.
    ErspanI,
    /// With a header of 8 bytes.
    ErspanII,
    /// With a header of 12 bytes and 8 of the platform's.
    ErspanIII,
    /// To UDP port 4789.
    Vxlan,
    /// To UDP port 6081, with an option.
    Geneve,
    /// VXLAN in ERSPAN of type II.
    VxlanInErspan,
    /// IPv4 packets in GRE.
    GreIp,
    /// IPv4 packets in IPv4.
    IpIp,
    /// Ethernet frames behind two labels of MPLS and a control word.
    MplsFrame,
    /// With the tag of a ring.
    Hsr,
    /// IPv4 packets behind a label of MPLS.
    Mpls,
    /// IPv4 packets in a session of PPPoE.
    Pppoe,
}

impl Tunnel {
    /// Those that carry whole frames in packets, which may be split.
    pub const OF_FRAMES: [Self; 7] =
        [Self::Gre, Self::ErspanI, Self::ErspanII, Self::ErspanIII, Self::Vxlan, Self::Geneve, Self::VxlanInErspan];
    /// Those that carry whole frames in a frame.
    pub const OF_FRAMES_IN_FRAMES: [Self; 2] = [Self::MplsFrame, Self::Hsr];
    /// Those that carry packets of IPv4.
    pub const OF_PACKETS: [Self; 4] = [Self::GreIp, Self::IpIp, Self::Mpls, Self::Pppoe];

    /// Each.
    pub fn all() -> impl Iterator<Item = Self> {
        Self::OF_FRAMES.into_iter().chain(Self::OF_FRAMES_IN_FRAMES).chain(Self::OF_PACKETS)
    }

    /// The frame around one without tags, if it is not a packet that carries it.
    fn frame(self, frame: &[u8]) -> Option<Vec<u8>> {
        let between = |header: &[u8], rest: &[u8]| [&frame[..ADDRESSES], header, rest].concat();
        let packet = &frame[PACKET_AT..];
        match self {
            Self::MplsFrame => Some(between(&[0x88, 0x47, 0, 1, 0x00, 64, 0, 2, 0x01, 64, 0, 0, 0, 0], frame)),
            Self::Hsr => {
                let [size0, size1] = (6 + packet.len() as u16).to_be_bytes();
                Some(between(&[0x89, 0x2f, size0 & 0x0f | 0x10, size1, 0, 9], &frame[ADDRESSES..]))
            }
            Self::Mpls => Some(between(&[0x88, 0x47, 0, 1, 0x01, 64], packet)),
            Self::Pppoe => {
                let [size0, size1] = (2 + packet.len() as u16).to_be_bytes();
                Some(between(&[0x88, 0x64, 0x11, 0, 0, 7, size0, size1, 0, 0x21], packet))
            }
            _ => None,
        }
    }

    /// The protocol of the outer packet and its payload around a frame without tags.
    fn payload(self, frame: &[u8]) -> (u8, Vec<u8>) {
        let gre = |flags: u8, kind: [u8; 2], headers: &[&[u8]], inner: &[u8]| {
            (GRE, [&[flags, 0][..], &kind, &headers.concat(), inner].concat())
        };
        let sequence = [0, 0, 0, 9];
        match self {
            Self::Gre => gre(0x20, ETHERNET_TYPE, &[&[0, 0, 7, 1]], frame),
            Self::ErspanI => gre(0, ERSPAN_TYPE, &[], frame),
            Self::ErspanII => gre(0x10, ERSPAN_TYPE, &[&sequence, &[0x10, 0, 0, 7, 0, 0, 0, 0]], frame),
            Self::ErspanIII => gre(0x10, [0x22, 0xeb], &[&sequence, &ERSPAN_III, &[0; 8]], frame),
            Self::Vxlan => udp(4789, &[&[8, 0, 0, 0, 0, 0, 7, 0], frame]),
            Self::Geneve => udp(6081, &[&[1, 0, 0x65, 0x58, 0, 0, 7, 0, 1, 2, 3, 0], frame]),
            Self::VxlanInErspan => Self::ErspanII.payload(&Self::Vxlan.frames(frame, usize::MAX).concat()),
            Self::GreIp => gre(0, IPV4_TYPE, &[], &frame[PACKET_AT..]),
            Self::IpIp => (4, frame[PACKET_AT..].to_vec()),
            Self::MplsFrame | Self::Hsr | Self::Mpls | Self::Pppoe => unreachable!("no packet carries it"),
        }
    }

    /// The frames that carry one, of which no packet has more payload than this many bytes, a multiple of 8.
    fn frames(self, frame: &[u8], at_most: usize) -> Vec<Vec<u8>> {
        if let Some(around) = self.frame(frame) {
            return vec![around];
        }
        let [from, to] = [1, 2].map(|host| Endpoint { mac: [2, 0, 0, 0, 1, host], ip: switch(host), port: 0 });
        let (protocol, payload) = self.payload(frame);
        let packets = match payload.len() <= at_most {
            true => vec![packet(from.ip, to.ip, protocol, 0, TTL, &payload)],
            false => fragments(from.ip, to.ip, protocol, frame.len() as u16, &payload, at_most),
        };
        packets.iter().map(|packet| Network::default().frame(&from, &to, packet)).collect()
    }
}

impl Capture {
    /// The same frames as they come out of a tunnel, in packets whose payload is no longer than `at_most` bytes, a multiple of 8.
    pub fn tunnelled(&self, tunnel: Tunnel, at_most: usize) -> Self {
        let carry = |Captured { time_ns, bytes, .. }: &Captured| {
            let frames = tunnel.frames(bytes, at_most).into_iter();
            let time_ns = *time_ns;
            frames.map(move |bytes| Captured { time_ns, wire_len: bytes.len() as u32, bytes })
        };
        Self { frames: self.frames.iter().flat_map(carry).collect() }
    }
}

fn switch(host: u8) -> IpAddr {
    [198, 51, 100, host].into()
}

/// Without a checksum, as tunnels over IPv4 may be.
fn udp(port: u16, parts: &[&[u8]]) -> (u8, Vec<u8>) {
    let payload = parts.concat();
    let length = (8 + payload.len() as u16).to_be_bytes();
    (UDP, [&[0xc0, 0][..], &port.to_be_bytes(), &length, &[0, 0], &payload].concat())
}
