//! Flows on plant protocol ports, and the byte streams in them.

mod anomalies;
mod answers;
mod foreign;
mod framed;
mod line;
mod stream;
mod suspicion;
mod units;

use core::hash::Hasher;
use core::net::IpAddr;

use tagout_engine::{ActorId, DeviceId, Mac, StableHasher};

use anomalies::Anomalies;
use answers::Answers;
use line::Line;
pub use stream::BLOCK_LEN;
pub(crate) use stream::Streams;
use suspicion::Usual;
pub(crate) use units::{Reader, clients_side};

use crate::config::LineProtocol;
use crate::modbus::Framing;
use crate::record::{Host, Path, Protocol, Seen, Transport};
use crate::sequence::is_before;
use crate::store::{Fifo, NONE, TableSlot};
use tagout_engine::Timestamp;

/// What a packet shows of addresses is taken note of this often, so that it costs next to nothing.
const RENEWED_MS: u32 = 1_000;

/// A flow in the table that the sensor's owner lends.
pub type FlowSlot = TableSlot<FlowKey, Flow>;

/// What tells flows apart, the same for both directions: the lower address and port comes first.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct FlowKey {
    low: u128,
    high: u128,
    low_port: u16,
    high_port: u16,
    vlan: Option<u16>,
    transport: Transport,
}

impl FlowKey {
    /// The key of a packet's flow, and whether the packet's source is its lower end.
    pub(crate) fn new(src: (IpAddr, u16), dst: (IpAddr, u16), vlan: Option<u16>, transport: Transport) -> (Self, bool) {
        let (src, dst) = ((address_bits(src.0), src.1), (address_bits(dst.0), dst.1));
        let src_is_low = src <= dst;
        let ((low, low_port), (high, high_port)) = if src_is_low { (src, dst) } else { (dst, src) };
        (Self { low, high, low_port, high_port, vlan, transport }, src_is_low)
    }

    /// The key of a serial line, which has no addresses.
    pub(crate) fn line(number: u16) -> Self {
        Self { low_port: number, high_port: number, transport: Transport::Serial, ..Self::default() }
    }

    fn low(&self) -> (u128, u16) {
        (self.low, self.low_port)
    }

    fn high(&self) -> (u128, u16) {
        (self.high, self.high_port)
    }

    /// The same number for the same flow in every process.
    pub(crate) fn stable_hash(&self) -> u64 {
        let mut hasher = StableHasher::default();
        for (address, port) in [self.low(), self.high()] {
            hasher.write(&address.to_be_bytes());
            hasher.write(&port.to_be_bytes());
        }
        hasher.write(&self.vlan.unwrap_or(u16::MAX).to_be_bytes());
        hasher.write(&[self.transport as u8]);
        hasher.finish()
    }
}

/// An address as a number; IPv4 addresses as those mapped into IPv6.
pub(crate) fn address_bits(ip: IpAddr) -> u128 {
    match ip {
        IpAddr::V4(ip) => ip.to_ipv6_mapped().to_bits(),
        IpAddr::V6(ip) => ip.to_bits(),
    }
}

pub(crate) fn to_ip(bits: u128) -> IpAddr {
    IpAddr::V6(core::net::Ipv6Addr::from_bits(bits)).to_canonical()
}

/// One of the two ends of a flow. For TCP the client is the end that connects.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Side {
    /// The end that connects, or sends to a plant protocol's port.
    Client,
    /// The other end.
    Server,
}

impl Side {
    pub(crate) const fn other(self) -> Self {
        match self {
            Self::Client => Self::Server,
            Self::Server => Self::Client,
        }
    }
}

/// Where in a dialogue a unit stands.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Turn {
    /// Who sent it.
    pub(crate) side: Side,
    /// The frame that completed it.
    pub(crate) seen: Seen,
    /// TCP sequence number of its first byte; over UDP, its offset in the datagram.
    pub(crate) seq: u32,
    /// The same of the byte behind its last.
    pub(crate) end: u32,
    /// What its sender had acknowledged of the other direction; 0 over UDP.
    pub(crate) ack: u32,
}

/// One direction of a flow.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Half {
    /// Sequence number of the next byte in order.
    next: u32,
    /// That of the first byte, as far as is known: behind the SYN, if there was one.
    first: u32,
    /// The highest byte that the receiver acknowledged, once it has.
    acked: Option<u32>,
    /// Where another stream under the same addresses goes on, if a segment hinted at one.
    elsewhere: Option<Elsewhere>,
    /// The latest hole that was given up: `[from, to)`.
    lost: (u32, u32),
    /// Latest record in the ring of recent payload; 0 for none.
    recent: u64,
    /// Since when bytes are missing, while later ones are held.
    hole_since: Timestamp,
    /// Chain of segments that wait for the hole to fill, by sequence number.
    held: u32,
    /// Block with the beginning of a unit.
    partial: u32,
    /// How many bytes that unit needs.
    need: u16,
    /// Length of the chain.
    held_count: u8,
    started: bool,
    /// True once either side ended the connection: the next SYN opens another, be its number the same.
    ended: bool,
    /// True while units follow each other as the protocol wants.
    synced: bool,
}

/// Sequence numbers that a stream may continue with.
#[derive(Clone, Copy, Debug)]
struct Elsewhere {
    next: u32,
    /// True behind a SYN, where a unit must begin.
    synced: bool,
}

impl Half {
    const EMPTY: Self = Self {
        next: 0,
        first: 0,
        acked: None,
        elsewhere: None,
        lost: (0, 0),
        recent: 0,
        hole_since: Timestamp(0),
        held: NONE,
        partial: NONE,
        need: 0,
        held_count: 0,
        started: false,
        ended: false,
        synced: false,
    };

    fn starting_at(seq: u32) -> Self {
        Self { next: seq, first: seq, started: true, ..Self::EMPTY }
    }
}

/// The parties that the policy knows behind a unit id or a pair of link addresses.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Parties {
    /// Unit id, or source and destination link address.
    pub(crate) of: u32,
    /// The end that asks: on the same flow, the other end may ask too.
    pub(crate) requester: Side,
    pub(crate) actor: Option<ActorId>,
    pub(crate) device: Option<DeviceId>,
}

/// Everything kept about a flow.
#[derive(Clone, Copy, Debug)]
pub struct Flow {
    key: FlowKey,
    /// The key's stable hash.
    pub(crate) id: u64,
    pub(crate) protocol: Protocol,
    /// What frames its units if it carries Modbus.
    pub(crate) framing: Framing,
    /// True when that is known, from the configuration or from a unit.
    settled: bool,
    line: Line,
    client_is_low: bool,
    client_mac: Option<Mac>,
    server_mac: Option<Mac>,
    client: Half,
    server: Half,
    /// Unanswered requests, oldest first.
    pub(crate) pending: Fifo,
    pub(crate) pending_count: u16,
    /// How many of them are responses captured before their requests.
    pub(crate) early_count: u16,
    /// The latest parties looked up.
    pub(crate) parties: Option<Parties>,
    pub(crate) anomalies: Anomalies,
    pub(crate) usual: Usual,
    pub(crate) answers: Answers,
    /// Where the packets of client and server came from, and when that was last taken note of.
    shown: [(Option<Mac>, Timestamp); 2],
    /// A DNP3 fragment of several segments was seen.
    pub(crate) assembles: bool,
    /// Tells what its ports carry after another beginning from what they carried before.
    pub(crate) beginnings: u8,
}

impl Default for Flow {
    fn default() -> Self {
        Self {
            key: FlowKey::default(),
            id: 0,
            protocol: Protocol::Modbus,
            framing: Framing::Mbap,
            settled: false,
            line: Line::SILENT,
            client_is_low: true,
            client_mac: None,
            server_mac: None,
            client: Half::EMPTY,
            server: Half::EMPTY,
            pending: Fifo::EMPTY,
            pending_count: 0,
            early_count: 0,
            parties: None,
            anomalies: Anomalies::NONE,
            usual: Usual::UNKNOWN,
            answers: Answers::NONE,
            shown: [(None, Timestamp(0)); 2],
            assembles: false,
            beginnings: 0,
        }
    }
}

impl Flow {
    pub(crate) fn new(key: FlowKey, protocol: Protocol, client_is_low: bool) -> Self {
        Self { key, id: key.stable_hash(), protocol, client_is_low, ..Self::default() }
    }

    /// The same, with this framing if one is configured.
    pub(crate) fn framed(self, framing: Option<Framing>) -> Self {
        Self { framing: framing.unwrap_or(self.framing), settled: framing.is_some(), ..self }
    }

    /// A serial line, with what it carries if that is configured.
    pub(crate) fn of_line(number: u16, carries: Option<LineProtocol>) -> Self {
        let (protocol, framing) = match carries {
            Some(LineProtocol::Dnp3) => (Protocol::Dnp3, Framing::Rtu),
            Some(LineProtocol::ModbusAscii) => (Protocol::Modbus, Framing::Ascii),
            Some(LineProtocol::ModbusRtu) | None => (Protocol::Modbus, Framing::Rtu),
        };
        Self { framing, settled: carries.is_some(), ..Self::new(FlowKey::line(number), protocol, true) }
    }

    /// Which end a packet comes from.
    pub(crate) fn side(&self, src_is_low: bool) -> Side {
        if src_is_low == self.client_is_low { Side::Client } else { Side::Server }
    }

    pub(crate) fn is_tcp(&self) -> bool {
        self.key.transport == Transport::Tcp
    }

    pub(crate) fn is_line(&self) -> bool {
        self.key.transport == Transport::Serial
    }

    /// Whether bytes of this side are missing that its receiver acknowledged with `ack`, and not with a response before.
    pub(crate) fn misses_before(&self, side: Side, ack: u32) -> bool {
        let Half { lost: (from, to), next, .. } = *self.half(side);
        let is_new = self.answers.acked_before(ack).is_none_or(|before| is_before(before, to));
        self.is_tcp() && (is_before(next, ack) || from != to && is_new && is_before(from, ack))
    }

    /// Since when this side's stream waits for missing bytes.
    pub(crate) fn hole_since(&self, side: Side) -> Timestamp {
        self.half(side).hole_since
    }

    #[cfg(test)]
    pub(crate) fn hear(&mut self, side: Side) {
        self.half_mut(side).started = true;
    }

    /// True when anything came from this side.
    pub(crate) fn heard(&self, side: Side) -> bool {
        self.half(side).started
    }

    /// Notes the link-layer addresses of a packet. Another one may mean another party. Where a packet goes tells an address
    /// only until its owner was heard: who poisons ARP has packets sent to another.
    pub(crate) fn note_macs(&mut self, side: Side, src: Option<Mac>, dst: Option<Mac>) {
        let (client, server) = match side {
            Side::Client => (src, self.server_mac.or(dst)),
            Side::Server => (self.client_mac.or(dst), src),
        };
        if client != self.client_mac || server != self.server_mac {
            self.client_mac = client;
            self.server_mac = server;
            self.parties = None;
        }
    }

    /// The MAC address that a side's bytes come from; the default if that is not told.
    pub(crate) fn sender(&self, side: Side) -> Mac {
        self.mac(side).unwrap_or_default()
    }

    /// Takes bytes of a side for those of this MAC address.
    pub(crate) fn set_sender(&mut self, side: Side, sender: Mac) {
        if sender != self.sender(side) {
            let sender = Some(sender).filter(|mac| *mac != Mac::default());
            self.note_macs(side, sender, None);
        }
    }

    /// Whether it is worth taking note of where a packet came from: it is news, or it is a while since that was noted.
    pub(crate) fn shows(&mut self, side: Side, src: Option<Mac>, now: Timestamp) -> bool {
        let [client, server] = &mut self.shown;
        let shown = if side == Side::Client { client } else { server };
        let is_known = shown.0 == src && now < shown.1.plus_ms(RENEWED_MS);
        if !is_known {
            *shown = (src, now);
        }
        !is_known
    }

    /// IP address, as a number, and port of a side.
    pub(crate) fn address(&self, side: Side) -> (u128, u16) {
        if (side == Side::Client) == self.client_is_low { self.key.low() } else { self.key.high() }
    }

    /// Who talks to whom when `requester` is the end that issues requests.
    pub(crate) fn path(&self, requester: Side) -> Path {
        let (client, server) = (self.host(requester), self.host(requester.other()));
        Path { flow: self.id, transport: self.key.transport, vlan: self.key.vlan, client, server }
    }

    fn host(&self, side: Side) -> Host {
        let (ip, port) = self.address(side);
        Host { mac: self.mac(side), ip: to_ip(ip), port }
    }

    /// The MAC address of a side, if that is told.
    pub(crate) fn mac(&self, side: Side) -> Option<Mac> {
        if side == Side::Client { self.client_mac } else { self.server_mac }
    }

    fn half(&self, side: Side) -> &Half {
        match side {
            Side::Client => &self.client,
            Side::Server => &self.server,
        }
    }

    fn half_mut(&mut self, side: Side) -> &mut Half {
        match side {
            Side::Client => &mut self.client,
            Side::Server => &mut self.server,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_a_packet_goes_does_not_tell_who_was_heard_from_elsewhere() {
        let [client, server, thief] = [1, 2, 3].map(|last| Some(Mac([2, 0, 0, 0, 0, last])));
        let mut flow = Flow::new(FlowKey::default(), Protocol::Modbus, true);
        let macs = |flow: &Flow| {
            let path = flow.path(Side::Client);
            (path.client.mac, path.server.mac)
        };
        flow.note_macs(Side::Server, server, thief);
        assert_eq!(macs(&flow), (thief, server));
        flow.note_macs(Side::Client, client, thief);
        assert_eq!(macs(&flow), (client, server));
        flow.note_macs(Side::Server, server, thief);
        assert_eq!(macs(&flow), (client, server));
    }
}
