//! A verified policy: what the daemon asks to describe it, and what the sensor asks to decide by it.

pub(crate) mod carried;
mod describe;
mod intents;
mod judge;
mod load;
mod locate;
mod reply;

pub use describe::{
    ActorInfo, CadenceInfo, CycleInfo, DeviceInfo, PermitInfo, PointInfo, Rate, RuleInfo, SourceInfo, TermsInfo,
    ValueRange,
};
pub use intents::{IntentKeyInfo, IntentWaits};
pub use judge::Considered;
pub use load::LoadError;
pub use reply::{Codes, Replies, Reply};

use crate::circumstances::Circumstances;
use crate::condition::{Code, ConditionId};
use crate::image::{
    self, Cadence, Class, Cycle, Extent, Grant, IntentKey, IntentTerms, Pair, Poll, Selector, Suppression, Terms, Text,
    Window,
};
use crate::{
    Action, ActorId, CadenceId, DeviceId, Endpoint, Field, PermitId, PointId, PollId, PollKey, RuleId, Space,
    Timestamp, Touch, Trigger, Verdict,
};

use zerocopy::little_endian::{F64, U16};

/// A verified policy image. Copies share the image's bytes.
#[derive(Clone, Copy, Debug)]
pub struct Policy<'a> {
    site: Text,
    strings: &'a str,
    files: &'a [Text],
    actors: &'a [image::Actor],
    actor_classes: &'a [Class],
    actor_selectors: &'a [Selector],
    devices: &'a [image::Device],
    device_classes: &'a [Class],
    device_selectors: &'a [Selector],
    points: &'a [image::Point],
    permits: &'a [image::Permit],
    grants: &'a [Grant],
    pairs: &'a [Pair],
    pair_permits: &'a [U16],
    rules: &'a [image::Rule],
    rule_index: &'a [Extent],
    rule_lists: &'a [U16],
    rule_fields: &'a [u8],
    rule_steps: &'a [U16],
    terms: &'a [Terms],
    term_values: &'a [F64],
    term_windows: &'a [U16],
    windows: &'a [Window],
    point_invariants: &'a [U16],
    device_rules: &'a [U16],
    pub(crate) cadences: &'a [Cadence],
    pub(crate) cycles: &'a [Cycle],
    pub(crate) polls: &'a [Poll],
    pub(crate) poll_index: &'a [U16],
    pub(crate) suppressions: &'a [Suppression],
    pub(crate) suppressed_rules: &'a [U16],
    intent_terms: &'a [IntentTerms],
    intent_keys: &'a [IntentKey],
    key_actors: &'a [U16],
    /// Whether any permit depends on what was written before.
    pub(crate) limits_changes: bool,
    /// Whether any permit has a condition.
    has_conditional_permits: bool,
    /// Whether any point is to be reported again within a time.
    awaits_reports: bool,
    /// Whether any rule on devices by name looks at how exchanges end.
    has_device_rules_on_ends: bool,
    /// Whether any permit expects replies.
    expects_replies: bool,
    /// Whether the intents of any actor matter.
    has_intents: bool,
    pub(crate) code: Code<'a>,
}

impl<'a> Policy<'a> {
    /// The policy that names nobody and has no rules.
    pub const fn empty() -> Self {
        Self {
            site: Text::EMPTY,
            strings: "",
            files: &[],
            actors: &[],
            actor_classes: &[],
            actor_selectors: &[],
            devices: &[],
            device_classes: &[],
            device_selectors: &[],
            points: &[],
            permits: &[],
            grants: &[],
            pairs: &[],
            pair_permits: &[],
            rules: &[],
            rule_index: &[],
            rule_lists: &[],
            rule_fields: &[],
            rule_steps: &[],
            terms: &[],
            term_values: &[],
            term_windows: &[],
            windows: &[],
            point_invariants: &[],
            device_rules: &[],
            cadences: &[],
            cycles: &[],
            polls: &[],
            poll_index: &[],
            suppressions: &[],
            suppressed_rules: &[],
            intent_terms: &[],
            intent_keys: &[],
            key_actors: &[],
            limits_changes: false,
            has_conditional_permits: false,
            awaits_reports: false,
            has_device_rules_on_ends: false,
            expects_replies: false,
            has_intents: false,
            code: Code::EMPTY,
        }
    }

    /// Checks an image and takes it as a policy.
    ///
    /// Everything is checked here, in one pass: lengths, checksum, numbers, order. What passes cannot fail later.
    ///
    /// # Errors
    /// The first thing wrong: in which section, at which record, and why.
    pub fn load(image: &'a [u8]) -> Result<Self, LoadError> {
        load::load(image)
    }

    /// Takes an image that is known to come from the compiler, which loads what it writes: its signature was checked.
    ///
    /// Where flash is dear this saves the checks of records. Of one that [`load`](Self::load) would refuse, verdicts may be
    /// anything, but nothing panics.
    ///
    /// # Errors
    /// Its length, checksum, schema or sections are wrong.
    pub fn trust(image: &'a [u8]) -> Result<Self, LoadError> {
        load::trust(image)
    }

    /// The actor that sits at `source`: the one with the most specific selector, in the order of
    /// [`Class::specificity`].
    pub fn actor(&self, source: &Endpoint) -> Option<ActorId> {
        locate::locate(self.actor_classes, self.actor_selectors, source).map(ActorId)
    }

    /// The device at `target`: as with actors, the one with the most specific selector.
    pub fn device(&self, target: &Endpoint) -> Option<DeviceId> {
        locate::locate(self.device_classes, self.device_selectors, target).map(DeviceId)
    }

    /// Whether `actor` may do `action` to what it touches on `device`. No touches: the action has no address.
    ///
    /// A named device denies what no permit covers. Touched addresses that belong to declared points are judged as
    /// these points, all others address by address; the latter need a permit on the whole device, whose value range
    /// then holds for the raw value. A value of which the exchange carries only a part lies inside no range; an action
    /// without values is inside all. A confirm is always permitted. The cost depends on what is touched, on the
    /// permits for it, and on the logarithm of the policy's size.
    ///
    /// What permits ask of time, conditions and pace is left to [`Engine::judge`](crate::Engine::judge); here it is taken
    /// for met.
    pub fn judge<'t>(
        &self,
        actor: Option<ActorId>,
        device: Option<DeviceId>,
        action: Action,
        mut touches: impl Iterator<Item = Touch<'t>>,
    ) -> Verdict {
        self.judge_in(None, (actor, device, action), &mut touches, &mut |_| {})
    }

    pub(crate) fn judge_in<'t>(
        &self,
        circumstances: Option<&mut Circumstances<'_, '_, '_>>,
        asked: (Option<ActorId>, Option<DeviceId>, Action),
        touches: &mut dyn Iterator<Item = Touch<'t>>,
        witness: &mut dyn FnMut(&Considered<'_, '_>),
    ) -> Verdict {
        judge::judge(self, circumstances, asked, touches, witness)
    }

    /// The permits of an actor that are for anything of a device, in the order of the files.
    pub fn permits_for(&self, actor: ActorId, device: DeviceId) -> impl Iterator<Item = PermitId> + use<'a> {
        let listed = self.pair(device, actor).map(|pair| pair.permits.of(self.pair_permits)).unwrap_or_default();
        listed.iter().map(|id| PermitId(id.get()))
    }

    /// Whether the verdict on an action without values depends on nothing but what it touches: no permit for it asks for
    /// anything else.
    pub(crate) fn is_lasting(&self, actor: Option<ActorId>, device: Option<DeviceId>, action: Action) -> bool {
        let pair = actor.zip(device).and_then(|(actor, device)| self.pair(device, actor));
        let listed = pair.map(|pair| pair.permits.of(self.pair_permits)).unwrap_or_default();
        let permits = listed.iter().filter_map(|id| self.permits.get(usize::from(id.get())));
        permits.filter(|permit| permit.allows(action)).all(|permit| permit.terms.get() == image::NO_TERMS)
    }

    /// Whether any permit asks for fields of exchanges.
    pub const fn has_conditional_permits(&self) -> bool {
        self.has_conditional_permits
    }

    /// What a permit asks for beside a range, if anything.
    pub(crate) fn terms_of(&self, permit: &image::Permit) -> Option<&'a Terms> {
        self.terms.get(permit.terms.get() as usize)
    }

    /// The windows in one of which terms hold.
    pub(crate) fn windows_of(&self, terms: &Terms) -> impl Iterator<Item = &'a Window> + use<'a> {
        let windows = self.windows;
        terms.windows.of(self.term_windows).iter().filter_map(|id| windows.get(usize::from(id.get())))
    }

    /// The declared points that lie on any of `count` addresses from `address` on, by address.
    pub fn points_at(
        &self,
        device: DeviceId,
        space: Space,
        address: u32,
        count: u32,
    ) -> impl Iterator<Item = PointId> + use<'a> {
        let end = u64::from(address).saturating_add(u64::from(count));
        self.touched(device, space, u64::from(address), end).map(|(id, _)| id)
    }

    /// The points of `space` that overlap the addresses from `start` to `end` (exclusive).
    pub(crate) fn touched(
        &self,
        device: DeviceId,
        space: Space,
        start: u64,
        end: u64,
    ) -> impl Iterator<Item = (PointId, &'a image::Point)> + use<'a> {
        const WIDEST: u64 = 4;
        let earliest = start.saturating_sub(WIDEST.saturating_sub(1));
        let own = self.points_of(device);
        let points = own.of(self.points);
        let first = points.partition_point(|point| (point.space, point.start()) < (space.number(), earliest));
        let candidates = points.get(first..).unwrap_or_default().iter();
        (own.first.get().saturating_add(first as u32)..)
            .zip(candidates)
            .take_while(move |(_, point)| point.space == space.number() && point.start() < end)
            .filter(move |(_, point)| point.end() > start)
            .map(|(index, point)| (PointId(index), point))
    }

    /// The points that lie on the addresses of a touch.
    pub(crate) fn touched_by(
        &self,
        device: DeviceId,
        touch: &Touch<'_>,
    ) -> impl Iterator<Item = (PointId, &'a image::Point)> + use<'a> {
        self.touched(device, touch.space, touch.address.into(), touch.end())
    }

    /// Whether the policy declares any point of the device.
    pub fn has_points(&self, device: DeviceId) -> bool {
        self.points_of(device).count.get() > 0
    }

    /// Whether any point of any device is to be reported again within a time.
    pub const fn awaits_reports(&self) -> bool {
        self.awaits_reports
    }

    /// All points of a device.
    pub(crate) fn declared(&self, device: DeviceId) -> impl Iterator<Item = (PointId, &'a image::Point)> + use<'a> {
        let own = self.points_of(device);
        (own.first.get()..).zip(own.of(self.points)).map(|(index, point)| (PointId(index), point))
    }

    /// Whether what was reported of a point at some time is stale by now.
    pub(crate) fn is_stale(&self, id: PointId, reported: Timestamp, now: Timestamp) -> bool {
        let stale = || self.points.get(id.0 as usize)?.stale_from(reported);
        self.awaits_reports && stale().is_some_and(|stale| now >= stale)
    }

    fn points_of(&self, device: DeviceId) -> Extent {
        self.devices.get(usize::from(device.0)).map_or(Extent::EMPTY, |device| device.points)
    }

    /// The rules that look at this when it is about a device: those on all devices in order, then those on this one.
    pub fn rules_on(&self, trigger: Trigger, device: Option<DeviceId>) -> impl Iterator<Item = RuleId> + use<'a> {
        let lists = self.rule_lists;
        let listed = self.rule_index.get(trigger.index()).map(|extent| extent.of(lists)).unwrap_or_default();
        let (of_device, rules) = (self.rules_of(device).of(self.device_rules), self.rules);
        let asks = move |id: &&U16| rules.get(usize::from(id.get())).is_some_and(|rule| trigger.is_of(rule));
        listed.iter().chain(of_device.iter().filter(asks)).map(|id| RuleId(id.get()))
    }

    /// Whether any rule looks at this when it is about a device.
    pub fn has_rules_on(&self, trigger: Trigger, device: Option<DeviceId>) -> bool {
        let listed = self.rule_index.get(trigger.index()).is_some_and(|extent| extent.count != 0);
        let asks = |id: &U16| self.rules.get(usize::from(id.get())).is_some_and(|rule| trigger.is_of(rule));
        let may_be = !matches!(trigger, Trigger::End(..)) || self.has_device_rules_on_ends;
        listed || may_be && self.rules_of(device).of(self.device_rules).iter().any(asks)
    }

    fn rules_of(&self, device: Option<DeviceId>) -> Extent {
        let device = device.and_then(|id| self.devices.get(usize::from(id.0)));
        device.map_or(Extent::EMPTY, |device| device.rules)
    }

    /// Whether anybody polls any device in a cadence.
    pub const fn has_cadences(&self) -> bool {
        !self.cadences.is_empty()
    }

    /// The cadence in which an actor polls a device.
    pub fn cadence(&self, actor: ActorId, device: DeviceId) -> Option<CadenceId> {
        let listed = self.devices.get(usize::from(device.0))?.cadences;
        let own = listed.of(self.cadences);
        let found = own.binary_search_by_key(&actor.0, |cadence| cadence.actor.get()).ok()?;
        u16::try_from((listed.first.get() as usize).saturating_add(found)).ok().map(CadenceId)
    }

    /// The poll of a cadence that has this key.
    pub(crate) fn poll(&self, cadence: &Cadence, key: PollKey) -> Option<PollId> {
        let own = cadence.polls.of(self.poll_index);
        let key_of = |id: &U16| self.polls.get(usize::from(id.get())).map(|poll| poll.key.get());
        let found = own.binary_search_by_key(&Some(key.0), key_of).ok()?;
        own.get(found).map(|id| PollId(id.get()))
    }

    pub(crate) fn rule(&self, id: RuleId) -> Option<&'a image::Rule> {
        self.rules.get(usize::from(id.0))
    }

    /// Whether anything must hold of any points.
    pub const fn has_invariants(&self) -> bool {
        !self.point_invariants.is_empty()
    }

    /// The rules that are invariants of a point, in order.
    pub(crate) fn invariants_of(&self, point: &image::Point) -> impl Iterator<Item = RuleId> + use<'a> {
        point.invariants.of(self.point_invariants).iter().map(|id| RuleId(id.get()))
    }

    /// The fields whose values are the key of what a rule remembers.
    pub(crate) fn key_fields(&self, rule: &image::Rule) -> impl Iterator<Item = Field> + use<'a> {
        rule.per.of(self.rule_fields).iter().filter_map(|number| Field::from_number(*number))
    }

    /// The conditions of a rule's steps.
    pub(crate) fn steps(&self, rule: &image::Rule) -> &'a [U16] {
        rule.steps.of(self.rule_steps)
    }

    /// The condition of one of a rule's steps.
    pub(crate) fn step(&self, rule: &image::Rule, at: usize) -> Option<ConditionId> {
        self.steps(rule).get(at).copied().and_then(ConditionId::named)
    }

    fn pair(&self, device: DeviceId, actor: ActorId) -> Option<&'a Pair> {
        let key = |pair: &Pair| (pair.device.get(), pair.actor.get());
        let found = self.pairs.binary_search_by_key(&(device.0, actor.0), key).ok()?;
        self.pairs.get(found)
    }
}
