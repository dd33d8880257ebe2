//! How many packets a second `tagout run` takes from an interface without losing one, beside tcpdump, and what it costs; and
//! whether it stays the same when that goes on for long.
//!
//! A pair of interfaces in namespaces of its own carries Modbus and DNP3 polling with commands, some of which are not permitted; a
//! collector beside the sensor takes its alerts over TCP.

mod collector;
mod declare;
mod master;
mod process;
mod sensor;
mod soak;
mod spans;
mod tcpdump;
mod wire;

use std::io;
use std::time::Duration;

use clap::{Parser, Subcommand};
use tagout_tests::mirror::Mirror;

use collector::Collector;
use sensor::Sensor;
use tcpdump::Tcpdump;
use wire::Wire;

/// The interface that is watched.
const PORT: &str = "eth1";
/// The first rate that is tried, and by how much each next one is greater.
const FIRST_RATE: f64 = 20_000.0;
const STEP: f64 = 1.25;
/// How long each rate is held.
const HELD: Duration = Duration::from_secs(4);
/// What the sender does not manage to send in time is not a rate.
const KEPT_PACE: f64 = 0.98;

/// Measure `tagout run` on a pair of interfaces of its own; takes root
#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Raise the rate until frames are lost, of tagout and of tcpdump in turn
    Rate,
    /// Keep half of the greatest rate without a loss, and look whether memory, descriptors and counts stay as they should
    Soak {
        /// How long
        #[arg(long, default_value_t = 600)]
        seconds: u64,
        /// Packets a second; half of the greatest rate if left out
        #[arg(long)]
        rate: Option<f64>,
    },
    /// Keep a rate without declarations and with a million an hour, signed and as spans, and look what these cost
    Declare {
        /// How long each time
        #[arg(long, default_value_t = 60)]
        seconds: u64,
        /// Packets a second
        #[arg(long, default_value_t = 20_000.0)]
        rate: f64,
    },
}

fn main() -> io::Result<()> {
    let arguments = Arguments::parse();
    let mirror = Mirror::build("rate").map_err(io::Error::other)?;
    mirror.plug_in(PORT);
    let wire = Wire::new(&mirror);
    match arguments.what {
        What::Rate => rate(&mirror, &wire).map(drop),
        What::Soak { seconds, rate: Some(rate) } => soak::soak(&mirror, &wire, rate, Duration::from_secs(seconds)),
        What::Declare { seconds, rate } => declare::declare(&mirror, &wire, rate, Duration::from_secs(seconds)),
        What::Soak { seconds, rate: None } => {
            let rate = rate(&mirror, &wire)? / 2.0;
            soak::soak(&mirror, &wire, rate, Duration::from_secs(seconds))
        }
    }
}

/// Raises the rate until both lose frames, or the sender does not keep pace; tells the greatest at which tagout lost none.
fn rate(mirror: &Mirror, wire: &Wire<'_>) -> io::Result<f64> {
    println!(
        "{:>9}  {:<8} {:>9} {:>9} {:>9} {:>12} {:>9} {:>16}",
        "packets/s", "", "sent", "taken", "lost", "CPU s/M", "MiB", "latency p50/p99"
    );
    let mut best = [0.0_f64; 2];
    let mut asked = FIRST_RATE;
    loop {
        let offered = wire.send(asked, Duration::from_millis(200))?;
        let steps = [of_tagout(mirror, wire, asked)?, of_tcpdump(mirror, wire, asked)?];
        let lost = steps.each_ref().map(|step| step.lost);
        for (best, step) in best.iter_mut().zip(steps) {
            step.show(asked);
            if step.lost == 0 {
                *best = best.max(step.rate);
            }
        }
        let kept_pace = offered.rate() > KEPT_PACE * asked;
        if !kept_pace || lost.iter().all(|lost| *lost > 0) {
            let why = if kept_pace { "both lose frames" } else { "the sender does not keep pace" };
            println!("without a loss: tagout {:.0} packets/s, tcpdump {:.0} ({why} at {asked:.0})", best[0], best[1]);
            return Ok(best[0]);
        }
        asked *= STEP;
    }
}

/// What came of one rate.
struct Step {
    who: &'static str,
    rate: f64,
    sent: u64,
    taken: u64,
    lost: u64,
    cpu: Duration,
    memory_kib: u64,
    latency: Option<[Duration; 2]>,
}

impl Step {
    fn show(&self, asked: f64) {
        let Self { who, sent, taken, lost, memory_kib, .. } = self;
        let cost = self.cpu.as_secs_f64() * 1e6 / (*taken).max(1) as f64;
        let latency =
            self.latency.map(|[p50, p99]| format!("{:.1}/{:.1} ms", p50.as_secs_f64() * 1e3, p99.as_secs_f64() * 1e3));
        println!(
            "{asked:>9.0}  {who:<8} {sent:>9} {taken:>9} {lost:>9} {cost:>12.2} {:>9.1} {:>16}",
            *memory_kib as f64 / 1024.0,
            latency.unwrap_or_default()
        );
    }
}

fn of_tagout(mirror: &Mirror, wire: &Wire<'_>, rate: f64) -> io::Result<Step> {
    let collector = mirror.in_sensor(Collector::start)?;
    let sensor = mirror.in_sensor(|| Sensor::start(PORT, &collector))?;
    let sent = wire.send(rate, HELD)?;
    let usage = sensor.usage()?;
    let told = sensor.stop()?;
    Ok(Step {
        who: "tagout",
        rate: sent.rate(),
        sent: sent.arrived,
        taken: told.frames,
        lost: sent.arrived.saturating_sub(told.frames),
        cpu: usage.cpu,
        memory_kib: usage.memory_kib,
        latency: collector.latency(),
    })
}

fn of_tcpdump(mirror: &Mirror, wire: &Wire<'_>, rate: f64) -> io::Result<Step> {
    let tcpdump = mirror.in_sensor(|| Tcpdump::start(PORT))?;
    let sent = wire.send(rate, HELD)?;
    let usage = tcpdump.usage()?;
    let taken = tcpdump.stop()?;
    Ok(Step {
        who: "tcpdump",
        rate: sent.rate(),
        sent: sent.arrived,
        taken,
        lost: sent.arrived.saturating_sub(taken),
        cpu: usage.cpu,
        memory_kib: usage.memory_kib,
        latency: None,
    })
}
