use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::config::DestinationTable;

/// The files of tokens, passwords, keys and certificates that destinations read at the start alone.
pub(crate) struct AtStart(Vec<FileAtStart>);

struct FileAtStart {
    /// Whose file it is.
    destination: String,
    path: PathBuf,
    modified: Option<SystemTime>,
}

impl AtStart {
    /// What these destinations read, as it is now.
    pub(crate) fn of(destinations: &[DestinationTable]) -> Self {
        let files = destinations.iter().flat_map(|destination| {
            destination.read_at_start().into_iter().map(|path| FileAtStart {
                destination: destination.name().to_owned(),
                modified: modified(&path),
                path,
            })
        });
        Self(files.collect())
    }

    /// A sentence on each file that is another one by now. Looking at its time takes no grant of the sandbox; reading it would.
    pub(crate) fn replaced(&self) -> Vec<String> {
        let replaced = self.0.iter().filter(|file| modified(&file.path) != file.modified);
        let said = replaced.map(|FileAtStart { destination, path, .. }| {
            let path = path.display();
            format!(
                "destination {destination}: {path} has changed since it was read; tagout has to be restarted to use it"
            )
        });
        said.collect()
    }
}

fn modified(path: &Path) -> Option<SystemTime> {
    fs::metadata(path).and_then(|about| about.modified()).ok()
}

#[cfg(all(test, feature = "tls"))]
mod tests {
    use super::*;

    #[test]
    fn a_token_that_was_replaced_is_told_with_its_destination() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        fs::write(&path, "one").unwrap();
        let text = format!("name = 'soc'\nwebhook = {{ url = 'https://soc', token_file = '{}' }}", path.display());
        let known = AtStart::of(&[toml::from_str(&text).unwrap()]);
        assert!(known.replaced().is_empty());
        fs::File::open(&path).unwrap().set_modified(SystemTime::UNIX_EPOCH).unwrap();
        let said = known.replaced();
        assert!(said.len() == 1 && said[0].starts_with("destination soc: ") && said[0].contains("token"), "{said:?}");
    }
}
