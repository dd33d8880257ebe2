//! The keys and values of a table.

use toml_edit::{Decor, Item, Key, Table, TableLike, Value};

use super::comments::{Line, beside, lines, spaced};
use super::{order, value};
use crate::grammar::Shape;

/// What stands in a section, in the order in which it is written.
pub(super) struct Entries<'d> {
    /// What is said above the first key, but not of it.
    pub(super) top: Vec<Line<'d>>,
    pub(super) all: Vec<Entry<'d>>,
}

/// A key and its value, with what is said of them.
pub(super) struct Entry<'d> {
    pub(super) name: String,
    pub(super) pair: Pair<'d>,
    pub(super) above: Vec<Line<'d>>,
    pub(super) beside: String,
}

/// A key, or an element of an array, which has none.
pub(super) struct Pair<'d> {
    /// The key, and the dotted ones in front of it.
    path: Vec<&'d Key>,
    pub(super) value: &'d Value,
    pub(super) shape: Option<Shape>,
    /// Where the grammar puts each key of the path, and where the file does.
    pub(super) place: Vec<(usize, usize)>,
}

impl<'d> Pair<'d> {
    pub(super) fn element(value: &'d Value, shape: Option<Shape>) -> Self {
        Self { path: Vec::new(), value, shape, place: Vec::new() }
    }

    /// The key as it is written; nothing for an element.
    pub(super) fn name(&self) -> String {
        self.path.iter().map(|key| value::key(key)).collect::<Vec<_>>().join(".")
    }

    /// What stands in front of it, on its own line and above.
    pub(super) fn before(&self) -> Option<&'d str> {
        let decor: &Decor = self.path.last().map_or(self.value.decor(), |key| key.leaf_decor());
        decor.prefix().and_then(|before| before.as_str())
    }

    /// What stands behind it.
    pub(super) fn behind(&self) -> Option<&'d str> {
        self.value.decor().suffix().and_then(|behind| behind.as_str())
    }
}

/// The entries of a section.
pub(super) fn entries(table: &Table, shape: Option<Shape>) -> Entries<'_> {
    let mut all: Vec<_> = pairs(table, shape).into_iter().map(entry).collect();
    let mut top = Vec::new();
    if let Some(first) = all.first_mut() {
        top = first.above.drain(..detached(&first.above)).collect();
    }
    if top.first() == Some(&Line::Blank) {
        top.remove(0);
    }
    all.sort_by(|one, other| one.pair.place.cmp(&other.pair.place));
    if let Some(first) = all.first_mut().filter(|first| first.above.first() == Some(&Line::Blank)) {
        first.above.remove(0);
    }
    Entries { top, all }
}

/// How many lines above the first key are not about it: those above an empty line, and those for editors.
fn detached(above: &[Line<'_>]) -> usize {
    let parted = above.iter().rposition(|line| *line == Line::Blank).map_or(0, |last| last + 1);
    parted + above[parted..].iter().take_while(|line| line.is_directive()).count()
}

fn entry(pair: Pair<'_>) -> Entry<'_> {
    Entry { name: pair.name(), above: spaced(lines(pair.before())), beside: beside(pair.behind()), pair }
}

/// The keys of a table with their values, in the order of the file, those under a dotted key together.
pub(super) fn pairs(table: &dyn TableLike, shape: Option<Shape>) -> Vec<Pair<'_>> {
    let under = |(index, (name, item))| {
        let key = table.key(name)?;
        let place = (order::rank(shape, name), index);
        Some(pairs_under(key, item, order::child(shape, name), place))
    };
    table.iter().enumerate().filter_map(under).flatten().collect()
}

fn pairs_under<'d>(key: &'d Key, item: &'d Item, shape: Option<Shape>, place: (usize, usize)) -> Vec<Pair<'d>> {
    let dotted = match item {
        Item::Table(table) if table.is_dotted() => pairs(table, shape),
        Item::Value(Value::InlineTable(table)) if table.is_dotted() => pairs(table, shape),
        Item::Value(value) => return vec![Pair { path: vec![key], value, shape, place: vec![place] }],
        _ => return Vec::new(),
    };
    let below = |pair: Pair<'d>| Pair {
        path: [vec![key], pair.path].concat(),
        place: [vec![place], pair.place].concat(),
        ..pair
    };
    dotted.into_iter().map(below).collect()
}
