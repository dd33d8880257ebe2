//! Values: on one line where they fit and no comment stands in them.

use toml_edit::{Formatted, Key, RawString, Value};

use super::comments::{Line, comments, parted};
use super::entries::{Pair, pairs};
use crate::grammar::Shape;

/// Columns of a line; what cannot be broken may be longer.
const WIDTH: usize = 120;
const INDENT: usize = 4;

/// The value of a key at the beginning of a line, `column` characters behind it.
pub(super) fn written(pair: &Pair<'_>, column: usize) -> String {
    value(pair.value, pair.shape, 0, Some(column))
}

/// A name, bare where that is possible; one that looks like a number stays as it is.
pub(super) fn key(key: &Key) -> String {
    if key.get().starts_with(|letter: char| letter.is_ascii_digit() || letter == '-') {
        return key.display_repr().into_owned();
    }
    key.default_repr().as_raw().as_str().unwrap_or_default().to_owned()
}

/// A value on a line that is indented so far, from a column on; `None`: in a line that is not broken for its width.
fn value(value: &Value, shape: Option<Shape>, indent: usize, column: Option<usize>) -> String {
    match value {
        Value::Array(_) | Value::InlineTable(_) => Group::of(value, shape).written(indent, column),
        Value::String(text) => string(text),
        Value::Integer(number) => number.display_repr().into_owned(),
        Value::Float(number) => number.display_repr().into_owned(),
        Value::Boolean(truth) => truth.display_repr().into_owned(),
        Value::Datetime(time) => time.display_repr().into_owned(),
    }
}

/// A text in double quotes, unless it has what would have to be escaped there.
fn string(text: &Formatted<String>) -> String {
    let (written, value) = (text.display_repr(), text.value());
    let literal = written.starts_with('\'') && !written.starts_with("'''");
    let plain = !value.contains(|letter: char| matches!(letter, '"' | '\\') || letter.is_control());
    if literal && plain { format!("\"{value}\"") } else { written.into_owned() }
}

/// An array or an inline table.
struct Group<'d> {
    is_table: bool,
    /// In the order of the file.
    members: Vec<Pair<'d>>,
    trailing: Option<&'d RawString>,
}

impl<'d> Group<'d> {
    /// What a value holds; nothing if it is neither an array nor an inline table.
    fn of(value: &'d Value, shape: Option<Shape>) -> Self {
        match value {
            Value::Array(array) => {
                let members = array.iter().map(|element| Pair::element(element, shape)).collect();
                Self { is_table: false, members, trailing: Some(array.trailing()) }
            }
            Value::InlineTable(table) => {
                Self { is_table: true, members: pairs(table, shape), trailing: Some(table.trailing()) }
            }
            _ => Self { is_table: false, members: Vec::new(), trailing: None },
        }
    }

    fn written(&self, indent: usize, column: Option<usize>) -> String {
        let gaps = self.gaps();
        if gaps.iter().any(|gap| !comments(gap).is_empty()) || !self.is_table && self.is_commented() {
            return self.broken(&gaps, indent);
        }
        let flat = self.flat(indent);
        if self.is_table || column.is_none_or(|column| column + flat.chars().count() <= WIDTH) {
            return flat;
        }
        if self.members.iter().all(is_word) { self.filled(indent) } else { self.broken(&gaps, indent) }
    }

    /// What stands before the first member, between two, and behind the last.
    fn gaps(&self) -> Vec<String> {
        let mut gaps = vec![String::new()];
        for member in &self.members {
            let last = gaps.len() - 1;
            gaps[last] += member.before().unwrap_or_default();
            gaps.push(member.behind().unwrap_or_default().to_owned());
        }
        let last = gaps.len() - 1;
        gaps[last] += self.trailing.and_then(|trailing| trailing.as_str()).unwrap_or_default();
        gaps
    }

    /// Whether a comment stands in it, however deep.
    fn is_commented(&self) -> bool {
        let within = |member: &Pair<'_>| Group::of(member.value, None).is_commented();
        self.gaps().iter().any(|gap| !comments(gap).is_empty()) || self.members.iter().any(within)
    }

    fn flat(&self, indent: usize) -> String {
        let mut members: Vec<_> = self.members.iter().collect();
        members.sort_by(|one, other| one.place.cmp(&other.place));
        let texts: Vec<_> = members.into_iter().map(|member| text(member, indent, None)).collect();
        match (self.is_table, texts.join(", ")) {
            (true, text) if text.is_empty() => "{}".to_owned(),
            (true, text) => format!("{{ {text} }}"),
            (false, text) => format!("[{text}]"),
        }
    }

    /// As many members on a line as fit.
    fn filled(&self, indent: usize) -> String {
        let inner = indent + INDENT;
        let mut lines = vec![String::new()];
        for text in self.members.iter().map(|member| text(member, inner, None)) {
            let line = &lines[lines.len() - 1];
            if !line.is_empty() && inner + line.chars().count() + text.chars().count() + 2 > WIDTH {
                lines.push(String::new());
            }
            let last = lines.len() - 1;
            let space = if lines[last].is_empty() { "" } else { " " };
            lines[last] += &format!("{space}{text},");
        }
        let lines: String = lines.iter().map(|line| format!("{:inner$}{line}\n", "")).collect();
        format!("[\n{lines}{:indent$}]", "")
    }

    /// A member on a line, with its comments.
    fn broken(&self, gaps: &[String], indent: usize) -> String {
        let inner = indent + INDENT;
        let [open, close] = if self.is_table { ["{", "}"] } else { ["[", "]"] };
        let first = comments(&gaps[0]);
        let between: Vec<_> = gaps[1..].iter().map(|gap| parted(gap)).collect();
        let above = |index: usize| index.checked_sub(1).map_or(&first, |before| &between[before].1);
        let mut members: Vec<_> = self.members.iter().enumerate().collect();
        members.sort_by(|(_, one), (_, other)| one.place.cmp(&other.place));
        let mut body = String::new();
        for (index, member) in members {
            put(&mut body, above(index), inner);
            let column = (!self.is_table).then_some(inner + 1);
            let beside = between[index].0.map_or(String::new(), |comment| format!("  {}", comment.text()));
            body += &format!("{:inner$}{},{beside}\n", "", text(member, inner, column));
        }
        put(&mut body, above(self.members.len()), inner);
        format!("{open}\n{body}{:indent$}{close}", "")
    }
}

/// Whether a member of an array is so short that several on a line are read at a glance.
fn is_word(member: &Pair<'_>) -> bool {
    const LONGEST: usize = 32;
    let group = member.value.is_array() || member.value.is_inline_table();
    !group && text(member, 0, None).chars().count() <= LONGEST
}

/// A member of an array or of an inline table.
fn text(member: &Pair<'_>, indent: usize, column: Option<usize>) -> String {
    let value = value(member.value, member.shape, indent, column);
    let name = member.name();
    if member.place.is_empty() { value } else { format!("{name} = {value}") }
}

fn put(text: &mut String, comments: &[Line<'_>], indent: usize) {
    for comment in comments {
        *text += &format!("{:indent$}{}\n", "", comment.text());
    }
}
