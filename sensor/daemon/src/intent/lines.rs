//! Lines of a length that is bounded.

use std::io::{self, BufRead};

use super::Refusal;
use super::jws::MOST_BYTES;

/// Reads the next line that is not empty, which may be as long as a signed intent; of a longer one the rest is passed over.
/// Counts lines on in `number`. `None` is the end.
///
/// # Errors
/// When it cannot be read.
pub fn next(from: &mut impl BufRead, number: &mut u64) -> io::Result<Option<Result<Vec<u8>, Refusal>>> {
    loop {
        let mut line = Vec::new();
        let most = MOST_BYTES.saturating_add(1);
        let taken = io::Read::take(&mut *from, most as u64).read_until(b'\n', &mut line)?;
        if taken == 0 {
            return Ok(None);
        }
        *number = number.saturating_add(1);
        if taken == most && line.last() != Some(&b'\n') {
            let rest = skip(from)?;
            return Ok(Some(Err(Refusal::TooLong(taken.saturating_add(rest)))));
        }
        if !line.trim_ascii().is_empty() {
            return Ok(Some(Ok(line)));
        }
    }
}

/// Passes over the rest of a line, and tells how long it was.
fn skip(from: &mut impl BufRead) -> io::Result<usize> {
    let mut skipped = 0_usize;
    loop {
        let buffer = from.fill_buf()?;
        let end = buffer.iter().position(|octet| *octet == b'\n');
        let len = end.unwrap_or(buffer.len());
        let is_over = end.is_some() || buffer.is_empty();
        from.consume(len.saturating_add(usize::from(end.is_some())));
        skipped = skipped.saturating_add(len);
        if is_over {
            return Ok(skipped);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::BufReader;

    use super::*;

    #[test]
    fn a_line_that_is_too_long_is_passed_over() {
        let long = "x".repeat(MOST_BYTES + 77);
        let exact = "y".repeat(MOST_BYTES);
        let text = format!("a\n\n{long}\n{exact}\nb");
        let mut from = BufReader::with_capacity(100, text.as_bytes());
        let mut number = 0;
        let mut line = || next(&mut from, &mut number).expect("memory can be read");
        assert_eq!(line(), Some(Ok(b"a\n".to_vec())));
        assert_eq!(line(), Some(Err(Refusal::TooLong(long.len()))));
        assert_eq!(line(), Some(Ok(format!("{exact}\n").into_bytes())));
        assert_eq!(line(), Some(Ok(b"b".to_vec())));
        assert_eq!(line(), None);
        assert_eq!(number, 5);
    }
}
