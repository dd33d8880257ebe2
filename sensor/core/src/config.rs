use heapless::Vec;

use crate::record::Protocol;

/// The most ports that can carry plant protocols.
pub const MAX_PORTS: usize = 32;

/// What a [`Sensor`](crate::Sensor) needs to know beside its policy.
#[derive(Clone, Debug)]
pub struct Config {
    /// Server ports and what they carry; everything else is counted and passed over.
    pub ports: Vec<(u16, Protocol), MAX_PORTS>,
    /// After this long a request counts as unanswered.
    pub response_timeout_ms: u32,
    /// An alert waits this long for the device's response, so that it can tell what became of the command.
    pub alert_hold_ms: u32,
    /// A hole in a TCP stream is given up after this long when nothing else tells that its bytes are lost.
    pub gap_timeout_ms: u32,
    /// Seed of the hash tables. Has no influence on any record.
    pub hash_seed: u64,
}

impl Config {
    /// The protocol that a server port carries.
    pub fn protocol(&self, port: u16) -> Option<Protocol> {
        self.ports.iter().find(|(known, _)| *known == port).map(|(_, protocol)| *protocol)
    }
}

impl Default for Config {
    /// Modbus on 502, DNP3 on 20000; responses within 10 s, alerts within 1 s, holes within 1 s.
    fn default() -> Self {
        Self {
            ports: Vec::from_iter([(502, Protocol::Modbus), (20_000, Protocol::Dnp3)]),
            response_timeout_ms: 10_000,
            alert_hold_ms: 1_000,
            gap_timeout_ms: 1_000,
            hash_seed: 0,
        }
    }
}
