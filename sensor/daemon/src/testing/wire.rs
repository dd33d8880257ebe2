//! Packets of TCP connections, as a mirror port shows them.

use std::net::IpAddr;

use etherparse::{
    IpHeaders, IpNumber, Ipv4Extensions, Ipv4Header, Ipv6Extensions, Ipv6FlowLabel, Ipv6Header, PacketBuilder,
    TcpHeader, VlanId,
};

/// One side of a connection.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) struct Host {
    pub(super) mac: [u8; 6],
    pub(super) ip: IpAddr,
    pub(super) port: u16,
}

/// A TCP connection.
#[derive(Clone, Debug)]
pub(super) struct Connection {
    /// Client and server.
    hosts: [Host; 2],
    vlan: Option<u16>,
    /// The sequence number that each sends next.
    next: [u32; 2],
}

/// Who sends: the place in [`Connection::hosts`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Side {
    Client,
    Server,
}

/// Longer payloads go into segments of this many bytes.
const SEGMENT: usize = 1_400;
const WINDOW: u16 = 64_240;
const TTL: u8 = 64;

impl Connection {
    pub(super) fn new(client: Host, server: Host, vlan: Option<u16>) -> Self {
        Self { hosts: [client, server], vlan, next: [1_000, 2_000] }
    }

    /// The frames that open it.
    pub(super) fn open(&mut self) -> [Vec<u8>; 3] {
        let flags = |syn, ack| TcpHeader { syn, ack, ..TcpHeader::default() };
        let syn = self.frame(Side::Client, flags(true, false), &[]);
        self.next[0] = self.next[0].wrapping_add(1);
        let syn_ack = self.frame(Side::Server, flags(true, true), &[]);
        self.next[1] = self.next[1].wrapping_add(1);
        [syn, syn_ack, self.frame(Side::Client, flags(false, true), &[])]
    }

    /// The frames in which a side sends these bytes.
    pub(super) fn send(&mut self, from: Side, bytes: &[u8]) -> Vec<Vec<u8>> {
        let mut segment = |piece: &[u8]| {
            let frame = self.frame(from, TcpHeader { psh: true, ack: true, ..TcpHeader::default() }, piece);
            let next = &mut self.next[from as usize];
            *next = next.wrapping_add(u32::try_from(piece.len()).unwrap_or_default());
            frame
        };
        bytes.chunks(SEGMENT).map(&mut segment).collect()
    }

    fn frame(&self, from: Side, header: TcpHeader, payload: &[u8]) -> Vec<u8> {
        let (own, peer) = (from as usize, 1 - from as usize);
        let (source, destination) = (self.hosts[own], self.hosts[peer]);
        let acknowledgment_number = if header.ack { self.next[peer] } else { 0 };
        let tcp = TcpHeader {
            source_port: source.port,
            destination_port: destination.port,
            sequence_number: self.next[own],
            acknowledgment_number,
            window_size: WINDOW,
            ..header
        };
        let link = PacketBuilder::ethernet2(source.mac, destination.mac);
        let ip = ip(source.ip, destination.ip);
        let packet = match self.vlan.and_then(|vlan| VlanId::try_new(vlan).ok()) {
            Some(vlan) => link.single_vlan(vlan).ip(ip),
            None => link.ip(ip),
        };
        let mut frame = Vec::new();
        // Lengths are those of a segment, and a vector takes all that is written.
        let _ = packet.tcp_header(tcp).write(&mut frame, payload);
        frame
    }
}

/// The headers between two addresses of one family; lengths and checksums come when the packet is written.
fn ip(source: IpAddr, destination: IpAddr) -> IpHeaders {
    match (source, destination) {
        (IpAddr::V4(source), IpAddr::V4(destination)) => {
            let header = Ipv4Header {
                time_to_live: TTL,
                protocol: IpNumber::TCP,
                source: source.octets(),
                destination: destination.octets(),
                ..Ipv4Header::default()
            };
            IpHeaders::Ipv4(header, Ipv4Extensions::default())
        }
        (source, destination) => {
            let octets = |ip: IpAddr| match ip {
                IpAddr::V4(ip) => ip.to_ipv6_mapped().octets(),
                IpAddr::V6(ip) => ip.octets(),
            };
            let header = Ipv6Header {
                traffic_class: 0,
                flow_label: Ipv6FlowLabel::default(),
                payload_length: 0,
                next_header: IpNumber::TCP,
                hop_limit: TTL,
                source: octets(source),
                destination: octets(destination),
            };
            IpHeaders::Ipv6(header, Ipv6Extensions::default())
        }
    }
}
