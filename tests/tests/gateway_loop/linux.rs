//! The daemon itself on an emulated gateway with a Cortex-A: under Debian's kernel it captures from the second interface and
//! sends syslog from the first.
//!
//! `make test-gateway-linux` names the unpacked kernel package in `TAGOUT_LINUX_KERNEL`, and in `TAGOUT_LINUX_PROGRAMS` the
//! folder with `tagout` and `guest`.

mod initramfs;
mod traffic;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};
use std::{env, fs};

use tagout_tests::binary;
use tagout_tests::generate::Capture;

use self::initramfs::Initramfs;
use crate::host::{Host, SYSLOG_TCP, SYSLOG_UDP};
use crate::machine::{Cable, Emulator};
use crate::replay;

/// What the daemon needs to reach the emulated machine's Ethernet controllers, in this order.
const MODULES: [&str; 6] = [
    "virtio/virtio_ring",
    "virtio/virtio",
    "virtio/virtio_mmio",
    "../net/core/failover",
    "net/net_failover",
    "net/virtio_net",
];
const COMMAND_LINE: &str = "console=ttyAMA0 quiet ipv6.disable=1 panic=-1";
/// Hosts that take syslog over TCP and over UDP.
const COLLECTORS: [u8; 2] = [9, 10];
/// Between two frames at most.
const LONGEST_GAP: Duration = Duration::from_millis(5);
const PATIENCE: Duration = Duration::from_secs(60);
const TIME_LIMIT_S: u32 = 170;

struct Gateway {
    _qemu: Emulator,
    management: Cable,
    tap: Cable,
    folder: tempfile::TempDir,
    hosts: Vec<Host>,
    /// Messages that each host got so far.
    messages: Vec<Vec<String>>,
    began: Instant,
}

impl Gateway {
    fn start(kernel: &Path, programs: &Path) -> Self {
        let folder = tempfile::tempdir().expect("a folder to work in");
        let [management, tap] = ["management", "tap"].map(|name| Cable::new(folder.path(), name));
        let file = |name: &str| folder.path().join(name);
        fs::write(file("initramfs"), initramfs(kernel, programs)).expect("an initramfs");
        let qemu = Emulator::start("qemu-system-aarch64", TIME_LIMIT_S, |qemu| {
            qemu.args(["-M", "virt", "-cpu", "cortex-a53", "-m", "512", "-no-reboot", "-append", COMMAND_LINE]);
            qemu.arg("-kernel").arg(image(kernel)).arg("-initrd").arg(file("initramfs"));
            qemu.args(["-serial", &format!("file:{}", file("console").display())]);
            // The controller that is named last is the first that Linux finds.
            for (cable, id) in [(&tap, "n1"), (&management, "n0")] {
                let device = format!("virtio-net-device,netdev={id}");
                qemu.args(["-netdev", &cable.netdev(id), "-device", &device]);
            }
        });
        let hosts = COLLECTORS.map(Host::new).into();
        let messages = COLLECTORS.map(|_| Vec::new()).into();
        Self { _qemu: qemu, management, tap, folder, hosts, messages, began: Instant::now() }
    }

    /// Lets frames travel between the gateway and its collectors until `is_done`.
    fn wait(&mut self, what: &str, mut is_done: impl FnMut(&Self) -> bool) {
        let began = Instant::now();
        while !is_done(self) {
            assert!(began.elapsed() < PATIENCE, "the gateway does not come to {what}:\n{}", self.console());
            self.travel();
        }
    }

    fn travel(&mut self) {
        while let Some(frame) = self.management.take() {
            self.hosts.iter_mut().for_each(|host| host.take(&frame));
        }
        let now = self.began.elapsed().as_nanos() as u64;
        for (host, messages) in self.hosts.iter_mut().zip(&mut self.messages) {
            host.poll(now);
            host.send().iter().for_each(|frame| self.management.put(frame));
            messages.extend(host.messages());
        }
    }

    /// Puts the frames of a capture on the tap, at its pace.
    fn mirror(&mut self, capture: &Capture) {
        let began = Instant::now();
        let first = capture.frames().first().map_or(0, |frame| frame.time_ns);
        for frame in capture.frames() {
            let due = Duration::from_nanos(frame.time_ns - first);
            while began.elapsed() < due {
                self.travel();
            }
            self.tap.put(&frame.bytes);
        }
    }

    fn console(&self) -> String {
        fs::read(self.folder.path().join("console"))
            .map_or_else(|error| format!("no console: {error}"), |bytes| String::from_utf8_lossy(&bytes).into_owned())
    }
}

/// The kernel of an unpacked package.
fn image(kernel: &Path) -> PathBuf {
    entry(&kernel.join("boot"), "vmlinuz-")
}

/// The entry of a folder whose name begins like this.
fn entry(folder: &Path, start: &str) -> PathBuf {
    let entries = fs::read_dir(folder).expect("a folder of the kernel's package").flatten();
    let mut found = entries.filter(|entry| entry.file_name().to_string_lossy().starts_with(start));
    found.next().expect("a kernel's package has it").path()
}

/// What the machine has for a disk.
fn initramfs(kernel: &Path, programs: &Path) -> Vec<u8> {
    let read = |path: &Path| fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let modules = entry(&kernel.join("lib/modules"), "").join("kernel/drivers");
    let mut files = Initramfs::new(&["proc", "sys", "dev", "modules"]);
    files.add("init", 0o755, &read(&programs.join("guest")));
    files.add("tagout", 0o755, &read(&programs.join("tagout")));
    files.add("policy.toml", 0o644, &read(&replay::policy()));
    files.add("tagout.toml", 0o644, configuration().as_bytes());
    for (number, module) in MODULES.iter().enumerate() {
        files.add(&format!("modules/{number}.ko"), 0o644, &read(&modules.join(module).with_extension("ko")));
    }
    files.finish()
}

fn configuration() -> String {
    let [stream, datagrams] = COLLECTORS.map(|number| Host::new(number).ip);
    format!(
        "[capture]\ninterface = \"eth1\"\nsource = \"af-packet\"\nbuffer_mib = 8\n[policy]\nfiles = [\"policy.toml\"]\n\
         [output]\nfold_interval_s = 0\nsyslog = [\"tcp://{stream}:{SYSLOG_TCP}\", \"udp://{datagrams}:{SYSLOG_UDP}\"]\n"
    )
}

/// The alerts that the daemon raises over a capture as a file, as lines of CEF.
fn replayed(capture: &Capture) -> Vec<String> {
    let file = tempfile::Builder::new().suffix(".pcap").tempfile_in(env!("CARGO_TARGET_TMPDIR")).expect("a file");
    fs::write(file.path(), capture.pcap()).expect("a capture to judge");
    let mut command = Command::new(binary::tagout());
    let policy = replay::policy();
    // The policy's name is part of the lines, and has no folder in the gateway.
    let (folder, name) = (policy.parent().expect("a folder"), policy.file_name().expect("a file"));
    command.current_dir(folder).arg("replay").arg(file.path()).arg("--policy").arg(name);
    let output = command.args(["--quiet", "--every-alert", "--format", "cef", "--alerts", "-"]).output();
    let output = output.expect("tagout can be run");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).expect("lines are text");
    text.lines().map(without_times).collect()
}

/// A line without its time, and without the identities that follow from it.
fn without_times(line: &str) -> String {
    let changes = |field: &&str| ["rt=", "externalId=", "cs6="].iter().any(|key| field.starts_with(key));
    let kept = line.split([' ', '|']).filter(|field| !changes(field));
    kept.collect::<Vec<_>>().join(" ")
}

/// The text of the message with this number; it must have it.
fn text((number, message): (usize, &String)) -> String {
    let id = format!(" tagout - alert [meta sequenceId=\"{number}\"] ");
    let (header, text) = message.split_once(&id).unwrap_or_else(|| panic!("not number {number}: {message}"));
    assert!(header.contains(" gateway-a"), "{message}");
    without_times(text.trim_start_matches('\u{feff}'))
}

/// Where `make test-gateway-linux` puts something.
fn named(variable: &str) -> Option<PathBuf> {
    let value = env::var_os(variable).map(PathBuf::from);
    if value.is_none() {
        println!("skipped: {variable} is not set (`make test-gateway-linux` sets it)");
    }
    value
}

#[test]
fn an_emulated_linux_gateway_sends_the_alerts_of_the_daemon() {
    let (Some(kernel), Some(programs)) = (named("TAGOUT_LINUX_KERNEL"), named("TAGOUT_LINUX_PROGRAMS")) else { return };
    let capture = traffic::capture(LONGEST_GAP);
    let expected = replayed(&capture);
    assert!(expected.len() > 8, "{expected:#?}");
    let mut gateway = Gateway::start(&kernel, &programs);
    gateway.wait("capturing", |gateway| gateway.console().contains("watching eth1"));
    let booted = gateway.began.elapsed();
    gateway.mirror(&capture);
    gateway.wait("sending every alert", |gateway| gateway.messages.iter().all(|got| got.len() >= expected.len()));
    for messages in &gateway.messages {
        let got: Vec<_> = (1..).zip(messages).map(text).collect();
        let differs = got.iter().zip(&expected).find(|(got, expected)| got != expected);
        assert_eq!((differs, got.len()), (None, expected.len()), "{}", gateway.console());
    }
    assert_eq!(gateway.tap.take(), None, "tagout transmits nothing");
    let frames = capture.frames().len();
    println!("{} alerts of {frames} frames, the same over TCP and UDP; captured after {booted:?}", expected.len());
}
