//! How agents go wrong: each behaviour in several shapes, and the harmless twins that look like it. The cases are policies
//! with tests of their own in `tests/cases/scenarios`, which `tagout test` sends through the sensor as packets.

use std::path::{Path, PathBuf};
use std::process::Command;

use tagout_tests::binary;

/// In how many shapes each behaviour comes.
const SHAPES: usize = 3;

/// The behaviours that an analyst is promised to hear of.
const BEHAVIOURS: [&str; 15] = [
    "cadence",
    "creeping",
    "fan-out",
    "fights",
    "hallucinated-points",
    "impersonation",
    "manual",
    "oscillation",
    "polls",
    "read-then-write",
    "retries",
    "shifts",
    "stale-and-frozen",
    "unexpected-replies",
    "wrong-units",
];

fn file(behaviour: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("cases/scenarios").join(behaviour).with_extension("toml")
}

#[test]
fn every_behaviour_is_caught_and_no_harmless_twin_is() {
    let mut failures = Vec::new();
    for behaviour in BEHAVIOURS {
        let output =
            Command::new(binary::tagout()).arg("test").arg(file(behaviour)).output().expect("tagout can be run");
        let told = String::from_utf8_lossy(&output.stdout);
        let passed = |kind: &str| {
            let line = format!("test {kind}: ");
            told.lines().filter(|told| told.starts_with(&line) && told.ends_with("ok")).count()
        };
        println!("{behaviour}: {} shapes caught, {} harmless twins silent", passed("caught"), passed("harmless"));
        if !output.status.success() || passed("caught") < SHAPES || passed("harmless") == 0 {
            failures.push(format!("{behaviour}:\n{told}{}", String::from_utf8_lossy(&output.stderr)));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn every_file_of_the_folder_is_a_behaviour() {
    let folder = file("plant").parent().map(Path::to_owned).expect("a folder");
    let files = folder.read_dir().expect("the folder can be read").map(|entry| entry.expect("an entry").path());
    let mut names: Vec<_> = files.filter_map(|path| Some(path.file_stem()?.to_string_lossy().into_owned())).collect();
    names.retain(|name| name != "plant");
    names.sort();
    assert_eq!(names, BEHAVIOURS);
}
