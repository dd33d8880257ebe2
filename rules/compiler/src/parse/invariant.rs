use tagout_engine::Threshold;

use super::rule::{severity, spanned, technique};
use crate::diagnostic::Report;
use crate::model::Rule;
use crate::node::Fields;
use crate::source::{Span, Spanned};

/// Signature id of all broken invariants; those of violations end below.
const INVARIANT_SID: u32 = 1_001_101;

/// Reads an invariant: a rule that nothing but its points makes look.
pub(super) fn invariant(span: Span, mut fields: Fields<'_>, report: &mut Report<'_>) -> Option<Rule> {
    let name = fields.require("name", report).and_then(|entry| spanned(entry.node, report));
    let must = fields.require("must", report).and_then(|entry| spanned(entry.node, report));
    let severity = severity(&mut fields, report);
    let lasting = fields.take("for").map_or(Some(0), |entry| entry.node.duration(report));
    let technique = fields.take("technique").and_then(|entry| technique(entry.node, report));
    fields.finish(report);
    let name = name?;
    Some(Rule {
        span,
        sid: Spanned { value: INVARIANT_SID, span: name.span },
        signature: format!("{}{}", Rule::BROKEN, name.value),
        severity: severity?,
        technique,
        atlas: String::new(),
        owasp: String::new(),
        category: "Critical State".to_owned(),
        actions: 0,
        verdicts: 0,
        outcomes: None,
        anomalies: 0,
        process: 0,
        cadence: 0,
        when: Some(must?),
        per: None,
        steps: Vec::new(),
        threshold: Threshold::Invariant,
        distinct: None,
        count: 0,
        within_ms: lasting?,
        rearm_ms: 0,
        warm_up_ms: 0,
    })
}
