use core::fmt;

/// The most digits that [`Decimal::rounded`] leaves.
const FEW: u32 = 12;

/// A floating-point number in decimal, with no more digits than tell it from all others of its width; displays as `{}`
/// displays the number itself.
///
/// Unlike core's own way of writing such numbers, this one has no path to a panic.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Decimal {
    is_negative: bool,
    magnitude: Magnitude,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Magnitude {
    /// `digits` × 10 ^ `exponent`; digits end in no zero, and are at most seventeen.
    Finite {
        digits: u64,
        exponent: i32,
    },
    Infinite,
    NotANumber,
}

impl Decimal {
    /// Milliseconds in seconds.
    pub fn seconds(ms: u32) -> Self {
        Self { is_negative: false, magnitude: Magnitude::finite(ms.into(), -3) }
    }

    /// The nearest number of at most twelve digits, without those that only binary arithmetic put there; of two equally near
    /// the even one.
    #[must_use]
    pub fn rounded(self) -> Self {
        let Magnitude::Finite { digits, exponent } = self.magnitude else { return self };
        let excess = count(digits).saturating_sub(FEW);
        let unit = power(excess);
        let (kept, rest) = (digits.checked_div(unit).unwrap_or(0), digits.checked_rem(unit).unwrap_or(0));
        let up = rest.saturating_mul(2).saturating_add(kept % 2) > unit;
        let magnitude = Magnitude::finite(
            kept.saturating_add(u64::from(up && excess > 0)),
            exponent.saturating_add_unsigned(excess),
        );
        Self { magnitude, ..self }
    }

    /// From the `text` of a finite `number`.
    fn read(text: &str, number: f64) -> Self {
        let magnitude = Magnitude::read(text.strip_prefix('-').unwrap_or(text));
        Self { is_negative: number.is_sign_negative(), magnitude: magnitude.nearest(number) }
    }
}

impl From<f64> for Decimal {
    fn from(number: f64) -> Self {
        match Magnitude::beyond(number) {
            Some(magnitude) => Self { is_negative: number < 0.0, magnitude },
            None => Self::read(zmij::Buffer::new().format_finite(number), number),
        }
    }
}

impl From<f32> for Decimal {
    fn from(number: f32) -> Self {
        match Magnitude::beyond(number.into()) {
            Some(magnitude) => Self { is_negative: number < 0.0, magnitude },
            None => Self::read(zmij::Buffer::new().format_finite(number), number.into()),
        }
    }
}

impl Magnitude {
    fn finite(mut digits: u64, mut exponent: i32) -> Self {
        while digits != 0 && digits.is_multiple_of(10) {
            digits /= 10;
            exponent = exponent.saturating_add(1);
        }
        Self::Finite { digits, exponent: if digits == 0 { 0 } else { exponent } }
    }

    fn beyond(number: f64) -> Option<Self> {
        match number {
            _ if number.is_nan() => Some(Self::NotANumber),
            _ if number.is_infinite() => Some(Self::Infinite),
            _ => None,
        }
    }

    /// Of two that are equally near to `number`, core takes the one with the greater digits, zmij the even one.
    fn nearest(self, number: f64) -> Self {
        match self {
            Self::Finite { digits, exponent } if is_halfway(number, digits, exponent) => {
                Self::finite(digits.saturating_add(1), exponent)
            }
            _ => self,
        }
    }

    /// From digits, perhaps a point, and perhaps an exponent behind `e`.
    fn read(text: &str) -> Self {
        let (digits, exponent) = text.split_once('e').unwrap_or((text, "0"));
        let places = digits.split_once('.').map_or(0, |(_, behind)| behind.len());
        let places = i32::try_from(places).unwrap_or(0);
        let exponent = match exponent.strip_prefix('-') {
            Some(exponent) => integer(exponent).wrapping_neg(),
            None => integer(exponent),
        };
        Self::finite(integer(digits).unsigned_abs(), i32::try_from(exponent).unwrap_or(0).saturating_sub(places))
    }
}

/// Whether a number is just (`digits` + ½) × 10 ^ `exponent`.
fn is_halfway(number: f64, digits: u64, exponent: i32) -> bool {
    let (odd, power) = parts(number);
    let (twice, fives) = (digits.saturating_mul(2).saturating_add(1), 5_u64.checked_pow(exponent.unsigned_abs()));
    let by_fives = |odd: u64| fives.and_then(|fives| odd.checked_mul(fives));
    let is_same = if exponent < 0 { by_fives(odd) == Some(twice) } else { by_fives(twice) == Some(odd) };
    is_same && power == exponent.saturating_sub(1)
}

/// An odd number, and the power of two that makes it the finite `number` without its sign.
fn parts(number: f64) -> (u64, i32) {
    const FRACTION: u32 = f64::MANTISSA_DIGITS - 1;
    let (fraction, biased) = (number.to_bits() << 12 >> 12, number.to_bits() << 1 >> 1 >> FRACTION);
    let leading = u64::from(biased > 0) << FRACTION;
    let mantissa = fraction | leading;
    let zeros = mantissa.trailing_zeros();
    let biased = i32::try_from(biased.max(1)).unwrap_or(0);
    (mantissa.checked_shr(zeros).unwrap_or(0), biased.saturating_sub(1_075).saturating_add_unsigned(zeros))
}

/// The digits of a text as one number.
fn integer(text: &str) -> i64 {
    let digits = text.bytes().filter(u8::is_ascii_digit).map(|digit| i64::from(digit & 0xf));
    digits.fold(0, |number, digit| number.wrapping_mul(10).wrapping_add(digit))
}

/// How many digits a number has; none if it is 0.
fn count(number: u64) -> u32 {
    number.checked_ilog10().map_or(0, |log| log.saturating_add(1))
}

/// Ten to the power of `exponent`, which is at most 19.
fn power(exponent: u32) -> u64 {
    10_u64.saturating_pow(exponent)
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_negative { "-" } else { "" })?;
        match self.magnitude {
            Magnitude::NotANumber => f.write_str("NaN"),
            Magnitude::Infinite => f.write_str("inf"),
            Magnitude::Finite { digits, exponent } => write_plain(f, digits, exponent),
        }
    }
}

/// Writes a number without an exponent.
fn write_plain(f: &mut fmt::Formatter<'_>, digits: u64, exponent: i32) -> fmt::Result {
    let places = exponent.min(0).unsigned_abs();
    if places == 0 {
        write!(f, "{digits}")?;
        return write_zeros(f, exponent.unsigned_abs());
    }
    // What has more places than digits is all behind the point.
    let unit = power(places);
    let whole = if places > count(digits) { 0 } else { digits.checked_div(unit).unwrap_or(0) };
    let behind = digits.wrapping_sub(whole.wrapping_mul(unit));
    write!(f, "{whole}.")?;
    write_zeros(f, places.saturating_sub(count(behind)))?;
    write!(f, "{behind}")
}

fn write_zeros(f: &mut fmt::Formatter<'_>, count: u32) -> fmt::Result {
    (0..count).try_for_each(|_| f.write_str("0"))
}

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects, clippy::unwrap_used)]
mod tests {
    extern crate std;

    use std::string::ToString;
    use std::{format, vec::Vec};

    use proptest::prelude::*;

    use super::*;

    const EDGES: [f64; 15] = [
        0.0,
        -0.0,
        1.0,
        0.1,
        1e21,
        1e-7,
        123_456.75,
        1_819_188.25,
        f64::MIN_POSITIVE,
        5e-324,
        f64::MAX,
        f64::MIN,
        f64::INFINITY,
        f64::NEG_INFINITY,
        f64::NAN,
    ];

    #[test]
    fn edges_are_written_as_core_writes_them() {
        for number in EDGES {
            assert_eq!(Decimal::from(number).to_string(), number.to_string());
            #[expect(clippy::cast_possible_truncation, reason = "any single will do")]
            let single = number as f32;
            assert_eq!(Decimal::from(single).to_string(), single.to_string());
        }
    }

    #[test]
    fn what_binary_arithmetic_adds_is_left_out() {
        let rounded = |number: f64| Decimal::from(number).rounded().to_string();
        assert_eq!(rounded(0.1 + 0.2), "0.3");
        assert_eq!(rounded(99.999_999_999_99), "100");
        assert_eq!(rounded(123_456_789_012.5), "123456789012");
        assert_eq!(rounded(123_456_789_013.5), "123456789014");
        assert_eq!(rounded(-1.0 / 3.0), "-0.333333333333");
    }

    #[test]
    fn milliseconds_are_seconds() {
        let told: Vec<_> = [0, 1, 100, 1_000, 61_250].map(|ms| Decimal::seconds(ms).to_string()).into();
        assert_eq!(told, ["0", "0.001", "0.1", "1", "61.25"]);
    }

    /// What core makes of a number that is rounded to twelve digits.
    fn rounded_by_core(number: f64) -> f64 {
        format!("{number:.11e}").parse().unwrap()
    }

    /// Whether the digits behind the twelfth are a five and no more: the number itself may be a little more or less.
    fn is_cut_in_half(number: f64) -> bool {
        let text = format!("{number:e}").replace(['-', '.'], "");
        let (digits, _) = text.split_once('e').unwrap();
        digits.get(12..) == Some("5")
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(20_000))]

        #[test]
        fn doubles_are_written_as_core_writes_them(bits: u64) {
            let number = f64::from_bits(bits);
            prop_assert_eq!(Decimal::from(number).to_string(), number.to_string());
        }

        #[test]
        fn subnormal_doubles_are_written_as_core_writes_them(bits in 0..1_u64 << 52) {
            let number = f64::from_bits(bits);
            prop_assert_eq!(Decimal::from(number).to_string(), number.to_string());
        }

        #[test]
        fn singles_are_written_as_core_writes_them(bits: u32) {
            let number = f32::from_bits(bits);
            prop_assert_eq!(Decimal::from(number).to_string(), number.to_string());
        }

        #[test]
        fn short_numbers_are_written_as_core_writes_them(digits: i32, places in 0..12) {
            let number = f64::from(digits) / 10_f64.powi(places);
            prop_assert_eq!(Decimal::from(number).to_string(), number.to_string());
        }

        #[test]
        fn numbers_are_rounded_as_core_rounds_them(bits: u64) {
            let number = f64::from_bits(bits);
            prop_assume!(number.is_normal() && !is_cut_in_half(number));
            prop_assert_eq!(Decimal::from(number).rounded().to_string(), rounded_by_core(number).to_string());
        }
    }
}
