use super::attribute::Attribute;
use super::authentication::AuthObject;
use super::data_set::DataSet;
use super::device::DeviceObject;
use super::file::FileObject;
use super::name::FlagNames;
use crate::dnp3::control::{Crob, Status};

/// One object, with what it says of one point.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Point<'a> {
    /// The point's index; where the header gives none (qualifiers 0x07 to 0x09, 0x4B, 0x5B, 0x6B), the object's place
    /// behind the header, from 0.
    pub index: u32,
    /// Its value.
    pub value: Value<'a>,
    /// Its flag octet, if the format has one.
    pub flags: Option<Flags>,
    /// When it was measured or frozen, if the format tells.
    pub time: Option<Time>,
    /// The status of a control; 0 in requests.
    pub status: Option<Status>,
    /// The association that a security statistic belongs to.
    pub association: Option<u16>,
    /// The object as it lies on the wire, its prefix aside; empty for packed bits.
    pub octets: &'a [u8],
}

impl<'a> Point<'a> {
    pub(in crate::dnp3) const fn new(index: u32, value: Value<'a>, octets: &'a [u8]) -> Self {
        Self { index, value, flags: None, time: None, status: None, association: None, octets }
    }
}

/// What an object says.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Value<'a> {
    /// Nothing: an index without an object, as in READ requests.
    None,
    /// A bit.
    Bit(bool),
    /// A double bit.
    DoubleBit(DoubleBit),
    /// A whole number.
    Integer(i64),
    /// A floating-point number, possibly not finite.
    Real(f64),
    /// A control.
    Control(Crob),
    /// Milliseconds since the beginning of 1970.
    Time(u64),
    /// A time and what repeats from it on.
    Schedule {
        /// Milliseconds since the beginning of 1970.
        start_ms: u64,
        /// The interval's length.
        interval: u32,
        /// What it is counted in.
        unit: IntervalUnit,
    },
    /// A value that tells its type.
    Attribute(Attribute<'a>),
    /// An object of file control.
    File(FileObject<'a>),
    /// An object of secure authentication.
    Auth(AuthObject<'a>),
    /// An object of a data set.
    DataSet(DataSet<'a>),
    /// What a device says of itself.
    Device(DeviceObject<'a>),
    /// Visible text, as the sender encoded it.
    Text(&'a [u8]),
    /// Octets of no further known structure, or whose fields do not fit them.
    Octets(&'a [u8]),
}

impl Value<'_> {
    /// The value as a number: bits are 0 and 1, double bits 0 to 3.
    #[allow(clippy::cast_precision_loss, reason = "engineering values are f64; wire integers of points have 32 bits")]
    pub fn number(&self) -> Option<f64> {
        match *self {
            Self::Bit(bit) => Some(f64::from(u8::from(bit))),
            Self::DoubleBit(state) => Some(f64::from(state as u8)),
            Self::Integer(number) => Some(number as f64),
            Self::Real(number) => Some(number),
            _ => None,
        }
    }
}

/// The state of a double-bit binary input.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[repr(u8)]
pub enum DoubleBit {
    /// Between its ends.
    Intermediate = 0,
    /// Off.
    DeterminedOff = 1,
    /// On.
    DeterminedOn = 2,
    /// Neither end nor between.
    Indeterminate = 3,
}

impl DoubleBit {
    /// The state in the two lowest bits.
    pub(in crate::dnp3) const fn from_bits(bits: u8) -> Self {
        match bits & 0x03 {
            0 => Self::Intermediate,
            1 => Self::DeterminedOff,
            2 => Self::DeterminedOn,
            _ => Self::Indeterminate,
        }
    }

    /// The standard's name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Intermediate => "INTERMEDIATE",
            Self::DeterminedOff => "DETERMINED_OFF",
            Self::DeterminedOn => "DETERMINED_ON",
            Self::Indeterminate => "INDETERMINATE",
        }
    }
}

/// A point's flag octet. For binary points it holds the value as well.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Flags {
    /// The octet.
    pub octet: u8,
    pub(super) names: FlagNames,
}

impl Flags {
    /// The names of the bits that are set, bit 0 first.
    #[cfg(feature = "names")]
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        self.names.texts().iter().enumerate().filter(move |(bit, _)| self.octet >> bit & 1 == 1).map(|(_, name)| *name)
    }
}

/// When a value was measured or frozen.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Time {
    /// Milliseconds since the beginning of 1970.
    Absolute(u64),
    /// Milliseconds since a common time of occurrence that the fragment does not give.
    Relative(u16),
}

/// What the interval of a [`Value::Schedule`] is counted in.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct IntervalUnit(pub u8);

impl IntervalUnit {
    /// Milliseconds.
    pub const MILLISECONDS: Self = Self(1);

    /// The unit, if the code is not reserved.
    pub const fn name(self) -> Option<&'static str> {
        Some(match self.0 {
            0 => "none",
            1 => "milliseconds",
            2 => "seconds",
            3 => "minutes",
            4 => "hours",
            5 => "days",
            6 => "weeks",
            7 => "months",
            8 => "months on the same day of the week from the month's start",
            9 => "months on the same day of the week from the month's end",
            10 => "seasons",
            _ => return None,
        })
    }
}
