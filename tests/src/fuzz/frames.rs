use std::sync::OnceLock;

use tagout::memory::{Limits, Memory};
use tagout::policy::Sources;
use tagout_core::engine::Policy;
use tagout_core::{
    Alert, Anomaly, Body, Config, Counter, Counters, Exchange, Frame, LinkType, Outcome, Output, Sensor, Timestamp,
};

use super::seeds::policy_image;
use crate::schema::Checked;

/// Small enough that hostile inputs fill every table.
const LIMITS: Limits = Limits {
    flows: 8,
    stream_blocks: 16,
    recent_bytes: 4096,
    requests: 16,
    request_blocks: 8,
    assemblies: 4,
    fragment_bytes: 2048,
    associations: 4,
    selections: 2,
    files: 2,
    firsts: 8,
    datagrams: 3,
    datagram_bytes: 4096,
};
const FILE_HEADER: usize = 24;
const RECORD_HEADER: usize = 16;

/// Reads the input as a classic little-endian pcap file, as far as it is one, and runs the whole sensor over it.
///
/// The same frames give the same records, what is counted is what was reported, and every record fits the schema.
pub fn frames(input: &[u8]) {
    static IMAGE: OnceLock<Vec<u8>> = OnceLock::new();
    let policy = Policy::load(IMAGE.get_or_init(policy_image)).expect("what the compiler makes loads");
    let (tally, counters) = observe(input, policy, Tally::default());
    let sources = Sources::new(Vec::new());
    let (again, counters_again) = observe(input, policy, Checked::new(policy, &sources, Tally::default()));
    assert!((&tally, counters) == (&again.output, counters_again), "the same frames give the same records");
    assert!(again.wrong.is_empty(), "{:?}", again.wrong);
    tally.check(&counters);
}

/// What `output` took, and what the sensor counted.
fn observe<O: Output>(input: &[u8], policy: Policy<'_>, mut output: O) -> (O, Counters) {
    let mut memory = Memory::new(&LIMITS);
    let mut sensor = Sensor::new(Config::default(), policy, memory.lend());
    let mut now = Timestamp(0);
    records(input, |frame| {
        now = now.max(frame.time);
        sensor.frame(frame, &mut output);
    });
    sensor.advance(now.plus_ms(5_000), &mut output);
    sensor.finish(&mut output);
    (output, *sensor.counters())
}

/// Calls `take` with each record; lengths that exceed the input are taken as its end.
fn records(input: &[u8], mut take: impl FnMut(&Frame<'_>)) {
    let Some((header, mut rest)) = input.split_at_checked(FILE_HEADER) else { return };
    let link = LinkType::from_registry(word(header, 20) & 0xffff);
    for number in 1.. {
        let Some((record, behind)) = rest.split_at_checked(RECORD_HEADER) else { break };
        let (bytes, next) = behind.split_at((word(record, 8) as usize).min(behind.len()));
        let time = Timestamp(u64::from(word(record, 0)) * 1_000_000_000 + u64::from(word(record, 4)) * 1_000);
        take(&Frame { number, time, link, bytes, wire_len: word(record, 12) });
        rest = next;
    }
}

fn word(bytes: &[u8], at: usize) -> u32 {
    bytes[at..at + 4].iter().rev().fold(0, |word, byte| word << 8 | u32::from(*byte))
}

/// What was reported: every record as text, and how many there were of what.
#[derive(Default, PartialEq, Debug)]
struct Tally {
    records: Vec<String>,
    requests: u64,
    responses: u64,
    unrequested: u64,
    unanswered: u64,
    anomalies: u64,
    alerts: u64,
}

impl Tally {
    fn check(&self, counters: &Counters) {
        let reported = [
            (Counter::Requests, self.requests),
            (Counter::Responses, self.responses),
            (Counter::Unrequested, self.unrequested),
            (Counter::Unanswered, self.unanswered),
            (Counter::Alerts, self.alerts),
        ];
        for (counter, count) in reported {
            assert_eq!(counters.get(counter), count, "{}", counter.name());
        }
        let anomalies = counters.get(Counter::Anomalies) - counters.get(Counter::AnomaliesRepeated)
            + counters.get(Counter::AnomalySummaries);
        assert_eq!(anomalies, self.anomalies, "{}", Counter::Anomalies.name());
    }
}

impl Output for Tally {
    fn exchange(&mut self, exchange: &Exchange<'_>) {
        assert!(exchange.request.is_some() || exchange.response.is_some(), "an exchange has a side: {exchange:?}");
        assert!(exchange.outcome != Outcome::Pending, "what is reported is settled: {exchange:?}");
        let further_part = matches!(exchange.body, Body::Dnp3(dnp3) if dnp3.part > 1);
        self.requests += u64::from(exchange.request.is_some() && !further_part);
        match exchange.outcome {
            Outcome::Unrequested => self.unrequested += 1,
            Outcome::Unanswered => self.unanswered += 1,
            _ => self.responses += u64::from(exchange.response.is_some()),
        }
        self.records.push(format!("{exchange:?}"));
    }

    fn anomaly(&mut self, anomaly: &Anomaly) {
        self.anomalies += 1;
        self.records.push(format!("{anomaly:?}"));
    }

    fn alert(&mut self, alert: &Alert<'_>) {
        self.alerts += 1;
        self.records.push(format!("{alert:?}"));
    }
}
