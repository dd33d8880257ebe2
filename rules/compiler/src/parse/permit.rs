use tagout_engine::{Action, Replied};

use super::rule::spanned;
use crate::diagnostic::Report;
use crate::grammar;
use crate::model::{Bounds, Pace, Permit, Replies, Values};
use crate::node::{Entry, Fields, Node};
use crate::source::{Span, Spanned};

pub(super) fn permit(span: Span, mut fields: Fields<'_>, report: &mut Report<'_>) -> Option<Permit> {
    let name = fields.take("name").and_then(|entry| spanned(entry.node, report));
    let actors = fields.require("actor", report).map(|entry| entry.node.strings(report));
    let devices = fields.require("device", report).map(|entry| entry.node.strings(report));
    let actions = fields.require("do", report).map(|entry| actions(entry, report));
    let points = fields.take("points").map(|entry| entry.node.strings(report));
    let value = fields.take("value").and_then(|entry| value(entry, report));
    let when = fields.take("when").and_then(|entry| spanned(entry.node, report));
    let during = fields.take("during").map(|entry| entry.node.strings(report)).unwrap_or_default();
    let at_most = fields.take("at_most").and_then(|entry| at_most(entry.node, report));
    let max_step = fields.take("max_step").and_then(|entry| positive(entry, report));
    let opposite_after = fields.take("opposite_after").and_then(|entry| {
        let value = entry.node.duration(report)?;
        Some(Spanned { value, span: entry.key })
    });
    let max_change = fields.take("max_change").and_then(|entry| {
        let value = pace(entry.node, report)?;
        Some(Spanned { value, span: entry.key })
    });
    let replies = fields.take("reply").map(|entry| replies(entry, report));
    let reply_within = fields.take("reply_within").and_then(|entry| entry.node.duration(report));
    fields.finish(report);
    Some(Permit {
        span,
        name,
        actors: actors?,
        devices: devices?,
        actions: actions?,
        points,
        value,
        when,
        during,
        at_most,
        max_step,
        opposite_after,
        max_change,
        replies,
        reply_within,
    })
}

/// Words, and numbers of exceptions.
fn replies(entry: Entry<'_>, report: &mut Report<'_>) -> Replies {
    let mut replies = Replies::default();
    for node in entry.node.one_or_more(report) {
        if node.as_whole().is_some() {
            let code: Option<u8> = node.integer("exception or control status", 1..=127, report);
            replies.codes |= code.map_or(0, |code| 1 << code);
        } else {
            let word = node.word("reply", Replied::ALL, Replied::name, report);
            replies.words |= word.map_or(0, Replied::bit);
        }
    }
    replies
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

fn value(entry: Entry<'_>, report: &mut Report<'_>) -> Option<Spanned<Values>> {
    let span = entry.node.span;
    let mut fields = entry.node.table(&grammar::VALUE, report)?;
    let (min, max, step) = (fields.take("min"), fields.take("max"), fields.take("step"));
    let (one_of, unit) = (fields.take("one_of"), fields.take("unit"));
    let given = [min, max, step, one_of].iter().any(Option::is_some) || !fields.is_empty();
    let ends = (
        min.map_or(Some(f64::NEG_INFINITY), |min| min.node.number(report)),
        max.map_or(Some(f64::INFINITY), |max| max.node.number(report)),
    );
    let step = step.and_then(|step| positive(step, report)).map(|step| step.value);
    if let Some((one_of, other)) = one_of.zip(min.or(max)) {
        let draft = report.error(one_of.key, format!("`one_of` beside `{}`", other.name));
        draft.expected("either a range or a list").related(other.key, "the range is here");
    }
    let one_of = one_of.map_or(Some(Vec::new()), |entry| numbers(entry.node, report));
    let unit = unit.and_then(|entry| spanned(entry.node, report));
    fields.finish(report);
    let (min, max) = (ends.0?, ends.1?);
    if !given {
        report.error(span, "a value range without ends").expected("`min`, `max` or both; or `step` or `one_of`");
    } else if min > max {
        report.error(span, format!("`min` {min} is above `max` {max}")).label("no value lies in this range");
    }
    let value = Values { bounds: Bounds { min, max }, step, one_of: one_of?, unit };
    (given && min <= max).then_some(Spanned { value, span })
}

/// A list of at least one number.
fn numbers(node: Node<'_>, report: &mut Report<'_>) -> Option<Vec<f64>> {
    let nodes = node.array("a list of numbers such as [0, 40, 80]", report)?;
    if nodes.is_empty() {
        report.error(node.span, "empty list").expected("at least one element");
    }
    nodes.into_iter().map(|node| node.number(report)).collect()
}

/// A number above 0.
fn positive(entry: Entry<'_>, report: &mut Report<'_>) -> Option<Spanned<f64>> {
    let value = entry.node.number(report)?;
    if value <= 0.0 {
        let draft = report.error(entry.node.span, format!("`{}` is {value}", entry.name));
        draft.expected("a number above 0");
        return None;
    }
    Some(Spanned { value, span: entry.key })
}

/// Uses in a time, such as `6/min`.
fn at_most(node: Node<'_>, report: &mut Report<'_>) -> Option<Pace> {
    let pace = pace(node, report)?;
    if pace.amount.fract() != 0.0 || pace.amount > f64::from(u16::MAX) {
        let draft = report.error(node.span, format!("{} uses", pace.amount));
        draft.expected(format!("a whole number from 1 to {}", u16::MAX));
        return None;
    }
    Some(pace)
}

/// So much in a time, such as `10/min`.
fn pace(node: Node<'_>, report: &mut Report<'_>) -> Option<Pace> {
    let text = node.form("a pace such as \"6/min\"", report)?;
    let pace = text.split_once('/').and_then(|(amount, unit)| {
        let per_ms = match unit.trim() {
            "s" => 1_000,
            "min" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            _ => return None,
        };
        let amount = amount.trim().parse::<f64>().ok().filter(|amount| amount.is_finite() && *amount > 0.0)?;
        Some(Pace { amount, per_ms })
    });
    if pace.is_none() {
        let draft = report.error(node.span, format!("`{text}` is no pace"));
        draft.expected("a number, `/` and `s`, `min`, `h` or `d`, such as \"6/min\"");
    }
    pace
}
