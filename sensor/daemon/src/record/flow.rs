use std::net::IpAddr;

use serde::Serialize;
use tagout_core::{Path, Protocol, Seen, Transport};

use super::Stamp;

/// Flow ids keep to the integers that every JSON reader takes exactly.
const FLOW_ID_BITS: u64 = (1 << 53) - 1;

/// Who talks to whom, with EVE's names.
#[derive(Serialize)]
pub(super) struct Flow {
    flow_id: u64,
    src_ip: IpAddr,
    src_port: u16,
    dest_ip: IpAddr,
    dest_port: u16,
    proto: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    vlan: Option<[u16; 1]>,
}

impl Flow {
    /// From the client, which issues requests, to the server.
    pub(super) fn of(path: &Path) -> Self {
        Self {
            flow_id: path.flow & FLOW_ID_BITS,
            src_ip: path.client.ip,
            src_port: path.client.port,
            dest_ip: path.server.ip,
            dest_port: path.server.port,
            proto: match path.transport {
                Transport::Tcp => "TCP",
                Transport::Udp => "UDP",
            },
            vlan: path.vlan.map(|vlan| [vlan]),
        }
    }

    /// From the server to the client.
    pub(super) fn back(path: &Path) -> Self {
        Self::of(&Path { client: path.server, server: path.client, ..*path })
    }
}

/// Where and when a message was complete on the wire.
#[derive(Serialize)]
pub(super) struct Message {
    frame: u64,
    timestamp: Stamp,
}

impl From<Seen> for Message {
    fn from(seen: Seen) -> Self {
        Self { frame: seen.frame, timestamp: Stamp(seen.time) }
    }
}

/// The protocol as records name it.
pub(super) const fn protocol_name(protocol: Protocol) -> &'static str {
    match protocol {
        Protocol::Modbus => "modbus",
        Protocol::Dnp3 => "dnp3",
    }
}
