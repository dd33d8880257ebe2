use tagout_core::modbus::ascii::{self as scanner, MAX_CONTENT, MAX_FRAME};

use super::modbus::pdu;
use super::scanned::scanned;
use crate::generate::modbus as generate;

/// Reads the input as a stream of ASCII frames.
///
/// The scanner keeps its contract (`scanned`), and every unit is a frame with the LRC that its digits call for.
pub fn ascii(input: &[u8]) {
    let scan = |bytes: &[u8], _| scanner::scan(bytes);
    scanned(input, true, MAX_FRAME, scan, |frame| {
        let mut buffer = [0; MAX_CONTENT];
        let (unit, content) = scanner::parse(frame, &mut buffer).expect("a unit is a frame");
        assert!(generate::ascii(unit, content).eq_ignore_ascii_case(frame), "a unit has its LRC");
        pdu(content);
    });
}
