//! Tag exports: rows of a CSV file that become points of a device, read as a column map says.

mod column;
mod map;
mod notation;
mod row;
mod sheet;

use std::collections::BTreeMap;

use crate::SourceFile;
use crate::diagnostic::Report;
use crate::grammar;
use crate::model::Device;
use crate::node::Entry;
use crate::paths;
use crate::source::{FileKind, Span, Spanned};

use column::{Filter, filters};
use map::Map;
use row::{Reader, Row};

/// Adds the points of the tag exports that a device names. Their places are those of their rows.
pub(crate) fn import(entry: Entry<'_>, files: &[SourceFile], device: &mut Device, report: &mut Report<'_>) {
    for node in entry.node.one_or_more(report) {
        let Some(mut fields) = node.table(&grammar::TAGS, report) else { continue };
        let sheet = fields.require("file", report).and_then(|entry| named(entry, FileKind::Tags, files, report));
        let map = fields.require("map", report).and_then(|entry| map(entry, files, report));
        let only = filters(fields.take("only"), report);
        let order = map::order(&mut fields, report);
        fields.finish(report);
        if let (Some(sheet), Some(mut map)) = (sheet, map) {
            map.override_order(order);
            points(node.span, sheet, &map, only, files, device, report);
        }
    }
}

/// The path of a map that is a file of its own.
pub(crate) fn own_map(map: &str) -> Option<&str> {
    map.ends_with(".toml").then_some(map)
}

/// The file that an entry means.
fn named(entry: Entry<'_>, kind: FileKind, files: &[SourceFile], report: &mut Report<'_>) -> Option<usize> {
    let written = entry.node.text(report)?;
    let path = paths::resolve(&files[entry.node.span.file].name, written);
    let found = files.iter().position(|file| file.kind == kind && paths::means(&path, &file.name));
    if found.is_none() {
        report
            .error(entry.node.span, format!("there is no file `{path}`"))
            .help("paths are relative to the file that names them".to_owned());
    }
    found
}

fn map(entry: Entry<'_>, files: &[SourceFile], report: &mut Report<'_>) -> Option<Map> {
    let name = entry.node.text(report)?;
    if own_map(name).is_some() {
        let index = named(entry, FileKind::Map, files, report)?;
        return map::read(index, &files[index], report);
    }
    let shipped = map::by_name(name);
    if shipped.is_none() {
        let names: Vec<_> = map::names().collect();
        report
            .error(entry.node.span, format!("unknown map `{name}`"))
            .one_of(name, &names)
            .help("a map of your own is a file whose name ends in .toml".to_owned());
    }
    shipped
}

fn points(
    at: Span,
    sheet: usize,
    map: &Map,
    only: Vec<Filter>,
    files: &[SourceFile],
    device: &mut Device,
    report: &mut Report<'_>,
) {
    let rows = sheet::read(sheet, &files[sheet].text, map.delimiter);
    let Some((reader, rows)) = Reader::open(map, only, at, &rows, report) else { return };
    let (mut left_out, mut taken) = (LeftOut::default(), 0_usize);
    for row in rows {
        match reader.row(row, report) {
            Row::Point(point) => {
                device.points.push(point);
                taken += 1;
            }
            Row::LeftOut(why) => left_out.add(why, row.span),
            Row::Wrong(name) => device.broken.extend(name),
            Row::Nothing => {}
        }
    }
    left_out.tell(at, taken, report);
    if taken == 0 && left_out.0.is_empty() && device.broken.is_empty() {
        report.warning(at, format!("no row of `{}` becomes a point", files[sheet].name));
    }
}

/// Rows that are no points here, by reason: the first, and how many.
#[derive(Default)]
struct LeftOut(BTreeMap<String, (Span, usize)>);

impl LeftOut {
    fn add(&mut self, why: String, row: Span) {
        self.0.entry(why).or_insert((row, 0)).1 += 1;
    }

    fn tell(&self, at: Span, taken: usize, report: &mut Report<'_>) {
        let count: usize = self.0.values().map(|(_, count)| count).sum();
        if count == 0 {
            return;
        }
        let draft = report.warning(at, format!("{count} of {} tags are left out", count + taken));
        for (why, (first, count)) in &self.0 {
            let from = if *count == 1 { String::new() } else { format!("; {count} such rows, this is the first") };
            draft.related(*first, format!("{why}{from}"));
        }
    }
}

/// A text and its place, for what a map names.
type Word = Spanned<String>;
