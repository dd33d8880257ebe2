//! Databases that begin anew where what there is cannot be read.

use std::fs;
use std::io::{self, ErrorKind};
use std::panic::{self, AssertUnwindSafe};
use std::path::Path;

use redb::{Builder, Database, Error};
use tracing::error;

use crate::modes;

/// Opens a database, or makes it, and tells what `look` found in it. One that is damaged is set aside, since a sensor that does
/// not start watches nothing; `lost` says what that means.
///
/// # Errors
/// When it cannot be opened, or none can be made.
pub(crate) fn open<T>(
    builder: &Builder,
    path: &Path,
    lost: &str,
    look: impl Fn(&Database) -> Result<T, Error>,
) -> Result<(Database, T), Error> {
    if path.exists() {
        match inspect(builder, path, &look) {
            Err(error) if is_damaged(&error) => set_aside(path, &error, lost)?,
            opened => return opened,
        }
    }
    // A database has its name only when it is whole, whatever happens meanwhile.
    let unfinished = path.with_extension("part");
    let _ = fs::remove_file(&unfinished);
    modes::file().open(&unfinished)?;
    drop(builder.create(&unfinished)?);
    fs::rename(&unfinished, path)?;
    inspect(builder, path, look)
}

/// Opens a database as it is, and tells what `look` found in it.
///
/// # Errors
/// When it cannot be opened or is damaged.
pub(crate) fn inspect<T>(
    builder: &Builder,
    path: &Path,
    look: impl FnOnce(&Database) -> Result<T, Error>,
) -> Result<(Database, T), Error> {
    let work = || {
        let database = builder.open(path)?;
        let found = look(&database)?;
        Ok((database, found))
    };
    // What redb makes of a damaged page may be a panic.
    panic::catch_unwind(AssertUnwindSafe(work))
        .unwrap_or_else(|_| Err(Error::Corrupted("a page is damaged".to_owned())))
}

fn is_damaged(error: &Error) -> bool {
    match error {
        Error::Corrupted(_) => true,
        Error::Io(error) => error.kind() == ErrorKind::InvalidData,
        _ => false,
    }
}

fn set_aside(path: &Path, error: &Error, lost: &str) -> io::Result<()> {
    let aside = path.with_extension("damaged");
    error!("{}: {error}; it is kept as {}, and {lost}", path.display(), aside.display());
    fs::rename(path, aside)
}
