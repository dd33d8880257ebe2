use super::value::{Point, Value};
use crate::dnp3::reader::Reader;

/// Data type codes of device attributes (clause 11).
mod data_type {
    pub(super) const VISIBLE_STRING: u8 = 1;
    pub(super) const UNSIGNED: u8 = 2;
    pub(super) const SIGNED: u8 = 3;
    pub(super) const FLOAT: u8 = 4;
    pub(super) const TIME: u8 = 7;
    pub(super) const EXTENDED_LIST: u8 = 255;
}

/// Octets of the device attribute at the start of `bytes`, as its length octet says. Extended lists have 256 more.
pub(in crate::dnp3) fn attribute_len(bytes: &[u8]) -> Option<usize> {
    let [data_type, len, ..] = bytes else { return None };
    let extension = if *data_type == data_type::EXTENDED_LIST { 0x100 } else { 0 };
    Some(usize::from(*len).saturating_add(2).saturating_add(extension))
}

/// The device attribute in `octets`: data type, length, data.
pub(in crate::dnp3) fn attribute<'a>(index: u32, octets: &'a [u8]) -> Option<Point<'a>> {
    let [data_type, _, data @ ..] = octets else { return None };
    Some(Point::new(index, value(*data_type, data), octets))
}

fn value(data_type: u8, data: &[u8]) -> Value<'_> {
    let number = match data_type {
        data_type::VISIBLE_STRING => Some(Value::Text(data)),
        data_type::UNSIGNED => unsigned(data).map(Value::Integer),
        data_type::SIGNED => signed(data).map(Value::Integer),
        data_type::FLOAT => float(data).map(Value::Real),
        data_type::TIME if data.len() == 6 => Reader(data).u48().map(Value::Time),
        _ => None,
    };
    number.unwrap_or(Value::Octets(data))
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
