//! What a frame costs on a Cortex-M4: instructions of the firmware's image from the bytes of a frame to its verdict, in an
//! emulated board that counts them, and the stack that it takes.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use tagout_compiler::{SourceFile, compile, packs};

use crate::traffic::Traffic;

/// Where the image expects policy and capture: see `firmware/src/bin/mps2_an386_measure.rs`.
const POLICY: u32 = 0x0020_0000;
const CAPTURE: u32 = 0x2100_0000;
/// Nanoseconds of emulated time that an instruction takes, and those of the board's counter for a tick.
const NS_PER_INSTRUCTION: u64 = 1 << SHIFT;
const SHIFT: u32 = 10;
const NS_PER_TICK: u64 = 40;
const EXCHANGES: usize = 500;
const TIME_LIMIT_S: &str = "120";

/// Of a policy as large as a gateway's tables are made for.
const PLCS: usize = 31;
const POINTS: usize = 200;
const PERMITS: usize = 100;
const RULES: usize = 100;

/// Instructions a frame, and bytes of stack.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Cost {
    /// That half of the frames do not exceed.
    pub median: u64,
    /// That 99 of 100 frames do not exceed.
    pub p99: u64,
    /// Of the dearest frame.
    pub most: u64,
    /// Bytes of stack at the deepest.
    pub stack: u64,
}

/// What frames of such traffic cost on the image that [`measuring`] names, under a policy of a gateway's size.
///
/// # Panics
/// If the emulator or the image fails.
pub fn cost(image: &Path, traffic: &Traffic) -> Cost {
    let folder = tempfile::tempdir().expect("a folder to work in");
    let file = |name: &str| folder.path().join(name);
    let mut files = packs().to_vec();
    files.push(SourceFile::new("gateway.toml", policy()));
    let compiled = compile(&files).expect("the policy compiles");
    fs::write(file("policy.image"), compiled.image).expect("a policy to judge by");
    fs::write(file("capture.pcap"), traffic.capture(EXCHANGES).pcap()).expect("a capture to judge");
    let mut numbers = run(image, &file("policy.image"), &file("capture.pcap"));
    let stack = numbers.pop().expect("the image tells its stack");
    let mut frames: Vec<u64> = numbers.iter().map(|ticks| (ticks * NS_PER_TICK).div_ceil(NS_PER_INSTRUCTION)).collect();
    frames.sort_unstable();
    let quantile = |of_hundred: usize| frames[(frames.len() * of_hundred / 100).min(frames.len() - 1)];
    Cost { median: quantile(50), p99: quantile(99), most: quantile(100), stack }
}

/// The image that measures, which is built beside that of a gateway, if there are both it and an emulator.
pub fn measuring(gateway: &Path) -> Option<PathBuf> {
    let mut name = gateway.as_os_str().to_owned();
    name.push("-measure");
    let emulator = Command::new("qemu-system-arm").arg("--version").output();
    Some(PathBuf::from(name)).filter(|image| emulator.is_ok() && image.exists())
}

/// The numbers that the image writes.
fn run(image: &Path, policy: &Path, capture: &Path) -> Vec<u64> {
    let load = |file: &Path, address: u32| format!("loader,file={},addr={address:#x},force-raw=on", file.display());
    let output = Command::new("timeout")
        .args([TIME_LIMIT_S, "qemu-system-arm", "-M", "mps2-an386", "-icount", &format!("shift={SHIFT},sleep=off")])
        .args(["-display", "none", "-monitor", "none", "-serial", "null", "-no-reboot"])
        .args(["-semihosting-config", "enable=on,target=native", "-kernel"])
        .arg(image)
        .args(["-device", &load(policy, POLICY), "-device", &load(capture, CAPTURE)])
        .output()
        .expect("qemu-system-arm can be run");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).expect("the image writes digits");
    text.lines().map(|line| line.parse().expect("a number a line")).collect()
}

/// A policy for the traffic's master, PLC and outstation, and as much more as a gateway is made for. The traffic writes the
/// first point of a device and polls the others.
fn policy() -> String {
    let mut text = "[actors.master]\nkind = \"hmi\"\nip = \"10.0.0.1\"\n".to_owned();
    for plc in 0..PLCS {
        let host = if plc == 0 { "10.0.0.2".to_owned() } else { format!("10.0.1.{plc}") };
        let _ = writeln!(text, "[devices.plc{plc}]\nip = \"{host}\"\nunit = 1\n[devices.plc{plc}.points]");
        for point in 0..POINTS / (PLCS + 1) {
            let register = if point == 0 { 40 } else { 100 + point };
            let _ = writeln!(text, "p{point} = {{ holding-register = {register}, range = [0, 65535] }}");
        }
        permits(&mut text, &format!("plc{plc}"), "write", PERMITS / (PLCS + 1));
    }
    let _ = writeln!(text, "[devices.rtu]\nip = \"10.0.0.2\"\nlink = 10\n[devices.rtu.points]");
    for point in 0..POINTS - PLCS * (POINTS / (PLCS + 1)) {
        let _ = writeln!(text, "p{point} = {{ analog-input = {point}, range = [0, 65535] }}");
    }
    permits(&mut text, "rtu", "operate", PERMITS - PLCS * (PERMITS / (PLCS + 1)));
    for rule in 0..RULES {
        let device = if rule / (RULES / (PLCS + 1)) < PLCS { rule / (RULES / (PLCS + 1)) } else { 0 };
        let _ = writeln!(
            text,
            "[[rules]]\nsid = {}\nsignature = \"Rule {rule}\"\nseverity = \"low\"\non_action = [\"read\", \"write\"]\n\
             when = \"device == 'plc{device}' && modbus.quantity > {}\"",
            2_000_000 + rule,
            110 + rule
        );
    }
    text
}

/// So many permits of the master on a device: to read it, and to command its first point.
fn permits(text: &mut String, device: &str, command: &str, count: usize) {
    let _ = writeln!(text, "[[permits]]\nactor = \"master\"\ndevice = \"{device}\"\ndo = [\"read\"]");
    for permit in 1..count {
        let _ = writeln!(
            text,
            "[[permits]]\nactor = \"master\"\ndevice = \"{device}\"\ndo = [\"{command}\"]\npoints = [\"p0\"]\n\
             value = {{ min = 0, max = {} }}",
            60_000 + permit
        );
    }
}
