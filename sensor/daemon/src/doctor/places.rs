use std::path::Path;

use rustix::fs::{Access, access, statvfs};

use super::Finding;
use crate::config::{self, Config};

const MIB: u64 = 1 << 20;

/// Looks whether there is room where something is to be written.
pub(super) fn examine(config: &Config, tell: &mut impl FnMut(Finding)) {
    match &config.spool.directory {
        Some(directory) => tell(folder("spool", directory, config.spool.most_mib)),
        None if config.destinations().is_empty() => {}
        None => tell(Finding::warning(
            "spool",
            "it is in memory: what waits for destinations ends with the process",
            "name a folder on disk: `directory` under [spool]",
        )),
    }
    if let Some(directory) = &config.evidence.directory {
        tell(folder("evidence", directory, config.evidence.most_mib));
    }
    let files = [("alerts", &config.output.alerts), ("events", &config.output.events)];
    for (about, file) in files.into_iter().filter_map(|(about, file)| Some((about, file.as_deref()?))) {
        if file != Path::new("-") {
            tell(folder(about, config::folder(file), 0));
        }
    }
}

/// Whether a folder, which may have to be made, has room for so much.
pub(super) fn folder(about: &str, folder: &Path, needed_mib: u64) -> Finding {
    let existing = folder.ancestors().find(|folder| folder.exists()).unwrap_or(Path::new("."));
    if access(existing, Access::WRITE_OK).is_err() {
        let found = format!("this user may not write to {}", existing.display());
        return Finding::failed(
            about,
            found,
            "give it to the user that the sensor runs as (chown), and run this as that user",
        );
    }
    let place = folder.display();
    match statvfs(existing) {
        Ok(system) => {
            judge(about, &place.to_string(), system.f_bavail.saturating_mul(system.f_frsize) / MIB, needed_mib)
        }
        Err(error) => Finding::failed(
            about,
            format!("{place}: {error}"),
            "name another folder, or see whether its disk is mounted",
        ),
    }
}

fn judge(about: &str, place: &str, free_mib: u64, needed_mib: u64) -> Finding {
    let found = format!("{place}: {free_mib} MiB free");
    match free_mib {
        0 => Finding::failed(
            about,
            found,
            "make room on that disk: what is to be written there waits in memory, or is lost",
        ),
        _ if free_mib < needed_mib => Finding::warning(
            about,
            format!("{found}, of {needed_mib} that it may take"),
            "make room on that disk, or lower most_mib",
        ),
        _ => Finding::ok(about, found),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Verdict;

    #[test]
    fn room_is_held_against_what_may_be_taken() {
        let verdict = |free, needed| judge("spool", "/var/lib/tagout/spool", free, needed).verdict;
        assert_eq!(verdict(0, 0), Verdict::Failed);
        assert_eq!(verdict(255, 256), Verdict::Warning);
        assert_eq!(verdict(256, 256), Verdict::Ok);
    }

    #[test]
    fn a_folder_that_has_yet_to_be_made_is_looked_for_above() {
        let directory = tempfile::tempdir().unwrap();
        let found = folder("evidence", &directory.path().join("not/yet"), 0);
        assert!(found.verdict == Verdict::Ok && found.found.contains("not/yet"), "{}", found.found);
        assert_eq!(folder("alerts", config::folder(Path::new("alerts.jsonl")), 0).verdict, Verdict::Ok);
    }
}
