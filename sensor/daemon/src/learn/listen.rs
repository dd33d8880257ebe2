//! From what the sensor reports to what is counted.

use tagout_core::dnp3::{self, Fragment, Relation, link};
use tagout_core::engine::{Action, Policy, Touch, Values};
use tagout_core::modbus::{self, Framing, Request, Response};
use tagout_core::{Alert, Anomaly, Body, Cause, Exchange, Outcome, Output, Protocol, Timestamp};

use super::against::objections;
use super::calendar::Slots;
use super::evidence::{Deed, Ending, Evidence, Place, Source, Station, Target, Thing};
use super::habit::is_valued;

/// Counts what a sensor reports.
#[derive(Debug)]
pub struct Listener<'p> {
    pub(super) evidence: Evidence,
    /// What is learned against: the sensor's policy.
    pub(super) policy: Policy<'p>,
}

impl Output for Listener<'_> {
    fn exchange(&mut self, exchange: &Exchange<'_>) {
        let Some(seen) = exchange.request.or(exchange.response) else { return };
        let slot = self.evidence.moment(seen);
        let Some(parties) = self.evidence.parties(source(exchange), station(exchange)) else { return };
        self.evidence.poll(parties, exchange);
        let mut heard = Heard { evidence: &mut self.evidence, policy: &self.policy, exchange, parties, slot };
        heard.answer();
        match &exchange.body {
            Body::Modbus(body) => heard.modbus(body),
            Body::Dnp3(body) => heard.dnp3(body),
        }
    }

    fn anomaly(&mut self, anomaly: &Anomaly) {
        self.evidence.rhythms.disturbed(anomaly.path.flow);
        let (client, server) = (anomaly.path.client.ip, anomaly.path.server.ip);
        let (from, to) = if anomaly.from_client { (client, server) } else { (server, client) };
        self.evidence.oddity((from, to, anomaly.finding.kind), u64::from(anomaly.unreported) + 1);
    }

    fn alert(&mut self, alert: &Alert<'_>) {
        if let Cause::Violation(violation) = alert.cause {
            self.evidence.strays.count(&violation, alert.time);
        }
        if let Some(departure) = alert.departure {
            self.evidence.strays.depart(departure, alert.time);
        }
    }
}

/// An exchange with who takes part in it.
struct Heard<'e, 'x> {
    evidence: &'e mut Evidence,
    policy: &'e Policy<'e>,
    exchange: &'x Exchange<'x>,
    /// Source and station.
    parties: (usize, usize),
    slot: Slots,
}

impl Heard<'_, '_> {
    fn answer(&mut self) {
        self.evidence.answers[self.parties.1] += u64::from(self.exchange.response.is_some());
    }

    fn modbus(&mut self, body: &modbus::Exchange<'_>) {
        let request = body.request.map(Request::parse);
        let response = body.response.and_then(|pdu| Response::parse(pdu).ok());
        let exception = match response {
            Some(Response::Exception { code }) => Some(code),
            _ => None,
        };
        let broadcast = body.framing != Framing::Mbap && body.unit == 0;
        let action = self.exchange.action;
        match request {
            Some(Ok(request)) => {
                let sub = sub_function(&request);
                let thing = Thing::Function { code: body.function, sub };
                self.asked(action, thing, request.touches(action), exception, broadcast);
                if matches!(request, Request::ReadWrite { .. }) {
                    self.asked(Action::Read, thing, request.touches(Action::Read), exception, broadcast);
                }
                if let Some(Response::Values { values, .. }) = response {
                    self.reported(request.touches(Action::Read).next().map(|touch| Touch { values, ..touch }));
                }
            }
            Some(Err(_)) => {
                let thing = Thing::Function { code: body.function, sub: 0 };
                self.asked(action, thing, std::iter::empty(), exception, broadcast);
            }
            None => {}
        }
    }

    fn dnp3(&mut self, body: &dnp3::Exchange<'_>) {
        if let Relation::Link(exchange) = body.relation {
            if exchange.request.is_some() {
                self.evidence.probe(self.parties, exchange.response.is_some());
            }
            return;
        }
        if let Some(request) = body.request.and_then(Fragment::parse).filter(|_| body.part <= 1)
            && self.exchange.action != Action::Confirm
        {
            let thing = Thing::Function { code: request.function.0, sub: 0 };
            let broadcast = body.outstation >= link::FIRST_BROADCAST;
            self.asked(self.exchange.action, thing, dnp3::touches(&request), None, broadcast);
        }
        for header in body.response.and_then(Fragment::parse).iter().flat_map(|response| response.headers().flatten()) {
            let Some(space) = header.space().filter(|_| is_report(header.group)) else { continue };
            for point in header.points() {
                let number = point.value.number();
                let values = number.map_or(Values::Unknown, Values::Number);
                self.reported(Some(Touch { space, address: point.index, count: 1, values }));
            }
        }
    }

    /// Counts what a request asks for; `otherwise` if it touches no address.
    fn asked<'t>(
        &mut self,
        action: Action,
        otherwise: Thing,
        touches: impl Iterator<Item = Touch<'t>>,
        exception: Option<u8>,
        broadcast: bool,
    ) {
        let ending = self.ending(exception);
        let mut touched = false;
        for touch in touches {
            touched = true;
            let Touch { space, address, count, .. } = touch;
            self.count(action, Thing::Span { space, address, count }, ending, broadcast);
            self.compare(action, Thing::Span { space, address, count }, Some(&touch), ending);
            if self.took_effect(ending) {
                self.wrote(action, &touch);
            }
            self.commanded(action, &touch);
        }
        if !touched {
            self.count(action, otherwise, ending, broadcast);
            self.compare(action, otherwise, None, ending);
        }
    }

    fn ending(&self, exception: Option<u8>) -> Ending {
        match self.exchange.outcome {
            Outcome::Refused => Ending::Refused(exception),
            Outcome::Unanswered | Outcome::Pending => Ending::Unanswered,
            Outcome::Answered | Outcome::NoResponseDue | Outcome::Unrequested => Ending::Accepted,
        }
    }

    /// Where no answer of a station was ever seen, the capture may not show any: its requests count as they are.
    fn took_effect(&self, ending: Ending) -> bool {
        ending == Ending::Accepted || ending == Ending::Unanswered && self.evidence.answers[self.parties.1] == 0
    }

    fn count(&mut self, action: Action, thing: Thing, ending: Ending, broadcast: bool) {
        self.evidence.deed(self.deed(action, thing), ending, broadcast, self.time(), self.slot);
    }

    fn deed(&self, action: Action, thing: Thing) -> Deed {
        let (source, station) = self.parties;
        Deed { source, station, action, thing }
    }

    fn time(&self) -> Timestamp {
        self.exchange.request.or(self.exchange.response).map(|seen| seen.time).unwrap_or_default()
    }

    /// Counts what the policy has against what was asked.
    fn compare(&mut self, action: Action, thing: Thing, touch: Option<&Touch<'_>>, ending: Ending) {
        let Some(device) = self.exchange.device else { return };
        let (deed, time, slot) = (self.deed(action, thing), self.time(), self.slot);
        objections(self.policy, self.exchange.actor, device, &deed, touch, |objection, value| {
            if let Some(objected) = self.evidence.objected(deed, objection, time) {
                objected.count(value, ending, time, slot);
            }
        });
    }

    fn wrote(&mut self, action: Action, touch: &Touch<'_>) {
        if touch.values == Values::None {
            return;
        }
        let (source, station) = self.parties;
        for (address, sample) in samples(touch) {
            let target = Target { source, station, action, space: touch.space, address };
            if let Some(series) = self.evidence.written(target) {
                sample.note(series);
            }
        }
    }

    /// Keeps a command with its time, whatever became of it: permits count it as soon as it is seen.
    fn commanded(&mut self, action: Action, touch: &Touch<'_>) {
        if touch.values == Values::None || !is_valued(action) {
            return;
        }
        let ((source, station), at) = (self.parties, self.time());
        for (address, sample) in samples(touch) {
            self.evidence.commanded(Target { source, station, action, space: touch.space, address }, at, sample);
        }
    }

    fn reported(&mut self, touch: Option<Touch<'_>>) {
        let Some(touch) = touch else { return };
        let (station, time) = (self.parties.1, self.exchange.response.map(|seen| seen.time).unwrap_or_default());
        for (address, sample) in samples(&touch) {
            if let Some(series) = self.evidence.reported(Place { station, space: touch.space, address }) {
                sample.note(series);
                series.latest = Some((time, sample));
            }
        }
    }
}

/// One value as it lies on the wire.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) enum Sample {
    /// A register, with the one behind it in the same message.
    Register(u16, Option<u16>),
    Number(f64),
    Unknown,
}

impl Sample {
    fn note(self, series: &mut super::series::Series) {
        match self {
            Self::Register(value, next) => series.register(value, next),
            Self::Number(value) => series.number(value),
            Self::Unknown => series.untold(),
        }
    }
}

/// The values of a touch by address, as far as there are addresses.
fn samples<'t>(touch: &Touch<'t>) -> impl Iterator<Item = (u32, Sample)> + use<'t> {
    let Touch { address, count, values, .. } = *touch;
    let registers = match values {
        Values::Registers(octets) => octets.as_chunks::<2>().0,
        _ => &[],
    };
    let register = move |offset: usize| registers.get(offset).map(|octets| u16::from_be_bytes(*octets));
    let known = match values {
        Values::None => 0,
        Values::Bits(octets) => octets.len() * 8,
        Values::Registers(_) => registers.len(),
        Values::Unknown | Values::Number(_) => usize::MAX,
    };
    let count = usize::try_from(count).unwrap_or(usize::MAX).min(known).min(MOST);
    (0..count).zip(address..).map(move |(offset, address)| {
        let sample = match values {
            Values::Bits(octets) => Sample::Number((octets[offset / 8] >> (offset % 8) & 1).into()),
            Values::Registers(_) => {
                register(offset).map_or(Sample::Unknown, |now| Sample::Register(now, register(offset + 1)))
            }
            Values::Number(number) => Sample::Number(number),
            Values::None | Values::Unknown => Sample::Unknown,
        };
        (address, sample)
    })
}

/// More values than this no message carries.
const MOST: usize = 65_536;

/// Groups in which an outstation reports values; in those of controls it repeats what it was told.
const fn is_report(group: u8) -> bool {
    !matches!(group, 12 | 13 | 41 | 43)
}

fn source(exchange: &Exchange<'_>) -> Source {
    let client = exchange.path.client;
    let link = match &exchange.body {
        Body::Modbus(_) => None,
        Body::Dnp3(body) => Some(body.master),
    };
    Source { ip: client.ip, link, mac: client.mac }
}

fn station(exchange: &Exchange<'_>) -> Station {
    let ip = exchange.path.server.ip;
    match &exchange.body {
        Body::Modbus(body) => Station::new(ip, Protocol::Modbus, body.unit.into()),
        Body::Dnp3(body) => Station::new(ip, Protocol::Dnp3, body.outstation),
    }
}

/// What tells requests of one function apart.
const fn sub_function(request: &Request<'_>) -> u16 {
    match request {
        Request::Diagnostic { sub_function, .. } => *sub_function,
        Request::Encapsulated { mei, .. } => *mei as u16,
        Request::Umas { function, .. } => *function as u16,
        _ => 0,
    }
}
