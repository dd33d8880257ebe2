//! One cause, one alert: what repeats itself is counted, and told of from time to time.

use core::num::NonZeroU32;

use tagout_engine::{Action, ActorId, DeviceId, PointId, RuleId, Space, Succession, Timestamp};

use super::digest::digest;
use crate::config::Folding;
use crate::counters::{Counter, Counters};
use crate::flow::address_bits;
use crate::record::{Alert, AlertId, Cause, Output, Path, Protocol, Repeats, Spot};
use crate::store::{Occupancy, Table, TableSlot};

/// A pause as long as this ends an incident.
const INCIDENT_PAUSE_MS: u32 = 600_000;
/// Summaries become rarer, up to this far apart.
const LONGEST_INTERVAL_MS: u32 = 3_600_000;
const MINUTE_MS: u32 = 60_000;

/// An alert that was given, and what repeated it since.
#[derive(Clone, Copy, Debug)]
pub struct Folded {
    path: Path,
    actor: Option<ActorId>,
    device: Option<DeviceId>,
    cause: Cause,
    action: Option<Action>,
    protocol: Option<Protocol>,
    incident: AlertId,
    repeats: Repeats,
    /// When to tell of the repetitions, or to forget the alert if there was none.
    due: Timestamp,
    interval_ms: u32,
}

/// What was done by one client to one device without a long pause, or the alerts of one cause within a minute.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tally {
    first: AlertId,
    since: Timestamp,
    last: Timestamp,
    count: u32,
}

impl Tally {
    /// Whether anything more may come to belong to it. Incidents count nothing.
    const fn is_live(&self, now: Timestamp) -> bool {
        match self.count {
            0 => self.last.plus_ms(INCIDENT_PAUSE_MS).0 >= now.0,
            _ => self.since.plus_ms(MINUTE_MS).0 > now.0,
        }
    }
}

impl From<&Alert<'_>> for Tally {
    /// What an alert begins.
    fn from(alert: &Alert<'_>) -> Self {
        Self { first: alert.id, since: alert.time, last: alert.time, count: 0 }
    }
}

/// An entry in the table of alerts that may repeat themselves.
pub type FoldSlot = TableSlot<u128, Folded>;
/// An entry in the table of incidents and of rates.
pub type TallySlot = TableSlot<u128, Tally>;

impl Folded {
    fn succeed(&mut self, succession: &Succession<'_>) {
        self.actor = self.actor.and_then(|actor| succession.actor(actor));
        self.device = self.device.and_then(|device| succession.device(device));
        if let Cause::Violation(violation) = &mut self.cause {
            *violation = succession.violation_left(*violation);
        }
        if let Some(Spot::Point(point)) = self.repeats.spot {
            self.repeats.spot = succession.point(point).map(Spot::Point);
        }
    }
}

impl Default for Folded {
    fn default() -> Self {
        Self {
            path: Path::default(),
            actor: None,
            device: None,
            cause: Cause::Rule(RuleId(0)),
            action: None,
            protocol: None,
            incident: AlertId(0),
            repeats: Repeats::default(),
            due: Timestamp(0),
            interval_ms: 0,
        }
    }
}

/// The alerts that were given lately. When the table is full, the one that was not repeated for longest is told of and
/// goes.
#[derive(Debug)]
pub(crate) struct Folds<'s> {
    folding: Folding,
    table: Table<'s, u128, Folded>,
    tallies: Table<'s, u128, Tally>,
    /// No entry is due before this.
    due: Timestamp,
}

impl<'s> Folds<'s> {
    pub(crate) fn new(
        folding: Folding,
        (buckets, slots): (&'s mut [u32], &'s mut [FoldSlot]),
        (tally_buckets, tallies): (&'s mut [u32], &'s mut [TallySlot]),
        seed: u64,
    ) -> Self {
        let (table, tallies) = (Table::new(buckets, slots, seed), Table::new(tally_buckets, tallies, seed));
        Self { folding, table, tallies, due: NEVER }
    }

    /// How many alerts are remembered that may repeat themselves.
    pub(crate) fn alerts(&self) -> Occupancy {
        self.table.occupancy()
    }

    /// How many incidents and causes are remembered.
    pub(crate) fn incidents(&self) -> Occupancy {
        self.tallies.occupancy()
    }

    /// When an alert next wants to be told of again.
    pub(crate) fn next_due(&self) -> Option<Timestamp> {
        (self.due < NEVER).then_some(self.due)
    }

    /// Gives an alert of the station `of` (a unit id, or a pair of link addresses), or counts it to the one that it
    /// repeats. Alerts of a rule with the same `common` number are alike, whatever else they tell.
    pub(crate) fn give(
        &mut self,
        mut alert: Alert<'_>,
        of: u32,
        common: Option<u32>,
        counters: &mut Counters,
        output: &mut dyn Output,
    ) {
        if let Some(by) = alert.suppressed {
            counters.add(Counter::AlertsSuppressed, 1);
            return output.suppressed(&alert, by);
        }
        alert.incident = self.incident(&alert, of, counters);
        let off = self.folding.interval_ms == 0 || self.table.capacity() == 0;
        let kin = common.map_or_else(|| kin(&alert, of), |common| rule_key(&alert.cause, common));
        if off || self.admit(&alert, kin, counters, output) {
            counters.add(Counter::Alerts, 1);
            output.alert(&alert);
        } else {
            counters.add(Counter::AlertsFolded, 1);
        }
    }

    /// True when the alert is to be given: it is the first of its kind, and there were not too many of its cause.
    fn admit(&mut self, alert: &Alert<'_>, kin: u128, counters: &mut Counters, output: &mut dyn Output) -> bool {
        if let Some(id) = self.table.find(&kin) {
            self.count(id, alert);
            return false;
        }
        let Some(first) = self.beyond_rate(alert, counters) else {
            self.keep(kin, alert, Repeats::none(alert.id, alert), counters, output);
            return true;
        };
        let key = cause_key(&alert.cause);
        match self.table.find(&key) {
            Some(id) => self.count(id, alert),
            None => {
                let repeats = Repeats { count: 1, is_rate: true, ..Repeats::none(first, alert) };
                self.keep(key, alert, repeats, counters, output);
            }
        }
        false
    }

    fn count(&mut self, id: u32, alert: &Alert<'_>) {
        if let Some(folded) = self.table.get_mut(id) {
            folded.repeats.count = folded.repeats.count.saturating_add(1);
            folded.repeats.last = folded.repeats.last.max(alert.time);
            folded.repeats.spot = folded.repeats.spot.filter(|spot| alert.spot() == Some(*spot));
        }
    }

    /// Remembers an alert.
    fn keep(
        &mut self,
        key: u128,
        alert: &Alert<'_>,
        repeats: Repeats,
        counters: &mut Counters,
        output: &mut dyn Output,
    ) {
        if self.table.is_full()
            && let Some(victim) = self.table.victim()
        {
            self.settle(victim, counters, output);
            self.table.remove(victim);
            counters.add(Counter::AlertsForgotten, 1);
        }
        let interval_ms = self.folding.interval_ms;
        let due = alert.time.plus_ms(interval_ms);
        let Alert { path, actor, device, action, protocol, cause, incident, .. } = *alert;
        let folded = Folded { path, actor, device, cause, action, protocol, incident, repeats, due, interval_ms };
        if self.table.insert(key, folded).is_some() {
            self.due = self.due.min(due);
        }
    }

    /// Lets time pass: tells of what was repeated, forgets what was not.
    pub(crate) fn advance(&mut self, now: Timestamp, counters: &mut Counters, output: &mut dyn Output) {
        self.due = NEVER;
        for id in 0..self.table.capacity() {
            let Some(due) = self.table.get(id).map(|folded| folded.due) else { continue };
            if due > now {
                self.due = self.due.min(due);
            } else if self.settle(id, counters, output) {
                self.wait_longer(id, due);
            } else {
                self.table.remove(id);
            }
        }
    }

    fn wait_longer(&mut self, id: u32, due: Timestamp) {
        let Some(folded) = self.table.get_mut(id) else { return };
        folded.interval_ms = folded.interval_ms.saturating_mul(2).min(LONGEST_INTERVAL_MS);
        folded.due = due.plus_ms(folded.interval_ms);
        self.due = self.due.min(folded.due);
    }

    /// Goes on under the numbers of another policy. Alerts are known by the numbers of their rules and points: those whose
    /// numbers change are told of as far as they were repeated, and given anew when they come again.
    pub(crate) fn succeed(&mut self, succession: &Succession<'_>, counters: &mut Counters, output: &mut dyn Output) {
        let points_stay = (0..).map(PointId).zip(succession.points).all(|(id, new)| *new == Some(id));
        for id in 0..self.table.capacity() {
            let Some(cause) = self.table.get(id).map(|folded| folded.cause) else { continue };
            let stays = match cause {
                Cause::Violation(_) | Cause::Intent(..) => true,
                Cause::Rule(rule) => points_stay && succession.rule(rule) == Some(rule),
            };
            if stays {
                self.table.get_mut(id).into_iter().for_each(|folded| folded.succeed(succession));
            } else {
                self.settle(id, counters, output);
                self.table.remove(id);
            }
        }
        let rules = (0..).map(RuleId).zip(succession.rules);
        for (rule, _) in rules.filter(|(rule, new)| **new != Some(*rule)) {
            if let Some(rate) = self.tallies.find(&cause_key(&Cause::Rule(rule))) {
                self.tallies.remove(rate);
            }
        }
    }

    /// Tells of every repetition that was not told of yet.
    pub(crate) fn finish(&mut self, counters: &mut Counters, output: &mut dyn Output) {
        for id in 0..self.table.capacity() {
            if self.table.get(id).is_some() {
                self.settle(id, counters, output);
                self.table.remove(id);
            }
        }
        self.due = NEVER;
    }

    /// Tells how often an alert was repeated; false if it was not.
    fn settle(&mut self, id: u32, counters: &mut Counters, output: &mut dyn Output) -> bool {
        let Some(folded) = self.table.get_mut(id).filter(|folded| folded.repeats.count > 0) else { return false };
        let Folded { path, actor, device, cause, action, protocol, incident, repeats, .. } = *folded;
        folded.repeats.count = 0;
        folded.repeats.first = repeats.last;
        counters.add(Counter::AlertSummaries, 1);
        output.alert(&Alert {
            actor,
            device,
            action,
            protocol,
            incident,
            repeats: Some(repeats),
            ..Alert::bare(summary_id(&repeats), repeats.last, path, cause)
        });
        true
    }

    /// The incident that an alert belongs to: what one client does to one station without a long pause, and what comes of
    /// that in the process, whoever it is reported to. It is called after its first alert.
    fn incident(&mut self, alert: &Alert<'_>, of: u32, counters: &mut Counters) -> AlertId {
        let commanded = alert.process.and_then(|news| news.last_command?.unpermitted);
        let key = commanded.unwrap_or_else(|| incident_key(&alert.path, of)).get().into();
        let Some(incident) = self.tally(key, alert, counters) else { return alert.id };
        if incident.last.plus_ms(INCIDENT_PAUSE_MS) < alert.time {
            *incident = Tally::from(alert);
        }
        incident.last = incident.last.max(alert.time);
        incident.first
    }

    /// The first alert of the same cause within the minute, if as many as may be were given since.
    fn beyond_rate(&mut self, alert: &Alert<'_>, counters: &mut Counters) -> Option<AlertId> {
        let most = self.folding.alerts_a_minute.into();
        let rate = self.tally(cause_key(&alert.cause), alert, counters)?;
        if rate.since.plus_ms(MINUTE_MS) <= alert.time {
            *rate = Tally::from(alert);
        }
        rate.count = rate.count.saturating_add(1);
        (rate.count > most).then_some(rate.first)
    }

    /// The incident or rate that is known by `key`, begun by this alert if there is none.
    fn tally(&mut self, key: u128, alert: &Alert<'_>, counters: &mut Counters) -> Option<&mut Tally> {
        if self.tallies.find(&key).is_none()
            && self.tallies.is_full()
            && let Some(victim) = self.tallies.victim()
        {
            let is_live = self.tallies.get(victim).is_some_and(|tally| tally.is_live(alert.time));
            counters.add(Counter::AlertsForgotten, is_live.into());
            self.tallies.remove(victim);
        }
        let id = self.tallies.entry(key, Tally::from(alert))?;
        self.tallies.get_mut(id)
    }
}

const NEVER: Timestamp = Timestamp(u64::MAX);

/// What the incident is known by that a client has with the station `of`.
pub(super) fn incident_key(path: &Path, of: u32) -> NonZeroU32 {
    let (hosts, port) = ends(path);
    let key = digest(&[b"incident", hosts.as_flattened(), &port, &of.to_le_bytes()]);
    NonZeroU32::new(key as u32).unwrap_or(NonZeroU32::MIN)
}

/// What alerts have in common that are one: cause, client, device, action, place and outcome. Values may differ.
fn kin(alert: &Alert<'_>, of: u32) -> u128 {
    let (reason, place) = cause_parts(&alert.cause);
    let done = || alert.intent?.done?.place;
    let place = place.or(alert.item.map(|item| (item.space, item.address))).or_else(done);
    let (space, address) = place.map_or((u8::MAX, 0), |(space, address)| (space.number(), address));
    let action = alert.action.map_or(u8::MAX, Action::number);
    let outcome = alert.exchange.map_or(u8::MAX, |exchange| exchange.outcome as u8);
    let point = alert.process.map_or(u32::MAX, |news| news.point.0);
    let from_client = alert.anomaly.is_none_or(|anomaly| anomaly.from_client);
    let (hosts, port) = ends(&alert.path);
    digest(&[
        &reason.to_le_bytes(),
        hosts.as_flattened(),
        &port,
        &of.to_le_bytes(),
        &address.to_le_bytes(),
        &point.to_le_bytes(),
        &[space, action, outcome, from_client.into()],
    ])
}

/// What alerts of a rule have in common that knows by itself what is one.
fn rule_key(cause: &Cause, common: u32) -> u128 {
    digest(&[b"rule", &cause_parts(cause).0.to_le_bytes(), &common.to_le_bytes()])
}

fn cause_key(cause: &Cause) -> u128 {
    digest(&[b"cause", &cause_parts(cause).0.to_le_bytes()])
}

/// The cause as a number of this policy, and the place that it names.
fn cause_parts(cause: &Cause) -> (u32, Option<(Space, u32)>) {
    match cause {
        Cause::Violation(violation) => (violation.reason as u32, violation.place),
        Cause::Rule(rule) => (u32::from(rule.0).wrapping_add(0x1_0000), None),
        Cause::Intent(finding, _) => (u32::from(finding.number()).wrapping_add(0x2_0000), None),
    }
}

/// The ends of a flow without the client's port, which changes with every connection.
fn ends(path: &Path) -> ([[u8; 16]; 2], [u8; 2]) {
    let hosts = [path.client.ip, path.server.ip].map(|ip| address_bits(ip).to_le_bytes());
    (hosts, path.server.port.to_le_bytes())
}

/// A summary's identity derives from the alert that it continues and from how far it goes.
fn summary_id(repeats: &Repeats) -> AlertId {
    let (count, last) = (repeats.count.to_le_bytes(), repeats.last.0.to_le_bytes());
    AlertId(digest(&[b"repeats", &repeats.of.0.to_le_bytes(), &count, &last]))
}

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects, clippy::indexing_slicing)]
mod tests;
