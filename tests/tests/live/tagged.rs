//! Frames with VLAN tags, which the kernel takes off and tells of beside the frame.

use std::process::Command;
use std::time::Duration;
use std::{fs, thread};

use serde_json::{Value, json};
use tagout_tests::binary;
use tagout_tests::case::Case;
use tagout_tests::generate::Capture;
use tagout_tests::plant::{Lan, Protocol};

const SERVER_PORT: [u8; 2] = 502_u16.to_be_bytes();

/// What a client at this port says over a network with one tag, and then over one with two.
pub(crate) fn capture(client_port: u16) -> Capture {
    let mut capture = Capture::default();
    for (lan, ports_at, later_us) in [(Lan::Vlan, 14 + 4 + 20, 0), (Lan::QinqIpv6, 14 + 8 + 40, 60_000_000)] {
        let case = Case::parse("about = \"tags\"\ndialogue.turns = 4").expect("a case");
        for frame in case.build(Protocol::Modbus, lan).capture.frames() {
            let mut bytes = frame.bytes.clone();
            let client = if bytes[ports_at..ports_at + 2] == SERVER_PORT { ports_at + 2 } else { ports_at };
            bytes[client..client + 2].copy_from_slice(&client_port.to_be_bytes());
            capture.add_frame(frame.time_ns / 1_000 % 1_000_000_000 + later_us, bytes);
        }
    }
    capture
}

/// Sends its frames, one after the other.
pub(crate) fn send(capture: &Capture, interface: &str) {
    let port = pcap::Capture::from_device(interface).and_then(pcap::Capture::open);
    let mut port = port.expect("who may add namespaces may send");
    for frame in capture.frames() {
        port.sendpacket(&frame.bytes[..]).expect("the port is up");
        thread::sleep(Duration::from_millis(2));
    }
}

/// What the daemon says of the capture as a file.
pub(crate) fn replayed(capture: &Capture) -> Vec<Value> {
    let file = tempfile::Builder::new().suffix(".pcap").tempfile_in(env!("CARGO_TARGET_TMPDIR")).expect("a file");
    fs::write(file.path(), capture.pcap()).expect("a capture to judge");
    let mut replay = Command::new(binary::tagout());
    let output =
        replay.args(["replay", "--quiet", "--events", "-"]).arg(file.path()).output().expect("tagout can be run");
    let text = String::from_utf8(output.stdout).expect("records are text");
    let events: Vec<_> = text.lines().map(|line| serde_json::from_str(line).expect("events are JSON")).collect();
    let exchanges = exchanges(&events);
    assert!(!exchanges.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    exchanges
}

/// What is told of each exchange in a VLAN, but when it was.
pub(crate) fn exchanges(events: &[Value]) -> Vec<Value> {
    let in_vlan = events.iter().filter(|event| event["vlan"].is_array());
    let exchanges = in_vlan.filter_map(|event| {
        let mut modbus = event["modbus"].as_object()?.clone();
        modbus.remove("latency_us");
        Some(json!([event["src_ip"], event["dest_ip"], event["vlan"], modbus]))
    });
    exchanges.collect()
}
