//! Exchanges that come over and over, to count what one costs.

use std::net::{IpAddr, Ipv4Addr};

use crate::generate::{Capture, Endpoint, Message, Network, Session, Side, Transport, dnp3, modbus};

/// One kind of exchange, over and over on one connection.
pub struct Traffic {
    /// In a few words.
    pub name: &'static str,
    port: u16,
    /// Request and response number so many.
    exchange: fn(u16) -> [Vec<u8>; 2],
}

/// All that is counted.
pub const TRAFFIC: [Traffic; 3] = [
    Traffic { name: "Modbus poll of 10 registers", port: 502, exchange: poll },
    Traffic { name: "Modbus write of a register", port: 502, exchange: write },
    Traffic { name: "DNP3 class 0 poll of 100 points", port: 20_000, exchange: class_0 },
];

/// What most polls look like: nothing has changed.
pub const STEADY_POLL: Traffic =
    Traffic { name: "Modbus poll of 10 registers that stay", port: 502, exchange: steady_poll };

const INTERVAL_US: u64 = 100_000;
const RESPONSE_TIME_US: u64 = 3_000;

impl Traffic {
    /// A connection with so many exchanges.
    pub fn capture(&self, exchanges: usize) -> Capture {
        let messages = (0..exchanges).flat_map(|turn| {
            let at_us = (turn as u64 + 1) * INTERVAL_US;
            let [request, response] = (self.exchange)(turn as u16);
            [(Side::Client, at_us, request), (Side::Server, at_us + RESPONSE_TIME_US, response)]
                .map(|(from, at_us, bytes)| Message { turn, from, at_us, bytes })
        });
        connection(self.port, &messages.collect::<Vec<_>>())
    }
}

/// A connection to a server's port.
pub fn connection(port: u16, messages: &[Message]) -> Capture {
    let end = |host, port| Endpoint { mac: [2, 0, 0, 0, 0, host], ip: IpAddr::V4(Ipv4Addr::new(10, 0, 0, host)), port };
    let mut session = Session::new(end(1, 40_000), end(2, port), Transport::Tcp);
    session.play(messages, [1000, 5000]);
    Capture::of(&[session], &Network::default())
}

/// All of them change from one poll to the next.
fn poll(turn: u16) -> [Vec<u8>; 2] {
    poll_with(turn, turn)
}

fn steady_poll(turn: u16) -> [Vec<u8>; 2] {
    poll_with(turn, 0)
}

fn poll_with(turn: u16, first: u16) -> [Vec<u8>; 2] {
    let values: Vec<u16> = (0..10).map(|register| first.wrapping_add(register)).collect();
    [modbus::read(3, 100, 10), modbus::registers_response(3, &values)].map(|pdu| modbus::adu(turn, 1, &pdu))
}

fn write(turn: u16) -> [Vec<u8>; 2] {
    let write = modbus::write_register(40, turn);
    [write.clone(), write].map(|pdu| modbus::adu(turn, 1, &pdu))
}

fn class_0(turn: u16) -> [Vec<u8>; 2] {
    let link = dnp3::Link { master: 1, outstation: 10 };
    let sequence = turn as u8 & 0x0f;
    let analogs: Vec<i32> = (0..50).map(|index| index * 100 + i32::from(turn)).collect();
    let binaries: Vec<bool> = (0..50).map(|index| (index + turn).is_multiple_of(3)).collect();
    let points = [dnp3::binary_inputs(0, &binaries), dnp3::analog_inputs(0, &analogs)].concat();
    let frames = |from, fragment: &[u8]| dnp3::frames(link, from, turn as u8, fragment).concat();
    let request = frames(Side::Client, &dnp3::request(sequence, dnp3::function::READ, &[60, 1, 6]));
    [request, frames(Side::Server, &dnp3::response(sequence, [0, 0], &points))]
}
