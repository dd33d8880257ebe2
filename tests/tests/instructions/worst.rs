//! Input that costs the parsers most for its length. The patterns are what fuzzing found to cost most, cut to what
//! matters and repeated.

use tagout_tests::generate::{Message, Side};

use crate::count::{Records, instructions};
use crate::traffic::connection;

/// Bytes to repeat, on which port.
struct Pattern {
    name: &'static str,
    port: u16,
    bytes: &'static [u8],
}

const PATTERNS: [Pattern; 9] = [
    Pattern { name: "nothing but link frame starts", port: 20_000, bytes: &[0x05, 0x64] },
    Pattern {
        name: "link headers without their data",
        port: 20_000,
        bytes: &[0x05, 0x64, 0xFF, 0xC4, 0x0A, 0x00, 0x01, 0x00, 0x0C, 0xFA],
    },
    Pattern {
        name: "whole link frames without data",
        port: 20_000,
        bytes: &[0x05, 0x64, 0x05, 0xC0, 0x01, 0x00, 0x00, 0x04, 0xE9, 0x21],
    },
    Pattern { name: "zeros on a Modbus port", port: 502, bytes: &[0] },
    Pattern { name: "MBAP headers of the greatest length", port: 502, bytes: &[0, 1, 0, 0, 0, 254, 1, 100] },
    Pattern { name: "the shortest ADUs", port: 502, bytes: &[0, 1, 0, 0, 0, 2, 1, 7] },
    Pattern { name: "MBAP headers within headers", port: 502, bytes: &[0, 0, 0, 0, 0, 6, 0, 3] },
    Pattern { name: "nothing but colons", port: 502, bytes: b":" },
    Pattern { name: "ASCII frames that never end", port: 502, bytes: b":0103" },
];

const SHORT: usize = 1 << 16;
/// Twice the bytes may cost a little more than twice the instructions, since tables fill up.
const MOST_FOR_TWICE: f64 = 2.2;
/// Instructions a byte that no input may exceed.
const MOST_A_BYTE: u64 = 500;

pub(crate) fn holds_to_lines() {
    let nothing = cost(502, &[]);
    let mut failures = Vec::new();
    for pattern in &PATTERNS {
        let of = |length: usize| cost(pattern.port, &pattern.bytes.repeat(length / pattern.bytes.len())) - nothing;
        let (short, long) = (of(SHORT), of(2 * SHORT));
        let (a_byte, factor) = (long / (2 * SHORT) as u64, long as f64 / short as f64);
        println!("{}: {a_byte} instructions a byte, {factor:.2} times as many for twice the bytes", pattern.name);
        if factor > MOST_FOR_TWICE || a_byte > MOST_A_BYTE {
            failures.push(pattern.name);
        }
    }
    assert!(failures.is_empty(), "not linear in the bytes, or too slow: {failures:?}");
}

/// Instructions for a client that sends these bytes as fast as it can.
fn cost(port: u16, bytes: &[u8]) -> u64 {
    let message = Message { turn: 0, from: Side::Client, at_us: 1_000, bytes: bytes.to_vec() };
    instructions(&connection(port, &[message]).pcap(), Records::Alerts)
}
