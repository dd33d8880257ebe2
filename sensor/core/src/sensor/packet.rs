//! From a frame to the flow that it belongs to.

use tagout_engine::AnomalyKind;

use super::Sensor;
use crate::counters::Counter;
use crate::finding::Finding;
use crate::flow::{Flow, FlowKey, Reader, Side, Turn, clients_side};
use crate::neighbours::Change;
use crate::record::{Output, Protocol, Seen, Transport};
use crate::store::Table;
use crate::wire::{self, Carried, Claim, Datagram, FragmentPart, Reassembly, Skip, TcpSegment};

const TCP: u8 = 6;
const UDP: u8 = 17;
const ICMPV6: u8 = 58;

/// The most frames and packets within each other: a mirrored frame may itself be one of a tunnel.
const MAX_LAYERS: u8 = 4;

/// What a datagram came in.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Around {
    /// How many packets it is in.
    layers: u8,
    /// It was put together from fragments that contradict each other, or one of those was.
    conflict: bool,
}

/// A transport header with its payload.
#[derive(Clone, Copy, Debug)]
enum Packet<'a> {
    Tcp(TcpSegment<'a>),
    Udp(wire::UdpDatagram<'a>),
}

impl Packet<'_> {
    fn ports(&self) -> (u16, u16) {
        match self {
            Self::Tcp(segment) => (segment.src_port, segment.dst_port),
            Self::Udp(datagram) => (datagram.src_port, datagram.dst_port),
        }
    }

    fn payload(&self) -> &[u8] {
        match self {
            Self::Tcp(segment) => segment.payload,
            Self::Udp(datagram) => datagram.payload,
        }
    }

    fn transport(&self) -> Transport {
        match self {
            Self::Tcp(_) => Transport::Tcp,
            Self::Udp(_) => Transport::Udp,
        }
    }

    /// Whether the client sent this packet, where both ports are those of servers: a SYN tells, else the content.
    fn is_from_client(&self, protocol: Protocol) -> bool {
        match self {
            Self::Tcp(segment) if segment.flags.syn => !segment.flags.ack,
            Self::Tcp(segment) => clients_side(protocol, segment.payload) == Side::Client,
            Self::Udp(datagram) => clients_side(protocol, datagram.payload) == Side::Client,
        }
    }
}

impl Sensor<'_> {
    /// Takes a frame, or what a tunnel carries.
    #[inline]
    pub(super) fn layer(&mut self, layer: Carried<'_>, around: Around, seen: Seen, output: &mut dyn Output) {
        match wire::decode(layer.link, layer.bytes, layer.wire_len) {
            Ok(datagram) => match datagram.fragment {
                None => self.datagram(&datagram, around, seen, output),
                Some(part) => self.fragment(&datagram, part, around, seen, output),
            },
            Err(skip) => self.skipped(skip, layer, seen, output),
        }
    }

    /// Takes what a datagram of no plant protocol carries, if that is a frame or a packet.
    #[cold]
    fn within(&mut self, datagram: &Datagram<'_>, around: Around, seen: Seen, output: &mut dyn Output) {
        let layers = around.layers.saturating_add(1);
        match Carried::by(datagram).filter(|_| layers < MAX_LAYERS) {
            Some(inner) => self.layer(inner, Around { layers, ..around }, seen, output),
            None => self.count(Counter::FramesOther, 1),
        }
    }

    fn skipped(&mut self, skip: Skip, layer: Carried<'_>, seen: Seen, output: &mut dyn Output) {
        let counter = match skip {
            Skip::NotIp => Counter::FramesOther,
            Skip::Malformed => Counter::FramesMalformed,
            Skip::UnknownLink => Counter::FramesUnknownLink,
            Skip::Truncated => Counter::FramesTruncated,
        };
        self.count(counter, 1);
        if skip == Skip::NotIp {
            self.claim(Claim::of_arp(layer.link, layer.bytes, layer.wire_len), seen, output);
        }
    }

    #[inline(never)]
    fn fragment(
        &mut self,
        datagram: &Datagram<'_>,
        part: FragmentPart,
        around: Around,
        seen: Seen,
        output: &mut dyn Output,
    ) {
        self.count(Counter::Fragments, 1);
        output.belongs(None);
        // The buffer is set aside so that the datagram in it can be read while the sensor is worked on.
        let mut reassembly = core::mem::replace(&mut self.reassembly, Reassembly::new(&mut [], &mut []));
        let reassembled = reassembly.push(datagram, part, self.now);
        self.count(Counter::FragmentsLost, u64::from(reassembled.lost));
        // Whether a fragment is that of another datagram under the same identification, the checksum tells.
        let may_be_taken = |whole: &Datagram<'_>| whole.protocol == TCP && wire::tcp_checksum_fault(whole).is_none();
        if let Some(whole) = reassembled.datagram.filter(|whole| !reassembled.altered || may_be_taken(whole)) {
            // Fragments within have no buffer meanwhile: they are lost, and counted.
            let conflict = around.conflict || reassembled.conflict || reassembled.altered;
            self.datagram(&whole, Around { conflict, ..around }, seen, output);
        }
        self.reassembly = reassembly;
    }

    /// Takes a whole datagram.
    fn datagram(&mut self, datagram: &Datagram<'_>, around: Around, seen: Seen, output: &mut dyn Output) {
        let packet = match datagram.protocol {
            TCP => wire::tcp(datagram.payload, datagram.missing).map(Packet::Tcp),
            UDP => wire::udp(datagram.payload, datagram.missing).map(Packet::Udp),
            ICMPV6 => {
                self.claim(Claim::of_advertisement(datagram), seen, output);
                return self.count(Counter::FramesOther, 1);
            }
            _ => return self.within(datagram, around, seen, output),
        };
        let cut = datagram.missing > 0;
        let Some(packet) = packet else {
            return self.count(if cut { Counter::FramesTruncated } else { Counter::FramesMalformed }, 1);
        };
        let Some(protocol) = self.carried(packet.ports()) else { return self.within(datagram, around, seen, output) };
        let Some((id, src_is_low)) = self.flow(datagram, &packet, protocol, output) else { return };
        let changes = self.shown(datagram, &packet, (id, src_is_low));
        self.on_flow(id, output, |streams, id, flow, hearing| {
            hearing.output.belongs(Some(flow.id));
            let side = flow.side(src_is_low);
            flow.note_macs(side, datagram.src_mac, datagram.dst_mac);
            let turn = Turn { side, seen, seq: 0, end: 0, ack: 0 };
            for change in changes.iter().flatten().flatten() {
                hearing.readdressed(flow, turn, change);
            }
            if !packet.payload().is_empty() {
                let mut usual = flow.usual;
                usual.note(side, datagram, flow.is_tcp(), |finding| hearing.anomaly(flow, turn, finding));
                flow.usual = usual;
            }
            if around.conflict {
                hearing.anomaly(flow, turn, Finding::new(AnomalyKind::IpFragmentConflict, datagram.payload.len()));
            }
            match packet {
                Packet::Tcp(segment) => streams.segment(id, flow, side, &segment, seen, hearing),
                Packet::Udp(udp) => streams.datagram(flow, side, udp.payload, seen, hearing),
            }
        });
        if matches!(packet, Packet::Tcp(TcpSegment { flags, .. }) if flags.rst) {
            self.flows.neglect(id);
        }
        self.count(Counter::FramesTruncated, u64::from(cut));
    }

    /// Takes note of what a packet of a flow shows of addresses.
    fn shown(
        &mut self,
        datagram: &Datagram<'_>,
        packet: &Packet<'_>,
        (flow, src_is_low): (u32, bool),
    ) -> Option<[Option<Change>; 2]> {
        let flow = self.flows.get_mut(flow).filter(|_| !packet.payload().is_empty())?;
        if !flow.shows(flow.side(src_is_low), datagram.src_mac, self.now) {
            return None;
        }
        Claim::of_datagram(datagram).map(|claim| self.neighbours.note(&claim, self.now))
    }

    /// Takes note of what the link says of an address.
    pub(super) fn claim(&mut self, claim: Option<Claim>, seen: Seen, output: &mut dyn Output) {
        let Some(claim) = claim else { return };
        for change in self.neighbours.note(&claim, self.now).into_iter().flatten() {
            self.desk.claimed(&claim, &change, seen, output);
        }
    }

    /// What a packet between these ports carries.
    fn carried(&self, (src, dst): (u16, u16)) -> Option<Protocol> {
        self.config.protocol(dst).or_else(|| self.config.protocol(src))
    }

    /// The flow of a packet, made if there is none, and whether the packet's source is its lower end.
    fn flow(
        &mut self,
        datagram: &Datagram<'_>,
        packet: &Packet<'_>,
        protocol: Protocol,
        output: &mut dyn Output,
    ) -> Option<(u32, bool)> {
        let (src_port, dst_port) = packet.ports();
        let (key, src_is_low) =
            FlowKey::new((datagram.src, src_port), (datagram.dst, dst_port), datagram.vlan, packet.transport());
        if let Some(id) = self.flows.find_near(self.latest, &key) {
            self.latest = id;
            return Some((id, src_is_low));
        }
        let from_client = match (self.config.protocol(src_port).is_some(), self.config.protocol(dst_port).is_some()) {
            (true, false) => false,
            (false, true) => true,
            _ => packet.is_from_client(protocol),
        };
        let framing = self.config.framing(if from_client { dst_port } else { src_port });
        let flow = || Flow::new(key, protocol, src_is_low == from_client).framed(framing);
        Some((self.take_in(key, flow, output)?, src_is_low))
    }

    /// Keeps a new flow, in the place of another if there is none free.
    pub(super) fn take_in(
        &mut self,
        key: FlowKey,
        flow: impl FnOnce() -> Flow,
        output: &mut dyn Output,
    ) -> Option<u32> {
        self.count(Counter::Flows, 1);
        if self.flows.is_full() {
            self.evict_flow(output);
        }
        begin(&mut self.flows, key, flow)
    }

    /// Gives up the flow that was silent for longest; what is pending on it is closed first.
    fn evict_flow(&mut self, output: &mut dyn Output) {
        let Some(victim) = self.flows.victim() else { return };
        self.count(Counter::FlowsEvicted, 1);
        self.on_flow(victim, output, |streams, id, flow, hearing| {
            streams.forget(id, flow, Side::Client, hearing);
            streams.forget(id, flow, Side::Server, hearing);
            hearing.unanswered_all(flow);
            hearing.settle_anomalies(flow);
        });
        self.flows.remove(victim);
    }
}

/// Adds a flow to its table. Not a part of its callers, on whose stack it would leave the room for a whole flow.
#[inline(never)]
fn begin(flows: &mut Table<'_, FlowKey, Flow>, key: FlowKey, flow: impl FnOnce() -> Flow) -> Option<u32> {
    flows.insert(key, flow())
}
