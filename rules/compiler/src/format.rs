//! One way to lay out a policy file. What it says stays as it is: comments go with what they are about, tables and names
//! keep their order; keys of a table come in the order of the grammar.

mod comments;
mod entries;
mod order;
mod value;

use std::fmt::Write as _;

use toml::de::DeTable;
use toml_edit::{DocumentMut, Item, Key, Table};

use crate::diagnostic::Report;
use crate::grammar::Shape;
use crate::source::{SourceFile, Span};
use crate::{Diagnostic, parse};

use comments::{Line, beside, lines, spaced};
use entries::{Entries, Entry, entries};

/// The text of a policy file, or of a column map, as `tagout fmt` writes it.
///
/// # Errors
/// What keeps the text from being TOML.
pub fn format(file: &SourceFile) -> Result<String, Vec<Diagnostic>> {
    let document = document(file)?;
    let root = order::root(document.as_table());
    let mut text = String::new();
    for Section { path, table, shape, .. } in sections(document.as_table(), root) {
        header(&mut text, &path, table);
        body(&mut text, &entries(table, shape), order::is_list(shape));
    }
    let mut end = spaced(lines(document.trailing().as_str()));
    trim_start(&text, &mut end);
    trim_end(&mut end);
    put(&mut text, &end);
    Ok(text)
}

fn document(file: &SourceFile) -> Result<DocumentMut, Vec<Diagnostic>> {
    let files = std::slice::from_ref(file);
    let mut report = Report::new(files);
    let (_, errors) = DeTable::parse_recoverable(&file.text);
    errors.iter().for_each(|error| parse::syntax(0, file, error, &mut report));
    match file.text.parse() {
        Ok(document) if errors.is_empty() => return Ok(document),
        Err(error) if errors.is_empty() => {
            let place = toml_edit::TomlError::span(&error).unwrap_or_default();
            report.error(Span::new(0, place), error.message());
        }
        _ => {}
    }
    Err(report.finish())
}

/// What stands under a header, or above the first.
struct Section<'d> {
    position: Option<isize>,
    path: Vec<(&'d Key, bool)>,
    table: &'d Table,
    shape: Option<Shape>,
}

/// All sections in the order of the file.
fn sections(root: &Table, shape: Option<Shape>) -> Vec<Section<'_>> {
    let mut all = vec![Section { position: None, path: Vec::new(), table: root, shape }];
    below(root, shape, &mut Vec::new(), &mut all);
    all.sort_by_key(|section| section.position);
    all
}

/// Adds the sections under a table.
fn below<'d>(table: &'d Table, shape: Option<Shape>, path: &mut Vec<(&'d Key, bool)>, all: &mut Vec<Section<'d>>) {
    for (name, item) in table {
        let Some(key) = table.key(name) else { continue };
        let shape = order::child(shape, name);
        let is_array = item.is_array_of_tables();
        let tables: Vec<_> = match item {
            Item::Table(table) => vec![table],
            Item::ArrayOfTables(tables) => tables.iter().collect(),
            Item::Value(_) | Item::None => continue,
        };
        path.push((key, is_array));
        for table in tables {
            if let Some(position) = table.position().filter(|_| !table.is_dotted()) {
                all.push(Section { position: Some(position), path: path.clone(), table, shape });
            }
            below(table, shape, path, all);
        }
        path.pop();
    }
}

fn header(text: &mut String, path: &[(&Key, bool)], table: &Table) {
    let Some((_, is_array)) = path.last() else { return };
    let mut above = spaced(lines(table.decor().prefix().and_then(|above| above.as_str())));
    if above.iter().all(|line| *line != Line::Blank) {
        above.insert(0, Line::Blank);
    }
    trim_start(text, &mut above);
    put(text, &above);
    let names: Vec<_> = path.iter().map(|(key, _)| value::key(key)).collect();
    let (open, close) = if *is_array { ("[[", "]]") } else { ("[", "]") };
    let beside = beside(table.decor().suffix().and_then(|beside| beside.as_str()));
    let _ = writeln!(text, "{open}{}{close}{beside}", names.join("."));
}

/// The entries of a section; in a list of things with their names, what they are starts in one column.
fn body(text: &mut String, entries: &Entries<'_>, is_list: bool) {
    put(text, &entries.top);
    let starts_block = |entry: &Entry<'_>| entry.above.first() == Some(&Line::Blank);
    for block in entries.all.chunk_by(|_, next| !starts_block(next)) {
        let width = if is_list { block.iter().map(name_width).max().unwrap_or(0) } else { 0 };
        for entry in block {
            put(text, &entry.above);
            let name = format!("{:width$} = ", entry.name);
            let value = value::written(&entry.pair, name.chars().count());
            let _ = writeln!(text, "{name}{value}{}", entry.beside);
        }
    }
}

/// How wide a name is; one that is very long stands out of its column.
fn name_width(entry: &Entry<'_>) -> usize {
    const WIDEST: usize = 32;
    Some(entry.name.chars().count()).filter(|width| *width <= WIDEST).unwrap_or(0)
}

fn put(text: &mut String, lines: &[Line<'_>]) {
    for line in lines {
        text.push_str(line.text());
        text.push('\n');
    }
}

/// No empty line at the top of a file.
fn trim_start(text: &str, lines: &mut Vec<Line<'_>>) {
    if text.is_empty() && lines.first() == Some(&Line::Blank) {
        lines.remove(0);
    }
}

fn trim_end(lines: &mut Vec<Line<'_>>) {
    if lines.last() == Some(&Line::Blank) {
        lines.pop();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{emit, packs, resolve};

    const DEMO: &str = include_str!("../../../tests/demo/policy.toml");

    /// The image of a policy, as if all of it stood at the beginning of its file.
    fn image(text: &str) -> Vec<u8> {
        let files = [SourceFile::new("policy.toml", text)];
        let mut report = Report::new(&files);
        let model = parse::parse(&files, &mut report).expect("a policy is TOML");
        let resolved = resolve::resolve(model, &mut report).expect("its names are right");
        emit::emit(&resolved, &[SourceFile::new("policy.toml", "")])
    }

    /// The keys of each permit and rule the other way round, without their comments.
    fn upside_down(text: &str) -> String {
        let table = |table: &str| match table.split_once('\n') {
            Some((header, keys)) if header.starts_with("[[") && !keys.contains("[\n") => {
                let keys: Vec<_> = keys.lines().filter(|line| !line.starts_with('#')).rev().collect();
                format!("{header}\n{}", keys.join("\n"))
            }
            _ => table.to_owned(),
        };
        text.split("\n\n").map(table).collect::<Vec<_>>().join("\n\n")
    }

    #[test]
    fn a_formatted_policy_compiles_to_the_same_image() {
        for text in packs().map(|pack| pack.text).iter().map(String::as_str).chain([DEMO]) {
            let untidy = upside_down(text);
            let tidy = format(&SourceFile::new("policy.toml", untidy.as_str())).expect("it is TOML still");
            assert_ne!(tidy, untidy);
            assert_eq!(image(&tidy), image(&untidy), "{untidy}");
            assert_eq!(image(&tidy), image(text), "{untidy}");
        }
    }
}
