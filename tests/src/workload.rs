//! What a plant network mostly carries, in any quantity, and the policy of such a plant.

mod policy;

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;

pub use self::policy::{POLICY, Permitted, policy};
use crate::generate::{Capture, Endpoint, Message, Network, Session, Side, Transport, dnp3, modbus};

/// Masters that poll, now and then with a command.
#[derive(Clone, Copy)]
pub enum Workload {
    /// Reads of 10 registers, every twentieth exchange a write.
    Modbus,
    /// Event polls, every tenth exchange a read of all 60 points, every twentieth a control.
    Dnp3,
}

/// Whom sessions are with.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Plant {
    /// Each with devices that were never there before, so that whatever is kept of one keeps growing.
    Growing,
    /// All with the same devices, which a policy can name.
    Fixed,
    /// Ten thousand at a time, each with a device of its own.
    Wide,
}

impl Plant {
    /// Sessions that are open at the same time, each with a device of its own.
    const fn sessions(self) -> u32 {
        match self {
            Self::Growing | Self::Fixed => DEVICES,
            Self::Wide => 10_000,
        }
    }

    /// Exchanges of a session.
    const fn exchanges(self) -> usize {
        match self {
            Self::Growing | Self::Fixed => EXCHANGES,
            Self::Wide => 20,
        }
    }
}

/// Devices of [`Plant::Fixed`].
const DEVICES: u32 = 64;
const EXCHANGES: usize = 100;
/// Time between two exchanges of a session.
const INTERVAL_US: u64 = 100_000;
const RESPONSE_TIME_US: u64 = 3_000;
const BLOCK_US: u64 = (EXCHANGES as u64 + 10) * INTERVAL_US;
const PCAP_HEADER: usize = 24;

impl Workload {
    /// As a table says it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Modbus => "Modbus polling",
            Self::Dnp3 => "DNP3 polling",
        }
    }

    /// Writes a capture of at least `packets` packets: block after block of sessions.
    pub fn write(self, path: &Path, packets: usize, plant: Plant) -> io::Result<()> {
        let mut file = BufWriter::new(File::create(path)?);
        let mut written = 0;
        for block in 0.. {
            let capture = self.block(block, plant);
            let bytes = capture.pcap();
            file.write_all(if block == 0 { &bytes } else { &bytes[PCAP_HEADER..] })?;
            written += capture.frames().len();
            if written >= packets {
                break;
            }
        }
        file.flush()
    }

    /// The sessions of one stretch of time.
    pub fn block(self, block: u32, plant: Plant) -> Capture {
        let mut capture = Capture::default();
        for number in 0..plant.sessions() {
            let start_us = u64::from(block) * BLOCK_US
                + u64::from(number) * INTERVAL_US / u64::from(plant.sessions())
                + INTERVAL_US;
            let network = if plant == Plant::Growing { block } else { 0 };
            let mut session = Session::new(client(network), server(network, number, self.port()), Transport::Tcp);
            // A connection is a new one even where the devices are the same.
            session.client.port = 20_000 + ((block * plant.sessions() + number) % 40_000) as u16;
            session.play(&self.messages(start_us, plant.exchanges()), [1000 + number, 5000 + number]);
            capture.add(&session, &Network::default());
        }
        capture
    }

    fn port(self) -> u16 {
        match self {
            Self::Modbus => 502,
            Self::Dnp3 => 20_000,
        }
    }

    fn messages(self, start_us: u64, exchanges: usize) -> Vec<Message> {
        let turns = (0..exchanges).flat_map(|turn| {
            let at_us = start_us + turn as u64 * INTERVAL_US;
            let (request, response) = match self {
                Self::Modbus => modbus_exchange(turn),
                Self::Dnp3 => dnp3_exchange(turn),
            };
            [(Side::Client, at_us, request), (Side::Server, at_us + RESPONSE_TIME_US, response)]
                .map(|(from, at_us, bytes)| Message { turn, from, at_us, bytes })
        });
        turns.collect()
    }
}

fn modbus_exchange(turn: usize) -> (Vec<u8>, Vec<u8>) {
    let label = turn as u16;
    let (request, response) = if turn % 20 == 19 {
        let write = modbus::write_register(40, label);
        (write.clone(), write)
    } else {
        let values: Vec<u16> = (0..10).map(|register| register * 7 + label).collect();
        (modbus::read(3, 100, 10), modbus::registers_response(3, &values))
    };
    (modbus::adu(label, 1, &request), modbus::adu(label, 1, &response))
}

fn dnp3_exchange(turn: usize) -> (Vec<u8>, Vec<u8>) {
    let link = dnp3::Link { master: 1, outstation: 10 };
    let sequence = turn as u8 & 0x0f;
    let (function, asked, answered) = match turn % 20 {
        9 => (dnp3::function::READ, dnp3::ALL_CLASSES.to_vec(), all_points(turn)),
        19 => {
            let crob = |status| dnp3::crob(3, dnp3::control::LATCH_ON, status);
            (dnp3::function::DIRECT_OPERATE, crob(0), crob(0))
        }
        _ => (dnp3::function::READ, dnp3::EVENT_CLASSES.to_vec(), dnp3::binary_event(2, turn.is_multiple_of(2))),
    };
    let carry = |from, fragment: &[u8]| dnp3::frames(link, from, turn as u8, fragment).concat();
    let request = carry(Side::Client, &dnp3::request(sequence, function, &asked));
    (request, carry(Side::Server, &dnp3::response(sequence, [0, 0], &answered)))
}

fn all_points(turn: usize) -> Vec<u8> {
    let analogs: Vec<i32> = (0..30).map(|index| index * 100 + turn as i32).collect();
    let binaries: Vec<bool> = (0..30).map(|index| (index + turn).is_multiple_of(3)).collect();
    [dnp3::binary_inputs(0, &binaries), dnp3::analog_inputs(0, &analogs)].concat()
}

fn client(block: u32) -> Endpoint {
    Endpoint { mac: [2, 0, 0, 0, 0, 1], ip: address(block, 1), port: 0 }
}

fn server(block: u32, number: u32, port: u16) -> Endpoint {
    Endpoint { mac: [2, 0, 0, 0, 1, number as u8], ip: device(block, number), port }
}

fn device(block: u32, number: u32) -> IpAddr {
    address(block, 100 + number)
}

fn address(block: u32, host: u32) -> IpAddr {
    IpAddr::V4(Ipv4Addr::from(0x0a00_0000 + (block << 8) + host))
}
