//! What the demo shows: its recording, replayed, tells of everything that the agent, or who pretended to be it, should not have done.

use std::path::Path;
use std::process::Command;

use serde_json::Value;
use tagout_tests::{binary, schema};

#[test]
fn the_recorded_plant_raises_the_alerts_that_the_demo_promises() {
    let demo = Path::new(env!("CARGO_MANIFEST_DIR")).join("demo");
    let output = Command::new(binary::tagout())
        .arg("replay")
        .arg(demo.join("recorded/capture.pcap"))
        .arg("--policy")
        .arg(demo.join("recorded/policy.toml"))
        .arg("--intents")
        .arg(demo.join("recorded/declared.jsonl"))
        .args(["--modbus-port", "15020", "--quiet", "--alerts", "-"])
        .output()
        .expect("tagout can be run");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let alerts = serde_json::Deserializer::from_slice(&output.stdout).into_iter::<Value>();
    let told: Vec<String> = alerts.map(|alert| told(&alert.expect("an alert is JSON"))).collect();
    let expected: Vec<&str> = include_str!("../demo/alerts.txt").lines().collect();
    assert_eq!(told, expected);
}

/// What was done without being declared; else why (a reason, what happened to a point, or the rule), who, where, with what value, and what the controller answered.
fn told(alert: &Value) -> String {
    assert_eq!(schema::check_record(alert), Ok(()));
    let ot = &alert["ot"];
    if let Some(finding) = ot["intent"]["finding"].as_str() {
        return format!("{finding}: {}", text(&ot["why"]));
    }
    let address = || ot["point"]["address"].as_u64().map_or("anywhere".to_owned(), |address| address.to_string());
    let place = ot["point"]["name"].as_str().map_or_else(address, str::to_owned);
    let rule = alert["alert"]["signature_id"].to_string();
    let reason = ot["reason"].as_str().or(ot["process"]["event"].as_str()).unwrap_or(&rule);
    let actor = text(&ot["actor"]["name"]);
    if let Some(count) = ot["repeats"]["count"].as_u64() {
        return format!("{reason} {actor} {place} {count} times more");
    }
    let answer = text(&ot["response"]["status"]);
    format!("{reason} {actor} {place} {} {answer}", ot["value"])
}

fn text(value: &Value) -> &str {
    value.as_str().expect("an alert has it as text")
}
