use super::PointState;
use super::slip::slip;
use crate::condition::Scene;
use crate::image::Point;
use crate::policy::carried::{point_value, raw_value};
use crate::{ActorId, ActorInfo, DeviceId, Fact, Facts, Field, PointId, Policy, Space, Timestamp, Touch};

/// What an item told when a rule fired on it.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Commanded {
    /// The address space.
    pub space: Space,
    /// The first address that is touched.
    pub address: u32,
    /// The point, if one is declared there.
    pub point: Option<PointId>,
    /// Who commanded the point last before.
    pub actor_before: Option<ActorId>,
    /// NaN where it is not known: requests that wait keep several of these.
    value: f64,
    previous: f64,
}

impl Commanded {
    /// The value that is commanded: of a point in engineering units, else raw.
    pub fn value(&self) -> Option<f64> {
        Some(self.value).filter(|value| !value.is_nan())
    }

    /// The value before it, as [`Item::previous`] tells it.
    pub fn previous(&self) -> Option<f64> {
        Some(self.previous).filter(|value| !value.is_nan())
    }
}

/// Where a touch reaches something: at an address, and at this point if one is declared there.
#[derive(Clone, Copy)]
pub(crate) struct Reach<'i> {
    pub(crate) touch: &'i Touch<'i>,
    pub(crate) address: u64,
    pub(crate) point: Option<(PointId, &'i Point)>,
}

/// One thing that a touch reaches: a declared point, or a run of addresses that the policy declares no point at.
///
/// As [`Facts`] it answers the fields of [`Stage::Item`](crate::Stage::Item) by itself, and all others as the scene does
/// that it came from.
#[derive(Clone, Copy)]
pub struct Item<'e> {
    /// The point, if it is one.
    pub point: Option<PointId>,
    /// The first address that is touched of it.
    pub address: u32,
    /// What is commanded: of a point in engineering units, else raw, of a run of addresses the first.
    pub value: Option<f64>,
    policy: &'e Policy<'e>,
    touch: &'e Touch<'e>,
    record: Option<&'e Point>,
    state: &'e PointState,
    now: Timestamp,
    rest: &'e dyn Facts,
}

impl Scene<'_, '_> {
    /// Visits what a touch of a device reaches, by address: each declared point, and each run of undeclared addresses
    /// before, between and behind them. For a condition on an item, ask [`Policy::holds`] in this scene, with the item as
    /// its facts.
    ///
    /// Ask before the command is [`ordered`](crate::Engine::ordered): what an item tells of the past is then what was
    /// before it.
    pub fn items(
        &self,
        policy: &Policy<'_>,
        device: Option<DeviceId>,
        touch: &Touch<'_>,
        visit: &mut dyn FnMut(&Item<'_>),
    ) {
        let mut next = u64::from(touch.address);
        for (id, point) in device.into_iter().flat_map(|device| policy.touched_by(device, touch)) {
            if next < point.start() {
                visit(&self.item(policy, Reach { touch, address: next, point: None }));
            }
            let address = point.start().max(touch.address.into());
            visit(&self.item(policy, Reach { touch, address, point: Some((id, point)) }));
            next = next.max(point.end());
        }
        if next < touch.end() {
            visit(&self.item(policy, Reach { touch, address: next, point: None }));
        }
    }

    /// What a touch reaches there.
    pub(crate) fn item<'i>(&'i self, policy: &'i Policy<'i>, reach: Reach<'i>) -> Item<'i> {
        let Reach { touch, address, point } = reach;
        let (id, record) = point.unzip();
        let carried = record.map_or_else(|| raw_value(touch, address), |record| point_value(touch, record));
        Item {
            point: id,
            address: u32::try_from(address).unwrap_or(u32::MAX),
            value: carried.number(),
            policy,
            touch,
            record,
            state: id.map_or(&PointState::UNKNOWN, |id| self.process.get(id)),
            now: self.now,
            rest: self.facts,
        }
    }
}

impl<'e> Item<'e> {
    /// The value before this one, commanded or reported, whichever is the latest.
    pub fn previous(&self) -> Option<f64> {
        self.state.latest()
    }

    /// What it tells of itself, to keep.
    pub(crate) fn commanded(&self) -> Commanded {
        Commanded {
            space: self.touch.space,
            address: self.address,
            point: self.point,
            actor_before: self.state.commanded.and_then(|order| order.by),
            value: self.value.unwrap_or(f64::NAN),
            previous: self.previous().unwrap_or(f64::NAN),
        }
    }

    /// The value and the one before it.
    fn step(&self) -> Option<(f64, f64)> {
        self.value.zip(self.previous())
    }

    fn trend(&self) -> Option<i16> {
        self.value.map(|value| self.state.trend_with(value)).filter(|trend| *trend != 0)
    }

    fn is_reversal(&self) -> Option<bool> {
        let before = Some(self.state.trend).filter(|before| *before != 0);
        before.zip(self.trend()).map(|(before, trend)| before.signum() != trend.signum())
    }

    fn slip(&self) -> Option<&'static str> {
        let (record, (value, previous)) = self.record.zip(self.step())?;
        slip(self.touch, record, value, previous).map(crate::Slip::name)
    }

    fn place(&self) -> Option<f64> {
        let (record, value) = self.record.zip(self.value)?;
        let (min, max) = (record.range.min.get(), record.range.max.get());
        Some((value - min) / (max - min)).filter(|_| (max - min).is_finite() && max > min)
    }

    fn since_ms(&self) -> Option<f64> {
        self.state.commanded.map(|order| self.now.micros_since(order.at) as f64 / 1e3)
    }

    fn actor_before(&self) -> Option<ActorInfo<'e>> {
        self.policy.actor_info(self.state.commanded?.by?)
    }
}

impl Facts for Item<'_> {
    fn device(&self) -> Option<DeviceId> {
        self.rest.device()
    }

    fn fact(&self, field: Field) -> Fact<'_> {
        match field {
            Field::CommandPoint => Fact::of(self.record, |point| Fact::Text(self.policy.text(point.name))),
            Field::CommandSpace => Fact::Text(self.touch.space.name()),
            Field::CommandAddress => Fact::Number(self.address.into()),
            Field::CommandValue => Fact::of(self.value, Fact::Number),
            Field::CommandPrevious => Fact::of(self.previous(), Fact::Number),
            Field::CommandChange => Fact::of(self.step(), |(value, previous)| Fact::Number(value - previous)),
            Field::CommandReversal => Fact::of(self.is_reversal(), Fact::Flag),
            Field::CommandRun => Fact::of(self.trend(), |trend| Fact::Number(trend.unsigned_abs().into())),
            Field::CommandSlip => Fact::of(self.slip(), Fact::Text),
            Field::CommandSinceMs => Fact::of(self.since_ms(), Fact::Number),
            Field::CommandPlace => Fact::of(self.place(), Fact::Number),
            Field::CommandBefore => Fact::of(self.actor_before(), |actor| Fact::Text(actor.name)),
            other => self.rest.fact(other),
        }
    }
}
