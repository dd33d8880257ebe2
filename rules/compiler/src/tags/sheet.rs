use csv_core::{ReadFieldResult, ReaderBuilder};

use crate::source::Span;

/// A line of a tag export.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) span: Span,
    pub(super) cells: Vec<Cell>,
}

/// A cell: its text without quotes and the blanks around it, and where it stands.
#[derive(Clone, Debug)]
pub(super) struct Cell {
    pub(super) text: String,
    pub(super) span: Span,
}

/// The lines of a CSV file that say anything.
pub(super) fn read(file: usize, text: &str, delimiter: u8) -> Vec<Line> {
    let mut reader = ReaderBuilder::new().delimiter(delimiter).build();
    let mut unquoted = vec![0; text.len() + 1];
    let (mut start, mut at, mut filled) = (0, 0, 0);
    let (mut lines, mut cells) = (Vec::new(), Vec::new());
    loop {
        let (result, taken, written) = reader.read_field(&text.as_bytes()[at..], &mut unquoted[filled..]);
        (at, filled) = (at + taken, filled + written);
        match result {
            ReadFieldResult::Field { record_end } => {
                let content = String::from_utf8_lossy(&unquoted[..filled]).trim().to_owned();
                cells.push(Cell { text: content, span: place(file, text, start, at, delimiter) });
                (start, filled) = (at, 0);
                if record_end {
                    lines.extend(line(std::mem::take(&mut cells)));
                }
            }
            ReadFieldResult::End => return lines,
            ReadFieldResult::InputEmpty | ReadFieldResult::OutputFull => {}
        }
    }
}

fn line(cells: Vec<Cell>) -> Option<Line> {
    let (first, last) = (cells.first()?.span, cells.last()?.span);
    let says = cells.iter().any(|cell| !cell.text.is_empty());
    says.then_some(Line { span: Span { end: last.end, ..first }, cells })
}

/// Where a cell's content stands, without what separates it from others.
fn place(file: usize, text: &str, start: usize, end: usize, delimiter: u8) -> Span {
    let around = |letter: char| letter.is_whitespace() || letter == char::from(delimiter) || letter == '\u{feff}';
    let raw = text.get(start..end).unwrap_or_default();
    let said = raw.trim_start_matches(['\r', '\n', '\u{feff}']);
    let from = if said.is_empty() { start } else { end - said.len() };
    let content = text.get(from..end).unwrap_or_default().trim_end_matches(around);
    Span { file, start: from, end: from + content.len() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cells(text: &str, delimiter: u8) -> Vec<Vec<(String, String)>> {
        let cell = |cell: &Cell| (cell.text.clone(), text[cell.span.start..cell.span.end].to_owned());
        read(0, text, delimiter).iter().map(|line| line.cells.iter().map(cell).collect()).collect()
    }

    #[test]
    fn cells_know_their_places() {
        let found = cells("\u{feff}a, b ,\"c,\"\"d\"\r\n\n;x,,\nlast,1", b',');
        let expected = [
            vec![("a", "a"), ("b", " b"), ("c,\"d", "\"c,\"\"d\"")],
            vec![(";x", ";x"), ("", ""), ("", "")],
            vec![("last", "last"), ("1", "1")],
        ];
        let owned = |line: &Vec<(&str, &str)>| line.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect();
        assert_eq!(found, expected.iter().map(owned).collect::<Vec<Vec<_>>>());
    }

    #[test]
    fn lines_that_say_nothing_are_none() {
        assert_eq!(cells("", b','), Vec::<Vec<_>>::new());
        assert_eq!(cells("\n\n,,\n", b',').len(), 0);
        assert_eq!(cells("a;b", b';').len(), 1);
    }
}
