use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::Result;

/// The tagout that is scored.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sensor<'a> {
    /// The binary.
    pub(crate) binary: &'a Path,
    /// Where what it reads and writes lies.
    pub(crate) stage: &'a Path,
}

/// An alert.
#[derive(Clone, Debug)]
pub(crate) struct Alert {
    /// The frames that it names: of the request, the response, the anomaly.
    pub(crate) frames: Vec<u64>,
    /// Signature id of the rule that raised it.
    pub(crate) rule: u64,
}

impl Sensor<'_> {
    /// Replays a capture with the detections that tagout ships. `name` is what the alerts are kept under.
    ///
    /// # Errors
    /// If tagout fails, or writes no JSON.
    pub(crate) fn replay(&self, capture: &Path, options: &[String], name: &str) -> Result<Vec<Alert>> {
        let alerts = self.stage.join(format!("{name}.alerts.jsonl"));
        let mut command = Command::new(self.binary);
        command.arg("replay").arg(capture).args(["--quiet", "--every-alert", "--alerts"]).arg(&alerts).args(options);
        let output = command.stdin(Stdio::null()).output()?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            return Err(format!("{command:?} ended with {}\n{said}", output.status).into());
        }
        fs::read_to_string(&alerts)?.lines().map(|line| Ok(Alert::of(&serde_json::from_str(line)?))).collect()
    }
}

impl Alert {
    fn of(record: &Value) -> Self {
        let places = [&record["request"], &record["response"], &record["anomaly"]];
        Self {
            frames: places.iter().filter_map(|place| place["frame"].as_u64()).collect(),
            rule: record["alert"]["signature_id"].as_u64().unwrap_or(0),
        }
    }
}
