//! `tagout top` at a terminal of its own: that it draws, answers keys, follows the terminal's size, and leaves it as it was.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use rustix::fs::{Mode, OFlags, open};
use rustix::process::{Pid, Signal, kill_process};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{LocalModes, Winsize, tcgetattr, tcsetwinsize};
use tagout_tests::binary;

const PATIENCE: Duration = Duration::from_secs(20);

/// A store with what the demo shows.
fn store(folder: &Path) -> PathBuf {
    let (demo, path) = (Path::new(env!("CARGO_MANIFEST_DIR")).join("demo"), folder.join("store"));
    let mut tagout = Command::new(binary::tagout());
    tagout.arg("replay").arg(demo.join("recorded.pcap")).arg("--policy").arg(demo.join("policy.toml"));
    tagout.args(["--modbus-port", "15020", "--quiet", "--store"]).arg(&path);
    assert!(tagout.status().expect("tagout can be run").success());
    path
}

/// A terminal with `tagout top` in it.
struct Terminal {
    keyboard: File,
    /// The end that the program has, which stays open.
    line: OwnedFd,
    screen: Arc<Mutex<vt100::Parser>>,
    child: Child,
}

impl Terminal {
    fn open(store: &Path) -> Self {
        let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a terminal");
        grantpt(&ours).and_then(|()| unlockpt(&ours)).expect("a terminal");
        let name = ptsname(&ours, Vec::new()).expect("a name");
        let line = open(name.as_c_str(), OFlags::RDWR | OFlags::NOCTTY, Mode::empty()).expect("its other end");
        resize(&line, 30, 140);
        let end = || Stdio::from(line.try_clone().expect("a copy"));
        // It is the terminal of this program, so that it is told of new sizes.
        let mut top = Command::new("setsid");
        top.args(["--ctty"]).arg(binary::tagout()).args(["top", "--store"]).arg(store).env("TERM", "xterm-256color");
        let child = top.stdin(end()).stdout(end()).stderr(end()).spawn().expect("tagout can be run");
        let screen = Arc::new(Mutex::new(vt100::Parser::new(30, 140, 0)));
        let (keyboard, parser) = (File::from(ours), Arc::clone(&screen));
        let mut output = keyboard.try_clone().expect("a copy");
        thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(count @ 1..) = output.read(&mut bytes) {
                parser.lock().expect("a screen").process(&bytes[..count]);
            }
        });
        Self { keyboard, line, screen, child }
    }

    fn press(&mut self, keys: &str) {
        self.keyboard.write_all(keys.as_bytes()).expect("keys can be pressed");
    }

    fn resize(&self, rows: u16, columns: u16) {
        self.screen.lock().expect("a screen").screen_mut().set_size(rows, columns);
        resize(&self.line, rows, columns);
    }

    fn text(&self) -> String {
        self.screen.lock().expect("a screen").screen().contents()
    }

    fn wait_for(&self, what: &str, holds: impl Fn(&str) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !holds(&self.text()) {
            assert!(Instant::now() < deadline, "{what}: not within {PATIENCE:?}:\n{}", self.text());
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// Waits for the end, and looks whether the terminal is as it was.
    fn end(mut self) -> ExitStatus {
        let deadline = Instant::now() + PATIENCE;
        let status = loop {
            match self.child.try_wait().expect("a child can be asked") {
                Some(status) => break status,
                None => assert!(Instant::now() < deadline, "it does not end"),
            }
            thread::sleep(Duration::from_millis(20));
        };
        let modes = tcgetattr(&self.line).expect("modes").local_modes;
        assert!(modes.contains(LocalModes::ICANON | LocalModes::ECHO), "lines and echo are back: {modes:?}");
        self.wait_for("the screen from before", |_| {
            let screen = self.screen.lock().expect("a screen");
            !screen.screen().alternate_screen() && !screen.screen().hide_cursor()
        });
        status
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn resize(line: &OwnedFd, rows: u16, columns: u16) {
    let size = Winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
    tcsetwinsize(line, size).expect("a size");
}

const DETAIL: &str = "why        ai-agent optimizer";

#[test]
fn it_draws_and_answers_keys() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut terminal = Terminal::open(&store(folder.path()));
    terminal.wait_for("what the demo shows", |text| {
        ["recorded.pcap", "busiest by exchanges", "optimizer", "tank", " alerts: 12 ", "q quit"]
            .iter()
            .all(|part| text.contains(part))
    });
    terminal.press("s");
    terminal.wait_for("another order", |text| text.contains("busiest by commands"));
    terminal.press("p");
    terminal.wait_for("a pause", |text| text.contains("paused"));
    terminal.press("\r");
    terminal.wait_for("all of the latest alert", |text| text.contains(DETAIL) && text.contains("09efd2b846d5"));
    terminal.press("\x1b[B");
    terminal.wait_for("all of the one below", |text| text.contains("ff3621b34cab"));
    terminal.press("\r/to and fro");
    terminal.wait_for("those that are asked for", |text| text.contains(" alerts with /to and fro: 2 "));
    terminal.press("\rq");
    assert!(terminal.end().success());
}

#[test]
fn it_follows_the_size_of_the_terminal() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut terminal = Terminal::open(&store(folder.path()));
    terminal.wait_for("a first drawing", |text| text.contains("q quit"));
    terminal.resize(24, 70);
    let last_row = |text: &str| text.lines().nth(23).is_some_and(|line| line.contains("q quit"));
    terminal.wait_for("keys in the last row", last_row);
    // So little room is no reason to fail.
    terminal.resize(3, 10);
    thread::sleep(Duration::from_millis(300));
    terminal.resize(30, 140);
    terminal.wait_for("everything again", |text| text.contains(" alerts: 12 ") && text.contains("q quit"));
    terminal.press("\x03");
    assert!(terminal.end().success());
}

#[test]
fn it_leaves_the_terminal_as_it_was_when_it_is_told_to_end() {
    let folder = tempfile::tempdir().expect("a folder");
    let terminal = Terminal::open(&store(folder.path()));
    terminal.wait_for("a first drawing", |text| text.contains("q quit"));
    kill_process(Pid::from_child(&terminal.child), Signal::TERM).expect("it is running");
    assert!(terminal.end().success());
}

#[test]
fn it_prints_one_frame_where_there_is_no_terminal() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = store(folder.path());
    let top = |options: &[&str]| {
        let mut top = Command::new(binary::tagout());
        top.arg("top")
            .args(options)
            .arg("--store")
            .arg(&store)
            .stdin(Stdio::null())
            .output()
            .expect("tagout can be run")
    };
    let printed = top(&["--once"]);
    let text = String::from_utf8_lossy(&printed.stdout);
    assert!(printed.status.success() && text.contains("optimizer") && text.contains(" alerts: 12 "), "{text}");
    assert!(!text.contains('\u{1b}'), "{text}");
    let refused = top(&[]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("--once"));
}
