//! What a replay says of alerts that nobody took.

use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Stdio};

/// The demo's recording, in which there are alerts.
const DEMO: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/demo");

/// The exit code and the standard error of a replay that delivers by this configuration.
fn replay(folder: &Path, config: &str) -> (Option<i32>, String) {
    fs::write(folder.join("tagout.toml"), config).expect("a file");
    let [capture, policy] = ["recorded.pcap", "policy.toml"].map(|name| format!("{DEMO}/{name}"));
    let output = Command::new(env!("CARGO_BIN_EXE_tagout"))
        .args([
            "replay",
            &capture,
            "--policy",
            &policy,
            "--modbus-port",
            "15020",
            "--quiet",
            "--deliver",
            "tagout.toml",
        ])
        .current_dir(folder)
        .stdin(Stdio::null())
        .output()
        .expect("tagout runs");
    (output.status.code(), String::from_utf8(output.stderr).expect("text"))
}

#[test]
fn what_was_not_delivered_is_lost_only_without_a_spool_on_disk_and_said_to_be() {
    let folder = tempfile::tempdir().expect("a folder");
    let nobody = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port");
    let destination = format!("[[destination]]\nname = \"soc\"\nsyslog.url = \"tcp://{nobody}\"\n");
    let (code, said) = replay(folder.path(), &destination);
    assert!(code == Some(3) && said.contains("not delivered, and lost: "), "{code:?}: {said}");
    let (code, said) = replay(folder.path(), &format!("{destination}[spool]\ndirectory = \"spool\"\n"));
    assert!(code == Some(0) && said.contains("the spool keeps them"), "{code:?}: {said}");
}
