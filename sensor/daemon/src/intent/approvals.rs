//! What humans approve in the policy, declared each time that a window of theirs begins.

use std::fmt;

use tagout_compiler::{Approval, Deed};
use tagout_core::intent::IntentKey;
use tagout_core::words::Duration;
use tagout_core::{Sensor, Timestamp};

use super::declaration::{wanted, write_deed};
use super::{Audience, Declaration, Source, Target, Told};

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
    pub fn deliver(&mut self, now: Timestamp, sensor: &mut Sensor<'_>, to: &mut impl Audience) {
        if now >= self.next {
            self.deliver_due(now, sensor, to);
        }
    }

    fn deliver_due(&mut self, now: Timestamp, sensor: &mut Sensor<'_>, to: &mut impl Audience) {
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
                    Told::Declared(Box::new(declaration)).give(sensor, to);
                }
            }
        }
    }

    /// Goes on with the approvals of another policy: what that does not approve in the same way is taken back.
    pub fn succeed(&mut self, next: Self, sensor: &mut Sensor<'_>, to: &mut impl Audience) {
        for (approval, _, key) in &self.in_force {
            if !next.all.contains(&self.all[*approval]) {
                sensor.withdraw(*key, to);
            }
        }
        *self = next;
    }
}

/// An approval in a line, as in `CHG-7 by Ada Ruiz, during night: scheduler: write plc1.speed = 20..60, 3 times`.
pub struct InWords<'a>(pub &'a Approval);

impl fmt::Display for InWords<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Approval { id, approver, actors, windows, deed, count, pace_ms, .. } = self.0;
        let windows: Vec<_> = windows.iter().map(|(name, _)| name.as_str()).collect();
        write!(f, "{id} by {approver}, during {}: {}: ", windows.join(" and "), actors.join(" or "))?;
        write_deed(f, deed.action, deed.device.as_deref(), &Target::of(deed), wanted(deed))?;
        match count {
            Some(1) => f.write_str(", once")?,
            Some(count) => write!(f, ", {count} times")?,
            None => f.write_str(", any number of times")?,
        }
        if *pace_ms > 0 { write!(f, ", {} apart", Duration(*pace_ms)) } else { Ok(()) }
    }
}

fn declaration(
    approval: &Approval,
    (actor, window): (&str, &str),
    (not_before, expires, received): (Timestamp, Timestamp, Timestamp),
) -> Declaration {
    let Deed { device, action, .. } = &approval.deed;
    Declaration {
        id: approval.id.clone(),
        source: Source::Window { approver: approval.approver.clone(), window: window.to_owned() },
        actor: actor.to_owned(),
        device: device.clone(),
        targets: Target::of(&approval.deed),
        operation: *action,
        value: wanted(&approval.deed),
        // Any number, for as long as the window is there.
        count: Some(approval.count.unwrap_or(0)),
        pace_ms: Some(approval.pace_ms),
        not_before,
        expires,
        received,
        client: None,
        reason: approval.reason.clone(),
        agent: None,
        tool: None,
        trace_id: None,
        span_id: None,
    }
}
