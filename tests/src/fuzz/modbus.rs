use tagout_core::engine::{Action, Touch, Values};
use tagout_core::modbus::mbap::{self, Adu};
use tagout_core::modbus::{Direction, Request, Response, contradiction};
use tagout_core::{BLOCK_LEN, Scan};

/// Reads the input as one direction of a Modbus/TCP stream: a byte of choices, then the stream.
///
/// Scanning always gets on, units lie inside the stream and have a function code, and what a request touches agrees
/// with its values.
pub fn modbus(input: &[u8]) {
    let Some((choices, stream)) = input.split_first() else { return };
    let direction = if choices & 1 == 0 { Direction::Request } else { Direction::Response };
    let mut synced = choices & 2 != 0;
    let mut rest = stream;
    while !rest.is_empty() {
        let scan = mbap::scan(rest, direction, synced);
        assert_eq!(scan, mbap::scan(rest, direction, synced), "scanning depends on its arguments alone");
        match scan {
            Scan::Unit { len } => {
                assert!((1..=rest.len().min(BLOCK_LEN)).contains(&len), "a unit of {len} bytes");
                unit(&rest[..len]);
                rest = &rest[len..];
                synced = true;
            }
            Scan::Damaged { skip, .. } => {
                assert!((1..=rest.len()).contains(&skip), "{skip} of {} bytes skipped", rest.len());
                rest = &rest[skip..];
                synced = false;
            }
            Scan::Partial { need } => {
                assert!(need > rest.len() && need <= BLOCK_LEN.max(rest.len() + 1), "{need} bytes needed");
                break;
            }
        }
    }
    mbap::restarts(rest, stream, direction);
    mbap::fills(stream);
}

fn unit(bytes: &[u8]) {
    let adu = Adu::parse(bytes).expect("a unit is an ADU");
    assert!(!adu.pdu.is_empty(), "an ADU has a function code");
    assert!(Response::parse(adu.pdu).is_ok() || Response::fault(adu.pdu).is_some(), "what cannot be read has a fault");
    assert!(Request::parse(adu.pdu).is_ok() || Request::fault(adu.pdu).is_some(), "what cannot be read has a fault");
    let _ = contradiction(adu.pdu, adu.pdu);
    if let Ok(request) = Request::parse(adu.pdu) {
        Action::ALL.iter().flat_map(|action| request.touches(*action)).for_each(|touch| check(&touch));
    }
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
