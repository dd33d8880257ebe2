//! What was declared against what was done: cases of `cases/intents`, each a dialogue sent as packets and a file of
//! declarations, given to `tagout replay --intents`.

mod case;
mod record;

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use case::{Case, cases};
use serde_json::Value;
use tagout_tests::binary;
use tagout_tests::schema::check_record;

/// How many cases the suite has at least.
const LEAST: usize = 40;

#[test]
fn every_difference_is_named_and_no_harmless_twin_is() {
    let cases = cases();
    assert!(cases.len() >= LEAST, "{} cases", cases.len());
    let failures: Vec<_> = cases.iter().filter_map(|case| check(case).err()).collect();
    assert!(failures.is_empty(), "{} of {}:\n{}", failures.len(), cases.len(), failures.join("\n"));
}

#[test]
fn every_finding_is_caught_somewhere_and_has_a_harmless_twin() {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    let cases = cases();
    for finding in cases.iter().flat_map(|case| &case.findings) {
        *counts.entry(finding).or_default() += 1;
    }
    let findings = tagout_core::engine::IntentFinding::ALL.iter().map(|finding| finding.name());
    let missed: Vec<_> = findings.filter(|finding| !counts.contains_key(finding)).collect();
    assert!(missed.is_empty(), "{missed:?} of {counts:?}");
    assert!(cases.iter().filter(|case| case.findings.is_empty()).count() >= LEAST / 3);
}

#[test]
fn the_same_declarations_give_the_same_bytes() {
    for case in cases().iter().take(5) {
        assert_eq!(replayed(case), replayed(case), "{}", case.name);
    }
}

#[test]
fn without_declarations_policy_alerts_are_the_same() {
    for case in cases() {
        let violations = |alerts: &str| -> Vec<Value> {
            lines(alerts).into_iter().filter(|alert| alert["ot"]["reason"].is_string()).collect()
        };
        let silent = Case { declared: Vec::new(), ..case.clone() };
        assert_eq!(violations(&replayed(&case)), violations(&replayed(&silent)), "{}", case.name);
    }
}

#[test]
fn every_format_tells_what_was_declared_and_what_was_done() {
    let case = cases().into_iter().find(|case| case.name == "caught: another value than declared").expect("the case");
    let written = |format: &str| {
        let folder = tempfile::tempdir().expect("a folder");
        replayed_in(folder.path(), &case, &["--format", format])
    };
    for (format, place) in [("eve", ""), ("ecs", ""), ("ocsf", "/unmapped")] {
        let [alert] = lines(&written(format)).try_into().expect("one alert");
        let value = |side: &str| alert.pointer(&format!("{place}/ot/intent/{side}/value")).and_then(Value::as_f64);
        assert_eq!((value("declared"), value("observed")), (Some(50.0), Some(70.0)), "{format}: {alert}");
    }
    for format in ["cef", "plain"] {
        let text = written(format).replace("\\=", "=");
        assert!(text.contains("wrote plc.speed = 70 %; it declared write plc.speed = 50 %"), "{format}: {text}");
    }
}

#[test]
fn what_was_on_no_wire_has_no_addresses_in_any_format() {
    let is_meant = |case: &Case| case.findings == ["intent.unfulfilled"];
    let case = cases().into_iter().find(is_meant).expect("the case");
    for format in ["cef", "plain", "eve", "ecs", "ocsf"] {
        let text = replayed_in(tempfile::tempdir().expect("a folder").path(), &case, &["--format", format]);
        assert!(text.contains("did not do it"), "{format}: {text}");
        for word in ["::", "c6a2", " spt=", " proto=", "src_ip", "\"client\":{\"ip", "src_endpoint"] {
            assert!(!text.contains(word), "{format} has {word}: {text}");
        }
    }
}

/// The guide's page on formats shows an alert on what was declared, and the record of its command.
#[test]
fn the_guide_shows_an_alert_and_the_record_of_its_command() {
    let page = include_str!("../../../docs/guide/siem/formats.md");
    let blocks = page.split("```json\n").skip(1).map(|rest| rest.split("```").next().unwrap_or_default());
    let shown: Vec<Value> = blocks.map(|block| serde_json::from_str(block).expect("JSON")).collect();
    let name = "caught: another value than an agent declared by its name, in its trace";
    let case = cases().into_iter().find(|case| case.name == name).expect("the case");
    let folder = tempfile::tempdir().expect("a folder");
    let mut records = lines(&replayed_in(folder.path(), &case, &["--events", "events.jsonl"]));
    let events = lines(&std::fs::read_to_string(folder.path().join("events.jsonl")).expect("events"));
    records.extend(events.into_iter().filter(|event| event["event_type"] == "intent"));
    assert_eq!(records.len(), 2);
    for record in records {
        assert!(shown.contains(&record), "the page does not show\n{record:#}");
    }
}

/// Commands, and a declaration of the agent with a value, followed by another with the same id and these keys besides.
fn declared_twice(more: &str) -> Case {
    let commands = "[{ at = 1000, modbus = \"06 000a 02bc\" }, { at = 5000, modbus = \"06 000a 02bc\" }]";
    let deed =
        "id = \"a\", key = \"agent-1\", device = \"plc\", points = [\"speed\"], operation = \"write\", value = 50";
    let declared = format!("[{{ received = 500, {deed} }}, {{ received = 600, {deed}{more} }}]");
    let case = format!("name = \"twice\"\nfindings = []\ncommands = {commands}\ndeclared = {declared}\n");
    toml::from_str(&case).expect("a case")
}

#[test]
fn a_forgery_takes_no_words_of_what_it_pretends_to_be() {
    let alerts = lines(&replayed(&declared_twice(", refused = \"bad-signature\", client = \"gateway\"")));
    let told: Vec<_> = alerts
        .iter()
        .map(|alert| {
            let intent = &alert["ot"]["intent"];
            [&intent["finding"], &intent["declared"]["id"], &intent["declared"]["client"]].map(Value::as_str)
        })
        .collect();
    let mismatch = [Some("intent.value-mismatch"), Some("a"), None];
    assert_eq!(told, [[Some("intent.bad-signature"), Some("a"), Some("gateway")], mismatch, mismatch]);
}

/// Without a feed it is not known what was declared, and that is told once.
#[test]
fn where_nothing_tells_what_was_declared_that_alone_is_told() {
    let folder = tempfile::tempdir().expect("a folder");
    let text = replayed_with(folder.path(), &declared_twice(""), &["--events", "events.jsonl"]);
    let findings: Vec<_> = lines(&text).iter().map(|alert| alert["ot"]["intent"]["finding"].clone()).collect();
    assert_eq!(findings, ["intent.feed-silent"]);
    let events = lines(&std::fs::read_to_string(folder.path().join("events.jsonl")).expect("events"));
    let grades: Vec<_> = events
        .iter()
        .filter(|event| event["event_type"] == "intent")
        .map(|event| event["ot"]["intent"]["grade"].clone())
        .collect();
    assert_eq!(grades, ["unknown", "unknown"]);
}

fn check(case: &Case) -> Result<(), String> {
    let alerts = lines(&replayed(case));
    for alert in &alerts {
        check_record(alert).map_err(|wrong| format!("{}: {wrong}: {alert}", case.name))?;
        let was_on_a_wire = alert["ot"]["reason"].is_string() || alert["ot"]["intent"]["observed"].is_object();
        assert_eq!(alert["src_ip"].is_string(), was_on_a_wire, "{}: {alert}", case.name);
    }
    let of = |alert: &Value| alert["ot"]["intent"]["finding"].as_str().map(str::to_owned);
    let findings: Vec<_> = alerts.iter().filter_map(of).collect();
    let violations = alerts.iter().filter(|alert| alert["ot"]["reason"].is_string()).count();
    let why: Vec<_> = alerts.iter().map(|alert| alert["ot"]["why"].as_str().unwrap_or_default()).collect();
    let missing: Vec<_> = case.says.iter().filter(|text| !why.iter().any(|why| why.contains(*text))).collect();
    if findings == case.findings && violations == case.violations && missing.is_empty() {
        return Ok(());
    }
    Err(format!(
        "{}: found {findings:?} and {violations} violations instead of {:?} and {}, without {missing:?}:\n    {}",
        case.name,
        case.findings,
        case.violations,
        why.join("\n    ")
    ))
}

fn lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).expect("a line of JSON")).collect()
}

/// The alerts of a case, as they are written.
fn replayed(case: &Case) -> String {
    replayed_in(tempfile::tempdir().expect("a folder").path(), case, &[])
}

/// The same with other outputs, in a folder.
fn replayed_in(folder: &Path, case: &Case, options: &[&str]) -> String {
    replayed_with(folder, case, &[&["--intents", "intents.jsonl"], options].concat())
}

/// The same, where what was declared is not told unless the options say so.
fn replayed_with(folder: &Path, case: &Case, options: &[&str]) -> String {
    let path = |name: &str| folder.join(name);
    std::fs::write(path("capture.pcap"), case.capture().pcap()).expect("a file");
    std::fs::write(path("intents.jsonl"), case.intents()).expect("a file");
    std::fs::write(path("policy.toml"), case.policy()).expect("a file");
    let output = Command::new(binary::tagout())
        .current_dir(folder)
        .args(["replay", "capture.pcap", "--policy", "policy.toml", "--no-default-rules", "--quiet", "--every-alert"])
        .args(["--alerts", "-"])
        .args(options)
        .output()
        .expect("tagout can be run");
    assert!(output.status.success(), "{}: {}", case.name, String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text")
}

/// The folder of cases.
fn folder() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/cases/intents"))
}
