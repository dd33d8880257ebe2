//! What a policy permits but for its times, paces, conditions, replies and cadences: that is for somebody to decide.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use tagout_core::Timestamp;
use tagout_core::engine::{CadenceEvent, CadenceId, Departure, PermitId, Policy, Reason, SourceInfo, Violation};

use super::infer::Short;
use super::review::time;

/// How often each permit was not kept to, by what was against it, and each cadence, by what departed from it.
#[derive(Clone, Debug, Default)]
pub(super) struct Strays {
    permits: BTreeMap<(PermitId, Reason), Stray>,
    cadences: BTreeMap<(CadenceId, CadenceEvent), Stray>,
}

#[derive(Clone, Copy, Debug)]
struct Stray {
    times: u64,
    first: Timestamp,
    last: Timestamp,
    /// What was furthest from the limit.
    worst: Option<f64>,
}

impl Stray {
    /// None yet, but the first comes now.
    const fn from(at: Timestamp) -> Self {
        Self { times: 0, first: at, last: at, worst: None }
    }

    fn count(&mut self, at: Timestamp) {
        self.times += 1;
        (self.first, self.last) = (self.first.min(at), self.last.max(at));
    }
}

impl Strays {
    /// Counts a violation, if it is one of these.
    pub(super) fn count(&mut self, violation: &Violation, at: Timestamp) {
        let Some(permit) = violation.nearest.filter(|_| violation.reason >= Reason::Condition) else { return };
        let stray = self.permits.entry((permit, violation.reason)).or_insert(Stray::from(at));
        stray.count(at);
        let further = if violation.reason == Reason::Reversal { f64::min } else { f64::max };
        stray.worst = [stray.worst, violation.found].into_iter().flatten().reduce(further);
    }

    /// Counts what departs from a cadence.
    pub(super) fn depart(&mut self, departure: Departure, at: Timestamp) {
        let Departure { cadence, event, .. } = departure;
        self.cadences.entry((cadence, event)).or_insert(Stray::from(at)).count(at);
    }

    pub(super) fn len(&self) -> usize {
        self.permits.len() + self.cadences.len()
    }

    /// Writes them down, permit by permit and cadence by cadence.
    pub(super) fn put(&self, page: &mut String, policy: &Policy<'_>) {
        self.put_permits(page, policy);
        self.put_cadences(page, policy);
    }

    fn put_cadences(&self, page: &mut String, policy: &Policy<'_>) {
        if self.cadences.is_empty() {
            return;
        }
        page.push_str(
            "## Beside cadences\n\nNothing is proposed: either the polling changed for good, and a cadence learned anew takes the place of\n\
             this one, or somebody disturbed it. `tagout replay` names each.\n\n\
             | cadence | what departed | alerts | first | last |\n|---|---|---|---|---|\n",
        );
        for ((cadence, event), Stray { times, first, last, .. }) in &self.cadences {
            let entry = policy.cadence_info(*cadence).map_or_else(String::new, |info| entry(info.source, info.name));
            let (first, last) = (time(*first), time(*last));
            let _ = writeln!(page, "| {entry} | {} | {times} | {first} | {last} |", event.name());
        }
        page.push('\n');
    }

    fn put_permits(&self, page: &mut String, policy: &Policy<'_>) {
        if self.permits.is_empty() {
            return;
        }
        page.push_str(
            "## Beyond times, paces, conditions and replies\n\nThe policy permits these but for what it asks beside values. Nothing is proposed: either the limit is wrong,\n\
             or what was done.\n\n| permit | what was against it | times | furthest | first | last |\n|---|---|---|---|---|---|\n",
        );
        for ((permit, reason), Stray { times, first, last, worst }) in &self.permits {
            let entry = policy.permit_info(*permit).map_or_else(String::new, |info| entry(info.source, info.name));
            let worst = worst.map_or_else(String::new, |worst| Short(worst).to_string());
            let (first, last) = (time(*first), time(*last));
            let _ = writeln!(page, "| {entry} | {} | {times} | {worst} | {first} | {last} |", reason.name());
        }
        page.push('\n');
    }
}

/// Where an entry of the policy stands, and its name.
fn entry(source: SourceInfo<'_>, name: Option<&str>) -> String {
    name.map_or_else(|| source.to_string(), |name| format!("{source} \"{name}\""))
}
