//! What humans approve in the policy, declared each time that a window of theirs begins.

use tagout_compiler::Approval;
use tagout_core::intent::{IntentKey, Wanted};
use tagout_core::{Sensor, Timestamp};

use super::{Declaration, Source, Target, Told};
use crate::output::Recorder;

/// The approvals of a policy, as time passes.
#[derive(Debug, Default)]
pub struct Approvals {
    all: Vec<Approval>,
    /// How long before its window an approval is declared.
    skew_ms: u32,
    /// When time began; `None` before that.
    since: Option<Timestamp>,
    turns: Vec<Turn>,
    /// Nothing is to be declared before this.
    next: Timestamp,
    /// What was declared and is not over, by the place of its approval.
    in_force: Vec<(usize, Timestamp, IntentKey)>,
}

/// An approval in one of its windows.
#[derive(Debug)]
struct Turn {
    approval: usize,
    window: usize,
    /// The end of that for which it was declared last.
    until: u64,
}

impl Approvals {
    /// These approvals, of which nothing is declared yet. Clocks may be off by so many milliseconds.
    pub fn new(all: Vec<Approval>, skew_ms: u32) -> Self {
        let turns = (0..)
            .zip(&all)
            .flat_map(|(approval, of)| (0..of.windows.len()).map(move |window| Turn { approval, window, until: 0 }));
        Self { turns: turns.collect(), all, skew_ms, ..Self::default() }
    }

    /// Whether nothing is ever approved.
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// Begins anew.
    pub fn rewind(&mut self) {
        *self = Self::new(std::mem::take(&mut self.all), self.skew_ms);
    }

    /// Gives a sensor everything that is approved up to a time, and what is about to be.
    #[inline]
    pub fn deliver(&mut self, now: Timestamp, sensor: &mut Sensor<'_>, recorder: &mut Recorder<'_>) {
        if now >= self.next {
            self.deliver_due(now, sensor, recorder);
        }
    }

    fn deliver_due(&mut self, now: Timestamp, sensor: &mut Sensor<'_>, recorder: &mut Recorder<'_>) {
        let since = *self.since.get_or_insert(now);
        self.in_force.retain(|(_, end, _)| end.plus_ms(self.skew_ms) > now);
        self.next = Timestamp(u64::MAX);
        for turn in &mut self.turns {
            let approval = &self.all[turn.approval];
            let (window, time) = &approval.windows[turn.window];
            while let Some((from, until)) = time.ending_after(turn.until.max(since.0)) {
                let due = Timestamp(from.saturating_sub(u64::from(self.skew_ms) * 1_000_000));
                if due > now {
                    self.next = self.next.min(due);
                    break;
                }
                turn.until = until;
                for actor in &approval.actors {
                    let times = (Timestamp(from), Timestamp(until), due.max(since));
                    let declaration = declaration(approval, (actor, window), times);
                    self.in_force.push((turn.approval, Timestamp(until), declaration.key()));
                    Told::Declared(Box::new(declaration)).give(sensor, recorder);
                }
            }
        }
    }

    /// Goes on with the approvals of another policy: what that does not approve in the same way is taken back.
    pub fn succeed(&mut self, next: Self, sensor: &mut Sensor<'_>, recorder: &mut Recorder<'_>) {
        for (approval, _, key) in &self.in_force {
            if !next.all.contains(&self.all[*approval]) {
                sensor.withdraw(*key, recorder);
            }
        }
        *self = next;
    }
}

fn declaration(
    approval: &Approval,
    (actor, window): (&str, &str),
    (not_before, expires, received): (Timestamp, Timestamp, Timestamp),
) -> Declaration {
    let value = approval.value.map(|(least, most)| match least == most {
        true => Wanted::Is(least),
        false => Wanted::Range { least, most },
    });
    Declaration {
        id: approval.id.clone(),
        source: Source::Window { approver: approval.approver.clone(), window: window.to_owned() },
        actor: actor.to_owned(),
        device: approval.device.clone(),
        targets: approval.points.iter().cloned().map(Target::Point).collect(),
        operation: approval.action,
        value,
        // Any number, for as long as the window is there.
        count: Some(approval.count.unwrap_or(0)),
        pace_ms: Some(approval.pace_ms),
        not_before,
        expires,
        received,
        reason: approval.reason.clone(),
        tool: None,
        trace_id: None,
        span_id: None,
    }
}
