use std::fmt;
use std::ops::Range;

/// One file of a policy.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SourceFile {
    /// The path that diagnostics and alerts show, and from which its references are resolved.
    pub name: String,
    /// What it says.
    pub text: String,
    /// What it is for.
    pub kind: FileKind,
}

impl SourceFile {
    /// A policy file of this name and text.
    pub fn new(name: impl Into<String>, text: impl Into<String>) -> Self {
        Self { name: name.into(), text: text.into(), kind: FileKind::Policy }
    }
}

/// What a file of a policy is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FileKind {
    /// Policy text, in TOML.
    Policy,
    /// A tag export whose rows become points of a device, in CSV.
    Tags,
    /// Says what the columns of a tag export mean, in TOML.
    Map,
}

/// Turns offsets in a file into lines and columns.
pub(crate) struct Lines<'f> {
    file: &'f SourceFile,
    starts: Vec<usize>,
}

impl<'f> Lines<'f> {
    /// The lines of each file.
    pub(crate) fn of(files: &'f [SourceFile]) -> Vec<Self> {
        let starts = |text: &str| text.match_indices('\n').map(|(newline, _)| newline + 1).collect();
        files.iter().map(|file| Self { file, starts: starts(&file.text) }).collect()
    }

    /// 1-based line and column (in characters) of a byte offset.
    pub(crate) fn line_column(&self, offset: usize) -> (u32, u32) {
        let line = self.starts.partition_point(|start| *start <= offset);
        let start = line.checked_sub(1).map_or(0, |previous| self.starts[previous]);
        let before = self.file.text.get(start..offset).unwrap_or_default();
        (number(line + 1), number(before.chars().count() + 1))
    }

    pub(crate) fn locate(&self, span: Span) -> Location {
        let (line, column) = self.line_column(span.start);
        Location { file: self.file.name.clone(), line, column, span: span.start..span.end }
    }
}

fn number(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

/// A stretch of one of the files, in bytes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct Span {
    pub(crate) file: usize,
    pub(crate) start: usize,
    pub(crate) end: usize,
}

impl Span {
    pub(crate) fn new(file: usize, range: Range<usize>) -> Self {
        Self { file, start: range.start, end: range.end }
    }
}

/// A value and where it stands.
#[derive(Clone, Debug)]
pub(crate) struct Spanned<T> {
    pub(crate) value: T,
    pub(crate) span: Span,
}

/// Where something stands in a file. Displays as `file:line:column`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Location {
    /// Name of the file.
    pub file: String,
    /// 1-based.
    pub line: u32,
    /// 1-based, in characters.
    pub column: u32,
    /// The bytes of the file's text that are meant.
    pub span: Range<usize>,
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.file, self.line, self.column)
    }
}
