use tagout_engine::attack::{TECHNIQUES, Technique};
use tagout_engine::{AnomalyKind, Severity};

use super::permit::actions;
use crate::diagnostic::Report;
use crate::model::Rule;
use crate::node::{Entry, Fields, Node};
use crate::source::{Span, Spanned};
use crate::suggest::did_you_mean;

pub(super) fn rule(span: Span, mut fields: Fields<'_>, report: &mut Report<'_>) -> Option<Rule> {
    let sid = fields.require("sid", report).and_then(|entry| sid(entry.node, report));
    let signature = fields.require("signature", report).and_then(|entry| entry.node.text(report)).map(str::to_owned);
    let severity = fields.require("severity", report);
    let severity = severity.and_then(|entry| entry.node.word("severity", Severity::ALL, Severity::name, report));
    let technique = fields.take("technique").and_then(|entry| technique(entry.node, report));
    let category = fields.take("category").and_then(|entry| entry.node.text(report)).unwrap_or_default().to_owned();
    let (on_action, on_anomaly) = (fields.take("on_action"), fields.take("on_anomaly"));
    if on_action.is_none() && on_anomaly.is_none() {
        report.error(fields.span, "a rule that nothing triggers").label("`on_action` or `on_anomaly` is missing");
    }
    let actions = on_action.map_or(0, |entry| actions(entry, report).value);
    let anomalies = on_anomaly.map_or(0, |entry| anomalies(entry, report));
    let once = fields.take("once").and_then(|entry| entry.node.boolean(report)).unwrap_or(false);
    fields.finish(report);
    Some(Rule {
        span,
        sid: sid?,
        signature: signature?,
        severity: severity?,
        technique,
        category,
        actions,
        anomalies,
        once,
    })
}

fn sid(node: Node<'_>, report: &mut Report<'_>) -> Option<Spanned<u32>> {
    let value = node.integer("sid", 1..=i64::from(u32::MAX), report)?;
    Some(Spanned { value, span: node.span })
}

fn anomalies(entry: Entry<'_>, report: &mut Report<'_>) -> u32 {
    let nodes = entry.node.one_or_more(report);
    let kind = |node: Node<'_>| node.word("kind of anomaly", AnomalyKind::ALL, AnomalyKind::name, report);
    nodes.into_iter().filter_map(kind).fold(0, |set, kind| set | kind.bit())
}

fn technique(node: Node<'_>, report: &mut Report<'_>) -> Option<&'static Technique> {
    let id = node.string(report)?;
    let found = Technique::by_id(id);
    if found.is_none() {
        let known = TECHNIQUES.iter().flat_map(|technique| technique.superseded.iter().chain([&technique.id]));
        report
            .error(node.span, format!("unknown technique `{id}`"))
            .expected("an id of ATT&CK for ICS such as \"T0816\"")
            .help(did_you_mean(id, known.copied()));
    }
    found
}
