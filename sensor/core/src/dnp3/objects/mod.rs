//! The object library (IEEE 1815-2012, clause 11 and annex A): what the objects are called and how they lie on the
//! wire.

mod attribute;
mod attributes;
mod authentication;
mod code;
mod data_set;
mod decode;
mod device;
mod fields;
mod file;
mod name;
mod table;
mod value;

use tagout_engine::Space;

use name::{FlagNames, Name};

pub use attribute::{Attribute, DataType, ListedAttribute};
pub use authentication::{
    AuthError, AuthObject, CertificateType, ChallengeReason, KeyChangeMethod, KeyStatus, KeyWrapAlgorithm,
    MacAlgorithm, UserOperation, UserRole, security_statistic,
};
pub use data_set::{
    Characteristics, DataSet, Descriptor, DescriptorCode, Descriptors, Elements, PointIndex, PointIndexes,
};
pub use device::{Activation, ActivationStatus, Activations, DeviceObject};
pub use file::{FileMode, FileObject, FileStatus, FileType, Permissions};
pub use value::{DoubleBit, Flags, IntervalUnit, Point, Time, Value};

pub(super) use attribute::attribute_len;
pub(super) use decode::{decode, reading};
pub(super) use fields::Misfit;

/// Objects of one kind: the group number of an object header.
#[derive(Debug)]
pub struct Group {
    /// The group's number.
    pub number: u8,
    /// What its objects are.
    #[cfg_attr(not(feature = "names"), expect(dead_code, reason = "only records tell names"))]
    name: Name,
    /// The address space that its indexes belong to, if they name points.
    pub space: Option<Space>,
    /// Names of the bits of a flag octet, bit 0 first.
    pub(super) flags: FlagNames,
    variations: &'static [Variation],
}

/// A format of a group's objects: the variation number of an object header.
#[derive(Debug)]
pub struct Variation {
    /// The variation's number.
    pub number: u8,
    /// The format.
    #[cfg_attr(not(feature = "names"), expect(dead_code, reason = "only records tell names"))]
    name: Name,
    pub(super) layout: Layout,
}

/// How an object lies on the wire.
#[derive(Clone, Copy, Debug)]
pub(super) enum Layout {
    /// The header says it all.
    Bare,
    /// One bit an object, least significant bit of the first octet first.
    Bits,
    /// Two bits an object, likewise.
    DoubleBits,
    /// These fields, one behind the other.
    Fields {
        fields: &'static [Field],
        /// Octets of all of them.
        len: u8,
    },
    /// As many octets as the variation's number says.
    Octets,
    /// A device attribute: data type, length, data.
    Attribute,
    /// Fields that this function reads.
    Composite {
        read: Read,
        /// Octets of all of them, where they are the same for all objects. Otherwise the size prefix says.
        len: Option<u8>,
    },
    /// As many octets as its size prefix says.
    Prefixed,
}

/// Reads the fields of an object, or tells which of them does not fit it.
type Read = for<'a> fn(&'a [u8]) -> Result<Value<'a>, Misfit>;

/// A field of an object.
#[derive(Clone, Copy, Debug)]
pub(super) enum Field {
    /// Flag octet.
    Flags,
    /// Flag octet whose bit 7 is the value.
    FlagsAndBit,
    /// Flag octet whose bits 6 and 7 are the value.
    FlagsAndDoubleBit,
    /// Octet with a control status and, in bit 7, the commanded state.
    StatusAndBit,
    /// Octet with a control status.
    Status,
    /// Values by their type, little-endian.
    U8,
    U16,
    U32,
    I16,
    I32,
    F32,
    F64,
    /// A packed binary coded decimal of this many octets, least significant digits first.
    Bcd(u8),
    /// A time as value.
    TimeValue,
    /// A time as value with an interval of this unit behind it.
    TimeAndInterval,
    TimeAndIntervalUnit,
    /// Control relay output block, its status aside.
    Crob,
    /// When the value was measured or frozen.
    Time,
    /// The same in milliseconds since the common time of occurrence.
    RelativeTime,
    /// The association that a security statistic belongs to.
    Association,
}

impl Field {
    const fn len(self) -> u8 {
        match self {
            Self::Flags
            | Self::FlagsAndBit
            | Self::FlagsAndDoubleBit
            | Self::StatusAndBit
            | Self::Status
            | Self::U8 => 1,
            Self::U16 | Self::I16 | Self::RelativeTime | Self::Association => 2,
            Self::U32 | Self::I32 | Self::F32 => 4,
            Self::Time | Self::TimeValue => 6,
            Self::F64 => 8,
            Self::TimeAndInterval | Self::Crob => 10,
            Self::TimeAndIntervalUnit => 11,
            Self::Bcd(len) => len,
        }
    }
}

/// Octets of an object of these fields.
const fn fields_len(fields: &[Field]) -> u8 {
    match fields {
        [] => 0,
        [first, rest @ ..] => first.len().saturating_add(fields_len(rest)),
    }
}

/// The group with this number, if the library has it.
pub fn group(number: u8) -> Option<&'static Group> {
    let place = table::PLACES.get(usize::from(number))?;
    table::GROUPS.get(usize::from(*place))
}

impl Group {
    /// What its objects are.
    #[cfg(feature = "names")]
    pub const fn name(&self) -> &'static str {
        self.name.text()
    }

    /// The format with this variation number, if the library has it.
    pub fn variation(&'static self, number: u8) -> Option<&'static Variation> {
        self.variations.iter().find(|variation| variation.number == number).or_else(|| self.any_variation(number))
    }

    /// Groups whose variation number is no format: the length of an octet string, the name of an attribute.
    fn any_variation(&'static self, number: u8) -> Option<&'static Variation> {
        self.variations.first().filter(|variation| variation.number == 0 && number > 0)
    }
}

impl Variation {
    /// The format, or of what the variation is the name.
    #[cfg(feature = "names")]
    pub const fn name(&self) -> &'static str {
        self.name.text()
    }
}
