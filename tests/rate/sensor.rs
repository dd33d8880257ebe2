use std::fs;
use std::io::{self, BufRead, BufReader};
use std::os::unix::net::UnixDatagram;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rustix::process::Signal;
use serde_json::Value;
use tagout_tests::binary;
use tagout_tests::workload::{Permitted, Workload, policy};
use tempfile::TempDir;

use crate::collector::Collector;
use crate::process::{Usage, end};

/// Buffer in the kernel for each interface.
pub(crate) const BUFFER_MIB: u32 = 64;
const PATIENCE: Duration = Duration::from_secs(20);
/// Events are read so many bytes at a time: as much as a pipe holds.
const READ_BYTES: usize = 64 * 1024;

/// `tagout run` with a policy of the plant, some commands of which it does not permit; it is killed with the value.
pub(crate) struct Sensor {
    child: Child,
    folder: TempDir,
    /// Takes what it writes to standard output, and ends with what matters of it.
    events: Option<JoinHandle<Heard>>,
}

/// What events tell, of which there are too many to keep.
#[derive(Default)]
struct Heard {
    /// The last statistics.
    stats: Option<String>,
    /// Commands of which it was decided whether they were declared, and those that were.
    decided: [u64; 2],
}

/// What the sensor counted.
pub(crate) struct Told {
    /// Frames that it took.
    pub(crate) frames: u64,
    /// Frames that the kernel dropped, by its own count.
    pub(crate) dropped: u64,
    /// Alerts that are in its archive.
    pub(crate) alerts: u64,
    /// Commands of which it was decided whether they were declared, and those that were.
    pub(crate) decided: [u64; 2],
    /// Messages that were lost or still wait.
    pub(crate) undelivered: u64,
}

impl Sensor {
    /// Starts it on an interface, with this collector, and waits until it watches.
    pub(crate) fn start(interface: &str, collector: &Collector) -> io::Result<Self> {
        let policy = policy(&[Workload::Modbus, Workload::Dnp3], Permitted::NoCommandToSome);
        Self::begin(interface, collector, &[("site.toml", &policy)], "")
    }

    /// The same with these files, of which `site.toml` is the policy, and more lines of configuration.
    pub(crate) fn begin(
        interface: &str,
        collector: &Collector,
        files: &[(&str, &str)],
        more: &str,
    ) -> io::Result<Self> {
        let folder = tempfile::tempdir()?;
        let at = |name: &str| folder.path().join(name);
        files.iter().try_for_each(|(name, text)| fs::write(at(name), text))?;
        let Collector { tcp, udp, .. } = collector;
        let config = format!(
            "[capture]\ninterface = \"{interface}\"\nbuffer_mib = {BUFFER_MIB}\n[policy]\nfiles = [\"site.toml\"]\n\
             [output]\nevents = \"-\"\nheartbeat_s = 0\nfold_interval_s = 0\nalerts_per_minute = 65535\n[spool]\ndirectory = \"spool\"\n\
             [[destination]]\nname = \"soc\"\nformat = \"eve\"\nsyslog.url = \"tcp://{tcp}\"\n\
             [[destination]]\nname = \"udp\"\nformat = \"cef\"\nsyslog.url = \"udp://{udp}\"\n\
             [[destination]]\nname = \"archive\"\nfile.path = \"alerts.jsonl\"\nfile.rotate_mib = 0\n\
             [[destination]]\nname = \"screen\"\n[destination.stdout]\n{more}"
        );
        fs::write(at("tagout.toml"), config)?;
        let manager = UnixDatagram::bind(at("notify"))?;
        manager.set_read_timeout(Some(PATIENCE))?;
        let mut command = Command::new(binary::tagout());
        command.args(["run", "--quiet", "--config"]).arg(at("tagout.toml")).env("NOTIFY_SOCKET", at("notify"));
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn()?;
        let events = child.stdout.take().map(|events| BufReader::with_capacity(READ_BYTES, events));
        let events = thread::spawn(move || events.map(Heard::of).unwrap_or_default());
        let sensor = Self { child, folder, events: Some(events) };
        manager.recv(&mut [0; 64])?;
        Ok(sensor)
    }

    /// A file beside its configuration.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn usage(&self) -> io::Result<Usage> {
        Usage::of(&self.child)
    }

    /// Ends it; tells what it counted.
    pub(crate) fn stop(mut self) -> io::Result<Told> {
        let status = end(&mut self.child, Signal::TERM)?;
        let Heard { stats, decided } = self.events.take().and_then(|events| events.join().ok()).unwrap_or_default();
        let stats = stats.ok_or_else(|| io::Error::other(format!("tagout ended with {status} and no statistics")))?;
        let stats: Value = serde_json::from_str(&stats)?;
        let count = |place: &str| stats.pointer(place).and_then(Value::as_u64).unwrap_or(0);
        Ok(Told {
            decided,
            frames: count("/stats/sensor/frames"),
            dropped: count("/stats/capture/kernel_drops"),
            alerts: fs::read_to_string(self.folder.path().join("alerts.jsonl"))?.lines().count() as u64,
            undelivered: count("/stats/delivery/waiting") + count("/stats/delivery/lost_alerts"),
        })
    }
}

impl Heard {
    /// Listens to the end, taking as little of the processors as it can from who speaks.
    fn of(mut events: impl BufRead) -> Self {
        let (mut heard, mut line) = (Self::default(), Vec::new());
        while events.read_until(b'\n', &mut line).is_ok_and(|bytes| bytes > 0) {
            heard.note(&line);
            line.clear();
        }
        heard
    }

    /// Notes a record; its second field tells what it is.
    fn note(&mut self, line: &[u8]) {
        match line.split(|byte| *byte == b',').nth(1) {
            Some(br#""event_type":"intent""#) => {
                self.decided[0] += 1;
                self.decided[1] += u64::from(!String::from_utf8_lossy(line).contains(r#""grade":"none""#));
            }
            Some(br#""event_type":"stats""#) => self.stats = Some(String::from_utf8_lossy(line).into_owned()),
            _ => {}
        }
    }
}

impl Drop for Sensor {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
