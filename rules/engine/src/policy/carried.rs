//! What a touch carries: the values of points and of undeclared addresses.

use zerocopy::little_endian::F64;

use crate::image::{Bounds, Point};
use crate::{Kind, Touch, Values};

/// The value that an exchange carries for a point or an address.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) enum Carried {
    Nothing,
    Unknown,
    Number(f64),
    /// A number that lay on the wire in single precision, and is compared in it.
    Single {
        value: f64,
        /// How far an offset leaves it at most from the number that the device meant.
        off: f64,
    },
}

impl Carried {
    pub(crate) fn lies_in(self, bounds: &Bounds) -> bool {
        match self {
            Self::Nothing => true,
            Self::Unknown => !bounds.limit(),
            Self::Number(value) => !bounds.limit() || bounds.contain(value),
            Self::Single { value, off } => !bounds.limit() || bounds.contain_single(value, off),
        }
    }

    /// Whether it is one of these values; what carries none is, what is not known is not.
    pub(crate) fn is_one_of(self, values: &[F64]) -> bool {
        match self {
            Self::Nothing => true,
            Self::Unknown => false,
            Self::Number(value) => values.iter().any(|one| one.get() == value),
            Self::Single { value, off } => {
                values.iter().any(|one| one.get() as f32 == value as f32 || (one.get() - value).abs() <= off)
            }
        }
    }

    /// Whether it lies a whole number of steps away from `base`.
    pub(crate) fn is_on_step(self, step: f64, base: f64) -> bool {
        let Some(value) = self.number() else { return self == Self::Nothing };
        if !value.is_finite() {
            return false;
        }
        let steps = (value - base) / step;
        // Beyond 2⁶³ numbers are whole; the cast keeps to the nearest there is.
        let nearest = (steps + if steps < 0.0 { -0.5 } else { 0.5 }) as i64 as f64;
        (steps - nearest).abs() * step <= self.tolerance(value.abs().max(base.abs()))
    }

    /// What rounding may have added to a number of this magnitude: 2⁻²³ of it in single precision, else a billionth.
    pub(crate) fn tolerance(self, magnitude: f64) -> f64 {
        match self {
            Self::Single { off, .. } => magnitude * f64::from(f32::EPSILON) + off,
            _ => magnitude * 1e-9,
        }
    }

    pub(crate) fn number(self) -> Option<f64> {
        match self {
            Self::Number(value) | Self::Single { value, .. } => Some(value),
            Self::Nothing | Self::Unknown => None,
        }
    }

    /// How far the value is outside; without a number, or for NaN, infinitely far.
    pub(crate) fn distance(self, bounds: &Bounds) -> f64 {
        let Some(value) = self.number() else { return f64::INFINITY };
        if value < bounds.min.get() {
            bounds.min.get() - value
        } else if value > bounds.max.get() {
            value - bounds.max.get()
        } else {
            f64::INFINITY
        }
    }
}

/// What a touch carries for a point as it lies on the wire, if that is a bit, one register or two.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Raw {
    /// The last of these are used.
    octets: [u8; 4],
    /// How many: a bit takes one. 0 if it is none of these.
    len: u8,
}

impl Raw {
    pub(crate) const UNKNOWN: Self = Self { octets: [0; 4], len: 0 };

    pub(crate) fn of(touch: &Touch<'_>, point: &Point) -> Self {
        if let Values::Bits(bytes) = touch.values {
            let bit = offset(touch, point.start()).and_then(|offset| bit(bytes, offset));
            return bit.map_or(Self::UNKNOWN, |bit| Self { octets: [0, 0, 0, bit], len: 1 });
        }
        match registers(touch, point) {
            Some(&[high, low]) => Self { octets: [0, 0, high, low], len: 2 },
            Some(&[a, b, c, d]) => Self { octets: [a, b, c, d], len: 4 },
            _ => Self::UNKNOWN,
        }
    }

    pub(crate) const fn is_known(self) -> bool {
        self.len > 0
    }
}

/// The engineering value that a touch carries for a point.
pub(crate) fn point_value(touch: &Touch<'_>, point: &Point) -> Carried {
    if touch.values == Values::None {
        return Carried::Nothing;
    }
    let Some(raw) = raw_point_value(touch, point) else { return Carried::Unknown };
    let value = point.scaling.apply(raw);
    if is_single(point.kind(), raw) {
        Carried::Single { value, off: point.scaling.rounding(raw) }
    } else {
        Carried::Number(value)
    }
}

/// The number that a touch carries for a point, as on the wire.
pub(crate) fn raw_point_value(touch: &Touch<'_>, point: &Point) -> Option<f64> {
    let encoding = point.encoding();
    match touch.values {
        Values::Registers(_) if encoding.kind != Kind::Native => {
            registers(touch, point).and_then(|own| encoding.decode(own))
        }
        Values::Bits(_) if encoding.kind != Kind::Native => None,
        _ => value_at(touch, point.start()),
    }
}

/// Whether a raw number lay on the wire in single precision. DNP3 objects do not say it here: a fraction that single
/// precision holds is taken for one.
fn is_single(kind: Kind, raw: f64) -> bool {
    let is_fraction = || raw as i64 as f64 != raw;
    kind == Kind::F32 || (kind == Kind::Native && is_fraction() && f64::from(raw as f32) == raw)
}

/// The point's registers among the touched ones, if all of them are.
pub(crate) fn registers<'t>(touch: &Touch<'t>, point: &Point) -> Option<&'t [u8]> {
    let Values::Registers(bytes) = touch.values else { return None };
    let width = u32::from(point.kind().width());
    let from = u32::from(point.address.get()).checked_sub(touch.address)?;
    let end = from.checked_add(width).filter(|end| *end <= touch.count)?;
    bytes.get((from as usize).checked_mul(2)?..(end as usize).checked_mul(2)?)
}

/// The raw value that a touch carries for an address.
pub(crate) fn raw_value(touch: &Touch<'_>, address: u64) -> Carried {
    if touch.values == Values::None {
        return Carried::Nothing;
    }
    value_at(touch, address).map_or(Carried::Unknown, Carried::Number)
}

fn value_at(touch: &Touch<'_>, address: u64) -> Option<f64> {
    let offset = offset(touch, address)?;
    match touch.values {
        Values::None | Values::Unknown => None,
        Values::Bits(bytes) => bit(bytes, offset).map(f64::from),
        Values::Registers(bytes) => {
            let start = offset.checked_mul(2)?;
            let register = bytes.get(start..start.checked_add(2)?)?;
            register.try_into().ok().map(u16::from_be_bytes).map(f64::from)
        }
        Values::Number(value) => (touch.count <= 1).then_some(value),
    }
}

/// Which of the touched addresses this one is.
fn offset(touch: &Touch<'_>, address: u64) -> Option<usize> {
    let offset = address.checked_sub(touch.address.into()).filter(|offset| *offset < touch.count.max(1).into())?;
    usize::try_from(offset).ok()
}

fn bit(bytes: &[u8], offset: usize) -> Option<u8> {
    bytes.get(offset >> 3).map(|byte| byte.wrapping_shr(offset as u32 & 7) & 1)
}

/// Behind the last address that a touch carries a value for.
pub(crate) fn known_end(touch: &Touch<'_>) -> u64 {
    let known = match touch.values {
        Values::None | Values::Unknown => 0,
        Values::Bits(bytes) => bytes.len().saturating_mul(8),
        Values::Registers(bytes) => bytes.len() >> 1,
        Values::Number(_) => 1,
    };
    u64::from(touch.address).saturating_add(known as u64)
}
