//! What the commands that read the store share.

use std::io::{self, IsTerminal as _};

use comfy_table::{ContentArrangement, Table};
use tagout_core::Timestamp;

use super::args::StorePlace;
use crate::Failure;
use crate::config::Config;
use crate::record::Stamp;
use crate::store::Reader;

impl StorePlace {
    /// Looks into the store.
    ///
    /// # Errors
    /// When none is configured, there is none yet, or it cannot be read.
    pub(super) fn open(&self) -> Result<Reader, Failure> {
        if let Some(path) = &self.store {
            return Reader::open(path);
        }
        let Some(path) = Config::read(&self.config)?.store.path else {
            return Err(Failure::Usage(format!(
                "{}: no store is configured: write `[store]` with a `path`, and start tagout anew; or name a store by --store",
                self.config.display()
            )));
        };
        if matches!(path.try_exists(), Ok(false)) {
            return Err(Failure::Io(format!("{}: there is no store yet; `tagout run` makes it", path.display())));
        }
        Reader::open(&path)
    }
}

/// The table as text, within the terminal's width if it goes to one.
pub(super) fn fitted(mut table: Table) -> String {
    if io::stdout().is_terminal() {
        table.set_content_arrangement(ContentArrangement::Dynamic);
    }
    table.trim_fmt()
}

/// A time in UTC to the second, `2026-11-29 06:00:00`.
pub(super) fn clock(time: Timestamp) -> String {
    let text = Stamp(time).to_string();
    text.get(..19).unwrap_or_default().replace('T', " ")
}

/// Text of the wire or of a policy, as a terminal may take it: what is no visible character is replaced.
pub(super) fn visible(text: &str) -> String {
    text.chars().map(|one| if one.is_control() { '\u{fffd}' } else { one }).collect()
}
