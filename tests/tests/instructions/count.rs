use std::path::Path;
use std::process::{Command, Stdio};

use tagout_tests::binary;

use crate::traffic::Traffic;

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
    let [(short, few), (long, many)] = [EXCHANGES, 2 * EXCHANGES].map(|exchanges| {
        let capture = traffic.capture(exchanges);
        (instructions(&capture.pcap(), records), capture.frames().len() as u64)
    });
    (long - short) / (many - few)
}

/// Instructions that the replay of a capture file takes, from the start of the process to its end.
pub(crate) fn instructions(pcap: &[u8], records: Records) -> u64 {
    let path = std::env::temp_dir().join(format!(
        "tagout-instructions-{}-{:?}.pcap",
        std::process::id(),
        std::thread::current().id()
    ));
    std::fs::write(&path, pcap).expect("a capture can be written");
    let counted = count(&path, records);
    std::fs::remove_file(&path).expect("the capture is there");
    counted
}

fn count(capture: &Path, records: Records) -> u64 {
    let mut command = Command::new("valgrind");
    command.args(["--tool=callgrind", "--callgrind-out-file=/dev/null"]).arg(binary::tagout());
    command.args(["replay", "--quiet"]).arg(capture);
    if matches!(records, Records::All) {
        command.args(["--events", "/dev/null"]);
    }
    let output = command.stdin(Stdio::null()).output().expect("valgrind can be run");
    let report = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "the replay under callgrind failed:\n{report}");
    let counted = report.lines().find_map(|line| line.split_once("Collected :")).map(|(_, count)| count.trim());
    counted.and_then(|count| count.parse().ok()).unwrap_or_else(|| panic!("callgrind tells no count:\n{report}"))
}
