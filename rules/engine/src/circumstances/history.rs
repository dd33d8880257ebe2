use super::{Deed, Spot};
use crate::condition::Scene;
use crate::image::Terms;
use crate::policy::carried::Carried;
use crate::rules::{Counts, Eighth, Sums};
use crate::{ActorId, DeviceId, Occupancy, PermitId, Policy, Reason, Succession, Table, TableSlot, Timestamp};

/// By what the past is remembered.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct HistoryKey(Key);

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
enum Key {
    #[default]
    Nothing,
    /// Uses that an actor makes of a permit on a device.
    Uses(PermitId, ActorId, DeviceId),
    /// The last value.
    Value(Spot),
    /// Changes by a permit.
    Changes(PermitId, Spot),
}

impl Key {
    /// The key in the numbers of another policy.
    fn renamed(self, succession: &Succession<'_>) -> Option<Self> {
        Some(match self {
            Self::Nothing => Self::Nothing,
            Self::Uses(permit, actor, device) => {
                Self::Uses(succession.permit(permit)?, succession.actor(actor)?, succession.device(device)?)
            }
            Self::Value(spot) => Self::Value(spot.renamed(succession)?),
            Self::Changes(permit, spot) => Self::Changes(succession.permit(permit)?, spot.renamed(succession)?),
        })
    }
}

/// What is remembered of permitted commands.
#[derive(Clone, Copy, Debug, Default)]
pub struct Past(Kept);

#[derive(Clone, Copy, Debug, Default)]
enum Kept {
    #[default]
    Nothing,
    /// The uses of a permit, and the number of the last judgement that made one.
    Uses(Counts, u64),
    Value(Command),
    Changes(Sums),
}

/// The last command with a value.
#[derive(Clone, Copy, Debug)]
struct Command {
    value: f64,
    at: Timestamp,
    /// Where it went when it last moved: 1 up or on, −1 down or off, 0 if it never did.
    direction: i8,
    /// When the last command in this direction was.
    moved: Timestamp,
}

/// An entry in the table of the past.
pub type PastSlot = TableSlot<HistoryKey, Past>;

/// The permitted commands of the past, as far as permits ask for them. A full table forgets what was not asked for
/// longest.
#[derive(Debug)]
pub(crate) struct History<'s> {
    table: Table<'s, HistoryKey, Past>,
    /// The number of this judgement, from 1: what an exchange does in one judgement is one use of a permit.
    judgement: u64,
}

/// A change that a deed would make.
struct Change {
    /// How much; 0 where nothing is known of the past, infinite where the value is not known.
    size: f64,
    /// What rounding may have added.
    tolerance: f64,
    /// As in [`Command`].
    direction: i8,
    before: Option<Command>,
}

impl<'s> History<'s> {
    /// How much was forgotten to make room.
    pub(crate) const fn forgotten(&self) -> u64 {
        self.table.evicted()
    }

    pub(crate) fn occupancy(&self) -> Occupancy {
        self.table.occupancy()
    }

    pub(crate) fn new(buckets: &'s mut [u32], slots: &'s mut [PastSlot], seed: u64) -> Self {
        Self { table: Table::new(buckets, slots, seed), judgement: 0 }
    }

    /// Goes on under the numbers of another policy.
    pub(crate) fn succeed(&mut self, succession: &Succession<'_>) {
        self.table.rename(|key, _| key.0.renamed(succession).map(HistoryKey));
    }

    /// Begins the next judgement.
    pub(crate) fn begin(&mut self) {
        self.judgement = self.judgement.wrapping_add(1);
    }

    pub(super) fn against(
        &mut self,
        terms: &Terms,
        deed: &Deed,
        scene: &Scene<'_, '_>,
    ) -> Option<(Reason, Option<f64>)> {
        if let Some(uses) = self.too_often(terms, deed, scene.now) {
            return Some((Reason::Pace, Some(uses)));
        }
        let spot = deed.spot.filter(|_| terms.limit_changes() && deed.value != Carried::Nothing)?;
        let change = self.change(spot, deed, scene);
        let known = |number: f64| Some(number).filter(|number| number.is_finite());
        if exceeds(change.size, terms.max_step.get(), &change) {
            return Some((Reason::Step, known(change.size)));
        }
        if let Some(seconds) = change.too_soon(terms, scene.now) {
            return Some((Reason::Reversal, Some(seconds)));
        }
        let sum = self.changed(spot, deed, terms, scene.now) + change.size;
        exceeds(sum, terms.max_change.get(), &change).then(|| (Reason::Change, known(sum)))
    }

    /// How many uses this one makes, if that is too many.
    fn too_often(&mut self, terms: &Terms, deed: &Deed, now: Timestamp) -> Option<f64> {
        let at_most = u32::from(terms.at_most.get());
        let Kept::Uses(mut counts, judgement) = self.kept(uses(deed))? else { return None };
        let count = counts.count(Eighth::of(now, terms.per_ms.get())).saturating_add(1);
        (at_most != 0 && judgement != self.judgement && count > at_most).then(|| count.into())
    }

    /// How much a permit changed a value within its time.
    fn changed(&mut self, spot: Spot, deed: &Deed, terms: &Terms, now: Timestamp) -> f64 {
        match self.kept(Key::Changes(deed.permit, spot)) {
            Some(Kept::Changes(mut sums)) => sums.sum(Eighth::of(now, terms.change_ms.get())),
            _ => 0.0,
        }
    }

    fn change(&mut self, spot: Spot, deed: &Deed, scene: &Scene<'_, '_>) -> Change {
        let own = match self.kept(Key::Value(spot)) {
            Some(Kept::Value(command)) => Some(command),
            _ => None,
        };
        let before = latest(own, spot, scene);
        let Some(value) = deed.value.number() else {
            let direction = own.map_or(0, |own| own.direction.wrapping_neg());
            return Change { size: f64::INFINITY, tolerance: 0.0, direction, before: own };
        };
        let direction = match before {
            _ if deed.is_bit => direction(value, 0.5),
            Some(before) => direction(value, before),
            None => 0,
        };
        let size = before.map_or(0.0, |before| (value - before).abs());
        let tolerance = deed.value.tolerance(value.abs().max(before.unwrap_or(0.0).abs()));
        Change { size, tolerance, direction, before: own }
    }

    pub(super) fn used(&mut self, policy: &Policy<'_>, terms: Option<&Terms>, deed: &Deed, scene: &Scene<'_, '_>) {
        if let Some(terms) = terms.filter(|terms| terms.at_most.get() != 0) {
            self.count(terms, deed, scene.now);
        }
        let value = deed.value.number().filter(|value| policy.limits_changes && value.is_finite());
        let Some((spot, value)) = deed.spot.zip(value) else { return };
        let change = self.change(spot, deed, scene);
        if let Some(terms) = terms.filter(|terms| terms.max_change.get() != 0.0) {
            self.add(spot, deed, change.size, Eighth::of(scene.now, terms.change_ms.get()));
        }
        let (direction, moved) = match (change.direction, change.before) {
            (0, Some(before)) => (before.direction, before.moved),
            (direction, _) => (direction, scene.now),
        };
        let command = Command { value, at: scene.now, direction, moved };
        self.table.put(HistoryKey(Key::Value(spot)), Past(Kept::Value(command)));
    }

    fn count(&mut self, terms: &Terms, deed: &Deed, now: Timestamp) {
        let now = Eighth::of(now, terms.per_ms.get());
        let (mut counts, judgement) = match self.kept(uses(deed)) {
            Some(Kept::Uses(counts, judgement)) => (counts, judgement),
            _ => (Counts::since(now), 0),
        };
        if judgement != self.judgement {
            counts.add(now);
            self.table.put(HistoryKey(uses(deed)), Past(Kept::Uses(counts, self.judgement)));
        }
    }

    fn add(&mut self, spot: Spot, deed: &Deed, size: f64, now: Eighth) {
        let key = Key::Changes(deed.permit, spot);
        let mut sums = match self.kept(key) {
            Some(Kept::Changes(sums)) => sums,
            _ => Sums::since(now),
        };
        sums.add(size, now);
        self.table.put(HistoryKey(key), Past(Kept::Changes(sums)));
    }

    fn kept(&mut self, key: Key) -> Option<Kept> {
        let id = self.table.find(&HistoryKey(key))?;
        self.table.get(id).map(|past| past.0)
    }
}

impl Change {
    /// The seconds since the command before in the other direction, if they are too few.
    fn too_soon(&self, terms: &Terms, now: Timestamp) -> Option<f64> {
        let before = self.before?;
        let turns = i16::from(self.direction).saturating_mul(before.direction.into()) < 0;
        let soon = now < before.moved.plus_ms(terms.opposite_ms.get());
        (turns && soon).then(|| now.micros_since(before.moved) as f64 / 1e6)
    }
}

fn uses(deed: &Deed) -> Key {
    Key::Uses(deed.permit, deed.actor, deed.device)
}

/// Whether an amount is above a limit, if there is one.
fn exceeds(amount: f64, limit: f64, change: &Change) -> bool {
    let within = amount <= limit + change.tolerance.max(limit * 1e-9);
    limit != 0.0 && !within
}

fn direction(value: f64, before: f64) -> i8 {
    i8::from(value > before).wrapping_sub(i8::from(value < before))
}

/// The latest value that is known: permitted by us, or as the process image has it.
fn latest(own: Option<Command>, spot: Spot, scene: &Scene<'_, '_>) -> Option<f64> {
    let state = match spot {
        Spot::Point(point) => scene.process.get(point),
        Spot::Address(..) => &crate::PointState::UNKNOWN,
    };
    let known = [
        state.reported.filter(|report| report.good).map(|report| (report.at, report.value)),
        state.commanded.map(|order| (order.at, order.value)),
        own.map(|own| (own.at, own.value)),
    ];
    known.into_iter().flatten().max_by_key(|(at, _)| *at).map(|(_, value)| value)
}
