//! What is to be done, as approvals and the declarations of tests say it.

use tagout_engine::{Action, Space};

use super::point::range_of;
use super::poll;
use super::rule::spanned;
use crate::diagnostic::Report;
use crate::lint::VALUED;
use crate::model::{Bounds, Deed, Run};
use crate::node::{Entry, Fields, Node};

/// As many as a declaration has.
const MOST_RUNS: usize = 8;

/// Reads what is to be done.
pub(super) fn deed(fields: &mut Fields<'_>, report: &mut Report<'_>) -> Deed {
    let device = fields.take("device").and_then(|entry| spanned(entry.node, report));
    let points = fields.take("points").map(|entry| entry.node.strings(report)).unwrap_or_default();
    let raw = fields.take("raw");
    let action = fields.take("do").and_then(|entry| entry.node.word("action", Action::ALL, Action::name, report));
    let value = value(fields, action, report);
    if let (Some(first), None) = (points.first(), &device) {
        report.error(first.span, "points of no device").help("name the device in `device`".to_owned());
    }
    if let (Some(raw), Some(first)) = (&raw, points.first()) {
        let draft = report.error(raw.key, "`raw` beside `points`").related(first.span, "the points are here");
        draft.label("values of addresses are as on the wire, those of points are not");
    }
    let runs = raw.map(|entry| runs(&entry, report)).unwrap_or_default();
    Deed { device, points, runs, action, value }
}

fn runs(entry: &Entry<'_>, report: &mut Report<'_>) -> Vec<Run> {
    let nodes = entry.node.one_or_more(report);
    if nodes.len() > MOST_RUNS {
        report.error(entry.node.span, format!("{} runs of addresses", nodes.len())).expected("eight at most");
    }
    nodes.into_iter().filter_map(|node| run(node, report)).collect()
}

fn run(node: Node<'_>, report: &mut Report<'_>) -> Option<Run> {
    let text = node.text(report)?;
    let run = read(text);
    if run.is_none() {
        let draft = report.error(node.span, format!("`{text}` is no run of addresses"));
        draft.expected("an address space and addresses from 0, such as \"holding-register 10..11\"");
    }
    run
}

fn read(text: &str) -> Option<Run> {
    let (space, range) = text.trim().split_once(' ')?;
    let (address, quantity) = poll::span(range.trim())?;
    Some(Run { space: Space::from_name(space)?, address, quantity: u16::try_from(quantity).ok()? })
}

fn value(fields: &mut Fields<'_>, action: Option<Action>, report: &mut Report<'_>) -> Option<Bounds> {
    let (value, range) = (fields.take("value"), fields.take("range"));
    if let (Some(value), Some(range)) = (&value, &range) {
        report.error(range.key, "a range beside a value").related(value.key, "it is this value");
    }
    let key = value.as_ref().or(range.as_ref()).map(|entry| entry.key)?;
    if let Some(action) = action.filter(|action| action.bit() & VALUED == 0) {
        report.error(key, format!("`{}` carries no value", action.name())).label("nothing could be held against it");
    }
    let one = value.and_then(|entry| entry.node.value(report)).map(|value| Bounds { min: value, max: value });
    one.or_else(|| range_of(range?.node, report))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_run_is_read_as_it_is_written(
            space in prop::sample::select(Space::ALL), address in 0..u32::MAX - 70_000, quantity in 1_u16..
        ) {
            let run = Run { space, address, quantity };
            prop_assert_eq!(read(&run.to_string()), Some(run));
        }

        #[test]
        fn whatever_is_written_is_a_run_or_none(text in "[a-z-]{0,20} ?[0-9.]{0,24}|\\PC*") {
            if let Some(run) = read(&text) {
                prop_assert!(run.quantity > 0 && read(&run.to_string()) == Some(run));
            }
        }
    }
}
