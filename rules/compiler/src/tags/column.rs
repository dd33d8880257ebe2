use wildmatch::WildMatch;

use super::Word;
use super::sheet::{Cell, Line};
use crate::diagnostic::Report;
use crate::grammar;
use crate::node::{Entry, Node};
use crate::source::Spanned;

/// Where a map takes something from: one column or several, and in which rows.
#[derive(Clone, Debug)]
pub(super) struct Column {
    pub(super) parts: Vec<Spanned<Name>>,
    pub(super) filters: Vec<Filter>,
}

/// How a map names a column.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Name {
    /// By what its head says.
    Head(String),
    /// By its number, from 1.
    Number(usize),
}

/// Rows in which a column matches one of some patterns.
#[derive(Clone, Debug)]
pub(super) struct Filter {
    pub(super) column: Word,
    patterns: Vec<String>,
    /// The patterns in lower case, each as a matcher.
    matchers: Vec<WildMatch>,
}

/// Reads a column: its name, its number, a list of these, or a table that limits the rows.
pub(super) fn column(node: Node<'_>, report: &mut Report<'_>) -> Option<Column> {
    if !node.is_table() {
        return Some(Column { parts: names(node, report), filters: Vec::new() });
    }
    let mut fields = node.table(&grammar::MAP_COLUMN, report)?;
    let parts = fields.require("column", report).map(|entry| names(entry.node, report));
    let filters = filters(fields.take("where"), report);
    fields.finish(report);
    Some(Column { parts: parts?, filters })
}

fn names(node: Node<'_>, report: &mut Report<'_>) -> Vec<Spanned<Name>> {
    let nodes = node.one_or_more(report);
    let name = |node: Node<'_>| {
        let value = if node.as_whole().is_some() {
            Name::Number(node.integer("column", 1..=10_000, report)?)
        } else {
            Name::Head(node.text(report)?.to_owned())
        };
        Some(Spanned { value, span: node.span })
    };
    nodes.into_iter().filter_map(name).collect()
}

/// Reads the table of a `where` or an `only`: columns with the patterns that they must match.
pub(super) fn filters(entry: Option<Entry<'_>>, report: &mut Report<'_>) -> Vec<Filter> {
    let entries = entry.map(|entry| entry.node.entries(report)).unwrap_or_default();
    let filter = |entry: Entry<'_>| {
        let patterns: Vec<String> = entry.node.patterns(report);
        let matchers = patterns.iter().map(|pattern| WildMatch::new(&pattern.to_lowercase())).collect();
        Filter { column: Spanned { value: entry.name.to_owned(), span: entry.key }, patterns, matchers }
    };
    entries.into_iter().map(filter).collect()
}

impl Filter {
    /// Whether a row is meant; `cell` is what its column says.
    pub(super) fn lets(&self, cell: &str) -> bool {
        let cell = cell.to_lowercase();
        self.matchers.iter().any(|matcher| matcher.matches(&cell))
    }

    /// The filter in words.
    pub(super) fn told(&self) -> String {
        format!("{} is {}", self.column.value, self.patterns.join(" or "))
    }
}

/// Which column of a sheet is which.
#[derive(Debug)]
pub(super) struct Heads<'s>(pub(super) Option<&'s Line>);

impl Heads<'_> {
    /// The index of a column.
    pub(super) fn find(&self, name: &Name) -> Option<usize> {
        match name {
            Name::Number(number) => number.checked_sub(1),
            Name::Head(head) => self.find_head(head),
        }
    }

    pub(super) fn find_head(&self, head: &str) -> Option<usize> {
        self.0?.cells.iter().position(|cell| cell.text.eq_ignore_ascii_case(head))
    }

    /// What the column says in a row; nothing where there is no such column.
    pub(super) fn cell<'l>(&self, head: &str, line: &'l Line) -> &'l str {
        self.find_head(head).and_then(|index| line.cells.get(index)).map_or("", |cell| cell.text.as_str())
    }

    /// The first cell of a column in a row, if the row is meant and the cell says something.
    pub(super) fn of<'l>(&self, column: Option<&Column>, line: &'l Line) -> Option<&'l Cell> {
        let column = column?;
        if !column.filters.iter().all(|filter| filter.lets(self.cell(&filter.column.value, line))) {
            return None;
        }
        let cell = line.cells.get(self.find(&column.parts.first()?.value)?)?;
        (!cell.text.is_empty()).then_some(cell)
    }

    /// All parts of a column in a row that say something.
    pub(super) fn all_of<'l>(&self, column: &Column, line: &'l Line) -> Vec<&'l Cell> {
        let cell = |part: &Spanned<Name>| self.find(&part.value).and_then(|index| line.cells.get(index));
        column.parts.iter().filter_map(cell).filter(|cell| !cell.text.is_empty()).collect()
    }
}
