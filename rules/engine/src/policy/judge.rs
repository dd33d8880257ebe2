use super::carried::{Carried, known_end, point_value, raw_value};
use crate::image::{Grant, Pair, Permit, Point};
use crate::{Action, ActorId, DeviceId, PermitId, PointId, Policy, Reason, Space, Touch, Verdict, Violation};

pub(super) fn judge<'t>(
    policy: &Policy<'_>,
    actor: Option<ActorId>,
    device: Option<DeviceId>,
    action: Action,
    touches: impl Iterator<Item = Touch<'t>>,
) -> Verdict {
    let Some(case) = device.and_then(|device| Case::open(policy, actor, device, action)) else {
        return Verdict::Unjudged;
    };
    if action == Action::Confirm {
        return Verdict::Permitted(None);
    }
    let mut tally = Tally::default();
    for touch in touches {
        case.touch(&touch, &mut tally);
    }
    if tally.is_empty() {
        tally.add(case.everywhere(), 1);
    }
    tally.verdict()
}

/// One question to the policy: who wants to do what to which device.
struct Case<'p, 'a> {
    policy: &'p Policy<'a>,
    actor: Option<ActorId>,
    device: DeviceId,
    action: Action,
    pair: Option<&'a Pair>,
    /// The actor's grants on the whole device.
    whole: &'a [Grant],
    /// True when all whole-device permits for the action limit the value, so that unmapped addresses differ.
    values_decide: bool,
}

/// What an exchange does to one point or to a run of unmapped addresses that are judged alike.
struct Item<'a> {
    place: (Space, u32),
    point: Option<PointId>,
    value: Carried,
    /// The actor's grants on the point.
    grants: &'a [Grant],
}

impl<'p, 'a> Case<'p, 'a> {
    fn open(policy: &'p Policy<'a>, actor: Option<ActorId>, device: DeviceId, action: Action) -> Option<Self> {
        let record = policy.devices.get(usize::from(device.0))?;
        let whole = grants_of(actor, record.grants.of(policy.grants));
        let pair = actor.and_then(|actor| policy.pair(device, actor));
        let mut case = Self { policy, actor, device, action, pair, whole, values_decide: false };
        case.values_decide = !whole.is_empty() && case.granted(whole).all(|(_, permit)| permit.value.limit());
        Some(case)
    }

    fn touch(&self, touch: &Touch<'_>, tally: &mut Tally) {
        let mut next = u64::from(touch.address);
        for (id, point) in self.policy.touched_by(self.device, touch) {
            self.gap(touch, next, point.start(), tally);
            self.point(touch, id, point, tally);
            next = next.max(point.end());
        }
        self.gap(touch, next, touch.end(), tally);
    }

    fn point(&self, touch: &Touch<'_>, id: PointId, point: &Point, tally: &mut Tally) {
        let place = (touch.space, touch.address.max(u32::from(point.address.get())));
        let grants = grants_of(self.actor, point.grants.of(self.policy.grants));
        let item = Item { place, point: Some(id), value: point_value(touch, point), grants };
        tally.add(self.decide(&item), 1);
    }

    /// Judges the undeclared addresses from `start` to `end` (exclusive): one by one as far as their values could
    /// decide, the rest at once.
    fn gap(&self, touch: &Touch<'_>, start: u64, end: u64, tally: &mut Tally) {
        let alike = if self.values_decide { known_end(touch).clamp(start, end.max(start)) } else { start };
        for address in start..alike {
            tally.add(self.unmapped(touch, address), 1);
        }
        if alike < end {
            let count = end.saturating_sub(alike);
            tally.add(self.unmapped(touch, alike), u32::try_from(count).unwrap_or(u32::MAX));
        }
    }

    fn unmapped(&self, touch: &Touch<'_>, address: u64) -> Finding {
        let place = (touch.space, u32::try_from(address).unwrap_or(u32::MAX));
        self.decide(&Item { place, point: None, value: raw_value(touch, address), grants: &[] })
    }

    /// Judges an action that has no address: permitted if it is permitted anywhere on the device.
    fn everywhere(&self) -> Finding {
        if let Some(permit) = self.pair_permits().find(|(_, permit)| permit.allows(self.action)) {
            return Ok(permit.0);
        }
        let (reason, nearest) = self.refused_everywhere();
        Err(Violation { reason, place: None, point: None, value: None, nearest, violations: 0 })
    }

    fn decide(&self, item: &Item<'a>) -> Finding {
        let covering = self.candidates(item).find(|(_, permit)| item.value.lies_in(&permit.value));
        covering.map(|(id, _)| id).ok_or_else(|| self.violation(item))
    }

    fn violation(&self, item: &Item<'a>) -> Violation {
        let (reason, nearest) = self.refusal(item);
        Violation {
            reason,
            place: Some(item.place),
            point: item.point,
            value: item.value.number(),
            nearest,
            violations: 0,
        }
    }

    fn refusal(&self, item: &Item<'a>) -> (Reason, Option<PermitId>) {
        let distance = |permit: &Permit| item.value.distance(&permit.value);
        let nearer = |a: (PermitId, &'a Permit), b: (PermitId, &'a Permit)| {
            if distance(b.1) < distance(a.1) { b } else { a }
        };
        if let Some((nearest, _)) = self.candidates(item).reduce(nearer) {
            return (Reason::Value, Some(nearest));
        }
        let elsewhere = self.pair_permits().find(|(_, permit)| permit.allows(self.action));
        match (elsewhere, item.point) {
            (Some((nearest, _)), Some(_)) => (Reason::Point, Some(nearest)),
            (Some((nearest, _)), None) => (Reason::Unmapped, Some(nearest)),
            (None, _) => {
                let (reason, any) = self.refused_everywhere();
                let here = self.permits(item.grants).chain(self.permits(self.whole)).next();
                (reason, here.map(|(id, _)| id).or(any))
            }
        }
    }

    /// Why the action is permitted nowhere on the device, and the first permit for any other.
    fn refused_everywhere(&self) -> (Reason, Option<PermitId>) {
        match (self.actor, self.pair_permits().next()) {
            (None, _) => (Reason::UnknownActor, None),
            (Some(_), None) => (Reason::NoPermit, None),
            (Some(_), Some((id, _))) => (Reason::Action, Some(id)),
        }
    }

    /// The permits that cover an item but for its value: those on the point, then those on the whole device.
    fn candidates(&self, item: &Item<'a>) -> impl Iterator<Item = (PermitId, &'a Permit)> {
        self.granted(item.grants).chain(self.granted(self.whole))
    }

    fn granted(&self, grants: &'a [Grant]) -> impl Iterator<Item = (PermitId, &'a Permit)> {
        self.permits(grants).filter(|(_, permit)| permit.allows(self.action))
    }

    fn permits(&self, grants: &'a [Grant]) -> impl Iterator<Item = (PermitId, &'a Permit)> {
        grants.iter().filter_map(|grant| self.permit(grant.permit.get()))
    }

    /// All permits of the actor on the device, in the order of the files.
    fn pair_permits(&self) -> impl Iterator<Item = (PermitId, &'a Permit)> {
        let listed = self.pair.map(|pair| pair.permits.of(self.policy.pair_permits)).unwrap_or_default();
        listed.iter().filter_map(|id| self.permit(id.get()))
    }

    fn permit(&self, id: u16) -> Option<(PermitId, &'a Permit)> {
        self.policy.permits.get(usize::from(id)).map(|permit| (PermitId(id), permit))
    }
}

/// The permit that covers something, or why none does.
type Finding = Result<PermitId, Violation>;

/// The findings of an exchange: the first of each kind, and how many were violations.
#[derive(Default)]
struct Tally {
    permit: Option<PermitId>,
    violation: Option<Violation>,
    violations: u32,
}

impl Tally {
    fn add(&mut self, finding: Finding, count: u32) {
        match finding {
            Ok(permit) => _ = self.permit.get_or_insert(permit),
            Err(violation) => {
                self.violation.get_or_insert(violation);
                self.violations = self.violations.saturating_add(count);
            }
        }
    }

    fn is_empty(&self) -> bool {
        self.permit.is_none() && self.violation.is_none()
    }

    fn verdict(self) -> Verdict {
        let violations = self.violations;
        self.violation
            .map_or(Verdict::Permitted(self.permit), |first| Verdict::Unexpected(Violation { violations, ..first }))
    }
}

fn grants_of(actor: Option<ActorId>, grants: &[Grant]) -> &[Grant] {
    let Some(actor) = actor else { return &[] };
    let first = grants.partition_point(|grant| grant.actor.get() < actor.0);
    let last = grants.partition_point(|grant| grant.actor.get() <= actor.0);
    grants.get(first..last).unwrap_or_default()
}
