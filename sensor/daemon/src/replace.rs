//! Small files that others read while they are written.

use std::path::Path;
use std::{fs, io};

/// Puts a file in the place of the one before, if there was one: whoever reads it finds all of the one or all of the other.
///
/// # Errors
/// When it cannot be written; the one before stays then.
pub(crate) fn replace_file(path: &Path, contents: impl AsRef<[u8]>) -> io::Result<()> {
    let unfinished = path.with_added_extension("part");
    fs::write(&unfinished, contents)?;
    fs::rename(unfinished, path)
}
