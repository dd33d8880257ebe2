//! Conditions and what they name.

use zerocopy::little_endian::U16;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use super::{Extent, Place, Text, record};

record! {
    /// A condition. One text has one condition, wherever it stands.
    Condition {
        /// Its [`Instruction`]s.
        code: Extent,
        /// As the policy writes it.
        text: Text,
        /// Where it stands first.
        source: Place,
    }
}

/// The number of no condition, in records that may have one.
pub const NO_CONDITION: u16 = u16::MAX;

/// The number of no field, in records that may have one.
pub const NO_FIELD: u8 = u8::MAX;

record! {
    /// A step of a condition.
    Instruction {
        /// Number of the [`Op`](crate::Op).
        op: u8,
        /// What it names, as the op says: a run of constants; or, with a count of 0, a field, a point, a bit or a flag.
        operand: Extent,
        /// The part of the condition's text that it stands for, in bytes: its start.
        start: U16,
        /// The end of that part.
        end: U16,
    }
}

record! {
    /// Bytes that a condition names.
    Octets {
        /// How many.
        length: u8,
        /// The bytes; those behind the length are 0.
        bytes: [u8; OCTETS],
    }
}

/// The most bytes that [`Octets`] hold.
pub const OCTETS: usize = 31;

impl Octets {
    /// The bytes that are meant.
    pub fn get(&self) -> &[u8] {
        self.bytes.get(..usize::from(self.length)).unwrap_or_default()
    }

    /// Whether they have a length that fits, and nothing behind it.
    pub fn is_valid(&self) -> bool {
        self.bytes.get(usize::from(self.length)..).is_some_and(|rest| rest.iter().all(|byte| *byte == 0))
    }
}
