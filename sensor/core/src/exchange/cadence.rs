//! Polls and the cadence of their channel.

use tagout_engine::{
    Action, ActorId, CadenceId, Departure, DeviceId, Fact, Facts, Field, Heard, Policy, PollKey, Timestamp, Verdict,
};

use super::alert::alert_id;
use super::desk::{Desk, Hearing, exchange};
use super::facts::{Said, of_path};
use super::pending::Pending;
use super::relations::Tie;
use crate::counters::Counter;
use crate::dnp3::{self, Fragment, Relation};
use crate::flow::{Flow, Parties, Side};
use crate::modbus;
use crate::record::{Alert, Cause, Outcome, Output, Path, Protocol};

impl Hearing<'_, '_> {
    /// Takes note of a request that may be a poll, and gives the alerts for what departs from the cadence of its channel.
    /// What no permit covers was told of, and goes by no cadence.
    pub(super) fn note_poll(&mut self, flow: &Flow, pending: &Pending, bytes: &[u8]) {
        let is_other = pending.action == Action::Confirm || pending.tie == Tie::Link;
        let Some(cadence) = self.desk.cadence(pending).filter(|_| !is_other) else { return };
        if matches!(pending.verdict, Verdict::Unexpected(_)) {
            return;
        }
        let key = match flow.protocol {
            Protocol::Modbus => PollKey::of(pending.action, &mut modbus::asked(bytes, pending.action)),
            Protocol::Dnp3 => {
                let Some(fragment) = Fragment::parse(bytes) else { return };
                PollKey::of(pending.action, &mut dnp3::asked(&fragment))
            }
        };
        let now = pending.seen.time;
        let heard = Heard { now, flow: self.flow_id, connection: flow.id };
        if let Some(departure) = self.desk.engine.polled(cadence, (key, pending.action.is_command()), heard) {
            self.departed(flow, pending, bytes, departure);
        }
    }

    fn departed(&mut self, flow: &Flow, pending: &Pending, bytes: &[u8], departure: Departure) {
        let asked = exchange(flow, pending, Some(bytes), None, Outcome::Pending, Relation::None);
        let said = Said { exchange: &asked, policy: &self.desk.policy, verdict: &pending.verdict, routine: None };
        let (engine, folds, counters) = (&mut self.desk.engine, &mut self.desk.folds, &mut self.desk.counters);
        let now = pending.seen.time;
        engine.departed(departure, now, &said, |firing| {
            let cause = Cause::Rule(firing.rule);
            let id = alert_id(said.policy, &asked.path, now, [CADENCES | pending.key, 0], &cause);
            let (departure, suppressed) = (Some(departure), firing.suppressed);
            let alert = Alert { departure, suppressed, ..Alert::of_exchange(id, now, cause, &asked) };
            folds.give(alert, pending.parties.of, firing.kin, counters, self.output);
        });
    }
}

impl Desk<'_> {
    /// The cadence of the channel that a request is on. Policies without any cost one look.
    pub(super) fn cadence(&self, pending: &Pending) -> Option<CadenceId> {
        if !self.policy.has_cadences() {
            return None;
        }
        self.policy.cadence(pending.parties.actor?, pending.parties.device?)
    }

    /// Takes note that something is wrong with a connection: what departs next on the channel heard last is excused.
    pub(super) fn disturb(&mut self, flow: &Flow) {
        if let Some(Parties { actor: Some(actor), device: Some(device), .. }) = flow.parties
            && let Some(cadence) = self.policy.cadence(actor, device)
        {
            self.engine.poll_disturbed(cadence);
        }
    }

    /// Gives the alerts for every cycle that is late by `now`; `flow` finds the connection that was heard last.
    pub(crate) fn tell_late<'f>(
        &mut self,
        now: Timestamp,
        flow: impl Fn(u32) -> Option<&'f Flow>,
        output: &mut dyn Output,
    ) {
        let policy = self.policy;
        while let Some((departure, heard)) = self.engine.overdue_poll(now) {
            let side = |flow: &Flow| flow.parties.map_or(Side::Client, |parties| parties.requester);
            let same = flow(heard.flow).filter(|flow| flow.id == heard.connection);
            let Some((flow, cadence)) = same.zip(policy.cadence_info(departure.cadence)) else {
                self.counters.add(Counter::RuleFiringsLost, 1);
                continue;
            };
            let (path, parties) = (flow.path(side(flow)), (Some(cadence.actor), Some(cadence.device)));
            let of = flow.parties.filter(|known| known.device == parties.1).map_or(0, |parties| parties.of);
            let expected = departure.expected.and_then(|poll| policy.poll_key(poll)).map_or(0, |key| key.0);
            let protocol = flow.protocol;
            let silence = Silence { path, parties, policy };
            let (folds, counters) = (&mut self.folds, &mut self.counters);
            self.engine.departed(departure, now, &silence, |firing| {
                let cause = Cause::Rule(firing.rule);
                let id = alert_id(&policy, &path, now, [CADENCES, expected], &cause);
                let alert = Alert::of_departure((id, now), cause, (path, protocol), parties, departure);
                folds.give(Alert { suppressed: firing.suppressed, ..alert }, of, firing.kin, counters, output);
            });
        }
    }
}

/// A channel on which nothing comes.
struct Silence<'p> {
    path: Path,
    parties: (Option<ActorId>, Option<DeviceId>),
    policy: Policy<'p>,
}

impl Facts for Silence<'_> {
    fn device(&self) -> Option<DeviceId> {
        self.parties.1
    }

    fn fact(&self, field: Field) -> Fact<'_> {
        let actor = || self.policy.actor_info(self.parties.0?);
        match field {
            Field::Actor => Fact::of(actor(), |actor| Fact::Text(actor.name)),
            Field::ActorKind => Fact::of(actor(), |actor| Fact::Text(actor.kind.name())),
            Field::Device => {
                Fact::of(self.parties.1.and_then(|id| self.policy.device_info(id)), |device| Fact::Text(device.name))
            }
            _ => of_path(&self.path, field),
        }
    }
}

/// Tells departures from all other keys of alerts.
const CADENCES: u64 = 1 << 61;
