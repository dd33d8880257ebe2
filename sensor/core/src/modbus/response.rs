use tagout_engine::{Space, Values};

use super::fields::{Malformed, called_for, equal, octet, rest, surplus_fault, within, word};
use super::identification::DEVICE_IDENTIFICATION;
use super::umas::UMAS;
use super::{Direction, EXCEPTION_BIT, FileContents, FileRecords, Identification};

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
    /// Function 22: the request as the device understood it.
    MaskWritten {
        /// The register.
        address: u16,
        /// Bits that stay.
        and_mask: u16,
        /// Bits that are set where `and_mask` is 0.
        or_mask: u16,
    },
    /// Function 7.
    ExceptionStatus {
        /// Eight outputs that the device's maker chose.
        status: u8,
    },
    /// Function 8.
    Diagnostic {
        /// Sub-function.
        sub_function: u16,
        /// What follows it: one word, but for Return Query Data and reserved ones.
        data: &'a [u8],
    },
    /// Function 11.
    EventCounter {
        /// 0xFFFF while a program function is still being processed, else 0.
        status: u16,
        /// How many messages the device completed.
        events: u16,
    },
    /// Function 12.
    EventLog {
        /// 0xFFFF while a program function is still being processed, else 0.
        status: u16,
        /// How many messages the device completed.
        events: u16,
        /// How many messages it processed since its last restart.
        messages: u16,
        /// Up to 64 events of an octet each, the most recent first.
        log: &'a [u8],
    },
    /// Function 17.
    ServerId(ServerId<'a>),
    /// Function 20.
    FileContents(FileContents<'a>),
    /// Function 21: the request as the device understood it.
    FileWritten(FileRecords<'a>),
    /// Function 24.
    Fifo {
        /// How many registers are queued, at most 31.
        count: u16,
        /// The queued registers.
        values: Values<'a>,
    },
    /// Function 43 with MEI type 14.
    Identification(Identification<'a>),
    /// Function 43 with any other MEI type: 13 is CANopen.
    Encapsulated {
        /// MEI type.
        mei: u8,
        /// What follows it.
        data: &'a [u8],
    },
    /// Function 90 as Schneider Electric uses it.
    Umas {
        /// The session of the request.
        session: u8,
        /// 0xFE if it was done, 0xFD if it failed.
        result: u8,
        /// What follows it.
        data: &'a [u8],
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
    /// Reads a response PDU from its function code on. Octets behind its last field are passed over: some devices pad
    /// their exceptions.
    ///
    /// # Errors
    /// [`Malformed`] when octets are missing, or byte counts and counts contradict each other.
    pub fn parse(pdu: &'a [u8]) -> Result<Self, Malformed> {
        let pdu = called_for(pdu, Direction::Response)?;
        match octet(pdu, 0)? {
            EXCEPTION_BIT.. => Ok(Self::Exception { code: octet(pdu, 1)? }),
            1 => Ok(Self::Values { table: Space::Coil, values: Values::Bits(rest(pdu, 2)) }),
            2 => Ok(Self::Values { table: Space::DiscreteInput, values: Values::Bits(rest(pdu, 2)) }),
            3 | 23 => registers(Space::HoldingRegister, pdu),
            4 => registers(Space::InputRegister, pdu),
            5 | 6 | 15 | 16 => Ok(Self::Written { address: word(pdu, 1)?, echo: word(pdu, 3)? }),
            7 => Ok(Self::ExceptionStatus { status: octet(pdu, 1)? }),
            8 => Ok(Self::Diagnostic { sub_function: word(pdu, 1)?, data: rest(pdu, 3) }),
            11 => Ok(Self::EventCounter { status: word(pdu, 1)?, events: word(pdu, 3)? }),
            12 => event_log(pdu),
            17 => Ok(Self::ServerId(ServerId(rest(pdu, 2)))),
            20 => FileContents::parse(pdu).map(Self::FileContents),
            21 => FileRecords::parse(pdu, true).map(Self::FileWritten),
            22 => Ok(Self::MaskWritten { address: word(pdu, 1)?, and_mask: word(pdu, 3)?, or_mask: word(pdu, 5)? }),
            24 => fifo(pdu),
            43 => encapsulated(pdu),
            UMAS => Ok(Self::Umas { session: octet(pdu, 1)?, result: octet(pdu, 2)?, data: rest(pdu, 3) }),
            function => Ok(Self::Other { function, data: rest(pdu, 1) }),
        }
    }

    /// What is wrong with a response PDU, too many octets included.
    pub fn fault(pdu: &[u8]) -> Option<Malformed> {
        Response::parse(pdu).err().or_else(|| surplus_fault(pdu, Direction::Response))
    }
}

fn registers(table: Space, pdu: &[u8]) -> Result<Response<'_>, Malformed> {
    let bytes = rest(pdu, 2);
    equal("byte count", 1, bytes.len() & !1, bytes.len())?;
    Ok(Response::Values { table, values: Values::Registers(bytes) })
}

fn event_log(pdu: &[u8]) -> Result<Response<'_>, Malformed> {
    within("byte count", 1, u16::from(octet(pdu, 1)?), 6..=70)?;
    let (status, events, messages) = (word(pdu, 2)?, word(pdu, 4)?, word(pdu, 6)?);
    Ok(Response::EventLog { status, events, messages, log: rest(pdu, 8) })
}

/// The byte count includes the FIFO count, which is that of the registers behind it (AP 6.18).
fn fifo(pdu: &[u8]) -> Result<Response<'_>, Malformed> {
    let count = word(pdu, 3)?;
    within("FIFO count", 3, count, 0..=31)?;
    let due = usize::from(count).saturating_mul(2).saturating_add(2);
    equal("byte count", 1, due, usize::from(word(pdu, 1)?))?;
    Ok(Response::Fifo { count, values: Values::Registers(rest(pdu, 5)) })
}

fn encapsulated(pdu: &[u8]) -> Result<Response<'_>, Malformed> {
    match octet(pdu, 1)? {
        DEVICE_IDENTIFICATION => Identification::parse(pdu).map(Response::Identification),
        mei => Ok(Response::Encapsulated { mei, data: rest(pdu, 2) }),
    }
}

/// What a device reports of itself to function 17, behind the byte count.
///
/// Its maker decides how long the id is and what follows it (AP 6.13).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ServerId<'a>(pub &'a [u8]);

impl ServerId<'_> {
    /// Whether the device runs: the run indicator behind an id of one octet, or else at the end; `None` if neither
    /// octet can be one.
    pub const fn is_running(&self) -> Option<bool> {
        let indicator = match self.0 {
            [_, second @ (0x00 | 0xFF), ..] => *second,
            [.., last] => *last,
            [] => return None,
        };
        match indicator {
            0xFF => Some(true),
            0x00 => Some(false),
            _ => None,
        }
    }
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
        assert_eq!(Response::parse(&[100, 1, 9]), Ok(Response::Other { function: 100, data: &[1, 9] }));
    }

    #[test]
    fn a_run_indicator_is_found_where_devices_put_it() {
        let cases: [(&[u8], Option<bool>); 7] = [
            (&[0x0A, 0xFF, 1, 2], Some(true)),
            (&[0x0A, 0x00, 1, 2], Some(false)),
            (b"Pymodbus\xFF", Some(true)),
            (&[7, 0x00, 1, 0xFF], Some(false)),
            (b"Pymodbus\x00", Some(false)),
            (b"PLC", None),
            (&[], None),
        ];
        for (id, running) in cases {
            assert_eq!(ServerId(id).is_running(), running, "{id:02x?}");
        }
    }

    #[test]
    fn a_padded_exception_is_read_and_still_malformed() {
        assert_eq!(Response::parse(&[0x81, 6, 0]), Ok(Response::Exception { code: 6 }));
        assert_eq!(Response::fault(&[0x81, 6, 0]), Some(Malformed::length(2, 3)));
        assert_eq!(Response::fault(&[0x81, 6]), None);
    }

    #[test]
    fn names_the_field_that_cannot_stand() {
        let cases: [(&[u8], Malformed); 15] = [
            (&[], Malformed::new("length", 0, 1, 0)),
            (&[0x83], Malformed::new("length", 1, 2, 1)),
            (&[3, 4, 0, 1], Malformed::new("length", 4, 6, 4)),
            (&[3, 3, 0, 1, 0], Malformed::new("byte count", 1, 2, 3)),
            (&[6, 0, 10, 3], Malformed::new("length", 4, 5, 4)),
            (&[12, 5, 0, 0, 0, 1, 0], Malformed::new("byte count", 1, 6, 5)),
            (&[20, 5, 5, 6, 0, 1, 0], Malformed::new("file response length", 2, 3, 5)),
            (&[20, 5, 4, 6, 0, 1, 0], Malformed::new("file response length", 2, 3, 4)),
            (&[20, 4, 4, 6, 0, 1], Malformed::new("file response length", 2, 3, 4)),
            (&[20, 6, 3, 6, 0, 1, 3, 6], Malformed::new("file response length", 6, 1, 3)),
            (&[24, 0, 4, 0, 2, 0, 1], Malformed::new("byte count", 1, 6, 4)),
            (&[24, 0, 2, 0, 32], Malformed::new("FIFO count", 3, 31, 32)),
            (&[43, 14, 1, 1, 7, 0, 0], Malformed::new("more follows", 4, 0xFF, 7)),
            (&[43, 14, 1, 1, 0, 0, 1, 0, 3, b'a'], Malformed::new("length", 10, 12, 10)),
            (&[90, 0], Malformed::new("length", 2, 3, 2)),
        ];
        for (pdu, malformed) in cases {
            assert_eq!(Response::parse(pdu), Err(malformed), "{pdu:02x?}");
        }
    }
}
