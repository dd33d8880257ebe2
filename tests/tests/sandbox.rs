//! What the daemon cannot do once it watches, each thing tried, inside the sandbox and outside of it.

use std::io::{BufRead as _, BufReader, Read as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::time::{Duration, Instant};
use std::{fs, thread};

use rustix::process::{Pid, Signal, kill_process};
use tagout_tests::binary;
use tagout_tests::mirror::Mirror;

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

/// The port that is mirrored to.
const PORT: &str = "mirror";

/// A sensor with that port, unless the system does not let.
fn mirror(purpose: &str) -> Option<Mirror> {
    let mirror = Mirror::of_test(purpose)?;
    mirror.plug_in(PORT);
    Some(mirror)
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
        let mirror = mirror("confined")?;
        let folder = tempfile::tempdir().expect("a folder");
        fs::create_dir(folder.path().join("read")).expect("a folder");
        fs::write(folder.path().join("read/policy.toml"), "").expect("a file");
        let (port, listeners) = mirror.in_sensor(neighbours);
        Some(Self { mirror, folder, port, _listeners: listeners })
    }

    /// What comes of an attempt.
    fn attempt(&self, mode: &str, attempt: &str) -> String {
        let mut confined = Command::new(env!("CARGO_BIN_EXE_confined"));
        confined.args([mode, PORT]).arg(self.folder.path()).args([&self.port.to_string(), attempt]);
        let output = self.mirror.in_sensor(|| confined.output()).expect("it can be run");
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
    assert_eq!(place.mirror.transmitted(PORT), 0, "nothing is put onto the mirror port");
    for attempt in TRANSMITTING.into_iter().chain(FORBIDDEN) {
        let outside = place.attempt("off", attempt);
        assert!(!DENIED.contains(&outside.as_str()), "{attempt} is denied without the sandbox too, and proves nothing");
    }
    let transmitted = place.mirror.transmitted(PORT);
    assert!(transmitted >= 9, "outside every way to transmit works: {transmitted} frames");
}

/// A daemon at the mirror port, and the lines of its log; it is killed with the value if nothing stopped it before.
struct Daemon {
    process: Child,
    log: Receiver<String>,
}

impl Daemon {
    /// Starts one with every output that there is and a destination, with all privileges or with what the service manager gives it.
    fn start(mirror: &Mirror, folder: &Path, destination: &str, is_service: bool) -> Self {
        let demo = demo();
        let config = folder.join("tagout.toml");
        let text =
            "[store]\npath = \"store/tagout.redb\"\n[output]\nheartbeat_s = 0\n[[destination]]\nname = \"soc\"\n";
        fs::write(&config, format!("{text}{destination}\n")).expect("a configuration");
        let mut tagout = Command::new(if is_service { Path::new("setpriv") } else { binary::tagout() });
        if is_service {
            tagout.args(["--bounding-set", "-all,+net_raw", "--no-new-privs"]).arg(binary::tagout());
        }
        tagout
            .args([
                "-v",
                "run",
                "--interface",
                PORT,
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
            .arg("--alerts")
            .arg(folder.join("alerts.jsonl"))
            .arg("--evidence")
            .arg(folder.join("evidence"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        let mut process = mirror.in_sensor(|| tagout.spawn()).expect("tagout can be run");
        let lines = BufReader::new(process.stderr.take().expect("it is piped")).lines();
        let (sender, log) = mpsc::channel();
        // Ends with the daemon; what nobody waits for any more is read all the same, so that the daemon can go on logging.
        thread::spawn(move || lines.map_while(Result::ok).for_each(|line| drop(sender.send(line))));
        Self { process, log }
    }

    /// What it logs up to the line with this text.
    fn log_until(&self, text: &str) -> String {
        let deadline = Instant::now() + PATIENCE;
        let mut log = String::new();
        while !log.contains(text) {
            let line = self.log.recv_timeout(deadline.saturating_duration_since(Instant::now()));
            log += &line.unwrap_or_else(|why| panic!("no `{text}` within {PATIENCE:?} ({why}): {log}"));
            log.push('\n');
        }
        log
    }

    /// Values of a field in the status of each of its threads.
    fn status(&self, field: &str) -> Vec<String> {
        let threads = fs::read_dir(format!("/proc/{}/task", self.process.id())).expect("it is running");
        let texts = threads.flatten().map(|thread| fs::read_to_string(thread.path().join("status")).expect("a status"));
        let values = texts.map(|text| {
            let line = text.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':').map(str::trim));
            line.unwrap_or_default().to_owned()
        });
        values.collect()
    }

    fn stop(mut self) {
        kill_process(Pid::from_child(&self.process), Signal::TERM).expect("tagout is running");
        wait_until("it ends", || self.process.try_wait().expect("a child can be asked").is_some());
        assert!(self.process.wait().expect("it has ended").success());
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
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

/// The connection that somebody has made, or makes.
fn accepted(listener: &TcpListener) -> TcpStream {
    listener.set_nonblocking(true).expect("an option");
    let mut stream = None;
    wait_until("a connection", || {
        stream = listener.accept().ok();
        stream.is_some()
    });
    let (stream, _) = stream.expect("a connection");
    stream.set_nonblocking(false).expect("an option");
    stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    stream
}

/// Has the demo's packets come in at the mirror port.
fn play(mirror: &Mirror) {
    let mut capture = pcap::Capture::from_file(demo().join("recorded.pcap")).expect("a capture");
    mirror.at_wire(PORT, move |wire| {
        let mut port =
            pcap::Capture::from_device(wire).and_then(pcap::Capture::open).expect("who adds namespaces may send");
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
    let Some(mirror) = mirror(if is_service { "service" } else { "daemon" }) else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let (port, [_, collector]) = mirror.in_sensor(neighbours);
    let destination = format!("syslog.url = \"tcp://localhost:{port}\"");
    let daemon = Daemon::start(&mirror, folder.path(), &destination, is_service);
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
    let mut stream = accepted(&collector);
    daemon.stop();
    let mut sent = String::new();
    stream.read_to_string(&mut sent).expect("messages");
    assert_eq!(sent.matches("CEF:0|").count(), alerts(), "the collector has every alert");
    let evidence = fs::read_dir(folder.path().join("evidence")).expect("a folder").count();
    assert!(evidence > 0, "evidence is kept");
    assert_eq!(stored(folder.path(), "alerts").lines().count(), alerts(), "the store has every alert");
    assert_eq!(mirror.transmitted(PORT), 0, "tagout transmits nothing");
}

/// A real tinyproxy at a port, which is killed with the value.
struct Proxy(Child);

impl Proxy {
    /// `None` where there is none.
    fn start(mirror: &Mirror, folder: &Path, port: u16) -> Option<Self> {
        let config = folder.join("proxy.conf");
        fs::write(&config, format!("Port {port}\nListen 127.0.0.1\n")).expect("a configuration");
        let mut tinyproxy = Command::new("tinyproxy");
        tinyproxy.arg("-d").arg("-c").arg(config).stdout(Stdio::null()).stderr(Stdio::null());
        let started = mirror.in_sensor(|| tinyproxy.spawn()).map(Self);
        started.inspect_err(|error| println!("skipped: no tinyproxy (tests/setup.sh peers): {error}")).ok()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_proxy_is_all_that_the_sandbox_has_to_let_the_daemon_reach() {
    let Some(mirror) = mirror("proxied") else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let (port, [_, server]) = mirror.in_sensor(neighbours);
    let Some(_proxy) = Proxy::start(&mirror, folder.path(), port + 1) else { return };
    let destination =
        format!("webhook = {{ url = \"http://127.0.0.1:{port}\", proxy.url = \"http://127.0.0.1:{}\" }}", port + 1);
    let daemon = Daemon::start(&mirror, folder.path(), &destination, false);
    daemon.log_until("watching");
    play(&mirror);
    let mut request = Vec::new();
    let mut stream = accepted(&server);
    while !String::from_utf8_lossy(&request).contains("\"alert_id\"") {
        let mut bytes = [0; 4_096];
        let len = stream.read(&mut bytes).expect("a request");
        assert_ne!(len, 0, "the proxy passes an alert on");
        request.extend(&bytes[..len]);
    }
    drop((stream, server));
    assert_eq!(mirror.transmitted(PORT), 0, "tagout transmits nothing");
}
