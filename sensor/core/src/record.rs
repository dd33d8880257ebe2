//! What the core reports.

use core::fmt;
use core::net::{IpAddr, Ipv6Addr};

pub use tagout_engine::Outcome;
use tagout_engine::{
    Action, ActorId, AnomalyKind, Breach, Commanded, Considered, Departure, DeviceId, IntentFinding, IntentMode, Mac,
    News, PointId, RuleId, Space, SuppressionId, Violation,
};

use crate::finding::Finding;
use crate::intent::{Done, IntentKey, Match};
use crate::{dnp3, modbus};
use tagout_engine::Timestamp;

/// Where records go. Everything borrowed lives only for the call.
pub trait Output {
    /// A request with what belongs to it, or a message that stands alone.
    fn exchange(&mut self, exchange: &Exchange<'_>);
    /// Traffic that could not be taken at face value.
    fn anomaly(&mut self, anomaly: &Anomaly);
    /// One unexpected thing.
    fn alert(&mut self, alert: &Alert<'_>);
    /// An alert that the policy suppresses: it is not given, and not counted among those that are.
    fn suppressed(&mut self, _alert: &Alert<'_>, _by: SuppressionId) {}
    /// The frame that is being taken belongs to this flow; `None` while that is not known, of a fragment of a datagram. It
    /// comes before anything that the frame leads to, and not at all for a frame of which nothing is made.
    fn belongs(&mut self, _flow: Option<u64>) {}
    /// It is decided what was declared of a command.
    fn matched(&mut self, _command: &Command<'_>, _verdict: &Match) {}
    /// An intent is remembered no more.
    fn intent_gone(&mut self, _key: IntentKey) {}
    /// Whether commands are to be held against declared intents.
    fn matches_intents(&self) -> bool {
        true
    }
    /// Whether it wants to be told of each permit that is asked: then requests are judged anew that came before.
    fn considers(&self) -> bool {
        false
    }
    /// A permit that is asked about a request, before anything else is told of it.
    fn considered(&mut self, _permit: &Considered<'_, '_>) {}
}

/// Whether commands are to be held against declared intents; without the feature they are not, and it takes no code.
pub(crate) fn intents_are_matched(output: &dyn Output) -> bool {
    cfg!(feature = "intents") && output.matches_intents()
}

/// A plant protocol.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Protocol {
    /// Modbus.
    Modbus,
    /// DNP3, IEEE 1815.
    Dnp3,
}

impl Protocol {
    /// Its name, as records write it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Modbus => "modbus",
            Self::Dnp3 => "dnp3",
        }
    }
}

/// What carries the protocol.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum Transport {
    /// TCP.
    #[default]
    Tcp,
    /// UDP.
    Udp,
    /// A serial line. Its path has no addresses: both sides' ports are the line's number.
    Serial,
    /// None: what links say of addresses (ARP, IPv6 neighbour discovery). Ports are 0.
    Link,
}

/// One side of a flow. Aligned so that it is copied by words.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(align(4))]
pub struct Host {
    /// Link-layer address, where the link has one.
    pub mac: Option<Mac>,
    /// Network address.
    pub ip: IpAddr,
    /// TCP or UDP port.
    pub port: u16,
}

impl Host {
    /// Nobody.
    pub(crate) const NONE: Self = Self { mac: None, ip: IpAddr::V6(Ipv6Addr::UNSPECIFIED), port: 0 };
}

/// Who talks to whom: the client issues requests, the server answers them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Path {
    /// Identifies the flow; the same in every run over the same capture.
    pub flow: u64,
    /// What carries the protocol.
    pub transport: Transport,
    /// Innermost 802.1Q VLAN id.
    pub vlan: Option<u16>,
    /// The side that issues requests.
    pub client: Host,
    /// The side that answers them.
    pub server: Host,
}

impl Path {
    /// Whether nothing was on a wire: of alerts on what was declared or not heard, and not done.
    pub fn leads_nowhere(&self) -> bool {
        *self == Self::default()
    }

    /// What carries the protocol, or what a link says of addresses, as records name it.
    pub const fn carrier(&self) -> &'static str {
        match self.transport {
            Transport::Tcp => "TCP",
            Transport::Udp => "UDP",
            Transport::Serial => "SERIAL",
            Transport::Link if self.client.ip.is_ipv4() => "ARP",
            Transport::Link => "IPv6-ICMP",
        }
    }
}

impl Default for Path {
    /// A path that leads nowhere.
    fn default() -> Self {
        Self { flow: 0, transport: Transport::default(), vlan: None, client: Host::NONE, server: Host::NONE }
    }
}

impl Exchange<'_> {
    /// Modbus unit id or DNP3 link address of the device.
    pub const fn station(&self) -> u16 {
        match &self.body {
            Body::Modbus(body) => body.unit as u16,
            Body::Dnp3(body) => body.outstation,
        }
    }
}

impl<'a> Alert<'a> {
    /// Modbus unit id or DNP3 link address of the device, if it is about an exchange.
    pub(crate) fn station(&self) -> Option<u16> {
        self.exchange.map(Exchange::station).or(self.repeats.and_then(|repeats| repeats.station))
    }

    /// The kind of the anomaly, and whether the client sent it.
    pub(crate) fn anomaly_kind(&self) -> Option<(AnomalyKind, bool)> {
        let kind = self.anomaly.map(|anomaly| (anomaly.finding.kind, anomaly.from_client));
        kind.or(self.repeats.and_then(|repeats| repeats.anomaly))
    }

    /// What the rule fired for, if it looks at points or addresses.
    pub(crate) fn spot(&self) -> Option<Spot> {
        let item = self.item.map(|item| item.point.map_or(Spot::Address(item.space, item.address), Spot::Point));
        let done = |done: Done| done.point.map(Spot::Point).or(done.place.map(|(space, at)| Spot::Address(space, at)));
        let process = self.process.map(|news| Spot::Point(news.point));
        item.or(process).or_else(|| done(self.intent?.done?)).or_else(|| self.repeats?.spot)
    }

    /// An alert of which nothing more is known, in an incident of its own.
    pub const fn bare(id: AlertId, time: Timestamp, path: Path, cause: Cause) -> Self {
        Self {
            id,
            time,
            path,
            actor: None,
            device: None,
            action: None,
            protocol: None,
            cause,
            suppressed: None,
            incident: id,
            repeats: None,
            exchange: None,
            anomaly: None,
            process: None,
            item: None,
            breach: None,
            departure: None,
            intent: None,
            declared: None,
        }
    }

    /// An alert on an exchange, in an incident of its own.
    pub fn of_exchange(id: AlertId, time: Timestamp, cause: Cause, exchange: &'a Exchange<'a>) -> Self {
        let Exchange { path, actor, device, action, .. } = *exchange;
        let protocol = Some(exchange.body.protocol());
        let (action, exchange) = (Some(action), Some(exchange));
        Self { actor, device, action, protocol, exchange, ..Self::bare(id, time, path, cause) }
    }

    /// An alert on a cycle of polls that is late since nothing comes, in an incident of its own.
    pub fn of_departure(
        (id, time): (AlertId, Timestamp),
        cause: Cause,
        (path, protocol): (Path, Protocol),
        (actor, device): (Option<ActorId>, Option<DeviceId>),
        departure: Departure,
    ) -> Self {
        let (protocol, departure) = (Some(protocol), Some(departure));
        Self { actor, device, protocol, departure, ..Self::bare(id, time, path, cause) }
    }

    /// An alert on an anomaly, in an incident of its own.
    pub fn of_anomaly(id: AlertId, cause: Cause, anomaly: &'a Anomaly) -> Self {
        let Anomaly { path, actor, device, protocol, seen, .. } = *anomaly;
        let (time, anomaly) = (seen.time, Some(anomaly));
        Self { actor, device, protocol, anomaly, ..Self::bare(id, time, path, cause) }
    }
}

/// Where and when a message was complete on the wire.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Seen {
    /// 1-based number of the frame that completed it.
    pub frame: u64,
    /// Capture time of that frame.
    pub time: Timestamp,
}

/// A request with the response, exception or timeout that belongs to it. At least one side is present.
#[derive(Clone, Copy, Debug)]
pub struct Exchange<'a> {
    /// Who talks to whom.
    pub path: Path,
    /// The actor at the client's address.
    pub actor: Option<ActorId>,
    /// The device at the server's address.
    pub device: Option<DeviceId>,
    /// What it does.
    pub action: Action,
    /// The request, if seen.
    pub request: Option<Seen>,
    /// The response, if seen.
    pub response: Option<Seen>,
    /// How it ended.
    pub outcome: Outcome,
    /// What was said.
    pub body: Body<'a>,
}

/// The protocol's part of an exchange.
#[derive(Clone, Copy, Debug)]
pub enum Body<'a> {
    /// Modbus.
    Modbus(modbus::Exchange<'a>),
    /// DNP3.
    Dnp3(dnp3::Exchange<'a>),
}

impl Body<'_> {
    /// The protocol that says it.
    pub const fn protocol(&self) -> Protocol {
        match self {
            Self::Modbus(_) => Protocol::Modbus,
            Self::Dnp3(_) => Protocol::Dnp3,
        }
    }
}

/// Traffic that could not be taken at face value. Those of one kind on a flow are reported once a minute; the next report
/// tells how many there were in between.
#[derive(Clone, Copy, Debug)]
pub struct Anomaly {
    /// Who talks to whom.
    pub path: Path,
    /// The actor at the client's address, where it could be told.
    pub actor: Option<ActorId>,
    /// The device at the server's address, where it could be told.
    pub device: Option<DeviceId>,
    /// The protocol of the flow; what links say of addresses belongs to none.
    pub protocol: Option<Protocol>,
    /// True when the bytes went from the client to the server.
    pub from_client: bool,
    /// What was wrong.
    pub finding: Finding,
    /// Where it was seen.
    pub seen: Seen,
    /// How many of its kind on its flow were not reported since the last that was.
    pub unreported: u16,
}

/// Stable identity of an alert: the same input gives the same id, in every process.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct AlertId(pub u128);

impl fmt::Display for AlertId {
    /// 32 hexadecimal digits.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

/// Why an alert was raised.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Cause {
    /// No permit covers it.
    Violation(Violation),
    /// A rule matched.
    Rule(RuleId),
    /// What was declared and what was done differ, or something is wrong with what was declared.
    Intent(IntentFinding, IntentMode),
}

/// What a rule fired for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Spot {
    /// A point of the policy.
    Point(PointId),
    /// An address at which the policy declares no point.
    Address(Space, u32),
}

/// How often an alert was repeated without being given again.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Repeats {
    /// The alert that was given.
    pub of: AlertId,
    /// How many followed that are like it.
    pub count: u32,
    /// When the first of them was seen, or the last that was told of before.
    pub first: Timestamp,
    /// When the last of them was seen.
    pub last: Timestamp,
    /// They have no more in common than their cause, of which there were too many within a minute.
    pub is_rate: bool,
    /// How their exchanges ended.
    pub outcome: Option<Outcome>,
    /// The point or address that all of them were about.
    pub spot: Option<Spot>,
    /// Modbus unit id or DNP3 link address of the device.
    pub station: Option<u16>,
    /// The kind of anomaly, and whether its bytes came from the client.
    pub anomaly: Option<(AnomalyKind, bool)>,
}

impl Repeats {
    /// An alert that was not repeated yet.
    pub(crate) fn none(of: AlertId, alert: &Alert<'_>) -> Self {
        Self {
            of,
            count: 0,
            first: alert.time,
            last: alert.time,
            is_rate: false,
            outcome: alert.exchange.map(|exchange| exchange.outcome),
            spot: alert.spot(),
            station: alert.station(),
            anomaly: alert.anomaly_kind(),
        }
    }
}

/// One unexpected thing, with the exchange or the anomaly behind it. A summary has neither: it tells how often an alert
/// was repeated.
#[derive(Clone, Copy, Debug)]
pub struct Alert<'a> {
    /// Stable identity.
    pub id: AlertId,
    /// Capture time of what raised it.
    pub time: Timestamp,
    /// Who talks to whom.
    pub path: Path,
    /// The actor at the client's address, where it could be told.
    pub actor: Option<ActorId>,
    /// The device at the server's address, where it could be told.
    pub device: Option<DeviceId>,
    /// What was done, if it is about an exchange.
    pub action: Option<Action>,
    /// The protocol that was spoken, where there is one.
    pub protocol: Option<Protocol>,
    /// Why.
    pub cause: Cause,
    /// What keeps it from being given.
    pub suppressed: Option<SuppressionId>,
    /// The first alert of what the same client does to the same device without a long pause.
    pub incident: AlertId,
    /// The repetitions that this tells of, if it is a summary.
    pub repeats: Option<Repeats>,
    /// The exchange, if one raised it.
    pub exchange: Option<&'a Exchange<'a>>,
    /// The anomaly, if one raised it.
    pub anomaly: Option<&'a Anomaly>,
    /// What the exchange told of a point, if that raised it.
    pub process: Option<News>,
    /// The point or address that a rule fired for that looks at each.
    pub item: Option<Commanded>,
    /// The invariant that the exchange showed to be broken, if that raised it.
    pub breach: Option<&'a Breach>,
    /// What departs from a cadence, if that raised it.
    pub departure: Option<Departure>,
    /// How what was done and what was declared compare, if that raised it.
    pub intent: Option<&'a Match>,
    /// The declaration that it is about, if nothing more is known of that.
    pub declared: Option<IntentKey>,
}

/// A command that is held against what was declared.
#[derive(Clone, Copy, Debug)]
pub struct Command<'a> {
    /// Who talks to whom.
    pub path: Path,
    /// Who issued it.
    pub actor: ActorId,
    /// The device at the server's address, where it could be told.
    pub device: Option<DeviceId>,
    /// What it does.
    pub action: Action,
    /// The protocol that was spoken.
    pub protocol: Protocol,
    /// Where it was seen.
    pub seen: Seen,
    /// What it touches, as far as that is kept; nothing if it is about the device as a whole.
    pub done: &'a [Option<Done>],
    /// Whether the device is known to have refused it.
    pub refused: bool,
}
