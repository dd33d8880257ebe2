use std::fs;
use std::path::{Path, PathBuf};

use tagout_tests::corpus::Case;

use crate::Result;
use crate::clean::Clean;
use crate::datasets::Dataset;
use crate::labels::Labels;
use crate::result::span_s;
use crate::sensor::Sensor;

/// The first part of a capture's own clean time is learned, and the rest is for false alerts.
const LEARNED_SHARE: f64 = 0.6;

/// What was learned for a capture.
#[derive(Clone, Debug)]
pub(crate) struct Lesson {
    /// Folder of the policy.
    pub(crate) policy: PathBuf,
    /// How many requests were learned from.
    pub(crate) requests: usize,
    /// Over how long; of a pause between two of them no more than a minute counts.
    pub(crate) seconds: f64,
    /// How many permits the policy has.
    pub(crate) permits: usize,
    /// The last of the capture's own frames that was learned from; 0 if it was learned from others.
    pub(crate) last: u64,
}

/// Learns from clean traffic for a capture: its own, that is `clean`, or that of others of its network. `None` if nothing came of that.
///
/// # Errors
/// If a file cannot be read or written, or tagout fails.
pub(crate) fn of(
    dataset: &Dataset,
    case: &Case,
    clean: &Clean,
    captures: &Path,
    sensor: &Sensor<'_>,
) -> Result<Option<Lesson>> {
    let policy = sensor.stage.join(format!("{}.policy", case.name));
    let mut lesson = Lesson { policy, requests: 0, seconds: 0.0, permits: 0, last: 0 };
    let mut parts = Vec::new();
    let mut options = case.tagout_options();
    if dataset.teachers.is_empty() {
        lesson.last = split(case, clean);
        parts.extend(lesson.part(case, clean, lesson.last, sensor)?);
    }
    for teacher in &dataset.teachers {
        let case = Case::read(captures, teacher.clone()).ok_or_else(|| format!("no truth about {teacher}"))?;
        let labels = Labels::read(captures, teacher)?.unwrap_or_default();
        let clean = Clean::of(&case.capture, &labels)?;
        parts.extend(lesson.part(&case, &clean, u64::MAX, sensor)?);
        options.extend(case.tagout_options());
    }
    if parts.is_empty() {
        return Ok(None);
    }
    sensor.learn(&parts, &options, &lesson.policy)?;
    lesson.permits = permits(&lesson.policy)?;
    Ok((lesson.permits > 0).then_some(lesson))
}

impl Lesson {
    /// Cuts what may be learned of a capture up to frame `last`; `None` if it asks for nothing.
    fn part(&mut self, case: &Case, clean: &Clean, last: u64, sensor: &Sensor<'_>) -> Result<Option<PathBuf>> {
        let learned = clean_requests(case, clean).filter(|(frame, _)| *frame <= last);
        let times_s: Vec<f64> = learned.map(|(_, time_s)| time_s).collect();
        if times_s.is_empty() {
            return Ok(None);
        }
        self.requests += times_s.len();
        self.seconds += span_s(times_s.iter().copied());
        let part = sensor.stage.join(format!("{}.clean.pcap", case.name));
        clean.cut(&case.capture, last, &part)?;
        Ok(Some(part))
    }
}

/// The last frame that asks for something in the part of the clean time that is learned.
fn split(case: &Case, clean: &Clean) -> u64 {
    let times = || clean_requests(case, clean).map(|(_, time_s)| time_s);
    let (Some(first), Some(last)) = (times().next(), times().last()) else { return 0 };
    let end_s = first + LEARNED_SHARE * (last - first);
    clean_requests(case, clean).take_while(|(_, time_s)| *time_s <= end_s).last().map_or(0, |(frame, _)| frame)
}

/// Frame and time of every request that may be learned.
fn clean_requests<'a>(case: &'a Case, clean: &'a Clean) -> impl Iterator<Item = (u64, f64)> {
    case.requests.iter().filter(|sent| clean.contains(sent.frame)).map(|sent| (sent.frame, sent.time_s))
}

fn permits(policy: &Path) -> Result<usize> {
    let table: toml::Table = toml::from_str(&fs::read_to_string(policy.join("permits.toml"))?)?;
    Ok(table.get("permits").and_then(toml::Value::as_array).map_or(0, Vec::len))
}
