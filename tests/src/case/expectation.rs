use std::collections::{BTreeMap, HashMap, HashSet};
use std::net::SocketAddr;

use tagout_core::engine::Policy;

use super::{Case, Expect, Scene, Speaker};
use crate::collect::{Records, Reported};
use crate::dialogue::Turn;
use crate::plant::Protocol;

const SHOWN: usize = 12;

impl Case {
    /// What this case expects of a protocol.
    pub fn expectation(&self, protocol: Protocol) -> &Expect {
        self.variation(protocol).expect.as_ref().unwrap_or(&self.expect)
    }
}

impl Expect {
    /// How the exchanges and anomalies of `records` differ from what is expected of `scene`, a line each.
    pub fn differences(&self, scene: &Scene, records: &Records) -> Vec<String> {
        let mut differences = self.exchange_differences(scene, records);
        differences.extend(self.anomaly_differences(records));
        differences
    }

    /// The turns of `scene` that left other records than expected, whatever else was reported.
    pub fn losses(&self, scene: &Scene, records: &Records) -> Vec<String> {
        self.compare(scene, records).0
    }

    /// How the alerts of `records` that permits raised differ from what is expected, a line each.
    pub fn alert_differences(&self, protocol: Protocol, records: &Records, policy: Policy<'_>) -> Vec<String> {
        let mut raised: Vec<String> = records.violations().map(|alert| alert.told(policy)).collect();
        let mut differences = Vec::new();
        for (danger, owed) in dangers(protocol).into_iter().zip([self.alerts, self.other_alerts]) {
            let before = raised.len();
            raised.retain(|alert| alert != danger);
            let found = before - raised.len();
            if found != owed {
                differences.push(format!("alerted {found} times, not {owed}: {danger}"));
            }
        }
        differences.extend(raised.iter().map(|alert| format!("alert not expected: {alert}")));
        differences
    }

    fn exchange_differences(&self, scene: &Scene, records: &Records) -> Vec<String> {
        let (mut differences, open) = self.compare(scene, records);
        differences.extend(open.rest().map(|record| format!("not expected: {}", show(&record))));
        shorten(differences)
    }

    fn compare(&self, scene: &Scene, records: &Records) -> (Vec<String>, Open) {
        let mut open = Open::new(&records.exchanges);
        let mut differences = Vec::new();
        for (nth, speaker) in scene.speakers.iter().enumerate() {
            for (index, turn) in speaker.turns.iter().enumerate() {
                let rule = if nth == 0 { self.rule(index, speaker.turns.len() - 1) } else { None };
                if !open.close(speaker, turn, rule.unwrap_or(turn.outcome)) {
                    let rule = rule.unwrap_or(turn.outcome);
                    differences.push(format!("speaker {nth} turn {index}: expected {rule}; {}", show_turn(turn)));
                }
            }
        }
        (differences, open)
    }

    /// What a turn of the agent leaves, if not what was meant.
    fn rule(&self, index: usize, danger: usize) -> Option<&str> {
        let named = self.turns.iter().find(|(key, _)| covers(key, index, danger)).map(|(_, rule)| rule);
        named.or(self.others.as_ref()).map(String::as_str)
    }

    fn anomaly_differences(&self, records: &Records) -> Vec<String> {
        let seen: HashSet<&str> = records.anomalies.iter().map(|(kind, _)| kind.name()).collect();
        let mut allowed = HashSet::new();
        let mut differences = Vec::new();
        for rule in &self.anomalies {
            let kinds: Vec<&str> = rule.trim_end_matches('?').split('|').collect();
            if !rule.ends_with('?') && !kinds.iter().any(|kind| seen.contains(kind)) {
                differences.push(format!("anomaly {rule} not reported"));
            }
            allowed.extend(kinds);
        }
        let extra: BTreeMap<_, _> = records.anomalies.iter().map(|(kind, frame)| (kind.name(), frame)).collect();
        let extra = extra.into_iter().filter(|(kind, _)| !allowed.contains(kind));
        differences.extend(extra.map(|(kind, frame)| format!("anomaly {kind} not expected, frame {frame}")));
        differences
    }
}

/// What the dangerous commands are, as an alert tells them.
pub fn dangers(protocol: Protocol) -> [&'static str; 2] {
    match protocol {
        Protocol::Modbus => [
            "optimizer write plc1 pump_speed 99.9 value-out-of-range",
            "optimizer write plc1 pump_speed 95.0 value-out-of-range",
        ],
        Protocol::Dnp3 => [
            "optimizer direct-operate rtu1 breaker_7 0.0 point-not-permitted",
            "optimizer direct-operate rtu1 breaker_8 0.0 point-not-permitted",
        ],
    }
}

/// The records not yet accounted for.
struct Open {
    counts: HashMap<Reported, usize>,
    /// Who may leave whatever: client and label.
    tolerated: HashSet<(SocketAddr, u16, u16)>,
}

impl Open {
    fn new(exchanges: &[Reported]) -> Self {
        let mut counts = HashMap::new();
        exchanges.iter().for_each(|record| *counts.entry(record.clone()).or_default() += 1);
        Self { counts, tolerated: HashSet::new() }
    }

    /// Accounts for what a turn leaves; false if it left something else.
    fn close(&mut self, speaker: &Speaker, turn: &Turn, rule: &str) -> bool {
        rule.split('|').any(|alternative| self.close_one_way(speaker, turn, alternative))
    }

    fn close_one_way(&mut self, speaker: &Speaker, turn: &Turn, rule: &str) -> bool {
        if rule == "missing" {
            return true;
        }
        if rule.split('+').any(|part| part == "any") {
            self.tolerated.insert((client(speaker), turn.unit, turn.label));
        }
        let outcomes = rule.split('+').filter(|part| *part != "any");
        let owed: Vec<Reported> = outcomes.map(|outcome| record(speaker, turn, outcome)).collect();
        let found = owed.iter().all(|record| self.counts.get(record).is_some_and(|count| *count > 0));
        if found {
            owed.iter().for_each(|record| *self.counts.get_mut(record).expect("just found") -= 1);
        }
        found
    }

    fn rest(self) -> impl Iterator<Item = Reported> {
        let tolerated = self.tolerated;
        let mut rest: Vec<Reported> = self.counts.into_iter().filter(|(_, n)| *n > 0).map(|(one, _)| one).collect();
        rest.sort();
        rest.into_iter().filter(move |record| !tolerated.contains(&(record.client, record.unit, label(record))))
    }
}

/// The record that a turn leaves with this outcome.
fn record(speaker: &Speaker, turn: &Turn, outcome: &str) -> Reported {
    let outcome = OUTCOMES.iter().find(|known| **known == outcome);
    let outcome = outcome.expect("the case names an outcome of the records");
    Reported {
        client: client(speaker),
        unit: turn.unit,
        master: turn.master,
        transaction_id: if turn.master == 0 { turn.label } else { 0 },
        request: turn.request.clone().filter(|_| *outcome != "unrequested"),
        response: turn.response.clone().filter(|_| *outcome != "unanswered"),
        outcome,
    }
}

const OUTCOMES: [&str; 5] = ["answered", "refused", "no-response-due", "unanswered", "unrequested"];

fn client(speaker: &Speaker) -> SocketAddr {
    SocketAddr::new(speaker.client.ip, speaker.client.port)
}

/// Transaction id, or application sequence number.
fn label(record: &Reported) -> u16 {
    if record.master == 0 {
        return record.transaction_id;
    }
    let fragment = record.request.as_ref().or(record.response.as_ref());
    fragment.map_or(0, |fragment| u16::from(fragment[0] & 0x0f))
}

fn covers(key: &str, index: usize, danger: usize) -> bool {
    if key == "danger" {
        return index == danger;
    }
    let (first, last) = key.split_once('-').unwrap_or((key, key));
    let number = |text: &str| text.parse::<usize>().expect("a turn is a number");
    (number(first)..=number(last)).contains(&index)
}

fn show_turn(turn: &Turn) -> String {
    let (request, response) = (hex(turn.request.as_deref()), hex(turn.response.as_deref()));
    format!("unit {} label {} request {request} response {response}", turn.unit, turn.label)
}

fn show(record: &Reported) -> String {
    let (request, response) = (hex(record.request.as_deref()), hex(record.response.as_deref()));
    let (label, outcome) = (label(record), record.outcome);
    format!("{} unit {} label {label} {outcome} request {request} response {response}", record.client, record.unit)
}

fn hex(bytes: Option<&[u8]>) -> String {
    let Some(bytes) = bytes else { return "none".into() };
    let shown: String = bytes.iter().take(24).map(|byte| format!("{byte:02x}")).collect();
    if bytes.len() > 24 { format!("{shown}… ({} bytes)", bytes.len()) } else { shown }
}

fn shorten(mut differences: Vec<String>) -> Vec<String> {
    let more = differences.len().saturating_sub(SHOWN);
    differences.truncate(SHOWN);
    if more > 0 {
        differences.push(format!("and {more} more"));
    }
    differences
}
