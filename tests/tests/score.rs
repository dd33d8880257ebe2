//! The score on labelled captures stays at least as good as the page that tells it.

use std::fs;
use std::process::Command;

use tagout_tests::{binary, corpus};

/// The classes of attacks that are detected early, the false alerts, and those where an hour or more was learned: the
/// numbers that the page's summary tells in bold.
fn headline(page: &str) -> [usize; 3] {
    let bold = page
        .lines()
        .filter(|line| !line.starts_with(['-', '|', '#']))
        .flat_map(|line| line.split("**").skip(1).step_by(2));
    let numbers: Vec<usize> = bold.filter_map(|text| text.parse().ok()).collect();
    numbers.try_into().expect("three numbers in bold")
}

#[test]
fn the_score_is_no_worse_than_the_page_says() {
    if corpus::directory().is_none() {
        println!("skipped: no labelled captures (TAGOUT_CAPTURES names their folder)");
        return;
    }
    let stage = tempfile::tempdir().expect("a folder");
    let page = stage.path().join("score.md");
    let mut score = Command::new(env!("CARGO_BIN_EXE_score"));
    let output = score.env("TAGOUT_BIN", binary::tagout()).arg("--write").arg(&page).output().expect("score runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let written = binary::workspace().join("docs/reference/score.md");
    let [early, false_alerts, taught] = headline(&fs::read_to_string(page).expect("a report"));
    let [promised, borne, borne_taught] = headline(&fs::read_to_string(written).expect("the page"));
    assert!(early >= promised, "{early} classes are detected early, the page says {promised}");
    assert!(false_alerts <= borne, "{false_alerts} false alerts, the page says {borne}");
    assert!(taught <= borne_taught, "{taught} false alerts where an hour was learned, the page says {borne_taught}");
}
