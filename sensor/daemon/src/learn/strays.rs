//! What a policy permits but for its times, paces, conditions and replies: that is for somebody to decide.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use tagout_core::Timestamp;
use tagout_core::engine::{PermitId, Policy, Reason, Violation};

use super::infer::Short;
use super::review::time;

/// How often each permit was not kept to, by what was against it.
#[derive(Clone, Debug, Default)]
pub(super) struct Strays(BTreeMap<(PermitId, Reason), Stray>);

#[derive(Clone, Copy, Debug)]
struct Stray {
    times: u64,
    first: Timestamp,
    last: Timestamp,
    /// What was furthest from the limit.
    worst: Option<f64>,
}

impl Strays {
    /// Counts a violation, if it is one of these.
    pub(super) fn count(&mut self, violation: &Violation, at: Timestamp) {
        let Some(permit) = violation.nearest.filter(|_| violation.reason >= Reason::Condition) else { return };
        let new = Stray { times: 0, first: at, last: at, worst: None };
        let stray = self.0.entry((permit, violation.reason)).or_insert(new);
        stray.times += 1;
        (stray.first, stray.last) = (stray.first.min(at), stray.last.max(at));
        let further = if violation.reason == Reason::Reversal { f64::min } else { f64::max };
        stray.worst = [stray.worst, violation.found].into_iter().flatten().reduce(further);
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Writes them down, permit by permit.
    pub(super) fn put(&self, page: &mut String, policy: &Policy<'_>) {
        if self.0.is_empty() {
            return;
        }
        page.push_str(
            "## Beyond times, paces, conditions and replies\n\nThe policy permits these but for what it asks beside values. Nothing is proposed: either the limit is wrong,\n\
             or what was done.\n\n| permit | what was against it | times | furthest | first | last |\n|---|---|---|---|---|---|\n",
        );
        for ((permit, reason), Stray { times, first, last, worst }) in &self.0 {
            let info = policy.permit_info(*permit);
            let source = info.map_or_else(String::new, |info| info.source.to_string());
            let name = info.and_then(|info| info.name).map_or_else(String::new, |name| format!(" \"{name}\""));
            let worst = worst.map_or_else(String::new, |worst| Short(worst).to_string());
            let (first, last) = (time(*first), time(*last));
            let _ = writeln!(page, "| {source}{name} | {} | {times} | {worst} | {first} | {last} |", reason.name());
        }
        page.push('\n');
    }
}
