use tagout_core::modbus::{Direction, rtu as scanner};

use super::modbus::pdu;
use super::scanned::scanned;
use crate::generate::modbus as generate;

/// Reads the input as RTU frames: a byte of choices, then the stream, of one direction or of both.
///
/// The scanner keeps its contract (`scanned`), and every unit is a frame with the CRC that its bytes call for, which it
/// is without what stands behind it, too.
pub fn rtu(input: &[u8]) {
    let Some((choices, stream)) = input.split_first() else { return };
    let direction = match choices & 3 {
        0 => None,
        1 => Some(Direction::Request),
        _ => Some(Direction::Response),
    };
    let scan = |bytes: &[u8], synced| scanner::scan(bytes, direction, synced);
    scanned(stream, choices & 4 != 0, scanner::MAX_FRAME, scan, |frame| {
        let (unit, content) = scanner::parse(frame).expect("a unit is a frame");
        assert_eq!(generate::rtu(unit, content), frame, "a unit has its CRC");
        pdu(content);
    });
}
