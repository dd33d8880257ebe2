//! What the commands that read the store share.

use std::io::{self, IsTerminal as _};
use std::path::Path;

use comfy_table::{ContentArrangement, Table};
use serde_json::Value;
use tagout_core::Timestamp;

use super::args::{CONFIG, StorePlace, Times};
use crate::Failure;
use crate::config::Config;
use crate::notice::Notice;
use crate::record::Stamp;
use crate::store::Reader;

impl StorePlace {
    /// The options with which `tagout evidence` finds the packets behind alerts of this store.
    pub(super) fn evidence(&self) -> String {
        match &self.store {
            Some(_) => " --directory FOLDER".to_owned(),
            None if self.config == Path::new(CONFIG) => String::new(),
            None => format!(" --config {}", self.config.display()),
        }
    }

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

/// A record that the store keeps.
pub(super) struct Record(pub(super) Value);

impl Record {
    pub(super) fn of(notice: &Notice) -> Self {
        Self(serde_json::from_str(&notice.eve).unwrap_or_default())
    }

    /// A field as text; empty where there is none.
    pub(super) fn text(&self, path: &str) -> String {
        match self.0.pointer(path) {
            None | Some(Value::Null) => String::new(),
            Some(Value::String(text)) => visible(text),
            Some(Value::Number(number)) => number
                .as_u64()
                .map_or_else(|| number.as_f64().unwrap_or_default().to_string(), |whole| whole.to_string()),
            Some(value) => value.to_string(),
        }
    }
}

impl Times {
    /// From when to when, both included.
    pub(super) fn ends(&self) -> (Timestamp, Timestamp) {
        let since = self.since.map_or(Timestamp::default(), |since| since.0);
        // Records tell times to the microsecond, which is meant as a whole.
        let until = self.until.map_or(Timestamp(u64::MAX), |until| Timestamp(until.0.0.saturating_add(999)));
        (since, until)
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

/// What the store does not have of its records: what it let go, and what never came to it.
pub(super) fn missing(what: &str, shed: u64, lost: u64) -> String {
    let reasons = [
        (shed, "made room for later ones or were too old (`[store]` most_mib, most_days)"),
        (lost, "found no room on their way here"),
    ];
    let told = reasons.iter().filter(|(count, _)| *count > 0);
    told.map(|(count, why)| format!("{count} {what} are not here any more: they {why}.\n")).collect()
}
