//! Modbus requests and responses as PDUs, and their MBAP framing.
//!
//! MODBUS Application Protocol V1.1b3 section 6; Messaging on TCP/IP V1.0b section 3.1.3.

/// An application data unit: MBAP header (transaction id, protocol 0, length, unit id) and PDU.
pub fn adu(transaction_id: u16, unit: u8, pdu: &[u8]) -> Vec<u8> {
    let mut bytes = words(&[transaction_id, 0, pdu.len() as u16 + 1]);
    bytes.push(unit);
    bytes.extend(pdu);
    bytes
}

/// An RTU frame: unit id, PDU, CRC (MODBUS over Serial Line V1.02, section 2.5.1).
pub fn rtu(unit: u8, pdu: &[u8]) -> Vec<u8> {
    let content = [&[unit], pdu].concat();
    let crc = content.iter().fold(0xffff_u16, |crc, byte| {
        (0..8).fold(crc ^ u16::from(*byte), |crc, _| if crc & 1 == 1 { crc >> 1 ^ 0xa001 } else { crc >> 1 })
    });
    [&content[..], &crc.to_le_bytes()].concat()
}

/// An ASCII frame: the same with an LRC, as digits between delimiters (section 2.5.2).
pub fn ascii(unit: u8, pdu: &[u8]) -> Vec<u8> {
    let content = [&[unit], pdu].concat();
    let sum: u32 = content.iter().map(|byte| u32::from(*byte)).sum();
    let lrc = 0_u8.wrapping_sub(sum as u8);
    let digits: String = content.iter().chain([&lrc]).map(|byte| format!("{byte:02X}")).collect();
    format!(":{digits}\r\n").into_bytes()
}

/// Asks for `quantity` addresses: functions 1 to 4.
pub fn read(function: u8, address: u16, quantity: u16) -> Vec<u8> {
    pdu(function, &[address, quantity])
}

/// Answers functions 1 and 2 with bits, the first in the lowest bit of the first byte.
pub fn bits_response(function: u8, bits: &[bool]) -> Vec<u8> {
    let packed = pack(bits);
    let mut bytes = vec![function, packed.len() as u8];
    bytes.extend(packed);
    bytes
}

/// Answers functions 3, 4 and 23 with registers.
pub fn registers_response(function: u8, values: &[u16]) -> Vec<u8> {
    let mut bytes = vec![function, values.len() as u8 * 2];
    bytes.extend(words(values));
    bytes
}

/// Function 5, request and response alike.
pub fn write_coil(address: u16, on: bool) -> Vec<u8> {
    pdu(0x05, &[address, if on { 0xff00 } else { 0x0000 }])
}

/// Function 6, request and response alike.
pub fn write_register(address: u16, value: u16) -> Vec<u8> {
    pdu(0x06, &[address, value])
}

/// Function 15.
pub fn write_coils(address: u16, bits: &[bool]) -> Vec<u8> {
    let packed = pack(bits);
    let mut bytes = pdu(0x0f, &[address, bits.len() as u16]);
    bytes.push(packed.len() as u8);
    bytes.extend(packed);
    bytes
}

/// Function 16.
pub fn write_registers(address: u16, values: &[u16]) -> Vec<u8> {
    let mut bytes = pdu(0x10, &[address, values.len() as u16]);
    bytes.push(values.len() as u8 * 2);
    bytes.extend(words(values));
    bytes
}

/// Answers functions 15 and 16.
pub fn written(function: u8, address: u16, quantity: u16) -> Vec<u8> {
    pdu(function, &[address, quantity])
}

/// Function 22, request and response alike.
pub fn mask_write(address: u16, and: u16, or: u16) -> Vec<u8> {
    pdu(0x16, &[address, and, or])
}

/// Function 23.
pub fn read_write(read_address: u16, quantity: u16, write_address: u16, values: &[u16]) -> Vec<u8> {
    let mut bytes = pdu(0x17, &[read_address, quantity, write_address, values.len() as u16]);
    bytes.push(values.len() as u8 * 2);
    bytes.extend(words(values));
    bytes
}

/// Refuses a request.
pub fn exception(function: u8, code: u8) -> Vec<u8> {
    vec![function | 0x80, code]
}

fn pdu(function: u8, fields: &[u16]) -> Vec<u8> {
    let mut bytes = vec![function];
    bytes.extend(words(fields));
    bytes
}

fn words(values: &[u16]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_be_bytes()).collect()
}

fn pack(bits: &[bool]) -> Vec<u8> {
    bits.chunks(8).map(|byte| byte.iter().rev().fold(0, |sum, bit| sum << 1 | u8::from(*bit))).collect()
}
