//! From steps to frames.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use tagout_compiler::testing::{Party, Reply, Request, Step, Value};
use tagout_core::engine::{ActorId, DeviceId, Endpoint, Mac, Policy, Space};
use tagout_core::{Config, Protocol, Timestamp};

use super::dnp3::Link;
use super::wire::{Connection, Host, Side};
use super::{Problem, dnp3, modbus};

/// What the sensor is shown.
#[derive(Default)]
pub(super) struct Script {
    /// In order of time, from frame 1 on.
    pub(super) frames: Vec<(Timestamp, Vec<u8>)>,
    /// Each request: the number of its step, and that of its last frame.
    pub(super) requests: Vec<(usize, u64)>,
    /// The ports of the devices, and what they carry.
    carried: Vec<(u16, Protocol)>,
}

/// 2026-01-01T00:00:00Z, in nanoseconds since the Unix epoch.
const START: u64 = 1_767_225_600_000_000_000;
const NS_PER_MS: u64 = 1_000_000;
/// From a request to its response: less than steps can be apart.
const LATENCY_NS: u64 = 500_000;

impl Script {
    /// The frames of these steps.
    pub(super) fn of(
        start: Option<u64>,
        steps: &[Step],
        policy: &Policy<'_>,
        config: &Config,
    ) -> Result<Self, Problem> {
        let mut script = Self::default();
        let mut dialogues = HashMap::new();
        let mut now = start.unwrap_or(START);
        for (number, step) in steps.iter().enumerate() {
            let (client, server) = stand_ins(number, step, policy, config)?;
            script.carried.extend(server.port.map(|port| (port, protocol(&step.request))));
            for turn in 0..step.repeat {
                let pause_ms = if turn == 0 { step.after_ms } else { step.every_ms };
                if !script.requests.is_empty() {
                    now = now.saturating_add(u64::from(pause_ms) * NS_PER_MS);
                }
                let port = 49_152_u16.saturating_add(u16::try_from(dialogues.len()).unwrap_or(u16::MAX));
                let dialogue = dialogues.entry((key(&client), key(&server))).or_insert_with(|| {
                    let (dialogue, opening) = Dialogue::open(&client, &server, port);
                    opening.into_iter().for_each(|frame| script.frames.push((Timestamp(now), frame)));
                    dialogue
                });
                let (request, response) = dialogue.exchange(step);
                script.show(now, request);
                script.requests.push((number, script.frames.len() as u64));
                script.show(now.saturating_add(LATENCY_NS), response);
            }
        }
        Ok(script)
    }

    /// A configuration in which the ports of the devices carry what they are asked.
    pub(super) fn config(&self, config: &Config) -> Config {
        let mut config = config.clone();
        for (port, protocol) in &self.carried {
            if config.protocol(*port).is_none() {
                // Where too many ports are named already, the sensor reads nothing of this one, which is told.
                let _ = config.ports.push((*port, *protocol));
            }
        }
        config
    }

    /// The frames as a classic pcap file: little-endian, nanoseconds, Ethernet.
    pub(super) fn pcap(&self) -> Vec<u8> {
        const NANOSECONDS: u32 = 0xA1B2_3C4D;
        const VERSION: u32 = 0x0004_0002;
        const SNAP_LENGTH: u32 = 65_535;
        const ETHERNET: u32 = 1;
        const NS_PER_S: u64 = 1_000_000_000;
        let number = |number: u64| u32::try_from(number).unwrap_or(u32::MAX);
        let mut file = [NANOSECONDS, VERSION, 0, 0, SNAP_LENGTH, ETHERNET].map(u32::to_le_bytes).concat();
        for (Timestamp(time), bytes) in &self.frames {
            let length = number(bytes.len() as u64);
            let header = [number(time / NS_PER_S), number(time % NS_PER_S), length, length];
            file.extend(header.map(u32::to_le_bytes).concat());
            file.extend(bytes);
        }
        file
    }

    fn show(&mut self, now: u64, frames: Vec<Vec<u8>>) {
        self.frames.extend(frames.into_iter().map(|frame| (Timestamp(now), frame)));
    }
}

type Key = (Option<IpAddr>, Option<Mac>, Option<u16>, Option<u16>);

fn key(endpoint: &Endpoint) -> Key {
    (endpoint.ip, endpoint.mac, endpoint.port, endpoint.vlan)
}

/// The protocol that a request is of.
const fn protocol(request: &Request) -> Protocol {
    match request {
        Request::Modbus(_) => Protocol::Modbus,
        Request::Point { space, .. } if is_modbus(*space) => Protocol::Modbus,
        Request::Dnp3(_) | Request::Point { .. } => Protocol::Dnp3,
    }
}

const fn is_modbus(space: Space) -> bool {
    matches!(space, Space::Coil | Space::DiscreteInput | Space::HoldingRegister | Space::InputRegister)
}

/// Places for both sides of a step at which the policy finds who is meant.
fn stand_ins(
    number: usize,
    step: &Step,
    policy: &Policy<'_>,
    config: &Config,
) -> Result<(Endpoint, Endpoint), Problem> {
    let protocol = protocol(&step.request);
    let carried = config.ports.iter().find(|(_, carried)| *carried == protocol);
    let port = carried.map_or(502, |(port, _)| *port);
    let pairs = step.from.places.iter().flat_map(|from| step.to.places.iter().map(move |to| (from, to)));
    let filled = pairs.map(|(from, to)| fill(*from, *to, port, protocol));
    let is = |party: &Party, found: Option<u16>| party.number.is_none() || party.number == found;
    let mut fitting = filled.filter(|(from, to)| {
        is(&step.from, policy.actor(from).map(|ActorId(id)| id))
            && is(&step.to, policy.device(to).map(|DeviceId(id)| id))
    });
    fitting.next().ok_or_else(|| Problem {
        location: step.location.clone(),
        step: Some(number + 1),
        expected: format!("a place from which `{}` can reach `{}`", step.from.name, step.to.name),
        found: "only places that the policy gives to somebody else, or networks that do not meet: write an IP address"
            .to_owned(),
    })
}

/// Both places with what their selectors leave open.
fn fill(from: Endpoint, to: Endpoint, port: u16, protocol: Protocol) -> (Endpoint, Endpoint) {
    let vlan = from.vlan.or(to.vlan);
    let is_v6 = from.ip.or(to.ip).is_some_and(|ip| ip.is_ipv6());
    let spare = |host: u16| -> IpAddr {
        if is_v6 {
            Ipv6Addr::new(0x2001, 0xDB8, 0, 0, 0, 0, 0, host).into()
        } else {
            Ipv4Addr::from_bits(0xC000_0200 + u32::from(host)).into()
        }
    };
    let (client_ip, server_ip) = (from.ip.unwrap_or_else(|| spare(1)), to.ip.unwrap_or_else(|| spare(2)));
    let is_dnp3 = protocol == Protocol::Dnp3;
    let client = Endpoint {
        ip: Some(client_ip),
        mac: from.mac.or(Some(mac_of(client_ip))),
        vlan,
        link: is_dnp3.then(|| from.link.unwrap_or_else(|| link_of(client_ip))),
        ..from
    };
    let server = Endpoint {
        ip: Some(server_ip),
        mac: to.mac.or(Some(mac_of(server_ip))),
        vlan,
        port: to.port.or(Some(port)),
        unit: (!is_dnp3).then(|| to.unit.unwrap_or(1)),
        link: is_dnp3.then(|| to.link.unwrap_or(10)),
    };
    (client, server)
}

/// A locally administered address that is the same for the same host.
fn mac_of(ip: IpAddr) -> Mac {
    let [.., a, b, c, d] = match ip {
        IpAddr::V4(ip) => ip.to_ipv6_mapped().octets(),
        IpAddr::V6(ip) => ip.octets(),
    };
    Mac([2, 0, a, b, c, d])
}

/// A DNP3 link address that is the same for the same host, and far from those of outstations.
fn link_of(ip: IpAddr) -> u16 {
    let [.., a, b] = mac_of(ip).0;
    0x8000 | u16::from_be_bytes([a & 0x3F, b])
}

/// A connection with what its next messages are numbered.
struct Dialogue {
    connection: Connection,
    links: (u16, u16),
    unit: u8,
    transaction: u16,
    /// Of the segments from each side.
    segments: [u8; 2],
}

impl Dialogue {
    /// A new connection, with the frames that open it.
    fn open(client: &Endpoint, server: &Endpoint, port: u16) -> (Self, [Vec<u8>; 3]) {
        let host = |end: &Endpoint, port: u16| Host {
            mac: end.mac.unwrap_or_default().0,
            ip: end.ip.unwrap_or(Ipv4Addr::UNSPECIFIED.into()),
            port: end.port.unwrap_or(port),
        };
        let mut connection = Connection::new(host(client, port), host(server, port), client.vlan);
        let opening = connection.open();
        let links = (client.link.unwrap_or_default(), server.link.unwrap_or_default());
        let unit = server.unit.unwrap_or_default();
        (Self { connection, links, unit, transaction: 0, segments: [0; 2] }, opening)
    }

    /// The frames of a step's request and of its response.
    fn exchange(&mut self, step: &Step) -> (Vec<Vec<u8>>, Vec<Vec<u8>>) {
        self.transaction = self.transaction.wrapping_add(1);
        let (request, response) = match &step.request {
            Request::Modbus(pdu) => self.modbus(pdu, None, &step.reply),
            Request::Dnp3(fragment) => self.dnp3(fragment, None, &step.reply),
            Request::Point { action, space, address, width, value } if is_modbus(*space) => {
                let pdu = modbus::request(*action, *space, (*address, *width), value);
                self.modbus(&pdu, Some(value), &step.reply)
            }
            Request::Point { action, space, address, value, .. } => {
                let fragment = dnp3::request(*action, *space, *address, value);
                self.dnp3(&fragment, Some((*space, *address, value)), &step.reply)
            }
        };
        let request = self.connection.send(Side::Client, &request);
        (request, response.map(|response| self.connection.send(Side::Server, &response)).unwrap_or_default())
    }

    fn modbus(&self, pdu: &[u8], value: Option<&Value>, reply: &Reply) -> (Vec<u8>, Option<Vec<u8>>) {
        let adu = |pdu: &[u8]| modbus::adu(self.transaction, self.unit, pdu);
        (adu(pdu), modbus::response(pdu, reply, value).as_deref().map(adu))
    }

    fn dnp3(
        &mut self,
        fragment: &[u8],
        read: Option<(Space, u16, &Value)>,
        reply: &Reply,
    ) -> (Vec<u8>, Option<Vec<u8>>) {
        let (master, outstation) = self.links;
        let request = self.frames(Link { from: master, to: outstation, from_master: true }, fragment);
        let response = dnp3::response(fragment, reply, read)
            .map(|response| self.frames(Link { from: outstation, to: master, from_master: false }, &response));
        (request, response)
    }

    /// The link frames of a fragment with the sequence number of this exchange.
    fn frames(&mut self, link: Link, fragment: &[u8]) -> Vec<u8> {
        let [sequence, _] = self.transaction.to_le_bytes();
        let segment = &mut self.segments[usize::from(!link.from_master)];
        let frames = dnp3::frames(link, *segment, &dnp3::numbered(fragment, sequence));
        *segment = segment.wrapping_add(1);
        frames
    }
}
