//! What client and server say to each other, turn by turn, with the records that the sensor owes for it.

mod dnp3;
mod modbus;

use crate::generate::{Message, Side};
use crate::plant::Protocol;

/// What a turn says; the exact functions differ by protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Reads a few values at an address of its own.
    Poll,
    /// Another function each turn, all of them permitted.
    Mixed,
    /// Reads as many values as one response, or three link frames, can carry.
    LargeRead,
    /// A request and a response that both have nearly the greatest length.
    Bulk,
    /// Asks for what the device does not have.
    Refused,
    /// Writes what the policy permits; as long as [`Kind::Danger`] on the wire.
    Write,
    /// The command that nobody permitted.
    Danger,
    /// The same command with another value or point.
    OtherDanger,
}

/// One exchange as it was meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Turn {
    /// Unit id, or link address of the outstation.
    pub unit: u16,
    /// Link address of the master; 0 for Modbus.
    pub master: u16,
    /// Transaction id, or application sequence number.
    pub label: u16,
    /// The request's PDU or application fragment.
    pub request: Option<Vec<u8>>,
    /// The response's.
    pub response: Option<Vec<u8>>,
    /// How it ends when nothing disturbs it, as records name it.
    pub outcome: &'static str,
}

/// How turns are numbered and spread.
#[derive(Clone, Debug)]
pub struct Numbering {
    /// Unit ids or outstations, in turn.
    pub units: Vec<u16>,
    /// Link address of the master.
    pub master: u16,
    /// Always this transaction id or application sequence number.
    pub constant_label: Option<u16>,
}

impl Numbering {
    fn unit(&self, index: usize) -> u16 {
        self.units[index % self.units.len()]
    }

    fn label(&self, index: usize) -> u16 {
        self.constant_label.unwrap_or(index as u16)
    }
}

/// The `index`-th turn of a dialogue.
pub fn turn(protocol: Protocol, kind: Kind, index: usize, numbering: &Numbering) -> Turn {
    match protocol {
        Protocol::Modbus => modbus::turn(kind, index, numbering),
        Protocol::Dnp3 => dnp3::turn(kind, index, numbering),
    }
}

/// When turns take place.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// When the first request is written, in microseconds.
    pub start_us: u64,
    /// From one request, or bundle of requests, to the next.
    pub interval_us: u64,
    /// From a request to its response.
    pub latency_us: u64,
    /// How many requests are written at once, before any of their responses.
    pub pipelined: usize,
}

/// The messages that carry a dialogue, in order of time; the index of a turn in `turns` is its name.
pub fn messages(protocol: Protocol, turns: &[Turn], pace: Pace) -> Vec<Message> {
    let mut transport_sequence = [0_u8; 2];
    let mut messages = Vec::new();
    for (index, turn) in turns.iter().enumerate() {
        let at_us = pace.start_us + (index / pace.pipelined) as u64 * pace.interval_us;
        let sides = [(Side::Client, &turn.request, at_us), (Side::Server, &turn.response, at_us + pace.latency_us)];
        for (from, unit, at_us) in sides {
            let Some(unit) = unit else { continue };
            let bytes = frame_unit(protocol, turn, from, unit, &mut transport_sequence[from as usize]);
            messages.push(Message { turn: index, from, at_us, bytes });
        }
    }
    messages.sort_by_key(|message| message.at_us);
    messages
}

/// The bytes on the wire of one side of a turn; `transport_sequence` moves on by the DNP3 segments used.
pub fn frame_unit(protocol: Protocol, turn: &Turn, from: Side, unit: &[u8], transport_sequence: &mut u8) -> Vec<u8> {
    match protocol {
        Protocol::Modbus => crate::generate::modbus::adu(turn.label, turn.unit as u8, unit),
        Protocol::Dnp3 => {
            let link = crate::generate::dnp3::Link { master: turn.master, outstation: turn.unit };
            let frames = crate::generate::dnp3::frames(link, from, *transport_sequence, unit);
            *transport_sequence = transport_sequence.wrapping_add(frames.len() as u8) & 0x3f;
            frames.concat()
        }
    }
}
