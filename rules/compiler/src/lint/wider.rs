//! Permits that allow more than there can be a need for.

use tagout_engine::{Action, ActorKind, Space};

use super::{Policy, VALUED};
use crate::diagnostic::Report;
use crate::model::{Bounds, Permit, Point};
use crate::resolve::Cover;

/// Warns of ranges that are wider than those of the points, and of agents that may write whole devices whose points are
/// declared.
pub(super) fn permits(policy: &Policy<'_>, report: &mut Report<'_>) {
    for (permit, cover) in policy.permits() {
        match policy.named(cover) {
            Some(points) => beyond_range(permit, &points, report),
            None => whole_device(policy, permit, cover, report),
        }
    }
}

/// A range is wider than needed when it goes beyond that of every point on both ends.
fn beyond_range(permit: &Permit, points: &[&(u16, Point)], report: &mut Report<'_>) {
    let Some(value) = permit.value.as_ref().filter(|_| permit.is_plain() && permit.actions.value & VALUED != 0) else {
        return;
    };
    let beyond = |range: Bounds| value.value.bounds.min < range.min && value.value.bounds.max > range.max;
    let numbers = || points.iter().filter(|(_, point)| !point.space.is_bit());
    let Some((_, first)) = numbers().next().filter(|_| numbers().all(|(_, point)| beyond(point.range))) else { return };
    let Bounds { min, max } = first.range;
    report
        .warning(value.span, format!("this range holds every value that `{}` can have", first.name.value))
        .related(first.name.span, format!("its range is {min} to {max}"))
        .help("permit only the values that are needed".to_owned());
}

fn whole_device(policy: &Policy<'_>, permit: &Permit, cover: &Cover, report: &mut Report<'_>) {
    let is_agent = |actor: &u16| policy.model.actors[usize::from(*actor)].kind == ActorKind::AiAgent;
    let Some(agent) = cover.actors.iter().copied().find(is_agent).filter(|_| permit.value.is_none()) else { return };
    let changes = |(device, point): &&(u16, Point)| {
        cover.devices.contains(device) && is_command(permit.actions.value, point.space)
    };
    let Some((device, point)) = policy.points.iter().find(changes) else { return };
    let (agent, device) = (policy.actor(agent), policy.device(*device));
    report
        .warning(permit.actions.span, format!("the agent `{agent}` may change all of `{device}`, declared or not"))
        .related(point.name.span, "points are declared here")
        .help("name the `points` that it needs".to_owned());
}

/// Whether an action among these commands points of this space. A DNP3 WRITE sets times and indications instead.
fn is_command(actions: u32, space: Space) -> bool {
    let operates = Action::Operate.bit() | Action::DirectOperate.bit();
    match space {
        Space::Coil | Space::HoldingRegister => actions & Action::Write.bit() != 0,
        Space::BinaryOutput | Space::AnalogOutput => actions & operates != 0,
        _ => false,
    }
}
