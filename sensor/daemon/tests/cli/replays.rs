//! Captures that are replayed.

use std::fs;
use std::io::Write as _;
use std::process::Stdio;

use serde_json::Value;

use crate::{Folder, POLICY, capture, code, conversation, plant, polls, stderr, stdout};

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
fn a_capture_without_exchanges_says_what_may_be_missing() {
    let web = conversation(80, [[b"GET /".to_vec(), b"200 OK".to_vec()]].into_iter());
    let shown = stdout(&Folder::new("foreign").with("web.pcap", web).tagout(&["replay", "web.pcap"]));
    assert!(
        shown.contains("No Modbus or DNP3 exchange was seen in 2 frames. If devices speak on other ports"),
        "{shown}"
    );
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
fn a_capture_is_never_overwritten() {
    let folder = plant("overwrite");
    let output = folder.tagout(&["replay", "plant.pcap", "--events", "./plant.pcap"]);
    assert_eq!(code(&output), Some(2));
    assert_eq!(fs::read(folder.0.join("plant.pcap")).expect("a file"), capture(&[500, 950]));
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
