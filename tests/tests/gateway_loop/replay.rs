//! What the daemon says of a capture, and the capture as a mirror port with timestamps brings it.

use std::path::Path;
use std::process::Command;
use std::{env, fs};

use tagout_tests::binary;
use tagout_tests::case::Case;
use tagout_tests::generate::{Capture, Captured};
use tagout_tests::plant::{Lan, Protocol};

/// Twice as long as anything waits.
const LATER_US: u64 = 2 * 3_600 * 1_000_000;

/// A case of the disturbances as a capture, with a frame behind it that comes so much later that everything is closed.
pub(crate) fn capture(case: &str, protocol: Protocol) -> Capture {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("cases/disturbances").join(case);
    let text = fs::read_to_string(&file).expect("a case can be read");
    let mut capture = Case::parse(&text).expect("a case").build(protocol, Lan::Ipv4).capture;
    let mut frame = vec![0; 60];
    frame[12..14].copy_from_slice(&[0x88, 0xb5]);
    capture.add_frame(LATER_US, frame);
    capture
}

/// Each case of the disturbances with each of its protocols.
pub(crate) fn captures() -> impl Iterator<Item = (String, Capture)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("cases/disturbances");
    let mut files: Vec<_> = fs::read_dir(folder)
        .expect("the cases are there")
        .map(|entry| entry.expect("a file").file_name().into_string().expect("a name"))
        .filter(|name| name != "policy.toml")
        .collect();
    files.sort();
    files.into_iter().flat_map(|name| Protocol::ALL.map(|protocol| (name.clone(), protocol))).filter_map(case_of)
}

fn case_of((name, protocol): (String, Protocol)) -> Option<(String, Capture)> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("cases/disturbances").join(&name);
    let case = Case::parse(&fs::read_to_string(file).expect("a case can be read")).expect("a case");
    let usual = case.protocols.contains(&protocol) && case.build(protocol, Lan::Ipv4).port == protocol.default_port();
    let whole = |captured: &Capture| captured.frames().iter().all(|frame| frame.bytes.len() == frame.wire_len as usize);
    let named = || (format!("{name}::{}", protocol.name()), capture(&name, protocol));
    usual.then(named).filter(|(_, capture)| whole(capture))
}

/// The image of the disturbances' policy.
pub(crate) fn image() -> Vec<u8> {
    image_of(&policy())
}

/// The image of a policy, with the packs that the daemon adds.
pub(crate) fn image_of(policy: &Path) -> Vec<u8> {
    let image = tempfile::NamedTempFile::new_in(env!("CARGO_TARGET_TMPDIR")).expect("a file to write to");
    let mut command = Command::new(binary::tagout());
    let output = command.arg("compile").arg(policy).arg("--output").arg(image.path()).output();
    assert!(output.expect("tagout can be run").status.success());
    fs::read(image.path()).expect("the image was written")
}

/// What the daemon says of the alerts that it raises by the disturbances' policy, in order: CEF.
pub(crate) fn alerts(capture: &Capture) -> Vec<String> {
    alerts_by(&policy(), capture)
}

/// The same by another policy.
pub(crate) fn alerts_by(policy: &Path, capture: &Capture) -> Vec<String> {
    let file = tempfile::Builder::new().suffix(".pcap").tempfile_in(env!("CARGO_TARGET_TMPDIR")).expect("a file");
    fs::write(file.path(), capture.pcap()).expect("a capture to judge");
    let mut command = Command::new(binary::tagout());
    command
        .arg("replay")
        .arg(file.path())
        .arg("--policy")
        .arg(policy)
        .args(["--quiet", "--format", "cef", "--alerts", "-"]);
    let output = command.output().expect("tagout can be run");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).expect("records are text");
    text.lines().map(str::to_owned).collect()
}

pub(crate) fn policy() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("cases/disturbances/policy.toml")
}

/// A frame as Arista's switches send it on: with the time of its capture behind the addresses.
pub(crate) fn timestamped(frame: &Captured) -> Vec<u8> {
    let seconds = (frame.time_ns / 1_000_000_000) as u32;
    let ns = (frame.time_ns % 1_000_000_000) as u32;
    let header = [&[0xd2, 0x8b, 0, 1, 1, 0x10][..], &seconds.to_be_bytes(), &ns.to_be_bytes()].concat();
    [&frame.bytes[..12], &header, &frame.bytes[12..]].concat()
}
