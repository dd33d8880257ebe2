use super::network;
use super::{Endpoint, Network};

/// Who speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Side {
    /// The side that issues requests.
    Client,
    /// The side that answers them.
    Server,
}

/// What carries a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Transport {
    /// TCP, from handshake to close.
    Tcp,
    /// UDP, a datagram a message.
    Udp,
}

/// Bytes that one side hands to its socket in one write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Which part of the dialogue it belongs to.
    pub turn: usize,
    /// Who writes it.
    pub from: Side,
    /// When, in microseconds since the start of the capture. Writes of one side at one time share segments.
    pub at_us: u64,
    /// The bytes.
    pub bytes: Vec<u8>,
}

/// TCP flags.
pub mod flags {
    #![allow(missing_docs, reason = "the names are the standard's")]
    pub const FIN: u8 = 0x01;
    pub const SYN: u8 = 0x02;
    pub const RST: u8 = 0x04;
    pub const PSH: u8 = 0x08;
    pub const ACK: u8 = 0x10;
}

/// A TCP segment or UDP datagram on its way through the capture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segment {
    /// When it passes the sensor, in microseconds since the start of the capture.
    pub at_us: u64,
    /// Who sends it.
    pub from: Side,
    /// TCP sequence number of the first byte.
    pub sequence: u32,
    /// TCP acknowledgement number; meaningless without the ACK flag.
    pub acknowledgement: u32,
    /// TCP flags.
    pub flags: u8,
    /// The bytes.
    pub payload: Vec<u8>,
    /// The turns whose bytes it carries.
    pub turns: Vec<usize>,
    /// How IP carries it.
    pub fragmentation: Option<Fragmentation>,
    /// What keeps its receiver from taking it, though the sensor sees it.
    pub deception: Option<Deception>,
}

/// How somebody shows the sensor a segment that the device never takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Deception {
    /// The TTL ends before the receiver.
    LowTtl,
    /// The receiver drops it for its checksum.
    BadChecksum,
}

/// How an IP packet is cut into fragments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fragmentation {
    /// Payload bytes in each fragment but the last, a multiple of 8.
    pub size: usize,
    /// True when the last fragment travels first.
    pub reversed: bool,
}

/// One client's connection, or several in succession, to a server.
#[derive(Clone, Debug)]
pub struct Session {
    /// The side that issues requests.
    pub client: Endpoint,
    /// The side that answers them.
    pub server: Endpoint,
    /// What carries it.
    pub transport: Transport,
    /// Greatest TCP payload of a segment.
    pub segment_bytes: usize,
    /// What passes the sensor; not necessarily in order of time.
    pub segments: Vec<Segment>,
}

const WINDOW: u16 = 64_240;
const ROUND_TRIP_US: u64 = 200;
const DELAYED_ACK_US: u64 = 400;

impl Session {
    /// A session that nothing has passed through yet.
    pub fn new(client: Endpoint, server: Endpoint, transport: Transport) -> Self {
        Self { client, server, transport, segment_bytes: 1400, segments: Vec::new() }
    }

    /// Carries a dialogue in one connection, opened just before its first message and closed after its last.
    ///
    /// `initial` are the sequence numbers that client and server start with. Messages are in order of time.
    pub fn play(&mut self, messages: &[Message], initial: [u32; 2]) {
        match self.transport {
            Transport::Udp => self.segments.extend(messages.iter().map(datagram)),
            Transport::Tcp => self.segments.extend(connection(messages, initial, self.segment_bytes)),
        }
    }

    /// The IP packets of a segment; more than one if it is fragmented.
    pub fn packets(&self, segment: &Segment, id: u16) -> Vec<Vec<u8>> {
        let (from, to) = self.direction(segment.from);
        let (protocol, bytes) = match self.transport {
            Transport::Tcp => (6, tcp(from, to, segment)),
            Transport::Udp => (17, udp(from, to, &segment.payload)),
        };
        let ttl = if segment.deception == Some(Deception::LowTtl) { 2 } else { network::TTL };
        let Some(cut) = segment.fragmentation else {
            return vec![network::packet(from.ip, to.ip, protocol, id, ttl, &bytes)];
        };
        let mut pieces = network::fragments(from.ip, to.ip, protocol, id, &bytes, cut.size);
        if cut.reversed {
            pieces.reverse();
        }
        pieces
    }

    /// Sender and receiver of what `from` sends.
    pub fn direction(&self, from: Side) -> (&Endpoint, &Endpoint) {
        match from {
            Side::Client => (&self.client, &self.server),
            Side::Server => (&self.server, &self.client),
        }
    }
}

impl Side {
    /// The other side.
    pub fn peer(self) -> Self {
        match self {
            Self::Client => Self::Server,
            Self::Server => Self::Client,
        }
    }
}

fn datagram(message: &Message) -> Segment {
    Segment {
        at_us: message.at_us,
        from: message.from,
        sequence: 0,
        acknowledgement: 0,
        flags: 0,
        payload: message.bytes.clone(),
        turns: vec![message.turn],
        fragmentation: None,
        deception: None,
    }
}

/// A connection under way, with the sequence number that each side sends next.
struct Connection {
    next: [u32; 2],
    segments: Vec<Segment>,
}

fn connection(messages: &[Message], initial: [u32; 2], segment_bytes: usize) -> Vec<Segment> {
    let (Some(first), Some(last)) = (messages.first(), messages.last()) else { return Vec::new() };
    let mut connection = Connection { next: initial, segments: Vec::new() };
    connection.open(first.at_us.saturating_sub(3 * ROUND_TRIP_US));
    let mut rest = messages;
    while let Some(write) = rest.first() {
        let joined = rest.iter().take_while(|next| (next.from, next.at_us) == (write.from, write.at_us)).count();
        let (now, later) = rest.split_at(joined);
        connection.acknowledge_before(write.at_us);
        connection.write(now, segment_bytes);
        rest = later;
    }
    connection.close(last.at_us + 3 * DELAYED_ACK_US);
    connection.segments
}

impl Connection {
    fn open(&mut self, at_us: u64) {
        self.send(at_us, Side::Client, flags::SYN, &[], Vec::new());
        self.send(at_us + ROUND_TRIP_US, Side::Server, flags::SYN | flags::ACK, &[], Vec::new());
        self.send(at_us + 2 * ROUND_TRIP_US, Side::Client, flags::ACK, &[], Vec::new());
    }

    fn close(&mut self, at_us: u64) {
        self.acknowledge_before(at_us);
        self.send(at_us, Side::Client, flags::FIN | flags::ACK, &[], Vec::new());
        self.send(at_us + ROUND_TRIP_US, Side::Server, flags::FIN | flags::ACK, &[], Vec::new());
        self.send(at_us + 2 * ROUND_TRIP_US, Side::Client, flags::ACK, &[], Vec::new());
    }

    /// Data that nobody answers for a while is acknowledged by a segment without data.
    fn acknowledge_before(&mut self, now_us: u64) {
        let Some(last) = self.segments.last() else { return };
        let (receiver, due_us) = (last.from.peer(), last.at_us + DELAYED_ACK_US);
        if !last.payload.is_empty() && due_us < now_us {
            self.send(due_us, receiver, flags::ACK, &[], Vec::new());
        }
    }

    fn write(&mut self, messages: &[Message], segment_bytes: usize) {
        let owners: Vec<usize> = messages.iter().flat_map(|one| vec![one.turn; one.bytes.len()]).collect();
        let bytes: Vec<u8> = messages.iter().flat_map(|one| one.bytes.iter().copied()).collect();
        let pieces = bytes.chunks(segment_bytes).zip(owners.chunks(segment_bytes)).enumerate();
        for (at, (piece, owners)) in pieces {
            let mut turns = owners.to_vec();
            turns.dedup();
            self.send(messages[0].at_us + at as u64, messages[0].from, flags::PSH | flags::ACK, piece, turns);
        }
    }

    fn send(&mut self, at_us: u64, from: Side, flags: u8, payload: &[u8], turns: Vec<usize>) {
        let (own, peer) = (from as usize, from.peer() as usize);
        self.segments.push(Segment {
            at_us,
            from,
            sequence: self.next[own],
            acknowledgement: if flags & flags::ACK == 0 { 0 } else { self.next[peer] },
            flags,
            payload: payload.to_vec(),
            turns,
            fragmentation: None,
            deception: None,
        });
        let marks = u32::from(flags & (flags::SYN | flags::FIN) != 0);
        self.next[own] = self.next[own].wrapping_add(payload.len() as u32 + marks);
    }
}

fn tcp(from: &Endpoint, to: &Endpoint, segment: &Segment) -> Vec<u8> {
    let mut bytes = [from.port.to_be_bytes(), to.port.to_be_bytes()].concat();
    bytes.extend(segment.sequence.to_be_bytes());
    bytes.extend(segment.acknowledgement.to_be_bytes());
    bytes.extend([0x50, segment.flags]);
    bytes.extend(WINDOW.to_be_bytes());
    bytes.extend([0, 0, 0, 0]);
    bytes.extend(&segment.payload);
    let checksum = network::transport_checksum(from.ip, to.ip, 6, &bytes).to_be_bytes();
    bytes[16..18].copy_from_slice(&checksum);
    if segment.deception == Some(Deception::BadChecksum) {
        bytes[17] ^= 0x55;
    }
    bytes
}

/// A UDP datagram in a frame of its own.
pub fn udp_frame(network: &Network, from: &Endpoint, to: &Endpoint, payload: &[u8]) -> Vec<u8> {
    network.frame(from, to, &network::packet(from.ip, to.ip, 17, 0, network::TTL, &udp(from, to, payload)))
}

fn udp(from: &Endpoint, to: &Endpoint, payload: &[u8]) -> Vec<u8> {
    let mut bytes = [from.port.to_be_bytes(), to.port.to_be_bytes()].concat();
    bytes.extend((8 + payload.len() as u16).to_be_bytes());
    bytes.extend([0, 0]);
    bytes.extend(payload);
    let checksum = match network::transport_checksum(from.ip, to.ip, 17, &bytes) {
        0 => 0xffff,
        checksum => checksum,
    };
    bytes[6..8].copy_from_slice(&checksum.to_be_bytes());
    bytes
}
