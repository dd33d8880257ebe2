use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;

use foldhash::fast::FixedState;
use tagout_core::dnp3::{self, Fragment, Function};
use tagout_core::engine::{Action, ActorId, DeviceId, Mac, PointId, Policy, Space, Touch, Values};
use tagout_core::modbus::{self, Request, Response};
use tagout_core::{Alert, Body, Exchange, Outcome, Path, Protocol, Timestamp, Transport};

use super::batch::Batch;
use super::deed::{self, Command, Count, Deed, Party};
use super::span::{self, Span};
use crate::record::{Hex, Stamp, server_port};

/// Different deeds between two batches at most; exchanges beyond them are counted together.
const MOST: usize = 4_096;
/// Characters that are kept of what a device says of itself.
const MOST_CHARACTERS: usize = 120;
/// The group of DNP3's device attributes.
const ATTRIBUTES: u8 = 0;

/// Counts who did what to whom, in the policy's numbers: one look-up an exchange.
#[derive(Default)]
pub(super) struct Tally {
    deeds: HashMap<Key, Entry, FixedState>,
    /// Exchanges that found no room.
    beyond: u64,
}

/// Tells deeds apart.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Key {
    actor: Option<ActorId>,
    client: IpAddr,
    /// DNP3 link address of the master.
    link: Option<u16>,
    device: Option<DeviceId>,
    server: IpAddr,
    station: Option<u16>,
    /// Number of the serial line, where there is one.
    line: Option<u16>,
    protocol: Option<Protocol>,
    function: Option<u8>,
    action: Option<Action>,
}

/// What is counted of a deed.
#[derive(Default)]
struct Entry {
    count: Count,
    port: Option<u16>,
    macs: [Option<Mac>; 2],
    vlan: Option<u16>,
    points: Vec<Span>,
    last_command: Option<Commanded>,
    told: BTreeMap<String, String>,
}

/// A command in the policy's numbers.
struct Commanded {
    time: Timestamp,
    point: Option<PointId>,
    address: Option<Span>,
    value: Option<f64>,
    outcome: Outcome,
}

impl Key {
    fn of_exchange(exchange: &Exchange<'_>) -> Self {
        let (link, function) = match &exchange.body {
            Body::Modbus(body) => (None, Some(body.function)),
            Body::Dnp3(body) => (Some(body.master), dnp3_function(body)),
        };
        Self {
            link,
            station: Some(exchange.station()),
            function,
            action: Some(exchange.action),
            ..Self::between(&exchange.path, exchange.actor, exchange.device, Some(exchange.body.protocol()))
        }
    }

    fn between(path: &Path, actor: Option<ActorId>, device: Option<DeviceId>, protocol: Option<Protocol>) -> Self {
        let line = (path.transport == Transport::Serial).then_some(path.server.port);
        Self {
            actor,
            client: path.client.ip,
            link: None,
            device,
            server: path.server.ip,
            station: None,
            line,
            protocol,
            function: None,
            action: None,
        }
    }
}

impl Tally {
    /// Counts an exchange.
    pub(super) fn exchange(&mut self, exchange: &Exchange<'_>, policy: &Policy<'_>) {
        match self.entry(Key::of_exchange(exchange)) {
            Some(entry) => entry.take(exchange, policy),
            None => self.beyond += 1,
        }
    }

    /// Counts an alert.
    pub(super) fn alert(&mut self, alert: &Alert<'_>) {
        let key = alert.exchange.map_or_else(
            || Key::between(&alert.path, alert.actor, alert.device, alert.protocol),
            |exchange| Key { actor: alert.actor, device: alert.device, ..Key::of_exchange(exchange) },
        );
        if let Some(entry) = self.entry(key) {
            entry.see(&alert.path, alert.time);
            entry.count.alerts += 1;
        }
    }

    /// Whether what is new finds no room.
    pub(super) fn is_full(&self) -> bool {
        self.deeds.len() >= MOST
    }

    fn entry(&mut self, key: Key) -> Option<&mut Entry> {
        if self.is_full() { self.deeds.get_mut(&key) } else { Some(self.deeds.entry(key).or_default()) }
    }

    /// Hands everything over, in the words of the policy, and begins anew.
    pub(super) fn drain(&mut self, policy: &Policy<'_>, batch: &mut Batch) {
        batch.lost.exchanges += std::mem::take(&mut self.beyond);
        for (key, entry) in self.deeds.drain() {
            batch.count(entry.into_deed(&key, policy));
        }
    }
}

impl Entry {
    fn see(&mut self, path: &Path, time: Timestamp) {
        self.count.see(time);
        self.port = server_port(path);
        (self.macs, self.vlan) = ([path.client.mac, path.server.mac], path.vlan);
    }

    fn take(&mut self, exchange: &Exchange<'_>, policy: &Policy<'_>) {
        let time = exchange.request.or(exchange.response).map(|seen| seen.time).unwrap_or_default();
        self.see(&exchange.path, time);
        self.count.exchanges += 1;
        self.count.answered += u64::from(exchange.response.is_some());
        self.count.refused += u64::from(exchange.outcome == Outcome::Refused);
        self.count.unanswered += u64::from(exchange.outcome == Outcome::Unanswered);
        if exchange.action.is_command() && exchange.request.is_some() {
            self.command(exchange, policy, time);
        }
        if matches!(exchange.outcome, Outcome::Answered | Outcome::Unrequested) {
            self.answer(exchange);
        }
    }

    /// Notes the first point that a command touches, and what it is to be.
    fn command(&mut self, exchange: &Exchange<'_>, policy: &Policy<'_>, time: Timestamp) {
        let first = match &exchange.body {
            Body::Modbus(body) => requested(body).and_then(|request| request.touches(exchange.action).next()),
            Body::Dnp3(body) => {
                body.request.and_then(Fragment::parse).and_then(|request| dnp3::touches(&request).next())
            }
        };
        let (point, value) = first.map_or((None, None), |touch| commanded(policy, exchange.device, &touch));
        let address = first.map(|touch| Span::new(touch.space, touch.address, touch.count));
        self.last_command = Some(Commanded { time, point, address, value, outcome: exchange.outcome });
    }

    /// Notes the addresses of what a device did as it was asked, and what it says of itself.
    fn answer(&mut self, exchange: &Exchange<'_>) {
        match &exchange.body {
            Body::Modbus(body) => self.modbus(body, exchange.action),
            Body::Dnp3(body) => self.dnp3(body),
        }
    }

    fn modbus(&mut self, body: &modbus::Exchange<'_>, action: Action) {
        for touch in requested(body).into_iter().flat_map(|request| request.touches(action)) {
            span::add(&mut self.points, Span::new(touch.space, touch.address, touch.count));
        }
        if action != Action::Identify {
            return;
        }
        match body.response.and_then(|pdu| Response::parse(pdu).ok()) {
            Some(Response::Identification(said)) => {
                for object in said.objects {
                    let field = object.name().map_or_else(|| format!("object-{:02x}", object.id), str::to_owned);
                    deed::tell(&mut self.told, &field, plain(object.value));
                }
            }
            Some(Response::ServerId(id)) => deed::tell(&mut self.told, "server-id", plain(id.0)),
            _ => {}
        }
    }

    fn dnp3(&mut self, body: &dnp3::Exchange<'_>) {
        let response = body.response.and_then(Fragment::parse);
        for header in response.iter().flat_map(|response| response.headers().flatten()) {
            if header.group == ATTRIBUTES {
                let name = header.known_variation().map_or("attribute", |variation| variation.name());
                for point in header.points().filter(|point| point.index == 0) {
                    self.attribute(name, point.value);
                }
            }
            let Some(space) = header.space() else { continue };
            match (header.range.start(), header.range.count()) {
                (Some(first), Some(count)) => span::add(&mut self.points, Span::new(space, first, count)),
                _ => header.points().for_each(|point| span::add(&mut self.points, Span::new(space, point.index, 1))),
            }
        }
    }

    fn attribute(&mut self, name: &str, value: dnp3::objects::Value<'_>) {
        let dnp3::objects::Value::Attribute(attribute) = value else { return };
        match attribute.value() {
            dnp3::objects::Value::Text(text) => deed::tell(&mut self.told, name, plain(text)),
            dnp3::objects::Value::Integer(number) => deed::tell(&mut self.told, name, number.to_string()),
            _ => {}
        }
    }

    fn into_deed(self, key: &Key, policy: &Policy<'_>) -> Deed {
        let [client_mac, server_mac] = self.macs.map(|mac| mac.map(|mac| mac.to_string()));
        let actor = key.actor.and_then(|id| policy.actor_info(id));
        let device = key.device.and_then(|id| policy.device_info(id));
        let ip = |ip| key.line.is_none().then_some(ip);
        Deed {
            actor: Party {
                name: actor.map(|actor| actor.name.to_owned()),
                kind: actor.map(|actor| actor.kind.name().to_owned()),
                ip: ip(key.client),
                port: None,
                line: key.line,
                station: key.link,
                mac: client_mac,
                vlan: self.vlan,
            },
            device: Party {
                name: device.map(|device| device.name.to_owned()),
                kind: None,
                ip: ip(key.server),
                port: self.port,
                line: key.line,
                station: key.station,
                mac: server_mac,
                vlan: self.vlan,
            },
            protocol: key.protocol.map(|protocol| protocol.name().to_owned()),
            function: key.function.map(|function| function_name(key.protocol, function)),
            action: key.action.map(|action| action.name().to_owned()),
            is_command: key.action.is_some_and(Action::is_command),
            count: self.count,
            points: self.points,
            last_command: self.last_command.map(|command| command.in_words(policy)),
            identification: self.told,
        }
    }
}

impl Commanded {
    fn in_words(self, policy: &Policy<'_>) -> Command {
        let point = self.point.and_then(|id| policy.point_info(id));
        Command {
            time: Stamp(self.time),
            point: point.map(|point| point.name.to_owned()),
            address: self.address.filter(|_| point.is_none()),
            value: self.value.filter(|value| value.is_finite()),
            unit: point.and_then(|point| point.unit).map(str::to_owned),
            outcome: self.outcome.name().to_owned(),
        }
    }
}

fn requested<'a>(body: &modbus::Exchange<'a>) -> Option<Request<'a>> {
    body.request.and_then(|pdu| Request::parse(pdu).ok())
}

/// The function of a request, or of what comes without one; a link frame has none.
fn dnp3_function(body: &dnp3::Exchange<'_>) -> Option<u8> {
    body.request.or(body.response).and_then(Fragment::parse).map(|fragment| fragment.function.0)
}

fn function_name(protocol: Option<Protocol>, function: u8) -> String {
    let name = match protocol {
        Some(Protocol::Modbus) => modbus::function_name(function),
        Some(Protocol::Dnp3) => Function(function).name(),
        None => None,
    };
    name.map_or_else(|| format!("function {function}"), str::to_owned)
}

/// The point that a command touches first, with its value, or the raw value where the policy declares no point.
fn commanded(policy: &Policy<'_>, device: Option<DeviceId>, touch: &Touch<'_>) -> (Option<PointId>, Option<f64>) {
    let points = device.map(|device| policy.points_at(device, touch.space, touch.address, touch.count));
    let Some((id, info)) = points.into_iter().flatten().find_map(|id| Some((id, policy.point_info(id)?))) else {
        return (None, raw(touch, touch.address, 1));
    };
    let address = u32::from(info.address);
    let value = match touch.values {
        Values::Registers(bytes) if touch.space == Space::HoldingRegister => {
            let start = address.checked_sub(touch.address).and_then(|offset| usize::try_from(offset).ok());
            let bytes = start.and_then(|start| bytes.get(2 * start..)?.get(..2 * usize::from(info.width())));
            bytes.and_then(|bytes| info.decode(bytes))
        }
        _ => raw(touch, address, info.width()).map(|raw| info.engineering(raw)),
    };
    (Some(id), value)
}

/// The raw value at an address, if it takes no more than that one.
fn raw(touch: &Touch<'_>, address: u32, width: u16) -> Option<f64> {
    let offset = usize::try_from(address.checked_sub(touch.address)?).ok()?;
    match touch.values {
        Values::Bits(bytes) => bytes.get(offset / 8).map(|byte| f64::from(byte >> (offset % 8) & 1)),
        Values::Registers(bytes) if width == 1 => {
            bytes.get(2 * offset..)?.first_chunk().map(|register| f64::from(u16::from_be_bytes(*register)))
        }
        Values::Number(number) => Some(number),
        Values::Registers(_) | Values::None | Values::Unknown => None,
    }
}

/// Octets as a short text that a terminal takes: those of no visible text in hexadecimal.
fn plain(octets: &[u8]) -> String {
    let octets = octets.trim_ascii_end();
    let text = match str::from_utf8(octets) {
        Ok(text) if !text.contains(char::is_control) => text.to_owned(),
        _ => format!("0x{}", Hex(octets)),
    };
    match text.char_indices().nth(MOST_CHARACTERS) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}
