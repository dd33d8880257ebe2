//! What a policy file needs beside itself. The compiler opens no files: whoever does asks here which, and hands them to
//! [`compile`](crate::compile) with the rest.

use toml::de::{DeTable, DeValue};

use crate::source::{FileKind, SourceFile};
use crate::{paths, tags};

/// A file, or files, that another asks for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Reference {
    /// What for.
    pub kind: FileKind,
    /// A path; for policy files perhaps a pattern with `*`, `**`, `?` or `[…]`. Where it is not absolute, it begins where
    /// the name of the asking file does.
    pub path: String,
}

impl Reference {
    /// Whether the path stands for any number of files.
    pub fn is_pattern(&self) -> bool {
        self.kind == FileKind::Policy && paths::is_pattern(&self.path)
    }

    /// Whether this path is that of a file.
    pub fn is(&self, file: &SourceFile) -> bool {
        self.kind == file.kind && paths::same(&self.path, &file.name)
    }
}

/// What a policy file asks for: its `include` and the tag exports and maps of its devices. Nothing of what is written
/// wrongly, which [`compile`](crate::compile) reports.
pub fn references(file: &SourceFile) -> Vec<Reference> {
    if file.kind != FileKind::Policy {
        return Vec::new();
    }
    let (document, _) = DeTable::parse_recoverable(&file.text);
    let document = document.get_ref();
    let reference = |kind: FileKind, path: &str| Reference { kind, path: paths::resolve(&file.name, path) };
    let mut found: Vec<_> = get(document, "include").into_iter().flat_map(texts).collect();
    found.retain(|path| !path.trim().is_empty());
    let mut found: Vec<_> = found.into_iter().map(|path| reference(FileKind::Policy, path)).collect();
    for tags in devices(document).filter_map(|device| get(device, "tags")).flat_map(one_or_more).filter_map(table) {
        let text = |key| get(tags, key).and_then(text);
        found.extend(text("file").map(|path| reference(FileKind::Tags, path)));
        found.extend(text("map").and_then(tags::own_map).map(|path| reference(FileKind::Map, path)));
    }
    found
}

fn get<'t>(table: &'t DeTable<'t>, key: &str) -> Option<&'t DeValue<'t>> {
    table.iter().find(|(name, _)| name.get_ref() == key).map(|(_, value)| value.get_ref())
}

fn devices<'t>(document: &'t DeTable<'t>) -> impl Iterator<Item = &'t DeTable<'t>> {
    let devices = get(document, "devices").and_then(table);
    devices.into_iter().flat_map(|devices| devices.iter().filter_map(|(_, device)| table(device.get_ref())))
}

fn table<'t>(value: &'t DeValue<'t>) -> Option<&'t DeTable<'t>> {
    if let DeValue::Table(table) = value { Some(table) } else { None }
}

fn text<'t>(value: &'t DeValue<'t>) -> Option<&'t str> {
    if let DeValue::String(text) = value { Some(text) } else { None }
}

fn one_or_more<'t>(value: &'t DeValue<'t>) -> Vec<&'t DeValue<'t>> {
    match value {
        DeValue::Array(items) => items.iter().map(toml::Spanned::get_ref).collect(),
        one => vec![one],
    }
}

fn texts<'t>(value: &'t DeValue<'t>) -> Vec<&'t str> {
    one_or_more(value).into_iter().filter_map(text).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_that_a_file_asks_for_is_told() {
        let text = r#"
            include = ["devices/*.toml", "../shared.toml"]
            [devices.a]
            tags = { file = "a.csv", map = "kepware" }
            [devices.b]
            tags = [{ file = "../b.csv", map = "own.toml" }, { file = 3, map = "kepware" }]
            [devices.c]
            tags = "none"
        "#;
        let asked: Vec<_> = references(&SourceFile::new("site/main.toml", text))
            .into_iter()
            .map(|reference| (reference.kind, reference.is_pattern(), reference.path))
            .collect();
        let expected = [
            (FileKind::Policy, true, "site/devices/*.toml"),
            (FileKind::Policy, false, "shared.toml"),
            (FileKind::Tags, false, "site/a.csv"),
            (FileKind::Tags, false, "b.csv"),
            (FileKind::Map, false, "site/own.toml"),
        ];
        assert_eq!(asked, expected.map(|(kind, pattern, path)| (kind, pattern, path.to_owned())));
    }

    #[test]
    fn wrong_text_asks_for_what_can_be_read() {
        assert_eq!(references(&SourceFile::new("a.toml", "include = [\"b.toml\"]\n[devices\n")).len(), 1);
        assert_eq!(references(&SourceFile::new("a.toml", "= = =")), []);
    }
}
