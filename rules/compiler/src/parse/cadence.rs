use super::poll::poll;
use super::rule::spanned;
use crate::diagnostic::Report;
use crate::grammar;
use crate::model::{Cadence, Cycle};
use crate::node::{Fields, Node, milliseconds};
use crate::source::Span;

pub(super) fn cadence(span: Span, mut fields: Fields<'_>, report: &mut Report<'_>) -> Option<Cadence> {
    let name = fields.take("name").and_then(|entry| entry.node.text(report)).unwrap_or_default().to_owned();
    let actor = fields.require("actor", report).and_then(|entry| spanned(entry.node, report));
    let device = fields.require("device", report).and_then(|entry| spanned(entry.node, report));
    let (cycles, also) = (fields.take("cycles"), fields.take("also"));
    if cycles.is_none() && also.is_none() && !fields.has_like("cycles") {
        report.error(span, "a cadence without polls").label("`cycles` or `also` is missing");
    }
    let also = also.map(|entry| entry.node.one_or_more(report)).unwrap_or_default();
    let also = also.into_iter().filter_map(|node| poll(node, report)).collect();
    let cycles = cycles.map(|entry| entry.node.one_or_more(report)).unwrap_or_default();
    let cycles = cycles.into_iter().filter_map(|node| cycle(node, report)).collect();
    fields.finish(report);
    Some(Cadence { span, name, actor: actor?, device: device?, cycles, also })
}

fn cycle(node: Node<'_>, report: &mut Report<'_>) -> Option<Cycle> {
    let mut fields = node.table(&grammar::CYCLE, report)?;
    let polls = fields.require("polls", report).map(|entry| entry.node.one_or_more(report));
    let every = fields.take("every");
    let within = fields.take("within");
    let band = every.map_or(Some((0, 0)), |entry| band(entry.node, report));
    let within_ms = within.map_or(Some(0), |entry| entry.node.duration(report));
    fields.finish(report);
    let polls: Vec<_> = polls?.into_iter().filter_map(|node| poll(node, report)).collect();
    let ((min_ms, max_ms), within_ms) = (band?, within_ms?);
    if let (Some(within), true) = (within, max_ms != 0 && within_ms > max_ms) {
        let draft = report.error(within.node.span, "a round that takes longer than from one to the next");
        draft.expected("a time within `every`");
    }
    Some(Cycle { polls, min_ms, max_ms, within_ms }).filter(|cycle| !cycle.polls.is_empty())
}

/// The least and the greatest time of `0.9 s..1.1 s`.
fn band(node: Node<'_>, report: &mut Report<'_>) -> Option<(u32, u32)> {
    let text = node.form("two times such as \"0.9 s..1.1 s\"", report)?;
    let ends = text.split_once("..").map(|(min, max)| (milliseconds(min.trim()), milliseconds(max.trim())));
    match ends {
        Some((Some(min), Some(max))) if min <= max => return Some((min, max)),
        Some((Some(_), Some(_))) => {
            report.error(node.span, format!("`{text}` ends before it begins")).expected("the shorter time first");
        }
        _ => {
            let draft = report.error(node.span, format!("`{text}` is no range of times"));
            draft.expected("two times with `..` between them, such as \"0.9 s..1.1 s\"");
        }
    }
    None
}
