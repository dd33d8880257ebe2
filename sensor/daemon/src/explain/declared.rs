//! What was declared of a command, and what would declare it.

use tagout_compiler::Approval;
use tagout_core::engine::{Aspect, Grade, IntentFinding, Policy};
use tagout_core::intent::{Done, Match};
use tagout_core::{Command, Timestamp};

use crate::intent::claims::{AddressSpace, Mask, Operation, Run};
use crate::intent::{Claims, Coming, Declaration, Instant, Script};

/// How long what is suggested is valid, around the command.
const AROUND_MS: u32 = 60_000;

/// What is declared while a capture goes on.
#[derive(Clone, Copy, Debug, Default)]
pub struct Declared<'a> {
    /// What a feed delivered; `None` where there is none.
    pub script: Option<&'a Script>,
    /// What the policy approves.
    pub approvals: &'a [Approval],
}

impl Declared<'_> {
    /// All of it, under a policy.
    pub(super) fn coming(self, policy: &Policy<'_>) -> Coming {
        Coming::new(self.script.cloned(), self.approvals, policy)
    }
}

/// How a command was held against what was declared.
pub(super) struct Held {
    pub(super) grade: Grade,
    pub(super) finding: Option<IntentFinding>,
    /// What the intent leaves open.
    pub(super) open: Vec<&'static str>,
    /// The intent that covers it or comes nearest.
    pub(super) intent: Option<Declaration>,
    /// What would be graded as exact.
    pub(super) exact: Option<Claims>,
}

impl Held {
    pub(super) fn of(policy: &Policy<'_>, command: &Command<'_>, verdict: &Match, words: Option<&Declaration>) -> Self {
        Self {
            grade: verdict.grade,
            finding: verdict.finding,
            open: verdict.open.iter().map(Aspect::name).collect(),
            intent: words.cloned(),
            exact: exact(policy, command),
        }
    }
}

/// The claims of an intent that declares all of a command; `None` for one of an actor or to a device without a name.
fn exact(policy: &Policy<'_>, command: &Command<'_>) -> Option<Claims> {
    let done: Vec<Done> = command.done.iter().flatten().copied().collect();
    let point = |done: &Done| Some(policy.point_info(done.point?)?.name.to_owned());
    let points: Option<Vec<String>> = done.iter().map(point).collect();
    let run = |done: &Done| {
        let (space, address) = done.place?;
        Some(Run { space: AddressSpace(space), address, quantity: u16::try_from(done.count).ok()? })
    };
    let raw = if points.is_some() { Vec::new() } else { done.iter().filter_map(run).collect() };
    // Of points and addresses beside them no one value can be told: they are in other units.
    let is_alike = points.is_some() || done.iter().all(|done| done.point.is_none());
    let ends = is_alike.then(|| ends(&done)).flatten();
    let mask = done.first().and_then(|done| done.mask).filter(|_| done.len() == 1);
    let time = command.seen.time;
    Some(Claims {
        id: "new".to_owned(),
        actor: policy.actor_info(command.actor)?.name.to_owned(),
        agent: None,
        device: Some(policy.device_info(command.device?)?.name.to_owned()),
        points: points.unwrap_or_default(),
        raw,
        operation: Some(Operation(command.action)),
        value: ends.filter(|(least, most)| least == most && mask.is_none()).map(|(value, _)| value),
        range: ends.filter(|(least, most)| least != most && mask.is_none()).map(|(least, most)| [least, most]),
        mask: mask.map(|(and, or)| Mask { and, or }),
        count: None,
        pace_ms: None,
        not_before: Instant(Timestamp(time.0.saturating_sub(u64::from(AROUND_MS) * 1_000_000))),
        expires: Instant(time.plus_ms(AROUND_MS)),
        reason: None,
        approver: None,
        trace_id: None,
    })
}

/// The least and the greatest of the values, if all are known.
fn ends(done: &[Done]) -> Option<(f64, f64)> {
    let all: Vec<_> = done.iter().map(|done| done.values).collect::<Option<_>>()?;
    all.into_iter().reduce(|(least, most), (from, to)| (least.min(from), most.max(to)))
}
