//! The same exchanges as frames, through the sensor.

use std::net::IpAddr;

use tagout::memory::{Limits, Memory};
use tagout_core::engine::{Policy as Loaded, SuppressionId};
use tagout_core::{
    Alert, Anomaly, Config, Counter, Exchange as Seen, Folding, Frame, LinkType, Output, Sensor, Timestamp,
};

use super::model::{ACTORS, DEVICES, Exchange, PORT, Request, Said, UNIT};
use super::told::Told;
use tagout_tests::generate::modbus::{
    adu, bits_response, exception, mask_write, read, registers_response, write_coil, write_coils, write_register,
    write_registers, written,
};
use tagout_tests::generate::{Endpoint, Network, udp_frame};

/// Tables that no case fills.
pub(super) const AMPLE: Limits = Limits {
    flows: 16,
    stream_blocks: 1,
    recent_bytes: 1,
    requests: 32,
    request_blocks: 1,
    assemblies: 1,
    fragment_bytes: 64,
    associations: 1,
    selections: 1,
    stations: 4,
    absences: 64,
    intents: 64,
    acts: 64,
    files: 1,
    seen: 256,
    windows: 256,
    past: 16,
    folds: 1,
    neighbours: 8,
    datagrams: 1,
    datagram_bytes: 64,
};

/// What a sensor told, and how many rules fired of which it could not.
#[derive(Debug, Default)]
pub(super) struct Heard {
    pub(super) told: Vec<Told>,
    pub(super) lost: u64,
}

struct Ear<'p> {
    policy: Loaded<'p>,
    told: Vec<Told>,
}

impl Output for Ear<'_> {
    fn exchange(&mut self, _: &Seen<'_>) {}

    fn anomaly(&mut self, _: &Anomaly) {}

    fn alert(&mut self, alert: &Alert<'_>) {
        self.told.push(Told::of(alert, &self.policy));
    }

    fn suppressed(&mut self, alert: &Alert<'_>, _: SuppressionId) {
        self.told.push(Told::of(alert, &self.policy));
    }
}

/// What the sensor tells of these exchanges.
pub(super) fn hear(policy: Loaded<'_>, limits: &Limits, exchanges: &[Exchange]) -> Heard {
    let mut memory = Memory::new(limits, policy);
    let config = Config { folding: Folding::OFF, ..Config::default() };
    let mut sensor = Sensor::new(config, policy, memory.lend());
    let mut ear = Ear { policy, told: Vec::new() };
    for (number, (ms, bytes)) in (1..).zip(frames(exchanges)) {
        let time = Timestamp(ms * 1_000_000);
        let frame = Frame { number, time, link: LinkType::Ethernet, bytes: &bytes, wire_len: bytes.len() as u32 };
        sensor.frame(&frame, &mut ear);
    }
    sensor.finish(&mut ear);
    Heard { told: ear.told, lost: sensor.counters().get(Counter::RuleFiringsLost) }
}

/// Each frame with its time in milliseconds.
fn frames(exchanges: &[Exchange]) -> impl Iterator<Item = (u64, Vec<u8>)> {
    exchanges.iter().enumerate().flat_map(|(number, exchange)| {
        let (actor, device) = (&ACTORS[exchange.actor], &DEVICES[exchange.device]);
        let client = Endpoint { mac: actor.mac, ip: IpAddr::V4(actor.ip), port: 40_000 };
        let server = Endpoint { mac: device.mac, ip: IpAddr::V4(device.ip), port: PORT };
        let request = adu(number as u16, UNIT, &exchange.request.pdu());
        let asked = (exchange.at, udp_frame(&Network::default(), &client, &server, &request));
        let answered = exchange.answer.as_ref().map(|answer| {
            let response = adu(number as u16, UNIT, &exchange.request.response(&answer.said));
            (exchange.at + answer.after, udp_frame(&Network::default(), &server, &client, &response))
        });
        std::iter::once(asked).chain(answered)
    })
}

impl Request {
    fn pdu(&self) -> Vec<u8> {
        match self {
            Self::Read { address, count, .. } => read(self.function(), *address, *count),
            Self::Write { address, values, .. } => match self.function() {
                5 => write_coil(*address, values[0] == 1),
                6 => write_register(*address, values[0]),
                15 => write_coils(*address, &bits(values)),
                _ => write_registers(*address, values),
            },
            Self::Mask { address } => mask_write(*address, 0x00f2, 0x0025),
            Self::Identify => vec![self.function()],
        }
    }

    fn response(&self, said: &Said) -> Vec<u8> {
        let function = self.function();
        match (said, self) {
            (Said::Refused(code), _) => exception(function, *code),
            (Said::Answered(values), Self::Read { .. }) if function == 1 => bits_response(function, &bits(values)),
            (Said::Answered(values), Self::Read { .. }) => registers_response(function, values),
            (Said::Answered(_), Self::Write { address, values, single: false, .. }) => {
                written(function, *address, values.len() as u16)
            }
            (Said::Answered(_), Self::Identify) => vec![function, 2, 1, 0xff],
            (Said::Answered(_), _) => self.pdu(),
        }
    }
}

fn bits(values: &[u16]) -> Vec<bool> {
    values.iter().map(|value| *value == 1).collect()
}
