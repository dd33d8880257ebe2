use std::io::{self, BufRead, BufReader};
use std::process::{Child, ChildStderr, Command, Stdio};
use std::thread;
use std::time::Duration;

use rustix::process::Signal;

use crate::process::{Usage, end};
use crate::sensor::BUFFER_MIB;

/// The kernel hands a block that is not full to tcpdump after a second; what it holds at the end is not counted.
const HANDED_OVER: Duration = Duration::from_millis(1_500);

/// `tcpdump` that writes everything to nowhere; it is killed with the value.
pub(crate) struct Tcpdump {
    child: Child,
    says: BufReader<ChildStderr>,
}

impl Tcpdump {
    /// Starts it on an interface, with as large a buffer as the sensor's, and waits until it listens.
    pub(crate) fn start(interface: &str) -> io::Result<Self> {
        let buffer_kib = (BUFFER_MIB * 1024).to_string();
        let mut command = Command::new("tcpdump");
        command.args(["-i", interface, "-n", "-s", "65535", "-B", &buffer_kib, "-w", "/dev/null"]);
        let mut child = command.stdin(Stdio::null()).stderr(Stdio::piped()).spawn()?;
        let says = child.stderr.take().ok_or_else(|| io::Error::other("tcpdump has no standard error"))?;
        let mut tcpdump = Self { child, says: BufReader::new(says) };
        tcpdump.await_line("listening on")?;
        Ok(tcpdump)
    }

    pub(crate) fn usage(&self) -> io::Result<Usage> {
        Usage::of(&self.child)
    }

    /// Ends it once it has been given everything; tells how many frames it has taken.
    pub(crate) fn stop(mut self) -> io::Result<u64> {
        thread::sleep(HANDED_OVER);
        end(&mut self.child, Signal::INT)?;
        let line = self.await_line("packets captured")?;
        let count = line.split_whitespace().next().and_then(|count| count.parse().ok());
        count.ok_or_else(|| io::Error::other(format!("tcpdump says: {line}")))
    }

    fn await_line(&mut self, part: &str) -> io::Result<String> {
        let mut line = String::new();
        while self.says.read_line(&mut line)? > 0 {
            if line.contains(part) {
                return Ok(line);
            }
            line.clear();
        }
        Err(io::Error::other(format!("tcpdump does not say `{part}`")))
    }
}

impl Drop for Tcpdump {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
