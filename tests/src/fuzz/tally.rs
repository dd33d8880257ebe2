use std::sync::OnceLock;

use tagout::memory::{Limits, Memory};
use tagout_core::engine::Policy;
use tagout_core::modbus::Framing;
use tagout_core::{Alert, Anomaly, Body, Config, Counter, Counters, Exchange, Outcome, Output, Sensor};

use super::seeds::policy_image;

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
    seen: 8,
    windows: 8,
    past: 8,
    folds: 4,
    neighbours: 16,
    stations: 16,
    absences: 8,
    intents: 64,
    acts: 64,
    datagrams: 3,
    datagram_bytes: 4096,
};

/// The policy that hostile inputs are judged by.
pub(super) fn policy() -> Policy<'static> {
    static IMAGE: OnceLock<Vec<u8>> = OnceLock::new();
    Policy::load(IMAGE.get_or_init(policy_image)).expect("what the compiler makes loads")
}

/// What `output` took of what a small sensor reports of what it is fed with, and what the sensor counted.
pub(super) fn observe<O: Output>(
    config: &Config,
    mut output: O,
    feed: impl Fn(&mut Sensor<'_>, &mut O),
) -> (O, Counters) {
    let mut memory = Memory::new(&LIMITS, policy());
    let mut sensor = Sensor::new(config.clone(), policy(), memory.lend());
    feed(&mut sensor, &mut output);
    sensor.finish(&mut output);
    (output, sensor.counters())
}

/// What is reported of the same input twice: the same, and as much as is counted.
pub(super) fn observe_twice(config: &Config, feed: impl Fn(&mut Sensor<'_>, &mut Tally)) -> (Tally, Counters) {
    let first = observe(config, Tally::default(), &feed);
    assert!(first == observe(config, Tally::default(), &feed), "the same input gives the same records");
    first.0.check(&first.1);
    first
}

/// What was reported: every record as text, and how many there were of what.
#[derive(Default, PartialEq, Debug)]
pub(super) struct Tally {
    records: Vec<String>,
    requests: u64,
    responses: u64,
    unrequested: u64,
    unanswered: u64,
    anomalies: u64,
    alerts: u64,
    /// Octets of Modbus frames, whatever stood around their PDUs.
    pub(super) modbus_octets: u64,
}

impl Tally {
    /// What is counted is what was reported.
    pub(super) fn check(&self, counters: &Counters) {
        let reported = [
            (Counter::Requests, self.requests),
            (Counter::Responses, self.responses),
            (Counter::Unrequested, self.unrequested),
            (Counter::Unanswered, self.unanswered),
        ];
        for (counter, count) in reported {
            assert_eq!(counters.get(counter), count, "{}", counter.name());
        }
        let alerts = counters.get(Counter::Alerts) + counters.get(Counter::AlertSummaries);
        assert_eq!(alerts, self.alerts, "{}", Counter::Alerts.name());
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
        if let Body::Modbus(modbus) = exchange.body {
            let pdus = [modbus.request, modbus.response].into_iter().flatten();
            self.modbus_octets += pdus.map(|pdu| framed_len(modbus.framing, pdu.len())).sum::<u64>();
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

fn framed_len(framing: Framing, pdu: usize) -> u64 {
    let len = match framing {
        Framing::Mbap => 7 + pdu,
        Framing::Rtu => 1 + pdu + 2,
        Framing::Ascii => 1 + 2 * (1 + pdu + 1) + 2,
    };
    len as u64
}
