//! What is kept of each command that was held against what was declared: in the events, in the store, and as `tagout agent` shows it.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;
use tagout_core::engine::Grade;
use tagout_tests::binary;
use tagout_tests::schema::check_record;

use super::case::{Case, cases};
use super::{lines, replayed_in};

/// A case that was replayed with everything that it writes.
struct Kept {
    folder: tempfile::TempDir,
    alerts: Vec<Value>,
    /// The events about commands that were held against intents.
    decided: Vec<Value>,
}

impl Kept {
    fn of(case: &Case) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let alerts = replayed_in(folder.path(), case, &["--events", "events.jsonl", "--store", "store"]);
        let events = std::fs::read_to_string(folder.path().join("events.jsonl")).expect("events");
        let decided = lines(&events).into_iter().filter(|event| event["event_type"] == "intent").collect();
        Self { alerts: lines(&alerts), folder, decided }
    }

    /// The one with a command of every grade.
    fn day() -> Self {
        let day = cases().into_iter().find(|case| case.name == "kept: a day with every grade");
        Self::of(&day.expect("the case"))
    }

    fn ask(&self, arguments: &[&str]) -> Output {
        let store = self.folder.path().join("store");
        agent(&store, arguments)
    }

    fn told(&self, arguments: &[&str]) -> String {
        let output = self.ask(arguments);
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("text")
    }
}

fn agent(store: &Path, arguments: &[&str]) -> Output {
    let mut tagout = Command::new(binary::tagout());
    tagout.arg("agent").args(arguments).arg("--store").arg(store).output().expect("tagout can be run")
}

fn texts<'a>(records: &'a [Value], path: &str) -> Vec<&'a str> {
    records.iter().map(|record| record.pointer(path).and_then(Value::as_str).unwrap_or_default()).collect()
}

#[test]
fn what_is_kept_of_a_command_is_what_alerts_and_events_tell() {
    for case in cases() {
        let kept = Kept::of(&case);
        for record in &kept.decided {
            check_record(record).unwrap_or_else(|wrong| panic!("{}: {wrong}: {record}", case.name));
        }
        let told_by_alerts: BTreeSet<_> = kept.alerts.iter().filter_map(finding_about_a_command).collect();
        let told_by_events: BTreeSet<_> = kept.decided.iter().filter_map(finding_about_a_command).collect();
        // What the policy suppresses is no alert, and recorded all the same.
        let is_whole = !case.policy.contains("[[suppress]]");
        // What was covered may be told to be otherwise by a later span of the same call.
        let is_covered = |told: &(u64, String)| {
            let is_meant = |record: &&Value| record["ot"]["intent"]["observed"]["frame"] == told.0;
            kept.decided.iter().find(is_meant).is_some_and(|record| record["ot"]["intent"]["grade"] == "temporal")
        };
        let told_by_alerts: BTreeSet<_> = told_by_alerts.into_iter().filter(|told| !is_covered(told)).collect();
        assert!(told_by_events.is_superset(&told_by_alerts), "{}", case.name);
        assert!(!is_whole || told_by_events == told_by_alerts, "{}: {told_by_events:?} {told_by_alerts:?}", case.name);
        let stored = lines(&kept.told(&["10.0.0.*", "--json", "--limit", "0"]));
        let mut sorted = kept.decided.clone();
        sorted.sort_by_key(|record| record["timestamp"].to_string());
        assert_eq!(texts(&stored, "/timestamp"), texts(&sorted, "/timestamp"), "{}", case.name);
        assert!(stored.iter().all(|record| kept.decided.contains(record)), "{}", case.name);
        if let Some(grades) = &case.grades {
            assert_eq!(&texts(&stored, "/ot/intent/grade"), grades, "{}", case.name);
        }
    }
}

/// The frame of a command with what is wrong with it, but for what only the answer tells.
fn finding_about_a_command(record: &Value) -> Option<(u64, String)> {
    let intent = &record["ot"]["intent"];
    let finding = intent["finding"].as_str().filter(|finding| *finding != "intent.refused-by-device")?;
    Some((intent["observed"]["frame"].as_u64()?, finding.to_owned()))
}

#[test]
fn an_agents_day_is_a_table_with_its_sums() {
    let table = Kept::day().told(&["agent"]);
    for words in [
        "2026-01-01 00:00:01  agent  write            plc.speed  50 %   exact           batch-17/fill, approved by Ada Ruiz, key shift",
        "write (refused)  plc.pump   1      none            nobody",
        "partial: operation, value open  open, tool set_speed",
        "temporal",
        "intent.value-mismatch: batch-17/limit",
        "unknown         not known",
        "6 commands: 1 exact, 1 partial, 1 temporal, 2 none, 1 unknown; 2 alerts.",
    ] {
        let squeezed = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(squeezed(&table).contains(&squeezed(words)), "{words} is missing:\n{table}");
    }
    assert!(!table.contains('\u{1b}'), "no colour outside a terminal:\n{table}");
}

#[test]
fn commands_are_found_by_what_is_asked() {
    let day = Kept::day();
    let found = |arguments: &[&str]| lines(&day.told(&[&["agent", "--json"], arguments].concat()));
    for grade in Grade::ALL {
        let grades = found(&["--grade", grade.name()]);
        assert!(!grades.is_empty() && texts(&grades, "/ot/intent/grade").iter().all(|one| *one == grade.name()));
    }
    let of = |arguments: &[&str]| texts(&found(arguments), "/ot/intent/grade").join(" ");
    assert_eq!(of(&["--since", "2026-01-01T00:00:04Z"]), "none none unknown");
    assert_eq!(of(&["--until", "2026-01-01T00:00:02Z"]), "exact partial");
    assert_eq!(of(&["--limit", "2"]), "none unknown");
    assert!(day.told(&["agent", "--limit", "2"]).contains("4 earlier ones are not shown (--limit 0 shows all)."));
    let [exact] = found(&["--grade", "exact"]).try_into().expect("one");
    let declared = &exact["ot"]["intent"]["declared"];
    assert_eq!((&declared["id"], &declared["reason"]), (&"batch-17/fill".into(), &"fill".into()));
}

#[test]
fn what_is_not_known_is_said() {
    let day = Kept::day();
    let counts = day.told(&["historian"]);
    assert!(counts.contains("plc speed = 50 %") && counts.contains("unknown"), "{counts}");
    assert!(
        counts.contains("Single commands, and who declared them, are\nkept of actors whose policy says"),
        "{counts}"
    );
    assert_eq!(day.told(&["historian", "--json"]), "");
    for (arguments, words) in [
        (["nobody", "--json"], "the store knows none called `nobody`"),
        (["agent", "--grade=good"], "expected one of exact, partial, temporal, none, unknown"),
    ] {
        let output = day.ask(&arguments);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.code() == Some(2) && said.contains(words), "{arguments:?}: {:?} {said}", output.status);
    }
}
