//! Which matches of a rule fire it.

use tagout_engine::{self as engine, Field, MOST_DISTINCT, MOST_STEPS};

use super::rule::spanned;
use crate::diagnostic::Report;
use crate::node::{Entry, Fields, Node};
use crate::source::Spanned;

/// As the keys of a rule say it.
pub(super) struct Threshold {
    pub(super) kind: engine::Threshold,
    pub(super) distinct: Option<Field>,
    pub(super) count: u16,
    pub(super) within_ms: u32,
    pub(super) steps: Vec<Spanned<String>>,
    pub(super) per: Option<Vec<Field>>,
    pub(super) rearm_ms: u32,
    pub(super) warm_up_ms: u32,
}

/// Reads the keys that make up a threshold; `None` where they contradict each other.
pub(super) fn threshold(
    fields: &mut Fields<'_>,
    (has_when, on_action): (bool, bool),
    report: &mut Report<'_>,
) -> Option<Threshold> {
    let once = fields.take("once").filter(|entry| entry.node.boolean(report) == Some(true));
    let (count, distinct, sequence, lasting) =
        (fields.take("count"), fields.take("distinct"), fields.take("sequence"), fields.take("for"));
    let absent = fields.take("absent");
    let (within, warm_up, rearm) = (fields.take("within"), fields.take("warm_up"), fields.take("rearm"));
    let per = fields.take("per").map(|entry| key(entry, report));
    let kind = match (once, count, sequence, lasting, absent) {
        (None, None, None, None, None) if rearm.is_some() => engine::Threshold::Count,
        (None, None, None, None, None) => engine::Threshold::Each,
        (Some(_), None, None, None, None) => engine::Threshold::First,
        (None, Some(_), None, None, None) if distinct.is_some() => engine::Threshold::Distinct,
        (None, Some(_), None, None, None) => engine::Threshold::Count,
        (None, None, Some(_), None, None) => engine::Threshold::Sequence,
        (None, None, None, Some(_), None) => engine::Threshold::Lasting,
        (None, None, None, None, Some(_)) => engine::Threshold::Absent,
        _ => {
            report
                .error(fields.span, "a rule with more than one threshold")
                .expected("one of `once`, `count`, `sequence`, `for` and `absent`");
            return None;
        }
    };
    belongs(distinct, count.is_some(), "`count`", report)?;
    belongs(warm_up, once.is_some(), "`once`", report)?;
    belongs(lasting, has_when, "`when`", report)?;
    belongs(absent, on_action, "`on_action` alone", report)?;
    belongs(within, count.or(sequence).or(absent).is_some(), "`count`, `sequence` or `absent`", report)?;
    belongs(rearm, once.or(absent).is_none(), "anything but `once` and `absent`", report)?;
    if let Some(entry) = count.or(sequence).or(absent).filter(|_| within.is_none()) {
        let message = format!("`{}` without `within`", entry.name);
        report.error(entry.key, message).label("in what time?");
        return None;
    }
    // Without another threshold the first match fires, and a rest follows.
    let rests = kind == engine::Threshold::Count && count.is_none();
    let most = if distinct.is_some() { MOST_DISTINCT } else { u16::MAX };
    let distinct = optional(distinct, |node| field(node, report));
    let count = optional(count, |node| node.integer("count", 2..=most.into(), report));
    let within_ms = optional(within.or(lasting), |node| node.duration(report));
    let steps = match absent {
        Some(absent) => spanned(absent.node, report).map(|step| Some(vec![step])),
        None => optional(sequence, |node| steps(node, report)),
    };
    let rearm_ms = optional(rearm, |node| node.duration(report));
    let warm_up_ms = optional(warm_up, |node| node.duration(report));
    Some(Threshold {
        kind,
        distinct: distinct?,
        count: if rests { 1 } else { count?.unwrap_or(0) },
        within_ms: if rests { rearm_ms? } else { within_ms? }.unwrap_or(0),
        steps: steps?.unwrap_or_default(),
        per: if kind == engine::Threshold::Each { None } else { per },
        rearm_ms: rearm_ms?.unwrap_or(0),
        warm_up_ms: warm_up_ms?.unwrap_or(0),
    })
}

/// What an entry says, `Some(None)` without one; `None` where it is wrong.
fn optional<'t, T>(entry: Option<Entry<'t>>, read: impl FnOnce(Node<'t>) -> Option<T>) -> Option<Option<T>> {
    entry.map_or(Some(None), |entry| read(entry.node).map(Some))
}

fn belongs(entry: Option<Entry<'_>>, has: bool, to: &str, report: &mut Report<'_>) -> Option<()> {
    let Some(entry) = entry.filter(|_| !has) else { return Some(()) };
    report.error(entry.key, format!("`{}` without {to}", entry.name)).label(format!("it belongs to {to}"));
    None
}

fn field(node: Node<'_>, report: &mut Report<'_>) -> Option<Field> {
    node.word("field", Field::ALL, Field::name, report)
}

fn key(entry: Entry<'_>, report: &mut Report<'_>) -> Vec<Field> {
    let nodes = entry.node.one_or_more(report);
    nodes.into_iter().filter_map(|node| field(node, report)).collect()
}

fn steps(node: Node<'_>, report: &mut Report<'_>) -> Option<Vec<Spanned<String>>> {
    let nodes = node.array("a list of conditions", report)?;
    if !(2..=MOST_STEPS).contains(&nodes.len()) {
        let message = format!("a sequence of {} steps", nodes.len());
        report.error(node.span, message).expected(format!("2 to {MOST_STEPS} steps"));
        return None;
    }
    nodes.into_iter().map(|node| spanned(node, report)).collect()
}
