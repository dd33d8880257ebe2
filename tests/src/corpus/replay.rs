use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::account::Account;
use super::record;
use crate::{binary, schema};

/// What `tagout replay` wrote about a capture.
#[derive(Debug, Default)]
pub struct Replay {
    /// Of every message.
    pub accounts: Vec<Account>,
    /// What went wrong: tagout failed or panicked, or wrote what the schema of records does not allow.
    pub faults: Vec<String>,
    /// How long it took.
    pub elapsed: Duration,
}

/// Replays a capture. `options` are further ones of `tagout replay`, such as `--dnp3-port 20001`.
///
/// # Panics
/// If tagout cannot be run.
pub fn replay(capture: &Path, options: &[String]) -> Replay {
    let start = Instant::now();
    let mut child = Command::new(binary::tagout())
        .arg("replay")
        .arg(capture)
        .args(["--quiet", "--events", "-"])
        .args(options)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("tagout can be run");
    let stderr = child.stderr.take().expect("a pipe");
    let errors = std::thread::spawn(|| std::io::read_to_string(stderr).unwrap_or_default());
    let mut replay = Replay::default();
    let lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
    lines.map_while(Result::ok).for_each(|line| replay.read(&line));
    let status = child.wait().expect("tagout ends");
    let errors = errors.join().unwrap_or_default();
    if !status.success() || errors.contains("panicked") {
        replay.faults.push(format!("replay ended with {status}: {errors}"));
    }
    replay.elapsed = start.elapsed();
    replay
}

impl Replay {
    fn read(&mut self, line: &str) {
        let event = match serde_json::from_str(line) {
            Ok(event) => event,
            Err(error) => return self.faults.push(format!("{error}: {line}")),
        };
        self.faults.extend(schema::check_record(&event).err().map(|wrong| format!("{wrong}: {line}")));
        self.accounts.extend(record::accounts(&event));
    }
}
