use tagout_engine::Action;

use super::point::range_of;
use super::rule::spanned;
use crate::diagnostic::Report;
use crate::lint::VALUED;
use crate::model::{Approval, Bounds};
use crate::node::{Entry, Fields};
use crate::source::Spanned;

/// Reads what a human approves.
pub(super) fn approval(mut fields: Fields<'_>, report: &mut Report<'_>) -> Option<Approval> {
    let id = fields.require("id", report).and_then(|entry| spanned(entry.node, report));
    let approver = fields.require("approver", report).and_then(|entry| entry.node.text(report)).map(str::to_owned);
    let mut names = |name| fields.require(name, report).map(|entry| entry.node.strings(report));
    let (actors, during) = (names("actor"), names("during"));
    let device = fields.take("device").and_then(|entry| spanned(entry.node, report));
    let points = fields.take("points").map(|entry| entry.node.strings(report)).unwrap_or_default();
    let done = fields.take("do");
    let action = done.as_ref().and_then(|entry| entry.node.word("action", Action::ALL, Action::name, report));
    let value = value(&mut fields, action, report);
    let count = fields.take("count").and_then(|entry| entry.node.integer("the count", 1..=i64::from(u32::MAX), report));
    let pace_ms = fields.take("pace").and_then(|entry| entry.node.duration(report)).unwrap_or(0);
    let reason = fields.take("reason").and_then(|entry| entry.node.text(report)).map(str::to_owned);
    if let (Some(first), None) = (points.first(), &device) {
        report.error(first.span, "points of no device").help("name the device in `device`".to_owned());
    }
    fields.finish(report);
    let (id, approver, actors, during) = (id?, approver?, actors?, during?);
    Some(Approval { id, approver, actors, during, device, points, action, value, count, pace_ms, reason })
}

fn value(fields: &mut Fields<'_>, action: Option<Action>, report: &mut Report<'_>) -> Option<Spanned<Bounds>> {
    let (value, range) = (fields.take("value"), fields.take("range"));
    if let (Some(value), Some(range)) = (&value, &range) {
        report.error(range.key, "a range beside a value").related(value.key, "it is this value");
    }
    let said = |entry: &Entry<'_>| Some((entry.key, entry.node.span));
    let (key, span) = value.as_ref().or(range.as_ref()).and_then(said)?;
    if let Some(action) = action.filter(|action| action.bit() & VALUED == 0) {
        report.error(key, format!("`{}` carries no value", action.name())).label("nothing could be held against it");
    }
    let one = value.and_then(|entry| entry.node.value(report)).map(|value| Bounds { min: value, max: value });
    let bounds = one.or_else(|| range_of(range?.node, report))?;
    Some(Spanned { value: bounds, span })
}
