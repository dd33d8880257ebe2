//! Text of which only so much fits: whole fields, or cut between two characters.

use core::fmt::{self, Write};

/// How characters that mean something to the reader are written.
pub(super) type Escape = fn(char) -> Escaped;

/// What stands for a character.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Escaped {
    /// Itself.
    Plain(char),
    /// A backslash, then this.
    Behind(char),
}

impl Escaped {
    /// How many bytes it takes.
    fn len(self) -> usize {
        match self {
            Self::Plain(character) => character.len_utf8(),
            Self::Behind(character) => character.len_utf8().saturating_add(1),
        }
    }
}

/// A line that takes only so many bytes more.
pub(super) struct Line<'w> {
    pub(super) into: &'w mut dyn Write,
    pub(super) left: usize,
}

impl Line<'_> {
    /// Writes text whole, or not at all if it does not fit; true if it did.
    pub(super) fn whole(&mut self, text: &dyn fmt::Display, escape: Escape) -> Result<bool, fmt::Error> {
        if length(text, escape)? > self.left {
            return Ok(false);
        }
        self.cut(text, escape, self.left).and(Ok(true))
    }

    /// Writes as much of a text as fits, and at most so many bytes.
    pub(super) fn cut(&mut self, text: &dyn fmt::Display, escape: Escape, most: usize) -> fmt::Result {
        let room = most.min(self.left);
        let mut cut = Cut { into: self.into, escape, left: room, is_full: false };
        write!(cut, "{text}")?;
        self.left = self.left.saturating_sub(room.saturating_sub(cut.left));
        Ok(())
    }
}

/// How many bytes a text takes.
pub(super) fn length(text: &dyn fmt::Display, escape: Escape) -> Result<usize, fmt::Error> {
    let mut count = Count { escape, bytes: 0 };
    write!(count, "{text}")?;
    Ok(count.bytes)
}

struct Count {
    escape: Escape,
    bytes: usize,
}

impl Write for Count {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let bytes = text.chars().map(|character| (self.escape)(character).len());
        self.bytes = bytes.fold(self.bytes, usize::saturating_add);
        Ok(())
    }
}

struct Cut<'w> {
    into: &'w mut dyn Write,
    escape: Escape,
    left: usize,
    /// A character did not fit: none behind it may, even if it were shorter.
    is_full: bool,
}

impl Write for Cut<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for character in text.chars() {
            let escaped = (self.escape)(character);
            let left = self.left.checked_sub(escaped.len()).filter(|_| !self.is_full);
            let Some(left) = left else {
                self.is_full = true;
                return Ok(());
            };
            self.left = left;
            match escaped {
                Escaped::Plain(character) => self.into.write_char(character)?,
                Escaped::Behind(character) => {
                    self.into.write_char('\\')?;
                    self.into.write_char(character)?;
                }
            }
        }
        Ok(())
    }
}
