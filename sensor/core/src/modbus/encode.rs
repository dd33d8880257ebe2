//! Writes what the parsers read, for tests: from the specification's structure, sharing no code with them.

extern crate std;

use std::vec::Vec;

/// A PDU of these words behind the function code.
pub(super) fn words(function: u8, words: &[u16]) -> Vec<u8> {
    core::iter::once(function).chain(words.iter().flat_map(|word| word.to_be_bytes())).collect()
}

/// The octets of these registers.
pub(super) fn registers(values: &[u16]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_be_bytes()).collect()
}

/// The octets of these bits, the first in the lowest place.
pub(super) fn bits(values: &[bool]) -> Vec<u8> {
    let octet = |bits: &[bool]| bits.iter().rev().fold(0, |octet, bit| octet << 1 | u8::from(*bit));
    values.chunks(8).map(octet).collect()
}

/// A PDU of a function, what stands before the byte count, and what it counts.
pub(super) fn counted(function: u8, before: &[u16], content: &[u8]) -> Vec<u8> {
    let count = u8::try_from(content.len()).unwrap();
    [&words(function, before), &[count][..], content].concat()
}

/// A read-write request.
pub(super) fn read_write(read_address: u16, read_quantity: u16, write_address: u16, values: &[u16]) -> Vec<u8> {
    let before = [read_address, read_quantity, write_address, u16::try_from(values.len()).unwrap()];
    counted(23, &before, &registers(values))
}

/// A diagnostics PDU, either way.
pub(super) fn diagnostic(sub_function: u16, data: &[u8]) -> Vec<u8> {
    [&words(8, &[sub_function]), data].concat()
}

/// A sub-request of a file function: file, record, length, and the registers to write.
pub(super) type SubRequest = (u16, u16, u16, Vec<u16>);

/// A file function's request, or the response of the writing one.
pub(super) fn file_records(function: u8, sub_requests: &[SubRequest]) -> Vec<u8> {
    let sub_request =
        |(file, record, length, data): &SubRequest| words(6, &[&[*file, *record, *length], &data[..]].concat());
    counted(function, &[], &sub_requests.iter().flat_map(sub_request).collect::<Vec<u8>>())
}

/// The response to a read of files, with the registers of each sub-request.
pub(super) fn file_contents(contents: &[Vec<u16>]) -> Vec<u8> {
    let sub_response =
        |data: &Vec<u16>| [&[u8::try_from(2 * data.len() + 1).unwrap(), 6], &registers(data)[..]].concat();
    counted(20, &[], &contents.iter().flat_map(sub_response).collect::<Vec<u8>>())
}

/// The response to a read of a queue.
pub(super) fn fifo(values: &[u16]) -> Vec<u8> {
    let count = u16::try_from(values.len()).unwrap();
    [words(24, &[2 * count + 2, count]), registers(values)].concat()
}

/// The response to a read of a device's identification.
pub(super) fn identification(code: u8, more_follows: bool, objects: &[(u8, Vec<u8>)]) -> Vec<u8> {
    let more = if more_follows { [0xFF, 3] } else { [0, 0] };
    let count = u8::try_from(objects.len()).unwrap();
    let object = |(id, value): &(u8, Vec<u8>)| [&[*id, u8::try_from(value.len()).unwrap()], &value[..]].concat();
    [&[43, 14, code, 0x83][..], &more, &[count], &objects.iter().flat_map(object).collect::<Vec<u8>>()].concat()
}

/// A PDU of the octets behind a code and a selector: encapsulated interfaces, UMAS.
pub(super) fn opaque(head: &[u8], data: &[u8]) -> Vec<u8> {
    [head, data].concat()
}
