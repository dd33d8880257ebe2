use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;
use tagout_core::engine::Severity;
use tagout_tests::corpus::Case;

use crate::Result;

/// The tagout that is scored.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sensor<'a> {
    /// The binary.
    pub(crate) binary: &'a Path,
    /// Where what it reads and writes lies.
    pub(crate) stage: &'a Path,
}

/// What alerts.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) enum Judge<'a> {
    /// The detections that tagout ships.
    Shipped,
    /// A learned policy, in this folder.
    Learned(&'a Path),
    /// Both.
    Both(&'a Path),
}

impl Judge<'_> {
    fn options(self, command: &mut Command) {
        if let Self::Learned(policy) | Self::Both(policy) = self {
            command.arg("--policy").arg(policy);
        }
        if let Self::Learned(_) = self {
            command.arg("--no-default-rules");
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Shipped => "shipped",
            Self::Learned(_) => "learned",
            Self::Both(_) => "both",
        }
    }
}

/// An alert.
#[derive(Clone, Debug)]
pub(crate) struct Alert {
    /// The frames that it names: of the request, the response, the anomaly.
    pub(crate) frames: Vec<u64>,
    /// Signature id of the rule that raised it.
    pub(crate) rule: u64,
    pub(crate) severity: Severity,
}

impl Sensor<'_> {
    /// Replays a capture.
    ///
    /// # Errors
    /// If tagout fails, or writes no JSON.
    pub(crate) fn replay(&self, case: &Case, judge: Judge<'_>) -> Result<Vec<Alert>> {
        let alerts = self.stage.join(format!("{}.{}.jsonl", case.name, judge.name()));
        let mut command = Command::new(self.binary);
        command.arg("replay").arg(&case.capture).args(["--quiet", "--every-alert", "--alerts"]).arg(&alerts);
        judge.options(command.args(case.tagout_options()));
        run(command)?;
        fs::read_to_string(&alerts)?.lines().map(|line| Alert::of(&serde_json::from_str(line)?)).collect()
    }

    /// Learns a policy from captures, and writes it to a folder.
    ///
    /// # Errors
    /// If tagout fails.
    pub(crate) fn learn(&self, captures: &[PathBuf], options: &[String], policy: &Path) -> Result<()> {
        let mut command = Command::new(self.binary);
        command.arg("learn").args(captures).args(options).args(["--force", "--output"]).arg(policy);
        run(command)
    }
}

fn run(mut command: Command) -> Result<()> {
    let output = command.stdin(Stdio::null()).output()?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(format!("{command:?} ended with {}\n{said}", output.status).into())
}

impl Alert {
    fn of(record: &Value) -> Result<Self> {
        let places = [&record["request"], &record["response"], &record["anomaly"]];
        let alert = &record["alert"];
        let severity = alert["severity"].as_u64().and_then(|number| Severity::from_number(u8::try_from(number).ok()?));
        Ok(Self {
            frames: places.iter().filter_map(|place| place["frame"].as_u64()).collect(),
            rule: alert["signature_id"].as_u64().ok_or("an alert without a rule")?,
            severity: severity.ok_or("an alert without a severity")?,
        })
    }
}
