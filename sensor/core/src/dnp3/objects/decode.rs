use super::attribute::attribute;
use super::fields::Misfit;
use super::value::{DoubleBit, Flags, IntervalUnit, Point, Time, Value};
use super::{Field, Group, Layout};
use crate::dnp3::control::{Crob, Status};
use crate::dnp3::reader::Reader;

/// Fills in what the octets of `point` say by this layout. One whose octets do not fit it keeps its value.
pub(in crate::dnp3) fn decode(
    group: Option<&'static Group>,
    layout: &'static Layout,
    common_time_ms: Option<u64>,
    point: &mut Point<'_>,
) -> Result<(), Misfit> {
    let octets = point.octets;
    match (layout, group) {
        (Layout::Fields { fields, len }, Some(group)) => {
            let (len, found) = (usize::from(*len), octets.len());
            if len != found {
                return Err(Misfit { field: "object size", offset: 0, expected: len, found });
            }
            let mut reader = Reader(octets);
            for field in *fields {
                read_field(*field, &mut reader, point, group, common_time_ms);
            }
        }
        (Layout::Composite { read, .. }, _) => point.value = read(octets)?,
        (Layout::Attribute, _) => point.value = attribute(octets)?,
        (Layout::Bare, _) => point.value = Value::None,
        _ => {}
    }
    Ok(())
}

/// The number and the flag octet in an object of these fields, times and all else aside.
pub(in crate::dnp3) fn reading(fields: &[Field], octets: &[u8]) -> (Option<f64>, Option<u8>) {
    let mut reader = Reader(octets);
    let (mut number, mut flags) = (None, None);
    for field in fields {
        match field {
            Field::Flags => flags = reader.u8(),
            Field::FlagsAndBit => {
                flags = reader.u8();
                number = flags.map(|octet| f64::from(octet >> 7));
            }
            Field::FlagsAndDoubleBit => {
                flags = reader.u8();
                number = flags.map(|octet| f64::from(octet >> 6));
            }
            Field::U8 => number = reader.u8().map(f64::from),
            Field::U16 => number = reader.u16().map(f64::from),
            Field::U32 => number = reader.u32().map(f64::from),
            Field::I16 => number = reader.array().map(i16::from_le_bytes).map(f64::from),
            Field::I32 => number = reader.array().map(i32::from_le_bytes).map(f64::from),
            Field::F32 => number = reader.array().map(f32::from_le_bytes).map(f64::from),
            Field::F64 => number = reader.array().map(f64::from_le_bytes),
            other => _ = reader.take(other.len().into()),
        }
    }
    (number, flags)
}

fn read_field<'a>(
    field: Field,
    reader: &mut Reader<'a>,
    point: &mut Point<'a>,
    group: &'static Group,
    common_time_ms: Option<u64>,
) -> Option<()> {
    match field {
        Field::Flags => {
            read_flags(reader, point, group)?;
        }
        Field::FlagsAndBit => point.value = Value::Bit(read_flags(reader, point, group)? >> 7 == 1),
        Field::FlagsAndDoubleBit => {
            point.value = Value::DoubleBit(DoubleBit::from_bits(read_flags(reader, point, group)? >> 6));
        }
        Field::Status => point.status = Some(Status::from_octet(reader.u8()?)),
        Field::StatusAndBit => {
            let octet = reader.u8()?;
            point.status = Some(Status::from_octet(octet));
            point.value = Value::Bit(octet >> 7 == 1);
        }
        Field::Time => point.time = Some(Time::Absolute(reader.u48()?)),
        Field::RelativeTime => point.time = Some(after(common_time_ms, reader.u16()?)),
        Field::Association => point.association = Some(reader.u16()?),
        _ => point.value = read_value(field, reader)?,
    }
    Some(())
}

fn read_flags(reader: &mut Reader<'_>, point: &mut Point<'_>, group: &'static Group) -> Option<u8> {
    let octet = reader.u8()?;
    point.flags = Some(Flags { octet, names: group.flags });
    Some(octet)
}

fn after(common_time_ms: Option<u64>, delay_ms: u16) -> Time {
    common_time_ms.map_or(Time::Relative(delay_ms), |start| Time::Absolute(start.saturating_add(delay_ms.into())))
}

fn read_value<'a>(field: Field, reader: &mut Reader<'a>) -> Option<Value<'a>> {
    Some(match field {
        Field::U8 => Value::Integer(reader.u8()?.into()),
        Field::U16 => Value::Integer(reader.u16()?.into()),
        Field::U32 => Value::Integer(reader.u32()?.into()),
        Field::I16 => Value::Integer(i16::from_le_bytes(reader.array()?).into()),
        Field::I32 => Value::Integer(i32::from_le_bytes(reader.array()?).into()),
        Field::F32 => Value::Real(f32::from_le_bytes(reader.array()?).into()),
        Field::F64 => Value::Real(f64::from_le_bytes(reader.array()?)),
        Field::Bcd(len) => read_bcd(reader.take(len.into())?),
        Field::TimeValue => Value::Time(reader.u48()?),
        Field::TimeAndInterval => {
            Value::Schedule { start_ms: reader.u48()?, interval: reader.u32()?, unit: IntervalUnit::MILLISECONDS }
        }
        Field::TimeAndIntervalUnit => {
            Value::Schedule { start_ms: reader.u48()?, interval: reader.u32()?, unit: IntervalUnit(reader.u8()?) }
        }
        Field::Crob => Value::Control(Crob::read(reader)?),
        _ => return None,
    })
}

/// Two decimal digits an octet, the least significant octet first; octets with other digits are no number.
fn read_bcd(octets: &[u8]) -> Value<'_> {
    let digits = octets.iter().rev().flat_map(|octet| [octet >> 4, octet & 0x0f]);
    let number = digits
        .into_iter()
        .try_fold(0_i64, |number, digit| (digit < 10).then(|| number.saturating_mul(10).saturating_add(digit.into())));
    number.map_or(Value::Octets(octets), Value::Integer)
}
