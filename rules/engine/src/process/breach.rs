use super::ProcessImage;
use crate::{MOST_INVOLVED, Order, PointId};

/// An invariant that is broken: what was known of the points that it asks for.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Breach([Option<Involved>; MOST_INVOLVED]);

/// A point that an invariant asks for.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Involved {
    /// Which.
    pub point: PointId,
    /// As the device reported it last, in engineering units.
    pub value: Option<f64>,
    /// The command that moved it last.
    pub last_command: Option<Order>,
}

impl Breach {
    pub(crate) fn of(points: impl Iterator<Item = PointId>, process: &ProcessImage<'_>) -> Self {
        let mut breach = Self::default();
        for (place, point) in breach.0.iter_mut().zip(points) {
            let state = process.get(point);
            let value = state.reported.map(|report| report.value);
            *place = Some(Involved { point, value, last_command: state.commanded });
        }
        breach
    }

    /// The points, in the order in which the condition names them.
    pub fn points(&self) -> impl Iterator<Item = Involved> {
        self.0.iter().copied().flatten()
    }

    /// The point that was commanded last of them, or the first if none was.
    pub fn moved_last(&self) -> Option<Involved> {
        let at = |point: &Involved| point.last_command.map(|order| order.at);
        let mut points = self.points();
        let mut last = points.next()?;
        for point in points {
            if at(&point) > at(&last) {
                last = point;
            }
        }
        Some(last)
    }
}
