//! Declarations by the million an hour, while a capture is judged at rate.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use base64ct::{Base64UrlUnpadded, Encoding as _};
use ed25519_dalek::{Signer as _, SigningKey};
use jiff::{Timestamp, ToSpan as _};
use serde_json::{Value, json};
use tagout_tests::mirror::Mirror;
use tagout_tests::workload::{Permitted, Workload, policy};

use crate::PORT;
use crate::collector::Collector;
use crate::process::Usage;
use crate::sensor::{Sensor, Told};
use crate::wire::Wire;

/// Intents a second: a million an hour.
const INTENTS_A_SECOND: f64 = 1_000_000.0 / 3_600.0;
/// From one batch of them to the next.
const INTERVAL: Duration = Duration::from_millis(20);
/// More memory that a sensor may have for declarations: a table of 16,384, what names they have, and what waits.
const MOST_MIB: f64 = 64.0;

/// Keeps a rate twice, without declarations and with them, and fails where those cost frames or memory without a bound.
pub(crate) fn declare(mirror: &Mirror, wire: &Wire<'_>, rate: f64, time: Duration) -> io::Result<()> {
    println!(
        "{:>13} {:>9} {:>9} {:>9} {:>7} {:>7} {:>9} {:>9} {:>9}",
        "", "sent", "taken", "dropped", "CPU %", "MiB", "intents", "commands", "declared"
    );
    let without = keep(mirror, wire, rate, time, false)?;
    let with = keep(mirror, wire, rate, time, true)?;
    let lost = [&without, &with].map(|run| run.sent.saturating_sub(run.told.frames));
    let more_mib = with.mib() - without.mib();
    let faults = [
        (lost[1] > lost[0]).then(|| format!("{} frames more were lost", lost[1] - lost[0])),
        (more_mib > MOST_MIB).then(|| format!("{more_mib:.0} MiB more were taken")),
        (with.told.decided[1] == 0).then(|| "no command was found declared".to_owned()),
    ];
    let faults: Vec<String> = faults.into_iter().flatten().collect();
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
}

fn keep(mirror: &Mirror, wire: &Wire<'_>, rate: f64, time: Duration, declares: bool) -> io::Result<Run> {
    let master = Master::new();
    let collector = mirror.in_sensor(Collector::start)?;
    let sensor = mirror
        .in_sensor(|| Sensor::begin(PORT, &collector, &master.policy(), "[intents]\nfiles = [\"declared.jws\"]\n"))?;
    let file = sensor.file("declared.jws");
    let over = AtomicBool::new(!declares);
    let (sent, declared) = std::thread::scope(|scope| {
        let declaring = scope.spawn(|| master.declare(&file, &over));
        let sent = wire.send(rate, time);
        over.store(true, Ordering::Relaxed);
        (sent, declaring.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
    });
    let (sent, declared) = (sent?, declared?);
    let usage = sensor.usage()?;
    let run = Run { sent: sent.arrived, took: sent.took, usage, told: sensor.stop()? };
    let Run { told, .. } = &run;
    let [commands, covered] = told.decided;
    let share = 100.0 * run.usage.cpu.as_secs_f64() / run.took.as_secs_f64();
    println!(
        "{:>13} {:>9} {:>9} {:>9} {share:>7.1} {:>7.1} {declared:>9} {commands:>9} {covered:>9}",
        if declares { "declared" } else { "nothing said" },
        run.sent,
        told.frames,
        told.dropped,
        run.mib(),
    );
    Ok(run)
}

/// Who commands, and declares it.
struct Master(SigningKey);

impl Master {
    fn new() -> Self {
        Self(SigningKey::from_bytes(&[7; 32]))
    }

    /// The plant's policy, where the master has to declare.
    fn policy(&self) -> String {
        let plain = policy(&[Workload::Modbus, Workload::Dnp3], Permitted::NoCommandToSome);
        let asks = plain.replacen("kind = \"hmi\"\n", "kind = \"ai-agent\"\nintents = \"observed\"\n", 1);
        let public = Base64UrlUnpadded::encode_string(self.0.verifying_key().as_bytes());
        format!("{asks}\n[[intents.keys]]\nid = \"master\"\npublic = \"{public}\"\nactors = \"master\"\n")
    }

    /// Signs intents at their pace until it is over; tells how many. Each names one of the devices, and holds for ten seconds.
    fn declare(&self, file: &Path, over: &AtomicBool) -> io::Result<u64> {
        let mut file = File::create(file)?;
        let (start, mut declared) = (Instant::now(), 0);
        while !over.load(Ordering::Relaxed) {
            let due = (start.elapsed().as_secs_f64() * INTENTS_A_SECOND) as u64;
            let lines: Vec<String> = (declared..due).map(|number| self.sign(&claims(number))).collect();
            file.write_all(lines.concat().as_bytes())?;
            declared = due;
            std::thread::sleep(INTERVAL);
        }
        Ok(declared)
    }

    /// A JWS in the compact form (RFC 7515, section 3.1).
    fn sign(&self, claims: &Value) -> String {
        let header = json!({"alg": "EdDSA", "kid": "master", "typ": "tagout-intent+jwt"});
        let [header, claims] =
            [&header, claims].map(|part| Base64UrlUnpadded::encode_string(part.to_string().as_bytes()));
        let signed = format!("{header}.{claims}");
        let signature = Base64UrlUnpadded::encode_string(&self.0.sign(signed.as_bytes()).to_bytes());
        format!("{signed}.{signature}\n")
    }
}

fn claims(number: u64) -> Value {
    let now = Timestamp::now();
    json!({
        "id": number.to_string(), "actor": "master", "device": format!("plc{}", number % 64), "points": ["setpoint"],
        "operation": "write", "not_before": now.to_string(), "expires": (now + 10.seconds()).to_string(),
    })
}
