//! The sensor's records, owned, for comparison.

use std::net::SocketAddr;

use tagout_core::engine::{Action, ActorId, AnomalyKind, DeviceId, PointId, Policy, Reason};
use tagout_core::{Alert, Anomaly, Body, Cause, Exchange, Host, Output};

/// An exchange as the sensor reported it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Reported {
    /// The client's address.
    pub client: SocketAddr,
    /// Unit id, or link address of the outstation.
    pub unit: u16,
    /// Link address of the master; 0 for Modbus.
    pub master: u16,
    /// Transaction id; 0 for DNP3, whose sequence number lies in its fragments.
    pub transaction_id: u16,
    /// The request's PDU or application fragment.
    pub request: Option<Vec<u8>>,
    /// The response's.
    pub response: Option<Vec<u8>>,
    /// How it ended.
    pub outcome: &'static str,
}

/// An alert as the sensor reported it.
#[derive(Clone, Debug, PartialEq)]
pub struct Raised {
    /// The alert's id.
    pub id: u128,
    /// The client's address, where the alert knows it.
    pub client: Option<SocketAddr>,
    /// The actor.
    pub actor: Option<ActorId>,
    /// The device.
    pub device: Option<DeviceId>,
    /// What the exchange does, if an exchange raised it.
    pub action: Option<Action>,
    /// Why and where, if no permit covered it; `None` if a rule matched.
    pub violation: Option<Violated>,
    /// What had become of the exchange.
    pub outcome: Option<&'static str>,
}

/// What no permit covered.
#[derive(Clone, Debug, PartialEq)]
pub struct Violated {
    /// Why.
    pub reason: Reason,
    /// Address or index.
    pub address: Option<u32>,
    /// The point there.
    pub point: Option<PointId>,
    /// The value.
    pub value: Option<f64>,
}

/// Collects records in the order of reporting.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Records {
    /// Exchanges.
    pub exchanges: Vec<Reported>,
    /// Numbers of the frames that completed request and response of each exchange; 0 where there is none.
    pub frames: Vec<(u64, u64)>,
    /// Kinds of anomalies with the number of the frame that showed them.
    pub anomalies: Vec<(AnomalyKind, u64)>,
    /// Alerts.
    pub alerts: Vec<Raised>,
}

impl Records {
    /// The alerts that a policy's permits raised, not its rules.
    pub fn violations(&self) -> impl Iterator<Item = &Raised> {
        self.alerts.iter().filter(|alert| alert.violation.is_some())
    }
}

impl Raised {
    /// Who did what to which point with which value, and why that is no good, in the policy's words.
    pub fn told(&self, policy: Policy<'_>) -> String {
        let actor = self.actor.and_then(|id| policy.actor_info(id)).map_or("nobody", |info| info.name);
        let device = self.device.and_then(|id| policy.device_info(id)).map_or("nothing", |info| info.name);
        let action = self.action.map_or("nothing", Action::name);
        let Some(violated) = &self.violation else { return format!("{actor} {action} {device}: a rule") };
        let point = violated.point.and_then(|id| policy.point_info(id)).map_or("nowhere", |info| info.name);
        let value = violated.value.map_or_else(|| "unknown".into(), |value| format!("{value:.1}"));
        format!("{actor} {action} {device} {point} {value} {}", violated.reason.name())
    }
}

impl Output for Records {
    fn exchange(&mut self, exchange: &Exchange<'_>) {
        self.exchanges.push(reported(exchange));
        let number = |seen: Option<tagout_core::Seen>| seen.map_or(0, |seen| seen.frame);
        self.frames.push((number(exchange.request), number(exchange.response)));
    }

    fn anomaly(&mut self, anomaly: &Anomaly) {
        self.anomalies.push((anomaly.finding.kind, anomaly.seen.frame));
    }

    fn alert(&mut self, alert: &Alert<'_>) {
        let path = alert.exchange.map(|exchange| exchange.path).or(alert.anomaly.map(|anomaly| anomaly.path));
        self.alerts.push(Raised {
            id: alert.id.0,
            client: path.map(|path| address(path.client)),
            actor: alert.exchange.and_then(|exchange| exchange.actor),
            device: alert.exchange.and_then(|exchange| exchange.device),
            action: alert.exchange.map(|exchange| exchange.action),
            violation: violated(alert.cause),
            outcome: alert.exchange.map(|exchange| exchange.outcome.name()),
        });
    }
}

fn reported(exchange: &Exchange<'_>) -> Reported {
    let (unit, master, transaction_id, request, response) = match exchange.body {
        Body::Modbus(body) => (body.unit.into(), 0, body.transaction_id.unwrap_or(0), body.request, body.response),
        Body::Dnp3(body) => (body.outstation, body.master, 0, body.request, body.response),
    };
    Reported {
        client: address(exchange.path.client),
        unit,
        master,
        transaction_id,
        request: request.map(<[u8]>::to_vec),
        response: response.map(<[u8]>::to_vec),
        outcome: exchange.outcome.name(),
    }
}

fn violated(cause: Cause) -> Option<Violated> {
    let Cause::Violation(violation) = cause else { return None };
    let address = violation.place.map(|(_, address)| address);
    Some(Violated { reason: violation.reason, address, point: violation.point, value: violation.value })
}

fn address(host: Host) -> SocketAddr {
    SocketAddr::new(host.ip, host.port)
}
