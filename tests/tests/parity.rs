//! The firmware's image on an emulated board says of every alert what the daemon says, byte for byte.
//!
//! `make test` names the image in `TAGOUT_FIRMWARE`.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use tagout_tests::binary;
use tagout_tests::case::Case;
use tagout_tests::plant::{Lan, Protocol};

/// Where the image expects policy and capture: see `firmware/src/bin/mps2_an386.rs`.
const POLICY: u32 = 0x0020_0000;
const CAPTURE: u32 = 0x2100_0000;
/// What the board has room for there.
const CAPTURE_MAX: usize = 16 << 20;
const TIME_LIMIT_S: &str = "120";

#[test]
fn the_firmware_raises_the_alerts_of_the_daemon() {
    let Some(image) = env::var_os("TAGOUT_FIRMWARE").map(PathBuf::from) else {
        println!("skipped: TAGOUT_FIRMWARE names no image (`make firmware` builds one)");
        return;
    };
    if Command::new("qemu-system-arm").arg("--version").output().is_err() {
        println!("skipped: no qemu-system-arm (`tests/setup.sh test` installs it)");
        return;
    }
    let stage = Path::new(env!("CARGO_TARGET_TMPDIR")).join("parity");
    fs::create_dir_all(&stage).expect("a folder to work in");
    let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join("cases/disturbances");
    let policy = cases.join("policy.toml");
    let policy_image = stage.join("policy.image");
    run(Command::new(binary::tagout()).arg("compile").arg(&policy).arg("--output").arg(&policy_image));
    let mut judged = 0;
    for (name, capture) in captures(&cases) {
        let file = stage.join("capture.pcap");
        fs::write(&file, capture).expect("a capture to judge");
        let daemon = daemon(&file, &policy);
        assert_eq!(firmware(&image, &policy_image, &file), daemon, "{name}");
        judged += daemon.len();
    }
    assert!(judged > 0, "no case raised an alert");
    println!("{judged} alerts, the same from both");
}

/// Every case that needs no port of its own and that the board has room for, once for each protocol.
fn captures(folder: &Path) -> impl Iterator<Item = (String, Vec<u8>)> {
    let files = fs::read_dir(folder).expect("the cases are there").map(|entry| entry.expect("a file").path());
    files.filter(|file| file.file_name().is_some_and(|name| name != "policy.toml")).flat_map(|file| {
        let text = fs::read_to_string(&file).expect("a case can be read");
        let case = Case::parse(&text).expect("a case");
        let scenes =
            case.protocols.clone().into_iter().map(move |protocol| (protocol, case.build(protocol, Lan::ALL[0])));
        scenes
            .filter(|(protocol, scene)| scene.port == usual_port(*protocol))
            .map(move |(protocol, scene)| (format!("{}::{}", file.display(), protocol.name()), scene.capture.pcap()))
            .filter(|(_, capture)| capture.len() < CAPTURE_MAX)
            .collect::<Vec<_>>()
    })
}

const fn usual_port(protocol: Protocol) -> u16 {
    match protocol {
        Protocol::Modbus => 502,
        Protocol::Dnp3 => 20_000,
    }
}

/// What the daemon says of the alerts.
fn daemon(capture: &Path, policy: &Path) -> Vec<String> {
    let mut command = Command::new(binary::tagout());
    command.arg("replay").arg(capture).arg("--policy").arg(policy);
    lines(&run(command.args(["--quiet", "--format", "cef", "--alerts", "-"])))
}

/// What the image writes to its console.
fn firmware(image: &Path, policy: &Path, capture: &Path) -> Vec<String> {
    let load = |file: &Path, address: u32| format!("loader,file={},addr={address:#x},force-raw=on", file.display());
    let board = ["-M", "mps2-an386", "-display", "none", "-monitor", "none", "-serial", "null", "-no-reboot"];
    lines(&run(Command::new("timeout")
        .args([TIME_LIMIT_S, "qemu-system-arm"])
        .args(board)
        .args(["-semihosting-config", "enable=on,target=native", "-kernel"])
        .arg(image)
        .args(["-device", &load(policy, POLICY), "-device", &load(capture, CAPTURE)])))
}

fn lines(text: &str) -> Vec<String> {
    text.lines().map(str::to_owned).collect()
}

/// What a command writes; it has to succeed.
fn run(command: &mut Command) -> String {
    let output = command.output().expect("the command can be run");
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?} ended with {}: {complaint}", output.status);
    String::from_utf8(output.stdout).expect("the command writes text")
}
