use std::fs;
use std::io::{self, BufRead, BufReader};
use std::os::unix::net::UnixDatagram;
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

/// `tagout run` with a policy of the plant, some commands of which it does not permit; it is killed with the value.
pub(crate) struct Sensor {
    child: Child,
    folder: TempDir,
    /// Takes what it writes to standard output, and ends with the last statistics.
    events: Option<JoinHandle<Option<String>>>,
}

/// What the sensor counted.
pub(crate) struct Told {
    /// Frames that it took.
    pub(crate) frames: u64,
    /// Frames that the kernel dropped, by its own count.
    pub(crate) dropped: u64,
    /// Alerts that are in its archive.
    pub(crate) alerts: u64,
    /// Messages that were lost or still wait.
    pub(crate) undelivered: u64,
}

impl Sensor {
    /// Starts it on an interface, with this collector, and waits until it watches.
    pub(crate) fn start(interface: &str, collector: &Collector) -> io::Result<Self> {
        let folder = tempfile::tempdir()?;
        let at = |name: &str| folder.path().join(name);
        fs::write(at("site.toml"), policy(&[Workload::Modbus, Workload::Dnp3], Permitted::NoCommandToSome))?;
        let Collector { tcp, udp, .. } = collector;
        let config = format!(
            "[capture]\ninterface = \"{interface}\"\nbuffer_mib = {BUFFER_MIB}\n[policy]\nfiles = [\"site.toml\"]\n\
             [output]\nevents = \"-\"\nheartbeat_s = 0\nfold_interval_s = 0\nalerts_per_minute = 65535\n[spool]\ndirectory = \"spool\"\n\
             [[destination]]\nname = \"soc\"\nformat = \"eve\"\nsyslog.url = \"tcp://{tcp}\"\n\
             [[destination]]\nname = \"udp\"\nformat = \"cef\"\nsyslog.url = \"udp://{udp}\"\n\
             [[destination]]\nname = \"archive\"\nfile.path = \"alerts.jsonl\"\nfile.rotate_mib = 0\n\
             [[destination]]\nname = \"screen\"\n[destination.stdout]\n"
        );
        fs::write(at("tagout.toml"), config)?;
        let manager = UnixDatagram::bind(at("notify"))?;
        manager.set_read_timeout(Some(PATIENCE))?;
        let mut command = Command::new(binary::tagout());
        command.args(["run", "--quiet", "--config"]).arg(at("tagout.toml")).env("NOTIFY_SOCKET", at("notify"));
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn()?;
        let events = child.stdout.take().map(BufReader::new);
        let events = thread::spawn(move || events?.lines().map_while(Result::ok).filter(|line| is_stats(line)).last());
        let sensor = Self { child, folder, events: Some(events) };
        manager.recv(&mut [0; 64])?;
        Ok(sensor)
    }

    pub(crate) fn usage(&self) -> io::Result<Usage> {
        Usage::of(&self.child)
    }

    /// Ends it; tells what it counted.
    pub(crate) fn stop(mut self) -> io::Result<Told> {
        let status = end(&mut self.child, Signal::TERM)?;
        let stats = self.events.take().and_then(|events| events.join().ok()?);
        let stats = stats.ok_or_else(|| io::Error::other(format!("tagout ended with {status} and no statistics")))?;
        let stats: Value = serde_json::from_str(&stats)?;
        let count = |place: &str| stats.pointer(place).and_then(Value::as_u64).unwrap_or(0);
        Ok(Told {
            frames: count("/stats/sensor/frames"),
            dropped: count("/stats/capture/kernel_drops"),
            alerts: fs::read_to_string(self.folder.path().join("alerts.jsonl"))?.lines().count() as u64,
            undelivered: count("/stats/delivery/waiting") + count("/stats/delivery/lost_alerts"),
        })
    }
}

/// Whether a record is the statistics; how it begins tells, and there are many others.
fn is_stats(line: &str) -> bool {
    line.get(..100).unwrap_or(line).contains(r#""event_type":"stats""#)
}

impl Drop for Sensor {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
