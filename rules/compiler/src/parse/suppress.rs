use super::rule::spanned;
use super::testing::signature;
use super::window::end_of;
use crate::diagnostic::Report;
use crate::model::Suppression;
use crate::node::Fields;
use crate::source::{Span, Spanned};

pub(super) fn suppression(span: Span, mut fields: Fields<'_>, report: &mut Report<'_>) -> Option<Suppression> {
    let name = fields.require("name", report).and_then(|entry| spanned(entry.node, report));
    let reason = fields.require("reason", report).and_then(|entry| entry.node.text(report)).map(str::to_owned);
    let rules = fields.take("rules").map(|entry| entry.node.one_or_more(report));
    let rules: Option<Vec<_>> =
        rules.map(|nodes| nodes.into_iter().filter_map(|node| signature(node, report)).collect());
    let mut names = |key| fields.take(key).map(|entry| entry.node.strings(report));
    let (actors, devices, points) = (names("actor"), names("device"), names("points"));
    let when = fields.take("when");
    let limits = [&actors, &devices, &points].iter().any(|names| names.is_some());
    if rules.is_none() && !limits && when.is_none() && !fields.has_like("rules") {
        let draft = report.error(span, "a suppression of everything");
        draft.label("`rules`, `actor`, `device`, `points` or `when` is missing");
    }
    let when = when.and_then(|entry| spanned(entry.node, report));
    let until = fields.take("until").and_then(|entry| {
        let value = end_of(entry.node, report)?;
        Some(Spanned { value, span: entry.node.span })
    });
    fields.finish(report);
    Some(Suppression { name: name?, reason: reason?, rules, actors, devices, points, when, until })
}
