use super::{Network, Session};

/// A frame as a sensor would capture it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Captured {
    /// Nanoseconds since the Unix epoch; whole microseconds.
    pub time_ns: u64,
    /// The captured bytes.
    pub bytes: Vec<u8>,
    /// How many there were on the wire.
    pub wire_len: u32,
}

/// Frames of any number of sessions, in order of time.
#[derive(Clone, Debug, Default)]
pub struct Capture {
    pub(super) frames: Vec<Captured>,
}

/// When generated captures start: 2026-01-01 00:00:00 UTC.
const START_US: u64 = 1_767_225_600_000_000;
const SNAP_LENGTH: u32 = 262_144;

impl Capture {
    /// The frames of sessions, each on its network, in order of time; what has the same time keeps its order.
    pub fn of(sessions: &[Session], network: &Network) -> Self {
        let mut capture = Self::default();
        sessions.iter().for_each(|session| capture.push(session, network));
        capture.frames.sort_by_key(|frame| frame.time_ns);
        capture
    }

    /// Adds the frames of a session.
    pub fn add(&mut self, session: &Session, network: &Network) {
        self.push(session, network);
        self.frames.sort_by_key(|frame| frame.time_ns);
    }

    /// Adds a frame.
    pub fn add_frame(&mut self, at_us: u64, bytes: Vec<u8>) {
        self.add_frames([(at_us, bytes)]);
    }

    /// Adds frames, each with its time.
    pub fn add_frames(&mut self, frames: impl IntoIterator<Item = (u64, Vec<u8>)>) {
        self.frames.extend(frames.into_iter().map(|(at_us, bytes)| {
            let wire_len = bytes.len() as u32;
            Captured { time_ns: (START_US + at_us) * 1000, bytes, wire_len }
        }));
        self.frames.sort_by_key(|frame| frame.time_ns);
    }

    fn push(&mut self, session: &Session, network: &Network) {
        for (id, segment) in session.segments.iter().enumerate() {
            let (from, to) = session.direction(segment.from);
            for packet in session.packets(segment, id as u16) {
                let bytes = network.frame(from, to, &packet);
                let wire_len = bytes.len() as u32;
                self.frames.push(Captured { time_ns: (START_US + segment.at_us) * 1000, bytes, wire_len });
            }
        }
    }

    /// Keeps only the first `length` bytes of each frame, as a capture with that snap length does.
    pub fn truncate_frames(&mut self, length: usize) {
        self.frames.iter_mut().for_each(|frame| frame.bytes.truncate(length));
    }

    /// The frames, in order of time.
    pub fn frames(&self) -> &[Captured] {
        &self.frames
    }

    /// The capture as a classic pcap file: little-endian, microseconds, Ethernet.
    pub fn pcap(&self) -> Vec<u8> {
        let mut file = Vec::new();
        for field in [0xa1b2_c3d4, 0x0004_0002, 0, 0, SNAP_LENGTH, 1] {
            file.extend(u32::to_le_bytes(field));
        }
        for frame in &self.frames {
            let us = frame.time_ns / 1000;
            let header = [(us / 1_000_000) as u32, (us % 1_000_000) as u32, frame.bytes.len() as u32, frame.wire_len];
            header.iter().for_each(|field| file.extend(field.to_le_bytes()));
            file.extend(&frame.bytes);
        }
        file
    }
}
