use tagout_engine::{Action, Space, Touch, Values};

/// A request whose fields contradict each other or the function's limits.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Malformed;

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
    /// Reads a request PDU from its function code on (AP 6).
    ///
    /// # Errors
    /// [`Malformed`] when lengths, byte counts, quantities or coil values are not what the function allows.
    pub fn parse(pdu: &'a [u8]) -> Result<Self, Malformed> {
        let (&function, data) = pdu.split_first().ok_or(Malformed)?;
        match function {
            1..=4 => read(function, data),
            5 => write_coil(data),
            6 => write_register(data),
            15 => write_many(Space::Coil, data),
            16 => write_many(Space::HoldingRegister, data),
            22 => mask_write(data),
            23 => read_write(data),
            _ => Ok(Self::Other { function, data }),
        }
    }

    /// What the request does to the device's address spaces under `action`: a read-write both reads and writes.
    pub fn touches(self, action: Action) -> impl Iterator<Item = Touch<'a>> {
        let touch = |space, address: u16, count: u16, values| {
            Some(Touch { space, address: u32::from(address), count: u32::from(count), values })
        };
        let touched = match (self, action) {
            (Self::Read { table, address, quantity }, _) => touch(table, address, quantity, Values::None),
            (Self::Write { table, address, quantity, values }, _) => touch(table, address, quantity, values),
            (Self::MaskWrite { address, .. }, _) => touch(Space::HoldingRegister, address, 1, Values::Unknown),
            (Self::ReadWrite { read_address, read_quantity, .. }, Action::Read) => {
                touch(Space::HoldingRegister, read_address, read_quantity, Values::None)
            }
            (Self::ReadWrite { write_address, write_quantity, values, .. }, _) => {
                touch(Space::HoldingRegister, write_address, write_quantity, values)
            }
            (Self::Other { .. }, _) => None,
        };
        touched.into_iter()
    }

    /// True for a function that reads besides its main action.
    pub(crate) const fn also_reads(self) -> bool {
        matches!(self, Self::ReadWrite { .. })
    }
}

fn word(data: &[u8], at: usize) -> Option<u16> {
    match data.get(at..)? {
        [high, low, ..] => Some(u16::from_be_bytes([*high, *low])),
        _ => None,
    }
}

fn read(function: u8, data: &[u8]) -> Result<Request<'_>, Malformed> {
    let (table, limit) = match function {
        1 => (Space::Coil, 2000),
        2 => (Space::DiscreteInput, 2000),
        3 => (Space::HoldingRegister, 125),
        _ => (Space::InputRegister, 125),
    };
    match (data.len(), word(data, 0), word(data, 2)) {
        (4, Some(address), Some(quantity)) if (1..=limit).contains(&quantity) => {
            Ok(Request::Read { table, address, quantity })
        }
        _ => Err(Malformed),
    }
}

fn write_coil(data: &[u8]) -> Result<Request<'_>, Malformed> {
    let values = match (data.len(), word(data, 2)) {
        (4, Some(0xFF00)) => ON,
        (4, Some(0x0000)) => OFF,
        _ => return Err(Malformed),
    };
    let address = word(data, 0).ok_or(Malformed)?;
    Ok(Request::Write { table: Space::Coil, address, quantity: 1, values })
}

fn write_register(data: &[u8]) -> Result<Request<'_>, Malformed> {
    match (word(data, 0), data.get(2..)) {
        (Some(address), Some(register)) if register.len() == 2 => Ok(Request::Write {
            table: Space::HoldingRegister,
            address,
            quantity: 1,
            values: Values::Registers(register),
        }),
        _ => Err(Malformed),
    }
}

/// The values of a write of `quantity` addresses, whose byte count stands at `at`.
fn counted(table: Space, data: &[u8], at: usize, quantity: u16, limit: u16) -> Result<Values<'_>, Malformed> {
    let (&count, bytes) = data.get(at..).and_then(<[u8]>::split_first).ok_or(Malformed)?;
    let (values, due) = match table {
        Space::Coil => (Values::Bits(bytes), usize::from(quantity.div_ceil(8))),
        _ => (Values::Registers(bytes), usize::from(quantity).saturating_mul(2)),
    };
    let sound = (1..=limit).contains(&quantity) && usize::from(count) == due && bytes.len() == due;
    if sound { Ok(values) } else { Err(Malformed) }
}

fn write_many(table: Space, data: &[u8]) -> Result<Request<'_>, Malformed> {
    let address = word(data, 0).ok_or(Malformed)?;
    let quantity = word(data, 2).ok_or(Malformed)?;
    let limit = if table == Space::Coil { 1968 } else { 123 };
    let values = counted(table, data, 4, quantity, limit)?;
    Ok(Request::Write { table, address, quantity, values })
}

fn mask_write(data: &[u8]) -> Result<Request<'_>, Malformed> {
    match (data.len(), word(data, 0), word(data, 2), word(data, 4)) {
        (6, Some(address), Some(and_mask), Some(or_mask)) => Ok(Request::MaskWrite { address, and_mask, or_mask }),
        _ => Err(Malformed),
    }
}

fn read_write(data: &[u8]) -> Result<Request<'_>, Malformed> {
    let read_address = word(data, 0).ok_or(Malformed)?;
    let read_quantity = word(data, 2).ok_or(Malformed)?;
    let write_address = word(data, 4).ok_or(Malformed)?;
    let write_quantity = word(data, 6).ok_or(Malformed)?;
    let values = counted(Space::HoldingRegister, data, 8, write_quantity, 121)?;
    if !(1..=125).contains(&read_quantity) {
        return Err(Malformed);
    }
    Ok(Request::ReadWrite { read_address, read_quantity, write_address, write_quantity, values })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::super::function::action;
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
    fn refuses_what_contradicts_itself() {
        let malformed: [&[u8]; 12] = [
            &[],
            &[3, 0, 1, 0],
            &[3, 0, 1, 0, 0],
            &[3, 0, 1, 0, 126],
            &[1, 0, 1, 0x07, 0xD1],
            &[3, 0, 1, 0, 1, 0],
            &[5, 0, 3, 0xFF, 1],
            &[15, 0, 0, 0, 9, 1, 0xFF],
            &[16, 0, 9, 0, 2, 4, 0, 1, 0],
            &[16, 0, 9, 0, 2, 2, 0, 1],
            &[16, 0, 9, 0, 0, 0],
            &[23, 0, 3, 0, 0, 0, 14, 0, 1, 2, 0, 255],
        ];
        for pdu in malformed {
            assert_eq!(Request::parse(pdu), Err(Malformed), "{pdu:02x?}");
        }
    }

    #[test]
    fn diagnostics_are_told_apart() {
        let cases = [
            (&[8, 0, 0, 1, 2][..], Action::Diagnostics),
            (&[8, 0, 1, 0xFF, 0], Action::Restart),
            (&[8, 0, 4, 0, 0], Action::ListenOnly),
            (&[8, 0, 10, 0, 0], Action::Configure),
            (&[43, 14, 1, 0], Action::Identify),
            (&[43, 13, 1, 0], Action::Other),
            (&[90, 0, 0x10], Action::Other),
        ];
        for (pdu, expected) in cases {
            assert_eq!(action(pdu), expected, "{pdu:02x?}");
        }
    }
}
