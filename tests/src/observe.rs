//! A sensor with tables of test size, run over a capture.

use tagout::memory::{Limits, Memory, PolicyRoom};
use tagout::policy::{Heirs, Written};
use tagout_core::engine::Policy;
use tagout_core::{
    Alert, Anomaly, Config, Counters, Exchange, Folding, Frame, LinkType, Output, Protocol as Carried, Sensor,
    Timestamp,
};

use crate::both::line;
use crate::generate::{Capture, Captured};
use crate::plant::Protocol;

/// Tables small enough to be made anew for each of many captures.
const LIMITS: Limits = Limits {
    flows: 512,
    stream_blocks: 4_096,
    recent_bytes: 1 << 20,
    requests: 1_024,
    request_blocks: 4_096,
    assemblies: 64,
    fragment_bytes: 2_048,
    associations: 64,
    selections: 16,
    files: 16,
    seen: 1_024,
    windows: 1_024,
    past: 1_024,
    folds: 64,
    neighbours: 16,
    stations: 16,
    absences: 8,
    intents: 64,
    acts: 64,
    datagrams: 32,
    datagram_bytes: 65_536,
};

/// Runs a sensor over a capture, with `protocol` expected on `port` too, and returns what it counted.
pub fn observe(
    capture: &Capture,
    protocol: Protocol,
    port: u16,
    policy: Policy<'_>,
    output: &mut dyn Output,
) -> Counters {
    let mut memory = Memory::new(&LIMITS, policy);
    watch(capture, Sensor::new(config(protocol, port), policy, memory.lend()), output)
}

/// The same by a sensor that takes no poll for one that it knows.
pub fn observe_each_anew(
    capture: &Capture,
    protocol: Protocol,
    port: u16,
    policy: Policy<'_>,
    output: &mut dyn Output,
) -> Counters {
    let mut memory = Memory::new(&LIMITS, policy);
    let mut storage = memory.lend();
    storage.engine.routines = &mut [];
    watch(capture, Sensor::new(config(protocol, port), policy, storage), output)
}

/// The alerts, as lines of CEF, of a sensor that gets another policy before each frame of these numbers; `policies` are taken
/// in turn.
pub fn observe_replaced(
    capture: &Capture,
    protocol: Protocol,
    port: u16,
    policies: [Written<'_>; 2],
    before: &[u64],
) -> Vec<String> {
    let mut output = Lines { policy: policies[0].policy, lines: Vec::new() };
    let heirs = [Heirs::between(policies[0], policies[1]), Heirs::between(policies[1], policies[0])];
    let mut memory = Memory::new(&LIMITS, policies[0].policy);
    let mut rooms: Vec<_> = (0..before.len()).map(|turn| PolicyRoom::new(policies[(turn + 1) % 2].policy)).collect();
    let mut rooms = rooms.iter_mut();
    let mut sensor = Sensor::new(config(protocol, port), policies[0].policy, memory.lend());
    let mut turn = 0;
    for (number, captured) in (1..).zip(capture.frames()) {
        if before.contains(&number)
            && let Some(room) = rooms.next()
        {
            let next = policies[(turn + 1) % 2].policy;
            sensor.replace_policy(next, room.lend(), &heirs[turn % 2].succession(), &mut output);
            output.policy = next;
            turn += 1;
        }
        sensor.frame(&frame(number, captured), &mut output);
    }
    sensor.finish(&mut output);
    output.lines
}

/// Alerts as lines of CEF, in the words of the policy in force.
struct Lines<'p> {
    policy: Policy<'p>,
    lines: Vec<String>,
}

impl Output for Lines<'_> {
    fn exchange(&mut self, _: &Exchange<'_>) {}

    fn anomaly(&mut self, _: &Anomaly) {}

    fn alert(&mut self, alert: &Alert<'_>) {
        self.lines.push(line(&self.policy, alert));
    }
}

/// Everything that is told, in order, as lines.
pub struct Told<'p> {
    policy: Policy<'p>,
    /// The lines.
    pub lines: Vec<String>,
}

impl<'p> Told<'p> {
    /// Nothing yet, to be told in the words of a policy.
    pub fn new(policy: Policy<'p>) -> Self {
        Self { policy, lines: Vec::new() }
    }
}

impl Output for Told<'_> {
    fn exchange(&mut self, exchange: &Exchange<'_>) {
        self.lines.push(format!("{exchange:?}"));
    }

    fn anomaly(&mut self, anomaly: &Anomaly) {
        self.lines.push(format!("{anomaly:?}"));
    }

    fn alert(&mut self, alert: &Alert<'_>) {
        self.lines.push(line(&self.policy, alert));
    }
}

fn watch(capture: &Capture, mut sensor: Sensor<'_>, output: &mut dyn Output) -> Counters {
    for (number, captured) in (1..).zip(capture.frames()) {
        sensor.frame(&frame(number, captured), output);
    }
    sensor.finish(output);
    sensor.counters()
}

fn frame(number: u64, captured: &Captured) -> Frame<'_> {
    Frame {
        number,
        time: Timestamp(captured.time_ns),
        link: LinkType::Ethernet,
        bytes: &captured.bytes,
        wire_len: captured.wire_len,
    }
}

fn config(protocol: Protocol, port: u16) -> Config {
    let mut config = Config { folding: Folding::OFF, ..Config::default() };
    let carried = match protocol {
        Protocol::Modbus => Carried::Modbus,
        Protocol::Dnp3 => Carried::Dnp3,
    };
    if config.protocol(port).is_none() {
        config.ports.push((port, carried)).expect("there is room for one more port");
    }
    config
}
