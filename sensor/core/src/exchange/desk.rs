//! What happens to every unit, whatever its protocol: parties, verdict, pairing, records.

use core::hash::{BuildHasher, Hasher};

use tagout_engine::{
    Action, DigestHasher, Endpoint, Engine, Policy, PolicyMemory, Question, RoutineKey, Succession, Touch, Trigger,
    Verdict,
};

use super::absences::Absences;
use super::associations;
use super::facts::Said;
use super::firings::Firings;
use super::fold::Folds;
use super::intents::Matching;
use super::modbus::framing as modbus_framing;
use super::pending::{Pending, Pendings};
use super::relations::{self, Dialogues};
use super::stations::Stations;
use crate::config::Config;
use crate::counters::{Counter, Counters};
use crate::finding::Finding;
use crate::flow::{Flow, Parties, Reader, Side, Turn};
use crate::modbus::Framing;
use crate::record::{Anomaly, Body, Exchange, Outcome, Output, Protocol, Seen};
use crate::store::{NONE, Occupancy};
use crate::{dnp3, modbus};
use tagout_engine::Timestamp;

/// Where requests meet their responses.
#[derive(Debug)]
pub(crate) struct Desk<'s> {
    /// The engine's, so that it can be asked while the engine is at work.
    pub(crate) policy: Policy<'s>,
    pub(crate) engine: Engine<'s, 's>,
    pub(crate) counters: Counters,
    pub(super) pendings: Pendings<'s>,
    pub(super) dnp3: Dialogues<'s>,
    pub(super) stations: Stations<'s>,
    /// The rules that fired on requests that wait.
    pub(super) firings: Firings<'s>,
    pub(crate) folds: Folds<'s>,
    pub(crate) absences: Absences<'s>,
    pub(crate) matching: Matching<'s>,
    /// The capture is over: what is open is closed.
    pub(crate) closing: bool,
    /// Room for one request while its exchange is reported.
    pub(super) scratch: &'s mut [u8],
    pub(super) hasher: DigestHasher,
}

/// A desk at work on one flow, with the place where its records go.
pub(crate) struct Hearing<'d, 's> {
    pub(crate) desk: &'d mut Desk<'s>,
    pub(crate) flow_id: u32,
    pub(crate) output: &'d mut dyn Output,
}

/// A request or response that was read.
pub(super) struct Message<'a> {
    pub(super) seen: Seen,
    pub(super) bytes: &'a [u8],
}

impl<'s> Desk<'s> {
    pub(crate) fn new(
        engine: Engine<'s, 's>,
        pendings: Pendings<'s>,
        dnp3: Dialogues<'s>,
        stations: Stations<'s>,
        (firings, folds, absences, matching): (Firings<'s>, Folds<'s>, Absences<'s>, Matching<'s>),
        scratch: &'s mut [u8],
        seed: u64,
    ) -> Self {
        let hasher = DigestHasher::with_seed(seed);
        let policy = *engine.policy();
        Self {
            policy,
            engine,
            counters: Counters::default(),
            pendings,
            dnp3,
            stations,
            firings,
            folds,
            absences,
            matching,
            closing: false,
            scratch,
            hasher,
        }
    }

    /// Tells bytes apart, also those of somebody who looks for two that it takes for one, but does not know its seed.
    pub(super) fn digest(&self, bytes: &[u8]) -> u64 {
        let mut hasher = self.hasher.build_hasher();
        hasher.write(bytes);
        hasher.finish()
    }

    /// When the next thing falls due if nothing comes: an alert that waits too long, or a request that does.
    pub(crate) fn next_due(&self, config: &Config) -> Option<(Timestamp, Due)> {
        let time = |id: Option<u32>, ms| Some(self.pendings.get(id?)?.seen.time.plus_ms(ms));
        let alert = time(self.pendings.oldest_alert(), config.alert_hold_ms).map(|at| (at, Due::Alert));
        let request = time(self.pendings.oldest(), config.response_timeout_ms).map(|at| (at, Due::Request));
        match (alert, request) {
            (Some(alert), Some(request)) => Some(if alert.0 <= request.0 { alert } else { request }),
            (alert, request) => alert.or(request),
        }
    }

    /// How many requests wait for their responses.
    pub(crate) fn exchanges(&self) -> Occupancy {
        self.pendings.occupancy()
    }

    /// How many blocks hold what long requests say.
    pub(crate) fn request_blocks(&self) -> Occupancy {
        self.pendings.blocks()
    }

    /// How many devices are remembered.
    pub(crate) fn devices(&self) -> Occupancy {
        self.stations.occupancy()
    }

    /// The request to close so that others find room, if it is time for that.
    pub(crate) fn crowded(&self) -> Option<u32> {
        if self.pendings.is_tight() { self.pendings.oldest() } else { None }
    }

    /// The flow of a pending request.
    pub(crate) fn flow_of(&self, id: u32) -> Option<u32> {
        self.pendings.get(id).map(|pending| pending.flow)
    }

    /// A request whose alert waits and cannot be told of under another policy.
    pub(crate) fn waits_in_vain(&self, succession: &Succession<'_>) -> Option<u32> {
        self.pendings.waiting_alert(|pending| {
            succession.verdict(pending.verdict).is_some() && self.firings.are_whole(pending.firings, succession)
        })
    }

    /// Takes note that the alert of a request waits no longer.
    pub(crate) fn alert_given(&mut self, id: u32) {
        self.pendings.alert_given(id);
    }

    /// Goes on under another policy.
    pub(crate) fn succeed(
        &mut self,
        policy: Policy<'s>,
        memory: PolicyMemory<'s>,
        succession: &Succession<'_>,
        output: &mut dyn Output,
    ) {
        self.folds.succeed(succession, &mut self.counters, output);
        self.pendings.succeed(succession);
        self.firings.succeed(succession);
        self.absences.succeed(succession);
        self.matching.acts.succeed(succession);
        self.matching.intents.succeed(succession, |key| output.intent_gone(key));
        self.engine.succeed(policy, memory, succession);
        self.policy = policy;
    }

    /// The pending request that is due.
    pub(crate) fn due(&self, due: Due) -> Option<u32> {
        match due {
            Due::Alert => self.pendings.oldest_alert(),
            Due::Request => self.pendings.oldest(),
        }
    }
}

/// Whom a policy knows behind a unit id or a pair of link addresses.
fn named(policy: &Policy<'_>, flow: &Flow, requester: Side, of: u32, links: Option<(u16, u16)>) -> Parties {
    let path = flow.path(requester);
    let unit = links.is_none().then_some(of as u8);
    let end = |host: crate::record::Host, unit, link| Endpoint {
        mac: host.mac,
        ip: Some(host.ip),
        port: Some(host.port),
        vlan: path.vlan,
        unit,
        link,
    };
    let actor = policy.actor(&end(path.client, None, links.map(|(master, _)| master)));
    let device = policy.device(&end(path.server, unit, links.map(|(_, outstation)| outstation)));
    Parties { of, requester, actor, device }
}

/// Whom a policy knows behind what a flow is known to be between.
pub(crate) fn renamed(policy: &Policy<'_>, flow: &Flow) -> Option<Parties> {
    let Parties { of, requester, .. } = flow.parties?;
    let links = (flow.protocol == Protocol::Dnp3).then(|| associations::links(of));
    Some(named(policy, flow, requester, of, links))
}

/// What can fall due.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Due {
    /// An alert has waited for the response long enough.
    Alert,
    /// A request has.
    Request,
}

impl Hearing<'_, '_> {
    /// Who is behind a unit id or a pair of link addresses.
    pub(super) fn parties(&mut self, flow: &mut Flow, requester: Side, of: u32, links: Option<(u16, u16)>) -> Parties {
        if let Some(known) = flow.parties.filter(|known| known.of == of && known.requester == requester) {
            return known;
        }
        let parties = named(&self.desk.policy, flow, requester, of, links);
        flow.parties = Some(parties);
        parties
    }

    /// Judges a request and keeps it until its response comes, or reports it at once if none is due.
    pub(super) fn request<'t>(
        &mut self,
        flow: &mut Flow,
        turn: Turn,
        pending: &mut Pending,
        bytes: &[u8],
        response_due: bool,
        touches: &mut dyn Iterator<Item = Touch<'t>>,
    ) {
        let (verdict, key) = self.verdict_on(flow, pending, bytes, touches);
        pending.verdict = worse(pending.verdict, verdict);
        self.judged(flow, turn, pending, (bytes, key.as_ref()), response_due);
    }

    /// What the permits say of a request that does this, or of that part of it.
    pub(super) fn judge<'t>(
        &mut self,
        flow: &Flow,
        pending: &Pending,
        (action, bytes): (Action, &[u8]),
        touches: &mut dyn Iterator<Item = Touch<'t>>,
    ) -> Verdict {
        let question = Question { action, ..pending.question() };
        if !self.desk.policy.has_conditional_permits() {
            return self.desk.engine.judge_before(&question, &(), touches, |permit| self.output.considered(permit));
        }
        let asked = exchange(flow, pending, Some(bytes), None, Outcome::Pending, dnp3::Relation::None);
        let asked = Exchange { action, ..asked };
        let said = Said { exchange: &asked, policy: &self.desk.policy, verdict: &Verdict::Unjudged, routine: None };
        self.desk.engine.judge_before(&question, &said, touches, |permit| self.output.considered(permit))
    }

    /// Keeps a request on which there is a verdict, with its key if it may come again and again, until its response comes, or reports it at once if none is due.
    pub(super) fn judged(
        &mut self,
        flow: &mut Flow,
        turn: Turn,
        pending: &mut Pending,
        (bytes, key): (&[u8], Option<&RoutineKey>),
        response_due: bool,
    ) {
        self.desk.counters.add(Counter::Requests, 1);
        pending.flow = self.flow_id;
        self.note_poll(flow, pending, bytes);
        if self.is_declarable(pending) {
            self.note_act(flow, pending, bytes);
        }
        let trigger = Trigger::Request(pending.action, pending.verdict.judgement());
        let is_settled = key.is_some_and(|key| self.desk.engine.is_silent(key, pending.seen.time));
        if !is_settled && self.desk.policy.has_rules_on(trigger, pending.parties.device) {
            let asked = exchange(flow, pending, Some(bytes), None, Outcome::Pending, dnp3::Relation::None);
            pending.firings = self.desk.react(trigger, &asked, pending, key);
        }
        pending.alert_due = matches!(pending.verdict, Verdict::Unexpected(_)) || pending.firings != NONE;
        if pending.firings != NONE && self.desk.firings.is_short() {
            self.alert_unanswered(flow, pending, bytes);
            (pending.alert_due, pending.firings) = (false, NONE);
        }
        if !response_due {
            self.report(flow, pending, Some(bytes), None, Outcome::NoResponseDue);
            return;
        }
        if self.answered_before(flow, pending, bytes, turn.end) {
            return;
        }
        if Pendings::flow_is_full(flow)
            && let Some(oldest) = flow.pending.front()
        {
            self.evict(flow, oldest);
        }
        while self.desk.pendings.insert(flow, pending, bytes).is_none() {
            let Some(oldest) = flow.pending.front() else {
                self.desk.counters.add(Counter::ExchangesEvicted, 1);
                self.report(flow, pending, Some(bytes), None, Outcome::Unanswered);
                return;
            };
            self.evict(flow, oldest);
        }
    }
}

/// The record of a request, of its response, or of both.
pub(super) fn exchange<'a>(
    flow: &Flow,
    pending: &Pending,
    request: Option<&'a [u8]>,
    response: Option<&Message<'a>>,
    outcome: Outcome,
    relation: dnp3::Relation<'a>,
) -> Exchange<'a> {
    let body = match flow.protocol {
        Protocol::Modbus => Body::Modbus(modbus::Exchange {
            framing: modbus_framing(pending.key),
            unit: pending.key as u8,
            transaction_id: (modbus_framing(pending.key) == Framing::Mbap).then_some((pending.key >> 8) as u16),
            function: pending.function,
            request,
            response: response.map(|message| message.bytes),
        }),
        Protocol::Dnp3 => Body::Dnp3(relations::body(pending, request, response, relation)),
    };
    Exchange {
        path: flow.path(pending.requester),
        actor: pending.parties.actor,
        device: pending.parties.device,
        action: pending.action,
        request: request.map(|_| pending.seen),
        response: response.map(|message| message.seen),
        outcome,
        body,
    }
}

/// The verdict that says more against an exchange.
fn worse(a: Verdict, b: Verdict) -> Verdict {
    if matches!(a, Verdict::Unexpected(_)) { a } else { b }
}

pub(super) fn anomaly(flow: &Flow, side: Side, finding: Finding, seen: Seen, unreported: u16) -> Anomaly {
    Anomaly {
        path: flow.path(Side::Client),
        actor: flow.parties.and_then(|parties| parties.actor),
        device: flow.parties.and_then(|parties| parties.device),
        protocol: Some(flow.protocol),
        from_client: side == Side::Client,
        finding,
        seen,
        unreported,
    }
}

impl Reader for Hearing<'_, '_> {
    fn unit(&mut self, flow: &mut Flow, turn: Turn, bytes: &[u8]) {
        match flow.protocol {
            Protocol::Modbus => self.modbus(flow, turn, bytes),
            Protocol::Dnp3 => self.dnp3(flow, turn, bytes),
        }
    }

    fn anomaly(&mut self, flow: &mut Flow, turn: Turn, finding: Finding) {
        self.desk.counters.add(Counter::Anomalies, 1);
        self.desk.disturb(flow);
        let Some(unreported) = flow.anomalies.admit(finding.kind, turn.side, turn.seen) else {
            self.desk.counters.add(Counter::AnomaliesRepeated, 1);
            return;
        };
        let anomaly = anomaly(flow, turn.side, finding, turn.seen, unreported);
        self.output.anomaly(&anomaly);
        let of = flow.parties.map_or(0, |parties| parties.of);
        self.desk.alert_anomaly(&anomaly, of, self.output);
    }

    fn count(&mut self, counter: Counter, by: usize) {
        self.desk.counters.add(counter, by as u64);
    }
}
