//! Who may read what tagout writes: what is told of a plant is for the user that it runs as and the group that reads it, however
//! the process was started.

use std::fs::{DirBuilder, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::Path;

/// Writing to a file, which is made for user and group if it is not there.
pub(crate) fn file() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true).create(true).mode(0o640);
    options
}

/// Makes a folder for user and group, and those that it is in.
///
/// # Errors
/// When it cannot be made; one that is there stays as it is.
pub(crate) fn make_folder(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o750).create(path)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn nobody_else_reads_what_is_made() {
        let place = tempfile::tempdir().unwrap();
        let (folder, name) = (place.path().join("spool"), place.path().join("spool/spool.redb"));
        make_folder(&folder).unwrap();
        make_folder(&folder).unwrap();
        file().open(&name).unwrap();
        for path in [folder, name] {
            assert_eq!(path.metadata().unwrap().permissions().mode() & 0o007, 0, "{}", path.display());
        }
    }
}
