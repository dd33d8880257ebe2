use std::fs;
use std::path::Path;

use super::Grants;
use crate::Failure;
use crate::config::{Config, folder};
use crate::policy::Sources;

/// Where the system keeps what interfaces count.
const INTERFACES: &str = "/sys/class/net";

impl Grants {
    /// What a daemon with this configuration, from this file if it has one, and this policy needs while it runs.
    ///
    /// # Errors
    /// When a folder to write to cannot be made.
    pub fn needed_by(config: &Config, file: Option<&Path>, policy: &Sources) -> Result<Self, Failure> {
        let mut grants = Self::default();
        let named = file.into_iter().chain(config.policy.files.iter().chain(&config.policy.key).map(AsRef::as_ref));
        let read = policy.files().iter().map(|file| Path::new(&file.name));
        named.chain(read).for_each(|path| grants.read_anew(path));
        grants.read_counters();
        for directory in [&config.evidence.directory, &config.spool.directory].into_iter().flatten() {
            grants.write(directory).map_err(|error| Failure::input(directory, &error))?;
        }
        if let Some(path) = &config.store.path {
            let folder = path.parent().filter(|folder| *folder != Path::new("")).unwrap_or(Path::new("."));
            grants.write(folder).map_err(|error| Failure::input(folder, &error))?;
        }
        for destination in config.destinations() {
            destination.ask_for(&mut grants)?;
        }
        Ok(grants)
    }

    /// A folder, or a file that may be replaced by another of its name; of a link also where it leads, and what takes its place there.
    pub(crate) fn read_anew(&mut self, path: &Path) {
        if path.is_dir() {
            self.read(path);
        } else if path.is_file() {
            self.read(folder(path));
            path.canonicalize().iter().for_each(|file| self.read(folder(file)));
        }
    }

    /// What interfaces count stands with their devices, to which the entries here are links.
    fn read_counters(&mut self) {
        self.read(INTERFACES);
        for interface in fs::read_dir(INTERFACES).into_iter().flatten().flatten() {
            if let Ok(device) = interface.path().canonicalize() {
                device.parent().into_iter().for_each(|siblings| self.read(siblings));
            }
        }
    }
}
