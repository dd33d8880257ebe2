//! How often the daemon was started anew, which it cannot know by itself.

use std::fs;
use std::path::Path;

use tracing::warn;

use crate::replace::replace_file;

/// The file that outlives it, beside the spool or else the local store: the number of starts.
const FILE: &str = "starts";

/// Counts a start in a folder, and returns how many there were before. Where the file cannot be read they begin anew, and where
/// it cannot be written, on a full disk for instance, this start is left out of the next count.
pub(crate) fn count(folder: &Path) -> u64 {
    let path = folder.join(FILE);
    let before = fs::read_to_string(&path).ok().and_then(|text| text.trim_end().parse().ok()).unwrap_or(0_u64);
    if let Err(error) = replace_file(&path, format!("{}\n", before.saturating_add(1))) {
        warn!("{}: {error}; this start is not counted", path.display());
    }
    before
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_start_is_counted_once() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!([(); 3].map(|()| count(folder.path())), [0, 1, 2]);
    }

    #[test]
    fn what_is_no_number_begins_anew_and_the_greatest_stays() {
        let folder = tempfile::tempdir().unwrap();
        for (text, counted) in [("", [0, 1]), ("many", [0, 1]), ("-1", [0, 1]), (&u64::MAX.to_string(), [u64::MAX; 2])]
        {
            fs::write(folder.path().join(FILE), text).unwrap();
            assert_eq!([(); 2].map(|()| count(folder.path())), counted, "{text}");
        }
    }

    #[test]
    fn where_nothing_can_be_written_the_count_stays() {
        let folder = tempfile::tempdir().unwrap();
        count(folder.path());
        // No file can have the name of a folder.
        fs::create_dir(folder.path().join(FILE).with_added_extension("part")).unwrap();
        assert_eq!([(); 2].map(|()| count(folder.path())), [1, 1]);
        assert_eq!(count(&folder.path().join("nowhere")), 0);
    }
}
