use crate::vocabulary::{Kind, Space};

/// How the value of a point lies in its registers or in its object.
///
/// Modbus transmits each register big-endian; the order of the registers of a wider value is the device's choice.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Encoding {
    /// The number's type.
    pub kind: Kind,
    /// True when the least significant register comes first.
    pub low_word_first: bool,
    /// True when the two bytes within each register are swapped.
    pub swap_bytes: bool,
}

/// What an exchange does to a run of consecutive addresses of one space.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Touch<'a> {
    /// The address space.
    pub space: Space,
    /// First address (0-based, as on the wire) or object index.
    pub address: u32,
    /// How many consecutive addresses; 0 where it is not known which, or with [`Values::None`], where there are none.
    pub count: u32,
    /// What is written or reported there.
    pub values: Values<'a>,
}

impl Touch<'_> {
    /// Behind its last address.
    pub(crate) fn end(&self) -> u64 {
        u64::from(self.address).saturating_add(u64::from(self.count.max(1))).min(ADDRESSES)
    }
}

/// Beyond the last address that a touch can name.
const ADDRESSES: u64 = 1 << 32;

/// The values that a command or report carries, as they lie on the wire.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Values<'a> {
    /// The action carries no value (a read).
    None,
    /// The action changes the value to something the wire does not tell (a mask write): inside no range.
    Unknown,
    /// One bit an address, least significant bit of the first byte first.
    Bits(&'a [u8]),
    /// Two big-endian bytes an address.
    Registers(&'a [u8]),
    /// The value of the only address, in the device's own units. For controls: 1 closes or latches on, 0 trips or
    /// latches off.
    Number(f64),
}
