//! What conditions and keys of rules can ask of an exchange and of an anomaly.

use tagout_engine::{
    Action, ActorId, DeviceId, Fact, Facts, Field, Policy, RoutineKey, Setting, Touch, Values, Verdict,
};

use super::absences::Absence;
use super::associations::links;
use crate::dnp3::link::FIRST_BROADCAST;
use crate::dnp3::{self, Fragment, Relation};
use crate::intent::{Intent, IntentTarget};
use crate::modbus::{self, Framing, Request, Response};
use crate::record::{Anomaly, Body, Exchange, Host, Outcome, Path, Protocol, Transport};

/// An exchange as far as it has come.
pub(super) struct Said<'x> {
    pub(super) exchange: &'x Exchange<'x>,
    pub(super) policy: &'x Policy<'x>,
    /// What the permits say.
    pub(super) verdict: &'x Verdict,
    /// As [`Facts::routine`] tells it.
    pub(super) routine: Option<&'x RoutineKey>,
}

impl Facts for Said<'_> {
    fn device(&self) -> Option<DeviceId> {
        self.exchange.device
    }

    fn setting(&self) -> Setting {
        let protocol = match self.exchange.body {
            Body::Modbus(_) => Setting::MODBUS,
            Body::Dnp3(_) => Setting::DNP3,
        };
        protocol.and(Setting::of_kind(self.exchange.actor.and_then(|actor| self.policy.kind_of(actor))))
    }

    fn routine(&self) -> Option<&RoutineKey> {
        self.routine
    }

    fn fact(&self, field: Field) -> Fact<'_> {
        let Exchange { path, action, outcome, .. } = self.exchange;
        match field {
            Field::Actor => Fact::of(self.actor(), |actor| Fact::Text(actor.name)),
            Field::ActorKind => Fact::of(self.actor(), |actor| Fact::Text(actor.kind.name())),
            Field::Device => Fact::of(self.device_name(), Fact::Text),
            Field::Action => Fact::Text(action.name()),
            Field::IsCommand => Fact::Flag(action.is_command()),
            Field::Verdict => Fact::Text(self.verdict.judgement().name()),
            Field::Outcome => Fact::Text(outcome.name()),
            Field::LatencyMs => Fact::of(self.latency_ms(), Fact::Number),
            Field::Protocol => protocol(self.exchange.body.protocol()),
            _ => match of_path(path, field) {
                Fact::Unknown => match &self.exchange.body {
                    Body::Modbus(body) => of_modbus(body, *action, field),
                    Body::Dnp3(body) => of_dnp3(body, field),
                },
                known => known,
            },
        }
    }

    fn touches(&self, visit: &mut dyn FnMut(Option<DeviceId>, &Touch<'_>)) {
        let Exchange { action, device, body, .. } = self.exchange;
        match body {
            Body::Modbus(body) => {
                let Some(request) = body.request.and_then(|pdu| Request::parse(pdu).ok()) else { return };
                request.touches(*action).for_each(|touch| visit(*device, &touch));
            }
            Body::Dnp3(body) => {
                let Some(request) = body.request.and_then(Fragment::parse) else { return };
                dnp3::touches(&request).for_each(|touch| visit(*device, &touch));
            }
        }
    }
}

impl<'x> Said<'x> {
    fn actor(&self) -> Option<tagout_engine::ActorInfo<'x>> {
        self.policy.actor_info(self.exchange.actor?)
    }

    fn device_name(&self) -> Option<&'x str> {
        self.policy.device_info(self.exchange.device?).map(|device| device.name)
    }

    fn latency_ms(&self) -> Option<f64> {
        let (request, response) = self.exchange.request.zip(self.exchange.response)?;
        Some(response.time.micros_since(request.time) as f64 / 1_000.0)
    }
}

/// An anomaly.
pub(super) struct Noticed<'x> {
    pub(super) anomaly: &'x Anomaly,
    pub(super) policy: &'x Policy<'x>,
}

impl Facts for Noticed<'_> {
    fn device(&self) -> Option<DeviceId> {
        self.anomaly.device
    }

    fn fact(&self, field: Field) -> Fact<'_> {
        let Anomaly { path, actor, device, finding, from_client, .. } = self.anomaly;
        let actor = || self.policy.actor_info((*actor)?);
        match field {
            Field::Actor => Fact::of(actor(), |actor| Fact::Text(actor.name)),
            Field::ActorKind => Fact::of(actor(), |actor| Fact::Text(actor.kind.name())),
            Field::Device => {
                Fact::of(device.and_then(|id| self.policy.device_info(id)), |device| Fact::Text(device.name))
            }
            Field::AnomalyKind => Fact::Text(finding.kind.name()),
            Field::AnomalyLayer => Fact::Text(finding.kind.layer().name()),
            Field::AnomalyFromClient => Fact::Flag(*from_client),
            Field::Protocol => Fact::of(self.anomaly.protocol, protocol),
            _ => of_path(path, field),
        }
    }
}

/// What was waited for in vain, as far as it is remembered.
pub(super) struct Waited<'x> {
    pub(super) absence: &'x Absence,
    pub(super) policy: &'x Policy<'x>,
}

impl Facts for Waited<'_> {
    fn device(&self) -> Option<DeviceId> {
        self.absence.device
    }

    fn fact(&self, field: Field) -> Fact<'_> {
        let Absence { path, actor, device, action, of, .. } = self.absence;
        let actor = || self.policy.actor_info((*actor)?);
        let (master, outstation) = links(*of);
        match (field, self.absence.protocol) {
            (Field::Actor, _) => Fact::of(actor(), |actor| Fact::Text(actor.name)),
            (Field::ActorKind, _) => Fact::of(actor(), |actor| Fact::Text(actor.kind.name())),
            (Field::Device, _) => {
                Fact::of(device.and_then(|id| self.policy.device_info(id)), |device| Fact::Text(device.name))
            }
            (Field::Action, _) => Fact::of(*action, |action| Fact::Text(action.name())),
            (Field::Protocol, known) => Fact::of(known, protocol),
            (Field::ModbusUnit, Some(Protocol::Modbus)) => number(*of),
            (Field::Dnp3Source, Some(Protocol::Dnp3)) => number(master),
            (Field::Dnp3Destination, Some(Protocol::Dnp3)) => number(outstation),
            _ => of_path(path, field),
        }
    }
}

/// What was declared, or what is wrong with how it is heard: nothing of it was on a wire.
pub(super) struct Promised<'x> {
    pub(super) policy: &'x Policy<'x>,
    pub(super) actor: Option<ActorId>,
    pub(super) device: Option<DeviceId>,
    pub(super) intent: Option<&'x Intent>,
}

impl Facts for Promised<'_> {
    fn device(&self) -> Option<DeviceId> {
        self.device
    }

    fn fact(&self, field: Field) -> Fact<'_> {
        let actor = || self.policy.actor_info(self.actor?);
        let device = || self.policy.device_info(self.device?);
        let action = || self.intent?.operation;
        match field {
            Field::Actor => Fact::of(actor(), |actor| Fact::Text(actor.name)),
            Field::ActorKind => Fact::of(actor(), |actor| Fact::Text(actor.kind.name())),
            Field::Device => Fact::of(device(), |device| Fact::Text(device.name)),
            Field::Action => Fact::of(action(), |action| Fact::Text(action.name())),
            Field::IsCommand => Fact::of(action(), |action| Fact::Flag(action.is_command())),
            _ => Fact::Unknown,
        }
    }

    /// The points and addresses that are named, without values: those may be ranges.
    fn touches(&self, visit: &mut dyn FnMut(Option<DeviceId>, &Touch<'_>)) {
        let place = |target| match target {
            IntentTarget::Point(point) => {
                let info = self.policy.point_info(point)?;
                Some((info.space, u32::from(info.address), u32::from(info.width())))
            }
            IntentTarget::Run { space, address, quantity } => Some((space, address, u32::from(quantity))),
        };
        let targets = self.intent.into_iter().flat_map(Intent::targets).filter_map(place);
        targets.for_each(|(space, address, count)| {
            visit(self.device, &Touch { space, address, count, values: Values::Unknown });
        });
    }
}

fn protocol<'f>(protocol: Protocol) -> Fact<'f> {
    Fact::Text(match protocol {
        Protocol::Modbus => "modbus",
        Protocol::Dnp3 => "dnp3",
    })
}

fn number<'f>(number: impl Into<f64>) -> Fact<'f> {
    Fact::Number(number.into())
}

pub(super) fn of_path(path: &Path, field: Field) -> Fact<'_> {
    match field {
        Field::ClientIp => ip(path, &path.client),
        Field::ClientPort => port(path, &path.client),
        Field::ClientMac => mac(&path.client),
        Field::ServerIp => ip(path, &path.server),
        Field::ServerPort => port(path, &path.server),
        Field::ServerMac => mac(&path.server),
        Field::Vlan => Fact::of(path.vlan, number),
        Field::Transport => Fact::Text(match path.transport {
            Transport::Tcp => "tcp",
            Transport::Udp => "udp",
            Transport::Serial => "serial",
            Transport::Link => "link",
        }),
        _ => Fact::Unknown,
    }
}

/// The address of a side; a serial line has none.
fn ip<'f>(path: &Path, host: &Host) -> Fact<'f> {
    if path.transport == Transport::Serial { Fact::Unknown } else { Fact::Address(host.ip) }
}

/// The port of a side, or the number of a serial line.
fn port<'f>(path: &Path, host: &Host) -> Fact<'f> {
    if path.transport == Transport::Link { Fact::Unknown } else { number(host.port) }
}

fn mac(host: &Host) -> Fact<'_> {
    Fact::of(host.mac.as_ref(), |mac| Fact::Bytes(&mac.0))
}

fn of_modbus<'f>(body: &modbus::Exchange<'f>, action: Action, field: Field) -> Fact<'f> {
    let request = || body.request.and_then(|pdu| Request::parse(pdu).ok());
    let touch = || request()?.touches(action).next();
    match field {
        Field::ModbusUnit => number(body.unit),
        Field::ModbusFunction => number(body.function),
        Field::Broadcast => Fact::Flag(body.unit == 0 && body.framing != Framing::Mbap),
        Field::ModbusAddress => Fact::of(touch(), |touch| number(touch.address)),
        Field::ModbusQuantity => Fact::of(touch(), |touch| number(touch.count)),
        Field::ModbusDiagnostic => match request() {
            Some(Request::Diagnostic { sub_function, .. }) => number(sub_function),
            _ => Fact::Unknown,
        },
        Field::ModbusMei => match request() {
            Some(Request::ReadIdentification { .. }) => number(14_u8),
            Some(Request::Encapsulated { mei, .. }) => number(mei),
            _ => Fact::Unknown,
        },
        Field::ModbusUmas => match request() {
            Some(Request::Umas { function, .. }) => number(function),
            _ => Fact::Unknown,
        },
        Field::ModbusException => match body.response.and_then(|pdu| Response::parse(pdu).ok()) {
            Some(Response::Exception { code }) => number(code),
            _ => Fact::Unknown,
        },
        _ => Fact::Unknown,
    }
}

fn of_dnp3<'f>(body: &dnp3::Exchange<'f>, field: Field) -> Fact<'f> {
    let response = || body.response.and_then(Fragment::parse);
    let asked = || body.request.and_then(Fragment::parse).or_else(response);
    let header = || asked()?.headers().next()?.ok();
    let select = || match body.relation {
        Relation::Select(select) => Some(select),
        _ => None,
    };
    match field {
        Field::Dnp3Source => number(body.master),
        Field::Dnp3Destination => number(body.outstation),
        Field::Broadcast => Fact::Flag(body.outstation >= FIRST_BROADCAST),
        Field::Dnp3Function => Fact::of(asked(), |fragment| number(fragment.function.0)),
        Field::Dnp3Confirm => Fact::of(asked(), |fragment| Fact::Flag(fragment.control.con())),
        Field::Dnp3Group => Fact::of(header(), |header| number(header.group)),
        Field::Dnp3Variation => Fact::of(header(), |header| number(header.variation)),
        Field::Dnp3Iin => {
            Fact::of(response().and_then(|fragment| fragment.indications), |iin| number(u16::from_le_bytes(iin.0)))
        }
        Field::Dnp3Selected => Fact::of(select().and_then(|select| select.matches), Fact::Flag),
        Field::Dnp3SelectMs => Fact::of(select(), |select| Fact::Number(select.delay_us as f64 / 1e3)),
        Field::Dnp3LinkFunction => match body.relation {
            Relation::Link(link) => Fact::of(link.request.or(link.response), |link| number(link.control.function())),
            _ => Fact::Unknown,
        },
        _ => Fact::Unknown,
    }
}

/// Whether an exchange ends with this: of a response in several fragments only the last ends it.
pub(super) fn is_end(exchange: &Exchange<'_>) -> bool {
    match &exchange.body {
        Body::Dnp3(body) if exchange.outcome != Outcome::Unanswered => {
            body.response.and_then(Fragment::parse).is_none_or(|fragment| fragment.control.fin())
        }
        _ => true,
    }
}
