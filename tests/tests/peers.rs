//! `tagout run` beside protocol stacks that others wrote, over the loopback interface.
//!
//! The stacks are Python packages in `.venv`, which `make test` sets up.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};
use std::{env, fs};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use tagout_tests::{binary, schema};

/// tagout opens the interface, and afterwards gets the last packets from the kernel.
const MARGIN: Duration = Duration::from_secs(1);
const PATIENCE: Duration = Duration::from_secs(10);

#[test]
fn a_conversation_of_opendnp3_is_reported_as_it_was_meant() {
    let Some(events) = watch("dnp3", &["--bpf", "tcp port 20000"], || talk("dnp3.py", &[])) else { return };
    let commands = ["SELECT", "OPERATE", "DIRECT_OPERATE"];
    let told: Vec<Value> = events
        .iter()
        .filter(|event| commands.iter().any(|name| event["dnp3"]["function_name"] == *name))
        .map(|event| {
            let answer = event["dnp3"]["objects"].as_array().and_then(|objects| objects.last()).expect("an answer");
            let point = &answer["points"][0];
            let sent = if point["value"].is_null() { &point["control"]["operation"] } else { &point["value"] };
            let name = &event["dnp3"]["function_name"];
            json!([name, answer["group"], answer["variation"], point["index"], sent, point["status_name"]])
        })
        .collect();
    let expected = [
        json!(["SELECT", 12, 1, 3, "LATCH_ON", "SUCCESS"]),
        json!(["OPERATE", 12, 1, 3, "LATCH_ON", "SUCCESS"]),
        json!(["DIRECT_OPERATE", 12, 1, 4, "LATCH_ON", "SUCCESS"]),
        json!(["DIRECT_OPERATE", 41, 3, 1, 42.5, "SUCCESS"]),
        json!(["DIRECT_OPERATE", 41, 2, 2, -7, "SUCCESS"]),
        json!(["DIRECT_OPERATE", 12, 1, 9, "LATCH_ON", "OUT_OF_RANGE"]),
    ];
    assert_eq!(told, expected);
}

#[test]
fn a_conversation_of_pymodbus_with_tokio_modbus_is_reported_as_it_was_meant() {
    let options = ["--bpf", "tcp port 15020", "--modbus-port", "15020"];
    let Some(events) = watch("modbus", &options, || {
        let mut controller = Command::new(env!("CARGO_BIN_EXE_plant")).arg("controller").spawn().expect("a plant");
        talk("modbus.py", &["127.0.0.10", "15020"]);
        stop(&mut controller, Signal::KILL);
    }) else {
        return;
    };
    let told: Vec<Value> = events
        .iter()
        .map(|event| &event["modbus"])
        .filter(|modbus| modbus.is_object())
        .map(|modbus| {
            let written = if modbus["access"] == "write" { &modbus["values"] } else { &Value::Null };
            json!([modbus["function"], modbus["address"], modbus["quantity"], written, modbus["exception"]])
        })
        .collect();
    let expected = [
        json!([4, 0, 3, null, null]),
        json!([1, 0, 2, null, null]),
        json!([6, 0, 1, [425], null]),
        json!([16, 10, 2, [0x42B4, 0], null]),
        json!([5, 1, 1, [1], null]),
        json!([3, 0, 12, null, null]),
        json!([6, 999, 1, [1], 2]),
        json!([22, 0, 1, null, 1]),
    ];
    assert_eq!(told, expected);
}

/// The events of what happens on the loopback interface during `scene`; `None`, said aloud, where that cannot be told.
fn watch(name: &str, options: &[&str], scene: impl FnOnce()) -> Option<Vec<Value>> {
    if !python().exists() {
        println!("skipped: no protocol stacks in .venv (`tests/setup.sh peers` installs them)");
        return None;
    }
    let events = env::temp_dir().join(format!("tagout-peers-{name}-{}.jsonl", std::process::id()));
    let mut tagout = Command::new(binary::tagout())
        .args(["run", "--interface", "lo", "--quiet", "--repeat-interval", "0", "--events"])
        .arg(&events)
        .args(options)
        .stdin(Stdio::null())
        .spawn()
        .expect("tagout can be run");
    sleep(MARGIN);
    if tagout.try_wait().expect("a child can be asked").is_some() {
        println!("skipped: capturing on the loopback interface is not permitted here");
        return None;
    }
    scene();
    sleep(MARGIN);
    stop(&mut tagout, Signal::TERM);
    let text = fs::read_to_string(&events).expect("tagout wrote events");
    fs::remove_file(&events).expect("the file is ours");
    assert_eq!(text.lines().try_for_each(schema::check), Ok(()));
    Some(text.lines().map(|line| serde_json::from_str(line).expect("an event is JSON")).collect())
}

/// Runs one of the conversations in `peers/`.
fn talk(script: &str, arguments: &[&str]) {
    let script = binary::workspace().join("tests/peers").join(script);
    let mut peer = Command::new(python()).arg(script).args(arguments).spawn().expect("Python can be run");
    let status = wait(&mut peer);
    assert!(status.is_some_and(|status| status.success()), "the peers did not come to an end: {status:?}");
}

fn python() -> PathBuf {
    binary::workspace().join(".venv/bin/python")
}

fn stop(child: &mut Child, signal: Signal) {
    kill_process(Pid::from_child(child), signal).expect("the child runs");
    assert!(wait(child).is_some(), "the child does not end");
}

/// Waits for a child's end; kills it after a while.
fn wait(child: &mut Child) -> Option<std::process::ExitStatus> {
    let deadline = Instant::now() + PATIENCE;
    while Instant::now() < deadline {
        if let Some(status) = child.try_wait().expect("a child can be asked") {
            return Some(status);
        }
        sleep(Duration::from_millis(20));
    }
    child.kill().and_then(|()| child.wait()).expect("a child can be killed");
    None
}
