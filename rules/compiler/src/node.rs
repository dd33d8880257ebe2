//! Typed reading of TOML: every wrong type, range and key becomes a diagnostic, and reading goes on.

use std::ops::RangeInclusive;

use toml::Spanned as TomlSpanned;
use toml::de::{DeTable, DeValue};
use toml::value::Datetime;

use crate::diagnostic::Report;
use crate::grammar::Table;
use crate::source::{Span, Spanned};
use crate::suggest::did_you_mean;

/// A value in a file.
#[derive(Clone, Copy)]
pub(crate) struct Node<'t> {
    pub(crate) span: Span,
    value: &'t DeValue<'t>,
}

/// The entries of a table, taken out one by one; whatever is left at the end is unknown.
pub(crate) struct Fields<'t> {
    /// The table's header or braces.
    pub(crate) span: Span,
    table: &'static Table,
    entries: Vec<Entry<'t>>,
}

/// A key and its value.
#[derive(Clone, Copy)]
pub(crate) struct Entry<'t> {
    pub(crate) name: &'t str,
    pub(crate) key: Span,
    pub(crate) node: Node<'t>,
}

impl<'t> Node<'t> {
    pub(crate) fn new(file: usize, value: &'t TomlSpanned<DeValue<'t>>) -> Self {
        Self { span: Span::new(file, value.span()), value: value.get_ref() }
    }

    /// The fields, if this is such a table.
    pub(crate) fn table(self, table: &'static Table, report: &mut Report<'_>) -> Option<Fields<'t>> {
        match self.value {
            DeValue::Table(entries) => Some(Fields::of(self.span, table, entries)),
            _ => self.mistyped(&table.shape(), report),
        }
    }

    /// The entries of a table whose keys are names, in the order of the file.
    pub(crate) fn entries(self, report: &mut Report<'_>) -> Vec<Entry<'t>> {
        match self.value {
            DeValue::Table(entries) => sorted(self.span.file, entries),
            _ => self.mistyped("a table", report).unwrap_or_default(),
        }
    }

    pub(crate) fn is_table(self) -> bool {
        matches!(self.value, DeValue::Table(_))
    }

    /// The string that this is, if it is one.
    pub(crate) fn as_text(self) -> Option<&'t str> {
        if let DeValue::String(text) = self.value { Some(text) } else { None }
    }

    pub(crate) fn string(self, report: &mut Report<'_>) -> Option<&'t str> {
        self.form("a string", report)
    }

    /// A string of a form that messages tell.
    pub(crate) fn form(self, form: &str, report: &mut Report<'_>) -> Option<&'t str> {
        self.as_text().or_else(|| self.mistyped(form, report))
    }

    /// A string that says something.
    pub(crate) fn text(self, report: &mut Report<'_>) -> Option<&'t str> {
        let text = self.string(report)?;
        if text.trim().is_empty() {
            report.error(self.span, "empty string").expected("some text");
            return None;
        }
        Some(text)
    }

    pub(crate) fn boolean(self, report: &mut Report<'_>) -> Option<bool> {
        match self.value {
            DeValue::Boolean(value) => Some(*value),
            _ => self.mistyped("`true` or `false`", report),
        }
    }

    /// A date, a time, or both.
    pub(crate) fn datetime(self, report: &mut Report<'_>) -> Option<Datetime> {
        match self.value {
            DeValue::Datetime(moment) => Some(*moment),
            DeValue::String(_) => {
                self.mistyped("a date and time without quotes, such as 2026-03-01T22:00:00+01:00", report)
            }
            _ => self.mistyped("a date and time such as 2026-03-01T22:00:00+01:00", report),
        }
    }

    /// A finite number, whole or not.
    pub(crate) fn number(self, report: &mut Report<'_>) -> Option<f64> {
        let value = match self.value {
            DeValue::Integer(_) => self.whole(report)? as f64,
            DeValue::Float(float) => float.as_str().parse().unwrap_or(f64::NAN),
            _ => return self.mistyped("a number", report),
        };
        if !value.is_finite() {
            report.error(self.span, format!("`{}` is not a finite number", self.shown())).expected("a finite number");
            return None;
        }
        Some(value)
    }

    /// A whole number in a range; `what` names it in messages.
    pub(crate) fn integer<T: TryFrom<i64>>(
        self,
        what: &str,
        range: RangeInclusive<i64>,
        report: &mut Report<'_>,
    ) -> Option<T> {
        let value = self.whole(report)?;
        let fitting = Some(value).filter(|value| range.contains(value)).and_then(|value| T::try_from(value).ok());
        if fitting.is_none() {
            let expected = format!("a whole number from {} to {}", range.start(), range.end());
            report.error(self.span, format!("{what} {value} is out of range")).expected(expected);
        }
        fitting
    }

    fn whole(self, report: &mut Report<'_>) -> Option<i64> {
        let DeValue::Integer(integer) = self.value else { return self.mistyped("a whole number", report) };
        let value = self.as_whole();
        if value.is_none() {
            report.error(self.span, format!("{integer} is too large")).expected("a number of at most 64 bits");
        }
        value
    }

    /// The whole number that this is, if it is one.
    pub(crate) fn as_whole(self) -> Option<i64> {
        let DeValue::Integer(integer) = self.value else { return None };
        i64::from_str_radix(integer.as_str(), integer.radix()).ok()
    }

    /// A time such as `30 s`, in milliseconds: at least one, at most 49 days.
    pub(crate) fn duration(self, report: &mut Report<'_>) -> Option<u32> {
        let text = self.form("a time such as \"30 s\"", report)?;
        let duration = milliseconds(text);
        if duration.is_none() {
            report
                .error(self.span, format!("`{text}` is no time"))
                .expected("a number and `ms`, `s`, `min`, `h` or `d`, such as \"30 s\", from 1 ms to 49 d");
        }
        duration
    }

    /// A number, or a flag as 0 or 1.
    pub(crate) fn value(self, report: &mut Report<'_>) -> Option<f64> {
        match self.value {
            DeValue::Boolean(flag) => Some(f64::from(*flag)),
            _ => self.number(report),
        }
    }

    /// The elements of an array.
    pub(crate) fn array(self, what: &str, report: &mut Report<'_>) -> Option<Vec<Node<'t>>> {
        match self.value {
            DeValue::Array(items) => Some(items.iter().map(|item| Self::new(self.span.file, item)).collect()),
            _ => self.mistyped(what, report),
        }
    }

    /// The elements of an array that must not be empty, or a lone value as if it were such an array.
    pub(crate) fn one_or_more(self, report: &mut Report<'_>) -> Vec<Node<'t>> {
        let DeValue::Array(items) = self.value else { return vec![self] };
        if items.is_empty() {
            report.error(self.span, "empty list").expected("at least one element");
        }
        items.iter().map(|item| Self::new(self.span.file, item)).collect()
    }

    /// Strings, each with its place.
    pub(crate) fn strings(self, report: &mut Report<'_>) -> Vec<Spanned<String>> {
        let nodes = self.one_or_more(report);
        let string = |node: Node<'_>| Some(Spanned { value: node.text(report)?.to_owned(), span: node.span });
        nodes.into_iter().filter_map(string).collect()
    }

    /// Strings that may be empty.
    pub(crate) fn patterns(self, report: &mut Report<'_>) -> Vec<String> {
        let nodes = self.one_or_more(report);
        nodes.into_iter().filter_map(|node| node.string(report).map(str::to_owned)).collect()
    }

    /// One word of a closed list.
    pub(crate) fn word<T: Copy>(
        self,
        what: &str,
        words: &[T],
        name: fn(T) -> &'static str,
        report: &mut Report<'_>,
    ) -> Option<T> {
        let found = self.string(report)?;
        let word = words.iter().copied().find(|word| name(*word) == found);
        if word.is_none() {
            let names = || words.iter().map(|word| name(*word));
            report.error(self.span, format!("unknown {what} `{found}`")).one_of(found, &names().collect::<Vec<_>>());
        }
        word
    }

    fn mistyped<T>(self, expected: &str, report: &mut Report<'_>) -> Option<T> {
        let message = format!("found {} instead of {expected}", self.type_name());
        report.error(self.span, message).expected(expected);
        None
    }

    fn type_name(self) -> String {
        match self.value {
            DeValue::String(text) => format!("the string {text:?}"),
            DeValue::Integer(_) | DeValue::Float(_) => format!("the number {}", self.shown()),
            DeValue::Boolean(value) => format!("`{value}`"),
            DeValue::Datetime(_) => "a date or time".to_owned(),
            DeValue::Array(_) => "an array".to_owned(),
            DeValue::Table(_) => "a table".to_owned(),
        }
    }

    fn shown(self) -> String {
        match self.value {
            DeValue::Integer(integer) => integer.to_string(),
            DeValue::Float(float) => float.to_string(),
            _ => String::new(),
        }
    }
}

impl Entry<'_> {
    /// How to write a name with a dot in it, if this may be the end of one.
    fn quoting(&self) -> Option<String> {
        let help = || format!("a name with a dot is written in quotes, such as `\"….{}\"`", self.name);
        self.node.is_table().then(help)
    }
}

impl<'t> Fields<'t> {
    pub(crate) fn of(span: Span, table: &'static Table, entries: &'t DeTable<'t>) -> Self {
        Self { span, table, entries: sorted(span.file, entries) }
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.entries.iter().any(|entry| entry.name == name)
    }

    /// Whether a key is there that may be this one misspelt.
    pub(crate) fn has_like(&self, name: &str) -> bool {
        self.entries.iter().any(|entry| did_you_mean(entry.name, [name]).is_some())
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    pub(crate) fn take(&mut self, name: &str) -> Option<Entry<'t>> {
        debug_assert!(self.table.has(name), "`{name}` is no key of {}", self.table.what);
        let index = self.entries.iter().position(|entry| entry.name == name)?;
        Some(self.entries.remove(index))
    }

    /// Takes an entry that must be there; one that is there misspelt will be reported as unknown.
    pub(crate) fn require(&mut self, name: &str, report: &mut Report<'_>) -> Option<Entry<'t>> {
        let entry = self.take(name);
        if entry.is_none() && !self.has_like(name) {
            report
                .error(self.span, format!("{} without `{name}`", self.table.what))
                .label(format!("`{name}` is missing"));
        }
        entry
    }

    /// Reports what was not taken.
    pub(crate) fn finish(self, report: &mut Report<'_>) {
        let keys: Vec<_> = self.table.keys().map(|key| key.name).collect();
        for entry in self.entries {
            let message = format!("unknown key `{}` in {}", entry.name, self.table.what);
            let help = self.table.is_named().then(|| entry.quoting()).flatten();
            report.error(entry.key, message).help(help).one_of(entry.name, &keys);
        }
    }
}

/// The milliseconds of a time such as `30 s`.
pub(crate) fn milliseconds(text: &str) -> Option<u32> {
    let (number, unit) = text.split_at(text.find(|letter: char| !letter.is_ascii_digit() && letter != '.')?);
    let factor = match unit.trim_start() {
        "ms" => 1.0,
        "s" => 1_000.0,
        "min" => 60_000.0,
        "h" => 3_600_000.0,
        "d" => 86_400_000.0,
        _ => return None,
    };
    let milliseconds = (number.parse::<f64>().ok()? * factor).round();
    (1.0..=f64::from(u32::MAX)).contains(&milliseconds).then_some(milliseconds as u32)
}

/// The entries of a table in the order of the file.
fn sorted<'t>(file: usize, table: &'t DeTable<'t>) -> Vec<Entry<'t>> {
    let entry = |(key, value): (&'t TomlSpanned<_>, &'t TomlSpanned<DeValue<'t>>)| Entry {
        name: AsRef::<str>::as_ref(key.get_ref()),
        key: Span::new(file, key.span()),
        node: Node::new(file, value),
    };
    let mut entries: Vec<_> = table.iter().map(entry).collect();
    entries.sort_by_key(|entry| entry.key);
    entries
}
