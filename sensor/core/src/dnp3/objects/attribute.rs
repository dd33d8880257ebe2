//! Device attributes (group 0): the variation is the attribute, the index the set that it belongs to.

use super::code::codes;
use super::fields::Misfit;
use super::value::Value;
use crate::dnp3::reader::Reader;

codes! {
    /// The type of a value that tells its type: of a device attribute, of a data set's element.
    DataType(u8):
    0 NONE;
    1 VSTR;
    2 UINT;
    3 INT;
    4 FLT;
    5 OSTR;
    6 BSTR;
    7 TIME;
    8 UNCD;
    254 U8BS8LIST;
    255 U8BS8EXLIST;
}

/// A device attribute.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Attribute<'a> {
    /// The type of its value.
    pub data_type: DataType,
    /// Its value.
    pub data: &'a [u8],
}

/// An attribute that a device has, out of a list of them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ListedAttribute {
    /// Its variation.
    pub variation: u8,
    /// True if it may be written.
    pub writable: bool,
}

impl<'a> Attribute<'a> {
    /// The value by its type: text, a number, a time, octets. An unsigned number beyond 2^63 stays octets.
    pub fn value(self) -> Value<'a> {
        let typed = match self.data_type {
            DataType::VSTR | DataType::UNCD => Some(Value::Text(self.data)),
            DataType::UINT => unsigned(self.data).map(Value::Integer),
            DataType::INT => signed(self.data).map(Value::Integer),
            DataType::FLT => float(self.data).map(Value::Real),
            DataType::TIME => Reader(self.data).u48().map(Value::Time),
            _ => None,
        };
        typed.unwrap_or(Value::Octets(self.data))
    }

    /// The attributes that it lists, if it is a list of them.
    pub fn list(self) -> impl Iterator<Item = ListedAttribute> + 'a {
        let pairs = if self.is_list() { self.data } else { &[] };
        pairs.as_chunks::<2>().0.iter().map(|&[variation, bits]| ListedAttribute { variation, writable: bits & 1 == 1 })
    }

    const fn is_list(self) -> bool {
        matches!(self.data_type, DataType::U8BS8LIST | DataType::U8BS8EXLIST)
    }

    /// Octets that a value of the type has, nearest to those that are there.
    fn fitting_len(self) -> usize {
        let len = self.data.len();
        match self.data_type {
            DataType::UINT | DataType::INT => len.clamp(1, 8),
            DataType::FLT if len > 4 => 8,
            DataType::FLT => 4,
            DataType::TIME => 6,
            DataType::U8BS8LIST | DataType::U8BS8EXLIST => len & !1,
            _ => len,
        }
    }
}

/// Octets of the device attribute at the start of `bytes`, as its length octet says. Extended lists have 256 more.
pub(in crate::dnp3) fn attribute_len(bytes: &[u8]) -> Option<usize> {
    let [data_type, len, ..] = bytes else { return None };
    let extension = if DataType(*data_type) == DataType::U8BS8EXLIST { 0x100 } else { 0 };
    Some(usize::from(*len).saturating_add(2).saturating_add(extension))
}

/// The device attribute that `object` is: data type, length, data.
pub(super) fn attribute(object: &[u8]) -> Result<Value<'_>, Misfit> {
    let expected = attribute_len(object).unwrap_or(2);
    let misfit = |expected, found| Misfit { field: "attribute length", offset: object.len().min(1), expected, found };
    let [data_type, _, data @ ..] = object else { return Err(misfit(expected, object.len())) };
    if expected != object.len() {
        return Err(misfit(expected.saturating_sub(2), data.len()));
    }
    let attribute = Attribute { data_type: DataType(*data_type), data };
    let fitting = attribute.fitting_len();
    if fitting == data.len() { Ok(Value::Attribute(attribute)) } else { Err(misfit(fitting, data.len())) }
}

/// A little-endian number of one to seven octets, or of eight with a sign bit of 0.
fn unsigned(data: &[u8]) -> Option<i64> {
    i64::try_from(u64::from_le_bytes(extended(data, 0x00)?)).ok()
}

fn signed(data: &[u8]) -> Option<i64> {
    let fill = if data.last()? & 0x80 == 0 { 0x00 } else { 0xff };
    extended(data, fill).map(i64::from_le_bytes)
}

/// The octets of a number, extended to eight with `fill`.
fn extended(data: &[u8], fill: u8) -> Option<[u8; 8]> {
    let mut octets = [fill; 8];
    octets.get_mut(..data.len())?.copy_from_slice(data);
    (!data.is_empty()).then_some(octets)
}

fn float(data: &[u8]) -> Option<f64> {
    let single = || Some(f32::from_le_bytes(data.try_into().ok()?).into());
    let double = || Some(f64::from_le_bytes(data.try_into().ok()?));
    single().or_else(double)
}
