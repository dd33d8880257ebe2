use tagout_engine::Action;

use crate::diagnostic::Report;
use crate::grammar;
use crate::model::{Bounds, Permit};
use crate::node::{Entry, Fields};
use crate::source::{Span, Spanned};

pub(super) fn permit(span: Span, mut fields: Fields<'_>, report: &mut Report<'_>) -> Option<Permit> {
    let name = fields.take("name").and_then(|name| name.node.text(report)).unwrap_or_default().to_owned();
    let actors = fields.require("actor", report).map(|entry| entry.node.strings(report));
    let devices = fields.require("device", report).map(|entry| entry.node.strings(report));
    let actions = fields.require("do", report).map(|entry| actions(entry, report));
    let points = fields.take("points").map(|entry| entry.node.strings(report));
    let value = fields.take("value").and_then(|entry| value(entry, report));
    fields.finish(report);
    Some(Permit { span, name, actors: actors?, devices: devices?, actions: actions?, points, value })
}

/// A set of actions, as their bits.
pub(super) fn actions(entry: Entry<'_>, report: &mut Report<'_>) -> Spanned<u32> {
    let mut set = 0;
    for node in entry.node.one_or_more(report) {
        let action = node.word("action", Action::ALL, Action::name, report);
        set |= action.map_or(0, Action::bit);
    }
    Spanned { value: set, span: entry.node.span }
}

fn value(entry: Entry<'_>, report: &mut Report<'_>) -> Option<Spanned<Bounds>> {
    let mut fields = entry.node.table(&grammar::VALUE, report)?;
    let (min, max) = (fields.take("min"), fields.take("max"));
    let given = min.is_some() || max.is_some() || !fields.is_empty();
    let min = min.map_or(Some(f64::NEG_INFINITY), |min| min.node.number(report));
    let max = max.map_or(Some(f64::INFINITY), |max| max.node.number(report));
    fields.finish(report);
    let (min, max) = (min?, max?);
    let span = entry.node.span;
    if !given {
        report.error(span, "a value range without ends").expected("`min`, `max` or both");
    } else if min > max {
        report.error(span, format!("`min` {min} is above `max` {max}")).label("no value lies in this range");
    }
    (given && min <= max).then_some(Spanned { value: Bounds { min, max }, span })
}
