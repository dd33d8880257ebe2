//! From TOML to the [`Model`]: tables, keys, types and ranges; names are resolved later.

mod approval;
mod cadence;
mod deed;
mod include;
mod intents;
mod invariant;
mod permit;
mod point;
mod poll;
mod rule;
mod selector;
mod suppress;
mod testing;
mod threshold;
mod window;

pub(crate) use selector::network_of;
use toml::de::DeTable;

use tagout_engine::{ActorKind, IntentMode};

use crate::diagnostic::Report;
use crate::grammar::{self, Table};
use crate::model::{Actor, Device, Model};
use crate::node::{Entry, Fields};
use crate::source::{FileKind, Span, Spanned};
use crate::{SourceFile, tags};

/// Reads all files. `None` when one of them is no TOML, since it may declare what the others name.
pub(crate) fn parse(files: &[SourceFile], report: &mut Report<'_>) -> Option<Model> {
    let mut model = Model::default();
    let mut readable = true;
    let policies = files.iter().enumerate().filter(|(_, file)| file.kind == FileKind::Policy);
    for (index, file) in policies {
        let (document, errors) = DeTable::parse_recoverable(&file.text);
        readable &= errors.is_empty();
        for error in &errors {
            syntax(index, file, error, report);
        }
        if errors.is_empty() {
            let fields = Fields::of(Span::new(index, document.span()), &grammar::POLICY, document.get_ref());
            tables(fields, files, &mut model, report);
        }
    }
    include::check(&model.includes, files, report);
    readable.then_some(model)
}

pub(crate) fn syntax(index: usize, file: &SourceFile, error: &toml::de::Error, report: &mut Report<'_>) {
    let end = file.text.len();
    let range = error.span().unwrap_or(end..end);
    let mut message = error.message().lines().collect::<Vec<_>>().join(": ");
    if message == "duplicate key" {
        message = format!("duplicate key `{}`", file.text.get(range.clone()).unwrap_or_default());
    }
    let bare = bare_text(&file.text, range.start);
    let help = bare.map(|text| format!("text is written in quotes: `\"{text}\"`"));
    report.error(Span::new(index, range), message).help(help);
}

/// The value on the line of `offset`, if it looks like text without its quotes.
fn bare_text(text: &str, offset: usize) -> Option<&str> {
    let start = text.get(..offset)?.rfind('\n').map_or(0, |newline| newline + 1);
    let (_, value) = text.get(start..)?.lines().next()?.split_once('=')?;
    let value = value.trim();
    let bare = !value.is_empty() && !value.contains(['"', '\'', '[', '{', '#']);
    bare.then_some(value)
}

fn tables(mut fields: Fields<'_>, files: &[SourceFile], model: &mut Model, report: &mut Report<'_>) {
    model.includes.extend(include::include(fields.take("include"), files, report));
    if let Some(entry) = fields.take("site") {
        site(entry, model, report);
    }
    for entry in named(fields.take("actors"), report) {
        model.actors.extend(actor(entry, report));
    }
    for entry in named(fields.take("devices"), report) {
        model.devices.extend(device(entry, files, report));
    }
    if let Some(entry) = fields.take("intents") {
        intents::intents(entry, &mut model.intents, report);
    }
    for entry in named(fields.take("windows"), report) {
        model.windows.extend(window::window(entry, report));
    }
    for (span, fields) in listed(fields.take("permits"), &grammar::PERMIT, report) {
        model.permits.extend(permit::permit(span, fields, report));
    }
    for (span, fields) in listed(fields.take("invariants"), &grammar::INVARIANT, report) {
        model.rules.extend(invariant::invariant(span, fields, report));
    }
    for (span, fields) in listed(fields.take("cadences"), &grammar::CADENCE, report) {
        model.cadences.extend(cadence::cadence(span, fields, report));
    }
    for (span, fields) in listed(fields.take("rules"), &grammar::RULE, report) {
        model.rules.extend(rule::rule(span, fields, report));
    }
    for (span, fields) in listed(fields.take("suppress"), &grammar::SUPPRESS, report) {
        model.suppressions.extend(suppress::suppression(span, fields, report));
    }
    for (span, fields) in listed(fields.take("tests"), &grammar::TEST, report) {
        model.tests.extend(testing::test(span, fields, files, report));
    }
    fields.finish(report);
}

/// The entries of a table of tables, by name.
fn named<'t>(entry: Option<Entry<'t>>, report: &mut Report<'_>) -> Vec<Entry<'t>> {
    entry.map(|entry| entry.node.entries(report)).unwrap_or_default()
}

/// The tables of an array of tables.
fn listed<'t>(entry: Option<Entry<'t>>, table: &'static Table, report: &mut Report<'_>) -> Vec<(Span, Fields<'t>)> {
    let nodes = entry.and_then(|entry| entry.node.array("an array of tables", report)).unwrap_or_default();
    nodes.into_iter().filter_map(|node| Some((node.span, node.table(table, report)?))).collect()
}

fn site(entry: Entry<'_>, model: &mut Model, report: &mut Report<'_>) {
    let Some(mut fields) = entry.node.table(&grammar::SITE, report) else { return };
    if let Some(name) = fields.require("name", report) {
        let text = name.node.text(report).unwrap_or_default().to_owned();
        match &model.site {
            None => model.site = Some(Spanned { value: text, span: name.key }),
            Some(first) => {
                report.error(name.key, "a second name for the site").related(first.span, "the first is here");
            }
        }
    }
    fields.finish(report);
}

fn name(entry: &Entry<'_>) -> Spanned<String> {
    Spanned { value: entry.name.to_owned(), span: entry.key }
}

fn actor(entry: Entry<'_>, report: &mut Report<'_>) -> Option<Actor> {
    is_name(&entry, "an actor", report);
    let mut fields = entry.node.table(&grammar::ACTOR, report)?;
    let kind = fields.require("kind", report);
    let kind = kind.and_then(|kind| kind.node.word("kind of actor", ActorKind::ALL, ActorKind::name, report));
    let intents = fields.take("intents");
    let intents =
        intents.and_then(|entry| entry.node.word("mode of intents", IntentMode::ALL, IntentMode::name, report));
    let selectors = selector::actor(&entry, &mut fields, report);
    fields.finish(report);
    Some(Actor { name: name(&entry), kind: kind.unwrap_or(ActorKind::Unknown), intents, selectors })
}

fn device(entry: Entry<'_>, files: &[SourceFile], report: &mut Report<'_>) -> Option<Device> {
    is_name(&entry, "a device", report);
    let mut fields = entry.node.table(&grammar::DEVICE, report)?;
    let selectors = selector::device(&entry, &mut fields, report);
    let observe = fields.take("observe").and_then(|entry| entry.node.boolean(report)) == Some(true);
    let mut device = Device { name: name(&entry), selectors, points: Vec::new(), observe, broken: Vec::new() };
    for entry in named(fields.take("points"), report) {
        match point::point(entry, report) {
            Some(point) => device.points.push(point),
            None => device.broken.push(entry.name.to_owned()),
        }
    }
    if let Some(entry) = fields.take("tags") {
        tags::import(entry, files, &mut device, report);
    }
    fields.finish(report);
    Some(device)
}

/// Names are what permits and alerts write; `*` and `?` would be read as globs there.
fn is_name(entry: &Entry<'_>, what: &str, report: &mut Report<'_>) {
    if entry.name.trim().is_empty() || entry.name.contains(['*', '?']) {
        report
            .error(entry.key, format!("`{}` cannot be the name of {what}", entry.name))
            .expected("a name that is not empty, without `*` and `?`");
    }
}
