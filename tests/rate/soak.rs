use std::io;
use std::time::{Duration, Instant};

use tagout_tests::mirror::Mirror;

use crate::PORT;
use crate::collector::Collector;
use crate::process::Usage;
use crate::sensor::Sensor;
use crate::wire::Wire;

/// One sample of what the sensor takes is from one of these to the next.
const INTERVAL: Duration = Duration::from_secs(10);
/// Memory may grow by this much once everything has been in use: what the allocator moves about.
const MOST_GROWTH: f64 = 1.05;

/// Keeps a rate, and fails where memory or descriptors grow, or counts do not add up.
pub(crate) fn soak(mirror: &Mirror, wire: &Wire<'_>, rate: f64, time: Duration) -> io::Result<()> {
    let collector = mirror.in_sensor(Collector::start)?;
    let sensor = mirror.in_sensor(|| Sensor::start(PORT, &collector))?;
    println!("{:>8} {:>11} {:>8} {:>5} {:>9}", "s", "packets/s", "MiB", "fds", "alerts");
    let (start, mut arrived, mut samples) = (Instant::now(), 0, Vec::new());
    while start.elapsed() < time {
        let sent = wire.send(rate, INTERVAL.min(time))?;
        arrived += sent.arrived;
        let usage = sensor.usage()?;
        let Usage { memory_kib, descriptors, .. } = usage;
        let (seconds, mib) = (start.elapsed().as_secs(), memory_kib as f64 / 1024.0);
        println!("{seconds:>8} {:>11.0} {mib:>8.1} {descriptors:>5} {:>9}", sent.rate(), collector.count());
        samples.push(usage);
    }
    let told = sensor.stop()?;
    let latency = collector.latency().map(|latency| latency.map(|age| format!("{:.1} ms", age.as_secs_f64() * 1e3)));
    println!("{arrived} frames came in; tagout took {}, the kernel dropped {}", told.frames, told.dropped);
    println!(
        "{} alerts given, {} arrived, {} did not; latency {latency:?}",
        told.alerts,
        collector.count(),
        told.undelivered
    );
    let faults = [
        grown(&samples).map(|factor| format!("memory grew to {factor:.2} times what it was")),
        leaked(&samples).map(|count| format!("{count} descriptors more are open")),
        (told.frames + told.dropped != arrived)
            .then(|| "frames taken and dropped are not those that came in".to_owned()),
        (told.undelivered > 0 || told.alerts != collector.count() as u64).then(|| "not every alert arrived".to_owned()),
    ];
    let faults: Vec<String> = faults.into_iter().flatten().collect();
    if faults.is_empty() { Ok(()) } else { Err(io::Error::other(faults.join("; "))) }
}

/// What is in use once a quarter of the time is over, against the end.
fn grown(samples: &[Usage]) -> Option<f64> {
    let factor = samples.last()?.memory_kib as f64 / samples.get(samples.len() / 4)?.memory_kib as f64;
    (factor > MOST_GROWTH).then_some(factor)
}

fn leaked(samples: &[Usage]) -> Option<usize> {
    let [first, last] = [samples.get(samples.len() / 4)?, samples.last()?].map(|usage| usage.descriptors);
    last.checked_sub(first).filter(|more| *more > 0)
}
