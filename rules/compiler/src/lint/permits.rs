//! Permits, or parts of them, that can never apply.

use tagout_engine::{Action, Space};

use super::{Policy, VALUED, words};
use crate::diagnostic::Report;
use crate::model::{Bounds, Permit, Point, Values};
use crate::resolve::Cover;
use crate::source::Spanned;

/// Warns of permits, or parts of them, that can never apply.
pub(super) fn never(policy: &Policy<'_>, report: &mut Report<'_>) {
    // A permit of nothing was written wrongly, and reported.
    for (permit, cover) in policy.permits().filter(|(permit, _)| permit.actions.value != 0) {
        match policy.named(cover) {
            Some(points) if points.is_empty() => {}
            Some(points) => {
                pointless_devices(policy, permit, cover, &points, report);
                impossible_actions(permit, &points, report);
                value_less(permit, report);
                if let Some(value) = permit.value.as_ref().filter(|_| permit.actions.value & VALUED != 0) {
                    points.iter().for_each(|(_, point)| unreachable_value(value, point, report));
                }
            }
            None => value_less(permit, report),
        }
    }
}

fn pointless_devices(
    policy: &Policy<'_>,
    permit: &Permit,
    cover: &Cover,
    points: &[&(u16, Point)],
    report: &mut Report<'_>,
) {
    for device in cover.devices.iter().filter(|device| points.iter().all(|(owner, _)| owner != *device)) {
        report
            .warning(permit.span, format!("this permit names no point of `{}`", policy.device(*device)))
            .label("it can never apply there");
    }
}

fn impossible_actions(permit: &Permit, points: &[&(u16, Point)], report: &mut Report<'_>) {
    let possible = |action: &Action| points.iter().any(|(_, point)| exists(*action, point.space));
    let possible = Action::ALL.iter().filter(|action| possible(action)).fold(0, |set, action| set | action.bit());
    let impossible = permit.actions.value & !possible;
    if impossible == permit.actions.value {
        let message = "this permit can never apply: its points cannot be written or operated";
        report
            .warning(permit.actions.span, message)
            .help("permit `read`, or name points that can be written or operated".to_owned());
    } else if impossible != 0 {
        let message = format!("no point of this permit takes {}", words(impossible));
        report.warning(permit.actions.span, message).help(format!("take {} out", words(impossible)));
    }
}

/// Whether an action exists for points of a space.
fn exists(action: Action, space: Space) -> bool {
    let modbus = space <= Space::InputRegister;
    let input = matches!(space, Space::DiscreteInput | Space::InputRegister);
    let control = matches!(space, Space::BinaryOutput | Space::AnalogOutput);
    match action {
        Action::Write => !input,
        Action::Select | Action::Operate | Action::DirectOperate => control && !modbus,
        _ => true,
    }
}

fn value_less(permit: &Permit, report: &mut Report<'_>) {
    let changes = [
        permit.max_step.as_ref().map(|key| key.span),
        permit.opposite_after.as_ref().map(|key| key.span),
        permit.max_change.as_ref().map(|key| key.span),
    ];
    for span in changes.into_iter().flatten().filter(|_| permit.actions.value & VALUED == 0) {
        report
            .warning(span, "a limit on changes for actions that carry no value")
            .label("it limits nothing")
            .related(permit.actions.span, "none of these writes or operates");
    }
    if let Some(value) = permit.value.as_ref().filter(|_| permit.actions.value & VALUED == 0) {
        report
            .warning(value.span, "a value range for actions that carry no value")
            .label("it limits nothing")
            .related(permit.actions.span, "none of these writes or operates");
    }
}

fn unreachable_value(value: &Spanned<Values>, point: &Point, report: &mut Report<'_>) {
    let name = &point.name.value;
    let Values { bounds, one_of, .. } = &value.value;
    let listed = |allows: &dyn Fn(f64) -> bool| one_of.is_empty() || one_of.iter().any(|one| allows(*one));
    let allows = |bit: f64| bounds.contains(bit) && listed(&|one| one == bit);
    if point.space.is_bit() {
        if !allows(0.0) && !allows(1.0) {
            report.warning(value.span, format!("no value of `{name}` lies in this range")).label("a bit is 0 or 1");
        }
    } else if !bounds.meets(point.range) || !listed(&|one| point.range.contains(one)) {
        let Bounds { min, max } = point.range;
        report
            .warning(value.span, format!("no value of `{name}` lies in this range"))
            .related(point.name.span, format!("its range is {min} to {max}"));
    }
}
