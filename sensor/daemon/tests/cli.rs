//! The `tagout` command as people and scripts meet it.

use std::fs;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

const POLICY: &str = r#"
[actors.optimizer]
kind = "ai-agent"
ip = "10.0.0.20"

[devices.plc1]
ip = "10.0.0.10"
unit = 1

[devices.plc1.points]
pump_speed = { holding-register = 10, type = "u16", scale = 0.1, unit = "%" }

[[permits]]
actor = "optimizer"
device = "plc1"
do = ["write"]
points = ["pump_speed"]
value = { min = 0, max = 80 }
"#;

/// A folder of its own for a test.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("tagout-cli-{}-{name}", std::process::id()));
        fs::create_dir_all(&path).expect("a folder");
        Self(path)
    }

    fn with(self, name: &str, content: impl AsRef<[u8]>) -> Self {
        fs::write(self.0.join(name), content).expect("a file");
        self
    }

    fn tagout(&self, args: &[&str]) -> Output {
        self.command(args).output().expect("tagout runs")
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tagout"));
        command.args(args).current_dir(&self.0).stdin(Stdio::null()).env_remove("TAGOUT_LOG");
        command
    }

    fn text(&self, name: &str) -> String {
        fs::read_to_string(self.0.join(name)).expect("a file")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).expect("text")
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).expect("text")
}

fn code(output: &Output) -> Option<i32> {
    output.status.code()
}

/// Modbus over TCP over IPv4, as a raw-IP frame. Nothing in it is checked but lengths.
fn frame(from: u8, to: u8, ports: [u16; 2], sequence: u32, pdu: &[u8]) -> Vec<u8> {
    let adu = [&[0, 1, 0, 0, 0, pdu.len() as u8 + 1, 1], pdu].concat();
    let mut frame = vec![0x45, 0, 0, 40 + adu.len() as u8, 0, 0, 0x40, 0, 64, 6, 0, 0];
    frame.extend([10, 0, 0, from, 10, 0, 0, to]);
    frame.extend([ports[0].to_be_bytes(), ports[1].to_be_bytes()].concat());
    frame.extend([sequence.to_be_bytes(), [0; 4]].concat());
    frame.extend([0x50, 0x18, 0x20, 0, 0, 0, 0, 0]);
    frame.extend(adu);
    frame
}

/// A capture in which 10.0.0.20 writes these values to register 10 of 10.0.0.10, which accepts them.
fn capture(values: &[u16]) -> Vec<u8> {
    let echoed = |value: &u16| [&[6, 0, 10][..], &value.to_be_bytes()].concat();
    conversation(values.iter().map(|value| [echoed(value), echoed(value)]))
}

/// A capture in which 10.0.0.20 reads register 10 of 10.0.0.10 once a second, and it is 7.
fn polls(count: usize) -> Vec<u8> {
    conversation((0..count).map(|_| [vec![3, 0, 10, 0, 1], vec![3, 2, 0, 7]]))
}

/// A capture in which 10.0.0.20 asks 10.0.0.10 something every second and gets an answer.
fn conversation(exchanges: impl Iterator<Item = [Vec<u8>; 2]>) -> Vec<u8> {
    let mut file = Vec::new();
    for number in [0xA1B2_C3D4_u32, 0x0004_0002, 0, 0, 65_535, 101] {
        file.extend(number.to_le_bytes());
    }
    let mut sequences = [1_000; 2];
    for (index, [request, response]) in exchanges.enumerate() {
        let lengths = [request.len() as u32 + 7, response.len() as u32 + 7];
        let request = frame(20, 10, [40_000, 502], sequences[0], &request);
        let response = frame(10, 20, [502, 40_000], sequences[1], &response);
        (0..2).for_each(|side| sequences[side] += lengths[side]);
        for (micros, frame) in [(0, request), (250, response)] {
            let len = frame.len() as u32;
            for number in [1_700_000_000 + index as u32, micros, len, len] {
                file.extend(number.to_le_bytes());
            }
            file.extend(frame);
        }
    }
    file
}

fn plant(name: &str) -> Folder {
    Folder::new(name).with("plant.pcap", capture(&[500, 950])).with("site.toml", POLICY)
}

#[test]
fn a_replay_shows_alerts_and_what_it_all_came_to() {
    let output = plant("show").tagout(&["replay", "plant.pcap", "--policy", "site.toml"]);
    assert_eq!(
        stdout(&output),
        "\
22:13:21.000 high          optimizer → plc1.pump_speed = 95 %: write outside 0..80 %; answered

who        to whom  what   exchanges  refused  unanswered
optimizer  plc1     write          2        0           0

Alerts: 1 high
Inspected 4 frames; nothing was lost.
"
    );
    assert_eq!((stderr(&output), code(&output)), (String::new(), Some(0)));
}

#[test]
fn records_go_where_they_are_sent() {
    let folder = plant("records");
    let args = ["replay", "plant.pcap", "--policy", "site.toml", "--alerts", "a.jsonl", "--events", "-"];
    let output = folder.tagout(&args);
    let events: Vec<Value> = stdout(&output).lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let kinds: Vec<_> = events.iter().map(|event| event["event_type"].as_str().unwrap_or_default()).collect();
    assert_eq!(kinds, ["modbus", "modbus", "stats"]);
    assert_eq!((&events[1]["request"]["frame"], &events[1]["response"]["frame"]), (&3.into(), &4.into()));
    assert_eq!(events[1]["capture_file"], "plant.pcap");
    assert_eq!(folder.text("a.jsonl").lines().count(), 1);
    assert!(stderr(&output).contains("Alerts: 1 high"), "text for people makes room for records");
}

#[test]
fn alerts_are_written_in_the_common_event_format_on_demand() {
    let args = ["replay", "plant.pcap", "--policy", "site.toml", "--quiet", "--alerts", "-", "--format", "cef"];
    let output = plant("cef").tagout(&args);
    let (lines, end) = (stdout(&output), "policy permits 0..80 %. The device accepted it.\n");
    assert_eq!(lines.lines().count(), 1, "{lines}");
    let signature = "tagout policy: ai-agent optimizer wrote plc1.pump_speed = 95 % outside 0..80 %";
    let start = format!("CEF:0|tagout|tagout|{}|1001006|{signature}|8|rt=", env!("CARGO_PKG_VERSION"));
    assert!(lines.starts_with(&start) && lines.ends_with(end), "{lines}");
}

#[test]
fn the_same_replay_gives_the_same_bytes() {
    let folder = plant("same");
    let args = ["replay", "plant.pcap", "--policy", "site.toml", "--alerts", "-", "--events", "-"];
    assert_eq!(folder.tagout(&args).stdout, folder.tagout(&args).stdout);
}

#[test]
fn repeated_polls_are_counted_on_demand() {
    let folder = Folder::new("polls").with("polls.pcap", polls(130));
    let replay = |options: &[&str]| -> Vec<Value> {
        let output = folder.tagout(&[&["replay", "polls.pcap", "--quiet", "--events", "-"], options].concat());
        let lines = stdout(&output);
        let events = lines.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
        events.filter(|event| event["event_type"] == "modbus").collect()
    };
    assert_eq!(replay(&[]).len(), 130, "a replay is complete");
    assert_eq!(replay(&["--repeat-interval", "0"]).len(), 130);
    let counted = replay(&["--repeat-interval", "60"]);
    let counts: Vec<u64> = counted.iter().map(|event| event["repeated"]["count"].as_u64().unwrap_or(1)).collect();
    assert_eq!(counts.iter().sum::<u64>(), 130);
    assert!(counts[0] == 1 && counts.len() <= 4, "{counts:?}");
    let last = &counted[counted.len() - 1];
    assert_eq!((&last["request"]["frame"], &last["modbus"]["values"]), (&259.into(), &serde_json::json!([7])));
}

#[test]
fn the_schema_of_records_can_be_printed() {
    let output = Folder::new("schema").tagout(&["schema"]);
    let schema: Value = serde_json::from_str(&stdout(&output)).expect("JSON");
    assert_eq!(schema["$id"], format!("urn:tagout:records:{}", tagout::record::schema::SCHEMA_VERSION));
    assert_eq!(schema["$defs"]["EventRecord"]["additionalProperties"], false);
}

#[test]
fn a_capture_comes_through_a_pipe_as_well() {
    let folder = plant("pipe");
    let mut child = folder
        .command(&["replay", "-", "--policy", "site.toml", "--alerts", "-", "--quiet"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("tagout runs");
    child.stdin.take().expect("a pipe").write_all(&capture(&[950])).expect("tagout reads");
    let output = child.wait_with_output().expect("tagout ends");
    let alert: Value = serde_json::from_slice(&output.stdout).expect("one line of JSON");
    assert_eq!((&alert["capture_file"], &alert["ot"]["value"]), (&"-".into(), &95.0.into()));
}

#[test]
fn captures_are_judged_one_by_one_or_as_one() {
    let folder = plant("several");
    let stats = |args: &[&str]| -> Vec<u64> {
        let args = [&["replay", "plant.pcap", "plant.pcap", "--events", "-", "-q"], args].concat();
        let lines = stdout(&folder.tagout(&args));
        let events = lines.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
        events.filter_map(|event| event["stats"]["sensor"]["frames"].as_u64()).collect()
    };
    assert_eq!(stats(&[]), [4, 4]);
    assert_eq!(stats(&["--continue"]), [8]);
}

#[test]
fn findings_fail_where_they_are_asked_to() {
    let folder = plant("fail");
    let exit = |args: &[&str]| code(&folder.tagout(&[&["replay", "plant.pcap", "-q"], args].concat()));
    assert_eq!(exit(&["--policy", "site.toml", "--fail-on-alert"]), Some(1));
    assert_eq!(exit(&["--policy", "site.toml", "--fail-on-alert=high"]), Some(1));
    assert_eq!(exit(&["--fail-on-alert=high"]), Some(0), "without a policy the write is informational");
    assert_eq!(exit(&["--fail-on-alert"]), Some(1));
    assert_eq!(exit(&["--fail-on-alert", "--no-default-rules"]), Some(0));
}

#[test]
fn a_cut_off_capture_is_read_as_far_as_it_goes() {
    let whole = capture(&[950]);
    let folder = Folder::new("cut").with("cut.pcap", &whole[..whole.len() - 1]).with("site.toml", POLICY);
    let output = folder.tagout(&["replay", "cut.pcap", "--policy", "site.toml"]);
    assert_eq!(code(&output), Some(0));
    assert!(stderr(&output).contains("cut.pcap: cut off within frame 2; everything before it was read"));
    assert!(stdout(&output).contains("unanswered"));
    assert!(stdout(&output).contains("cut_off_frames: 1"));
}

#[test]
fn an_unreadable_capture_does_not_stop_the_others() {
    let folder = plant("unreadable").with("empty.pcap", "");
    let output = folder.tagout(&["replay", "missing.pcap", "empty.pcap", "plant.pcap"]);
    assert_eq!(code(&output), Some(3));
    assert!(stderr(&output).contains("missing.pcap: cannot open it: No such file"), "{}", stderr(&output));
    assert!(stderr(&output).contains("empty.pcap: it is empty"));
    assert!(stdout(&output).contains("Inspected 4 frames"));
}

#[test]
fn wrong_policies_and_configurations_are_usage_errors() {
    let folder =
        plant("wrong").with("bad.toml", "[actors.x]\nkind = \"robot\"\n").with("tagout.toml", "[capture]\nsnap = 1\n");
    let policy = folder.tagout(&["replay", "plant.pcap", "--policy", "bad.toml"]);
    assert_eq!(code(&policy), Some(2));
    assert!(stderr(&policy).contains("bad.toml:2:8: error: "), "{}", stderr(&policy));
    assert_eq!(code(&folder.tagout(&["check", "bad.toml"])), Some(2));
    let configuration = folder.tagout(&["run", "--config", "tagout.toml"]);
    assert_eq!(code(&configuration), Some(2));
    assert!(stderr(&configuration).contains("tagout.toml:2:1: unknown key `snap`; did you mean `snaplen`?"));
    assert_eq!(code(&folder.tagout(&["run"])), Some(2));
    assert_eq!(code(&folder.tagout(&["replay"])), Some(2));
    let interface = folder.tagout(&["run", "--interface", "tagout-none"]);
    assert_eq!(code(&interface), Some(2));
    assert!(stderr(&interface).contains("there is no interface `tagout-none`"));
}

#[test]
fn a_capture_is_never_overwritten() {
    let folder = plant("overwrite");
    let output = folder.tagout(&["replay", "plant.pcap", "--events", "./plant.pcap"]);
    assert_eq!(code(&output), Some(2));
    assert_eq!(fs::read(folder.0.join("plant.pcap")).expect("a file"), capture(&[500, 950]));
}

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
fn colour_is_for_terminals_or_on_demand() {
    let folder = plant("colour");
    let shown = |args: &[&str]| stdout(&folder.tagout(&[&["replay", "plant.pcap"], args].concat()));
    assert!(!shown(&[]).contains('\x1b'));
    assert!(shown(&["--color", "always"]).contains('\x1b'));
    assert!(!shown(&["--color", "never"]).contains('\x1b'));
}

#[test]
fn a_reader_that_has_had_enough_is_no_failure() {
    let folder = Folder::new("enough").with("long.pcap", capture(&vec![1; 20_000]));
    let mut child = folder
        .command(&["replay", "long.pcap", "--events", "-"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("tagout runs");
    drop(child.stdout.take());
    let output = child.wait_with_output().expect("tagout ends");
    assert_eq!(code(&output), Some(0));
    assert!(!stderr(&output).contains("roken pipe"), "{}", stderr(&output));
}

#[test]
fn the_command_describes_itself() {
    let folder = Folder::new("describe");
    assert!(stdout(&folder.tagout(&["completions", "bash"])).contains("complete -F _tagout"));
    let manual = stdout(&folder.tagout(&["man"]));
    assert!(
        manual.contains(".TH tagout") && manual.contains("fail\\-on\\-alert") && manual.contains("tagout\\-schema")
    );
    assert!(stdout(&folder.tagout(&["--help"])).contains("Examples:"));
    let interfaces: Value = serde_json::from_str(&stdout(&folder.tagout(&["interfaces", "--json"]))).expect("JSON");
    assert!(interfaces.as_array().is_some_and(|list| list.iter().any(|interface| interface["name"] == "lo")));
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

#[test]
fn an_alert_is_explained_by_its_id() {
    let folder = plant("explain");
    folder.tagout(&["replay", "plant.pcap", "--policy", "site.toml", "--alerts", "alerts.jsonl", "--quiet"]);
    let alerts = folder.text("alerts.jsonl");
    let alert: Value = serde_json::from_str(alerts.lines().next().expect("an alert")).expect("JSON");
    let id = alert["ot"]["alert_id"].as_str().expect("an id");
    let output = folder.tagout(&["explain", "alerts.jsonl", "--id", &id[..8], "--policy", "site.toml"]);
    let said = stdout(&output);
    assert_eq!(code(&output), Some(0), "{}", stderr(&output));
    assert!(said.contains("→ plc1.pump_speed = 95 %: value-out-of-range: write outside 0..80 %"), "{said}");
    assert!(said.ends_with("Tried out: with this, the policy permits the exchange.\n"), "{said}");
    let frame = alert["request"]["frame"].to_string();
    let same = folder.tagout(&["explain", "--capture", "plant.pcap", "--frame", &frame, "--policy", "site.toml"]);
    assert_eq!(stdout(&same), said);
    let refused = |args: &[&str]| {
        let output = folder.tagout(&[&["explain"], args, &["--policy", "site.toml"]].concat());
        assert_eq!(code(&output), Some(2), "{args:?}");
        stderr(&output)
    };
    assert!(refused(&["alerts.jsonl", "--id", "x"]).contains("no alert has the id x"));
    assert!(refused(&["site.toml"]).contains("expected JSON lines"));
    assert!(
        refused(&["--capture", "plant.pcap", "--frame", "99"]).contains("no Modbus or DNP3 message ends in frame 99")
    );
}
