use std::net::IpAddr;

use schemars::JsonSchema;
use serde::Serialize;
use tagout_core::{Path, Seen, Transport};

use super::Stamp;

/// Flow ids keep to the integers that every JSON reader takes exactly.
const FLOW_ID_BITS: u64 = (1 << 53) - 1;

/// Who talks to whom, with EVE's names: from the client to the server; in anomalies, the way of the bytes.
#[derive(Serialize, JsonSchema)]
pub(super) struct Flow {
    /// The connection; the same in every run over the same capture.
    flow_id: u64,
    /// Address of the sender; a serial line has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    src_ip: Option<IpAddr>,
    /// Its TCP or UDP port, where it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    src_port: Option<u16>,
    /// Address of the receiver; a serial line has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    dest_ip: Option<IpAddr>,
    /// Its TCP or UDP port, where it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    dest_port: Option<u16>,
    /// Number of the serial line, in place of addresses.
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<u16>,
    /// What carries the protocol, or what a link says of addresses.
    #[schemars(extend("enum" = ["TCP", "UDP", "SERIAL", "ARP", "IPv6-ICMP"]))]
    proto: &'static str,
    /// Innermost 802.1Q VLAN id, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    vlan: Option<[u16; 1]>,
}

impl Flow {
    /// From the client, which issues requests, to the server.
    pub(super) fn of(path: &Path) -> Self {
        let is_serial = path.transport == Transport::Serial;
        let has_ports = has_ports(path);
        Self {
            flow_id: path.flow & FLOW_ID_BITS,
            src_ip: (!is_serial).then_some(path.client.ip),
            src_port: has_ports.then_some(path.client.port),
            dest_ip: (!is_serial).then_some(path.server.ip),
            dest_port: has_ports.then_some(path.server.port),
            line: is_serial.then_some(path.server.port),
            proto: path.carrier(),
            vlan: path.vlan.map(|vlan| [vlan]),
        }
    }

    /// From the server to the client.
    pub(super) fn back(path: &Path) -> Self {
        Self::of(&Path { client: path.server, server: path.client, ..*path })
    }
}

/// Port of the side that answers, where there is one.
pub(crate) fn server_port(path: &Path) -> Option<u16> {
    has_ports(path).then_some(path.server.port)
}

/// A serial line has no ports, nor has what a link says of addresses, nor what was on no wire.
fn has_ports(path: &Path) -> bool {
    matches!(path.transport, Transport::Tcp | Transport::Udp) && !path.leads_nowhere()
}

/// Where and when a message was complete on the wire.
#[derive(Serialize, JsonSchema)]
pub(super) struct Message {
    /// Number of the frame in its capture, from 1.
    frame: u64,
    /// When that frame was captured.
    timestamp: Stamp,
}

impl From<Seen> for Message {
    fn from(seen: Seen) -> Self {
        Self { frame: seen.frame, timestamp: Stamp(seen.time) }
    }
}
