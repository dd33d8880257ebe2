use tagout_engine::{Space, Touch, Values};

use super::{Request, Response};

/// What a response reports of the addresses that its request asked for. Only for a pair without a
/// [`contradiction`](super::contradiction): the byte counts are taken to fit the quantity.
pub fn reported<'a>(request: Request<'_>, response: Response<'a>) -> Option<Touch<'a>> {
    let Response::Values { table: found, values } = response else { return None };
    let touch = |space: Space, address: u16, quantity: u16, values: Values<'a>| Touch {
        space,
        address: address.into(),
        count: quantity.into(),
        values,
    };
    match request {
        Request::Read { table, address, quantity } if table == found => Some(touch(table, address, quantity, values)),
        Request::ReadWrite { read_address, read_quantity, .. } => {
            Some(touch(Space::HoldingRegister, read_address, read_quantity, values))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(request: &[u8], response: &'static [u8]) -> Option<Touch<'static>> {
        reported(Request::parse(request).ok()?, Response::parse(response).ok()?)
    }

    #[test]
    fn the_request_tells_where_the_values_lie() {
        let registers = |space, address| Touch { space, address, count: 1, values: Values::Registers(&[0, 7]) };
        let bits = |space| Touch { space, address: 9, count: 3, values: Values::Bits(&[5]) };
        assert_eq!(of(&[1, 0, 9, 0, 3], &[1, 1, 5]), Some(bits(Space::Coil)));
        assert_eq!(of(&[2, 0, 9, 0, 3], &[2, 1, 5]), Some(bits(Space::DiscreteInput)));
        assert_eq!(of(&[3, 1, 0, 0, 1], &[3, 2, 0, 7]), Some(registers(Space::HoldingRegister, 256)));
        assert_eq!(of(&[4, 1, 0, 0, 1], &[4, 2, 0, 7]), Some(registers(Space::InputRegister, 256)));
        let read_write = [23, 0, 3, 0, 1, 0, 14, 0, 1, 2, 0, 255];
        assert_eq!(of(&read_write, &[23, 2, 0, 7]), Some(registers(Space::HoldingRegister, 3)));
    }

    #[test]
    fn what_is_no_read_reports_nothing() {
        assert_eq!(of(&[3, 1, 0, 0, 1], &[0x83, 2]), None);
        assert_eq!(of(&[3, 1, 0, 0, 1], &[4, 2, 0, 7]), None);
        assert_eq!(of(&[6, 0, 1, 0, 2], &[6, 0, 1, 0, 2]), None);
    }
}
