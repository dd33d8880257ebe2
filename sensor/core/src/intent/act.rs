use tagout_engine::{
    Action, ActorId, DeviceId, IntentFinding, Kind, PointId, Policy, Space, Succession, SuppressionId, Touch, Values,
};

use crate::record::{Command, Path, Protocol, Seen};
use crate::store::copy;

/// Most things that one command touches and that are matched.
pub const MOST_ITEMS: usize = 8;

/// Bytes of the registers of the widest point.
const WIDEST: usize = 8;

/// One thing that a command does: to a declared point, to a run of addresses without one, or to the device as a whole.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Done {
    /// Where; `None` for what has no address.
    pub place: Option<(Space, u32)>,
    /// How many addresses.
    pub count: u32,
    /// The point that the policy declares there.
    pub point: Option<PointId>,
    /// The least and the greatest value: of a point in engineering units, else as on the wire. Of a point both are the same.
    pub values: Option<(f64, f64)>,
    /// The same as on the wire.
    pub(super) raw: Option<(f64, f64)>,
    /// AND and OR mask of a mask write.
    pub mask: Option<(u16, u16)>,
    /// Whether it carries a value, known or not.
    pub carries: bool,
    /// Whether the value lay on the wire in single precision.
    pub(super) single: bool,
    /// The registers of a point that were written, as they lie on the wire, and which: by their bits.
    registers: [u8; WIDEST],
    written: u8,
}

impl Done {
    /// The value, if it is one.
    pub fn value(&self) -> Option<f64> {
        self.values.filter(|(least, most)| least == most).map(|(value, _)| value)
    }

    /// What a touch does to a point.
    fn to_point(policy: &Policy<'_>, point: PointId, touch: &Touch<'_>) -> Option<Self> {
        let info = policy.point_info(point)?;
        let value = policy.commanded(point, touch);
        let raw = value.and_then(|_| policy.commanded_raw(point, touch));
        let is_fraction = || raw.is_some_and(|raw| raw as i64 as f64 != raw);
        let mut done = Self {
            place: Some((touch.space, touch.address.max(info.address.into()))),
            count: 1,
            point: Some(point),
            values: value.map(|value| (value, value)),
            raw: raw.map(|raw| (raw, raw)),
            carries: touch.values != Values::None,
            single: info.encoding.kind == Kind::F32 || info.encoding.kind == Kind::Native && is_fraction(),
            ..Self::default()
        };
        done.take_registers(info.address.into(), info.width().into(), touch);
        Some(done)
    }

    /// Keeps those registers of a point that a touch writes.
    fn take_registers(&mut self, start: u32, width: u32, touch: &Touch<'_>) {
        let Values::Registers(bytes) = touch.values else { return };
        for place in 0..width.min(WIDEST as u32 / 2) {
            let own = (place as usize).saturating_mul(2);
            let Some(at) = start.saturating_add(place).checked_sub(touch.address) else { continue };
            let at = (at as usize).saturating_mul(2);
            let register = bytes.get(at..at.saturating_add(2));
            if let Some((to, from)) = self.registers.get_mut(own..own.saturating_add(2)).zip(register) {
                copy(to, from);
                self.written |= 1_u8.wrapping_shl(place);
            }
        }
    }

    /// What a touch does to addresses at which no point is declared.
    fn to_run(touch: &Touch<'_>, start: u32, end: u64) -> Self {
        let count = u32::try_from(end.saturating_sub(start.into())).unwrap_or(u32::MAX);
        let each = (start..).take(count.min(MOST_RUN) as usize).map(|address| touch.raw(address));
        let values = each.fold(Span::Empty, Span::with);
        let known = values.ends().filter(|_| count <= MOST_RUN);
        Self {
            place: Some((touch.space, start)),
            count,
            values: known,
            raw: known,
            carries: touch.values != Values::None,
            ..Self::default()
        }
    }

    /// Completes a point with registers of it that another command wrote; false if these do not belong together.
    fn complete(&mut self, policy: &Policy<'_>, other: &Self) -> bool {
        let both_partial = self.values.is_none() && other.values.is_none() && self.written & other.written == 0;
        let same = self.point.is_some() && self.point == other.point;
        if !same || !both_partial || self.written == 0 || other.written == 0 {
            return false;
        }
        let Some(info) = self.point.and_then(|point| policy.point_info(point)) else { return false };
        for place in (0..WIDEST / 2).filter(|place| other.written.wrapping_shr(*place as u32) & 1 == 1) {
            let at = place.saturating_mul(2)..place.saturating_mul(2).saturating_add(2);
            if let (Some(to), Some(from)) = (self.registers.get_mut(at.clone()), other.registers.get(at)) {
                copy(to, from);
            }
        }
        self.written |= other.written;
        let own = self.registers.get(..usize::from(info.width()).saturating_mul(2));
        let all = 1_u8.wrapping_shl(info.width().into()).wrapping_sub(1);
        if let (Some(own), true) = (own, self.written == all) {
            self.values = info.decode(own).map(|value| (value, value));
            self.raw = info.encoding.decode(own).map(|raw| (raw, raw));
            self.place = self.place.map(|(space, _)| (space, info.address.into()));
        }
        true
    }

    /// Whether it is the same thing done in the same way.
    fn is_same(&self, other: &Self) -> bool {
        let same = |a: Option<(f64, f64)>, b: Option<(f64, f64)>| {
            a.map(|(least, most)| (least.to_bits(), most.to_bits()))
                == b.map(|(least, most)| (least.to_bits(), most.to_bits()))
        };
        (self.place, self.count, self.point, self.mask) == (other.place, other.count, other.point, other.mask)
            && same(self.values, other.values)
            && (self.registers, self.written) == (other.registers, other.written)
    }
}

/// The longest run whose values are looked at; those of a longer one are not known.
const MOST_RUN: u32 = 2_000;

/// The least and the greatest of several numbers.
enum Span {
    Empty,
    Of(f64, f64),
    Unknown,
}

impl Span {
    fn with(self, value: Option<f64>) -> Self {
        match (self, value) {
            (Self::Unknown, _) | (_, None) => Self::Unknown,
            (Self::Empty, Some(value)) => Self::Of(value, value),
            (Self::Of(least, most), Some(value)) => Self::Of(least.min(value), most.max(value)),
        }
    }

    fn ends(self) -> Option<(f64, f64)> {
        if let Self::Of(least, most) = self { Some((least, most)) } else { None }
    }
}

/// A command of an actor whose intents matter, as far as it is matched and told of.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Act {
    pub(crate) path: Path,
    pub(crate) actor: ActorId,
    pub(crate) device: Option<DeviceId>,
    pub(crate) action: Action,
    pub(crate) protocol: Protocol,
    /// The station: a unit id, or a pair of link addresses.
    pub(crate) of: u32,
    /// What tells its request from others of its flow.
    pub(crate) key: u64,
    pub(crate) seen: Seen,
    items: [Option<Done>; MOST_ITEMS],
    /// Whether it touches more than is kept.
    pub(super) beyond: bool,
    /// Whether it was answered, or is not going to be.
    pub(crate) answered: bool,
    /// Whether the device refused it.
    pub(crate) refused: bool,
    /// Whether what it selected was operated.
    pub(super) operated: bool,
    /// The intent that covers it, once that is decided.
    pub(crate) covered_by: Option<super::IntentKey>,
    /// What keeps alerts about it from being given.
    pub(crate) suppressed: Suppressed,
}

/// What keeps alerts about a command from being given, by what is found of it: as it was when the command was seen.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Suppressed([Option<SuppressionId>; IntentFinding::ALL.len()]);

impl Suppressed {
    /// Takes note of what keeps back the alert of a finding, unless something does already.
    pub(crate) fn note(&mut self, finding: IntentFinding, by: SuppressionId) {
        let known = IntentFinding::ALL.iter().zip(&mut self.0).find(|(known, _)| **known == finding);
        known.map(|(_, known)| known.get_or_insert(by));
    }

    /// What keeps back the alert of this finding.
    pub(crate) fn by(&self, finding: IntentFinding) -> Option<SuppressionId> {
        IntentFinding::ALL.iter().zip(self.0).find_map(|(known, by)| by.filter(|_| *known == finding))
    }
}

impl Act {
    /// A command of which it is not known yet what it touches.
    pub(crate) fn new(
        (path, protocol): (Path, Protocol),
        (actor, device): (ActorId, Option<DeviceId>),
        action: Action,
        (of, key, seen): (u32, u64, Seen),
    ) -> Self {
        Self {
            path,
            actor,
            device,
            action,
            protocol,
            of,
            key,
            seen,
            items: [None; MOST_ITEMS],
            beyond: false,
            answered: false,
            refused: false,
            operated: false,
            covered_by: None,
            suppressed: Suppressed::default(),
        }
    }

    /// Takes something that it touches: each declared point, and each run of addresses without one.
    pub(crate) fn touch(&mut self, policy: &Policy<'_>, touch: &Touch<'_>, mask: Option<(u16, u16)>) {
        let mut next = touch.address;
        let end = u64::from(touch.address).saturating_add(touch.count.max(1).into());
        let device = self.device;
        let points =
            device.into_iter().flat_map(|device| policy.points_at(device, touch.space, touch.address, touch.count));
        for point in points {
            let Some(info) = policy.point_info(point) else { continue };
            let start = u32::from(info.address);
            if next < start {
                self.take(Done::to_run(touch, next, start.into()));
            }
            if let Some(done) = Done::to_point(policy, point, touch) {
                self.take(Done { mask, ..done });
            }
            next = next.max(start.saturating_add(info.width().into()));
        }
        if u64::from(next) < end {
            self.take(Done { mask, ..Done::to_run(touch, next, end) });
        }
    }

    fn take(&mut self, done: Done) {
        match self.items.iter_mut().find(|item| item.is_none()) {
            Some(free) => *free = Some(done),
            None => self.beyond = true,
        }
    }

    /// What it does: at least one thing.
    pub(super) fn items(&self) -> impl Iterator<Item = Done> + '_ {
        let whole = self.items.first().is_none_or(Option::is_none).then(Done::default);
        self.items.iter().copied().flatten().chain(whole)
    }

    fn is_same(&self, other: &Self) -> bool {
        let same = |pair: (&Option<Done>, &Option<Done>)| match pair {
            (Some(one), Some(other)) => one.is_same(other),
            (one, other) => one.is_none() && other.is_none(),
        };
        self.device == other.device && self.beyond == other.beyond && self.items.iter().zip(&other.items).all(same)
    }

    /// Whether this is the request of another act once more, before it was answered.
    pub(super) fn repeats(&self, earlier: &Self) -> bool {
        !earlier.answered && self.key == earlier.key && self.action == earlier.action && self.is_same(earlier)
    }

    /// Whether this operates what another act selected.
    pub(super) fn operates(&self, earlier: &Self) -> bool {
        let pair = (earlier.action, self.action) == (Action::Select, Action::Operate);
        pair && !earlier.operated && self.is_same(earlier)
    }

    /// Takes in a command that writes other registers of the same point; false if that is no part of this one.
    pub(super) fn complete(&mut self, policy: &Policy<'_>, other: &Self) -> bool {
        let writes = self.action == Action::Write && other.action == Action::Write && self.device == other.device;
        match (&mut self.items, &other.items) {
            ([Some(own), None, ..], [Some(others), None, ..]) if writes => own.complete(policy, others),
            _ => false,
        }
    }

    /// The command, to tell of it: what was selected and operated by now was operated.
    pub(crate) fn described(&self) -> Command<'_> {
        let Self { path, actor, device, protocol, seen, refused, .. } = *self;
        let action = if self.operated { Action::Operate } else { self.action };
        Command { path, actor, device, action, protocol, seen, done: &self.items, refused }
    }

    /// The act in the numbers of another policy; `None` if its actor is no more.
    pub(super) fn succeed(&self, succession: &Succession<'_>) -> Option<Self> {
        let mut act = Self { actor: succession.actor(self.actor)?, ..*self };
        act.device = self.device.and_then(|device| succession.device(device));
        act.suppressed = Suppressed(self.suppressed.0.map(|by| succession.suppression(by?)));
        for item in act.items.iter_mut().flatten() {
            item.point = item.point.and_then(|point| succession.point(point));
        }
        Some(act)
    }
}
