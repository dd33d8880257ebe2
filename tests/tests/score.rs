//! The score on labelled captures stays at least as good as the page that tells it.

use std::fs;
use std::process::Command;

use tagout_tests::{binary, corpus};

/// The classes of attacks that are detected early, and the false alerts: the numbers that the page's summary tells in bold.
fn headline(page: &str) -> [usize; 2] {
    let bold = page
        .lines()
        .filter(|line| !line.starts_with(['-', '|', '#']))
        .flat_map(|line| line.split("**").skip(1).step_by(2));
    let numbers: Vec<usize> = bold.filter_map(|text| text.parse().ok()).collect();
    numbers.try_into().expect("two numbers in bold")
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
    let [early, false_alerts] = headline(&fs::read_to_string(page).expect("a report"));
    let [promised, borne] = headline(&fs::read_to_string(written).expect("the page"));
    assert!(early >= promised, "{early} classes are detected early, the page says {promised}");
    assert!(false_alerts <= borne, "{false_alerts} false alerts, the page says {borne}");
}
