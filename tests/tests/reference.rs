//! The reference pages under docs/reference are generated from the tables that the code itself uses.
//!
//! `UPDATE_REFERENCE=1 cargo test -p tagout-tests --test reference` writes them anew.

use std::fmt::Write as _;
use std::path::Path;

use clap::CommandFactory as _;
use serde_json::Value;
use tagout::management::{Family, families};
use tagout::news::NewsKind;
use tagout_compiler::grammar;
use tagout_core::engine::attack::{TECHNIQUES, VERSION};
use tagout_core::engine::{
    Action, ActorKind, AnomalyKind, Grade, IntentFinding, IntentMode, Kind, Layer, Policy, Reason, RuleId, RuleInfo,
    Severity, Space, Threshold,
};
use tagout_core::words::intent_signature_id;
use tagout_core::{Counter, engine};

const NOTE: &str = "<!-- Generated: UPDATE_REFERENCE=1 cargo test -p tagout-tests --test reference -->\n";

#[test]
fn the_command_reference_is_current() {
    let mut command = tagout::cli::Cli::command().term_width(100);
    command.build();
    let mut page = format!("{NOTE}\n# Commands\n\n```text\n{}```\n", help(&mut command));
    subcommands(&mut page, &mut command, "tagout");
    holds("commands.md", &page);
}

fn subcommands(page: &mut String, command: &mut clap::Command, of: &str) {
    for subcommand in command.get_subcommands_mut().filter(|subcommand| subcommand.get_name() != "help") {
        let (name, text) = (format!("{of} {}", subcommand.get_name()), help(subcommand));
        let _ = write!(page, "\n## {name}\n\n```text\n{text}```\n");
        subcommands(page, subcommand, &name);
    }
}

fn help(command: &mut clap::Command) -> String {
    let text = command.render_long_help().to_string();
    text.lines().map(str::trim_end).fold(String::new(), |page, line| page + line + "\n")
}

#[test]
fn the_word_reference_is_current() {
    let mut page = format!("{NOTE}\n# Words\n\nWhat policy files and records may say, and what it means.\n");
    table(
        &mut page,
        "Actions: `do` and `on_action` of a policy, `ot.action` of a record",
        Action::ALL.iter().map(|word| (word.name(), word.meaning())),
    );
    table(&mut page, "Kinds of actor: `kind`", ActorKind::ALL.iter().map(|word| (word.name(), word.meaning())));
    table(
        &mut page,
        "Address spaces: the key that places a point",
        Space::ALL.iter().map(|word| (word.name(), word.meaning())),
    );
    table(
        &mut page,
        "Types of registers: `type`",
        Kind::ALL.iter().filter(|word| **word != Kind::Native).map(|word| (word.name(), word.meaning())),
    );
    table(&mut page, "Severities", Severity::ALL.iter().map(|word| (word.name(), word.meaning())));
    table(
        &mut page,
        "Reasons of a policy violation: `ot.reason`",
        Reason::ALL.iter().map(|word| (word.name(), word.meaning())),
    );
    table(
        &mut page,
        "What declared intents show: `ot.intent.finding`",
        IntentFinding::ALL.iter().map(|word| (word.name(), word.meaning())),
    );
    table(
        &mut page,
        "How well a command is covered: `ot.intent.grade`",
        Grade::ALL.iter().map(|word| (word.name(), word.meaning())),
    );
    table(
        &mut page,
        "Anomalies: `on_anomaly`, `anomaly.event`",
        AnomalyKind::ALL.iter().map(|word| (word.name(), word.meaning())),
    );
    table(
        &mut page,
        "Fields of conditions: `when`, `per`, `distinct`",
        engine::Field::ALL.iter().map(|field| (field.name(), field.meaning())),
    );
    table(&mut page, "Layers: `anomaly.layer`", Layer::ALL.iter().map(|word| (word.name(), word.meaning())));
    table(&mut page, "Counters: `stats.sensor`", Counter::ALL.iter().map(|word| (word.name(), word.meaning())));
    holds("words.md", &page);
}

fn table<'a>(page: &mut String, title: &str, rows: impl Iterator<Item = (&'a str, &'a str)>) {
    let _ = write!(page, "\n## {title}\n\n| word | meaning |\n| --- | --- |\n");
    for (word, meaning) in rows {
        let _ = writeln!(page, "| `{word}` | {} |", meaning.trim());
    }
}

#[test]
fn the_detection_reference_is_current() {
    let compiled = tagout_compiler::compile(&tagout_compiler::packs()).expect("the default pack compiles");
    let policy = Policy::load(&compiled.image).expect("the image loads");
    let mut page = format!("{NOTE}\n# Detections\n\nWhat tagout alerts on without a policy.\n\n");
    page += "| sid | detection | severity | ATT&CK for ICS | how often |\n| --- | --- | --- | --- | --- |\n";
    for rule in (0..).map_while(|id| policy.rule_info(RuleId(id))) {
        let technique =
            rule.technique.map_or(String::new(), |technique| format!("{} {}", technique.id, technique.name));
        let often = how_often(&rule);
        let _ =
            writeln!(page, "| {} | {} | {} | {technique} | {often} |", rule.sid, rule.signature, rule.severity.name());
    }
    page += "\n## Declared intents\n\nOf actors that the policy holds to what they declare; [Declared intents](../guide/intents.md) says more. \
             Of actors whose\nintents are observed all are informational.\n\n";
    page += "| sid | finding | meaning | severity |\n| --- | --- | --- | --- |\n";
    for finding in IntentFinding::ALL.iter().copied() {
        let (sid, severity) = (intent_signature_id(finding), Severity::of_intent(finding, IntentMode::Required).name());
        let _ = writeln!(page, "| {sid} | `{}` | {} | {severity} |", finding.name(), finding.meaning());
    }
    page +=
        "\n## The sensor itself\n\nWhat `run` tells of itself; [News of the sensor](../guide/news.md) says more.\n\n";
    page += "| sid | word | signature | severity |\n| --- | --- | --- | --- |\n";
    for kind in NewsKind::ALL {
        let (sid, severity) = (kind.signature_id(), kind.severity().name());
        let _ = writeln!(page, "| {sid} | `{}` | {} | {severity} |", kind.name(), kind.signature());
    }
    let _ =
        write!(page, "\n## ATT&CK for ICS {VERSION}\n\n| technique | name | superseded ids |\n| --- | --- | --- |\n");
    for technique in TECHNIQUES {
        let _ = writeln!(page, "| {} | {} | {} |", technique.id, technique.name, technique.superseded.join(", "));
    }
    holds("detections.md", &page);
}

fn how_often(rule: &RuleInfo<'_>) -> String {
    let within = || match rule.within_ms / 1_000 {
        seconds if seconds % 60 == 0 => format!("{} min", seconds / 60),
        seconds => format!("{seconds} s"),
    };
    match (rule.threshold, rule.distinct) {
        (Threshold::Each, _) => "always".into(),
        (Threshold::First, _) => "first time".into(),
        (Threshold::Count, _) if rule.count == 1 => format!("once in {}", within()),
        (Threshold::Count, _) => format!("from {} in {} on", rule.count, within()),
        (Threshold::Distinct, Some(field)) => {
            format!("from {} different `{}` in {} on", rule.count, field.name(), within())
        }
        (Threshold::Distinct, None) => unreachable!("the loader refuses it"),
        (Threshold::Sequence, _) => format!("steps within {}", within()),
        (Threshold::Absent, _) => format!("{} later, if nothing came", within()),
        (Threshold::Invariant, _) => "once broken".into(),
        (Threshold::Lasting, _) => format!("while it lasts {}", within()),
    }
}

#[test]
fn the_metric_reference_is_current() {
    let mut page =
        format!("{NOTE}\n# Metrics\n\nWhat `/metrics` tells; [Metrics and health](../guide/metrics.md) says more.\n\n");
    page += "| metric | kind | labels | meaning |\n| --- | --- | --- | --- |\n";
    for Family { name, kind, labels, help, .. } in families() {
        let labels: Vec<String> = labels.iter().map(|label| format!("`{label}`")).collect();
        let _ = writeln!(page, "| `{name}` | {} | {} | {help} |", kind.name(), labels.join(", "));
    }
    holds("metrics.md", &page);
}

#[test]
fn the_schema_of_records_is_current() {
    holds("tagout.schema.json", &tagout::record::schema::text());
}

#[test]
fn the_schemas_of_policies_and_maps_are_current() {
    holds("policy.schema.json", &tagout::policy::schema::text(&grammar::POLICY));
    holds("map.schema.json", &tagout::policy::schema::text(&grammar::MAP));
}

#[test]
fn the_schema_of_intents_is_current() {
    holds("intent.schema.json", &tagout::intent::claims::schema());
}

#[test]
fn the_schema_of_the_inventory_is_current() {
    holds("inventory.schema.json", &tagout::store::schema::text());
}

#[test]
fn the_schema_of_gateways_is_current() {
    holds("gateway.schema.json", &tagout::gateway::config::schema());
}

#[test]
fn the_protocol_of_gateways_lists_every_refusal() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/reference/gateway-protocol.md");
    let page = std::fs::read_to_string(path).expect("the page is there");
    for refusal in tagout_firmware::Refusal::ALL {
        let line = format!("| {} | {} |\n", *refusal as u8, refusal.words());
        assert!(page.contains(&line), "docs/reference/gateway-protocol.md lacks: {line}");
    }
}

#[test]
fn the_field_reference_is_current() {
    let fields = Fields::of(tagout::record::schema::schema().as_value());
    let mut page = format!("{NOTE}\n# Fields of records\n\n");
    page +=
        "[`tagout.schema.json`](tagout.schema.json), which `tagout schema` prints too, tells the same to machines.\n\n";
    page += "| field | type | in | meaning |\n| --- | --- | --- | --- |\n";
    for Field { path, kind, records, meaning } in fields.0 {
        let _ = writeln!(page, "| `{path}` | {kind} | {} | {meaning} |", records.join(", "));
    }
    holds("records.md", &page);
}

#[test]
fn every_field_is_described() {
    let fields = Fields::of(tagout::record::schema::schema().as_value());
    let missing: Vec<&str> =
        fields.0.iter().filter(|field| field.meaning.is_empty()).map(|field| field.path.as_str()).collect();
    assert!(missing.is_empty(), "fields without a doc comment: {missing:?}");
}

/// Every field of every kind of record; what means the same in several kinds stands once.
#[derive(Default)]
struct Fields(Vec<Field>);

#[derive(PartialEq)]
struct Field {
    path: String,
    kind: String,
    records: Vec<&'static str>,
    meaning: String,
}

const KINDS: [(&str, &str); 7] = [
    ("EventRecord", "exchange"),
    ("DecidedRecord", "intent"),
    ("AlertRecord", "alert"),
    ("NewsRecord", "alert of the sensor"),
    ("AnomalyRecord", "anomaly"),
    ("StatsRecord", "stats"),
    ("HeartbeatRecord", "heartbeat"),
];

impl Fields {
    fn of(schema: &Value) -> Self {
        let mut fields = Self::default();
        for (definition, record) in KINDS {
            fields.gather(schema, &schema["$defs"][definition], "", record);
        }
        fields
    }

    /// Adds the fields of an object, or of what a list or an alternative holds.
    fn gather(&mut self, root: &Value, schema: &Value, path: &str, record: &'static str) {
        let schema = resolved(root, schema);
        for (name, field) in schema["properties"].as_object().into_iter().flatten() {
            let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
            self.add(root, field, &path, record);
            self.gather(root, field, &path, record);
        }
        if schema["items"].is_object() {
            self.gather(root, &schema["items"], &format!("{path}[]"), record);
        }
        for alternative in ["anyOf", "oneOf"].iter().filter_map(|key| schema[key].as_array()).flatten() {
            self.gather(root, alternative, path, record);
        }
    }

    fn add(&mut self, root: &Value, schema: &Value, path: &str, record: &'static str) {
        let meaning = schema["description"].as_str().unwrap_or_default().replace('\n', " ");
        let mut field = Field { path: path.to_owned(), kind: kind(root, schema), records: vec![], meaning };
        let same = |known: &&mut Field| {
            (&known.path, &known.kind, &known.meaning) == (&field.path, &field.kind, &field.meaning)
        };
        match self.0.iter_mut().find(same) {
            Some(known) => known.records.push(record),
            None => {
                field.records.push(record);
                self.0.push(field);
            }
        }
    }
}

fn resolved<'a>(root: &'a Value, schema: &'a Value) -> &'a Value {
    let name = schema["$ref"].as_str().and_then(|reference| reference.strip_prefix("#/$defs/"));
    name.map_or(schema, |name| &root["$defs"][name])
}

/// The type of a field, for people.
fn kind(root: &Value, schema: &Value) -> String {
    let schema = resolved(root, schema);
    if let Some(word) = schema["const"].as_str() {
        return format!("`{word}`");
    }
    if let Some(words) = schema["enum"].as_array() {
        let words: Vec<String> = words.iter().filter_map(Value::as_str).map(|word| format!("`{word}`")).collect();
        return if words.len() > 6 { "[word](words.md)".to_owned() } else { words.join(", ") };
    }
    if let Some(alternatives) = schema["anyOf"].as_array() {
        return alternatives.iter().map(|one| kind(root, one)).collect::<Vec<_>>().join(" or ");
    }
    match &schema["type"] {
        Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).map(plain).collect::<Vec<_>>().join(" or "),
        kind => match (plain(kind.as_str().unwrap_or_default()), schema["maximum"].as_u64()) {
            ("list", _) => format!("list of {}", self::kind(root, &schema["items"])),
            (kind, Some(maximum)) => format!("{kind}, {} to {maximum}", schema["minimum"].as_u64().unwrap_or(0)),
            (kind, None) => kind.to_owned(),
        },
    }
}

fn plain(kind: &str) -> &str {
    match kind {
        "string" => "text",
        "array" => "list",
        "boolean" => "true or false",
        other => other,
    }
}

fn holds(name: &str, expected: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/reference").join(name);
    if std::env::var_os("UPDATE_REFERENCE").is_some() {
        std::fs::write(&path, expected).expect("the page can be written");
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(found == expected, "docs/reference/{name} is not current: run with UPDATE_REFERENCE=1");
}
