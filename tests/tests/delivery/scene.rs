//! What is delivered in these tests: the alerts of the demo's recording.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;
use tagout_tests::binary;
use tempfile::TempDir;

use crate::process::{Running, wait_until};

/// A folder with a configuration, in which tagout delivers.
pub(crate) struct Scene {
    folder: TempDir,
}

impl Scene {
    /// A scene with a spool on disk, and these destinations.
    pub(crate) fn with(destinations: &str) -> Self {
        let scene = Self { folder: tempfile::tempdir().expect("a folder") };
        scene.configure(&format!("[spool]\ndirectory = \"spool\"\n{destinations}"));
        scene
    }

    pub(crate) fn configure(&self, text: &str) {
        fs::write(self.path("tagout.toml"), text).expect("a configuration");
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn demo(name: &str) -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("demo").join(name)
    }

    /// A replay that delivers to the destinations.
    pub(crate) fn replay(&self) -> Command {
        let mut command = Self::replay_alone();
        command.arg("--deliver").arg(self.path("tagout.toml"));
        command
    }

    fn replay_alone() -> Command {
        let mut command = Command::new(binary::tagout());
        command.arg("replay").arg(Self::demo("recorded.pcap"));
        command.arg("--policy").arg(Self::demo("policy.toml"));
        command.args(["--modbus-port", "15020", "--every-alert", "--quiet"]);
        command
    }

    /// The alerts of a replay that nothing disturbs.
    pub(crate) fn expected() -> Vec<Value> {
        let output = Self::replay_alone().args(["--alerts", "-"]).output().expect("tagout can be run");
        succeeded(&output);
        let alerts = serde_json::Deserializer::from_slice(&output.stdout).into_iter();
        alerts.map(|alert| alert.expect("JSON")).collect()
    }

    pub(crate) fn expected_ids() -> BTreeSet<String> {
        Self::expected().iter().map(id).collect()
    }

    pub(crate) fn deliver(&self) -> Output {
        let output = self.replay().output().expect("tagout can be run");
        succeeded(&output);
        output
    }

    /// Sends what is left in the spool, with a capture that has nothing to tell.
    pub(crate) fn drain(&self) -> Output {
        let empty = self.path("empty.pcap");
        let header = [0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0, 1, 0, 0, 0];
        fs::write(&empty, header).expect("a capture");
        let mut command = Command::new(binary::tagout());
        command.args(["replay", "--quiet", "--deliver"]).arg(self.path("tagout.toml")).arg(empty);
        let output = command.output().expect("tagout can be run");
        succeeded(&output);
        output
    }

    /// A replay in the background.
    pub(crate) fn start(&self) -> Running {
        Running::start(&mut self.replay()).expect("tagout can be run")
    }

    /// How it stands with a destination.
    pub(crate) fn status(&self, destination: &str) -> Value {
        let mut command = Command::new(binary::tagout());
        let output = command.args(["spool", "status", "--json", "--directory"]).arg(self.path("spool")).output();
        let output = output.expect("tagout can be run");
        succeeded(&output);
        let status: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        let all = status["destinations"].as_array().expect("destinations");
        all.iter().find(|status| status["name"] == destination).expect("the destination is known").clone()
    }

    pub(crate) fn wait_until_done(&self, destination: &str) {
        wait_until(&format!("nothing waits for {destination}"), || self.status(destination)["waiting"] == 0);
    }
}

pub(crate) fn succeeded(output: &Output) {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// An alert's id.
pub(crate) fn id(alert: &Value) -> String {
    alert["ot"]["alert_id"].as_str().unwrap_or_default().to_owned()
}

/// The ids of alerts in CEF, one a line, in the order of arrival.
pub(crate) fn cef_ids(lines: &str) -> Vec<String> {
    let id = |line: &str| Some(line.split_once("externalId=")?.1.split(' ').next()?.to_owned());
    lines.lines().filter_map(id).collect()
}
