use std::ffi::OsStr;
use std::io;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// What reading one capture costs.
pub(crate) struct Measurement {
    pub(crate) packets: u64,
    pub(crate) bytes: u64,
    libpcap: Duration,
    tagout: Duration,
    /// Greatest resident set of `tagout`.
    pub(crate) peak_kib: u64,
}

/// Both are run this often, in turn, and the fastest run of each counts: what is slower, something else has disturbed.
const RUNS: usize = 5;

impl Measurement {
    /// Measures both on `capture`, which the first, unmeasured read brings into memory; tagout with these options.
    pub(crate) fn of(tagout: &Path, capture: &Path, options: &[&OsStr]) -> io::Result<Self> {
        let (packets, bytes) = read(capture)?;
        let mut measurement = Self { packets, bytes, libpcap: Duration::MAX, tagout: Duration::MAX, peak_kib: 0 };
        for _ in 0..RUNS {
            let start = Instant::now();
            read(capture)?;
            measurement.libpcap = measurement.libpcap.min(start.elapsed());
            let (elapsed, peak_kib) = replay(tagout, capture, options)?;
            measurement.tagout = measurement.tagout.min(elapsed);
            measurement.peak_kib = measurement.peak_kib.max(peak_kib);
        }
        Ok(measurement)
    }

    pub(crate) fn libpcap_rate(&self) -> f64 {
        self.packets as f64 / self.libpcap.as_secs_f64()
    }

    pub(crate) fn tagout_rate(&self) -> f64 {
        self.packets as f64 / self.tagout.as_secs_f64()
    }

    /// How many times the bare loop's time tagout takes.
    pub(crate) fn ratio(&self) -> f64 {
        self.tagout.as_secs_f64() / self.libpcap.as_secs_f64()
    }
}

/// The bare loop: reads every packet and touches its last byte. Returns packets and bytes.
fn read(capture: &Path) -> io::Result<(u64, u64)> {
    let mut source = pcap::Capture::from_file(capture).map_err(io::Error::other)?;
    let (mut packets, mut bytes, mut touched) = (0, 0, 0_u64);
    while let Ok(packet) = source.next_packet() {
        packets += 1;
        bytes += packet.data.len() as u64;
        touched += u64::from(packet.data.last().copied().unwrap_or(0));
    }
    std::hint::black_box(touched);
    Ok((packets, bytes))
}

/// Replays the capture; returns how long that took, from start to end of the process, and its greatest resident set.
fn replay(tagout: &Path, capture: &Path, options: &[&OsStr]) -> io::Result<(Duration, u64)> {
    let mut command = Command::new(tagout);
    command.arg("replay").args(options).arg(capture).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let start = Instant::now();
    let mut child = command.spawn()?;
    let peak_kib = watch(&child);
    let status = child.wait()?;
    let elapsed = start.elapsed();
    if !status.success() {
        return Err(io::Error::other(format!("tagout replay ended with {status}")));
    }
    Ok((elapsed, peak_kib))
}

/// Follows the kernel's high-water mark of the process until the process has ended; 0 where there is none (Linux has).
fn watch(child: &Child) -> u64 {
    let path = format!("/proc/{}/status", child.id());
    let mut peak_kib = 0;
    while let Some(now) = high_water_mark(&path) {
        peak_kib = now;
        std::thread::sleep(Duration::from_millis(1));
    }
    peak_kib
}

/// `VmHWM` in KiB; `None` once the process has ended.
fn high_water_mark(status: &str) -> Option<u64> {
    let status = std::fs::read_to_string(status).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.split_whitespace().next()?.parse().ok()
}
