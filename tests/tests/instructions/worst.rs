//! Input that costs the parsers most for its length. The patterns are what fuzzing found to cost most, cut to what
//! matters and repeated, and what the parsers' own code suggests.

use tagout_tests::generate::{Message, Side, dnp3};

use crate::count::{Records, instructions, instructions_of_line};
use tagout_tests::traffic::connection;

/// Bytes to repeat, where they are sent.
struct Pattern {
    name: &'static str,
    to: To,
    bytes: &'static [u8],
}

/// What the bytes of a pattern are part of.
#[derive(Clone, Copy)]
pub(crate) enum To {
    /// A stream to Modbus's port.
    Modbus,
    /// The same, behind a unit that shows how the stream is framed.
    ModbusBehind(&'static [u8]),
    /// A stream to DNP3's port.
    Dnp3,
    /// The objects of READ requests that are as long as fragments may be.
    Dnp3Reads,
    /// A serial line of which nothing is known, in pieces of so many bytes.
    Line(usize),
}

/// Bytes of a piece: what a UART's buffer holds.
const UART: usize = 64;

/// A request in RTU: exception status.
const RTU: &[u8] = &[0x02, 0x07, 0x41, 0x12];
/// The same in ASCII.
const ASCII: &[u8] = b":0207F7\r\n";

const PATTERNS: [Pattern; 37] = [
    Pattern { name: "nothing but link frame starts", to: To::Dnp3, bytes: &[0x05, 0x64] },
    Pattern {
        name: "link headers without their data",
        to: To::Dnp3,
        bytes: &[0x05, 0x64, 0xFF, 0xC4, 0x0A, 0x00, 0x01, 0x00, 0x0C, 0xFA],
    },
    Pattern {
        name: "whole link frames without data",
        to: To::Dnp3,
        bytes: &[0x05, 0x64, 0x05, 0xC0, 0x01, 0x00, 0x00, 0x04, 0xE9, 0x21],
    },
    Pattern {
        name: "link acknowledgements of nothing",
        to: To::Dnp3,
        bytes: &[0x05, 0x64, 0x05, 0x40, 0x0A, 0x00, 0x01, 0x00, 0xC5, 0xCD],
    },
    Pattern {
        name: "the shortest requests of DNP3",
        to: To::Dnp3,
        bytes: &[0x05, 0x64, 0x08, 0xC4, 0x0A, 0x00, 0x01, 0x00, 0xFC, 0x42, 0xC0, 0xC0, 0x0D, 0x9C, 0x86],
    },
    Pattern {
        name: "responses of DNP3 to nothing",
        to: To::Dnp3,
        bytes: &[0x05, 0x64, 0x0A, 0xC4, 0x0A, 0x00, 0x01, 0x00, 0x4B, 0x64, 0xC0, 0xC0, 0x81, 0x00, 0x00, 0x9C, 0xE8],
    },
    Pattern { name: "object headers without objects", to: To::Dnp3Reads, bytes: &[60, 1, 0x06] },
    Pattern { name: "object headers that count no objects", to: To::Dnp3Reads, bytes: &[1, 2, 0x07, 0] },
    Pattern { name: "objects of no octets that tell their size", to: To::Dnp3Reads, bytes: &[110, 0, 0x5B, 1, 0, 0] },
    Pattern { name: "data sets of elements of no octets", to: To::Dnp3Reads, bytes: &[87, 1, 0x5B, 1, 3, 0, 0, 0, 0] },
    Pattern { name: "lists of two indexes", to: To::Dnp3Reads, bytes: &[1, 2, 0x17, 2, 0, 1] },
    Pattern { name: "zeros on a Modbus port", to: To::Modbus, bytes: &[0] },
    Pattern { name: "MBAP headers of the greatest length", to: To::Modbus, bytes: &[0, 1, 0, 0, 0, 254, 1, 100] },
    Pattern { name: "the shortest ADUs", to: To::Modbus, bytes: &[0, 1, 0, 0, 0, 2, 1, 7] },
    Pattern { name: "MBAP headers within headers", to: To::Modbus, bytes: &[0, 0, 0, 0, 0, 6, 0, 3] },
    Pattern { name: "nothing but colons", to: To::Modbus, bytes: b":" },
    Pattern { name: "ASCII frames that never end", to: To::Modbus, bytes: b":0103" },
    Pattern { name: "colons among ASCII frames", to: To::ModbusBehind(ASCII), bytes: b":" },
    Pattern { name: "the shortest ASCII frames", to: To::Modbus, bytes: ASCII },
    Pattern { name: "ASCII frames among RTU", to: To::ModbusBehind(RTU), bytes: ASCII },
    Pattern { name: "the shortest RTU frames", to: To::ModbusBehind(RTU), bytes: RTU },
    Pattern {
        name: "RTU frames of open length that no CRC ends",
        to: To::ModbusBehind(RTU),
        bytes: &[0x02, 0x07, 0x41, 0x12, 0x01, 0x64],
    },
    Pattern { name: "long RTU frames within each other", to: To::ModbusBehind(RTU), bytes: &[0x10, 0xF6] },
    Pattern {
        name: "RTU echoes of any length within each other",
        to: To::ModbusBehind(RTU),
        bytes: &[0x08, 0x00, 0x00],
    },
    Pattern { name: "nothing but colons on a line", to: To::Line(UART), bytes: b":" },
    Pattern { name: "nothing but link frame starts on a line", to: To::Line(UART), bytes: &[0x05, 0x64] },
    Pattern { name: "long RTU frames within each other on a line", to: To::Line(UART), bytes: &[0x17, 0xF0] },
    Pattern {
        name: "ASCII frames that never end on a line",
        to: To::Line(UART),
        bytes: b":01030103010301030103010301030103",
    },
    Pattern { name: "nothing but colons on a line, alone", to: To::Line(1), bytes: b":" },
    Pattern { name: "nothing but link frame starts on a line, alone", to: To::Line(1), bytes: &[0x05, 0x64] },
    Pattern { name: "zeros on a line, alone", to: To::Line(1), bytes: &[0] },
    Pattern { name: "the shortest RTU frames on a line, alone", to: To::Line(1), bytes: RTU },
    Pattern { name: "the shortest ASCII frames on a line, alone", to: To::Line(1), bytes: ASCII },
    Pattern { name: "long RTU frames within each other on a line, alone", to: To::Line(1), bytes: &[0x17, 0xF0] },
    Pattern {
        name: "RTU frames of open length that no CRC ends on a line, alone",
        to: To::Line(1),
        bytes: &[0x02, 0x07, 0x41, 0x12, 0x01, 0x64],
    },
    Pattern {
        name: "RTU echoes of any length within each other on a line, alone",
        to: To::Line(1),
        bytes: &[0x08, 0x00, 0x00],
    },
    Pattern {
        name: "ASCII frames that never end on a line, alone",
        to: To::Line(1),
        bytes: b":01030103010301030103010301030103",
    },
];

/// Octets of objects in a fragment of 2,048.
const LONGEST_FRAGMENT: usize = 2_046;
const SHORT: usize = 1 << 15;
/// The same for lines that bring each byte alone, which take their time.
const SHORT_ALONE: usize = 1 << 13;
/// Twice the bytes may cost a little more than twice the instructions, since tables fill up.
const MOST_FOR_TWICE: f64 = 2.2;
/// Instructions a byte that no input may exceed.
const MOST_A_BYTE: u64 = 1_200;
/// The same where RTU is read: a unit may have four bytes, and each may call for the CRC of the longest frame.
const MOST_A_BYTE_OF_RTU: u64 = 2_600;

/// The same where a line brings each byte alone: each may finish a frame that the CRC of all that is held tells.
const MOST_A_BYTE_ALONE: u64 = 14_500;

pub(crate) fn is_linear(is_among: impl Fn(To) -> bool) {
    let mut failures = Vec::new();
    for pattern in PATTERNS.iter().filter(|pattern| is_among(pattern.to)) {
        let (nothing, _) = pattern.cost(0);
        let short = pattern.to.short();
        let [short, long] = [short, 2 * short].map(|length| pattern.cost(length / pattern.bytes.len()));
        let a_byte = (long.0 - short.0) / (long.1 - short.1);
        let factor = (long.0 - nothing) as f64 / (short.0 - nothing) as f64;
        println!("{}: {a_byte} instructions a byte, {factor:.2} times as many for twice the bytes", pattern.name);
        if factor > MOST_FOR_TWICE || a_byte > pattern.to.most_a_byte() {
            failures.push(pattern.name);
        }
    }
    assert!(failures.is_empty(), "not linear in the bytes, or too slow: {failures:?}");
}

impl To {
    pub(crate) fn is_line(self) -> bool {
        matches!(self, Self::Line(_))
    }

    /// Bytes of the shorter input.
    fn short(self) -> usize {
        if matches!(self, Self::Line(1)) { SHORT_ALONE } else { SHORT }
    }

    fn most_a_byte(self) -> u64 {
        match self {
            Self::Modbus | Self::ModbusBehind(ASCII) | Self::Dnp3 | Self::Dnp3Reads => MOST_A_BYTE,
            Self::Line(1) => MOST_A_BYTE_ALONE,
            Self::ModbusBehind(_) | Self::Line(_) => MOST_A_BYTE_OF_RTU,
        }
    }
}

impl Pattern {
    /// Instructions for the pattern so many times, as fast as it can be sent, and how many bytes carry it.
    fn cost(&self, times: usize) -> (u64, u64) {
        let bytes = self.bytes.repeat(times);
        let sent = |port, bytes: Vec<u8>| (stream(port, &bytes), bytes.len() as u64);
        match self.to {
            To::Modbus => sent(502, bytes),
            To::ModbusBehind(unit) => sent(502, [unit, &bytes].concat()),
            To::Dnp3 => sent(20_000, bytes),
            To::Dnp3Reads => sent(20_000, reads(&bytes, self.bytes.len())),
            To::Line(piece) => (instructions_of_line(piece, &bytes), bytes.len() as u64),
        }
    }
}

/// Instructions for a client that sends these bytes to this port.
fn stream(port: u16, bytes: &[u8]) -> u64 {
    let message = Message { turn: 0, from: Side::Client, at_us: 1_000, bytes: bytes.to_vec() };
    instructions(&connection(port, &[message]).pcap(), Records::Alerts)
}

/// Requests that read these objects, of which each has so many bytes.
fn reads(objects: &[u8], len: usize) -> Vec<u8> {
    let link = dnp3::Link { master: 1, outstation: 10 };
    let requests =
        objects.chunks(LONGEST_FRAGMENT / len * len).map(|objects| dnp3::request(0, dnp3::function::READ, objects));
    requests.flat_map(|request| dnp3::frames(link, Side::Client, 0, &request).concat()).collect()
}
