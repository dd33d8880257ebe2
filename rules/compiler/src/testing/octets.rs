//! From an engineering value to what the device holds.

use tagout_engine::Kind;

use super::Value;
use crate::model::Point;

/// The value as the device holds it, or the nearest engineering value that it can hold.
pub(super) fn value(point: &Point, engineering: f64) -> Result<Value, f64> {
    if point.space.is_bit() {
        return match engineering {
            0.0 => Ok(Value::Bit(false)),
            1.0 => Ok(Value::Bit(true)),
            other => Err(f64::from(u8::from(other >= 0.5))),
        };
    }
    let raw = (engineering - point.offset) / point.scale;
    if !point.space.is_register() {
        return Ok(Value::Number(nearest_exact(raw)));
    }
    let bits = bits(point.encoding.kind, raw);
    let octets = registers(point, bits);
    let held = point.encoding.decode(&octets).map_or(f64::NAN, |raw| raw * point.scale + point.offset);
    // Half the last digit of a single precision number, which is what most devices compute in.
    let near = (held - engineering).abs() <= engineering.abs().max(point.scale.abs()) * 1e-6;
    if near { Ok(Value::Registers(octets)) } else { Err(rounded(held)) }
}

/// Undoes what dividing by a decimal scale leaves behind the fifteenth digit.
fn nearest_exact(raw: f64) -> f64 {
    let whole = raw.round();
    if (raw - whole).abs() <= raw.abs() * 1e-12 { whole } else { raw }
}

/// A number as people write it.
fn rounded(value: f64) -> f64 {
    format!("{value:.6}").parse().unwrap_or(value)
}

/// The nearest value of a type, in the low bits.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "casts to the nearest value are meant")]
fn bits(kind: Kind, raw: f64) -> u64 {
    let whole = raw.round();
    match kind {
        Kind::Native | Kind::U16 => u64::from(whole as u16),
        Kind::I16 => u64::from(whole as i16 as u16),
        Kind::U32 => u64::from(whole as u32),
        Kind::I32 => u64::from(whole as i32 as u32),
        Kind::F32 => u64::from((raw as f32).to_bits()),
        Kind::U64 => whole as u64,
        Kind::I64 => whole as i64 as u64,
        Kind::F64 => raw.to_bits(),
    }
}

/// The registers that hold the low bits, in the point's order.
fn registers(point: &Point, bits: u64) -> Vec<u8> {
    let width = usize::from(point.encoding.kind.width());
    let whole = bits.to_be_bytes();
    let mut registers: Vec<[u8; 2]> = whole[8 - 2 * width..].chunks(2).map(|pair| [pair[0], pair[1]]).collect();
    if point.encoding.low_word_first {
        registers.reverse();
    }
    if point.encoding.swap_bytes {
        registers.iter_mut().for_each(|register| register.reverse());
    }
    registers.concat()
}

#[cfg(test)]
mod tests {
    use tagout_engine::{Encoding, Space};

    use super::*;
    use crate::source::{Span, Spanned};

    fn point(kind: Kind, low_word_first: bool, swap_bytes: bool, scale: f64) -> Point {
        let name = Spanned { value: "level".to_owned(), span: Span::new(0, 0..0) };
        let encoding = Encoding { kind, low_word_first, swap_bytes };
        Point { scale, ..Point::at(name, Space::HoldingRegister, 0, encoding) }
    }

    #[test]
    fn what_is_held_is_read_back() {
        for kind in [Kind::U16, Kind::I16, Kind::U32, Kind::I32, Kind::F32, Kind::U64, Kind::I64, Kind::F64] {
            for (low, swap) in [(false, false), (false, true), (true, false), (true, true)] {
                let point = point(kind, low, swap, 0.1);
                let Ok(Value::Registers(octets)) = value(&point, 42.3) else { panic!("{kind:?} holds 42.3") };
                let held = point.encoding.decode(&octets).expect("as many as it takes") * 0.1;
                assert!((held - 42.3).abs() < 1e-4, "{kind:?} {held}");
            }
        }
    }

    #[test]
    fn the_nearest_value_is_told_where_it_cannot_be_held() {
        assert_eq!(value(&point(Kind::U16, false, false, 0.1), 42.34), Err(42.3));
        assert_eq!(value(&point(Kind::U16, false, false, 1.0), -3.0), Err(0.0));
        assert_eq!(value(&point(Kind::I16, false, false, 1.0), 40_000.0), Err(32_767.0));
    }
}
