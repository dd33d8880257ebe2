//! DNP3 application fragments and the transport segments and link frames that carry them.
//!
//! IEEE Std 1815-2012 clauses 4 (application), 8 (transport) and 9 (link); objects of annex A.

use super::Side;
use super::checksum;

/// Bytes of a fragment that one transport segment can carry.
pub const SEGMENT_BYTES: usize = 249;

/// Link addresses of both ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Link {
    /// The master's.
    pub master: u16,
    /// The outstation's.
    pub outstation: u16,
}

/// A link frame with unconfirmed user data of at most 250 bytes.
pub fn link_frame(link: Link, from: Side, user_data: &[u8]) -> Vec<u8> {
    let (control, to, source) = match from {
        Side::Client => (0xc4, link.outstation, link.master),
        Side::Server => (0x44, link.master, link.outstation),
    };
    let mut frame = vec![0x05, 0x64, user_data.len() as u8 + 5, control];
    frame.extend(to.to_le_bytes());
    frame.extend(source.to_le_bytes());
    frame.extend(checksum::dnp3(&frame).to_le_bytes());
    for block in user_data.chunks(16) {
        frame.extend(block);
        frame.extend(checksum::dnp3(block).to_le_bytes());
    }
    frame
}

/// The link frames that carry a fragment; `transport_sequence` is that of the first segment.
pub fn frames(link: Link, from: Side, transport_sequence: u8, fragment: &[u8]) -> Vec<Vec<u8>> {
    let last = fragment.len().div_ceil(SEGMENT_BYTES) - 1;
    let segments = fragment.chunks(SEGMENT_BYTES).enumerate();
    segments
        .map(|(at, chunk)| {
            let marks = if at == 0 { 0x40 } else { 0 } | if at == last { 0x80 } else { 0 };
            let mut segment = vec![marks | transport_sequence.wrapping_add(at as u8) & 0x3f];
            segment.extend(chunk);
            link_frame(link, from, &segment)
        })
        .collect()
}

/// Function codes of requests.
pub mod function {
    #![allow(missing_docs, reason = "the names are the standard's")]
    pub const CONFIRM: u8 = 0x00;
    pub const READ: u8 = 0x01;
    pub const WRITE: u8 = 0x02;
    pub const SELECT: u8 = 0x03;
    pub const OPERATE: u8 = 0x04;
    pub const DIRECT_OPERATE: u8 = 0x05;
    pub const DIRECT_OPERATE_NO_ACK: u8 = 0x06;
    pub const COLD_RESTART: u8 = 0x0d;
    pub const WARM_RESTART: u8 = 0x0e;
    pub const ENABLE_UNSOLICITED: u8 = 0x14;
    pub const DISABLE_UNSOLICITED: u8 = 0x15;
}

/// A request of one fragment.
pub fn request(sequence: u8, function: u8, objects: &[u8]) -> Vec<u8> {
    fragment(&[0xc0 | sequence & 0x0f, function], objects)
}

/// A solicited response of one fragment.
pub fn response(sequence: u8, iin: [u8; 2], objects: &[u8]) -> Vec<u8> {
    fragment(&[0xc0 | sequence & 0x0f, 0x81, iin[0], iin[1]], objects)
}

/// An unsolicited response that asks for confirmation.
pub fn unsolicited(sequence: u8, iin: [u8; 2], objects: &[u8]) -> Vec<u8> {
    fragment(&[0xf0 | sequence & 0x0f, 0x82, iin[0], iin[1]], objects)
}

/// Confirms an unsolicited response.
pub fn confirm_unsolicited(sequence: u8) -> Vec<u8> {
    vec![0xd0 | sequence & 0x0f, function::CONFIRM]
}

/// Headers that name event classes 1 to 3 (group 60 variations 2 to 4), all objects.
pub const EVENT_CLASSES: [u8; 9] = [60, 2, 6, 60, 3, 6, 60, 4, 6];
/// Headers that name event classes 1 to 3 and the static class 0.
pub const ALL_CLASSES: [u8; 12] = [60, 2, 6, 60, 3, 6, 60, 4, 6, 60, 1, 6];
/// Clears the restart indication: g80v1, index 7, value 0.
pub const CLEAR_RESTART: [u8; 6] = [80, 1, 0x00, 7, 7, 0x00];

/// A header without objects that names `count` indices from `start`, 16-bit start and stop.
pub fn range(group: u8, variation: u8, start: u16, count: u16) -> Vec<u8> {
    let mut header = vec![group, variation, 0x01];
    header.extend(start.to_le_bytes());
    header.extend((start + count - 1).to_le_bytes());
    header
}

/// A header without objects that names the first `count` indices one by one.
pub fn indices(group: u8, variation: u8, count: u16) -> Vec<u8> {
    let mut header = vec![group, variation, 0x28];
    header.extend(count.to_le_bytes());
    header.extend((0..count).flat_map(u16::to_le_bytes));
    header
}

/// 16-bit analog inputs with flags (g30v2), each behind its index, from index 0.
pub fn short_analog_inputs(values: &[i16]) -> Vec<u8> {
    let mut bytes = vec![30, 2, 0x28];
    bytes.extend((values.len() as u16).to_le_bytes());
    for (index, value) in (0_u16..).zip(values) {
        bytes.extend(index.to_le_bytes());
        bytes.push(0x01);
        bytes.extend(value.to_le_bytes());
    }
    bytes
}

/// Analog inputs with flags (g30v1).
pub fn analog_inputs(start: u16, values: &[i32]) -> Vec<u8> {
    let mut bytes = range(30, 1, start, values.len() as u16);
    for value in values {
        bytes.push(0x01);
        bytes.extend(value.to_le_bytes());
    }
    bytes
}

/// Binary inputs with flags (g1v2).
pub fn binary_inputs(start: u16, values: &[bool]) -> Vec<u8> {
    let mut bytes = range(1, 2, start, values.len() as u16);
    bytes.extend(values.iter().map(|on| if *on { 0x81 } else { 0x01 }));
    bytes
}

/// One binary input event without time (g2v1).
pub fn binary_event(index: u16, on: bool) -> Vec<u8> {
    indexed(2, 1, index, &[if on { 0x81 } else { 0x01 }])
}

/// Control codes of a CROB.
pub mod control {
    #![allow(missing_docs, reason = "the names are the standard's")]
    pub const LATCH_ON: u8 = 0x03;
    pub const LATCH_OFF: u8 = 0x04;
    pub const PULSE_ON_CLOSE: u8 = 0x41;
    pub const PULSE_ON_TRIP: u8 = 0x81;
}

/// A control relay output block (g12v1), once, 100 ms on and off.
pub fn crob(index: u16, control_code: u8, status: u8) -> Vec<u8> {
    let mut object = vec![control_code, 1];
    object.extend(100_u32.to_le_bytes());
    object.extend(100_u32.to_le_bytes());
    object.push(status);
    indexed(12, 1, index, &object)
}

/// The value of an analog output block.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Setpoint {
    /// g41v1.
    I32(i32),
    /// g41v2.
    I16(i16),
    /// g41v3.
    F32(f32),
    /// g41v4.
    F64(f64),
}

/// Analog output blocks at consecutive indices, all of the type of the first.
pub fn analog_outputs(start: u16, values: &[Setpoint], status: u8) -> Vec<u8> {
    let variation = values.first().map_or(1, |value| value.variation());
    let mut bytes = vec![41, variation, 0x28];
    bytes.extend((values.len() as u16).to_le_bytes());
    for (offset, value) in values.iter().enumerate() {
        bytes.extend((start + offset as u16).to_le_bytes());
        value.encode(&mut bytes);
        bytes.push(status);
    }
    bytes
}

/// A fine time delay in milliseconds (g52v2), as restarts answer with.
pub fn time_delay(ms: u16) -> Vec<u8> {
    let mut bytes = vec![52, 2, 0x07, 1];
    bytes.extend(ms.to_le_bytes());
    bytes
}

impl Setpoint {
    fn variation(self) -> u8 {
        match self {
            Self::I32(_) => 1,
            Self::I16(_) => 2,
            Self::F32(_) => 3,
            Self::F64(_) => 4,
        }
    }

    fn encode(self, bytes: &mut Vec<u8>) {
        match self {
            Self::I32(value) => bytes.extend(value.to_le_bytes()),
            Self::I16(value) => bytes.extend(value.to_le_bytes()),
            Self::F32(value) => bytes.extend(value.to_le_bytes()),
            Self::F64(value) => bytes.extend(value.to_le_bytes()),
        }
    }
}

fn indexed(group: u8, variation: u8, index: u16, object: &[u8]) -> Vec<u8> {
    let mut bytes = vec![group, variation, 0x28, 1, 0];
    bytes.extend(index.to_le_bytes());
    bytes.extend(object);
    bytes
}

fn fragment(header: &[u8], objects: &[u8]) -> Vec<u8> {
    [header, objects].concat()
}
