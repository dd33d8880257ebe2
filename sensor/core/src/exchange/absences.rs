//! What should follow on something and has not yet.

use tagout_engine::{Action, ActorId, DeviceId, Firing, News, RuleId, Succession, SuppressionId, Timestamp, Wait};

use super::alert::place;
use super::pending::Pending;
use crate::record::{Alert, AlertId, Cause, Exchange, Path, Protocol};
use crate::store::{Occupancy, Table, TableSlot};

/// What is waited for.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Awaited {
    /// What should follow by a rule, by what it remembers that by.
    Exchange(RuleId, u32),
    /// That a device reports its points again.
    Reports(DeviceId),
}

impl Default for Awaited {
    fn default() -> Self {
        Self::Exchange(RuleId(0), 0)
    }
}

/// What is waited for after an exchange, with the exchange as far as an alert tells of it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Absence {
    pub(super) awaited: Awaited,
    pub(super) path: Path,
    pub(super) actor: Option<ActorId>,
    pub(super) device: Option<DeviceId>,
    pub(super) action: Option<Action>,
    pub(super) protocol: Option<Protocol>,
    /// The station: a unit id, or a pair of link addresses.
    pub(super) of: u32,
    pub(super) since: Timestamp,
    /// What tells it from others of its flow: the exchange's key, with the item of it that the rule fired for.
    pub(super) key: u64,
    /// What kept its alert from being given when the wait began.
    pub(super) suppressed: Option<SuppressionId>,
    pub(super) due: Timestamp,
}

impl Absence {
    /// What a rule waits for after an exchange, for so long.
    pub(super) fn of(firing: Firing, exchange: &Exchange<'_>, pending: &Pending, since: Timestamp, ms: u32) -> Self {
        let awaited = Awaited::Exchange(firing.rule, firing.kin.unwrap_or(0));
        let suppressed = firing.suppressed;
        let key = pending.key ^ firing.item.map_or(0, place);
        Self { key, suppressed, ..Self::after(awaited, exchange, pending, since, since.plus_ms(ms)) }
    }

    /// What is waited for after an exchange.
    pub(super) fn after(
        awaited: Awaited,
        exchange: &Exchange<'_>,
        pending: &Pending,
        since: Timestamp,
        due: Timestamp,
    ) -> Self {
        let Exchange { path, actor, device, action, .. } = *exchange;
        let (action, protocol, of) = (Some(action), Some(exchange.body.protocol()), pending.parties.of);
        Self { awaited, path, actor, device, action, protocol, of, since, key: pending.key, suppressed: None, due }
    }

    /// The alert that what was waited for did not come; what that says of a point if it is about one.
    pub(super) fn alert(&self, id: AlertId, cause: Cause, process: Option<News>) -> Alert<'static> {
        let Self { path, actor, device, action, protocol, suppressed, due, .. } = *self;
        Alert { actor, device, action, protocol, process, suppressed, ..Alert::bare(id, due, path, cause) }
    }
}

/// An entry in the table of what is waited for.
pub type AbsenceSlot = TableSlot<Awaited, Absence>;

/// What is waited for. When the table is full, nothing more is.
#[derive(Debug)]
pub(crate) struct Absences<'s> {
    table: Table<'s, Awaited, Absence>,
    /// Nothing is due before this.
    due: Timestamp,
}

const NEVER: Timestamp = Timestamp(u64::MAX);

impl<'s> Absences<'s> {
    pub(crate) fn new(buckets: &'s mut [u32], slots: &'s mut [AbsenceSlot], seed: u64) -> Self {
        Self { table: Table::new(buckets, slots, seed), due: NEVER }
    }

    /// How much is waited for.
    pub(crate) fn occupancy(&self) -> Occupancy {
        self.table.occupancy()
    }

    /// Goes on under the numbers of another policy; what rules wait for that are no more is forgotten.
    pub(crate) fn succeed(&mut self, succession: &Succession<'_>) {
        self.table.rename(|awaited, absence| {
            let awaited = match *awaited {
                Awaited::Exchange(rule, kin) => Awaited::Exchange(succession.rule(rule)?, kin),
                Awaited::Reports(device) => Awaited::Reports(succession.device(device)?),
            };
            absence.awaited = awaited;
            absence.actor = absence.actor.and_then(|actor| succession.actor(actor));
            absence.device = absence.device.and_then(|device| succession.device(device));
            absence.suppressed = absence.suppressed.and_then(|by| succession.suppression(by));
            Some(awaited)
        });
    }

    /// When the next of them is due.
    pub(crate) fn next_due(&self) -> Option<Timestamp> {
        (self.due < NEVER).then_some(self.due)
    }

    /// Begins or ends to wait; false if there is no room. What is waited for already stays due when it was.
    pub(super) fn note(&mut self, wait: Wait, absence: &Absence) -> bool {
        match (wait, self.table.find(&absence.awaited)) {
            (Wait::Begins, None) => self.keep(absence),
            (Wait::Ends, Some(id)) => {
                self.table.remove(id);
                true
            }
            _ => true,
        }
    }

    /// Waits as the latest exchange tells, but no longer than before; false if there is no room.
    pub(super) fn renew(&mut self, absence: &Absence) -> bool {
        let known = self.table.find(&absence.awaited).and_then(|id| self.table.get_mut(id));
        let Some(known) = known else { return self.keep(absence) };
        *known = Absence { due: known.due.min(absence.due), ..*absence };
        self.due = self.due.min(absence.due);
        true
    }

    fn keep(&mut self, absence: &Absence) -> bool {
        let kept = self.table.insert(absence.awaited, *absence).is_some();
        self.due = if kept { self.due.min(absence.due) } else { self.due };
        kept
    }

    /// Takes out one that is due by `now`; works out when the next is once there is none.
    pub(super) fn overdue(&mut self, now: Timestamp) -> Option<Absence> {
        let mut next = NEVER;
        for id in 0..self.table.capacity() {
            let Some(absence) = self.table.get(id).copied() else { continue };
            if absence.due <= now {
                self.table.remove(id);
                return Some(absence);
            }
            next = next.min(absence.due);
        }
        self.due = next;
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(second: u64) -> Timestamp {
        Timestamp(second.saturating_mul(1_000_000_000))
    }

    fn absence(kin: u32, due: u64) -> Absence {
        Absence { awaited: Awaited::Exchange(RuleId(0), kin), due: at(due), ..Absence::default() }
    }

    #[test]
    fn what_does_not_come_in_time_is_overdue_once() {
        let (mut buckets, mut slots) = ([0; 2], [AbsenceSlot::default(); 2]);
        let mut absences = Absences::new(&mut buckets, &mut slots, 0);
        assert!(absences.note(Wait::Begins, &absence(1, 30)) && absences.note(Wait::Begins, &absence(2, 20)));
        // What is waited for already stays due; what nobody waits for ends nothing.
        assert!(absences.note(Wait::Begins, &absence(2, 90)) && absences.note(Wait::Ends, &absence(3, 0)));
        assert!(!absences.note(Wait::Begins, &absence(4, 10)), "there is no room");
        assert_eq!(absences.overdue(at(20)).map(|absence| absence.awaited), Some(absence(2, 0).awaited));
        assert!(absences.overdue(at(20)).is_none());
        assert_eq!(absences.next_due(), Some(at(30)));
        assert!(absences.note(Wait::Ends, &absence(1, 0)) && absences.overdue(at(99)).is_none());
        assert_eq!(absences.next_due(), None);
    }

    #[test]
    fn what_is_renewed_is_due_no_later() {
        let (mut buckets, mut slots) = ([0; 1], [AbsenceSlot::default(); 1]);
        let mut absences = Absences::new(&mut buckets, &mut slots, 0);
        assert!(absences.renew(&absence(1, 30)) && absences.renew(&Absence { of: 7, ..absence(1, 40) }));
        assert!(!absences.renew(&absence(2, 10)), "there is no room");
        assert_eq!(absences.overdue(at(30)).map(|absence| (absence.of, absence.due)), Some((7, at(30))));
    }
}
