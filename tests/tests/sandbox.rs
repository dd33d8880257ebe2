//! What the daemon cannot do once it watches, each thing tried, inside the sandbox and outside of it.

use std::io::{BufRead as _, BufReader, Read as _};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use std::{fs, thread};

use rustix::process::{Pid, Signal, kill_process};
use tagout_tests::binary;
use tagout_tests::namespace::Namespace;

const PATIENCE: Duration = Duration::from_secs(20);
const DENIED: [&str; 2] = ["1", "13"];

/// What it needs.
const GRANTED: [&str; 6] =
    ["read-granted", "write-granted", "append-open", "connect-granted", "start-thread", "attach-anew"];

/// What puts a frame on the wire, or gets a descriptor that could.
const TRANSMITTING: [&str; 22] = [
    "write",
    "writev",
    "pwritev2",
    "send",
    "sendto",
    "sendmsg",
    "sendmmsg",
    "sendfile",
    "splice",
    "send-ring",
    "copy-then-write",
    "dup",
    "dup3",
    "pass-descriptor",
    "packet-socket",
    "cooked-socket",
    "raw-ip-socket",
    "xdp-socket",
    "choose-interface",
    "uring",
    "transmit-from-thread",
    "take-descriptor",
];

const FORBIDDEN: [&str; 28] = [
    "connect-elsewhere",
    "listen",
    "datagram",
    "unix-socket",
    "kill",
    "execute",
    "execute-in-place",
    "fork",
    "ptrace",
    "read-memory",
    "read-shadow",
    "read-own-folder",
    "write-elsewhere",
    "write-where-it-reads",
    "move-out",
    "link-in",
    "list-root",
    "mount",
    "bpf",
    "perf",
    "unshare",
    "change-root",
    "load-module",
    "set-user",
    "set-host-name",
    "raise-limit",
    "execute-memory",
    "user-faults",
];

/// A network namespace with a mirror port, and the port's peer.
struct Mirror(Namespace);

impl Mirror {
    /// Builds it, unless the system does not let.
    fn build(purpose: &str) -> Option<Self> {
        let build = || {
            let namespace = Namespace::add(purpose)?;
            namespace.silence()?;
            namespace.ip(&["link", "set", "lo", "up"])?;
            namespace.ip(&["link", "add", "mirror", "type", "veth", "peer", "name", "peer"])?;
            namespace.ip(&["link", "set", "mirror", "up"])?;
            namespace.ip(&["link", "set", "peer", "up"])?;
            Ok::<_, String>(Self(namespace))
        };
        build().inspect_err(|reason| println!("skipped: no network namespaces here: {reason}")).ok()
    }

    /// Frames that were put onto the mirror port.
    fn transmitted(&self) -> u64 {
        let shown = self.0.ip(&["-json", "-statistics", "link", "show", "peer"]).expect("the port exists");
        let shown: serde_json::Value = serde_json::from_str(&shown).expect("ip prints JSON");
        shown[0]["stats64"]["rx"]["packets"].as_u64().expect("ip tells statistics")
    }
}

/// Where things are tried.
struct Place {
    mirror: Mirror,
    folder: tempfile::TempDir,
    port: u16,
    /// Both are there to be connected to; the sandbox grants the second.
    _listeners: [TcpListener; 2],
}

impl Place {
    fn build() -> Option<Self> {
        let mirror = Mirror::build("confined")?;
        let folder = tempfile::tempdir().expect("a folder");
        fs::create_dir(folder.path().join("read")).expect("a folder");
        fs::write(folder.path().join("read/policy.toml"), "").expect("a file");
        let (port, listeners) = mirror.0.inside(neighbours);
        Some(Self { mirror, folder, port, _listeners: listeners })
    }

    /// What comes of an attempt.
    fn attempt(&self, mode: &str, attempt: &str) -> String {
        let mut confined = Command::new(env!("CARGO_BIN_EXE_confined"));
        confined.args([mode, "mirror"]).arg(self.folder.path()).args([&self.port.to_string(), attempt]);
        let output = self.mirror.0.inside(|| confined.output()).expect("it can be run");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{attempt} with {mode} ended with {}: {said}", output.status);
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }
}

/// Listeners on two ports of which one follows the other.
fn neighbours() -> (u16, [TcpListener; 2]) {
    let listen = |port| TcpListener::bind(("127.0.0.1", port));
    let pair = (20_000..).find_map(|port| Some((port + 1, [listen(port).ok()?, listen(port + 1).ok()?])));
    pair.expect("ports are free in a namespace of its own")
}

#[test]
fn what_the_daemon_does_not_need_is_denied() {
    let Some(place) = Place::build() else { return };
    for attempt in GRANTED {
        assert_eq!(place.attempt("required", attempt), "done", "{attempt}");
    }
    for attempt in TRANSMITTING.into_iter().chain(FORBIDDEN) {
        let inside = place.attempt("required", attempt);
        assert!(DENIED.contains(&inside.as_str()), "{attempt} is not denied: {inside}");
    }
    assert_eq!(place.mirror.transmitted(), 0, "nothing is put onto the mirror port");
    for attempt in TRANSMITTING.into_iter().chain(FORBIDDEN) {
        let outside = place.attempt("off", attempt);
        assert!(!DENIED.contains(&outside.as_str()), "{attempt} is denied without the sandbox too, and proves nothing");
    }
    let transmitted = place.mirror.transmitted();
    assert!(transmitted >= 9, "outside every way to transmit works: {transmitted} frames");
}

/// A daemon at the mirror port; it is killed with the value if nothing stopped it before.
struct Daemon(Child);

impl Daemon {
    /// Starts one with every output that there is, with all privileges or with what the service manager gives it.
    fn start(mirror: &Mirror, folder: &Path, collector: u16, is_service: bool) -> Self {
        let demo = demo();
        let config = folder.join("tagout.toml");
        fs::write(&config, "[store]\npath = \"store/tagout.redb\"\n[output]\nheartbeat_s = 0\n")
            .expect("a configuration");
        let mut tagout = Command::new(if is_service { Path::new("setpriv") } else { binary::tagout() });
        if is_service {
            tagout.args(["--bounding-set", "-all,+net_raw", "--no-new-privs"]).arg(binary::tagout());
        }
        tagout
            .args([
                "-v",
                "run",
                "--interface",
                "mirror",
                "--modbus-port",
                "15020",
                "--quiet",
                "--sandbox",
                "required",
                "--config",
            ])
            .arg(&config)
            .arg("--policy")
            .arg(demo.join("policy.toml"))
            .args(["--syslog", &format!("tcp://localhost:{collector}"), "--alerts"])
            .arg(folder.join("alerts.jsonl"))
            .arg("--evidence")
            .arg(folder.join("evidence"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        Self(mirror.0.inside(|| tagout.spawn()).expect("tagout can be run"))
    }

    /// What it logs up to the line with this text.
    fn log_until(&mut self, text: &str) -> String {
        let mut log = String::new();
        let mut lines = BufReader::new(self.0.stderr.as_mut().expect("it is piped"));
        while !log.contains(text) {
            assert_ne!(lines.read_line(&mut log).expect("a log"), 0, "it ended without `{text}`: {log}");
        }
        log
    }

    /// Values of a field in the status of each of its threads.
    fn status(&self, field: &str) -> Vec<String> {
        let threads = fs::read_dir(format!("/proc/{}/task", self.0.id())).expect("it is running");
        let texts = threads.flatten().map(|thread| fs::read_to_string(thread.path().join("status")).expect("a status"));
        let values = texts.map(|text| {
            let line = text.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':').map(str::trim));
            line.unwrap_or_default().to_owned()
        });
        values.collect()
    }

    fn stop(mut self) {
        kill_process(Pid::from_child(&self.0), Signal::TERM).expect("tagout is running");
        wait_until("it ends", || self.0.try_wait().expect("a child can be asked").is_some());
        assert!(self.0.wait().expect("it has ended").success());
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn demo() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("demo")
}

fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < deadline, "{what}: not within {PATIENCE:?}");
        thread::sleep(Duration::from_millis(20));
    }
}

/// Has the demo's packets come in at the mirror port.
fn play(mirror: &Mirror) {
    let mut capture = pcap::Capture::from_file(demo().join("recorded.pcap")).expect("a capture");
    mirror.0.inside(move || {
        let mut port =
            pcap::Capture::from_device("peer").and_then(pcap::Capture::open).expect("who adds namespaces may send");
        while let Ok(packet) = capture.next_packet() {
            port.sendpacket(packet.data).expect("the port is up");
        }
    });
}

/// `tagout alerts --follow` at the daemon's store, which writes to a file; it is killed with the value.
struct Follower(Child);

impl Follower {
    fn start(folder: &Path) -> Self {
        let followed = fs::File::create(folder.join("followed")).expect("a file");
        let mut tagout = Command::new(binary::tagout());
        tagout.args(["alerts", "--follow", "--json", "--store"]).arg(folder.join("store/tagout.redb"));
        Self(tagout.stdout(followed).spawn().expect("tagout can be run"))
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// What a command reads out of the daemon's store; nothing while there is none.
fn stored(folder: &Path, command: &str) -> String {
    let mut tagout = Command::new(binary::tagout());
    tagout.args([command, "--json", "--store"]).arg(folder.join("store/tagout.redb"));
    String::from_utf8(tagout.output().expect("tagout can be run").stdout).expect("text")
}

#[test]
fn a_running_daemon_has_given_up_everything_and_does_its_work() {
    run_and_look(false, "0000000000000000");
}

#[test]
fn a_daemon_that_begins_with_one_capability_does_its_work_too() {
    // It may not take it out of the bounding set, and cannot get it any more.
    run_and_look(true, "0000000000002000");
}

fn run_and_look(is_service: bool, bounding: &str) {
    let Some(mirror) = Mirror::build(if is_service { "service" } else { "daemon" }) else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let (port, [_, collector]) = mirror.0.inside(neighbours);
    let mut daemon = Daemon::start(&mirror, folder.path(), port, is_service);
    let log = daemon.log_until("watching");
    assert!(log.contains("sandbox: in force: every thread, no capabilities, files, TCP ports"), "{log}");
    let _follower = Follower::start(folder.path());
    play(&mirror);
    let alerts = || fs::read_to_string(folder.path().join("alerts.jsonl")).unwrap_or_default().lines().count();
    wait_until("alerts", || alerts() > 5);
    let threads = daemon.status("Name").len();
    assert!(threads >= 3, "it captures, sends and keeps evidence from threads: {threads}");
    for (field, expected) in [
        ("CapEff", "0000000000000000"),
        ("CapPrm", "0000000000000000"),
        ("CapInh", "0000000000000000"),
        ("CapBnd", bounding),
        ("CapAmb", "0000000000000000"),
        ("NoNewPrivs", "1"),
        ("Seccomp", "2"),
    ] {
        assert_eq!(daemon.status(field), vec![expected; threads], "{field}");
    }
    wait_until("the device in the store, beside the daemon", || stored(folder.path(), "devices").contains("\"tank\""));
    let followed = || fs::read_to_string(folder.path().join("followed")).unwrap_or_default().lines().count();
    wait_until("every alert at who follows the store", || followed() == alerts());
    let (mut stream, _) = collector.accept().expect("the collector is connected to");
    daemon.stop();
    let mut sent = String::new();
    stream.read_to_string(&mut sent).expect("messages");
    assert_eq!(sent.matches("CEF:0|").count(), alerts(), "the collector has every alert");
    let evidence = fs::read_dir(folder.path().join("evidence")).expect("a folder").count();
    assert!(evidence > 0, "evidence is kept");
    assert_eq!(stored(folder.path(), "alerts").lines().count(), alerts(), "the store has every alert");
    assert_eq!(mirror.transmitted(), 0, "tagout transmits nothing");
}
