//! Writes what the parsers read, for tests: from the specification's structure, sharing no code with them.

extern crate std;

use std::vec::Vec;

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
pub(super) fn frame(control: u8, destination: u16, source: u16, user_data: &[u8]) -> Vec<u8> {
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
pub(super) fn crob(code: u8, status: u8) -> Vec<u8> {
    [&[code, 2][..], &100_u32.to_le_bytes(), &200_u32.to_le_bytes(), &[status]].concat()
}
