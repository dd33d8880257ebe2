use core::fmt;

use zerocopy::little_endian::{F64, U32};

use super::Replies;
use crate::attack::Technique;
use crate::image::{self, Bounds, Permit, Place, Scaling, Terms, Text, WHOLE_DEVICE};
use crate::{
    Action, ActorId, ActorKind, AnomalyKind, CadenceEvent, CadenceId, ConditionId, DeviceId, Encoding, Field,
    Judgement, Kind, Outcome, PermitId, PointId, Policy, PollId, PollKey, ProcessEvent, RuleId, Severity, Space,
    Threshold, Timestamp,
};

/// Where in the policy's text something stands. Displays as `file:line:column`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct SourceInfo<'a> {
    /// Name of the file, as the compiler was given it.
    pub file: &'a str,
    /// 1-based.
    pub line: u32,
    /// 1-based, in characters.
    pub column: u32,
}

impl fmt::Display for SourceInfo<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.file, self.line, self.column)
    }
}

/// An inclusive range of engineering values; an end that is `None` is open.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct ValueRange {
    /// Lower bound.
    pub min: Option<f64>,
    /// Upper bound.
    pub max: Option<f64>,
}

impl ValueRange {
    fn of(bounds: &Bounds) -> Option<Self> {
        let closed = |end: f64| (end > f64::NEG_INFINITY && end < f64::INFINITY).then_some(end);
        bounds.limit().then(|| Self { min: closed(bounds.min.get()), max: closed(bounds.max.get()) })
    }
}

/// An actor of the policy.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct ActorInfo<'a> {
    /// Its name.
    pub name: &'a str,
    /// What it is.
    pub kind: ActorKind,
    /// Where it is declared.
    pub source: SourceInfo<'a>,
}

/// A device of the policy.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct DeviceInfo<'a> {
    /// Its name.
    pub name: &'a str,
    /// Whether its violations are for the record only, since its permits are still in the making.
    pub observe: bool,
    /// Where it is declared.
    pub source: SourceInfo<'a>,
}

/// A point of the policy.
#[derive(Clone, Copy, Debug)]
pub struct PointInfo<'a> {
    /// Its name.
    pub name: &'a str,
    /// The device it belongs to.
    pub device: DeviceId,
    /// Its address space.
    pub space: Space,
    /// First address, 0-based.
    pub address: u16,
    /// How its value lies in its registers.
    pub encoding: Encoding,
    /// Engineering value = raw × scale + offset, rounded once: see [`Scaling`].
    pub scaling: Scaling,
    /// Unit of measure.
    pub unit: Option<&'a str>,
    /// The engineering range that the process knows; informs, permits nothing.
    pub range: Option<ValueRange>,
    /// Where it is declared.
    pub source: SourceInfo<'a>,
}

impl PointInfo<'_> {
    /// The scale as the policy says it.
    pub fn scale(&self) -> f64 {
        self.scaling.gain.get() / self.scaling.divisor.get()
    }

    /// The offset as the policy says it.
    pub fn offset(&self) -> f64 {
        self.scaling.shift.get() / self.scaling.divisor.get()
    }

    /// How many consecutive addresses it takes.
    pub const fn width(&self) -> u16 {
        self.encoding.kind.width()
    }

    /// The engineering value of a raw number.
    pub fn engineering(&self, raw: f64) -> f64 {
        self.scaling.apply(raw)
    }

    /// The engineering value in these registers, two bytes each as on the wire; `None` unless they are exactly the
    /// point's.
    pub fn decode(&self, registers: &[u8]) -> Option<f64> {
        self.encoding.decode(registers).map(|raw| self.engineering(raw))
    }
}

/// A permit of the policy.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct PermitInfo<'a> {
    /// Its name, if it has one.
    pub name: Option<&'a str>,
    /// The actions it allows: their [`Action::bit`]s.
    pub actions: u32,
    /// How many points it names; `None` when it covers whole devices.
    pub points: Option<u32>,
    /// The engineering values it allows; `None` allows all.
    pub value: Option<ValueRange>,
    /// What it asks for beside.
    pub terms: TermsInfo<'a>,
    /// Where it stands.
    pub source: SourceInfo<'a>,
}

/// What a permit asks for beside a range; what it does not ask for is `None` or empty.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct TermsInfo<'a> {
    /// How far apart the values are.
    pub step: Option<f64>,
    /// The only values.
    pub one_of: &'a [F64],
    /// What must hold.
    pub when: Option<ConditionId>,
    /// The names of the windows in one of which it holds, as messages say them.
    pub during: Option<&'a str>,
    /// The most uses in a time.
    pub at_most: Option<Rate>,
    /// The largest change against the value before.
    pub max_step: Option<f64>,
    /// The least milliseconds between commands in opposite directions.
    pub opposite_ms: Option<u32>,
    /// The largest sum of changes in a time.
    pub max_change: Option<Rate>,
    /// How the device is expected to reply.
    pub replies: Option<Replies>,
}

/// So much in a time.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Rate {
    /// How much.
    pub amount: f64,
    /// In what time, in milliseconds.
    pub per_ms: u32,
}

impl PermitInfo<'_> {
    /// The actions it allows, in the order of their numbers.
    pub fn allowed(&self) -> impl Iterator<Item = Action> + use<> {
        let actions = self.actions;
        Action::ALL.iter().copied().filter(move |action| actions & action.bit() != 0)
    }
}

/// A rule of the policy or of a pack.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct RuleInfo<'a> {
    /// Signature id.
    pub sid: u32,
    /// What the alert says.
    pub signature: &'a str,
    /// How bad it is.
    pub severity: Severity,
    /// What it amounts to.
    pub technique: Option<&'static Technique>,
    /// Suricata's classification; may be empty.
    pub category: &'a str,
    /// The technique of MITRE ATLAS that it points to.
    pub atlas: Option<&'a str>,
    /// The risk of OWASP's lists that it points to.
    pub owasp: Option<&'a str>,
    /// Which of its matches fire it.
    pub threshold: Threshold,
    /// How many matches or different values fire it; 0 where its threshold does not count.
    pub count: u16,
    /// The field whose different values it counts.
    pub distinct: Option<Field>,
    /// In what time, in milliseconds; 0 where its threshold has none.
    pub within_ms: u32,
    /// What must hold.
    pub when: Option<ConditionId>,
    /// Where it stands.
    pub source: SourceInfo<'a>,
}

/// A cadence of the policy.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CadenceInfo<'a> {
    /// Its name, if it has one.
    pub name: Option<&'a str>,
    /// Whose polls.
    pub actor: ActorId,
    /// Of which device.
    pub device: DeviceId,
    /// Where it stands.
    pub source: SourceInfo<'a>,
}

/// In which time a cycle goes round; what is 0 is not watched.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CycleInfo {
    /// The least time from round to round.
    pub min_ms: u32,
    /// The greatest.
    pub max_ms: u32,
    /// How long a round takes at most.
    pub within_ms: u32,
}

/// Descriptions: `None` for a number that is not this policy's.
impl<'a> Policy<'a> {
    /// The site's name, if the policy tells.
    pub fn site(&self) -> Option<&'a str> {
        self.optional(self.site)
    }

    /// Describes an actor.
    pub fn actor_info(&self, id: ActorId) -> Option<ActorInfo<'a>> {
        let actor = self.actors.get(usize::from(id.0))?;
        let kind = ActorKind::from_number(actor.kind)?;
        Some(ActorInfo { name: self.text(actor.name), kind, source: self.source(actor.source) })
    }

    /// The kind of an actor.
    pub fn kind_of(&self, id: ActorId) -> Option<ActorKind> {
        ActorKind::from_number(self.actors.get(usize::from(id.0))?.kind)
    }

    /// Describes a device.
    pub fn device_info(&self, id: DeviceId) -> Option<DeviceInfo<'a>> {
        let device = self.devices.get(usize::from(id.0))?;
        let observe = device.observe != 0;
        Some(DeviceInfo { name: self.text(device.name), observe, source: self.source(device.source) })
    }

    /// Describes a point.
    pub fn point_info(&self, id: PointId) -> Option<PointInfo<'a>> {
        let point = self.points.get(id.0 as usize)?;
        Some(PointInfo {
            name: self.text(point.name),
            device: DeviceId(point.device.get()),
            space: Space::from_number(point.space)?,
            address: point.address.get(),
            encoding: point.encoding(),
            scaling: point.scaling,
            unit: self.optional(point.unit),
            range: ValueRange::of(&point.range),
            source: self.source(point.source),
        })
    }

    /// Describes a permit.
    pub fn permit_info(&self, id: PermitId) -> Option<PermitInfo<'a>> {
        let permit = self.permits.get(usize::from(id.0))?;
        Some(PermitInfo {
            name: self.optional(permit.name),
            actions: permit.actions.get(),
            points: (permit.points != WHOLE_DEVICE).then(|| permit.points.get()),
            value: ValueRange::of(&permit.value),
            terms: self.terms_of(permit).map(|terms| self.terms_info(terms)).unwrap_or_default(),
            source: self.source(permit.source),
        })
    }

    fn terms_info(&self, terms: &Terms) -> TermsInfo<'a> {
        let limit = |limit: f64| Some(limit).filter(|limit| *limit != 0.0);
        let rate = |amount, per_ms| limit(amount).map(|amount| Rate { amount, per_ms });
        TermsInfo {
            step: limit(terms.step.get()),
            one_of: terms.one_of.of(self.term_values),
            when: ConditionId::named(terms.when),
            during: self.optional(terms.during),
            at_most: rate(terms.at_most.get().into(), terms.per_ms.get()),
            max_step: limit(terms.max_step.get()),
            opposite_ms: Some(terms.opposite_ms.get()).filter(|ms| *ms != 0),
            max_change: rate(terms.max_change.get(), terms.change_ms.get()),
            replies: Replies::of(terms),
        }
    }

    /// Describes a rule.
    pub fn rule_info(&self, id: RuleId) -> Option<RuleInfo<'a>> {
        let rule = self.rules.get(usize::from(id.0))?;
        Some(RuleInfo {
            sid: rule.sid.get(),
            signature: self.text(rule.signature),
            severity: Severity::from_number(rule.severity)?,
            technique: Technique::by_id(self.text(rule.technique)),
            category: self.text(rule.category),
            atlas: self.optional(rule.atlas),
            owasp: self.optional(rule.owasp),
            threshold: Threshold::from_number(rule.threshold)?,
            count: rule.count.get(),
            distinct: Field::from_number(rule.distinct),
            within_ms: rule.within_ms.get(),
            when: ConditionId::named(rule.when),
            source: self.source(rule.source),
        })
    }

    /// What names a rule whatever else the policy holds: its signature id and, since all invariants have the same, their
    /// signature.
    pub fn rule_identity(&self, id: RuleId) -> (u32, &'a str) {
        self.rules
            .get(usize::from(id.0))
            .map_or((0, ""), |rule| (rule.sid.get(), if rule.is_invariant() { self.text(rule.signature) } else { "" }))
    }

    /// Describes a cadence.
    pub fn cadence_info(&self, id: CadenceId) -> Option<CadenceInfo<'a>> {
        let cadence = self.cadences.get(usize::from(id.0))?;
        let (actor, device) = (ActorId(cadence.actor.get()), DeviceId(cadence.device.get()));
        Some(CadenceInfo { name: self.optional(cadence.name), actor, device, source: self.source(cadence.source) })
    }

    /// A poll as the policy writes it.
    pub fn poll_text(&self, id: PollId) -> Option<&'a str> {
        self.polls.get(usize::from(id.0)).map(|poll| self.text(poll.text))
    }

    /// The key of a poll.
    pub fn poll_key(&self, id: PollId) -> Option<PollKey> {
        self.polls.get(usize::from(id.0)).map(|poll| PollKey(poll.key.get()))
    }

    /// The times of the cycle that a poll belongs to, if it belongs to one.
    pub fn cycle_info(&self, poll: PollId) -> Option<CycleInfo> {
        let cycle = self.polls.get(usize::from(poll.0))?.cycle;
        let cycle = self.cycles.get(usize::from(cycle.get()))?;
        let [min_ms, max_ms, within_ms] = [cycle.min_ms, cycle.max_ms, cycle.within_ms].map(U32::get);
        Some(CycleInfo { min_ms, max_ms, within_ms })
    }

    /// How many actors the policy names; their numbers start at 0. So do those of devices, points, permits and rules.
    pub const fn actor_count(&self) -> usize {
        self.actors.len()
    }

    /// How many devices it names.
    pub const fn device_count(&self) -> usize {
        self.devices.len()
    }

    /// How many points it declares.
    pub const fn point_count(&self) -> usize {
        self.points.len()
    }

    /// How many permits it has.
    pub const fn permit_count(&self) -> usize {
        self.permits.len()
    }

    /// How many cadences it has.
    pub const fn cadence_count(&self) -> usize {
        self.cadences.len()
    }

    /// How many cycles they have together.
    pub const fn cycle_count(&self) -> usize {
        self.cycles.len()
    }

    /// How many rules it has.
    pub const fn rule_count(&self) -> usize {
        self.rules.len()
    }

    #[inline(never)]
    pub(crate) fn text(&self, text: Text) -> &'a str {
        let start = text.offset.get() as usize;
        start.checked_add(text.length.get() as usize).and_then(|end| self.strings.get(start..end)).unwrap_or_default()
    }

    pub(super) fn optional(&self, text: Text) -> Option<&'a str> {
        Some(self.text(text)).filter(|text| !text.is_empty())
    }

    pub(crate) fn source(&self, place: Place) -> SourceInfo<'a> {
        let file = self.files.get(usize::from(place.file.get())).map(|name| self.text(*name)).unwrap_or_default();
        SourceInfo { file, line: place.line.get(), column: place.column.get() }
    }
}

impl image::Point {
    pub(crate) fn start(&self) -> u64 {
        u64::from(self.address.get())
    }

    pub(crate) fn end(&self) -> u64 {
        self.start().saturating_add(u64::from(self.kind().width()))
    }

    /// Whether two values of it are the same, within its tolerance.
    pub(crate) fn is_near(&self, a: f64, b: f64) -> bool {
        (a - b).abs() <= self.leeway(a)
    }

    /// How far another value may be from this one and count as the same: its tolerance, and what rounding may have added.
    pub(crate) fn leeway(&self, value: f64) -> f64 {
        self.tolerance.get() + self.rounding(value)
    }

    /// What rounding may have added to a value of this magnitude: a billionth, or where it may be in single precision, 2⁻²³ of it.
    pub(crate) fn rounding(&self, value: f64) -> f64 {
        let may_be_single = matches!(self.kind(), Kind::F32 | Kind::Native);
        value.abs() * if may_be_single { f32::EPSILON.into() } else { 1e-9 }
    }

    /// When what was reported of it at this time is stale; `None` if it never is.
    pub(crate) fn stale_from(&self, reported: Timestamp) -> Option<Timestamp> {
        let stale_ms = self.stale_ms.get();
        (stale_ms != 0).then(|| reported.plus_ms(stale_ms))
    }

    pub(super) fn kind(&self) -> Kind {
        Kind::from_number(self.kind).unwrap_or(Kind::Native)
    }

    pub(crate) fn encoding(&self) -> Encoding {
        Encoding {
            kind: self.kind(),
            low_word_first: self.order & image::LOW_WORD_FIRST != 0,
            swap_bytes: self.order & image::SWAP_BYTES != 0,
        }
    }
}

impl Permit {
    pub(super) fn allows(&self, action: Action) -> bool {
        self.actions.get() & action.bit() != 0
    }
}

impl Text {
    /// No text.
    pub const EMPTY: Self = Self { offset: U32::ZERO, length: U32::ZERO };
}

/// The set of all actions.
pub(super) fn all_actions() -> u32 {
    Action::ALL.iter().fold(0, |set, action| set | action.bit())
}

/// The set of all kinds of anomalies.
pub(super) fn all_anomalies() -> u64 {
    AnomalyKind::ALL.iter().fold(0, |set, kind| set | kind.bit())
}

/// The set of all process events.
pub(super) fn all_process_events() -> u8 {
    ProcessEvent::ALL.iter().fold(0, |set, event| set | event.bit())
}

/// The set of everything that departs from a cadence.
pub(super) fn all_cadence_events() -> u8 {
    CadenceEvent::ALL.iter().fold(0, |set, event| set | event.bit())
}

/// The set of all outcomes that an exchange can end with.
pub(super) fn all_outcomes() -> u8 {
    Outcome::ALL.iter().fold(0, |set, outcome| set | outcome.bit()) & !Outcome::Pending.bit()
}

/// The set of all judgements.
pub(super) fn all_judgements() -> u8 {
    Judgement::ALL.iter().fold(0, |set, judgement| set | judgement.bit())
}
