//! Policies that are checked, compiled, formatted, learned and tested.

use std::fs;
use std::io::Write as _;
use std::process::Stdio;

use serde_json::Value;

use crate::{Folder, POLICY, code, plant, stderr, stdout};

#[test]
fn a_policy_is_checked_and_compiled() {
    let folder = plant("check");
    let check = folder.tagout(&["check", "site.toml"]);
    assert_eq!(code(&check), Some(0));
    assert!(stdout(&check).starts_with("No errors: 1 actors, 1 devices, 1 points, 1 permits, "), "{}", stdout(&check));
    assert_eq!(code(&folder.tagout(&["compile", "site.toml", "-o", "site.image"])), Some(0));
    let image = fs::read(folder.0.join("site.image")).expect("an image");
    assert!(tagout_core::engine::Policy::load(&image).is_ok());
    assert_eq!(code(&folder.tagout(&["compile", "site.toml", "-o", "no/such/folder"])), Some(3));
}

#[test]
fn a_check_lists_what_humans_approve() {
    const APPROVALS: &str = r#"
[actors.agent]
kind = "ai-agent"
ip = "10.0.0.9"
intents = "required"

[devices.mill]
ip = "10.0.0.20"

[devices.mill.points]
feed = { holding-register = 3 }

[windows.night]
from = "22:00"
to = "06:00"

[[permits]]
actor = "agent"
device = "mill"
do = "write"

[[intents.approvals]]
id = "CHG-7"
approver = "Ada Ruiz"
actor = "agent"
during = "night"
device = "mill"
points = "feed"
do = "write"
range = [20, 60]
count = 3
pace = "1 min"

[[intents.approvals]]
id = "CHG-8"
approver = "Ada Ruiz"
actor = "agent"
during = "night"
device = "mill"
raw = ["holding-register 10..11", "coil 3"]
"#;
    let folder = Folder::new("approvals").with("night.toml", APPROVALS);
    let check = folder.tagout(&["check", "night.toml"]);
    let said = stdout(&check);
    let approved = said.split_once("Approved by humans:\n").expect("approvals").1;
    assert_eq!(
        approved,
        "  CHG-7 by Ada Ruiz, during night: agent: write mill.feed = 20..60, 3 times, 60 s apart\n  \
         CHG-8 by Ada Ruiz, during night: agent: anything at mill holding-register 10..11, mill coil 3, any number of times\n"
    );
}

#[test]
fn policies_are_formatted() {
    let (untidy, tidy) = ("[site]\nname='x' # here\n", "[site]\nname = \"x\"  # here\n");
    let folder = Folder::new("fmt").with("a.toml", untidy).with("b.toml", tidy).with("c.toml", "[site\n");
    let check = folder.tagout(&["fmt", "--check", "a.toml", "b.toml"]);
    assert_eq!((code(&check), stdout(&check)), (Some(1), "a.toml\n".to_owned()));
    assert_eq!(folder.text("a.toml"), untidy, "a check writes nothing");
    let all = folder.tagout(&["fmt", "."]);
    assert_eq!((code(&all), stdout(&all)), (Some(2), "./a.toml\n".to_owned()));
    assert!(stderr(&all).starts_with("./c.toml:1:6: error: "), "{}", stderr(&all));
    assert_eq!([folder.text("a.toml"), folder.text("c.toml")], [tidy, "[site\n"], "what is no TOML is left alone");
    assert_eq!(code(&folder.tagout(&["fmt", "--check", "a.toml"])), Some(0));
    assert_eq!(code(&folder.tagout(&["fmt", "d.toml"])), Some(3));
    let mut fmt = folder.command(&["fmt", "-"]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("tagout");
    fmt.stdin.take().expect("a pipe").write_all(untidy.as_bytes()).expect("it reads");
    assert_eq!(stdout(&fmt.wait_with_output().expect("it ends")), tidy);
}

#[test]
fn a_policy_brings_its_files_along() {
    let tags = "Name,Address,Type,Unit,Scale\npump_speed,40011,u16,%,0.1\n";
    let device = POLICY.split("\n\n").nth(1).expect("a device").to_owned()
        + "\ntags = { file = \"../plc1.csv\", map = \"references\" }\n";
    let rest: Vec<&str> =
        POLICY.split("\n\n").enumerate().filter(|(at, _)| ![1, 2].contains(at)).map(|(_, part)| part).collect();
    let site = format!("include = [\"devices/*.toml\"]\n{}", rest.join("\n\n"));
    let folder = plant("include");
    fs::create_dir_all(folder.0.join("site/devices")).expect("folders");
    let folder =
        folder.with("site/plant.toml", site).with("site/devices/plc1.toml", device).with("site/plc1.csv", tags);
    let output = folder.tagout(&["replay", "plant.pcap", "--policy", "site/plant.toml", "--alerts", "-", "--quiet"]);
    let alert: Value = serde_json::from_str(&stdout(&output)).unwrap_or_else(|_| panic!("{}", stderr(&output)));
    assert_eq!(alert["ot"]["value"], 95.0);
    assert_eq!(code(&folder.tagout(&["check", "site"])), Some(0), "a folder and its includes are one policy");
    let missing =
        folder.with("site/devices/plc2.toml", "include = \"plc3.toml\"\n").tagout(&["check", "./site/plant.toml"]);
    assert_eq!(code(&missing), Some(2));
    let said = stderr(&missing);
    assert!(said.contains("site/devices/plc2.toml:1:11: error: there is no file `site/devices/plc3.toml`"), "{said}");
}

#[test]
fn learning_writes_a_policy_and_never_over_one() {
    let empty_pcap: Vec<u8> =
        [0xa1b2_c3d4_u32, 0x0004_0002, 0, 0, 65_535, 1].iter().flat_map(|field| field.to_le_bytes()).collect();
    let folder = Folder::new("learn").with("empty.pcap", empty_pcap);
    let learned = folder.tagout(&["learn", "empty.pcap", "-o", "site"]);
    assert_eq!(learned.status.code(), Some(0), "{learned:?}");
    assert!(String::from_utf8_lossy(&learned.stdout).contains("Read site/review.md"), "{learned:?}");
    assert_eq!(folder.tagout(&["check", "site"]).status.code(), Some(0));
    assert_eq!(folder.tagout(&["fmt", "--check", "site"]).status.code(), Some(0), "what is written is laid out");
    let again = folder.tagout(&["learn", "empty.pcap", "-o", "site"]);
    assert_eq!(again.status.code(), Some(2), "{again:?}");
    assert!(String::from_utf8_lossy(&again.stderr).contains("site/actors.toml is there already"), "{again:?}");
    assert_eq!(folder.tagout(&["learn", "empty.pcap", "-o", "site", "--force"]).status.code(), Some(0));
    assert_eq!(folder.tagout(&["learn", "nowhere.pcap", "-o", "other"]).status.code(), Some(3));
    assert_eq!(folder.tagout(&["learn", "--from-live", "lo", "--for", "5x", "-o", "other"]).status.code(), Some(2));
    assert_eq!(folder.tagout(&["learn", "-o", "other"]).status.code(), Some(2));
}

#[test]
fn a_policy_is_held_to_its_tests() {
    let tests = r#"
[[tests]]
name = "the pump may run"
steps = [{ from = "optimizer", write = "plc1.pump_speed", value = 80, verdict = "permitted" }]

[[tests]]
name = "the capture is quiet"
capture = "plant.pcap"
alerts = "none"
"#;
    let folder = plant("test").with("tested.toml", POLICY.to_owned() + tests);
    let output = folder.tagout(&["test", "tested.toml"]);
    let said = stdout(&output);
    assert_eq!(code(&output), Some(1), "{said}");
    assert!(said.starts_with("test the pump may run ... ok\ntest the capture is quiet ... FAILED\n"), "{said}");
    assert!(
        said.contains("tested.toml:25:8: error: test `the capture is quiet`: found `value-out-of-range`"),
        "{said}"
    );
    assert!(said.ends_with("\ntest result: FAILED. 1 passed, 1 failed\n"), "{said}");
    let output = folder.tagout(&["test", "tested.toml", "--filter", "pump", "--json"]);
    let told: Value = serde_json::from_str(&stdout(&output)).expect("an object");
    assert_eq!((code(&output), &told["passed"], &told["line"]), (Some(0), &Value::Bool(true), &21.into()));
    assert_eq!(code(&folder.tagout(&["test", "tested.toml", "--filter", "fan"])), Some(2));
    fs::remove_file(folder.0.join("plant.pcap")).expect("a file");
    let output = folder.tagout(&["test", "tested.toml"]);
    assert_eq!(code(&output), Some(3));
    assert!(
        stderr(&output).contains("tested.toml:25:8: test `the capture is quiet`: plant.pcap: "),
        "{}",
        stderr(&output)
    );
}

#[test]
fn what_is_suppressed_is_counted_by_name() {
    let suppression = "\n[[suppress]]\nname = \"trials\"\nreason = \"ticket 4711\"\nrules = \"value-out-of-range\"\n";
    let folder = plant("suppress").with("quiet.toml", format!("{POLICY}{suppression}until = 2024-01-01\n"));
    let output = folder.tagout(&["replay", "plant.pcap", "--policy", "quiet.toml", "--events", "events.jsonl"]);
    let said = stdout(&output);
    assert!(said.contains("Alerts: none\n1 suppressed by `trials`: ticket 4711\n"), "{said}");
    let events = folder.text("events.jsonl");
    let stats: Value = serde_json::from_str(events.lines().last().expect("a record")).expect("JSON");
    assert_eq!(stats["stats"]["suppressed"], serde_json::json!([{"name": "trials", "count": 1}]));
    assert_eq!(stats["stats"]["sensor"]["alerts_suppressed"], 1);
    let check = folder.tagout(&["check", "quiet.toml"]);
    assert_eq!(code(&check), Some(0));
    assert!(
        stderr(&check).contains("quiet.toml:24:9: warning: the suppression `trials` is over"),
        "{}",
        stderr(&check)
    );
    let page =
        stdout(&folder.tagout(&["explain", "--capture", "plant.pcap", "--frame", "3", "--policy", "quiet.toml"]));
    assert!(page.contains("suppressed by `trials`: counted, and not given"), "{page}");
}
