use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Read as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use super::desk::Gone;
use super::reader::Halt;
use crate::intent::Refusal;
use crate::intent::jws::MOST_BYTES;

/// What names of signed intents end in; others are looked at once they have it, so that one can be written and then renamed.
const EXTENSION: &str = "jws";

/// A folder in which each file is a signed intent. One is read once, as long as it is there.
pub(super) struct Folder {
    path: PathBuf,
    read: BTreeSet<OsString>,
}

impl Folder {
    pub(super) fn new(path: &Path) -> Self {
        Self { path: path.to_owned(), read: BTreeSet::new() }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Shows each file that is new, by name; one that cannot be read keeps no other from it.
    pub(super) fn read(
        &mut self,
        mut show: impl FnMut(Result<&[u8], Refusal>) -> Result<(), Gone>,
    ) -> Result<(), Halt> {
        let names = fs::read_dir(&self.path)?.filter_map(|entry| Some(entry.ok()?.file_name()));
        let names: BTreeSet<OsString> =
            names.filter(|name| Path::new(name).extension().is_some_and(|extension| extension == EXTENSION)).collect();
        self.read.retain(|name| names.contains(name));
        let mut unreadable = Ok(());
        for name in names {
            if self.read.contains(&name) {
                continue;
            }
            match text_of(&self.path.join(&name)) {
                Ok(text) => {
                    self.read.insert(name);
                    show(text.as_ref().map(|text| text.trim_ascii()).map_err(Refusal::clone))?;
                }
                // It went again.
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                Err(error) => unreadable = Err(io::Error::other(format!("{}: {error}", name.display())).into()),
            }
        }
        unreadable
    }
}

/// What a file holds, unless that is no intent whatever it says.
fn text_of(path: &Path) -> io::Result<Result<Vec<u8>, Refusal>> {
    // Opening a pipe would wait for somebody who writes to it.
    let file = File::options().read(true).custom_flags(libc::O_NONBLOCK).open(path)?;
    if !file.metadata()?.is_file() {
        return Ok(Err(Refusal::Malformed(format!("{} is no file", path.display()))));
    }
    let mut text = Vec::new();
    let length = file.take(MOST_BYTES as u64 + 2).read_to_end(&mut text)?;
    Ok(if text.trim_ascii().len() > MOST_BYTES { Err(Refusal::TooLong(length)) } else { Ok(text) })
}

#[cfg(test)]
mod tests {
    use rustix::fs::{CWD, FileType, Mode, mknodat};

    use super::*;

    #[test]
    fn each_file_is_read_once_by_name() {
        let place = tempfile::tempdir().unwrap();
        let mut folder = Folder::new(place.path());
        let mut texts = || {
            let mut texts = Vec::new();
            let read = folder.read(|text| {
                texts
                    .push(text.map_or_else(|refusal| refusal.to_string(), |text| String::from_utf8_lossy(text).into()));
                Ok(())
            });
            assert!(read.is_ok());
            texts
        };
        let write = |name: &str, text: &str| fs::write(place.path().join(name), text).unwrap();
        write("b.jws", "two\n");
        write("a.jws", "one");
        write("c.part", "not yet");
        assert_eq!(texts(), ["one", "two"]);
        write("c.jws", &"x".repeat(9_000));
        let long = texts();
        assert!(long.len() == 1 && long[0].contains("octets are too many"), "{long:?}");
        assert_eq!(texts(), [""; 0]);
        fs::create_dir(place.path().join("d.jws")).unwrap();
        std::os::unix::fs::symlink("/nowhere", place.path().join("e.jws")).unwrap();
        mknodat(CWD, place.path().join("f.jws"), FileType::Fifo, Mode::RUSR, 0).unwrap();
        write("g.jws", "behind them");
        let odd = texts();
        assert!(odd.len() == 3 && odd[..2].iter().all(|one| one.ends_with("is no file")), "{odd:?}");
        assert_eq!((odd[2].as_str(), texts()), ("behind them", vec![]));
    }
}
