//! What is to be done, as approvals and the declarations of tests say it: from names to numbers.

use tagout_engine::{Action, ActorId, DeviceId, PointId, Policy};

use crate::diagnostic::Report;
use crate::model::{self, Model, Point, Run};
use crate::resolve::{named, unknown};
use crate::source::Spanned;

/// The most points that one may name: as many as a declaration has targets.
const MOST_POINTS: usize = 8;

/// What is to be done, by the names of the policy. What is `None` or empty was left open.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Deed {
    /// The device.
    pub device: Option<String>,
    /// Points of the device.
    pub points: Vec<String>,
    /// Addresses instead.
    pub runs: Vec<Run>,
    /// What is to be done.
    pub action: Option<Action>,
    /// The least and the greatest value: of points in engineering units, of addresses as on the wire.
    pub value: Option<(f64, f64)>,
}

/// The numbers of what one names: device and points.
#[derive(Clone, Debug, Default)]
pub(crate) struct Aim {
    device: Option<u16>,
    points: Vec<u32>,
}

/// Resolves the names; points are those of the image.
pub(crate) fn resolve(
    deed: &model::Deed,
    (model, points): (&Model, &[(u16, Point)]),
    report: &mut Report<'_>,
) -> (Deed, Aim) {
    let device = deed.device.as_ref().and_then(|name| device(name, model, report));
    let numbers = device.map(|device| chosen(deed, device, (model, points), report)).unwrap_or_default();
    let named = Deed {
        device: deed.device.as_ref().map(|device| device.value.clone()),
        points: numbers.iter().map(|id| points[*id as usize].1.name.value.clone()).collect(),
        runs: deed.runs.clone(),
        action: deed.action,
        value: deed.value.map(|bounds| (bounds.min, bounds.max)),
    };
    (named, Aim { device, points: numbers })
}

fn device(name: &Spanned<String>, model: &Model, report: &mut Report<'_>) -> Option<u16> {
    let found = (0..).zip(&model.devices).find(|(_, device)| device.name.value == name.value);
    if found.is_none() {
        unknown("device", name, model.devices.iter().map(|device| device.name.value.as_str()).collect(), report);
    }
    found.map(|(number, _)| number)
}

fn chosen(
    deed: &model::Deed,
    device: u16,
    (model, points): (&Model, &[(u16, Point)]),
    report: &mut Report<'_>,
) -> Vec<u32> {
    let declared = (0..).zip(points).filter(|(_, (of, _))| *of == device);
    let declared = declared.map(|(id, (_, point))| (point.name.value.as_str(), Some(id)));
    let broken = model.devices[usize::from(device)].broken.iter().map(|name| (name.as_str(), None));
    let here: Vec<(&str, Option<u32>)> = declared.chain(broken).collect();
    let found = deed.points.iter().flat_map(|name| named("point", name, &here, report)).flatten();
    let mut numbers: Vec<u32> = found.collect();
    numbers.sort_unstable();
    numbers.dedup();
    if let Some(first) = deed.points.first().filter(|_| numbers.len() > MOST_POINTS) {
        report.error(first.span, format!("{} points are too many", numbers.len())).expected("eight at most");
    }
    numbers
}

impl Deed {
    /// Whether permits of an actor cover it, as far as it says.
    pub(crate) fn is_permitted(&self, aim: &Aim, actor: u16, policy: &Policy<'_>) -> bool {
        let Some((device, action)) = aim.device.zip(self.action) else { return true };
        let who = (ActorId(actor), DeviceId(device), action);
        let ends = self.value.map_or([None, None], |(least, most)| [Some(least), Some(most)]);
        if aim.points.is_empty() && self.runs.is_empty() {
            return policy.may_declare(who.0, who.1, action, (None, None, None));
        }
        let run = |run: &Run| policy.may_declare_run(who, (run.space, run.address, run.quantity.into()), ends);
        aim.points.iter().all(|point| policy.may_declare_point(who, PointId(*point), ends)) && self.runs.iter().all(run)
    }
}
