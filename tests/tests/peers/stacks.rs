//! The other stacks: Python packages in `.venv`, which `make test` sets up, and mbpoll.

use std::ffi::OsStr;
use std::fs;
use std::io::Read;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tagout_tests::binary;

const PATIENCE: Duration = Duration::from_secs(40);

/// Whether the Python packages are there, in the versions that are asked for.
pub(crate) fn available() -> Result<(), String> {
    let installed = fs::read_to_string(binary::workspace().join(".venv/installed.txt")).unwrap_or_default();
    let wanted = include_str!("../../peers/requirements.txt");
    if installed == wanted {
        return Ok(());
    }
    Err("not all protocol stacks are in .venv (`tests/setup.sh peers` installs them)".to_owned())
}

/// Runs one of the conversations in `tests/peers`; returns the lines of JSON that it printed.
pub(crate) fn talk(script: &str, arguments: &[&str]) -> Vec<Value> {
    let script = binary::workspace().join("tests/peers").join(script);
    let told = run(Command::new(python()).env("PYTHONDONTWRITEBYTECODE", "1").arg(script).args(arguments));
    told.lines().map(|line| serde_json::from_str(line).expect("a line of JSON")).collect()
}

/// Runs a command to its end; returns what it printed.
///
/// # Panics
/// If it fails or takes too long.
pub(crate) fn run(command: &mut Command) -> String {
    let name = command.get_program().to_owned();
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().expect("the program can be run");
    let mut stdout = child.stdout.take().expect("a pipe");
    let reader = std::thread::spawn(move || {
        let mut text = String::new();
        stdout.read_to_string(&mut text).map(|_| text)
    });
    let status = wait(&mut child);
    let text = reader.join().expect("no panic").expect("text");
    assert!(status.is_some_and(|status| status.success()), "{} ended with {status:?}:\n{text}", name.display());
    text
}

/// Whether a program can be started.
pub(crate) fn has(program: impl AsRef<OsStr>) -> bool {
    let started = Command::new(program).arg("-V").stdout(Stdio::null()).stderr(Stdio::null()).status();
    started.is_ok()
}

fn python() -> PathBuf {
    binary::workspace().join(".venv/bin/python")
}

pub(crate) fn stop(child: &mut Child, signal: Signal) {
    kill_process(Pid::from_child(child), signal).expect("the child runs");
    assert!(wait(child).is_some(), "the child does not end");
}

/// Waits for a child's end; kills it after a while.
fn wait(child: &mut Child) -> Option<ExitStatus> {
    let deadline = Instant::now() + PATIENCE;
    while Instant::now() < deadline {
        if let Some(status) = child.try_wait().expect("a child can be asked") {
            return Some(status);
        }
        sleep(Duration::from_millis(20));
    }
    child.kill().and_then(|()| child.wait()).expect("a child can be killed");
    None
}
