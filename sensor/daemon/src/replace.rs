//! Small files that others read while they are written.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::Path;

use crate::modes;

/// Puts a file in the place of the one before, if there was one: whoever reads it finds all of the one or all of the other.
///
/// # Errors
/// When it cannot be written; the one before stays then.
pub(crate) fn replace_file(path: &Path, contents: impl AsRef<[u8]>) -> io::Result<()> {
    replace(path, OpenOptions::new().write(true).create(true), contents.as_ref())
}

/// The same with a file that tells of a plant, which nobody but user and group reads.
///
/// # Errors
/// As [`replace_file`].
pub(crate) fn replace_file_of_plant(path: &Path, contents: impl AsRef<[u8]>) -> io::Result<()> {
    replace(path, &mut modes::file(), contents.as_ref())
}

fn replace(path: &Path, options: &mut OpenOptions, contents: &[u8]) -> io::Result<()> {
    let unfinished = path.with_added_extension("part");
    options.truncate(true).open(&unfinished)?.write_all(contents)?;
    fs::rename(unfinished, path)
}
