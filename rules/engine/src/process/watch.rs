use super::{PointState, Report};
use crate::image::Point;
use crate::policy::carried::Carried;
use crate::{DeviceId, Fact, Facts, Field, Order, PointId, Policy, ProcessEvent, Timestamp};

/// What came to be wrong with a point.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct News {
    /// What.
    pub event: ProcessEvent,
    /// With which point.
    pub point: PointId,
    /// As it was reported, in engineering units.
    pub value: f64,
    /// What the value should have kept to: the end of the range that it left, the greatest rate, the commanded value, what
    /// others are told, or the seconds within which it should have changed or been reported again.
    pub limit: Option<f64>,
    /// The command that moved the point last.
    pub last_command: Option<Order>,
}

/// Process events by their bits.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Events(u8);

impl Events {
    pub(super) const NONE: Self = Self(0);

    pub(super) fn add(&mut self, event: ProcessEvent, holds: bool) {
        self.0 |= if holds { event.bit() } else { 0 };
    }

    pub(super) fn remove(&mut self, event: ProcessEvent) {
        self.0 &= !event.bit();
    }

    pub(crate) const fn has(self, event: ProcessEvent) -> bool {
        self.0 & event.bit() != 0
    }

    pub(crate) const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Those of these that are not among the others.
    pub(super) const fn without(self, others: Self) -> Self {
        Self(self.0 & !others.0)
    }
}

impl PointState {
    /// What is wrong with the point after a report, and the one before it. While its quality is bad nothing else is
    /// judged anew; it is bad since a device no longer vouches for what it vouched for.
    pub(super) fn wrong(&self, point: &Point, report: Report, carried: Carried, before: Option<Report>) -> Events {
        if !report.good {
            let mut wrong = self.raised;
            wrong.remove(ProcessEvent::Stale);
            wrong.add(ProcessEvent::BadQuality, before.is_some_and(|before| before.good));
            return wrong;
        }
        let mut wrong = self.wrong_by_now(point, report.value, report.at);
        wrong.add(ProcessEvent::OutOfRange, !carried.lies_in(&point.range));
        let most = point.max_rate.get();
        let jumps = |rate: f64| rate.abs() > most + point.rounding(report.value);
        wrong.add(ProcessEvent::Jump, most.is_finite() && report.rate().is_some_and(jumps));
        wrong.add(ProcessEvent::Disputed, self.dispute.is_settled());
        wrong
    }

    /// What is wrong with the point when it is reported with the same good value again, which nobody disputes.
    pub(super) fn still_wrong(&self, point: &Point, value: f64, now: Timestamp) -> Events {
        let mut wrong = self.wrong_by_now(point, value, now);
        wrong.add(ProcessEvent::OutOfRange, self.raised.has(ProcessEvent::OutOfRange));
        wrong
    }

    /// What time and commands make wrong of a good value.
    fn wrong_by_now(&self, point: &Point, value: f64, now: Timestamp) -> Events {
        let mut wrong = Events::default();
        wrong.add(ProcessEvent::Frozen, self.is_frozen(point, now));
        wrong.add(ProcessEvent::Mismatch, self.is_mismatched(point, value, now));
        wrong.add(ProcessEvent::Effect, self.is_effect(point, value));
        wrong
    }

    /// Whether a value that used to change has not for too long.
    fn is_frozen(&self, point: &Point, now: Timestamp) -> bool {
        let frozen_ms = point.frozen_ms.get();
        frozen_ms > 0 && self.moved != Timestamp(0) && now >= self.moved.plus_ms(frozen_ms)
    }

    /// Whether the point had the time to follow its command and did not.
    fn is_mismatched(&self, point: &Point, value: f64, now: Timestamp) -> bool {
        let travel_ms = point.travel_ms.get();
        // Not the contrary of being near: nothing is far from what is no number.
        let is_far = |commanded: f64| (commanded - value).abs() > point.leeway(value);
        travel_ms > 0 && self.commanded.is_some_and(|order| now >= order.at.plus_ms(travel_ms) && is_far(order.value))
    }

    /// Whether the point came to where a command that no permit covers sent it.
    fn is_effect(&self, point: &Point, value: f64) -> bool {
        self.commanded.is_some_and(|order| order.unpermitted.is_some() && point.is_near(order.value, value))
    }

    /// An event of this point as it is told.
    pub(super) fn news(&self, event: ProcessEvent, id: PointId, point: &Point) -> Option<News> {
        let value = self.reported?.value;
        let limit = match event {
            ProcessEvent::OutOfRange if value < point.range.min.get() => Some(point.range.min.get()),
            ProcessEvent::OutOfRange => Some(point.range.max.get()),
            ProcessEvent::Jump => Some(point.max_rate.get()),
            ProcessEvent::Mismatch | ProcessEvent::Effect => self.commanded.map(|order| order.value),
            ProcessEvent::Frozen => Some(f64::from(point.frozen_ms.get()) / 1e3),
            ProcessEvent::Stale => Some(f64::from(point.stale_ms.get()) / 1e3),
            ProcessEvent::Disputed => Some(self.dispute.otherwise()),
            ProcessEvent::BadQuality => None,
        };
        Some(News { event, point: id, value, limit, last_command: self.commanded })
    }
}

/// The fields of a process event, and of the exchange that told it.
pub(crate) struct Told<'e> {
    pub(crate) news: News,
    pub(crate) policy: &'e Policy<'e>,
    pub(crate) rest: &'e dyn Facts,
}

impl Facts for Told<'_> {
    fn device(&self) -> Option<DeviceId> {
        Some(self.policy.point_info(self.news.point)?.device)
    }

    fn fact(&self, field: Field) -> Fact<'_> {
        let News { event, point, value, limit, .. } = self.news;
        match field {
            Field::ProcessEvent => Fact::Text(event.name()),
            Field::ProcessPoint => Fact::of(self.policy.point_info(point), |point| Fact::Text(point.name)),
            Field::ProcessValue => Fact::Number(value),
            Field::ProcessLimit => Fact::of(limit, Fact::Number),
            other => self.rest.fact(other),
        }
    }
}
