//! Which matches of a rule fire it.

use tagout_engine::{self as engine, Field, MOST_DISTINCT, MOST_STEPS};

use super::rule::spanned;
use crate::diagnostic::Report;
use crate::node::{Entry, Fields, Node};
use crate::source::{Span, Spanned};

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
    let keys = Keys::take(fields, report);
    let per = fields.take("per").map(|entry| key(entry, report));
    let kind = keys.kind(fields.span, report)?;
    keys.check(has_when, on_action, report)?;
    keys.read(kind, per, report)
}

/// The keys that make up a threshold, as far as they are there.
struct Keys<'t> {
    once: Option<Entry<'t>>,
    count: Option<Entry<'t>>,
    distinct: Option<Entry<'t>>,
    sequence: Option<Entry<'t>>,
    lasting: Option<Entry<'t>>,
    absent: Option<Entry<'t>>,
    within: Option<Entry<'t>>,
    warm_up: Option<Entry<'t>>,
    rearm: Option<Entry<'t>>,
}

impl<'t> Keys<'t> {
    fn take(fields: &mut Fields<'t>, report: &mut Report<'_>) -> Self {
        Self {
            once: fields.take("once").filter(|entry| entry.node.boolean(report) == Some(true)),
            count: fields.take("count"),
            distinct: fields.take("distinct"),
            sequence: fields.take("sequence"),
            lasting: fields.take("for"),
            absent: fields.take("absent"),
            within: fields.take("within"),
            warm_up: fields.take("warm_up"),
            rearm: fields.take("rearm"),
        }
    }

    /// Which threshold they are; `None` if more than one.
    fn kind(&self, rule: Span, report: &mut Report<'_>) -> Option<engine::Threshold> {
        Some(match (self.once, self.count, self.sequence, self.lasting, self.absent) {
            (None, None, None, None, None) if self.rearm.is_some() => engine::Threshold::Count,
            (None, None, None, None, None) => engine::Threshold::Each,
            (Some(_), None, None, None, None) => engine::Threshold::First,
            (None, Some(_), None, None, None) if self.distinct.is_some() => engine::Threshold::Distinct,
            (None, Some(_), None, None, None) => engine::Threshold::Count,
            (None, None, Some(_), None, None) => engine::Threshold::Sequence,
            (None, None, None, Some(_), None) => engine::Threshold::Lasting,
            (None, None, None, None, Some(_)) => engine::Threshold::Absent,
            _ => {
                report
                    .error(rule, "a rule with more than one threshold")
                    .expected("one of `once`, `count`, `sequence`, `for` and `absent`");
                return None;
            }
        })
    }

    /// The one that has to come in some time.
    fn timed(&self) -> Option<Entry<'t>> {
        self.count.or(self.sequence).or(self.absent)
    }

    /// Checks that each has what it belongs to.
    fn check(&self, has_when: bool, on_action: bool, report: &mut Report<'_>) -> Option<()> {
        belongs(self.distinct, self.count.is_some(), "`count`", report)?;
        belongs(self.warm_up, self.once.is_some(), "`once`", report)?;
        belongs(self.lasting, has_when, "`when`", report)?;
        belongs(self.absent, on_action, "`on_action` as the only trigger", report)?;
        belongs(self.within, self.timed().is_some(), "`count`, `sequence` or `absent`", report)?;
        if let Some((rearm, other)) = self.rearm.zip(self.once.or(self.absent)) {
            let draft = report.error(rearm.key, format!("`rearm` beside `{}`", other.name));
            draft.label("there is nothing to rest from").related(other.key, "the other is here");
            return None;
        }
        if let Some(entry) = self.timed().filter(|_| self.within.is_none()) {
            report.error(entry.key, format!("`{}` without `within`", entry.name)).label("in what time?");
            return None;
        }
        Some(())
    }

    fn read(self, kind: engine::Threshold, per: Option<Vec<Field>>, report: &mut Report<'_>) -> Option<Threshold> {
        // Without another threshold the first match fires, and a rest follows.
        let rests = kind == engine::Threshold::Count && self.count.is_none();
        let most = if self.distinct.is_some() { MOST_DISTINCT } else { u16::MAX };
        let distinct = optional(self.distinct, |node| field(node, report));
        let count = optional(self.count, |node| node.integer("count", 2..=most.into(), report));
        let within_ms = optional(self.within.or(self.lasting), |node| node.duration(report));
        let steps = match self.absent {
            Some(absent) => spanned(absent.node, report).map(|step| Some(vec![step])),
            None => optional(self.sequence, |node| steps(node, report)),
        };
        let rearm_ms = optional(self.rearm, |node| node.duration(report));
        let warm_up_ms = optional(self.warm_up, |node| node.duration(report));
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
