use tagout_engine::{Space, Values};

use super::{EXCEPTION_BIT, Malformed};

/// A response PDU, read.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Response<'a> {
    /// The device refuses, or asks for patience (AP 7).
    Exception {
        /// Exception code.
        code: u8,
    },
    /// Functions 1 to 4 and 23.
    Values {
        /// What was read.
        table: Space,
        /// As many bits as bytes can hold, or registers; the request tells how many bits are meant.
        values: Values<'a>,
    },
    /// Functions 5, 6, 15 and 16: address and, by function, quantity or value as the device understood them.
    Written {
        /// First address.
        address: u16,
        /// The quantity (15, 16) or the value (5, 6).
        echo: u16,
    },
    /// Any other function, with what follows its code.
    Other {
        /// The function code.
        function: u8,
        /// What follows it.
        data: &'a [u8],
    },
}

impl<'a> Response<'a> {
    /// Reads a response PDU from its function code on. Some devices pad their exceptions: those are read all the same.
    ///
    /// # Errors
    /// [`Malformed`] when lengths and byte counts contradict each other.
    pub fn parse(pdu: &'a [u8]) -> Result<Self, Malformed> {
        match pdu {
            [function, code, ..] if function & EXCEPTION_BIT != 0 => Ok(Self::Exception { code: *code }),
            [function] if function & EXCEPTION_BIT != 0 => Err(Malformed),
            [function @ (1 | 2), count, bytes @ ..] if usize::from(*count) == bytes.len() => {
                let table = if *function == 1 { Space::Coil } else { Space::DiscreteInput };
                Ok(Self::Values { table, values: Values::Bits(bytes) })
            }
            [function @ (3 | 4 | 23), count, bytes @ ..] if usize::from(*count) == bytes.len() && count % 2 == 0 => {
                let table = if *function == 4 { Space::InputRegister } else { Space::HoldingRegister };
                Ok(Self::Values { table, values: Values::Registers(bytes) })
            }
            [5 | 6 | 15 | 16, a0, a1, e0, e1] => {
                Ok(Self::Written { address: u16::from_be_bytes([*a0, *a1]), echo: u16::from_be_bytes([*e0, *e1]) })
            }
            [1..=6 | 15 | 16 | 23, ..] | [] => Err(Malformed),
            [function, data @ ..] => Ok(Self::Other { function: *function, data }),
        }
    }
}

/// True when lengths and byte counts contradict each other, or an exception is longer than its code.
pub(crate) fn is_malformed(pdu: &[u8]) -> bool {
    Response::parse(pdu).is_err() || refuses(pdu) && pdu.len() != 2
}

/// True when the response refuses.
pub(crate) fn refuses(pdu: &[u8]) -> bool {
    pdu.first().is_some_and(|code| code & EXCEPTION_BIT != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_values_echoes_and_exceptions() {
        assert_eq!(Response::parse(&[0x83, 2]), Ok(Response::Exception { code: 2 }));
        assert_eq!(
            Response::parse(&[3, 4, 0, 1, 0, 2]),
            Ok(Response::Values { table: Space::HoldingRegister, values: Values::Registers(&[0, 1, 0, 2]) })
        );
        assert_eq!(
            Response::parse(&[2, 1, 0x35]),
            Ok(Response::Values { table: Space::DiscreteInput, values: Values::Bits(&[0x35]) })
        );
        assert_eq!(Response::parse(&[6, 0, 10, 3, 32]), Ok(Response::Written { address: 10, echo: 800 }));
        assert_eq!(Response::parse(&[17, 1, 9]), Ok(Response::Other { function: 17, data: &[1, 9] }));
    }

    #[test]
    fn a_padded_exception_is_read_and_still_malformed() {
        assert_eq!(Response::parse(&[0x81, 6, 0]), Ok(Response::Exception { code: 6 }));
        assert!(is_malformed(&[0x81, 6, 0]));
        assert!(!is_malformed(&[0x81, 6]));
    }

    #[test]
    fn refuses_what_contradicts_itself() {
        let malformed: [&[u8]; 5] = [&[], &[0x83], &[3, 4, 0, 1], &[3, 3, 0, 1, 0], &[6, 0, 10, 3]];
        for pdu in malformed {
            assert_eq!(Response::parse(pdu), Err(Malformed), "{pdu:02x?}");
        }
    }
}
