//! Declarations by the million an hour, while a capture is judged at rate.

use std::fs::File;
use std::io::{self, Write};
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use tagout_tests::mirror::Mirror;

use crate::PORT;
use crate::collector::Collector;
use crate::master::Master;
use crate::process::Usage;
use crate::sensor::{Sensor, Told};
use crate::spans::{self, Exporter};
use crate::wire::Wire;

/// Intents a second: a million an hour.
const INTENTS_A_SECOND: f64 = 1_000_000.0 / 3_600.0;
/// From one batch of them to the next.
const INTERVAL: Duration = Duration::from_millis(20);
/// More memory that a sensor may have for declarations: a table of 16,384, what names they have, and what waits.
const MOST_MIB: f64 = 64.0;

/// What the sensor hears of what is going to be done.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Means {
    Nothing,
    /// Signed intents in a file.
    Signed,
    /// Spans over HTTP.
    Spans,
}

impl Means {
    fn name(self) -> &'static str {
        match self {
            Self::Nothing => "nothing said",
            Self::Signed => "signed",
            Self::Spans => "spans",
        }
    }

    fn config(self) -> &'static str {
        if self == Self::Spans { spans::CONFIG } else { "[intents]\nfiles = [\"declared.jws\"]\n" }
    }
}

/// Keeps a rate without declarations and with them, signed and as spans, and fails where those cost frames or memory without a
/// bound.
pub(crate) fn declare(mirror: &Mirror, wire: &Wire<'_>, rate: f64, time: Duration) -> io::Result<()> {
    println!(
        "{:>13} {:>9} {:>9} {:>9} {:>7} {:>7} {:>9} {:>9} {:>9}",
        "", "sent", "taken", "dropped", "CPU %", "MiB", "intents", "commands", "declared"
    );
    let without = keep(mirror, wire, rate, time, Means::Nothing)?;
    let mut faults = Vec::new();
    for means in [Means::Signed, Means::Spans] {
        faults.extend(keep(mirror, wire, rate, time, means)?.faults(&without));
    }
    if faults.is_empty() { Ok(()) } else { Err(io::Error::other(faults.join("; "))) }
}

struct Run {
    sent: u64,
    took: Duration,
    usage: Usage,
    told: Told,
}

impl Run {
    fn mib(&self) -> f64 {
        self.usage.memory_kib as f64 / 1024.0
    }

    fn lost(&self) -> u64 {
        self.sent.saturating_sub(self.told.frames)
    }

    fn print(&self, name: &str, declared: u64) {
        let Self { sent, told, .. } = self;
        let [commands, covered] = told.decided;
        let share = 100.0 * self.usage.cpu.as_secs_f64() / self.took.as_secs_f64();
        println!(
            "{name:>13} {sent:>9} {:>9} {:>9} {share:>7.1} {:>7.1} {declared:>9} {commands:>9} {covered:>9}",
            told.frames,
            told.dropped,
            self.mib(),
        );
    }

    /// What is worse than without declarations, and must not be.
    fn faults(&self, without: &Self) -> impl Iterator<Item = String> {
        let (lost, more_mib) = (self.lost().saturating_sub(without.lost()), self.mib() - without.mib());
        let faults = [
            (lost > 0).then(|| format!("{lost} frames more were lost")),
            (more_mib > MOST_MIB).then(|| format!("{more_mib:.0} MiB more were taken")),
            (self.told.decided[1] == 0).then(|| "no command was found declared".to_owned()),
        ];
        faults.into_iter().flatten()
    }
}

fn keep(mirror: &Mirror, wire: &Wire<'_>, rate: f64, time: Duration, means: Means) -> io::Result<Run> {
    let master = Master::new();
    let collector = mirror.in_sensor(Collector::start)?;
    let (policy, servers) = (master.policy(), spans::servers());
    let files = [("site.toml", &*policy), ("servers.toml", &*servers), ("mapping.toml", spans::MAPPING)];
    let sensor = mirror.in_sensor(|| Sensor::begin(PORT, &collector, &files, means.config()))?;
    let mut file = File::create(sensor.file("declared.jws"))?;
    let mut exporter = if means == Means::Spans { Some(mirror.in_sensor(Exporter::connect)?) } else { None };
    let over = AtomicBool::new(means == Means::Nothing);
    let (sent, declared) = std::thread::scope(|scope| {
        let declaring = scope.spawn(|| match &mut exporter {
            Some(exporter) => until(&over, |numbers| exporter.export(numbers)),
            None => until(&over, |numbers| {
                file.write_all(numbers.map(|number| master.sign(number)).collect::<String>().as_bytes())
            }),
        });
        let sent = wire.send(rate, time);
        over.store(true, Ordering::Relaxed);
        (sent, declaring.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
    });
    let (sent, declared) = (sent?, declared?);
    let usage = sensor.usage()?;
    let run = Run { sent: sent.arrived, took: sent.took, usage, told: sensor.stop()? };
    run.print(means.name(), declared);
    Ok(run)
}

/// Tells intents by their numbers at their pace until it is over; how many those were.
fn until(over: &AtomicBool, mut tell: impl FnMut(Range<u64>) -> io::Result<()>) -> io::Result<u64> {
    let (start, mut told) = (Instant::now(), 0);
    while !over.load(Ordering::Relaxed) {
        let due = (start.elapsed().as_secs_f64() * INTENTS_A_SECOND) as u64;
        tell(told..due)?;
        told = due;
        std::thread::sleep(INTERVAL);
    }
    Ok(told)
}
