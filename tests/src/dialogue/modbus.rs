use super::{Kind, Numbering, Turn};
use crate::generate::modbus::{
    bits_response, exception, mask_write, read, read_write, registers_response, write_coil, write_coils,
    write_register, write_registers, written,
};

/// The register that the agent may set up to 800.
const PUMP_SPEED: u16 = 10;
/// The register whose bits the agent may change.
const MODE_BITS: u16 = 30;

pub(super) fn turn(kind: Kind, index: usize, numbering: &Numbering) -> Turn {
    let (request, response) = exchange(kind, index);
    let outcome = if response[0] & 0x80 == 0 { "answered" } else { "refused" };
    Turn {
        unit: numbering.unit(index),
        master: 0,
        label: numbering.label(index),
        request: Some(request),
        response: Some(response),
        outcome,
    }
}

type Pdus = (Vec<u8>, Vec<u8>);

fn exchange(kind: Kind, index: usize) -> Pdus {
    match kind {
        Kind::Poll => poll(index),
        Kind::Mixed => mixed(index),
        Kind::LargeRead => (read(3, 100, 125), registers_response(3, &values(index, 125))),
        Kind::Bulk => (read_write(100, 125, 400, &values(index, 121)), registers_response(23, &values(index, 125))),
        Kind::Refused => (read(3, 60_000, 2), exception(3, 2)),
        Kind::Write => echo(write_register(PUMP_SPEED, 500)),
        Kind::Danger => echo(write_register(PUMP_SPEED, 999)),
        Kind::OtherDanger => echo(write_register(PUMP_SPEED, 950)),
    }
}

fn poll(index: usize) -> Pdus {
    let quantity = index as u16 % 5 + 1;
    (read(3, 1000 + index as u16, quantity), registers_response(3, &values(index, quantity)))
}

fn mixed(index: usize) -> Pdus {
    let address = 1000 + index as u16;
    let bits = [true, false, true, true, false, false, true, false, true];
    match index % 12 {
        0 => (read(4, address, 2), registers_response(4, &values(index, 2))),
        1 => (read(1, address, 9), bits_response(1, &bits)),
        2 => (read(2, address, 3), bits_response(2, &bits[..3])),
        3 => echo(write_register(PUMP_SPEED, 400)),
        4 => (write_registers(PUMP_SPEED, &[300]), written(16, PUMP_SPEED, 1)),
        5 => echo(write_coil(3, true)),
        7 => (write_coils(3, &bits[..4]), written(15, 3, 4)),
        8 => echo(mask_write(MODE_BITS, 0x00f2, 0x0025)),
        9 => (read_write(address, 3, PUMP_SPEED, &[200]), registers_response(23, &values(index, 3))),
        10 => (read(3, 60_000, 2), exception(3, 2)),
        _ => poll(index),
    }
}

fn echo(pdu: Vec<u8>) -> Pdus {
    (pdu.clone(), pdu)
}

/// Small numbers, so that as a bundle of writes they stay within every range.
fn values(index: usize, count: u16) -> Vec<u16> {
    (0..count).map(|nth| (index as u16).wrapping_mul(7).wrapping_add(nth) % 50).collect()
}
