use std::ffi::OsString;
use std::path::Path;
use std::process::{Command, Stdio};

use tagout_tests::binary;
use tagout_tests::traffic::Traffic;

/// What the binary writes while its instructions are counted.
#[derive(Clone, Copy)]
pub(crate) enum Records {
    /// Alerts alone.
    Alerts,
    /// A line for every exchange as well.
    All,
}

/// Exchanges of the shorter capture; the longer one has twice as many.
const EXCHANGES: usize = 2_000;

/// Instructions for one more packet of such traffic.
pub(crate) fn per_packet(traffic: &Traffic, records: Records) -> u64 {
    per_packet_by(None, traffic, records)
}

/// The same under a policy.
pub(crate) fn per_packet_by(policy: Option<&Path>, traffic: &Traffic, records: Records) -> u64 {
    per_packet_declared(policy, None, traffic, records)
}

/// The same while the intents of a file are known.
pub(crate) fn per_packet_declared(
    policy: Option<&Path>,
    intents: Option<&Path>,
    traffic: &Traffic,
    records: Records,
) -> u64 {
    let [(short, few), (long, many)] = [EXCHANGES, 2 * EXCHANGES].map(|exchanges| {
        let capture = traffic.capture(exchanges);
        (instructions_by(policy, intents, &capture.pcap(), records), capture.frames().len() as u64)
    });
    (long - short) / (many - few)
}

/// Instructions that the replay of a capture file takes, from the start of the process to its end.
pub(crate) fn instructions(pcap: &[u8], records: Records) -> u64 {
    instructions_by(None, None, pcap, records)
}

fn instructions_by(policy: Option<&Path>, intents: Option<&Path>, pcap: &[u8], records: Records) -> u64 {
    let mut replay = vec![binary::tagout().into(), "replay".into(), "--quiet".into()];
    replay.extend(policy.into_iter().flat_map(|policy| ["--policy".into(), policy.into()]));
    replay.extend(intents.into_iter().flat_map(|intents| ["--intents".into(), intents.into()]));
    if matches!(records, Records::All) {
        replay.extend(["--events", "/dev/null"].map(OsString::from));
    }
    of_command(replay, pcap)
}

/// Instructions that these bytes take on a serial line that brings them in pieces of so many. The binary has no such
/// lines: this counts the core as tests are built.
pub(crate) fn instructions_of_line(piece: usize, bytes: &[u8]) -> u64 {
    of_command(vec![env!("CARGO_BIN_EXE_line").into(), piece.to_string().into()], bytes)
}

/// Instructions that a command takes whose last argument is a file with these bytes.
fn of_command(mut command: Vec<OsString>, bytes: &[u8]) -> u64 {
    let (process, thread) = (std::process::id(), std::thread::current().id());
    let path = std::env::temp_dir().join(format!("tagout-instructions-{process}-{thread:?}"));
    std::fs::write(&path, bytes).expect("a file can be written");
    command.push(path.clone().into());
    let counted = count(&command);
    std::fs::remove_file(&path).expect("the file is there");
    counted
}

fn count(command: &[OsString]) -> u64 {
    let mut valgrind = Command::new("valgrind");
    valgrind.args(["--tool=callgrind", "--callgrind-out-file=/dev/null"]).args(command).stdin(Stdio::null());
    let output = valgrind.output().expect("valgrind can be run");
    let report = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?} failed under callgrind:\n{report}");
    let counted = report.lines().find_map(|line| line.split_once("Collected :")).map(|(_, count)| count.trim());
    counted.and_then(|count| count.parse().ok()).unwrap_or_else(|| panic!("callgrind tells no count:\n{report}"))
}
