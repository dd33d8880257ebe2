use std::fmt;

use crate::source::{Lines, Location, SourceFile, Span};
use crate::suggest::{did_you_mean, one_of};

/// How bad a diagnostic is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Level {
    /// The policy cannot be compiled.
    Error,
    /// The policy compiles, but this is probably not meant.
    Warning,
}

impl Level {
    /// The level as diagnostics show it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
        }
    }
}

/// Something that is wrong with a policy. Displays as `file:line:column: error: message`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Diagnostic {
    /// How bad it is.
    pub level: Level,
    /// What is wrong, naming what was found.
    pub message: String,
    /// Where, and what was expected there; the text may be empty.
    pub primary: Label,
    /// Other places that have to do with it.
    pub related: Vec<Label>,
    /// How to put it right, where that is known.
    pub help: Option<String>,
}

/// A place and what to say of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Label {
    /// The place.
    pub location: Location,
    /// What to say; may be empty.
    pub text: String,
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}: {}", self.primary.location, self.level.name(), self.message)
    }
}

/// Collects diagnostics while a policy is read.
pub(crate) struct Report<'f> {
    files: &'f [SourceFile],
    drafts: Vec<Draft>,
}

/// A diagnostic in the making: its places are still spans.
pub(crate) struct Draft {
    level: Level,
    message: String,
    span: Span,
    label: String,
    related: Vec<(Span, String)>,
    help: Option<String>,
}

impl<'f> Report<'f> {
    pub(crate) fn new(files: &'f [SourceFile]) -> Self {
        Self { files, drafts: Vec::new() }
    }

    /// An empty report on the same files, for what is not to be told.
    pub(crate) fn aside(&self) -> Self {
        Self::new(self.files)
    }

    /// What the files say there.
    pub(crate) fn text(&self, span: Span) -> &'f str {
        self.files.get(span.file).and_then(|file| file.text.get(span.start..span.end)).unwrap_or_default()
    }

    /// The lines of all files.
    pub(crate) fn lines(&self) -> Vec<Lines<'f>> {
        Lines::of(self.files)
    }

    pub(crate) fn error(&mut self, span: Span, message: impl Into<String>) -> &mut Draft {
        self.add(Level::Error, span, message.into())
    }

    pub(crate) fn warning(&mut self, span: Span, message: impl Into<String>) -> &mut Draft {
        self.add(Level::Warning, span, message.into())
    }

    fn add(&mut self, level: Level, span: Span, message: String) -> &mut Draft {
        let draft = Draft { level, message, span, label: String::new(), related: Vec::new(), help: None };
        self.drafts.push(draft);
        let last = self.drafts.len() - 1;
        &mut self.drafts[last]
    }

    pub(crate) fn has_errors(&self) -> bool {
        self.drafts.iter().any(|draft| draft.level == Level::Error)
    }

    /// All diagnostics, in the order of the files.
    pub(crate) fn finish(mut self) -> Vec<Diagnostic> {
        self.drafts.sort_by_key(|draft| draft.span);
        let lines = Lines::of(self.files);
        self.drafts.into_iter().map(|draft| draft.finish(&lines)).collect()
    }
}

impl Draft {
    /// Says what was expected at the place.
    pub(crate) fn expected(&mut self, expected: impl fmt::Display) -> &mut Self {
        self.label = format!("expected {expected}");
        self
    }

    /// Says which words are right instead of `found`, and which of them is nearest. A long list is left out where the
    /// nearest is known.
    pub(crate) fn one_of(&mut self, found: &str, right: &[&str]) -> &mut Self {
        const SHORT: usize = 8;
        let nearest = did_you_mean(found, right.iter().copied());
        if right.len() <= SHORT || nearest.is_none() {
            self.expected(one_of(right.iter().copied()));
        }
        self.help(nearest)
    }

    /// Says something of the place.
    pub(crate) fn label(&mut self, label: impl Into<String>) -> &mut Self {
        self.label = label.into();
        self
    }

    /// Points at another place.
    pub(crate) fn related(&mut self, span: Span, text: impl Into<String>) -> &mut Self {
        self.related.push((span, text.into()));
        self
    }

    /// Tells how to put it right, if that is known.
    pub(crate) fn help(&mut self, help: impl Into<Option<String>>) -> &mut Self {
        self.help = help.into().or(self.help.take());
        self
    }

    fn finish(self, lines: &[Lines<'_>]) -> Diagnostic {
        let label = |(span, text): (Span, String)| Label { location: lines[span.file].locate(span), text };
        Diagnostic {
            level: self.level,
            message: self.message,
            primary: label((self.span, self.label)),
            related: self.related.into_iter().map(label).collect(),
            help: self.help,
        }
    }
}
