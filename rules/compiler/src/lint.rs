//! What is legal but probably not meant.

use tagout_engine::{Action, Space};

use crate::diagnostic::Report;
use crate::model::{Bounds, Device, Permit, Point};
use crate::resolve::Cover;
use crate::source::Spanned;

/// Warns of points that share addresses with the next one. `points` are sorted by device, space and address.
pub(crate) fn overlaps(points: &[(u16, Point)], devices: &[Device], report: &mut Report<'_>) {
    for (index, (device, point)) in points.iter().enumerate() {
        let overlapped = points
            .get(index + 1)
            .filter(|(other, next)| other == device && next.space == point.space && next.span().0 < point.span().1);
        if let Some((_, next)) = overlapped {
            let (first, second) = if point.name.span < next.name.span { (point, next) } else { (next, point) };
            let device = &devices[usize::from(*device)].name.value;
            let message = format!("`{}` and `{}` of `{device}` overlap", first.name.value, second.name.value);
            report
                .warning(second.name.span, message)
                .label(extent(second))
                .related(first.name.span, extent(first))
                .help("a write there must be permitted for both".to_owned());
        }
    }
}

fn extent(point: &Point) -> String {
    let (start, end) = point.span();
    let name = point.space.name();
    if end - start == 1 { format!("{name} {start}") } else { format!("{name}s {start} to {}", end - 1) }
}

/// Warns of permits, or parts of them, that can never apply.
pub(crate) fn permit(
    permit: &Permit,
    cover: &Cover,
    points: &[(u16, Point)],
    devices: &[Device],
    report: &mut Report<'_>,
) {
    let Some(covered) = &cover.points else { return value_less(permit, report) };
    let covered: Vec<_> = covered.iter().filter_map(|id| points.get(*id as usize)).collect();
    if covered.is_empty() {
        return;
    }
    for device in cover.devices.iter().filter(|device| covered.iter().all(|(owner, _)| owner != *device)) {
        let name = &devices[usize::from(*device)].name.value;
        report
            .warning(permit.span, format!("this permit names no point of `{name}`"))
            .label("it can never apply there");
    }
    if !covered.iter().any(|(_, point)| applies(permit.actions.value, point.space)) {
        let message = "this permit can never apply: its points cannot be written or operated";
        report.warning(permit.actions.span, message);
    }
    value_less(permit, report);
    if let Some(value) = permit.value.as_ref().filter(|_| permit.actions.value & VALUED != 0) {
        covered.iter().for_each(|(_, point)| unreachable_value(value, point, report));
    }
}

/// The actions that carry values.
const VALUED: u32 = Action::Write.bit() | Action::Select.bit() | Action::Operate.bit() | Action::DirectOperate.bit();

/// Whether any of the actions exists for points of this space.
fn applies(actions: u32, space: Space) -> bool {
    let modbus = space <= Space::InputRegister;
    let input = matches!(space, Space::DiscreteInput | Space::InputRegister);
    let control = matches!(space, Space::BinaryOutput | Space::AnalogOutput);
    let exists = |action: Action| match action {
        Action::Write => !input,
        Action::Select | Action::Operate | Action::DirectOperate => control && !modbus,
        _ => true,
    };
    Action::ALL.iter().any(|action| actions & action.bit() != 0 && exists(*action))
}

fn value_less(permit: &Permit, report: &mut Report<'_>) {
    if let Some(value) = permit.value.as_ref().filter(|_| permit.actions.value & VALUED == 0) {
        report
            .warning(value.span, "a value range for actions that carry no value")
            .label("it limits nothing")
            .related(permit.actions.span, "none of these writes or operates");
    }
}

fn unreachable_value(value: &Spanned<Bounds>, point: &Point, report: &mut Report<'_>) {
    let name = &point.name.value;
    if point.space.is_bit() {
        if !value.value.contains(0.0) && !value.value.contains(1.0) {
            report.warning(value.span, format!("no value of `{name}` lies in this range")).label("a bit is 0 or 1");
        }
    } else if !value.value.meets(point.range) {
        let Bounds { min, max } = point.range;
        report
            .warning(value.span, format!("no value of `{name}` lies in this range"))
            .related(point.name.span, format!("its range is {min} to {max}"));
    }
}
