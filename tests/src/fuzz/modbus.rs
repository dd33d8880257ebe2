use tagout_core::BLOCK_LEN;
use tagout_core::engine::{Action, Touch, Values};
use tagout_core::modbus::mbap::{self, Adu};
use tagout_core::modbus::{Direction, EXCEPTION_BIT, Request, Response, contradiction};

use super::scanned::scanned;

/// Reads the input as one direction of a Modbus/TCP stream: a byte of choices, then the stream.
///
/// The scanner keeps its contract (`scanned`), units have a function code, and what a request touches agrees with its
/// values. Each PDU is also taken for the answer to the one before it.
pub fn modbus(input: &[u8]) {
    let Some((choices, stream)) = input.split_first() else { return };
    let direction = if choices & 1 == 0 { Direction::Request } else { Direction::Response };
    let mut asked: Vec<u8> = Vec::new();
    let scan = |bytes: &[u8], synced| mbap::scan(bytes, direction, synced);
    scanned(stream, choices & 2 != 0, BLOCK_LEN, scan, |unit| {
        let adu = Adu::parse(unit).expect("a unit is an ADU");
        pdu(adu.pdu);
        answer(&asked, adu.pdu);
        asked = adu.pdu.to_vec();
    });
    mbap::fills(stream);
}

/// What must hold of a PDU, whatever stood around it.
pub(super) fn pdu(pdu: &[u8]) {
    assert!(!pdu.is_empty(), "a PDU has a function code");
    assert!(Response::parse(pdu).is_ok() || Response::fault(pdu).is_some(), "what cannot be read has a fault");
    assert!(Request::parse(pdu).is_ok() || Request::fault(pdu).is_some(), "what cannot be read has a fault");
    assert!(contradiction(pdu, &[pdu[0] | EXCEPTION_BIT, 4]).is_none(), "an exception answers its function");
    if let Ok(request) = Request::parse(pdu) {
        Action::ALL.iter().flat_map(|action| request.touches(*action)).for_each(|touch| check(&touch));
    }
}

/// What is told to contradict a request stands in the response, or is missing at its end.
fn answer(request: &[u8], response: &[u8]) {
    let contradiction = contradiction(request, response);
    assert!(contradiction.is_none_or(|found| usize::from(found.offset) <= response.len()), "{contradiction:?}");
}

/// A touch has an extent, and its values, as far as there are any, lie there and nowhere else.
pub(super) fn check(touch: &Touch<'_>) {
    let count = touch.count as usize;
    assert!(count >= 1, "{touch:?}");
    match touch.values {
        Values::Bits(bytes) => assert!(bytes.len() <= count.div_ceil(8), "{touch:?}"),
        Values::Registers(bytes) => assert!(bytes.len() <= 2 * count, "{touch:?}"),
        Values::Number(_) => assert_eq!(count, 1, "{touch:?}"),
        Values::None | Values::Unknown => {}
    }
}
