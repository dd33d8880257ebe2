//! The local store: what a replay keeps in it is what the replay's records tell, and the commands that read it show that.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;
use tagout_tests::{binary, corpus};

fn tests() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A replay of the demo with everything that it writes.
struct Replayed {
    folder: tempfile::TempDir,
}

impl Replayed {
    fn demo() -> Self {
        let demo = tests().join("demo");
        let policy = demo.join("policy.toml").display().to_string();
        let options = ["--modbus-port", "15020", "--policy", &policy];
        Self::of(&demo.join("recorded.pcap"), &options).expect("the demo can be replayed")
    }

    /// The error is what tagout says of a capture that it cannot read.
    fn of(capture: &Path, options: &[&str]) -> Result<Self, String> {
        let folder = tempfile::tempdir().expect("a folder");
        let at = |name: &str| folder.path().join(name);
        let mut tagout = Command::new(binary::tagout());
        tagout.arg("replay").arg(capture).args(options).arg("--quiet");
        tagout.arg("--alerts").arg(at("alerts.jsonl")).arg("--events").arg(at("events.jsonl"));
        let output = tagout.arg("--store").arg(at("store")).output().expect("tagout can be run");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        if output.status.success() { Ok(Self { folder }) } else { Err(said) }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn lines(&self, name: &str) -> Vec<Value> {
        values(&std::fs::read_to_string(self.path(name)).expect("records"))
    }

    fn ask(&self, arguments: &[&str]) -> Output {
        let mut tagout = Command::new(binary::tagout());
        tagout.args(arguments).arg("--store").arg(self.path("store")).output().expect("tagout can be run")
    }

    fn told(&self, arguments: &[&str]) -> String {
        let output = self.ask(arguments);
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("text")
    }

    fn json(&self, arguments: &[&str]) -> Vec<Value> {
        values(&self.told(&[arguments, &["--json"]].concat()))
    }
}

fn values(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

/// Exchanges, refused, unanswered, and whether they are commands, by who did what to whom: counted from events.
type Counts = BTreeMap<[String; 3], [u64; 3]>;

fn named(event: &Value, name: &str, ip: &str) -> String {
    let name = event["ot"][name].as_str().or(event[ip].as_str());
    name.unwrap_or_default().to_owned()
}

fn counted(events: &[Value]) -> Counts {
    let mut counts = Counts::new();
    for event in events.iter().filter(|event| event["outcome"].is_string()) {
        let (actor, device) = (named(event, "actor", "src_ip"), named(event, "device", "dest_ip"));
        let action = event["ot"]["action"].as_str().expect("an action").to_owned();
        let count = counts.entry([actor, device, action]).or_default();
        count[0] += 1;
        count[1] += u64::from(event["outcome"] == "refused");
        count[2] += u64::from(event["outcome"] == "unanswered");
    }
    counts
}

/// The same as the store tells it.
fn kept(listings: &[Value]) -> Counts {
    let mut counts = Counts::new();
    for deed in listings.iter().flat_map(|one| one["deeds"].as_array().expect("deeds")) {
        let name = |end: &str| deed[end]["name"].as_str().or(deed[end]["ip"].as_str()).unwrap_or_default().to_owned();
        let Some(action) = deed["action"].as_str() else { continue };
        let count = counts.entry([name("actor"), name("device"), action.to_owned()]).or_default();
        for (sum, field) in count.iter_mut().zip(["exchanges", "refused", "unanswered"]) {
            *sum += deed[field].as_u64().expect("a number");
        }
    }
    counts
}

#[test]
fn what_is_kept_is_what_the_records_tell() {
    let replayed = Replayed::demo();
    let alerts = replayed.lines("alerts.jsonl");
    assert!(alerts.len() > 5);
    let id = |alert: &Value| alert["ot"]["alert_id"].to_string();
    let mut found = replayed.json(&["alerts", "--limit", "0"]);
    assert!(found.is_sorted_by_key(|alert| alert["timestamp"].to_string()), "in their order");
    found.sort_by_key(id);
    let mut told = alerts;
    told.sort_by_key(id);
    assert_eq!(found, told, "every alert, as its record");

    let expected = counted(&replayed.lines("events.jsonl"));
    for command in ["devices", "actors"] {
        assert_eq!(kept(&replayed.json(&[command])), expected, "{command}");
    }
}

#[test]
fn real_captures_are_counted_as_their_events_tell() {
    let Some(directory) = corpus::directory() else {
        println!("skipped: no captures at ../shared/captures (TAGOUT_CAPTURES names another place)");
        return;
    };
    let is_small = |path: &PathBuf| path.metadata().is_ok_and(|about| about.is_file() && about.len() < MOST_BYTES);
    let mut captures: Vec<PathBuf> =
        std::fs::read_dir(directory).expect("captures").flatten().map(|entry| entry.path()).filter(is_small).collect();
    captures.sort();
    let mut protocols = BTreeSet::new();
    for capture in captures {
        let Ok(replayed) = Replayed::of(&capture, &[]) else { continue };
        let devices = replayed.json(&["devices", "--all"]);
        assert_eq!(kept(&devices), counted(&replayed.lines("events.jsonl")), "{}", capture.display());
        protocols.extend(devices.iter().map(|device| device["protocols"].to_string()));
    }
    assert!(protocols.contains("[\"modbus\"]") && protocols.contains("[\"dnp3\"]"), "{protocols:?}");
}

/// Captures that are small are enough, and there are many.
const MOST_BYTES: u64 = 20_000;

#[test]
fn the_inventory_keeps_to_its_schema() {
    let validator = jsonschema::validator_for(tagout::store::schema::schema().as_value()).expect("a schema");
    let replayed = Replayed::demo();
    for command in ["devices", "actors"] {
        let all = replayed.json(&[command]);
        assert!(!all.is_empty());
        for one in all {
            let wrong: Vec<String> = validator.iter_errors(&one).map(|error| error.to_string()).collect();
            assert!(wrong.is_empty(), "{wrong:?}: {one}");
        }
    }
}

#[test]
fn alerts_are_found_by_what_is_asked() {
    let replayed = Replayed::demo();
    let all = replayed.json(&["alerts"]);
    let asked = |arguments: &[&str]| replayed.json(&[&["alerts"], arguments].concat());
    let expect = |arguments: &[&str], is: &dyn Fn(&Value) -> bool| {
        let ids =
            |alerts: Vec<&Value>| alerts.iter().map(|alert| alert["ot"]["alert_id"].to_string()).collect::<Vec<_>>();
        let expected = ids(all.iter().filter(|alert| is(alert)).collect());
        assert!(!expected.is_empty() && expected.len() < all.len(), "{arguments:?} tells nothing apart");
        assert_eq!(ids(asked(arguments).iter().collect()), expected, "{arguments:?}");
    };
    expect(&["--severity", "high"], &|alert| alert["alert"]["severity"] == 1);
    expect(&["--actor", "optim*"], &|alert| alert["ot"]["actor"]["name"] == "optimizer");
    expect(&["--actor", "127.0.0.11"], &|alert| alert["ot"]["actor"]["ip"] == "127.0.0.11");
    let sid = all[0]["alert"]["signature_id"].clone();
    expect(&["--signature", &sid.to_string()], &|alert| alert["alert"]["signature_id"] == sid);
    expect(&["--signature", "TO AND FRO"], &|alert| {
        alert["alert"]["signature"].as_str().is_some_and(|words| words.contains("to and fro"))
    });
    let middle = all[all.len() / 2]["timestamp"].as_str().expect("a time");
    expect(&["--since", middle], &|alert| alert["timestamp"].as_str() >= Some(middle));
    expect(&["--until", middle], &|alert| alert["timestamp"].as_str() <= Some(middle));
    assert_eq!(asked(&["--limit", "2"]), all[all.len() - 2..], "the latest");
    let early = all[0]["timestamp"].as_str().expect("a time");
    let first = &all[0]["alert"]["signature_id"];
    assert!(all.last().is_some_and(|alert| alert["alert"]["signature_id"] != *first));
    let first = first.to_string();
    let every = ["--limit", "0", "--signature", &first];
    assert_eq!(asked(&every)[0]["timestamp"], early, "all, although the latest is another");
    assert_eq!(asked(&["--device", "none"]), [] as [Value; 0]);
    assert_eq!(asked(&["--since", "1s"]), [] as [Value; 0], "the capture is older");
}

#[test]
fn one_alert_is_shown_with_all_of_it() {
    let replayed = Replayed::demo();
    let alert = &replayed.json(&["alerts"])[0];
    let id = alert["ot"]["alert_id"].as_str().expect("an id");
    let page = replayed.told(&["alerts", "show", &id[..10]]);
    for path in ["/ot/alert_id", "/ot/why", "/alert/signature", "/ot/attack/technique", "/ot/actor/name"] {
        let field = alert.pointer(path).and_then(Value::as_str).expect("a text");
        assert!(page.contains(field), "{path} is missing: {page}");
    }
    assert_eq!(replayed.json(&["alerts", "show", id]), std::slice::from_ref(alert));
}

#[test]
fn tables_and_pages_name_who_did_what() {
    let replayed = Replayed::demo();
    let actors = replayed.told(&["actors"]);
    assert!(actors.contains("optimizer") && actors.contains("ai-agent") && !actors.contains('\u{1b}'), "{actors}");
    let page = replayed.told(&["actors", "optimizer"]);
    assert!(page.contains("write-single-register") && page.contains("holding-register 999 = 1 (refused)"), "{page}");
    let page = replayed.told(&["devices", "tank"]);
    assert!(page.contains("panel") && page.contains("points"), "{page}");
    assert_eq!(replayed.told(&["devices", "--unknown"]), "None.\n");
}

#[test]
fn the_same_replay_keeps_the_same() {
    let (one, other) = (Replayed::demo(), Replayed::demo());
    for arguments in [&["alerts", "--json"], &["devices", "--json"], &["actors", "--json"]] {
        assert_eq!(one.told(arguments), other.told(arguments), "{arguments:?}");
    }
}

#[test]
fn what_goes_wrong_is_told_with_what_to_do() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| folder.path().join(name).display().to_string();
    std::fs::write(at("none.toml"), "").expect("a file");
    std::fs::write(at("later.toml"), "[store]\npath = \"not-yet\"\n").expect("a file");
    std::fs::write(at("letter"), "Dear reader").expect("a file");
    for (arguments, code, words) in [
        (["--config", &at("none.toml")], 2, "no store is configured: write `[store]`"),
        (["--config", &at("later.toml")], 3, "there is no store yet; `tagout run` makes it"),
        (["--store", &at("missing")], 3, "No such file"),
        (["--store", &at("letter")], 3, "cannot read the store"),
        (["--since", "yesterday"], 2, "such as 2026-11-29T06:00:00Z"),
        (["show", "zz"], 3, "tagout.toml"),
    ] {
        let output = Command::new(binary::tagout()).arg("alerts").args(arguments).output().expect("tagout can be run");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(
            output.status.code() == Some(code) && said.contains(words),
            "{arguments:?}: {:?} {said}",
            output.status
        );
    }
    let replayed = Replayed::demo();
    let output = replayed.ask(&["devices", "nobody"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("the store knows none called `nobody`"));
}
