//! Rules that fire together with another.

use tagout_engine::Threshold;

use crate::diagnostic::Report;
use crate::model::Rule;

/// Warns of rules that fire only where another one does that is at least as severe.
pub(super) fn shadowed(rules: &[Rule], report: &mut Report<'_>) {
    let rules: Vec<_> = rules.iter().filter(|rule| rule.threshold != Threshold::Invariant).collect();
    for (number, rule) in rules.iter().enumerate() {
        let same = |(other, wider): &(usize, &Rule)| {
            *other != number && shadows(wider, rule) && (*other < number || !shadows(rule, wider))
        };
        if let Some((_, wider)) = rules.iter().copied().enumerate().find(same) {
            report
                .warning(rule.sid.span, format!("the rule {} fires whenever this one does", wider.sid.value))
                .related(wider.sid.span, "with the same condition, and at least as severe")
                .help("take one of them out, or set them apart by what triggers them or by `when`".to_owned());
        }
    }
}

/// Whether a rule fires wherever another does, with no less severity.
fn shadows(wider: &Rule, rule: &Rule) -> bool {
    let when = |rule: &Rule| rule.when.as_ref().map(|when| when.value.clone());
    let steps = |rule: &Rule| rule.steps.iter().map(|step| step.value.clone()).collect::<Vec<_>>();
    let counting =
        |rule: &Rule| (rule.threshold, rule.distinct, rule.count, rule.within_ms, rule.rearm_ms, rule.warm_up_ms);
    triggers(wider, rule)
        && wider.severity.number() <= rule.severity.number()
        && counting(wider) == counting(rule)
        && wider.per == rule.per
        && when(wider) == when(rule)
        && steps(wider) == steps(rule)
}

/// Whether everything that makes a rule look makes another look too.
fn triggers(wider: &Rule, rule: &Rule) -> bool {
    let outcomes = match (wider.outcomes, rule.outcomes) {
        (None, None) => true,
        (Some(wider), Some(rule)) => rule & !wider == 0,
        _ => false,
    };
    rule.actions & !wider.actions == 0
        && rule.anomalies & !wider.anomalies == 0
        && rule.process & !wider.process == 0
        && rule.cadence & !wider.cadence == 0
        && rule.verdicts & !wider.verdicts == 0
        && outcomes
}
