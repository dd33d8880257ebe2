use tagout_engine::attack::{TECHNIQUES, Technique};
use tagout_engine::{AnomalyKind, CadenceEvent, Judgement, Outcome, ProcessEvent, Severity};

use super::permit::actions;
use super::threshold::{self, Threshold};
use crate::diagnostic::Report;
use crate::grammar;
use crate::model::Rule;
use crate::node::{Entry, Fields, Node};
use crate::source::{Span, Spanned};
use crate::suggest::did_you_mean;

pub(super) fn rule(span: Span, mut fields: Fields<'_>, report: &mut Report<'_>) -> Option<Rule> {
    let sid = fields.require("sid", report).and_then(|entry| sid(entry.node, report));
    let signature = fields.require("signature", report).and_then(|entry| entry.node.text(report)).map(str::to_owned);
    let severity = severity(&mut fields, report);
    let technique = fields.take("technique").and_then(|entry| technique(entry.node, report));
    let atlas = id(fields.take("atlas"), is_atlas, "an id of MITRE ATLAS such as \"AML.T0051\"", report);
    let owasp = id(fields.take("owasp"), is_owasp, "an id of OWASP such as \"ASI02\" or \"LLM06\"", report);
    let category = fields.take("category").and_then(|entry| entry.node.text(report)).unwrap_or_default().to_owned();
    let Triggers { actions, verdicts, outcomes, anomalies, process, cadence } = triggers(&mut fields, report);
    let only_actions = actions != 0 && anomalies == 0 && process == 0 && cadence == 0;
    let when = fields.take("when").and_then(|entry| spanned(entry.node, report));
    let threshold = threshold::threshold(&mut fields, (when.is_some(), only_actions), report);
    fields.finish(report);
    let Threshold { kind, distinct, count, within_ms, steps, per, rearm_ms, warm_up_ms } = threshold?;
    Some(Rule {
        span,
        sid: sid?,
        signature: signature?,
        severity: severity?,
        technique,
        atlas,
        owasp,
        category,
        actions,
        verdicts,
        outcomes,
        anomalies,
        process,
        cadence,
        when,
        per,
        steps,
        threshold: kind,
        distinct,
        count,
        within_ms,
        rearm_ms,
        warm_up_ms,
    })
}

/// What makes a rule look, as bits.
struct Triggers {
    actions: u32,
    verdicts: u8,
    outcomes: Option<u8>,
    anomalies: u64,
    process: u8,
    cadence: u8,
}

fn triggers(fields: &mut Fields<'_>, report: &mut Report<'_>) -> Triggers {
    let (on_action, on_anomaly) = (fields.take("on_action"), fields.take("on_anomaly"));
    let (on_process, on_cadence) = (fields.take("on_process"), fields.take("on_cadence"));
    if [on_action, on_anomaly, on_process, on_cadence].iter().all(Option::is_none) {
        let draft = report.error(fields.span, "a rule that nothing triggers");
        draft.label("`on_action`, `on_anomaly`, `on_process` or `on_cadence` is missing");
    }
    let (on_outcome, on_verdict) = (fields.take("on_outcome"), fields.take("on_verdict"));
    for entry in [on_outcome, on_verdict].into_iter().flatten().filter(|_| on_action.is_none()) {
        report.error(entry.key, format!("`{}` without `on_action`", entry.name)).label("only exchanges have one");
    }
    let all = Judgement::ALL.iter().fold(0, |set, judgement| set | judgement.bit());
    Triggers {
        actions: on_action.map_or(0, |entry| actions(entry, report).value),
        verdicts: on_verdict.map_or(all, |entry| verdicts(entry, report)),
        outcomes: on_outcome.map(|entry| outcomes(entry, report)),
        anomalies: on_anomaly.map_or(0, |entry| anomalies(entry, report)),
        process: on_process.map_or(0, |entry| process_events(entry, report)),
        cadence: on_cadence.map_or(0, |entry| cadence_events(entry, report)),
    }
}

pub(super) fn severity(fields: &mut Fields<'_>, report: &mut Report<'_>) -> Option<Severity> {
    fields.require("severity", report)?.node.word("severity", Severity::ALL, Severity::name, report)
}

pub(super) fn spanned(node: Node<'_>, report: &mut Report<'_>) -> Option<Spanned<String>> {
    Some(Spanned { value: node.text(report)?.to_owned(), span: node.span })
}

fn verdicts(entry: Entry<'_>, report: &mut Report<'_>) -> u8 {
    let nodes = entry.node.one_or_more(report);
    let word = |node: Node<'_>| node.word("verdict", Judgement::ALL, Judgement::name, report);
    nodes.into_iter().filter_map(word).fold(0, |set, judgement| set | judgement.bit())
}

fn outcomes(entry: Entry<'_>, report: &mut Report<'_>) -> u8 {
    let (nodes, outcomes) = (entry.node.one_or_more(report), grammar::outcomes());
    let word = |node: Node<'_>| node.word("outcome", &outcomes, Outcome::name, report);
    nodes.into_iter().filter_map(word).fold(0, |set, outcome| set | outcome.bit())
}

/// An id of a form; empty if there is none.
fn id(entry: Option<Entry<'_>>, is_valid: fn(&str) -> bool, expected: &str, report: &mut Report<'_>) -> String {
    let Some(node) = entry.map(|entry| entry.node) else { return String::new() };
    let text = node.string(report).unwrap_or_default();
    if !is_valid(text) {
        report.error(node.span, format!("`{text}` is no such id")).expected(expected);
    }
    text.to_owned()
}

fn is_atlas(id: &str) -> bool {
    let digits = |text: &str, count| text.len() == count && text.bytes().all(|byte| byte.is_ascii_digit());
    id.strip_prefix("AML.T").is_some_and(|number| match number.split_once('.') {
        Some((main, sub)) => digits(main, 4) && digits(sub, 3),
        None => digits(number, 4),
    })
}

fn is_owasp(id: &str) -> bool {
    let number = id.strip_prefix("ASI").or_else(|| id.strip_prefix("LLM"));
    number.is_some_and(|number| number.len() == 2 && number.bytes().all(|byte| byte.is_ascii_digit()))
}

/// Signature ids of the alerts that no rule raises: violations, broken invariants, what intents show.
const BUILT_IN: std::ops::RangeInclusive<u32> = 1_001_001..=1_001_999;

fn sid(node: Node<'_>, report: &mut Report<'_>) -> Option<Spanned<u32>> {
    let value = node.integer("sid", 1..=i64::from(u32::MAX), report)?;
    if BUILT_IN.contains(&value) {
        report
            .error(node.span, format!("the sid {value} is taken by alerts that no rule raises"))
            .expected("a number outside 1000001 to 1999999, which are tagout's");
        return None;
    }
    Some(Spanned { value, span: node.span })
}

fn anomalies(entry: Entry<'_>, report: &mut Report<'_>) -> u64 {
    let nodes = entry.node.one_or_more(report);
    let kind = |node: Node<'_>| node.word("kind of anomaly", AnomalyKind::ALL, AnomalyKind::name, report);
    nodes.into_iter().filter_map(kind).fold(0, |set, kind| set | kind.bit())
}

fn process_events(entry: Entry<'_>, report: &mut Report<'_>) -> u8 {
    let nodes = entry.node.one_or_more(report);
    let event = |node: Node<'_>| node.word("process event", ProcessEvent::ALL, ProcessEvent::name, report);
    nodes.into_iter().filter_map(event).fold(0, |set, event| set | event.bit())
}

fn cadence_events(entry: Entry<'_>, report: &mut Report<'_>) -> u8 {
    let nodes = entry.node.one_or_more(report);
    let event = |node: Node<'_>| node.word("departure from a cadence", CadenceEvent::ALL, CadenceEvent::name, report);
    nodes.into_iter().filter_map(event).fold(0, |set, event| set | event.bit())
}

pub(super) fn technique(node: Node<'_>, report: &mut Report<'_>) -> Option<&'static Technique> {
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
