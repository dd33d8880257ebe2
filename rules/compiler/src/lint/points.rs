//! Points that share addresses.

use super::Policy;
use crate::diagnostic::Report;
use crate::model::Point;

/// Warns of every point that lies on addresses of one before it.
pub(super) fn overlaps(policy: &Policy<'_>, report: &mut Report<'_>) {
    let alike = |(a, one): &(u16, Point), (b, other): &(u16, Point)| (a, one.space) == (b, other.space);
    for space in policy.points.chunk_by(alike) {
        let mut furthest: Option<&Point> = None;
        for (device, point) in space {
            match furthest {
                Some(before) if point.span().0 < before.span().1 => {
                    overlap(before, point, policy.device(*device), report);
                    furthest = Some(if point.span().1 > before.span().1 { point } else { before });
                }
                _ => furthest = Some(point),
            }
        }
    }
}

fn overlap(one: &Point, other: &Point, device: &str, report: &mut Report<'_>) {
    let (first, second) = if one.name.span < other.name.span { (one, other) } else { (other, one) };
    let message = format!("`{}` and `{}` of `{device}` overlap", first.name.value, second.name.value);
    let differ = first.encoding.kind != second.encoding.kind;
    let help = if differ {
        "one of them may have the wrong address or `type`; a write there must be permitted for both"
    } else {
        "a write there must be permitted for both"
    };
    report
        .warning(second.name.span, message)
        .label(extent(second, differ))
        .related(first.name.span, extent(first, differ))
        .help(help.to_owned());
}

fn extent(point: &Point, typed: bool) -> String {
    let (start, end) = point.span();
    let name = point.space.name();
    let place = if end - start == 1 { format!("{name} {start}") } else { format!("{name}s {start} to {}", end - 1) };
    if typed { format!("{place} as `{}`", point.encoding.kind.name()) } else { place }
}
