//! A sensor with tables of test size, run over a capture.

use tagout::memory::{Limits, Memory};
use tagout_core::engine::Policy;
use tagout_core::{Config, Counters, Folding, Frame, LinkType, Output, Protocol as Carried, Sensor, Timestamp};

use crate::generate::Capture;
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
    datagrams: 32,
    datagram_bytes: 65_536,
};

/// Runs a sensor over a capture, with `protocol` expected on `port` too, and returns what it counted.
pub fn observe(
    capture: &Capture,
    protocol: Protocol,
    port: u16,
    policy: Policy<'_>,
    output: &mut impl Output,
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
    output: &mut impl Output,
) -> Counters {
    let mut memory = Memory::new(&LIMITS, policy);
    let mut storage = memory.lend();
    storage.engine.routines = &mut [];
    watch(capture, Sensor::new(config(protocol, port), policy, storage), output)
}

fn watch(capture: &Capture, mut sensor: Sensor<'_>, output: &mut impl Output) -> Counters {
    for (number, captured) in (1..).zip(capture.frames()) {
        let frame = Frame {
            number,
            time: Timestamp(captured.time_ns),
            link: LinkType::Ethernet,
            bytes: &captured.bytes,
            wire_len: captured.wire_len,
        };
        sensor.frame(&frame, output);
    }
    sensor.finish(output);
    sensor.counters()
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
