use std::collections::BTreeMap;

use tagout_engine::{Kind, Space};
use toml::de::DeTable;

use super::column::{Column, Filter, column, filters};
use super::notation::{Form, GAPS, Notation};
use crate::SourceFile;
use crate::diagnostic::Report;
use crate::grammar;
use crate::node::{Entry, Fields, Node};
use crate::source::{FileKind, Span};

/// What the columns of a tag export mean.
#[derive(Debug)]
pub(super) struct Map {
    /// How the map is named in a policy.
    pub(super) name: String,
    /// Whether tagout brings it along; its places are then in no file of the policy.
    pub(super) shipped: bool,
    pub(super) delimiter: u8,
    pub(super) decimal: char,
    /// Rows that begin so say nothing of tags.
    pub(super) skip: Option<String>,
    pub(super) order: Order,
    pub(super) only: Vec<Filter>,
    pub(super) leave_out: Vec<Filter>,
    columns: BTreeMap<&'static str, Column>,
    pub(super) notations: Vec<Notation>,
    pub(super) spaces: Words<Space>,
    pub(super) types: Words<Kind>,
    pub(super) orders: Words<Order>,
}

/// Which register of a wider value comes first, and the order of the bytes within each; `None`: not said.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Order {
    pub(super) low_word_first: Option<bool>,
    pub(super) swap_bytes: Option<bool>,
}

/// What the words of an export mean; `None`: such a row is no point.
#[derive(Debug)]
pub(super) struct Words<T>(pub(super) Vec<(String, Option<T>)>);

impl<T: Copy> Words<T> {
    /// What a word means, in any case; `None` if it is unknown.
    pub(super) fn get(&self, word: &str) -> Option<Option<T>> {
        self.0.iter().find(|(known, _)| known.eq_ignore_ascii_case(word)).map(|(_, meaning)| *meaning)
    }
}

impl Map {
    pub(super) fn column(&self, what: &str) -> Option<&Column> {
        self.columns.get(what)
    }

    pub(super) fn columns(&self) -> impl Iterator<Item = (&'static str, &Column)> {
        self.columns.iter().map(|(what, column)| (*what, column))
    }

    /// Lets what a device says go before what the map says.
    pub(super) fn override_order(&mut self, order: Order) {
        self.order = order.or(self.order);
    }
}

impl Order {
    pub(super) fn or(self, other: Self) -> Self {
        Self {
            low_word_first: self.low_word_first.or(other.low_word_first),
            swap_bytes: self.swap_bytes.or(other.swap_bytes),
        }
    }
}

const SHIPPED: [(&str, &str); 7] = [
    ("control-expert", include_str!("../../../packs/tags/control-expert.toml")),
    ("dnp3", include_str!("../../../packs/tags/dnp3.toml")),
    ("ignition", include_str!("../../../packs/tags/ignition.toml")),
    ("kepware", include_str!("../../../packs/tags/kepware.toml")),
    ("modbus", include_str!("../../../packs/tags/modbus.toml")),
    ("references", include_str!("../../../packs/tags/references.toml")),
    ("tia", include_str!("../../../packs/tags/tia.toml")),
];

/// The names of the maps that tagout brings along.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    SHIPPED.iter().map(|(name, _)| *name)
}

/// The maps that tagout brings along, as files.
pub(super) fn shipped() -> impl Iterator<Item = SourceFile> {
    SHIPPED.iter().map(|(name, text)| SourceFile {
        name: format!("packs/tags/{name}.toml"),
        text: (*text).to_owned(),
        kind: FileKind::Map,
    })
}

pub(super) fn by_name(name: &str) -> Option<Map> {
    let index = SHIPPED.iter().position(|(known, _)| *known == name)?;
    let file = shipped().nth(index)?;
    let files = [file];
    let [file] = &files;
    let map = read(0, file, &mut Report::new(&files))?;
    Some(Map { name: name.to_owned(), shipped: true, ..map })
}

/// Reads a map; `None` when it is no TOML or lacks what a map must have.
pub(super) fn read(index: usize, file: &SourceFile, report: &mut Report<'_>) -> Option<Map> {
    let (document, errors) = DeTable::parse_recoverable(&file.text);
    for error in &errors {
        crate::parse::syntax(index, file, error, report);
    }
    if !errors.is_empty() {
        return None;
    }
    let mut fields = Fields::of(Span::new(index, document.span()), &grammar::MAP, document.get_ref());
    fields.take("title");
    let delimiter = fields.take("delimiter").map_or(Some(b','), |entry| letter(entry.node, report));
    let decimal = fields.take("decimal").map_or(Some(b'.'), |entry| letter(entry.node, report));
    let skip = fields.take("skip").and_then(|entry| entry.node.text(report)).map(str::to_owned);
    let order = order(&mut fields, report);
    let only = filters(fields.take("only"), report);
    let leave_out = filters(fields.take("leave_out"), report);
    let columns = fields.require("columns", report).map(|entry| columns(entry, report));
    let notations = fields.require("addresses", report).map(|entry| notations(entry, report));
    let spaces = words(fields.take("spaces"), report, space);
    let types = words(fields.take("types"), report, kind);
    let orders = words(fields.take("orders"), report, order_of);
    fields.finish(report);
    Some(Map {
        name: file.name.clone(),
        shipped: false,
        delimiter: delimiter?,
        decimal: char::from(decimal?),
        skip,
        order,
        only,
        leave_out,
        columns: columns?,
        notations: notations?,
        spaces,
        types,
        orders,
    })
}

fn letter(node: Node<'_>, report: &mut Report<'_>) -> Option<u8> {
    let text = node.string(report)?;
    let letter = if let [letter] = text.as_bytes() { Some(*letter) } else { None };
    if letter.is_none() {
        report.error(node.span, format!("{text:?} is not a single character")).expected("one such as \",\" or \";\"");
    }
    letter
}

/// The keys `words` and `bytes`, wherever they stand.
pub(super) fn order(fields: &mut Fields<'_>, report: &mut Report<'_>) -> Order {
    let mut second = |key: &str, what: &str, words: [&'static str; 2]| {
        let word = fields.take(key)?.node.word(what, &words, |word| word, report)?;
        Some(word == words[1])
    };
    Order {
        low_word_first: second("words", "order of words", ["high-first", "low-first"]),
        swap_bytes: second("bytes", "order of bytes", ["in-order", "swapped"]),
    }
}

fn columns(entry: Entry<'_>, report: &mut Report<'_>) -> BTreeMap<&'static str, Column> {
    let Some(mut fields) = entry.node.table(&grammar::MAP_COLUMNS, report) else { return BTreeMap::new() };
    let mut columns = BTreeMap::new();
    for key in grammar::MAP_COLUMNS.keys() {
        let entry = if key.required { fields.require(key.name, report) } else { fields.take(key.name) };
        columns.extend(entry.and_then(|entry| Some((key.name, column(entry.node, report)?))));
    }
    fields.finish(report);
    columns
}

fn notations(entry: Entry<'_>, report: &mut Report<'_>) -> Vec<Notation> {
    let nodes = entry.node.array("an array of tables", report).unwrap_or_default();
    nodes.into_iter().filter_map(|node| notation(node, report)).collect()
}

fn notation(node: Node<'_>, report: &mut Report<'_>) -> Option<Notation> {
    let mut fields = node.table(&grammar::MAP_ADDRESS, report)?;
    let form = fields.require("form", report).and_then(|entry| form(entry.node, report));
    let space = fields.take("space").and_then(|entry| space(entry.node, report));
    let kind = fields.take("type").and_then(|entry| kind(entry.node, report));
    let base = fields.take("base").map_or(Some(0), |entry| entry.node.integer("base", 0..=1_000_000, report));
    let stride = fields.take("stride").map_or(Some(1), |entry| entry.node.integer("stride", 1..=64, report));
    let left_out = fields.take("left_out").and_then(|entry| entry.node.text(report)).map(str::to_owned);
    fields.finish(report);
    Some(Notation { form: form?, space, kind, base: base?, stride: stride?, left_out })
}

fn form(node: Node<'_>, report: &mut Report<'_>) -> Option<Form> {
    let text = node.text(report)?;
    let form = Form::parse(text);
    if let Err(gap) = &form {
        report.error(node.span, format!("unknown gap `{{{gap}}}` in a form of addresses")).expected(GAPS);
    }
    form.ok()
}

/// What the words of an export mean; a word that means `left-out` is no point.
fn words<T>(
    entry: Option<Entry<'_>>,
    report: &mut Report<'_>,
    meaning: fn(Node<'_>, &mut Report<'_>) -> Option<T>,
) -> Words<T> {
    let entries = entry.map(|entry| entry.node.entries(report)).unwrap_or_default();
    let word = |entry: Entry<'_>| {
        let left_out = entry.node.as_text() == Some("left-out");
        let meaning = if left_out { None } else { Some(meaning(entry.node, report)?) };
        Some((entry.name.to_owned(), meaning))
    };
    Words(entries.into_iter().filter_map(word).collect())
}

fn space(node: Node<'_>, report: &mut Report<'_>) -> Option<Space> {
    node.word("address space", Space::ALL, Space::name, report)
}

fn kind(node: Node<'_>, report: &mut Report<'_>) -> Option<Kind> {
    node.word("type", Kind::ALL.get(1..).unwrap_or_default(), Kind::name, report)
}

fn order_of(node: Node<'_>, report: &mut Report<'_>) -> Option<Order> {
    let mut fields = node.table(&grammar::MAP_ORDER, report)?;
    let order = order(&mut fields, report);
    fields.finish(report);
    Some(order)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shipped_maps_are_right() {
        let files: Vec<_> = shipped().collect();
        for (index, file) in files.iter().enumerate() {
            let mut report = Report::new(&files);
            assert!(read(index, file, &mut report).is_some_and(|map| !map.notations.is_empty()), "{}", file.name);
            let said = report.finish();
            assert!(said.is_empty(), "{}", crate::render(&said, &files, false));
        }
    }
}
