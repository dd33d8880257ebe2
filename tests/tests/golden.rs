//! Every case of `cases/golden`: what the binary writes for a generated capture and a policy, byte for byte.
//!
//! `UPDATE_GOLDEN=1` writes what it says now in place of what is expected; look at the difference before committing it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use libtest_mimic::{Arguments, Failed, Trial};
use serde::Deserialize;
use tagout_tests::binary;
use tagout_tests::case::Case;
use tagout_tests::plant::{Lan, Protocol};
use tagout_tests::schema;

/// `case.toml`: which capture is made, and how it is replayed. With a `policy.toml` beside it, that is in force.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Golden {
    /// What it shows, for people.
    about: String,
    protocol: Protocol,
    lan: Lan,
    /// The case of `cases/disturbances` that makes the capture.
    disturbance: String,
    /// Further arguments of `tagout replay`.
    #[serde(default)]
    arguments: Vec<String>,
}

const OUTPUTS: [&str; 2] = ["alerts.jsonl", "events.jsonl"];

fn main() {
    let folder = cases().join("golden");
    let entries = fs::read_dir(&folder).expect("the cases are there");
    let mut folders: Vec<PathBuf> = entries.map(|entry| entry.expect("the folder can be read").path()).collect();
    folders.sort();
    let trials = folders.into_iter().map(|folder| Trial::test(name(&folder), move || run(&folder)));
    libtest_mimic::run(&Arguments::from_args(), trials.collect()).exit();
}

fn cases() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("cases")
}

fn name(folder: &Path) -> String {
    folder.file_name().expect("a case has a name").to_string_lossy().into_owned()
}

fn run(folder: &Path) -> Result<(), Failed> {
    let golden: Golden = toml::from_str(&fs::read_to_string(folder.join("case.toml"))?)?;
    let stage = Path::new(env!("CARGO_TARGET_TMPDIR")).join("golden").join(name(folder));
    fs::create_dir_all(&stage)?;
    let disturbance = cases().join("disturbances").join(golden.disturbance.clone() + ".toml");
    let scene = Case::parse(&fs::read_to_string(disturbance)?)?.build(golden.protocol, golden.lan);
    fs::write(stage.join("capture.pcap"), scene.capture.pcap())?;
    replay(&golden, folder, &stage)?;
    for output in OUTPUTS {
        fs::read_to_string(stage.join(output))?.lines().try_for_each(schema::check)?;
    }
    let differences: Vec<String> = OUTPUTS.iter().filter_map(|output| difference(folder, &stage, output)).collect();
    if differences.is_empty() { Ok(()) } else { Err(format!("{}\n{}", golden.about, differences.join("\n")).into()) }
}

/// Runs the binary where the capture lies, so that records name it alike everywhere.
fn replay(golden: &Golden, folder: &Path, stage: &Path) -> Result<(), Failed> {
    let mut command = Command::new(binary::tagout());
    command.current_dir(stage).args(["replay", "capture.pcap", "--quiet"]);
    command.args(["--alerts", OUTPUTS[0], "--events", OUTPUTS[1]]).args(&golden.arguments);
    if folder.join("policy.toml").exists() {
        fs::copy(folder.join("policy.toml"), stage.join("policy.toml"))?;
        command.args(["--policy", "policy.toml"]);
    }
    let output = command.output()?;
    if output.status.success() {
        return Ok(());
    }
    Err(format!("replay ended with {}: {}", output.status, String::from_utf8_lossy(&output.stderr)).into())
}

/// The first line that differs from what is expected, unless it is to be expected from now on.
fn difference(folder: &Path, stage: &Path, output: &str) -> Option<String> {
    let written = fs::read_to_string(stage.join(output)).expect("the binary wrote its output");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(folder.join(output), &written).expect("the case can be updated");
        return None;
    }
    let expected = fs::read_to_string(folder.join(output)).unwrap_or_default();
    if written == expected {
        return None;
    }
    let lines = expected.lines().zip(written.lines()).position(|(one, other)| one != other);
    let at = lines.unwrap_or(expected.lines().count().min(written.lines().count()));
    let line = |text: &str| text.lines().nth(at).unwrap_or("(no such line)").to_owned();
    Some(format!("{output}:{}\nexpected {}\nwritten  {}", at + 1, line(&expected), line(&written)))
}
