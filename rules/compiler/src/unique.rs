//! What a name or a number may stand for but once, over all files together.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use crate::diagnostic::Report;
use crate::model::{Device, Model};
use crate::source::{Span, Spanned};

/// Reports what stands for two things.
pub(crate) fn check(model: &Model, report: &mut Report<'_>) {
    names("actor", model.actors.iter().map(|actor| &actor.name), report);
    names("device", model.devices.iter().map(|device| &device.name), report);
    for device in &model.devices {
        names("point", device.points.iter().map(|point| &point.name), report);
    }
    paths(&model.devices, report);
    names("window", model.windows.iter().map(|window| &window.name), report);
    permits(model, report);
    let invariants = model.rules.iter().filter_map(|rule| Some((rule.invariant()?, rule.sid.span)));
    once(invariants, |name| format!("a second invariant named `{name}`"), report);
    let rules = model.rules.iter().filter(|rule| rule.invariant().is_none());
    once(rules.map(|rule| (rule.sid.value, rule.sid.span)), |sid| format!("a second rule with the sid {sid}"), report);
    names("test", model.tests.iter().map(|test| &test.name), report);
}

/// Reports each name that was there before.
pub(crate) fn names<'m>(what: &str, names: impl Iterator<Item = &'m Spanned<String>>, report: &mut Report<'_>) {
    once(names.map(|name| (&name.value, name.span)), |name| format!("a second {what} named `{name}`"), report);
}

fn once<K: Ord>(all: impl Iterator<Item = (K, Span)>, message: impl Fn(&K) -> String, report: &mut Report<'_>) {
    again(all, |key, span, first| _ = report.error(span, message(key)).related(first, "the first is here"));
}

/// Permits are known by their names to people alone.
fn permits(model: &Model, report: &mut Report<'_>) {
    let names = model.permits.iter().filter_map(|permit| permit.name.as_ref());
    again(names.map(|name| (&name.value, name.span)), |name, span, first| {
        report
            .warning(span, format!("a second permit named `{name}`"))
            .related(first, "the first is here")
            .help("alerts name the permit that came nearest: give each a name of its own".to_owned());
    });
}

/// Visits what is there more than once: its key, where it is, and where it was first.
fn again<K: Ord>(all: impl Iterator<Item = (K, Span)>, mut visit: impl FnMut(&K, Span, Span)) {
    let mut seen = BTreeMap::new();
    for (key, span) in all {
        match seen.entry(key) {
            Entry::Vacant(new) => _ = new.insert(span),
            Entry::Occupied(first) => visit(first.key(), span, *first.get()),
        }
    }
}

/// Reports points of two devices that conditions and tests would write alike: names may have dots, and `a.b.c` may then be
/// a point of `a` and one of `a.b`.
fn paths(devices: &[Device], report: &mut Report<'_>) {
    let mut seen: BTreeMap<String, (&str, Span)> = BTreeMap::new();
    for device in devices {
        for point in &device.points {
            let path = format!("{}.{}", device.name.value, point.name.value);
            let (other, first) = *seen.entry(path.clone()).or_insert((&device.name.value, point.name.span));
            if other != device.name.value {
                report
                    .error(point.name.span, format!("`{path}` stands for two points"))
                    .label(format!("a point of `{}`", device.name.value))
                    .related(first, format!("a point of `{other}`"))
                    .help("rename one of the points or devices, so that the dots tell them apart".to_owned());
            }
        }
    }
}
