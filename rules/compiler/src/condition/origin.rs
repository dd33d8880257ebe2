use super::tree::Range;
use crate::source::{Span, Spanned};

/// Where each byte of a TOML string's value stands in the file.
pub(super) struct Origin {
    whole: Span,
    /// For each byte of the value, and for its end, the offset in the file; empty when the string is not understood.
    places: Vec<usize>,
}

impl Origin {
    /// `raw` is the string as the file has it, with its quotes.
    pub(super) fn of(text: &Spanned<String>, raw: &str) -> Self {
        let places = places(raw, &text.value).unwrap_or_default();
        Self { whole: text.span, places: places.into_iter().map(|place| text.span.start + place).collect() }
    }

    /// The place in the file of a part of the value; the whole string where that is not known.
    pub(super) fn span(&self, part: Range) -> Span {
        let (start, end) = (self.places.get(part.start), self.places.get(part.end));
        start.zip(end).map_or(self.whole, |(start, end)| Span { start: *start, end: *end, ..self.whole })
    }
}

fn places(raw: &str, value: &str) -> Option<Vec<usize>> {
    let quote = if raw.starts_with("\"\"\"") || raw.starts_with("'''") { 3 } else { 1 };
    let escapes = raw.starts_with('"');
    let mut at = quote;
    if quote == 3 {
        at += newline(raw.get(at..)?);
    }
    let mut places = Vec::new();
    for letter in value.chars() {
        if escapes {
            at += continuation(raw.get(at..)?);
        }
        places.extend(std::iter::repeat_n(at, letter.len_utf8()));
        at += written(raw.get(at..)?, letter, escapes)?;
    }
    places.push(at);
    if escapes {
        at += continuation(raw.get(at..)?);
    }
    (raw.len() == at + quote).then_some(places)
}

/// How long a line end is that `raw` begins with; 0 without one.
fn newline(raw: &str) -> usize {
    ["\r\n", "\n"].into_iter().find(|end| raw.starts_with(end)).map_or(0, str::len)
}

/// How much a backslash at the end of a line takes out.
fn continuation(raw: &str) -> usize {
    let Some(rest) = raw.strip_prefix('\\') else { return 0 };
    let line = rest.trim_start_matches([' ', '\t']);
    if newline(line) == 0 { 0 } else { raw.len() - rest.trim_start().len() }
}

/// How many bytes at the start of `raw` write this letter.
fn written(raw: &str, letter: char, escapes: bool) -> Option<usize> {
    if escapes && let Some(escape) = raw.strip_prefix('\\') {
        return Some(match escape.chars().next()? {
            'x' => 4,
            'u' => 6,
            'U' => 10,
            _ => 2,
        });
    }
    if letter == '\n' {
        return Some(newline(raw)).filter(|length| *length > 0);
    }
    raw.starts_with(letter).then(|| letter.len_utf8())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_found_in_every_kind_of_string() {
        for raw in [
            r#""a == \"text\" && b""#,
            r#"'a == "text" && b'"#,
            "\"\"\"\na == \"text\" && b\"\"\"",
            "'''\r\na == \"text\" && b'''",
            "\"\"\"a == \"text\" \\\n      && b\"\"\"",
            r#""\u0061 == \x22text\" \U00000026& b""#,
        ] {
            let value = r#"a == "text" && b"#;
            let file = format!("when = {raw}");
            let span = Span::new(0, 7..file.len());
            let origin = Origin::of(&Spanned { value: value.to_owned(), span }, raw);
            let last = origin.span(value.len() - 1..value.len());
            assert_eq!(file.get(last.start..last.end), Some("b"), "{raw}");
            let first = origin.span(0..1);
            assert!(first.start > 7 && first.end < last.start, "{raw}");
        }
    }

    #[test]
    fn what_is_not_understood_is_the_whole_string() {
        let span = Span::new(0, 0..5);
        let origin = Origin::of(&Spanned { value: "abc".to_owned(), span }, "'xyz'");
        assert_eq!(origin.span(1..2), span);
    }
}
