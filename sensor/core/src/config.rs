use heapless::Vec;

use crate::modbus::Framing;
use crate::record::Protocol;

/// The most ports that can carry plant protocols.
pub const MAX_PORTS: usize = 32;

/// The most serial lines whose protocol is configured.
pub const MAX_LINES: usize = 16;

/// What a serial line carries.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LineProtocol {
    /// Modbus in RTU frames.
    ModbusRtu,
    /// Modbus in ASCII frames.
    ModbusAscii,
    /// DNP3 link frames.
    Dnp3,
}

/// How alerts that are alike become one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Folding {
    /// An alert that repeats another within this long is counted instead of given; 0 gives every alert.
    pub interval_ms: u32,
    /// More alerts of one cause than this are counted instead of given.
    pub alerts_a_minute: u16,
}

impl Folding {
    /// Every alert is given.
    pub const OFF: Self = Self { interval_ms: 0, alerts_a_minute: u16::MAX };
}

impl Default for Folding {
    fn default() -> Self {
        Self { interval_ms: 60_000, alerts_a_minute: 60 }
    }
}

/// What a [`Sensor`](crate::Sensor) needs to know beside its policy.
#[derive(Clone, Debug)]
pub struct Config {
    /// Server ports and what they carry; everything else is counted and passed over.
    pub ports: Vec<(u16, Protocol), MAX_PORTS>,
    /// How Modbus is framed on server ports; where nothing is said, the first unit of a flow tells.
    pub framings: Vec<(u16, Framing), MAX_PORTS>,
    /// What serial lines carry; where nothing is said, the first unit tells.
    pub lines: Vec<(u16, LineProtocol), MAX_LINES>,
    /// After this long a request counts as unanswered.
    pub response_timeout_ms: u32,
    /// An alert waits this long for the device's response, so that it can tell what became of the command.
    pub alert_hold_ms: u32,
    /// A hole in a TCP stream is given up after this long when nothing else tells that its bytes are lost.
    pub gap_timeout_ms: u32,
    /// How alerts that are alike become one.
    pub folding: Folding,
    /// Seed of the hash tables. Has no influence on any record.
    pub hash_seed: u64,
}

impl Config {
    /// The protocol that a server port carries.
    pub fn protocol(&self, port: u16) -> Option<Protocol> {
        self.ports.iter().find(|(known, _)| *known == port).map(|(_, protocol)| *protocol)
    }

    /// How Modbus is framed on a server port, where that is fixed.
    pub fn framing(&self, port: u16) -> Option<Framing> {
        self.framings.iter().find(|(known, _)| *known == port).map(|(_, framing)| *framing)
    }

    /// What a serial line carries, where that is fixed.
    pub fn line(&self, number: u16) -> Option<LineProtocol> {
        self.lines.iter().find(|(known, _)| *known == number).map(|(_, carries)| *carries)
    }
}

impl Default for Config {
    /// Modbus on 502, DNP3 on 20000; responses within 10 s, alerts within 1 s, holes within 1 s.
    fn default() -> Self {
        Self {
            ports: Vec::from_iter([(502, Protocol::Modbus), (20_000, Protocol::Dnp3)]),
            framings: Vec::new(),
            lines: Vec::new(),
            response_timeout_ms: 10_000,
            alert_hold_ms: 1_000,
            gap_timeout_ms: 1_000,
            folding: Folding::default(),
            hash_seed: 0,
        }
    }
}
