//! The process image: the last known value, quality and time of every declared point.

use crate::{ActorId, PointId, Timestamp};

/// What is known of a point.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct PointState {
    /// What the device said last.
    pub reported: Option<Report>,
    /// What it was told last.
    pub commanded: Option<Order>,
}

/// A value as a device reported it.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Report {
    /// In engineering units.
    pub value: f64,
    /// Change a second since the report before; unknown after the first.
    pub rate: Option<f64>,
    /// Whether the device vouches for the value: DNP3 flags online, and none of restart, communication lost, remote or local
    /// forced, over range, reference error. Always good in Modbus.
    pub good: bool,
    /// When it was seen on the wire.
    pub at: Timestamp,
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

    /// What is known of a point.
    pub fn get(&self, point: PointId) -> PointState {
        self.points.get(point.0 as usize).copied().unwrap_or_default()
    }
}
