use tagout_engine::{Action, Space, Touch, Values};

use super::fields::{Malformed, called_for, equal, octet, rest, surplus_fault, within, word};
use super::identification::DEVICE_IDENTIFICATION;
use super::umas::UMAS;
use super::{Direction, FileRecords};

/// A request PDU, read. Addresses are 0-based, as on the wire; spans may reach beyond 65535, since devices refuse that.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Request<'a> {
    /// Functions 1 to 4.
    Read {
        /// What is read.
        table: Space,
        /// First address.
        address: u16,
        /// How many.
        quantity: u16,
    },
    /// Functions 5, 6, 15 and 16.
    Write {
        /// What is written.
        table: Space,
        /// First address.
        address: u16,
        /// How many.
        quantity: u16,
        /// What is written there.
        values: Values<'a>,
    },
    /// Function 22: the register becomes (current AND `and_mask`) OR (`or_mask` AND NOT `and_mask`).
    MaskWrite {
        /// The register.
        address: u16,
        /// Bits that stay.
        and_mask: u16,
        /// Bits that are set where `and_mask` is 0.
        or_mask: u16,
    },
    /// Function 23: the write comes first (AP 6.17).
    ReadWrite {
        /// First register to read.
        read_address: u16,
        /// How many to read.
        read_quantity: u16,
        /// First register to write.
        write_address: u16,
        /// How many to write.
        write_quantity: u16,
        /// What is written there.
        values: Values<'a>,
    },
    /// Functions 7, 11, 12 and 17, which ask and say no more than their code.
    Enquiry {
        /// The function code.
        function: u8,
    },
    /// Function 8.
    Diagnostic {
        /// Sub-function.
        sub_function: u16,
        /// What follows it: one word, but for Return Query Data and reserved ones.
        data: &'a [u8],
    },
    /// Function 20.
    ReadFile(FileRecords<'a>),
    /// Function 21.
    WriteFile(FileRecords<'a>),
    /// Function 24.
    ReadFifo {
        /// The register that counts the queue; the queued ones follow it.
        address: u16,
    },
    /// Function 43 with MEI type 14.
    ReadIdentification {
        /// Read device id code: 1 basic, 2 regular, 3 extended, 4 one object.
        code: u8,
        /// The object to begin with, or the only one.
        object: u8,
    },
    /// Function 43 with any other MEI type: 13 is CANopen.
    Encapsulated {
        /// MEI type.
        mei: u8,
        /// What follows it.
        data: &'a [u8],
    },
    /// Function 90 as Schneider Electric uses it.
    Umas {
        /// The session that a reservation granted, or 0.
        session: u8,
        /// UMAS function.
        function: u8,
        /// What follows it.
        data: &'a [u8],
    },
    /// A read or write that ends behind its address.
    Cut {
        /// The function code.
        function: u8,
        /// What is read or written.
        table: Space,
        /// First address.
        address: u16,
        /// How many, if that is there.
        quantity: Option<u16>,
    },
    /// Any other function, with what follows its code.
    Other {
        /// The function code.
        function: u8,
        /// What follows it.
        data: &'a [u8],
    },
}

/// The bit that a coil write carries.
const ON: Values<'static> = Values::Bits(&[0x01]);
const OFF: Values<'static> = Values::Bits(&[0x00]);

impl<'a> Request<'a> {
    /// Reads a request PDU from its function code on (AP 6), as widely as a device may: octets behind its last field are
    /// passed over, quantities are what they say, a write has as many values as its quantity or its byte count calls for,
    /// whichever is more, and as far as they are there. What of that is wrong is for [`Self::fault`] to tell.
    ///
    /// # Errors
    /// [`Malformed`] when too many octets are missing, or sub-requests do not fill what counts them.
    pub fn parse(pdu: &'a [u8]) -> Result<Self, Malformed> {
        Self::read(pdu).or_else(|fault| cut(pdu).ok_or(fault))
    }

    fn read(pdu: &'a [u8]) -> Result<Self, Malformed> {
        match octet(pdu, 0)? {
            15 => write_many(Space::Coil, pdu),
            16 => write_many(Space::HoldingRegister, pdu),
            23 => read_write(pdu),
            function => Self::read_called_for(function, called_for(pdu, Direction::Request)?),
        }
    }

    /// Reads a PDU of the length that it calls for.
    fn read_called_for(function: u8, pdu: &'a [u8]) -> Result<Self, Malformed> {
        match function {
            1..=4 => read(function, pdu),
            5 => write_coil(pdu),
            6 => write_register(pdu),
            7 | 11 | 12 | 17 => Ok(Self::Enquiry { function }),
            8 => Ok(Self::Diagnostic { sub_function: word(pdu, 1)?, data: rest(pdu, 3) }),
            20 => FileRecords::parse(pdu, false).map(Self::ReadFile),
            21 => FileRecords::parse(pdu, true).map(Self::WriteFile),
            22 => Ok(Self::MaskWrite { address: word(pdu, 1)?, and_mask: word(pdu, 3)?, or_mask: word(pdu, 5)? }),
            24 => Ok(Self::ReadFifo { address: word(pdu, 1)? }),
            43 => encapsulated(pdu),
            UMAS => Ok(Self::Umas { session: octet(pdu, 1)?, function: octet(pdu, 2)?, data: rest(pdu, 3) }),
            _ => Ok(Self::Other { function, data: rest(pdu, 1) }),
        }
    }

    /// What is wrong with a request PDU: octets missing or too many, values beyond the function's limits, a byte count
    /// that does not fit its quantity.
    pub fn fault(pdu: &[u8]) -> Option<Malformed> {
        let sound = called_for(pdu, Direction::Request)
            .and_then(|called_for| Request::parse(called_for)?.check_limits(called_for));
        sound.err().or_else(|| surplus_fault(pdu, Direction::Request))
    }

    /// Checks the values that the function limits.
    fn check_limits(self, pdu: &[u8]) -> Result<(), Malformed> {
        match self {
            Self::Read { table, quantity, .. } => within("quantity", 3, quantity, 1..=read_limit(table)),
            Self::Write { values: Values::Unknown, .. } => equal("value", 3, 0xFF00, word(pdu, 3)?.into()),
            Self::Write { table, quantity, .. } if matches!(pdu, [15 | 16, ..]) => {
                within("quantity", 3, quantity, 1..=write_limit(table))?;
                equal("byte count", 5, octets(table, quantity), octet(pdu, 5)?.into())
            }
            Self::ReadWrite { read_quantity, write_quantity, .. } => {
                within("read quantity", 3, read_quantity, 1..=125)?;
                within("write quantity", 7, write_quantity, 1..=121)?;
                equal("byte count", 9, octets(Space::HoldingRegister, write_quantity), octet(pdu, 9)?.into())
            }
            Self::ReadFile(_) => within("byte count", 1, octet(pdu, 1)?.into(), 0x07..=0xF5),
            Self::WriteFile(_) => within("byte count", 1, octet(pdu, 1)?.into(), 0x09..=0xFB),
            Self::ReadIdentification { code, .. } => within("read device id code", 2, code.into(), 1..=4),
            _ => Ok(()),
        }
    }

    /// What the request does to the device's address spaces under `action`: a read-write both reads and writes.
    pub fn touches(self, action: Action) -> impl Iterator<Item = Touch<'a>> + Clone {
        let touch = |space, address: u16, count: u16, values| {
            Some(Touch { space, address: u32::from(address), count: u32::from(count.max(1)), values })
        };
        let touched = match (self, action) {
            (Self::Read { table, address, quantity }, _) => touch(table, address, quantity, Values::None),
            (Self::Write { table, address, quantity, values }, _) => {
                touch(table, address, reach(table, quantity, values), values)
            }
            (Self::Cut { function: 1..=4, table, address, quantity }, _) => {
                touch(table, address, quantity.unwrap_or(1), Values::None)
            }
            (Self::Cut { table, address, quantity, .. }, _) => {
                touch(table, address, quantity.unwrap_or(1), Values::Unknown)
            }
            (Self::MaskWrite { address, .. }, _) => touch(Space::HoldingRegister, address, 1, Values::Unknown),
            (Self::ReadWrite { read_address, read_quantity, .. }, Action::Read) => {
                touch(Space::HoldingRegister, read_address, read_quantity, Values::None)
            }
            (Self::ReadWrite { write_address, write_quantity, values, .. }, _) => {
                let count = reach(Space::HoldingRegister, write_quantity, values);
                touch(Space::HoldingRegister, write_address, count, values)
            }
            (Self::ReadFifo { address }, _) => touch(Space::HoldingRegister, address, 1, Values::None),
            _ => None,
        };
        touched.into_iter()
    }

    /// True for a function that reads besides its main action.
    pub(crate) const fn also_reads(self) -> bool {
        matches!(self, Self::ReadWrite { .. })
    }
}

fn read(function: u8, pdu: &[u8]) -> Result<Request<'_>, Malformed> {
    let table = match function {
        1 => Space::Coil,
        2 => Space::DiscreteInput,
        3 => Space::HoldingRegister,
        _ => Space::InputRegister,
    };
    Ok(Request::Read { table, address: word(pdu, 1)?, quantity: word(pdu, 3)? })
}

const fn read_limit(table: Space) -> u16 {
    if table.is_bit() { 2000 } else { 125 }
}

const fn write_limit(table: Space) -> u16 {
    if table.is_bit() { 1968 } else { 123 }
}

fn write_coil(pdu: &[u8]) -> Result<Request<'_>, Malformed> {
    let values = match word(pdu, 3)? {
        0xFF00 => ON,
        0x0000 => OFF,
        _ => Values::Unknown,
    };
    Ok(Request::Write { table: Space::Coil, address: word(pdu, 1)?, quantity: 1, values })
}

fn write_register(pdu: &[u8]) -> Result<Request<'_>, Malformed> {
    let values = Values::Registers(rest(pdu, 3));
    Ok(Request::Write { table: Space::HoldingRegister, address: word(pdu, 1)?, quantity: 1, values })
}

/// The octets that so many values take.
fn octets(table: Space, quantity: u16) -> usize {
    if table.is_bit() { usize::from(quantity.div_ceil(8)) } else { usize::from(quantity).saturating_mul(2) }
}

/// How many addresses a write of these values may reach: its quantity, or more if it has more values than that.
pub fn reach(table: Space, quantity: u16, values: Values<'_>) -> u16 {
    let (Values::Bits(bytes) | Values::Registers(bytes)) = values else { return quantity };
    match bytes.len() {
        len if len <= octets(table, quantity) => quantity,
        len if table.is_bit() => len.saturating_mul(8) as u16,
        len => len.div_ceil(2) as u16,
    }
}

/// What a read or write says of itself that ends behind its address.
fn cut(pdu: &[u8]) -> Option<Request<'_>> {
    let (function, address) = (*pdu.first()?, word(pdu, 1).ok()?);
    let (table, quantity) = match function {
        1 | 15 => (Space::Coil, word(pdu, 3).ok()),
        2 => (Space::DiscreteInput, word(pdu, 3).ok()),
        3 | 16 => (Space::HoldingRegister, word(pdu, 3).ok()),
        4 => (Space::InputRegister, word(pdu, 3).ok()),
        5 => (Space::Coil, None),
        6 | 22 => (Space::HoldingRegister, None),
        _ => return None,
    };
    Some(Request::Cut { function, table, address, quantity })
}

/// The quantity of a write, which stands at `at`, and the values behind it.
fn written(table: Space, pdu: &[u8], at: usize) -> Result<(u16, Values<'_>), Malformed> {
    let (quantity, count) = (word(pdu, at)?, octet(pdu, at.saturating_add(2))?);
    let (due, bytes) = (octets(table, quantity).max(count.into()), rest(pdu, at.saturating_add(3)));
    let bytes = bytes.get(..due).unwrap_or(bytes);
    Ok((quantity, if table.is_bit() { Values::Bits(bytes) } else { Values::Registers(bytes) }))
}

fn write_many(table: Space, pdu: &[u8]) -> Result<Request<'_>, Malformed> {
    let (quantity, values) = written(table, pdu, 3)?;
    Ok(Request::Write { table, address: word(pdu, 1)?, quantity, values })
}

fn read_write(pdu: &[u8]) -> Result<Request<'_>, Malformed> {
    let (write_quantity, values) = written(Space::HoldingRegister, pdu, 7)?;
    let (read_address, read_quantity, write_address) = (word(pdu, 1)?, word(pdu, 3)?, word(pdu, 5)?);
    Ok(Request::ReadWrite { read_address, read_quantity, write_address, write_quantity, values })
}

fn encapsulated(pdu: &[u8]) -> Result<Request<'_>, Malformed> {
    match octet(pdu, 1)? {
        DEVICE_IDENTIFICATION => Ok(Request::ReadIdentification { code: octet(pdu, 2)?, object: octet(pdu, 3)? }),
        mei => Ok(Request::Encapsulated { mei, data: rest(pdu, 2) }),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn touch(pdu: &[u8], action: Action) -> Option<Touch<'_>> {
        Request::parse(pdu).unwrap().touches(action).next()
    }

    #[test]
    fn reads_every_data_access_function() {
        let read = |table| Request::Read { table, address: 0xFFFF, quantity: 1 };
        let tables = [Space::Coil, Space::DiscreteInput, Space::HoldingRegister, Space::InputRegister];
        for (function, table) in (1..).zip(tables) {
            assert_eq!(Request::parse(&[function, 0xFF, 0xFF, 0, 1]), Ok(read(table)));
        }
        assert_eq!(
            Request::parse(&[5, 0, 3, 0xFF, 0]),
            Ok(Request::Write { table: Space::Coil, address: 3, quantity: 1, values: Values::Bits(&[1]) })
        );
        assert_eq!(
            Request::parse(&[16, 0, 9, 0, 2, 4, 0, 1, 0, 2]),
            Ok(Request::Write {
                table: Space::HoldingRegister,
                address: 9,
                quantity: 2,
                values: Values::Registers(&[0, 1, 0, 2])
            })
        );
        assert_eq!(
            Request::parse(&[22, 0, 4, 0, 0xF2, 0, 0x25]),
            Ok(Request::MaskWrite { address: 4, and_mask: 0xF2, or_mask: 0x25 })
        );
        assert_eq!(Request::parse(&[100, 1]), Ok(Request::Other { function: 100, data: &[1] }));
    }

    #[test]
    fn a_read_write_touches_what_it_reads_and_what_it_writes() {
        let pdu = [23, 0, 3, 0, 6, 0, 14, 0, 1, 2, 0, 255];
        let read = touch(&pdu, Action::Read).unwrap();
        let write = touch(&pdu, Action::Write).unwrap();
        assert_eq!((read.address, read.count, read.values), (3, 6, Values::None));
        assert_eq!((write.address, write.count, write.values), (14, 1, Values::Registers(&[0, 255])));
    }

    #[test]
    fn a_padded_request_is_read_and_still_malformed() {
        let padded = [3, 0, 1, 0, 2, 0xAA];
        assert_eq!(Request::parse(&padded), Request::parse(&padded[..5]));
        assert_eq!(Request::fault(&padded), Some(Malformed::length(5, 6)));
        assert_eq!(Request::fault(&padded[..5]), None);
    }

    #[test]
    fn a_request_beyond_its_limits_is_read_and_still_malformed() {
        let nothing = touch(&[3, 0, 1, 0, 0], Action::Read).unwrap();
        assert_eq!((nothing.address, nothing.count), (1, 1));
        let odd = touch(&[5, 0, 3, 0x12, 0x34], Action::Write).unwrap();
        assert_eq!((odd.address, odd.values), (3, Values::Unknown));
        let many = touch(&[4, 0, 0, 0xFF, 0xFF], Action::Read).unwrap();
        assert_eq!(many.count, 65_535);
    }

    #[test]
    fn a_write_that_contradicts_itself_reaches_as_far_as_either_count() {
        let cases: [(&[u8], u32, Values<'_>); 6] = [
            (&[16, 0, 9, 0, 1, 4, 0, 1, 0, 2], 2, Values::Registers(&[0, 1, 0, 2])),
            (&[16, 0, 9, 0, 2, 2, 0, 1, 0, 2], 2, Values::Registers(&[0, 1, 0, 2])),
            (&[16, 0, 9, 0, 3, 6, 0, 1, 0], 3, Values::Registers(&[0, 1, 0])),
            (&[15, 0, 9, 0, 3, 2, 5, 7], 16, Values::Bits(&[5, 7])),
            (&[16, 0, 9, 0, 3], 3, Values::Unknown),
            (&[6, 0, 9, 1], 1, Values::Unknown),
        ];
        for (pdu, count, values) in cases {
            let touch = touch(pdu, Action::Write).unwrap();
            assert_eq!((touch.address, touch.count, touch.values), (9, count, values), "{pdu:02x?}");
            assert!(Request::fault(pdu).is_some(), "{pdu:02x?}");
        }
    }

    #[test]
    fn names_the_field_that_cannot_stand() {
        let cases: [(&[u8], Malformed); 20] = [
            (&[], Malformed::new("length", 0, 1, 0)),
            (&[3, 0, 1, 0], Malformed::new("length", 4, 5, 4)),
            (&[3, 0, 1, 0, 1, 0], Malformed::new("length", 5, 5, 6)),
            (&[3, 0, 1, 0, 0], Malformed::new("quantity", 3, 1, 0)),
            (&[3, 0, 1, 0, 126], Malformed::new("quantity", 3, 125, 126)),
            (&[1, 0, 1, 0x07, 0xD1], Malformed::new("quantity", 3, 2000, 2001)),
            (&[5, 0, 3, 0xFF, 1], Malformed::new("value", 3, 0xFF00, 0xFF01)),
            (&[7, 0], Malformed::new("length", 1, 1, 2)),
            (&[8, 0, 1, 0], Malformed::new("length", 4, 5, 4)),
            (&[15, 0, 0, 0, 9, 1, 0xFF], Malformed::new("byte count", 5, 2, 1)),
            (&[16, 0, 9, 0, 2, 4, 0, 1, 0], Malformed::new("length", 9, 10, 9)),
            (&[16, 0, 9, 0, 2, 2, 0, 1], Malformed::new("byte count", 5, 4, 2)),
            (&[16, 0, 9, 0, 0, 0], Malformed::new("quantity", 3, 1, 0)),
            (&[23, 0, 3, 0, 0, 0, 14, 0, 1, 2, 0, 255], Malformed::new("read quantity", 3, 1, 0)),
            (&[20, 0], Malformed::new("byte count", 1, 7, 0)),
            (&[20, 8, 6, 0, 4, 0, 1, 0, 2, 6], Malformed::new("sub-request", 9, 7, 1)),
            (&[21, 9, 6, 0, 4, 0, 7, 0, 2, 1, 2], Malformed::new("record length", 7, 1, 2)),
            (&[21, 10, 6, 0, 4, 0, 7, 0, 1, 1, 2, 3], Malformed::new("sub-request", 11, 7, 1)),
            (&[43, 14, 5, 0], Malformed::new("read device id code", 2, 4, 5)),
            (&[90, 0], Malformed::new("length", 2, 3, 2)),
        ];
        for (pdu, malformed) in cases {
            assert_eq!(Request::fault(pdu), Some(malformed), "{pdu:02x?}");
        }
    }
}
