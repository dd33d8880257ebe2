use super::carried::{Carried, known_end, point_value, raw_value};
use crate::circumstances::{Circumstances, Deed, Spot};
use crate::condition::{ConditionId, Scene, Step};
use crate::image::{Grant, NO_TERMS, Pair, Permit, Point};
use crate::process::Reach;
use crate::{Action, ActorId, DeviceId, PermitId, PointId, Policy, Reason, Space, Touch, Values, Verdict, Violation};

/// A permit that is asked whether it covers something that a request does.
#[derive(Clone, Copy)]
pub struct Considered<'c, 's> {
    /// The permit.
    pub permit: PermitId,
    /// Where, if the action has an address.
    pub place: Option<(Space, u32)>,
    /// The point that the policy knows there.
    pub point: Option<PointId>,
    /// The value: in the point's engineering unit where a point is known, else raw.
    pub value: Option<f64>,
    /// Why it does not, and what was measured against its limit; `None` if it does.
    pub objection: Option<(Reason, Option<f64>)>,
    policy: &'c Policy<'c>,
    /// What is known at that time; `None` where only the policy is asked.
    scene: Option<&'c Scene<'c, 's>>,
    reach: Option<Reach<'c>>,
}

impl Considered<'_, '_> {
    /// Tells each part of a condition with its value, as they are for what is touched; see [`Policy::trace`].
    pub fn trace(&self, when: ConditionId, tell: impl FnMut(Step<'_>)) {
        match (self.scene, self.reach) {
            (None, _) => {}
            (Some(scene), None) => _ = self.policy.trace(when, scene, tell),
            (Some(scene), Some(reach)) => {
                let item = scene.item(self.policy, reach);
                self.policy.trace(when, &Scene { facts: &item, ..*scene }, tell);
            }
        }
    }
}

pub(super) fn judge<'t>(
    policy: &Policy<'_>,
    circumstances: Option<&mut Circumstances<'_, '_, '_>>,
    (actor, device, action): (Option<ActorId>, Option<DeviceId>, Action),
    touches: &mut dyn Iterator<Item = Touch<'t>>,
    witness: &mut dyn FnMut(&Considered<'_, '_>),
) -> Verdict {
    let Some(case) = device.and_then(|device| Case::open(policy, actor, device, action)) else {
        return Verdict::Unjudged;
    };
    if action == Action::Confirm {
        return Verdict::Permitted(None);
    }
    let mut tally = Tally { circumstances, witness, permit: None, violation: None, violations: 0 };
    for touch in touches {
        match touch.count {
            0 => case.placeless(touch.values != Values::None, &mut tally),
            _ => case.touch(&touch, &mut tally),
        }
    }
    if tally.is_empty() {
        case.placeless(action.sets_points(), &mut tally);
    }
    tally.verdict()
}

/// Whether a permit covers what is declared to be done at a place, as far as time, conditions and pace allow. Of a device
/// that the policy does not name, all is.
pub(super) fn covers(
    policy: &Policy<'_>,
    (actor, device, action): (ActorId, DeviceId, Action),
    (place, point, value): (Option<(Space, u32)>, Option<PointId>, Option<f64>),
) -> bool {
    let Some(case) = Case::open(policy, Some(actor), device, action) else { return true };
    let grants = point.and_then(|id| policy.points.get(id.0 as usize)).map(|point| point.grants);
    let grants = grants.map_or(&[][..], |grants| grants_of(Some(actor), grants.of(policy.grants)));
    let value = value.map_or(Carried::Nothing, Carried::Number);
    let mut tally = Tally { circumstances: None, witness: &mut |_| {}, permit: None, violation: None, violations: 0 };
    match place {
        Some(_) => case.decide(&Item { place, point, value, count: 1, grants, reach: None }, &mut tally),
        None => case.everywhere(&mut tally),
    }
    tally.violation.is_none()
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
    /// True when no whole-device permit for the action allows every value at all times, so that unmapped addresses differ,
    /// and when what is written there is remembered.
    values_decide: bool,
}

/// What an exchange does to one point or to a run of unmapped addresses that are judged alike.
struct Item<'a, 't> {
    place: Option<(Space, u32)>,
    point: Option<PointId>,
    value: Carried,
    /// For how many points or addresses it stands.
    count: u32,
    /// The actor's grants on the point.
    grants: &'a [Grant],
    /// How the exchange reaches it.
    reach: Option<Reach<'t>>,
}

impl Item<'_, '_> {
    const NOWHERE: Self =
        Self { place: None, point: None, value: Carried::Nothing, count: 1, grants: &[], reach: None };
}

impl<'p, 'a> Case<'p, 'a> {
    fn open(policy: &'p Policy<'a>, actor: Option<ActorId>, device: DeviceId, action: Action) -> Option<Self> {
        let record = policy.devices.get(usize::from(device.0))?;
        let whole = grants_of(actor, record.grants.of(policy.grants));
        let pair = actor.and_then(|actor| policy.pair(device, actor));
        let mut case = Self { policy, actor, device, action, pair, whole, values_decide: false };
        let differ = |permit: &Permit| permit.value.limit() || permit.terms.get() != NO_TERMS;
        let decide = policy.limits_changes || case.granted(whole).all(|(_, permit)| differ(permit));
        case.values_decide = !whole.is_empty() && decide;
        Some(case)
    }

    fn touch(&self, touch: &Touch<'_>, tally: &mut Tally<'_, '_, '_, '_>) {
        let mut next = u64::from(touch.address);
        for (id, point) in self.policy.touched_by(self.device, touch) {
            self.gap(touch, next, point.start(), tally);
            self.point(touch, id, point, tally);
            next = next.max(point.end());
        }
        self.gap(touch, next, touch.end(), tally);
    }

    fn point(&self, touch: &Touch<'_>, id: PointId, point: &Point, tally: &mut Tally<'_, '_, '_, '_>) {
        let address = touch.address.max(u32::from(point.address.get()));
        let item = Item {
            place: Some((touch.space, address)),
            point: Some(id),
            value: point_value(touch, point),
            count: 1,
            grants: grants_of(self.actor, point.grants.of(self.policy.grants)),
            reach: Some(Reach { touch, address: address.into(), point: Some((id, point)) }),
        };
        self.decide(&item, tally);
    }

    /// Judges the undeclared addresses from `start` to `end` (exclusive): one by one as far as their values could
    /// decide, the rest at once.
    fn gap(&self, touch: &Touch<'_>, start: u64, end: u64, tally: &mut Tally<'_, '_, '_, '_>) {
        let alike = if self.values_decide { known_end(touch).clamp(start, end.max(start)) } else { start };
        for address in start..alike {
            self.unmapped(touch, address, 1, tally);
        }
        if alike < end {
            let count = end.saturating_sub(alike);
            self.unmapped(touch, alike, u32::try_from(count).unwrap_or(u32::MAX), tally);
        }
    }

    fn unmapped(&self, touch: &Touch<'_>, address: u64, count: u32, tally: &mut Tally<'_, '_, '_, '_>) {
        let place = Some((touch.space, u32::try_from(address).unwrap_or(u32::MAX)));
        let reach = Some(Reach { touch, address, point: None });
        self.decide(&Item { place, point: None, value: raw_value(touch, address), count, grants: &[], reach }, tally);
    }

    /// Judges what has no address. What sets points all the same, nobody knows which, is covered only by what covers any point
    /// and value.
    fn placeless(&self, sets_points: bool, tally: &mut Tally<'_, '_, '_, '_>) {
        if sets_points {
            self.decide(&Item { value: Carried::Unknown, ..Item::NOWHERE }, tally);
        } else {
            self.everywhere(tally);
        }
    }

    /// Judges an action that has no address: permitted if it is permitted anywhere on the device.
    fn everywhere(&self, tally: &mut Tally<'_, '_, '_, '_>) {
        let item = Item::NOWHERE;
        let able = self.pair_permits().filter(|(_, permit)| permit.allows(self.action));
        match self.first_to_hold(able, &item, tally) {
            Ok(permit) => tally.permit(permit),
            Err(Some(objection)) => tally.violation(self.violation(&item, objection), 1),
            Err(None) => tally.violation(self.violation(&item, self.refused_everywhere()), 1),
        }
    }

    fn decide(&self, item: &Item<'a, '_>, tally: &mut Tally<'_, '_, '_, '_>) {
        match self.first_to_hold(self.candidates(item), item, tally) {
            Ok(permit) => tally.permit(permit),
            Err(Some(objection)) => tally.violation(self.violation(item, objection), item.count),
            Err(None) => tally.violation(self.violation(item, self.refusal(item)), item.count),
        }
    }

    /// The first of these permits that holds for an item, which uses it; or what the nearest of them objects.
    fn first_to_hold(
        &self,
        permits: impl Iterator<Item = (PermitId, &'a Permit)>,
        item: &Item<'a, '_>,
        tally: &mut Tally<'_, '_, '_, '_>,
    ) -> Result<PermitId, Option<Objection>> {
        let mut nearest: Option<Objection> = None;
        for (id, permit) in permits {
            let objection = self.objection((id, permit), item, &mut tally.circumstances);
            tally.tell(self.policy, id, item, objection);
            let Some(objection) = objection else {
                self.used((id, permit), item, &mut tally.circumstances);
                return Ok(id);
            };
            nearest = Some(nearest.map_or(objection, |known| known.or_nearer(objection)));
        }
        Err(nearest)
    }

    /// What stands against an item in a permit for its action and place.
    fn objection(
        &self,
        (id, permit): (PermitId, &Permit),
        item: &Item<'a, '_>,
        circumstances: &mut Option<&mut Circumstances<'_, '_, '_>>,
    ) -> Option<Objection> {
        let objection = |reason, found| Objection { reason, permit: Some(id), found, distance: 0.0 };
        if !item.value.lies_in(&permit.value) {
            return Some(Objection { distance: item.value.distance(&permit.value), ..objection(Reason::Value, None) });
        }
        let terms = self.policy.terms_of(permit)?;
        let values = terms.one_of.of(self.policy.term_values);
        let base = Some(permit.value.min.get()).filter(|min| min.is_finite()).unwrap_or(0.0);
        let (step, value) = (terms.step.get(), item.value);
        if !(values.is_empty() || value.is_one_of(values)) || !(step == 0.0 || value.is_on_step(step, base)) {
            return Some(objection(Reason::NotAllowed, None));
        }
        let deed = self.deed(id, item)?;
        let (reason, found) = circumstances.as_mut()?.against(self.policy, terms, &deed, item.reach)?;
        Some(objection(reason, found))
    }

    fn used(
        &self,
        (id, permit): (PermitId, &Permit),
        item: &Item<'a, '_>,
        circumstances: &mut Option<&mut Circumstances<'_, '_, '_>>,
    ) {
        if let Some((circumstances, deed)) = circumstances.as_mut().zip(self.deed(id, item)) {
            circumstances.used(self.policy, self.policy.terms_of(permit), &deed);
        }
    }

    fn deed(&self, permit: PermitId, item: &Item<'a, '_>) -> Option<Deed> {
        let spot = item
            .place
            .map(|(space, address)| item.point.map_or(Spot::Address(self.device, space, address), Spot::Point));
        Some(Deed {
            permit,
            actor: self.actor?,
            device: self.device,
            action: self.action,
            spot,
            value: item.value,
            is_bit: item.place.is_some_and(|(space, _)| space.is_bit()),
        })
    }

    fn violation(&self, item: &Item<'a, '_>, objection: Objection) -> Violation {
        Violation {
            reason: objection.reason,
            place: item.place,
            point: item.point,
            value: item.value.number(),
            nearest: objection.permit,
            found: objection.found,
            violations: 0,
        }
    }

    /// Why no permit is for the action and place of an item.
    fn refusal(&self, item: &Item<'a, '_>) -> Objection {
        let elsewhere = self.pair_permits().find(|(_, permit)| permit.allows(self.action)).map(|(id, _)| id);
        match (elsewhere, item.point) {
            (Some(_), Some(_)) => Objection::of(Reason::Point, elsewhere),
            (Some(_), None) => Objection::of(Reason::Unmapped, elsewhere),
            (None, _) => {
                let any = self.refused_everywhere();
                let here = self.permits(item.grants).chain(self.permits(self.whole)).next();
                Objection { permit: here.map(|(id, _)| id).or(any.permit), ..any }
            }
        }
    }

    /// Why the action is permitted nowhere on the device, and the first permit for any other.
    fn refused_everywhere(&self) -> Objection {
        match (self.actor, self.pair_permits().next()) {
            (None, _) => Objection::of(Reason::UnknownActor, None),
            (Some(_), None) => Objection::of(Reason::NoPermit, None),
            (Some(_), Some((id, _))) => Objection::of(Reason::Action, Some(id)),
        }
    }

    /// The permits that cover an item but for its value: those on the point, then those on the whole device.
    fn candidates(&self, item: &Item<'a, '_>) -> impl Iterator<Item = (PermitId, &'a Permit)> {
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

/// Why something is not permitted.
#[derive(Clone, Copy)]
struct Objection {
    reason: Reason,
    /// The permit that comes nearest.
    permit: Option<PermitId>,
    /// What was measured against its limit.
    found: Option<f64>,
    /// How far outside its range the value is.
    distance: f64,
}

impl Objection {
    const fn of(reason: Reason, permit: Option<PermitId>) -> Self {
        Self { reason, permit, found: None, distance: 0.0 }
    }

    /// The other one, if its permit comes nearer: it objects to less, or the value is nearer to its range.
    fn or_nearer(self, other: Self) -> Self {
        let is_nearer = other.reason > self.reason || (other.reason == self.reason && other.distance < self.distance);
        if is_nearer { other } else { self }
    }
}

/// The findings of an exchange: the first of each kind, and how many were violations.
struct Tally<'j, 'c, 's, 'h> {
    circumstances: Option<&'j mut Circumstances<'c, 's, 'h>>,
    /// Sees each permit that is asked.
    witness: &'j mut dyn FnMut(&Considered<'_, '_>),
    permit: Option<PermitId>,
    violation: Option<Violation>,
    violations: u32,
}

impl Tally<'_, '_, '_, '_> {
    fn tell(&mut self, policy: &Policy<'_>, permit: PermitId, item: &Item<'_, '_>, objection: Option<Objection>) {
        (self.witness)(&Considered {
            permit,
            place: item.place,
            point: item.point,
            value: item.value.number(),
            objection: objection.map(|objection| (objection.reason, objection.found)),
            policy,
            scene: self.circumstances.as_ref().map(|circumstances| &circumstances.scene),
            reach: item.reach,
        });
    }

    fn permit(&mut self, permit: PermitId) {
        self.permit.get_or_insert(permit);
    }

    fn violation(&mut self, violation: Violation, count: u32) {
        self.violation.get_or_insert(violation);
        self.violations = self.violations.saturating_add(count);
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
