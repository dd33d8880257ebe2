use super::{Seed, chosen, named};
use crate::generate::Side;
use crate::generate::modbus::{self, adu, read};

/// What stands around a PDU: its number, the unit, itself.
pub(super) type Frame = fn(u16, u8, &[u8]) -> Vec<u8>;

const UNIT: u8 = 1;

pub(super) fn mbap(number: u16, unit: u8, pdu: &[u8]) -> Vec<u8> {
    adu(number, unit, pdu)
}

pub(super) fn rtu(_: u16, unit: u8, pdu: &[u8]) -> Vec<u8> {
    modbus::rtu(unit, pdu)
}

pub(super) fn ascii(_: u16, unit: u8, pdu: &[u8]) -> Vec<u8> {
    modbus::ascii(unit, pdu)
}

fn stream(frame: Frame, pdus: &[Vec<u8>]) -> Vec<u8> {
    (1..).zip(pdus).flat_map(|(number, pdu)| frame(number, UNIT, pdu)).collect()
}

/// Streams of MBAP.
pub(super) fn streams() -> Vec<Seed> {
    let of = |choices, pdus: &[Vec<u8>]| chosen(choices, &stream(mbap, pdus));
    let (requests, responses) = (requests(), responses());
    let mut damaged = of(0, &requests);
    damaged.insert(9, 0x55);
    named([
        ("requests", of(2, &requests)),
        ("requests-unsynced", of(0, &requests)),
        ("requests-stray-byte", damaged),
        ("responses", of(3, &responses)),
        ("responses-unsynced", of(1, &responses)),
        ("requests-with-responses", of(2, &turns())),
        ("user-defined", of(0, &[vec![0x5a, 0x00, 0x02], vec![0x41]])),
    ])
}

/// Streams of RTU frames.
pub(super) fn rtu_streams() -> Vec<Seed> {
    let of = |choices, pdus: &[Vec<u8>]| chosen(choices, &stream(rtu, pdus));
    let mut damaged = of(5, &requests());
    damaged[7] ^= 0x10;
    named([
        ("both-ways", of(4, &turns())),
        ("requests", of(5, &requests())),
        ("requests-unsynced", of(1, &requests())),
        ("requests-bad-crc", damaged),
        ("responses", of(6, &responses())),
    ])
}

/// Streams of ASCII frames.
pub(super) fn ascii_streams() -> Vec<Seed> {
    let requests = stream(ascii, &requests());
    let mut damaged = requests.clone();
    damaged[12] ^= 1;
    named([
        ("requests", requests.clone()),
        ("requests-lower-case", requests.to_ascii_lowercase()),
        ("requests-bad-lrc", damaged),
        ("responses", stream(ascii, &responses())),
    ])
}

/// Requests and responses by turns, in any framing.
pub(super) fn said(frame: Frame) -> Vec<(Side, Vec<u8>)> {
    let sides = [Side::Client, Side::Server].into_iter().cycle();
    let said = turns().into_iter().zip(sides).enumerate();
    said.map(|(at, (pdu, from))| (from, frame(at as u16 / 2, UNIT, &pdu))).collect()
}

/// Every request before the response to it.
fn turns() -> Vec<Vec<u8>> {
    exchanges().into_iter().flatten().collect()
}

fn requests() -> Vec<Vec<u8>> {
    exchanges().into_iter().map(|[request, _]| request).collect()
}

fn responses() -> Vec<Vec<u8>> {
    exchanges().into_iter().map(|[_, response]| response).collect()
}

/// A request of every function, with a response.
fn exchanges() -> Vec<[Vec<u8>; 2]> {
    let echoed = |request: Vec<u8>| [request.clone(), request];
    let refused = (1..=12).map(|code| [read(3, 0, 1), modbus::exception(3, code)]);
    let umas = (0..=0x80)
        .map(|function| [vec![0x5a, 7, function], vec![0x5a, 7, if function & 1 == 0 { 0xfe } else { 0xfd }]]);
    let diagnostics = (0..=0x16).map(|sub_function| echoed(vec![0x08, 0, sub_function, 0, 0]));
    let identities = (0..=5).map(|code| {
        let objects = [0, 1, 2, 3, 4, 5, 6, 7, 0x80].map(|object| [object, 1, b'x']).concat();
        [vec![0x2b, 0x0e, code, 0], [&[0x2b, 0x0e, code, code, 0, 0, 9][..], &objects].concat()]
    });
    let written = [0x00, 0xff, 0x12].map(|low| echoed(vec![0x05, 0, 3, low, low]));
    let fixed = vec![
        [read(1, 0, 16), modbus::bits_response(1, &[true; 16])],
        [read(2, 100, 20), modbus::bits_response(2, &[false; 20])],
        [read(3, 0, 4), modbus::registers_response(3, &[1, 2, 3, 4])],
        [read(4, 65_535, 1), modbus::registers_response(4, &[7])],
        echoed(modbus::write_coil(3, true)),
        echoed(modbus::write_register(10, 42)),
        [vec![0x07], vec![0x07, 0x6d]],
        echoed(vec![0x08, 0x00, 0x00, 0xa5, 0x37]),
        [vec![0x08, 0x00, 0x04, 0x00, 0x00], modbus::exception(8, 1)],
        [vec![0x08, 0x00, 0x0b, 0x00, 0x00], vec![0x08, 0x00, 0x0b, 0x00, 0x09]],
        echoed(vec![0x08, 0x00, 0x01, 0xff, 0x00]),
        [vec![0x0b], vec![0x0b, 0xff, 0xff, 0x01, 0x08]],
        [vec![0x0c], vec![0x0c, 0x08, 0x00, 0x00, 0x01, 0x08, 0x01, 0x21, 0x20, 0x00]],
        [modbus::write_coils(8, &[true, false, true]), modbus::written(15, 8, 3)],
        [modbus::write_registers(10, &[1, 2, 3]), modbus::written(16, 10, 3)],
        [vec![0x11], vec![0x11, 0x03, 0x01, 0xff, 0x00]],
        [vec![0x14, 7, 6, 0, 4, 0, 1, 0, 2], vec![0x14, 6, 5, 6, 0x0d, 0xfe, 0, 0x20]],
        echoed(vec![0x15, 9, 6, 0, 4, 0, 7, 0, 1, 0x06, 0xaf]),
        echoed(modbus::mask_write(4, 0x00f2, 0x0025)),
        [modbus::read_write(3, 2, 14, &[255, 255]), modbus::registers_response(23, &[1, 2])],
        [vec![0x18, 0x04, 0xde], vec![0x18, 0, 6, 0, 2, 0x01, 0xb8, 0x12, 0x84]],
        [vec![0x2b, 0x0e, 1, 0], vec![0x2b, 0x0e, 1, 1, 0, 0, 2, 0, 1, b'm', 1, 1, b'p']],
        [vec![0x2b, 0x0e, 4, 2], vec![0x2b, 0x0e, 4, 0x81, 0, 0, 1, 2, 2, b'v', b'1']],
        echoed(vec![0x2b, 0x0d, 1, 2]),
        [vec![0x5a, 0, 0x10, 0, 0, 0, 0, 2, b'm', b'e'], vec![0x5a, 0, 0xfe, 0x07]],
        [vec![0x5a, 7, 0x41, 0], vec![0x5a, 7, 0xfd, 0x01]],
        [modbus::write_register(10, 99), modbus::exception(6, 2)],
        [vec![0x64, 1, 2], modbus::exception(0x64, 1)],
    ];
    fixed.into_iter().chain(refused).chain(umas).chain(diagnostics).chain(identities).chain(written).collect()
}
