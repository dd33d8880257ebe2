//! Comments and empty lines, out of the text between two things.

/// A line that says nothing to the compiler.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) enum Line<'d> {
    Blank,
    /// From `#` to its last visible character.
    Comment(&'d str),
}

impl<'d> Line<'d> {
    pub(super) fn text(self) -> &'d str {
        match self {
            Self::Blank => "",
            Self::Comment(text) => text,
        }
    }

    /// Whether it tells editors something of the whole file, as in `#:schema ./policy.schema.json`.
    pub(super) fn is_directive(self) -> bool {
        self.text().starts_with("#:")
    }

    fn of(text: &'d str) -> Self {
        let text = text.trim();
        if text.is_empty() { Self::Blank } else { Self::Comment(text) }
    }
}

/// The lines of a text; what is left behind the last line feed counts if it is a comment.
pub(super) fn lines(text: Option<&str>) -> Vec<Line<'_>> {
    let mut lines: Vec<_> = text.unwrap_or_default().split('\n').map(Line::of).collect();
    if lines.last() == Some(&Line::Blank) {
        lines.pop();
    }
    lines
}

/// The lines without an empty one behind another.
pub(super) fn spaced(mut lines: Vec<Line<'_>>) -> Vec<Line<'_>> {
    lines.dedup_by(|next, line| *next == Line::Blank && *line == Line::Blank);
    lines
}

/// The comments only.
pub(super) fn comments(text: &str) -> Vec<Line<'_>> {
    text.split('\n').map(Line::of).filter(|line| *line != Line::Blank).collect()
}

/// A comment on the line of what it is about.
pub(super) fn beside(text: Option<&str>) -> String {
    match text.unwrap_or_default().trim() {
        "" => String::new(),
        comment => format!("  {comment}"),
    }
}

/// The comment that stands on the line where a text begins, and those below.
pub(super) fn parted(text: &str) -> (Option<Line<'_>>, Vec<Line<'_>>) {
    let (line, below) = text.split_once('\n').unwrap_or((text, ""));
    (comments(line).first().copied(), comments(below))
}
