use std::fs::{self, File};
use std::io::Read as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use super::desk::Gone;
use super::reader::Halt;
use crate::intent::Refusal;
use crate::intent::jws::MOST_BYTES;

/// What is read of a file at once.
const CHUNK: u64 = 64 * 1_024;

/// A file of lines that is read on as it grows, and from its beginning when another takes its name or it is cut short.
pub(super) struct Tail {
    path: PathBuf,
    open: Option<Open>,
}

struct Open {
    file: File,
    inode: u64,
    read: u64,
    /// The line that has no end yet; as much of it as a signed intent may have, and one octet.
    line: Vec<u8>,
    length: usize,
}

impl Tail {
    pub(super) fn new(path: &Path) -> Self {
        Self { path: path.to_owned(), open: None }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Reads on, no more than a chunk; shows each line that is whole. A file that was then renamed is read to its end before the
    /// next one, and what has no end there is shown as it is.
    pub(super) fn read(
        &mut self,
        mut show: impl FnMut(Result<&[u8], Refusal>) -> Result<(), Gone>,
    ) -> Result<(), Halt> {
        if let Some(open) = &mut self.open {
            if open.read_on(&mut show)? == CHUNK {
                return Ok(());
            }
            let known = fs::metadata(&self.path)?;
            if open.inode == known.ino() && open.read <= known.len() {
                return Ok(());
            }
            open.end_line(&mut show)?;
        }
        let file = File::open(&self.path)?;
        let open = Open { inode: file.metadata()?.ino(), file, read: 0, line: Vec::new(), length: 0 };
        self.open.insert(open).read_on(&mut show).map(drop)
    }
}

impl Open {
    /// Tells how many octets it read.
    fn read_on(&mut self, show: &mut impl FnMut(Result<&[u8], Refusal>) -> Result<(), Gone>) -> Result<u64, Halt> {
        let mut chunk = Vec::new();
        let read = (&self.file).take(CHUNK).read_to_end(&mut chunk)? as u64;
        self.read += read;
        for part in chunk.split_inclusive(|octet| *octet == b'\n') {
            self.length += part.len();
            let room = (MOST_BYTES + 1).saturating_sub(self.line.len());
            self.line.extend_from_slice(&part[..part.len().min(room)]);
            if part.ends_with(b"\n") {
                self.end_line(show)?;
            }
        }
        Ok(read)
    }

    fn end_line(&mut self, show: &mut impl FnMut(Result<&[u8], Refusal>) -> Result<(), Gone>) -> Result<(), Gone> {
        let (line, length) = (std::mem::take(&mut self.line), std::mem::take(&mut self.length));
        match line.trim_ascii() {
            _ if length > MOST_BYTES + 1 => show(Err(Refusal::TooLong(length))),
            [] => Ok(()),
            text => show(Ok(text)),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs::OpenOptions;
    use std::io::Write as _;

    use super::*;

    fn lines(tail: &mut Tail) -> Vec<String> {
        let mut lines = Vec::new();
        let read = tail.read(|line| {
            lines.push(
                line.map_or_else(|refusal| refusal.to_string(), |line| String::from_utf8_lossy(line).into_owned()),
            );
            Ok(())
        });
        assert!(read.is_ok());
        lines
    }

    #[test]
    fn a_file_is_read_on_line_by_line_and_anew_when_another_takes_its_place() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("intents.jws");
        let mut tail = Tail::new(&path);
        assert!(tail.read(|_| Ok(())).is_err(), "it is not there yet");
        fs::write(&path, "one\n\ntw").unwrap();
        assert_eq!(lines(&mut tail), ["one"]);
        let mut file = OpenOptions::new().append(true).open(&path).unwrap();
        file.write_all(b"o\nthree\n").unwrap();
        assert_eq!(lines(&mut tail), ["two", "three"]);
        assert_eq!(lines(&mut tail), [""; 0]);
        fs::rename(&path, folder.path().join("old")).unwrap();
        file.write_all(b"late\n").unwrap();
        fs::write(&path, "four\n").unwrap();
        assert_eq!(lines(&mut tail), ["late", "four"]);
        fs::write(&path, "5\n").unwrap();
        assert_eq!(lines(&mut tail), ["5"], "it was cut short");
    }

    #[test]
    fn a_file_is_read_to_its_end_before_the_one_that_took_its_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("intents.jws");
        let mut tail = Tail::new(&path);
        fs::write(&path, "").unwrap();
        assert_eq!(lines(&mut tail), [""; 0]);
        let expected: Vec<String> = (0..151).map(|number| format!("{number:01000}")).collect();
        fs::write(&path, expected.join("\n")).unwrap();
        fs::rename(&path, folder.path().join("old")).unwrap();
        fs::write(&path, "next\n").unwrap();
        let read: Vec<String> = (0..4).flat_map(|_| lines(&mut tail)).collect();
        assert_eq!(read, [&expected[..], &["next".to_owned()]].concat());
    }

    #[test]
    fn a_line_that_is_too_long_is_passed_over_and_takes_no_memory() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("intents.jws");
        fs::write(&path, [&[b'x'; 30_000][..], b"\nshort\n"].concat()).unwrap();
        let mut tail = Tail::new(&path);
        let said = lines(&mut tail);
        assert!(said[0].starts_with("30001 octets are too many") && said[1] == "short", "{said:?}");
    }
}
