//! What is known of points: everything that happened to them is kept, and walked over at each question.

use tagout_core::engine::{Judgement, ProcessEvent};

use super::model::{Exchange, Point, Request, Said};

/// Something that happened to a point.
#[derive(Clone, Copy, Debug)]
pub(super) struct Happened {
    /// In milliseconds since the epoch.
    pub(super) at: u64,
    pub(super) what: What,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum What {
    /// Reported by the device; it vouches for every number.
    Reported(f64),
    /// Commanded by an actor; `None` is a value that the wire does not tell.
    Commanded(Option<f64>, usize, Judgement),
}

/// A command of a known value.
#[derive(Clone, Copy, Debug)]
pub(super) struct Order {
    pub(super) at: u64,
    pub(super) value: f64,
    pub(super) by: usize,
}

/// A report: when, what, and whether the device vouches for it.
#[derive(Clone, Copy, Debug)]
struct Report {
    at: u64,
    value: f64,
}

impl Report {
    fn is_good(&self) -> bool {
        self.value.is_finite()
    }
}

/// The past of one point.
#[derive(Clone, Copy, Debug)]
pub(super) struct Past<'h>(pub(super) &'h [Happened]);

impl<'h> Past<'h> {
    fn reports(self) -> Vec<Report> {
        let reported = |happened: &Happened| match happened.what {
            What::Reported(value) => Some(Report { at: happened.at, value }),
            What::Commanded(..) => None,
        };
        self.0.iter().filter_map(reported).collect()
    }

    /// The last command; none after one whose value is not known.
    pub(super) fn order(self) -> Option<Order> {
        let mut commands = self.0.iter().rev();
        commands.find(|happened| matches!(happened.what, What::Commanded(..))).and_then(|last| match last.what {
            What::Commanded(value, by, _) => Some(Order { at: last.at, value: value?, by }),
            What::Reported(_) => None,
        })
    }

    /// As it was reported last, good or not.
    pub(super) fn last_report(self) -> Option<f64> {
        self.reports().last().map(|report| report.value)
    }

    /// The value that the device reported last, if it vouches for it.
    pub(super) fn reported(self) -> Option<f64> {
        self.last_report().filter(|value| value.is_finite())
    }

    /// In seconds.
    pub(super) fn age(self, now: u64) -> Option<f64> {
        self.reports().last().map(|report| now.saturating_sub(report.at) as f64 / 1_000.0)
    }

    /// The latest value that can be trusted; a report goes before a command of the same time.
    pub(super) fn latest(self) -> Option<f64> {
        let report = self.reports().last().copied().filter(Report::is_good);
        match (self.order(), report) {
            (Some(order), Some(report)) if order.at > report.at => Some(order.value),
            (_, Some(report)) => Some(report.value),
            (order, None) => order.map(|order| order.value),
        }
    }

    /// Change a second from the report before the last that was at another time.
    pub(super) fn rate(self) -> Option<f64> {
        let reports = self.reports();
        let mut rate = None;
        for pair in reports.windows(2) {
            let (before, after) = (pair[0], pair[1]);
            let seconds = after.at.saturating_sub(before.at) as f64 / 1_000.0;
            rate = match (before.is_good() && after.is_good(), seconds > 0.0) {
                (true, true) => Some((after.value - before.value) / seconds),
                (true, false) => rate,
                (false, _) => None,
            };
        }
        rate
    }

    /// How many commands in a row moved the value up, or, below 0, down, if this one comes now.
    pub(super) fn run_with(self, value: f64) -> i32 {
        let before = self.order().map(|order| order.value).or_else(|| self.latest());
        match before {
            Some(before) if value > before => self.run().max(0) + 1,
            Some(before) if value < before => self.run().min(0) - 1,
            Some(before) if value == before => self.run(),
            _ => 0,
        }
    }

    /// The same up to the last command.
    pub(super) fn run(self) -> i32 {
        let Some(last) = self.0.iter().rposition(|happened| matches!(happened.what, What::Commanded(..))) else {
            return 0;
        };
        match self.0[last].what {
            What::Commanded(Some(value), ..) => Past(&self.0[..last]).run_with(value),
            _ => 0,
        }
    }

    /// What is wrong with the point and was told.
    pub(super) fn wrong(self, point: &Point) -> Vec<ProcessEvent> {
        let Some((last, earlier)) = self.0.split_last() else { return Vec::new() };
        let mut known = Past(earlier).wrong(point);
        match last.what {
            What::Commanded(Some(_), ..) => {
                known.retain(|event| ![ProcessEvent::Mismatch, ProcessEvent::Effect].contains(event));
            }
            What::Commanded(None, ..) => {}
            What::Reported(value) if value.is_finite() => known = self.wrong_with(point, value, last.at),
            // While it is bad, nothing else is judged.
            What::Reported(_) => {
                if Past(earlier).reported().is_some() && !known.contains(&ProcessEvent::BadQuality) {
                    known.push(ProcessEvent::BadQuality);
                }
            }
        }
        known
    }

    /// What is wrong with a good report, the last.
    fn wrong_with(self, point: &Point, value: f64, now: u64) -> Vec<ProcessEvent> {
        let outside = |(low, high): (i64, i64)| value < low as f64 / 10.0 || value > high as f64 / 10.0;
        let reports = self.reports();
        let moved = reports.windows(2).rfind(|pair| pair[0].value != pair[1].value).map(|pair| pair[1].at);
        let is_wrong = |event: &ProcessEvent| match event {
            ProcessEvent::OutOfRange => point.range.is_some_and(outside),
            ProcessEvent::Jump => {
                let limit = point.max_rate.map(|limit| limit as f64 / 10.0);
                self.rate().zip(limit).is_some_and(|(rate, limit)| rate.abs() > limit)
            }
            ProcessEvent::Mismatch => self.order().zip(point.travel_ms).is_some_and(|(order, travel)| {
                now >= order.at + travel && (order.value - value).abs() > tolerance(point)
            }),
            ProcessEvent::Effect => {
                self.unpermitted(point).is_some_and(|told| (told - value).abs() <= tolerance(point))
            }
            ProcessEvent::Frozen => moved.zip(point.frozen_ms).is_some_and(|(moved, frozen)| now >= moved + frozen),
            // No point here is declared to go stale, and all are asked in one address's name or not long enough.
            ProcessEvent::BadQuality | ProcessEvent::Stale | ProcessEvent::Disputed => false,
        };
        ProcessEvent::ALL.iter().copied().filter(is_wrong).collect()
    }

    /// Where the last command sent the point, if no permit covers it and the point was not reported there already.
    fn unpermitted(self, point: &Point) -> Option<f64> {
        let last = self.0.iter().rposition(|happened| matches!(happened.what, What::Commanded(..)))?;
        let What::Commanded(Some(value), _, Judgement::Unexpected) = self.0[last].what else { return None };
        let before = Past(&self.0[..last]).reported();
        before.is_none_or(|before| (before - value).abs() > tolerance(point)).then_some(value)
    }

    /// What the value should have kept to.
    pub(super) fn limit(self, point: &Point, event: ProcessEvent) -> Option<f64> {
        let value = self.last_report()?;
        match event {
            ProcessEvent::OutOfRange => {
                let (low, high) = point.range.map(|(low, high)| (low as f64 / 10.0, high as f64 / 10.0))?;
                Some(if value < low { low } else { high })
            }
            ProcessEvent::Jump => point.max_rate.map(|limit| limit as f64 / 10.0),
            ProcessEvent::Mismatch | ProcessEvent::Effect => self.order().map(|order| order.value),
            ProcessEvent::Frozen => point.frozen_ms.map(|ms| ms as f64 / 1_000.0),
            ProcessEvent::BadQuality | ProcessEvent::Stale | ProcessEvent::Disputed => None,
        }
    }
}

/// A hundredth of the range.
fn tolerance(point: &Point) -> f64 {
    point.range.map_or(0.0, |(low, high)| (high as f64 / 10.0 - low as f64 / 10.0) / 100.0)
}

/// The value of a point in the registers or bits from an address on; `None` if they are only a part of it.
pub(super) fn value_in(point: &Point, first: u16, values: &[u16]) -> Option<f64> {
    let offset = usize::from(point.address.checked_sub(first)?);
    let own = values.get(offset..offset + usize::from(point.width()))?;
    Some(match own {
        [high, low] => f64::from(f32::from_bits(u32::from(*high) << 16 | u32::from(*low))),
        _ => (i64::from(own[0]) * point.scale) as f64 / 10.0,
    })
}

impl Exchange {
    /// The points that it touches, by address.
    pub(super) fn touched<'p>(&self, points: &'p [Point]) -> impl Iterator<Item = (usize, &'p Point)> {
        let (place, device) = (self.place(), self.device);
        points.iter().enumerate().filter(move |(_, point)| {
            place.is_some_and(|(space, first, count)| {
                (point.device, point.space) == (device, space)
                    && point.address < first + count
                    && first < point.address + point.width()
            })
        })
    }

    /// What it does to a point, once it is answered.
    pub(super) fn effect(&self, point: &Point, verdict: Judgement) -> Option<Happened> {
        let answer = self.answer.as_ref()?;
        let Said::Answered(read) = &answer.said else { return None };
        let what = match &self.request {
            Request::Read { address, .. } => What::Reported(value_in(point, *address, read)?),
            Request::Write { address, values, .. } => {
                What::Commanded(value_in(point, *address, values), self.actor, verdict)
            }
            Request::Mask { .. } => What::Commanded(None, self.actor, verdict),
            Request::Identify => return None,
        };
        let at = if matches!(what, What::Reported(_)) { self.at + answer.after } else { self.at };
        Some(Happened { at, what })
    }
}
