//! The `tagout` command as people and scripts meet it.

mod policies;
mod replays;

use std::fs;
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
    conversation(502, values.iter().map(|value| [echoed(value), echoed(value)]))
}

/// A capture in which 10.0.0.20 reads register 10 of 10.0.0.10 once a second, and it is 7.
fn polls(count: usize) -> Vec<u8> {
    conversation(502, (0..count).map(|_| [vec![3, 0, 10, 0, 1], vec![3, 2, 0, 7]]))
}

/// A capture in which 10.0.0.20 asks 10.0.0.10 something on this port every second and gets an answer.
fn conversation(port: u16, exchanges: impl Iterator<Item = [Vec<u8>; 2]>) -> Vec<u8> {
    let mut file = Vec::new();
    for number in [0xA1B2_C3D4_u32, 0x0004_0002, 0, 0, 65_535, 101] {
        file.extend(number.to_le_bytes());
    }
    let mut sequences = [1_000; 2];
    for (index, [request, response]) in exchanges.enumerate() {
        let lengths = [request.len() as u32 + 7, response.len() as u32 + 7];
        let request = frame(20, 10, [40_000, port], sequences[0], &request);
        let response = frame(10, 20, [port, 40_000], sequences[1], &response);
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
fn the_schema_of_records_can_be_printed() {
    let output = Folder::new("schema").tagout(&["schema"]);
    let schema: Value = serde_json::from_str(&stdout(&output)).expect("JSON");
    assert_eq!(schema["$id"], format!("urn:tagout:records:{}", tagout::record::schema::SCHEMA_VERSION));
    assert_eq!(schema["$defs"]["EventRecord"]["additionalProperties"], false);
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
fn colour_is_for_terminals_or_on_demand() {
    let folder = plant("colour");
    let shown = |args: &[&str]| stdout(&folder.tagout(&[&["replay", "plant.pcap"], args].concat()));
    assert!(!shown(&[]).contains('\x1b'));
    assert!(shown(&["--color", "always"]).contains('\x1b'));
    assert!(!shown(&["--color", "never"]).contains('\x1b'));
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
