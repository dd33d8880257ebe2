//! Modbus messages of a step.

use tagout_compiler::testing::{Reply, Value};
use tagout_core::engine::{Action, Space};

/// The ADU of a PDU on TCP.
pub(super) fn adu(transaction: u16, unit: u8, pdu: &[u8]) -> Vec<u8> {
    let length = u16::try_from(pdu.len() + 1).unwrap_or(u16::MAX);
    [&transaction.to_be_bytes()[..], &[0, 0], &length.to_be_bytes(), &[unit], pdu].concat()
}

/// The PDU that does something to a point.
pub(super) fn request(action: Action, space: Space, (address, width): (u16, u16), value: &Value) -> Vec<u8> {
    let address = address.to_be_bytes();
    match (action, value) {
        (Action::Write, Value::Bit(on)) => [&[5][..], &address, &[if *on { 0xFF } else { 0 }, 0]].concat(),
        (Action::Write, Value::Registers(octets)) if width == 1 => [&[6][..], &address, octets].concat(),
        (Action::Write, Value::Registers(octets)) => {
            let count = u8::try_from(octets.len()).unwrap_or(u8::MAX);
            [&[16][..], &address, &width.to_be_bytes(), &[count], octets].concat()
        }
        _ => [&[read_function(space)][..], &address, &width.to_be_bytes()].concat(),
    }
}

const fn read_function(space: Space) -> u8 {
    match space {
        Space::Coil => 1,
        Space::DiscreteInput => 2,
        Space::HoldingRegister => 3,
        _ => 4,
    }
}

/// What a device answers to a PDU; `value` is what a read finds. Nothing where it is not known what accepting it would
/// look like.
pub(super) fn response(request: &[u8], reply: &Reply, value: Option<&Value>) -> Option<Vec<u8>> {
    match reply {
        Reply::None => None,
        Reply::Octets(pdu) => Some(pdu.clone()),
        Reply::Refused(code) => Some(vec![request.first()? | 0x80, *code]),
        Reply::Accepted => accepted(request, value),
    }
}

fn accepted(request: &[u8], value: Option<&Value>) -> Option<Vec<u8>> {
    let function = *request.first()?;
    let quantity = || Some(usize::from(u16::from_be_bytes([*request.get(3)?, *request.get(4)?])));
    let data = match (function, value) {
        (1..=4, Some(Value::Bit(on))) => vec![u8::from(*on)],
        (1..=4, Some(Value::Registers(octets))) => octets.clone(),
        (1 | 2, _) => vec![0; quantity()?.div_ceil(8)],
        (3 | 4 | 23, _) => vec![0; 2 * quantity()?],
        (5 | 6 | 8 | 22, _) => return Some(request.to_vec()),
        (15 | 16, _) => return request.get(..5).map(<[u8]>::to_vec),
        _ => return None,
    };
    let count = u8::try_from(data.len()).ok()?;
    Some([&[function, count][..], &data].concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_are_asked_and_answered_as_the_specification_says() {
        let on = Value::Bit(true);
        let pdu = request(Action::Write, Space::Coil, (0xAC, 1), &on);
        assert_eq!(pdu, [5, 0, 0xAC, 0xFF, 0]);
        assert_eq!(response(&pdu, &Reply::Accepted, Some(&on)), Some(pdu));
        let wide = Value::Registers(vec![0, 10, 1, 2]);
        let pdu = request(Action::Write, Space::HoldingRegister, (1, 2), &wide);
        assert_eq!(pdu, [16, 0, 1, 0, 2, 4, 0, 10, 1, 2]);
        assert_eq!(response(&pdu, &Reply::Accepted, None), Some(vec![16, 0, 1, 0, 2]));
        assert_eq!(response(&pdu, &Reply::Refused(2), None), Some(vec![0x90, 2]));
        let pdu = request(Action::Read, Space::InputRegister, (8, 2), &wide);
        assert_eq!(pdu, [4, 0, 8, 0, 2]);
        assert_eq!(response(&pdu, &Reply::Accepted, Some(&wide)), Some(vec![4, 4, 0, 10, 1, 2]));
        assert_eq!(adu(0x0102, 7, &[3]), [1, 2, 0, 0, 0, 2, 7, 3]);
    }
}
