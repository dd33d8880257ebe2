//! Writes what the parsers read, for tests: from the specification's structure, sharing no code with them.

extern crate std;

use std::vec;
use std::vec::Vec;

use super::control::Crob;
use super::objects::{DoubleBit, IntervalUnit, Time, Value};

/// CRC of the link layer, bit by bit: polynomial 0x3D65 reflected, complemented.
fn crc(data: &[u8]) -> [u8; 2] {
    let mut crc = 0_u16;
    for octet in data {
        crc ^= u16::from(*octet);
        for _ in 0..8 {
            crc = if crc & 1 == 1 { crc >> 1 ^ 0xa6bc } else { crc >> 1 };
        }
    }
    (!crc).to_le_bytes()
}

fn with_crc(data: &[u8]) -> Vec<u8> {
    [data, &crc(data)].concat()
}

/// A header with any length octet.
pub(super) fn header(length: u8, control: u8, destination: u16, source: u16) -> Vec<u8> {
    let [d0, d1] = destination.to_le_bytes();
    let [s0, s1] = source.to_le_bytes();
    with_crc(&[0x05, 0x64, length, control, d0, d1, s0, s1])
}

/// A whole frame.
pub(crate) fn frame(control: u8, destination: u16, source: u16, user_data: &[u8]) -> Vec<u8> {
    let length = u8::try_from(user_data.len() + 5).unwrap();
    let blocks = user_data.chunks(16).map(with_crc);
    core::iter::once(header(length, control, destination, source)).chain(blocks).flatten().collect()
}

/// A frame of unconfirmed user data from master 1 to outstation 10.
pub(super) fn request_frame(user_data: &[u8]) -> Vec<u8> {
    frame(0xc4, 10, 1, user_data)
}

/// A fragment cut into segments with this much data each.
pub(super) fn segments(fragment: &[u8], len: usize, first_sequence: u8) -> Vec<Vec<u8>> {
    let pieces: Vec<&[u8]> = fragment.chunks(len).collect();
    let header = |at: usize| {
        let fir = if at == 0 { 0x40 } else { 0 };
        let fin = if at + 1 == pieces.len() { 0x80 } else { 0 };
        fin | fir | (usize::from(first_sequence) + at) as u8 & 0x3f
    };
    pieces.iter().enumerate().map(|(at, piece)| [&[header(at)], *piece].concat()).collect()
}

/// A request: first and final fragment, sequence number 3.
pub(super) fn request(function: u8, objects: &[u8]) -> Vec<u8> {
    [&[0xc3, function], objects].concat()
}

/// A response to it.
pub(super) fn response(indications: [u8; 2], objects: &[u8]) -> Vec<u8> {
    [&[0xc3, 129], &indications[..], objects].concat()
}

/// A control relay output block with its status.
pub(crate) fn crob(code: u8, status: u8) -> Vec<u8> {
    [&[code, 2][..], &100_u32.to_le_bytes(), &200_u32.to_le_bytes(), &[status]].concat()
}

/// Every qualifier that is not reserved and has objects or indexes behind it, but for those with size prefixes.
pub(super) const QUALIFIERS: [u8; 18] =
    [0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x07, 0x08, 0x09, 0x17, 0x18, 0x19, 0x27, 0x28, 0x29, 0x37, 0x38, 0x39];

/// The qualifiers whose objects have their size in front.
pub(super) const SIZE_QUALIFIERS: [u8; 3] = [0x4b, 0x5b, 0x6b];

fn number(number: u32, octets: usize) -> Vec<u8> {
    number.to_le_bytes()[..octets].to_vec()
}

/// The range field of a header with this qualifier, for so many objects.
fn range(qualifier: u8, first: u32, count: u32) -> Vec<u8> {
    let width = [1, 2, 4, 1, 2, 4, 0, 1, 2, 4, 0, 1][usize::from(qualifier & 0x0f)];
    match qualifier & 0x0f {
        0..=5 => [number(first, width), number(first + count - 1, width)].concat(),
        _ => number(count, width),
    }
}

/// What stands in front of an object with this qualifier.
fn prefix(qualifier: u8, index: u32, len: usize) -> Vec<u8> {
    match qualifier >> 4 {
        0 => Vec::new(),
        code @ 1..=3 => number(index, [1, 2, 4][usize::from(code) - 1]),
        code => number(len as u32, [1, 2, 4][usize::from(code) - 4]),
    }
}

/// An object header with objects of consecutive indexes behind it.
pub(super) fn objects(group: u8, variation: u8, qualifier: u8, first: u32, objects: &[Vec<u8>]) -> Vec<u8> {
    let range = range(qualifier, first, objects.len() as u32);
    let items =
        (first..).zip(objects).map(|(at, object)| [prefix(qualifier, at, object.len()), object.clone()].concat());
    [vec![group, variation, qualifier], range].into_iter().chain(items).flatten().collect()
}

/// An object, and what it says.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Sample {
    pub(super) octets: Vec<u8>,
    pub(super) value: Value<'static>,
    pub(super) flags: Option<u8>,
    pub(super) time: Option<Time>,
    pub(super) status: Option<u8>,
    pub(super) association: Option<u16>,
}

/// An object with these fields; `seed` decides what it says.
pub(super) fn sample(fields: &str, seed: u64) -> Sample {
    let empty =
        Sample { octets: Vec::new(), value: Value::None, flags: None, time: None, status: None, association: None };
    let mixed = |at: usize| (seed + at as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29);
    fields.split(' ').enumerate().fold(empty, |sample, (at, field)| sample.with(field, mixed(at)))
}

impl Sample {
    fn with(mut self, field: &str, bits: u64) -> Self {
        let octets = bits.to_le_bytes();
        let ms = bits & 0xffff_ffff_ffff;
        let len = match field {
            "flags" => (self.flags = Some(octets[0]), 1).1,
            "flags+bit" => {
                self.flags = Some(octets[0]);
                (self.value = Value::Bit(octets[0] > 0x7f), 1).1
            }
            "flags+double" => {
                self.flags = Some(octets[0]);
                (self.value = Value::DoubleBit(double(octets[0] / 0x40)), 1).1
            }
            "status" => (self.status = Some(octets[0] % 0x80), 1).1,
            "status+bit" => {
                self.status = Some(octets[0] % 0x80);
                (self.value = Value::Bit(octets[0] > 0x7f), 1).1
            }
            "u8" => (self.value = Value::Integer((bits & 0xff) as i64), 1).1,
            "u16" => (self.value = Value::Integer((bits & 0xffff) as i64), 2).1,
            "u32" => (self.value = Value::Integer((bits & 0xffff_ffff) as i64), 4).1,
            "i16" => (self.value = Value::Integer((bits as i16).into()), 2).1,
            "i32" => (self.value = Value::Integer((bits as i32).into()), 4).1,
            "at" => (self.time = Some(Time::Absolute(ms)), 6).1,
            "after" => (self.time = Some(Time::Relative(bits as u16)), 2).1,
            "time" => (self.value = Value::Time(ms), 6).1,
            "association" => (self.association = Some(bits as u16), 2).1,
            other => return self.with_wide(other, bits),
        };
        self.octets.extend(&octets[..len]);
        self
    }

    fn with_wide(mut self, field: &str, bits: u64) -> Self {
        let real = f64::from(bits as i16) / 8.0;
        let (ms, unit) = (bits & 0xffff_ffff_ffff, (bits % 11) as u8);
        let digits = |count: u32| bits % 10_u64.pow(count);
        let (value, octets) = match field {
            "f32" => (Value::Real(real), (real as f32).to_le_bytes().to_vec()),
            "f64" => (Value::Real(real), real.to_le_bytes().to_vec()),
            "bcd2" => (Value::Integer(digits(4) as i64), bcd(digits(4), 2)),
            "bcd4" => (Value::Integer(digits(8) as i64), bcd(digits(8), 4)),
            "bcd8" => (Value::Integer(digits(16) as i64), bcd(digits(16), 8)),
            "time+interval" => {
                let value = Value::Schedule { start_ms: ms, interval: 77, unit: IntervalUnit::MILLISECONDS };
                (value, [&bits.to_le_bytes()[..6], &[77, 0, 0, 0]].concat())
            }
            "time+interval+unit" => {
                let value = Value::Schedule { start_ms: ms, interval: 256, unit: IntervalUnit(unit) };
                (value, [&bits.to_le_bytes()[..6], &[0, 1, 0, 0, unit]].concat())
            }
            "crob" => {
                let block = Crob { code: bits as u8, count: 2, on_time_ms: 100, off_time_ms: 200 };
                (Value::Control(block), crob(block.code, 0)[..10].to_vec())
            }
            _ => unreachable!("no such field: {field}"),
        };
        self.value = value;
        self.octets.extend(octets);
        self
    }
}

fn double(bits: u8) -> DoubleBit {
    [DoubleBit::Intermediate, DoubleBit::DeterminedOff, DoubleBit::DeterminedOn, DoubleBit::Indeterminate]
        [usize::from(bits)]
}

/// A number as so many octets of binary coded decimal, the least significant first.
fn bcd(number: u64, octets: u32) -> Vec<u8> {
    (0..octets).map(|at| number / 100_u64.pow(at) % 100).map(|pair| (pair / 10 * 16 + pair % 10) as u8).collect()
}
