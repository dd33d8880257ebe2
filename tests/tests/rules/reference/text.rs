//! A policy as a file.

use std::fmt::Write as _;

use super::expression::tenths;
use super::model::{ACTORS, DEVICES, NAMED, PLACES, Permit, Point, Policy, Rule, Suppression, Threshold, Trigger};

/// Signature ids of rules begin here.
const SID: usize = 2_000_000;

fn quoted(name: &str) -> String {
    format!("\"{name}\"")
}

fn list(words: impl IntoIterator<Item = String>) -> String {
    format!("[{}]", words.into_iter().collect::<Vec<_>>().join(", "))
}

fn ms(ms: u64) -> String {
    format!("\"{ms} ms\"")
}

/// `key = value` lines of those that are there.
fn keys<const N: usize>(keys: [(&str, Option<String>); N]) -> String {
    keys.into_iter().filter_map(|(key, value)| Some(format!("{key} = {}\n", value?))).collect()
}

impl Policy {
    /// As TOML.
    pub(super) fn text(&self) -> String {
        let mut text = String::new();
        for actor in &ACTORS {
            if let Some((name, kind)) = actor.known {
                _ = writeln!(text, "[actors.{name}]\nkind = \"{kind}\"\nip = \"{}\"", actor.ip);
            }
        }
        for (number, device) in DEVICES[..NAMED].iter().enumerate() {
            let name = device.name.unwrap_or_default();
            _ = writeln!(text, "[devices.{name}]\nip = \"{}\"\n[devices.{name}.points]", device.ip);
            self.points.iter().filter(|point| point.device == number).for_each(|point| text += &point.text());
        }
        self.permits.iter().for_each(|permit| text += &permit.text());
        self.rules.iter().enumerate().for_each(|(number, rule)| text += &rule.text(number));
        for (number, invariant) in self.invariants.iter().enumerate() {
            _ = writeln!(text, "[[invariants]]\nname = \"invariant {number}\"\nseverity = \"high\"");
            let must = format!("'{}'", invariant.must.text());
            text += &keys([("must", Some(must)), ("for", invariant.lasting_ms.map(ms))]);
        }
        let suppressions = self.suppressions.iter().enumerate();
        suppressions.for_each(|(number, suppression)| text += &suppression.text(number, self.rules.len()));
        text
    }
}

impl Point {
    fn text(&self) -> String {
        let mut text = format!("{} = {{ {} = {}", self.name, self.space.name(), self.address);
        let is_bit = PLACES.iter().any(|place| place.0 == self.name && !place.1.is_register());
        if self.is_single {
            text += ", type = \"f32\"";
        } else if !is_bit {
            text += &format!(", scale = {}", tenths(self.scale));
        }
        let range = self.range.map(|(low, high)| format!("[{}, {}]", tenths(low), tenths(high)));
        let watched = [
            ("range", range),
            ("max_rate", self.max_rate.map(tenths)),
            ("travel", self.travel_ms.map(ms)),
            ("frozen", self.frozen_ms.map(ms)),
        ];
        for (key, value) in watched {
            text += &value.map(|value| format!(", {key} = {value}")).unwrap_or_default();
        }
        text + " }\n"
    }
}

impl Permit {
    fn text(&self) -> String {
        let (actor, device) = (ACTORS[self.actor].known.map(|(name, _)| name), DEVICES[self.device].name);
        let actions = list(self.actions.iter().map(|action| quoted(action.name())));
        let (actor, device) = (actor.map(quoted), device.map(quoted));
        "[[permits]]\n".to_owned() + &keys([("actor", actor), ("device", device), ("do", Some(actions))])
    }
}

impl Rule {
    fn text(&self, number: usize) -> String {
        let sid = SID + number;
        let head = format!("[[rules]]\nsid = {sid}\nsignature = \"rule {number}\"\nseverity = \"low\"\n");
        let per = self.per.as_ref().map(|per| list(per.iter().map(|name| quoted(name))));
        let when = self.when.as_ref().map(|when| format!("'{}'", when.text()));
        let rest = keys([("when", when), ("per", per), ("rearm", self.rearm_ms.map(ms))]);
        head + &self.trigger.text() + &self.threshold.text() + &rest
    }
}

impl Trigger {
    fn text(&self) -> String {
        match self {
            Self::Process(events) => {
                keys([("on_process", Some(list(events.iter().map(|event| quoted(event.name())))))])
            }
            Self::Exchange { actions, verdicts, outcomes } => {
                let verdicts = verdicts.as_ref().map(|all| list(all.iter().map(|verdict| quoted(verdict.name()))));
                let outcomes = outcomes.as_ref().map(|all| list(all.iter().map(|outcome| quoted(outcome.name()))));
                let actions = list(actions.iter().map(|action| quoted(action.name())));
                keys([("on_action", Some(actions)), ("on_verdict", verdicts), ("on_outcome", outcomes)])
            }
        }
    }
}

impl Threshold {
    fn text(&self) -> String {
        match self {
            Self::Each => String::new(),
            Self::Once { warm_up_ms } => keys([("once", Some("true".to_owned())), ("warm_up", warm_up_ms.map(ms))]),
            Self::Count { count, within_ms } => {
                keys([("count", Some(count.to_string())), ("within", Some(ms(*within_ms)))])
            }
            Self::Distinct { count, field, within_ms } => keys([
                ("count", Some(count.to_string())),
                ("distinct", Some(quoted(field))),
                ("within", Some(ms(*within_ms))),
            ]),
            Self::Sequence { steps, within_ms } => {
                let steps = list(steps.iter().map(|step| format!("'{}'", step.text())));
                keys([("sequence", Some(steps)), ("within", Some(ms(*within_ms)))])
            }
            Self::Absent { follows, within_ms } => {
                keys([("absent", Some(format!("'{}'", follows.text()))), ("within", Some(ms(*within_ms)))])
            }
            Self::Lasting { ms: lasting } => keys([("for", Some(ms(*lasting)))]),
        }
    }
}

impl Suppression {
    fn text(&self, number: usize, rules: usize) -> String {
        let head = format!("[[suppress]]\nname = \"s{number}\"\nreason = \"nobody wants to see it\"\n");
        let named = |rule: &usize| match rule.checked_sub(rules) {
            None => (SID + rule).to_string(),
            Some(invariant) => format!("\"Invariant broken: invariant {invariant}\""),
        };
        let reasons = || self.reasons.iter().map(|reason| quoted(reason));
        let rules = self.rules.as_ref().map(|rules| list(rules.iter().map(named).chain(reasons())));
        let actor = self.actor.and_then(|actor| ACTORS[actor].known).map(|(name, _)| quoted(name));
        let device = self.device.and_then(|device| DEVICES[device].name).map(quoted);
        let points = self.points.as_ref().map(|points| list(points.iter().map(|name| quoted(name))));
        let when = self.when.as_ref().map(|when| format!("'{}'", when.text()));
        let keys = keys([("rules", rules), ("actor", actor), ("device", device), ("points", points), ("when", when)]);
        head + &keys
    }
}
