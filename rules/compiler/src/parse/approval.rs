use super::deed::deed;
use super::rule::spanned;
use crate::diagnostic::Report;
use crate::model::Approval;
use crate::node::Fields;

/// Reads what a human approves.
pub(super) fn approval(mut fields: Fields<'_>, report: &mut Report<'_>) -> Option<Approval> {
    let id = fields.require("id", report).and_then(|entry| spanned(entry.node, report));
    let approver = fields.require("approver", report).and_then(|entry| entry.node.text(report)).map(str::to_owned);
    let mut names = |name| fields.require(name, report).map(|entry| entry.node.strings(report));
    let (actors, during) = (names("actor"), names("during"));
    let deed = deed(&mut fields, report);
    let count = fields.take("count").and_then(|entry| entry.node.integer("the count", 1..=i64::from(u32::MAX), report));
    let pace_ms = fields.take("pace").and_then(|entry| entry.node.duration(report)).unwrap_or(0);
    let reason = fields.take("reason").and_then(|entry| entry.node.text(report)).map(str::to_owned);
    fields.finish(report);
    let (id, approver, actors, during) = (id?, approver?, actors?, during?);
    Some(Approval { id, approver, actors, during, deed, count, pace_ms, reason })
}
