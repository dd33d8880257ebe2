//! The firmware's image on an emulated board says of every alert what the daemon says, byte for byte.
//!
//! `make test` names the image in `TAGOUT_FIRMWARE`, one with small tables in `TAGOUT_FIRMWARE_SMALL`, and in `TAGOUT_JUDGE_SMALL`
//! what that one is held to.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use tagout_core::Counter;
use tagout_core::engine::Policy;
use tagout_firmware::{Capture, Tables, judge};
use tagout_tests::case::Case;
use tagout_tests::plant::{Lan, Protocol};
use tagout_tests::{binary, corpus};

/// Where the image expects policy and capture: see `firmware/src/bin/mps2_an386.rs`.
const POLICY: u32 = 0x0020_0000;
const CAPTURE: u32 = 0x2100_0000;
/// What the board has room for there.
const CAPTURE_MAX: usize = 16 << 20;
const TIME_LIMIT_S: &str = "120";
/// The longest recorded capture that is judged, in bytes.
const RECORDED_MAX: u64 = 256 * 1024;
/// What counts what was given up because a table was full.
const GIVEN_UP: [Counter; 8] = [
    Counter::FragmentsLost,
    Counter::FlowsEvicted,
    Counter::SegmentsLost,
    Counter::Dnp3SegmentsLost,
    Counter::ExchangesEvicted,
    Counter::RuleFiringsLost,
    Counter::Forgotten,
    Counter::AlertsForgotten,
];

#[test]
fn the_firmware_raises_the_alerts_of_the_daemon() {
    let Some(stage) = Stage::build("cases", "TAGOUT_FIRMWARE") else { return };
    let mut judged = 0;
    for (name, capture) in captures(&cases()) {
        let daemon = stage.daemon(&capture);
        assert_eq!(alerts(&stage.firmware(&capture)), daemon, "{name}");
        judged += daemon.len();
    }
    assert!(judged > 0, "no case raised an alert");
    println!("{judged} alerts, the same from both");
}

/// Recorded captures, also those that need more room than the board's tables have: what is given up for want of it is the same
/// on the board and in a build for this machine with tables of that size. The daemon has more room, so that it is asked of
/// those only that fit.
#[test]
fn the_firmware_says_of_recorded_captures_what_a_host_says() {
    let Some(directory) = corpus::directory() else {
        println!("skipped: there are no captures in shared/captures");
        return;
    };
    let Some(stage) = Stage::build("recorded", "TAGOUT_FIRMWARE") else { return };
    let (mut told, mut compared) = (0, [0, 0]);
    for (name, capture) in recorded(&directory) {
        let host = stage.host(&capture);
        assert_eq!(stage.firmware(&capture), host, "{name}");
        let fits = given_up(&host).is_empty();
        if fits {
            assert_eq!(stage.daemon(&capture), alerts(&host), "{name}: nothing counts what differs");
        }
        told += alerts(&host).len();
        compared[usize::from(fits)] += 1;
    }
    let [beyond, within] = compared;
    println!("{told} alerts of {within} captures that fit the board's tables and {beyond} that do not");
}

/// With tables that little traffic fits, what is lost is the same on the board and on this machine, and counted.
#[test]
fn firmware_with_small_tables_loses_what_a_host_with_such_tables_loses_and_counts_it() {
    let (Some(directory), Some(program)) = (corpus::directory(), env::var_os("TAGOUT_JUDGE_SMALL")) else {
        println!("skipped: there are no captures in shared/captures, or TAGOUT_JUDGE_SMALL names no program");
        return;
    };
    let Some(stage) = Stage::build("small", "TAGOUT_FIRMWARE_SMALL") else { return };
    let mut lost = BTreeSet::new();
    for (name, capture) in recorded(&directory).step_by(8).chain(captures(&cases()).step_by(40)) {
        fs::write(&stage.capture, &capture).expect("a capture to judge");
        let host = lines(&run(Command::new(&program).arg(&stage.policy).arg(&stage.capture)));
        assert_eq!(stage.firmware(&capture), host, "{name}");
        let given_up = given_up(&host);
        assert!(
            !given_up.is_empty() || alerts(&host) == stage.daemon(&capture),
            "{name} differs and nothing was counted"
        );
        lost.extend(given_up);
    }
    println!("given up by small tables, and counted: {}", lost.iter().copied().collect::<Vec<_>>().join(", "));
    for counter in [Counter::FlowsEvicted, Counter::ExchangesEvicted, Counter::Forgotten, Counter::AlertsForgotten] {
        assert!(lost.contains(counter.name()), "nothing exceeds the small tables of {}", counter.name());
    }
}

/// Those lines that tell of alerts; the others count.
fn alerts(lines: &[String]) -> Vec<String> {
    lines.iter().filter(|line| line.starts_with("CEF:")).cloned().collect()
}

/// The names of the counters that tell what was given up.
fn given_up(lines: &[String]) -> Vec<&'static str> {
    let counted = |counter: &Counter| lines.iter().any(|line| line.split('=').next() == Some(counter.name()));
    GIVEN_UP.iter().filter(|counter| counted(counter)).map(|counter| counter.name()).collect()
}

/// Classic captures that take the emulated board no more than seconds each.
fn recorded(directory: &Path) -> impl Iterator<Item = (String, Vec<u8>)> {
    let mut files: Vec<_> = fs::read_dir(directory).expect("captures can be listed").flatten().collect();
    files.sort_by_key(fs::DirEntry::file_name);
    files
        .into_iter()
        .filter(|file| file.metadata().is_ok_and(|about| about.is_file() && about.len() < RECORDED_MAX))
        .map(|file| (file.file_name().display().to_string(), fs::read(file.path()).expect("a capture can be read")))
        .filter(|(_, capture)| Capture::new(capture).is_some())
}

/// The disturbances, and their policy.
fn cases() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("cases/disturbances")
}

/// The image, the policy of the disturbances for it, and where captures are put.
struct Stage {
    image: PathBuf,
    policy: PathBuf,
    capture: PathBuf,
}

impl Stage {
    /// A stage of this name for the image that a variable names; `None` where it names none or none can be run, which it says.
    fn build(name: &str, variable: &str) -> Option<Self> {
        let Some(image) = env::var_os(variable).map(PathBuf::from) else {
            println!("skipped: {variable} names no image (`make firmware` builds one)");
            return None;
        };
        if Command::new("qemu-system-arm").arg("--version").output().is_err() {
            println!("skipped: no qemu-system-arm (`tests/setup.sh test` installs it)");
            return None;
        }
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("parity").join(name);
        fs::create_dir_all(&folder).expect("a folder to work in");
        let policy = folder.join("policy.image");
        let compile = ["compile".into(), cases().join("policy.toml"), "--output".into(), policy.clone()];
        run(Command::new(binary::tagout()).args(compile));
        Some(Self { image, policy, capture: folder.join("capture.pcap") })
    }

    /// What the daemon says of the alerts.
    fn daemon(&self, capture: &[u8]) -> Vec<String> {
        fs::write(&self.capture, capture).expect("a capture to judge");
        let mut command = Command::new(binary::tagout());
        command.arg("replay").arg(&self.capture).arg("--policy").arg(cases().join("policy.toml"));
        lines(&run(command.args(["--quiet", "--format", "cef", "--alerts", "-"])))
    }

    /// What the image writes to its console.
    fn firmware(&self, capture: &[u8]) -> Vec<String> {
        fs::write(&self.capture, capture).expect("a capture to judge");
        let load = |file: &Path, address: u32| format!("loader,file={},addr={address:#x},force-raw=on", file.display());
        let board = ["-M", "mps2-an386", "-display", "none", "-monitor", "none", "-serial", "null", "-no-reboot"];
        lines(&run(Command::new("timeout")
            .args([TIME_LIMIT_S, "qemu-system-arm"])
            .args(board)
            .args(["-semihosting-config", "enable=on,target=native", "-kernel"])
            .arg(&self.image)
            .args(["-device", &load(&self.policy, POLICY), "-device", &load(&self.capture, CAPTURE)])))
    }

    /// What a sensor with the board's tables says on this machine.
    fn host(&self, capture: &[u8]) -> Vec<String> {
        let image = fs::read(&self.policy).expect("the policy was compiled");
        let policy = Policy::load(&image).expect("what the compiler made loads");
        let (mut tables, mut said) = (Box::new(Tables::new()), Vec::new());
        let capture = Capture::new(capture).expect("a capture");
        judge(policy, capture, &mut tables, |line| said.push(line.to_owned()));
        said
    }
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
