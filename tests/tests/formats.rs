//! Every form of an alert against the schema of those who receive it.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::net::IpAddr;
use std::process::Command;
use std::sync::LazyLock;

use clap::ValueEnum as _;
use serde_json::{Map, Value};
use tagout::format::Format;
use tagout_tests::binary;
use tagout_tests::both::{self, Both};
use tagout_tests::schema;

static ALERTS: LazyLock<Vec<Both>> = LazyLock::new(|| both::disturbances().chain(both::news()).collect());

/// What a receiver takes without cutting it, and less than most alerts need.
const ROOMS: [usize; 2] = [usize::MAX, 4_096];

/// Every alert in `format`, with as much room as there can be and with little, as JSON.
fn documents(format: Format) -> impl Iterator<Item = Value> {
    let written = move |alert: &Both, most| {
        let line = format.write(&alert.eve, &alert.cef, most);
        assert!(line.len() <= most && !line.contains('\n'), "{} bytes for {most}: {line}", line.len());
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"))
    };
    ALERTS.iter().flat_map(move |alert| ROOMS.map(|most| written(alert, most)))
}

/// What Suricata has no place for: all of what is ours, and what it tells in other fields of the two protocols.
const OURS: [&str; 5] = ["ot", "request", "response", "modbus", "dnp3"];

/// Suricata's own schema, which its licence (GPL-2.0) keeps out of here, takes every alert but for that.
#[test]
fn eve_is_what_suricatas_schema_takes() {
    let Some(path) = std::env::var_os("TAGOUT_SURICATA_SCHEMA") else {
        return println!("skipped: TAGOUT_SURICATA_SCHEMA names no copy of Suricata's etc/schema.json");
    };
    let schema = std::fs::read_to_string(path).expect("a file");
    let schema = jsonschema::validator_for(&serde_json::from_str(&schema).expect("JSON")).expect("a schema");
    for mut document in documents(Format::Eve) {
        let fields = document.as_object_mut().expect("an object");
        fields.retain(|field, _| !OURS.contains(&field.as_str()));
        let faults: Vec<String> =
            schema.iter_errors(&document).map(|fault| format!("{}: {fault}", fault.instance_path())).collect();
        assert!(faults.is_empty(), "{faults:#?} in {document}");
    }
}

/// What Suricata's own schema says of the fields that it has too.
#[test]
fn eve_has_the_fields_and_types_of_suricata() {
    let types = [
        ("/timestamp", "text"),
        ("/event_type", "text"),
        ("/flow_id", "integer"),
        ("/src_ip", "text"),
        ("/src_port", "integer"),
        ("/dest_ip", "text"),
        ("/dest_port", "integer"),
        ("/proto", "text"),
        ("/vlan", "integers"),
        ("/app_proto", "text"),
        ("/alert/action", "text"),
        ("/alert/gid", "integer"),
        ("/alert/signature_id", "integer"),
        ("/alert/rev", "integer"),
        ("/alert/signature", "text"),
        ("/alert/category", "text"),
        ("/alert/severity", "integer"),
        ("/alert/metadata/mitre_technique_id", "texts"),
        ("/alert/metadata/mitre_technique_name", "texts"),
    ];
    for document in documents(Format::Eve) {
        for (pointer, wanted) in types {
            if let Some(value) = document.pointer(pointer) {
                assert_eq!(kind(value), wanted, "{pointer} of {document}");
            }
        }
        for pointer in ["/timestamp", "/event_type", "/alert/action", "/alert/signature", "/alert/severity"] {
            assert!(document.pointer(pointer).is_some(), "{pointer} is not in {document}");
        }
        assert!(document.pointer("/proto").is_some() || document.pointer("/ot/sensor").is_some(), "{document}");
        schema::check_record(&document).unwrap_or_else(|wrong| panic!("{wrong}: {document}"));
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::String(_) => "text",
        Value::Number(number) if number.is_u64() => "integer",
        Value::Array(items) if items.iter().all(Value::is_string) => "texts",
        Value::Array(items) if items.iter().all(Value::is_u64) => "integers",
        _ => "other",
    }
}

/// A field of ECS: `tests/cases/formats/ecs.tsv`.
struct Field {
    kind: &'static str,
    is_list: bool,
    words: Vec<&'static str>,
}

fn ecs() -> HashMap<&'static str, Field> {
    let rows = include_str!("../cases/formats/ecs.tsv").lines().filter(|line| !line.starts_with('#'));
    let field = |row: &'static str| {
        let mut columns = row.split('\t');
        let mut next = || columns.next().unwrap_or_default();
        let (name, kind, many, words) = (next(), next(), next(), next());
        (
            name,
            Field { kind, is_list: many == "list", words: words.split(' ').filter(|word| !word.is_empty()).collect() },
        )
    };
    rows.map(field).collect()
}

#[test]
fn ecs_has_only_fields_of_ecs_with_their_types() {
    let (fields, mut used) = (ecs(), Vec::new());
    for document in documents(Format::Ecs) {
        let paths = has_only_ecs(&fields, &document);
        for always in ["@timestamp", "ecs.version", "event.kind", "event.id", "rule.name", "rule.id", "event.severity"]
        {
            assert!(paths.iter().any(|path| path == always), "{always} is not in {document}");
        }
        used.extend(paths);
    }
    let mut unused: Vec<&str> = fields.keys().copied().filter(|name| !used.iter().any(|used| used == name)).collect();
    unused.sort_unstable();
    // What only summaries have.
    assert_eq!(unused, ["event.end", "event.start"], "no alert has these");
}

/// Looks whether a document has only fields of ECS with their types, and what is tagout's own under `ot`; tells which of ECS.
fn has_only_ecs(fields: &HashMap<&'static str, Field>, document: &Value) -> Vec<String> {
    let mut leaves = Vec::new();
    leaves_of(document.as_object().expect("an object"), "", &mut leaves);
    leaves.retain(|(path, _)| !path.starts_with("ot."));
    for (path, value) in &leaves {
        let field = fields.get(path.as_str()).unwrap_or_else(|| panic!("{path} is no field of ECS: {document}"));
        let values =
            if field.is_list { value.as_array().expect("a list").as_slice() } else { std::slice::from_ref(*value) };
        values.iter().for_each(|value| assert!(field.takes(value), "{path}: {value}"));
    }
    leaves.into_iter().map(|(path, _)| path).collect()
}

/// Every value that is no object, by its path. A list is a value.
fn leaves_of<'a>(fields: &'a Map<String, Value>, path: &str, leaves: &mut Vec<(String, &'a Value)>) {
    for (name, value) in fields {
        let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
        match value {
            Value::Object(fields) => leaves_of(fields, &path, leaves),
            value => leaves.push((path, value)),
        }
    }
}

impl Field {
    fn takes(&self, value: &Value) -> bool {
        let text = value.as_str();
        match self.kind {
            "keyword" | "match_only_text" => {
                text.is_some_and(|text| self.words.is_empty() || self.words.contains(&text))
            }
            "ip" => text.is_some_and(|text| text.parse::<IpAddr>().is_ok()),
            "date" => text.is_some_and(|text| text.len() == 27 && text.ends_with('Z')),
            "long" => value.is_i64() || value.is_u64(),
            kind => panic!("a type that no field had so far: {kind}"),
        }
    }
}

#[test]
fn ocsf_is_a_detection_finding() {
    let schema: Value = serde_json::from_str(include_str!("../cases/formats/ocsf.schema.json")).expect("JSON");
    let schema = jsonschema::validator_for(&schema).expect("a schema");
    let mut agents = 0;
    for document in documents(Format::Ocsf) {
        if let Err(error) = schema.validate(&document) {
            panic!("{}: {error}\n{document}", error.instance_path());
        }
        agents += usize::from(document.pointer("/evidences/0/ai_agent").is_some());
    }
    assert!(agents > 0, "no AI agent is in evidence");
}

#[test]
fn plain_is_a_line_that_says_what_the_record_says() {
    for alert in ALERTS.iter() {
        let line = Format::Plain.write(&alert.eve, &alert.cef, 512);
        let eve: Value = serde_json::from_str(&alert.eve).expect("a record");
        assert!(line.len() <= 512 && !line.contains(char::is_control), "{line}");
        for pointer in ["/ot/alert_id", "/ot/why"] {
            let told = eve.pointer(pointer).and_then(Value::as_str).expect("it is there");
            assert!(line.contains(told) || line.contains('…'), "{told} is not in {line}");
        }
    }
}

/// Both heartbeats in `format`, with as much room as there can be and with little.
fn heartbeats(format: Format) -> impl Iterator<Item = Value> {
    let written = move |heartbeat: &Both, most| {
        let line = format.write(&heartbeat.eve, &heartbeat.cef, most);
        assert!(line.len() <= most && !line.contains('\n'), "{} bytes for {most}: {line}", line.len());
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"))
    };
    both::heartbeats().into_iter().flat_map(move |heartbeat| ROOMS.map(|most| written(&heartbeat, most)))
}

#[test]
fn a_heartbeat_is_a_record_of_its_own_in_eve() {
    for document in heartbeats(Format::Eve) {
        schema::check_record(&document).unwrap_or_else(|wrong| panic!("{wrong}: {document}"));
        assert_eq!((&document["event_type"], &document["alert"]), (&Value::from("heartbeat"), &Value::Null));
        for always in
            ["/host", "/ot/heartbeat_id", "/ot/heartbeat/status", "/ot/heartbeat/uptime_s", "/ot/heartbeat/frames"]
        {
            assert!(document.pointer(always).is_some(), "{always} is not in {document}");
        }
    }
}

#[test]
fn a_heartbeat_is_the_state_of_a_host_in_ecs() {
    let fields = ecs();
    let mut outcomes = Vec::new();
    for document in heartbeats(Format::Ecs) {
        has_only_ecs(&fields, &document);
        assert_eq!(
            (&document["event"]["kind"], &document["event"]["dataset"]),
            (&"state".into(), &"tagout.heartbeat".into())
        );
        assert!(document["event"]["id"].is_string() && document["observer"]["hostname"].is_string(), "{document}");
        outcomes.push(document["event"]["outcome"].clone());
    }
    assert_eq!(outcomes, ["success", "success", "failure", "failure"]);
}

#[test]
fn a_heartbeat_is_a_base_event_in_ocsf() {
    let schema: Value =
        serde_json::from_str(include_str!("../cases/formats/ocsf-heartbeat.schema.json")).expect("JSON");
    let schema = jsonschema::validator_for(&schema).expect("a schema");
    for document in heartbeats(Format::Ocsf) {
        if let Err(error) = schema.validate(&document) {
            panic!("{}: {error}\n{document}", error.instance_path());
        }
        assert!(document["unmapped"]["ot"]["heartbeat"]["uptime_s"].is_u64(), "{document}");
    }
}

#[test]
fn a_heartbeat_is_a_line_that_says_how_the_sensor_does() {
    let [well, unwell] = both::heartbeats().map(|Both { eve, cef }| Format::Plain.write(&eve, &cef, 512).into_owned());
    assert!(well.starts_with("HEARTBEAT 2026-09-21 14:13:20.123 UTC plant-7 is well: "), "{well}");
    assert!(unwell.contains(" is unwell: ") && unwell.len() <= 512, "{unwell}");
}

/// The page of the guide shows what the demo's capture gives.
#[test]
fn the_examples_of_the_guide_are_current() {
    let mut page = format!("{NOTE}\n# One alert in every format\n\n{INTRODUCTION}");
    for (format, about) in ABOUT {
        let _ = write!(page, "\n## {format}\n\n{about}\n\n{}", shown(&demo(format)));
    }
    let _ = write!(page, "\n# One heartbeat in every format\n\n{OF_HEARTBEATS}");
    let [Both { eve, cef }, _] = both::heartbeats();
    for (name, _) in ABOUT {
        let format = Format::from_str(name, false).expect("a format");
        let _ = write!(page, "\n## A heartbeat as {name}\n\n{}\n", shown(&format.write(&eve, &cef, usize::MAX)));
    }
    let path = binary::workspace().join("docs/reference/formats.md");
    if std::env::var_os("UPDATE_REFERENCE").is_some() {
        std::fs::write(&path, &page).expect("the page can be written");
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(found == page, "docs/reference/formats.md is not current: run with UPDATE_REFERENCE=1");
}

/// A line as the page shows it.
fn shown(line: &str) -> String {
    match serde_json::from_str::<Value>(line) {
        Ok(document) => format!("```json\n{document:#}\n```\n"),
        Err(_) => format!("```text\n{line}\n```\n"),
    }
}

const OF_HEARTBEATS: &str = "\
The same [heartbeat](../guide/news.md#heartbeats) of a sensor that counted nothing yet but frames and losses.\n";

const NOTE: &str = "<!-- Generated: UPDATE_REFERENCE=1 cargo test -p tagout-tests --test formats -->\n";

const INTRODUCTION: &str = "\
The same alert of the demo (`make demo`), as `tagout replay --alerts - --format NAME` writes it. JSON is one line; it is
broken here to be read. [Formats of alerts](../guide/siem/formats.md) says which to take.\n";

const ABOUT: [(&str, &str); 5] = [
    ("eve", "Suricata's EVE. Every field is in the [table of fields](records.md)."),
    ("ecs", "Elastic Common Schema 9.4.0. What it has no place for stands under `ot`, named as in EVE."),
    ("ocsf", "Detection Finding (2004) of OCSF 1.9.0, with the profiles `host` and `security_control`."),
    ("cef", "CEF:0. [Alerts for a SIEM](../guide/cef.md) lists its keys."),
    ("plain", "A line for people."),
];

/// The demo's alert on a setpoint that the agent may not choose.
fn demo(format: &str) -> String {
    let mut command = Command::new(binary::tagout());
    command.current_dir(binary::workspace().join("tests/demo"));
    command.args(["replay", "recorded.pcap", "--policy", "policy.toml", "--modbus-port", "15020"]);
    command.args(["--quiet", "--alerts", "-", "--format", format]);
    let output = command.output().expect("tagout runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let lines = String::from_utf8(output.stdout).expect("text");
    lines.lines().find(|line| line.contains(DEMO_ALERT)).expect("the demo's alert").to_owned()
}

const DEMO_ALERT: &str = "f9459c8a86a276fa0d5598b253bac1ea";
