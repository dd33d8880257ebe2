//! What a packet costs that nobody has to declare, by how much is declared.

use std::fs;
use std::path::PathBuf;

use tagout_tests::traffic::Traffic;
use tempfile::TempDir;

use super::count::{Records, per_packet_declared};

/// Intents that are known.
pub(crate) const INTENTS: [usize; 2] = [0, 1_000];

/// The master of the traffic has to declare what it writes.
const POLICY: &str = "[actors.master]\nkind = \"ai-agent\"\nintents = \"required\"\nip = \"10.0.0.1\"\n\n\
                      [devices.plc]\nip = \"10.0.0.2\"\nunit = 1\n\n[[permits]]\nactor = \"master\"\ndevice = \"plc\"\n\
                      do = [\"read\", \"write\"]\n";

/// Instructions for one more packet of such traffic, with few and with many intents.
pub(crate) fn per_packet(traffic: &Traffic) -> [u64; 2] {
    let folder = tempfile::tempdir().expect("a folder");
    let policy = write(&folder, "policy.toml", POLICY);
    INTENTS.map(|count| {
        let lines: String = (0..count).map(intent).collect();
        let intents = write(&folder, "intents.jsonl", &lines);
        per_packet_declared(Some(&policy), Some(&intents), traffic, Records::Alerts)
    })
}

/// An intent that is known before the traffic begins, and holds as long as it goes on.
fn intent(number: usize) -> String {
    format!(
        r#"{{"received":"1970-01-01T00:00:01Z","key":"master","intent":{{"id":"{number}","actor":"master","device":"plc",
        "raw":[{{"space":"holding-register","address":{number}}}],"operation":"write","value":1,
        "not_before":"1970-01-01T00:00:00Z","expires":"2200-01-01T00:00:00Z"}}}}"#
    )
    .replace('\n', " ")
        + "\n"
}

fn write(folder: &TempDir, name: &str, text: &str) -> PathBuf {
    let path = folder.path().join(name);
    fs::write(&path, text).expect("a file can be written");
    path
}
