//! What a service manager hears of the daemon: that it is ready, that it lives, that it hangs, that it ends.

use std::fs::{self, OpenOptions};
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tagout_tests::binary;

use tagout_tests::mirror::Mirror;

const PATIENCE: Duration = Duration::from_secs(20);
/// The manager waits so long for a sign of life, which is due twice as often.
const WATCHDOG: Duration = Duration::from_millis(600);

/// A service manager with its daemon, which is killed with the value if nothing stopped it before.
struct Manager {
    socket: UnixDatagram,
    daemon: Child,
}

impl Manager {
    fn start(mirror: &Mirror, folder: &Path, more: &[&str], log: Stdio) -> Self {
        let path = folder.join("notify");
        let socket = UnixDatagram::bind(&path).expect("a socket");
        let mut tagout = Command::new(binary::tagout());
        tagout
            .args(["run", "--quiet", "--interface", "eth1"])
            .args(more)
            .stderr(log)
            .env("NOTIFY_SOCKET", path)
            .env("WATCHDOG_USEC", WATCHDOG.as_micros().to_string())
            .stdin(Stdio::null());
        let daemon = mirror.in_sensor(|| tagout.spawn()).expect("tagout can be run");
        Self { socket, daemon }
    }

    /// What is told next, if anything is in that time.
    fn hear(&self, within: Duration) -> Option<String> {
        let mut message = [0; 1_024];
        self.socket.set_read_timeout(Some(within)).expect("sockets have timeouts");
        let len = self.socket.recv(&mut message).ok()?;
        Some(String::from_utf8_lossy(&message[..len]).into_owned())
    }

    /// Waits until this is told.
    fn await_told(&self, what: &str) {
        while let Some(told) = self.hear(PATIENCE) {
            if told.lines().any(|line| line == what) {
                return;
            }
        }
        panic!("`{what}` is not told within {PATIENCE:?}");
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.daemon), signal).expect("tagout is running");
    }
}

impl Drop for Manager {
    fn drop(&mut self) {
        let _ = self.daemon.kill();
        let _ = self.daemon.wait();
    }
}

#[test]
fn the_service_manager_is_told_how_the_daemon_is() {
    let Some(mirror) = Mirror::of_test("service") else { return };
    mirror.plug_in("eth1");
    let folder = tempfile::tempdir().expect("a folder");
    let mut manager = Manager::start(&mirror, folder.path(), &[], Stdio::inherit());
    assert_eq!(manager.hear(PATIENCE).as_deref(), Some("READY=1"), "it is ready first of all");
    for _ in 0..3 {
        assert_eq!(manager.hear(WATCHDOG).as_deref(), Some("WATCHDOG=1\nSTATUS=0 frames, 0 alerts"));
    }
    manager.signal(Signal::STOP);
    while manager.hear(WATCHDOG).is_some() {}
    assert_eq!(manager.hear(WATCHDOG * 2), None, "what hangs gives no sign of life");
    manager.signal(Signal::CONT);
    manager.await_told("WATCHDOG=1");
    manager.signal(Signal::HUP);
    manager.await_told("RELOADING=1");
    manager.await_told("READY=1");
    manager.signal(Signal::TERM);
    manager.await_told("STOPPING=1");
    assert!(manager.daemon.wait().expect("it ends").success());
}

#[test]
fn a_daemon_lives_on_where_neither_its_records_nor_its_log_find_room() {
    let Some(mirror) = Mirror::of_test("no-room") else { return };
    mirror.plug_in("eth1");
    let folder = tempfile::tempdir().expect("a folder");
    // The silence is the one alert that there is.
    let config = folder.path().join("tagout.toml");
    fs::write(&config, "[capture]\nsilence_s = 1\n").expect("a configuration");
    let config = config.to_str().expect("text");
    let full = OpenOptions::new().write(true).open("/dev/full").expect("a device");
    let more = ["--config", config, "--alerts", "/dev/full"];
    let mut manager = Manager::start(&mirror, folder.path(), &more, full.into());
    manager.await_told("STATUS=0 frames, 1 alerts");
    manager.await_told("WATCHDOG=1");
    manager.signal(Signal::TERM);
    assert!(manager.daemon.wait().expect("it ends").success());
}
