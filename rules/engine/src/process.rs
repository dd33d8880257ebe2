//! The process image: what is known of every declared point.

mod breach;
mod dispute;
mod item;
mod slip;
mod watch;

pub use breach::{Breach, Involved};
pub use dispute::Audience;
use dispute::Dispute;
pub(crate) use item::Reach;
pub use item::{Commanded, Item};
use watch::Events;
pub use watch::News;
pub(crate) use watch::Told;

use core::cmp::Ordering;
use core::num::NonZeroU32;

use crate::image::Point;
use crate::policy::carried::{Carried, Raw, point_value};
use crate::{ActorId, DeviceId, Occupancy, PointId, Policy, ProcessEvent, Succession, Timestamp, Touch};

/// What is known of a point.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct PointState {
    /// What the device said last.
    pub reported: Option<Report>,
    /// What it was told last.
    pub commanded: Option<Order>,
    /// How many commands in a row moved the value up, or, below 0, down; 0 before the first that moved it.
    pub trend: i16,
    /// When the reported value last changed; 0 while it never has.
    pub moved: Timestamp,
    /// Whether others are told otherwise.
    dispute: Dispute,
    /// What is wrong with it and was told.
    raised: Events,
}

impl PointState {
    /// Nothing.
    pub const UNKNOWN: Self = Self {
        reported: None,
        commanded: None,
        trend: 0,
        moved: Timestamp(0),
        dispute: Dispute::NONE,
        raised: Events::NONE,
    };
}

impl Default for PointState {
    fn default() -> Self {
        Self::UNKNOWN
    }
}

/// Gateways keep one for each of hundreds of points.
const _: () = assert!(size_of::<PointState>() <= 96);

/// A value as a device reported it.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Report {
    /// In engineering units.
    pub value: f64,
    /// From which value to which it changed with the report that was later than the one before it. The difference is taken when
    /// somebody asks: arithmetic is dear where it is not in hardware.
    change: [f64; 2],
    /// In so many nanoseconds; 0 if nothing is known of the change.
    passed_ns: u64,
    /// Whether the device vouches for the value: DNP3 flags online, and none of restart, communication lost, remote or local
    /// forced, over range, reference error. In Modbus good as long as it is a number.
    pub good: bool,
    /// When it was seen on the wire.
    pub at: Timestamp,
    /// How it lay on the wire.
    raw: Raw,
}

impl Report {
    /// A report that follows another. Only between two good ones is there a change; what is reported twice at one time says
    /// nothing new of it.
    fn behind(before: Option<Self>, (raw, value): (Raw, f64), good: bool, at: Timestamp) -> Self {
        let (change, passed_ns) = match before.filter(|before| before.good && good) {
            Some(before) if at > before.at => ([before.value, value], at.0.saturating_sub(before.at.0)),
            Some(before) => (before.change, before.passed_ns),
            None => ([0.0; 2], 0),
        };
        Self { value, change, passed_ns, good, at, raw }
    }

    /// Whether a later report says what this one said, told without its value: most of what is polled has not changed.
    fn is_repeated(&self, raw: Raw, at: Timestamp) -> bool {
        self.good && at > self.at && raw.is_known() && raw == self.raw
    }

    /// Takes note that the same value was reported again later.
    fn repeat(&mut self, at: Timestamp) {
        self.change = [self.value; 2];
        self.passed_ns = at.0.saturating_sub(self.at.0);
        self.at = at;
    }

    /// Change a second since the report before; unknown after the first.
    pub fn rate(&self) -> Option<f64> {
        let [from, to] = self.change;
        (self.passed_ns > 0).then(|| (to - from) / (self.passed_ns as f64 / 1e9))
    }
}

/// The same as [`f64::is_finite`], told from the bits: comparing is dear where it is not in hardware.
const fn is_finite(value: f64) -> bool {
    const EXPONENT: u64 = 0x7FF << 52;
    value.to_bits() & EXPONENT != EXPONENT
}

/// A value that a device was told to take.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Order {
    /// In engineering units.
    pub value: f64,
    /// Who told it; `None` for somebody whom the policy does not know.
    pub by: Option<ActorId>,
    /// When it was seen on the wire.
    pub at: Timestamp,
    /// The incident that it belongs to, if no permit covers it and the point was not reported there already.
    pub unpermitted: Option<NonZeroU32>,
}

/// A command that a device accepted, whatever values it gives to which points.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Given {
    /// Who gave it; `None` for somebody whom the policy does not know.
    pub by: Option<ActorId>,
    /// When it was seen on the wire.
    pub at: Timestamp,
    /// What its owner knows the incident by that it belongs to, if no permit covers it.
    pub unpermitted: Option<NonZeroU32>,
}

impl PointState {
    /// The latest value that can be trusted: commanded, or reported as good. After a bad report none that was reported can.
    pub fn latest(&self) -> Option<f64> {
        match (self.commanded, self.reported.filter(|report| report.good)) {
            (Some(order), Some(report)) if order.at > report.at => Some(order.value),
            (_, Some(report)) => Some(report.value),
            (order, None) => order.map(|order| order.value),
        }
    }

    /// The trend that a command of this value makes. It starts from the command before it, or else from what was reported.
    fn trend_with(&self, value: f64) -> i16 {
        let before = self.commanded.map(|order| order.value).or_else(|| self.latest());
        match before.and_then(|before| value.partial_cmp(&before)) {
            Some(Ordering::Greater) => self.trend.max(0).saturating_add(1),
            Some(Ordering::Less) => self.trend.min(0).saturating_sub(1),
            Some(Ordering::Equal) => self.trend,
            None => 0,
        }
    }

    /// Takes a report; tells what came to be wrong with it.
    fn report(
        &mut self,
        point: &Point,
        (carried, raw, value): (Carried, Raw, f64),
        (good, to): (bool, Audience),
        now: Timestamp,
    ) -> Events {
        let good = good && is_finite(value);
        let before = self.reported;
        self.dispute.hear(point, value, to, before);
        if before.is_some_and(|before| before.value != value) {
            self.moved = now;
        }
        let report = Report::behind(before, (raw, value), good, now);
        self.reported = Some(report);
        self.raise(self.wrong(point, report, carried, before))
    }

    /// Takes a report that says what the last one said to the same audience; tells what came to be wrong with it. `None` if
    /// it does not.
    fn report_again(
        &mut self,
        point: &Point,
        raw: Raw,
        (good, to): (bool, Audience),
        now: Timestamp,
    ) -> Option<Events> {
        let report = self.reported.as_mut().filter(|report| good && report.is_repeated(raw, now))?;
        if !self.dispute.is_idle(to) {
            return None;
        }
        report.repeat(now);
        let value = report.value;
        Some(self.raise(self.still_wrong(point, value, now)))
    }

    /// Takes for wrong what is; tells what of it is new.
    fn raise(&mut self, wrong: Events) -> Events {
        let new = wrong.without(self.raised);
        self.raised = wrong;
        new
    }

    fn order(&mut self, point: &Point, value: f64, given: Given) {
        let Given { by, at, unpermitted } = given;
        let is_there = self.reported.is_some_and(|report| report.good && point.is_near(report.value, value));
        self.trend = self.trend_with(value);
        self.commanded = Some(Order { value, by, at, unpermitted: unpermitted.filter(|_| !is_there) });
        self.raised.remove(ProcessEvent::Mismatch);
        self.raised.remove(ProcessEvent::Effect);
    }

    /// Takes note of a command whose value the wire does not tell.
    fn order_unknown(&mut self) {
        self.trend = 0;
        self.commanded = None;
    }
}

/// The state of all points, by point number, in storage that the owner lends.
#[derive(Debug)]
pub struct ProcessImage<'s> {
    points: &'s mut [PointState],
}

impl<'s> ProcessImage<'s> {
    /// An image in which nothing is known. Points beyond the storage stay unknown.
    pub fn new(points: &'s mut [PointState]) -> Self {
        points.fill(PointState::default());
        Self { points }
    }

    /// Goes on under the numbers of another policy, in its storage.
    pub(crate) fn succeed(&mut self, points: &'s mut [PointState], succession: &Succession<'_>) {
        points.fill(PointState::default());
        for (id, state) in (0..).zip(self.points.iter()) {
            let new = succession.point(PointId(id)).and_then(|new| points.get_mut(new.0 as usize));
            if let Some(new) = new {
                let commanded = state
                    .commanded
                    .map(|order| Order { by: order.by.and_then(|actor| succession.actor(actor)), ..order });
                // The same registers may mean something else from now on, and another range may hold for it.
                let reported = state.reported.map(|report| Report { raw: Raw::UNKNOWN, ..report });
                *new = PointState { commanded, reported, ..*state };
            }
        }
        self.points = points;
    }

    /// How many points something is known of, counted through.
    pub fn occupancy(&self) -> Occupancy {
        let is_known = |state: &&PointState| state.reported.is_some() || state.commanded.is_some();
        Occupancy { entries: self.points.iter().filter(is_known).count(), limit: self.points.len() }
    }

    /// What is known of a point.
    pub fn get(&self, point: PointId) -> &PointState {
        self.points.get(point.0 as usize).unwrap_or(&PointState::UNKNOWN)
    }

    /// Takes what a device reports of one of its points, whether it vouches for it, and to whom; nothing if it reports a part
    /// of it. Tells what came to be wrong.
    pub(crate) fn report(
        &mut self,
        (id, point): (PointId, &Point),
        touch: &Touch<'_>,
        (good, to): (bool, Audience),
        now: Timestamp,
    ) -> Events {
        let Some(state) = self.points.get_mut(id.0 as usize) else { return Events::default() };
        let raw = Raw::of(touch, point);
        if let Some(new) = state.report_again(point, raw, (good, to), now) {
            return new;
        }
        let carried = point_value(touch, point);
        let Some(value) = carried.number() else { return Events::default() };
        state.report(point, (carried, raw, value), (good, to), now)
    }

    /// An event of a point as it is told.
    pub(crate) fn news(&self, event: ProcessEvent, id: PointId, point: &Point) -> Option<News> {
        self.points.get(id.0 as usize)?.news(event, id, point)
    }

    /// Takes what a device was told and accepted.
    pub(crate) fn ordered(&mut self, policy: &Policy<'_>, device: DeviceId, touch: &Touch<'_>, given: Given) {
        for (id, point) in policy.touched_by(device, touch) {
            let Some(state) = self.points.get_mut(id.0 as usize) else { continue };
            match point_value(touch, point) {
                Carried::Nothing => {}
                Carried::Unknown => state.order_unknown(),
                Carried::Number(value) | Carried::Single { value, .. } => state.order(point, value, given),
            }
        }
    }

    /// When what was reported of a point is stale, as long as that was not told.
    pub(crate) fn stale_from(&self, id: PointId, point: &Point) -> Option<Timestamp> {
        let state = self.points.get(id.0 as usize)?;
        let stale = point.stale_from(state.reported?.at)?;
        (!state.raised.has(ProcessEvent::Stale)).then_some(stale)
    }

    /// Takes what was reported of a point for stale.
    pub(crate) fn expire(&mut self, id: PointId, point: &Point) -> Option<News> {
        let state = self.points.get_mut(id.0 as usize)?;
        state.raised.add(ProcessEvent::Stale, true);
        state.news(ProcessEvent::Stale, id, point)
    }
}
