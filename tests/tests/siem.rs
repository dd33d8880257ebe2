//! What is shipped for those who receive alerts: rules, names of fields, templates.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;
use tagout::format::Format;
use tagout_tests::binary;
use tagout_tests::both::{self, Both};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace")
}

fn content() -> PathBuf {
    root().join("sensor/daemon/package/siem")
}

fn alerts() -> Vec<Both> {
    both::disturbances().chain(both::news()).chain(both::heartbeats()).collect()
}

/// The demo's alerts in EVE: with a policy, which names actors, devices and points, and without one.
fn demo() -> String {
    let file = |name: &str| root().join("tests/demo").join(name);
    let replay = |policy: &[PathBuf]| {
        let mut command = Command::new(binary::tagout());
        command
            .arg("replay")
            .arg(file("recorded.pcap"))
            .args(policy.iter().flat_map(|policy| [Path::new("--policy"), policy]));
        let output = command.args(["--modbus-port", "15020", "--quiet", "--alerts", "-"]).output();
        String::from_utf8(output.expect("tagout can be run").stdout).expect("text")
    };
    replay(&[file("policy.toml")]) + &replay(&[])
}

#[test]
fn every_rule_matches_an_alert_and_every_field_is_there() {
    let python = root().join(".venv/bin/python");
    if !python.exists() {
        println!("skipped: no .venv (tests/setup.sh peers)");
        return;
    }
    let lines: String = alerts().iter().flat_map(|alert| [alert.eve.as_str(), "\n"]).collect();
    let mut command = Command::new(python);
    command.arg(root().join("tests/peers/siem.py")).arg(content()).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().expect("Python can be run");
    let mut input = child.stdin.take().expect("a pipe");
    let written = input.write_all((lines + &demo()).as_bytes());
    drop(input);
    let output = child.wait_with_output().expect("it ends");
    assert!(written.is_ok() && output.status.success());
    let counts = String::from_utf8(output.stdout).expect("text");
    assert!(counts.lines().count() >= 14, "{counts}");
    for line in counts.lines() {
        assert!(!line.ends_with(" 0"), "this rule matches no alert: {line}");
    }
}

/// The paths of a template's fields.
fn mapped(at: &str, mapping: &Value, into: &mut Vec<String>) {
    for (name, below) in mapping["properties"].as_object().expect("properties") {
        let path = format!("{at}/{name}");
        if below.get("properties").is_some() { mapped(&path, below, into) } else { into.push(path) }
    }
}

#[test]
fn elasticsearch_is_told_of_fields_that_documents_have() {
    let text = |name: &str| fs::read_to_string(content().join("elastic").join(name)).expect("a file");
    let read = |name: &str| -> Value { serde_json::from_str(&text(name)).expect("JSON") };
    let is_field = |word: &&str| word.starts_with("event.") || word.starts_with("observer.");
    let documents: Vec<Value> = alerts()
        .iter()
        .map(|alert| Format::Ecs.write(&alert.eve, &alert.cef, usize::MAX).into_owned())
        .chain(demo().lines().map(|eve| Format::Ecs.write(eve, "", usize::MAX).into_owned()))
        .map(|document| serde_json::from_str(&document).expect("JSON"))
        .collect();
    let mut fields = vec!["/event/id".to_owned(), "/@timestamp".to_owned()];
    mapped("", &read("index-template.json")["template"]["mappings"], &mut fields);
    let rule: Value = serde_json::from_str(&text("heartbeat-missing.ndjson")).expect("one rule a line");
    let query = rule["query"].as_str().expect("a query");
    fields.extend(query.split(' ').filter(|word| is_field(word)).map(|word| format!("/{}", word.replace('.', "/"))));
    for field in fields {
        assert!(documents.iter().any(|document| document.pointer(&field).is_some()), "no document has {field}");
    }
    assert!(read("ingest-pipeline.json")["processors"].as_array().is_some_and(|steps| steps.len() > 3));
}
