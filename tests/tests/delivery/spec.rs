//! The contract in docs/spec/delivery.md.

use std::fs;
use std::path::Path;

/// The sources that tests of the contract are in.
const SOURCES: [&str; 5] = [
    "sensor/daemon/src/delivery",
    "sensor/daemon/src/output",
    "sensor/daemon/src/secret.rs",
    "tests/tests/delivery",
    "tests/tests/live",
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace")
}

fn text(path: &Path) -> String {
    if !path.is_dir() {
        return fs::read_to_string(path).expect("a source");
    }
    let entries = fs::read_dir(path).expect("a folder");
    entries.map(|entry| text(&entry.expect("an entry").path())).collect()
}

#[test]
fn every_sentence_of_the_contract_names_a_test_that_there_is() {
    let sources: String = SOURCES.iter().map(|source| text(&root().join(source))).collect();
    let contract = text(&root().join("docs/spec/delivery.md"));
    let sentences: Vec<&str> = contract.split("\n\n").filter(|paragraph| paragraph.contains("MUST")).collect();
    assert!(sentences.len() > 10, "the contract is there");
    for sentence in sentences.iter().skip_while(|sentence| !sentence.starts_with("**D")) {
        let (_, tests) = sentence.split_once("Tests:").unwrap_or_else(|| panic!("no test: {sentence}"));
        let names: Vec<&str> = tests.split('`').skip(1).step_by(2).collect();
        assert!(!names.is_empty(), "no test: {sentence}");
        for name in names {
            assert!(sources.contains(&format!("fn {name}(")), "there is no test `{name}`");
        }
    }
}
