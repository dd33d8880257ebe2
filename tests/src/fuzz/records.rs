use std::fs;

use serde_json::Value;
use tagout::output::{Existing, Recorder, Sinks, Target};
use tagout::policy::Sources;
use tagout::record::{Context, Losses, Origin};
use tagout_core::{Alert, Anomaly, Config, Exchange, Output};

use super::frames::play;
use super::tally::{observe, policy};
use crate::schema;

/// Reads the input as [`frames`](super::frames()) does, and writes what the sensor reports as `tagout run` would, polls
/// counted.
///
/// Every line is a record that fits the schema, and the lines stand for as many exchanges as there were.
pub fn records(input: &[u8]) {
    let path = std::env::temp_dir().join(format!("tagout-fuzz-records-{}.jsonl", std::process::id()));
    let target = || Some(Target::File(path.clone()));
    let sinks = Sinks::open(target(), target(), Existing::Replace).expect("a file can be written");
    let sources = Sources::new(Vec::new());
    let context = Context { origin: Origin::capture_file("capture.pcap"), policy: policy(), sources: &sources };
    let recorder = Recorder::new(context, sinks, None, false).with_repeat_interval(60);
    let (Written { mut recorder, exchanges, others }, _) =
        observe(&Config::default(), Written { recorder, exchanges: 0, others: 0 }, |sensor, written| {
            let now = play(input, sensor, written);
            written.recorder.advance(now);
            written.recorder.end_capture(now, Losses::default(), &sensor.counters());
        });
    recorder.set_origin(Origin::capture_file("none"));
    recorder.flush().expect("the file can be written");
    let lines = fs::read_to_string(&path).expect("records are text");
    let told = lines.lines().map(stands_for).fold([0, 0], |[exchanges, others], told| match told {
        Some(count) => [exchanges + count, others],
        None => [exchanges, others + 1],
    });
    assert_eq!(told, [exchanges, others + 1], "exchanges; alerts, anomalies and the statistics");
    fs::remove_file(&path).ok();
}

/// How many exchanges a line tells of; `None` if it is about something else.
fn stands_for(line: &str) -> Option<u64> {
    let record: Value = serde_json::from_str(line).expect("a line is JSON");
    assert_eq!(schema::check_record(&record), Ok(()), "{line}");
    let of_exchange = matches!(record["event_type"].as_str(), Some("modbus" | "dnp3"));
    of_exchange.then(|| record["repeated"]["count"].as_u64().unwrap_or(1))
}

/// How many records there are to be.
struct Written<'a> {
    recorder: Recorder<'a>,
    exchanges: u64,
    others: u64,
}

impl Output for Written<'_> {
    fn exchange(&mut self, exchange: &Exchange<'_>) {
        self.exchanges += 1;
        self.recorder.exchange(exchange);
    }

    fn anomaly(&mut self, anomaly: &Anomaly) {
        self.others += 1;
        self.recorder.anomaly(anomaly);
    }

    fn alert(&mut self, alert: &Alert<'_>) {
        self.others += 1;
        self.recorder.alert(alert);
    }
}
