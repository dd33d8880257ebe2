use tagout_engine::{Action, Aspect};

use super::{Act, Done, Intent, IntentTarget, Wanted};

/// A set of parts of a command.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub struct Aspects(u8);

impl Aspects {
    /// Device, point and value: what is open where no more is known than that a tool was called, and what such tools do.
    const CALL: u8 = Aspect::Device.bit() | Aspect::Point.bit() | Aspect::Value.bit();

    const fn add(&mut self, aspect: Aspect) {
        self.0 |= aspect.bit();
    }

    /// Whether there is none.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whether this one is among them.
    pub const fn has(self, aspect: Aspect) -> bool {
        self.0 & aspect.bit() != 0
    }

    /// Those of both.
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// How many.
    pub const fn len(self) -> u32 {
        self.0.count_ones()
    }

    /// Whether nothing but the time of a call was declared, and at most what it does.
    pub(super) const fn is_call(self) -> bool {
        self.0 & Self::CALL == Self::CALL
    }

    /// Each of them.
    pub fn iter(self) -> impl Iterator<Item = Aspect> {
        Aspect::ALL.iter().copied().filter(move |aspect| self.has(*aspect))
    }
}

/// How an intent and something that a command does compare.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Comparison {
    /// What the intent leaves open.
    pub(super) open: Aspects,
    /// What it declares otherwise.
    pub(super) differs: Aspects,
}

impl Comparison {
    pub(super) fn of(intent: &Intent, act: &Act, done: &Done) -> Self {
        let mut comparison = Self::default();
        comparison.note(Aspect::Device, intent.device.map(|device| act.device == Some(device)));
        let declares_point = intent.targets().next().is_some();
        let point = match done.place {
            // There is nothing to declare, or nothing may be declared.
            None => Some(!declares_point),
            Some(_) => declares_point.then(|| intent.targets().any(|target| covers(target, done))),
        };
        comparison.note(Aspect::Point, point);
        comparison.note(Aspect::Operation, intent.operation.map(|operation| includes(operation, act.action)));
        if done.carries {
            let is_raw =
                intent.targets().any(|target| matches!(target, IntentTarget::Run { .. }) && covers(target, done));
            comparison.note(Aspect::Value, intent.value.map(|wanted| is_wanted(wanted, done, is_raw)));
        }
        comparison
    }

    fn note(&mut self, aspect: Aspect, agrees: Option<bool>) {
        match agrees {
            Some(true) => {}
            Some(false) => self.differs.add(aspect),
            None => self.open.add(aspect),
        }
    }
}

fn covers(target: IntentTarget, done: &Done) -> bool {
    match target {
        IntentTarget::Point(point) => done.point == Some(point),
        IntentTarget::Run { space, address, quantity } => done.place.is_some_and(|(own, first)| {
            let end = u64::from(first).saturating_add(done.count.into());
            own == space && first >= address && end <= u64::from(address).saturating_add(quantity.into())
        }),
    }
}

/// Whether somebody who declares one action may do the other: who operates selects before.
fn includes(declared: Action, done: Action) -> bool {
    declared == done || (declared, done) == (Action::Operate, Action::Select)
}

fn is_wanted(wanted: Wanted, done: &Done, is_raw: bool) -> bool {
    let values = if is_raw { done.raw } else { done.values };
    let rounded = |value: f64| if done.single { f64::from(value as f32) } else { value };
    let same = |one: f64, value: f64| is_same(one, value) || rounded(one) == rounded(value);
    let in_order = |one: f64, other: f64| one <= other || same(one, other);
    match wanted {
        Wanted::Masked { and, or } => done.mask == Some((and, or)),
        Wanted::Is(value) => values.is_some_and(|(least, most)| same(least, value) && same(most, value)),
        Wanted::Range { least, most } => values.is_some_and(|(from, to)| in_order(least, from) && in_order(to, most)),
    }
}

/// Whether two numbers differ by no more than a few operations in double precision bring about: programs declare 23.3 + 0.1, which
/// is not 23.4. Whole numbers below 2⁴⁹ stay apart.
fn is_same(one: f64, other: f64) -> bool {
    const LAST_BITS: f64 = 8.0 * f64::EPSILON;
    one == other || (one - other).abs() < LAST_BITS * one.abs().max(other.abs())
}
