use crate::image::Point;
use crate::policy::carried::registers;
use crate::{Encoding, Slip, Touch};

/// How the value that a touch commands of a point looks like the one before it in a wrong guise.
pub(super) fn slip(touch: &Touch<'_>, point: &Point, value: f64, previous: f64) -> Option<Slip> {
    if close(value, previous) {
        return None;
    }
    let swapped = |order: Encoding| {
        let raw = registers(touch, point).filter(|_| order.kind.width() > 1).and_then(|own| order.decode(own));
        raw.is_some_and(|raw| close(point.scaling.apply(raw), previous))
    };
    let told = point.encoding();
    let words = Encoding { low_word_first: !told.low_word_first, ..told };
    let bytes = |order: Encoding| Encoding { swap_bytes: !order.swap_bytes, ..order };
    if is_power_of_ten(value, previous) {
        Some(Slip::PowerOfTen)
    } else if swapped(words) {
        Some(Slip::SwappedWords)
    } else if swapped(bytes(told)) || swapped(bytes(words)) {
        Some(Slip::SwappedBytes)
    } else {
        let is_scaled = |from, to| close(point.scaling.apply(from), to);
        let scaled = !point.scaling.is_none() && (is_scaled(previous, value) || is_scaled(value, previous));
        scaled.then_some(Slip::Scale)
    }
}

fn is_power_of_ten(value: f64, previous: f64) -> bool {
    const POWERS: [f64; 4] = [10.0, 100.0, 1_000.0, 10_000.0];
    let off = |power: &f64| close(value, previous * power) || close(value * power, previous);
    value != 0.0 && previous != 0.0 && may_be_power_of_ten_apart(value, previous) && POWERS.iter().any(off)
}

/// Whether the exponents of two numbers let one be ten, a hundred, a thousand or ten thousand times the other: that is 2³
/// to 2⁴ times, and so on. Few are, and multiplying is dear where it is not in hardware. Of numbers so small or so large that
/// arithmetic leaves their normal range it tells nothing.
fn may_be_power_of_ten_apart(a: f64, b: f64) -> bool {
    const NORMAL: core::ops::Range<u16> = 1..2_030;
    let [a, b] = [a, b].map(|number| (number.to_bits().wrapping_shr(52) & 0x7FF) as u16);
    !NORMAL.contains(&a) || !NORMAL.contains(&b) || matches!(a.abs_diff(b), 3 | 4 | 6 | 7 | 9 | 10 | 13 | 14)
}

/// Whether two numbers are the same but for what single precision rounds off.
fn close(a: f64, b: f64) -> bool {
    const RELATIVE: f64 = 1e-6;
    (a - b).abs() <= RELATIVE * a.abs().max(b.abs())
}

#[cfg(test)]
mod tests {
    extern crate std;

    use std::vec;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn numbers_that_are_a_power_of_ten_apart_have_exponents_that_say_so(
            bits in any::<u64>(),
            power in prop::sample::select(vec![10.0, 100.0, 1_000.0, 10_000.0]),
            off in -1.2e-6_f64..1.2e-6,
        ) {
            let number = f64::from_bits(bits);
            let other = number * power * (1.0 + off);
            let is_off = close(other, number * power) || close(other * power, number);
            prop_assert!(!is_off || may_be_power_of_ten_apart(other, number));
            prop_assert!(!is_off || may_be_power_of_ten_apart(number, other));
        }
    }
}
