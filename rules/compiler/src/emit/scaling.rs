//! From scale and offset to whole numbers, with which engineering values come out as people write them.

use tagout_engine::image::Scaling;

/// Up to here every whole number is one in double precision.
const EXACT: f64 = 9_007_199_254_740_992.0;
/// As many decimals as people write, and as double precision holds.
const WRITTEN: i32 = 9;
const HELD: i32 = 15;
/// The largest divisor of a fraction: the span of a raw range, with some decimals of the values. A larger one fits any number.
const SIMPLE: f64 = 1e7;
/// What a division or two may have taken from a quotient, or added to it.
const ROUNDED: f64 = 2.0 * f64::EPSILON;
/// The largest divisor that may become of it.
const MOST: f64 = 1e10;

/// Scale and offset as whole numbers over a power of ten or, as that of a raw range often is, over another whole number,
/// where that is exact.
pub(super) fn scaling(scale: f64, offset: f64) -> Scaling {
    let exact =
        decimal(scale, offset, WRITTEN).or_else(|| ratio(scale, offset)).or_else(|| decimal(scale, offset, HELD));
    let [gain, shift, divisor] = exact.unwrap_or([scale, offset, 1.0]);
    Scaling { gain: gain.into(), shift: shift.into(), divisor: divisor.into() }
}

fn decimal(scale: f64, offset: f64, most: i32) -> Option<[f64; 3]> {
    let exponent = decimals(scale).max(decimals(offset));
    let shifted = |number: f64| format!("{number}e{exponent}").parse::<f64>().ok().filter(|whole| whole.abs() < EXACT);
    (exponent <= most).then_some([shifted(scale)?, shifted(offset)?, 10_f64.powi(exponent)])
}

/// How many decimals the shortest notation of a number has.
fn decimals(number: f64) -> i32 {
    let text = number.to_string();
    let fraction = text.split_once('.').map_or(0, |(_, fraction)| fraction.len());
    i32::try_from(fraction).unwrap_or(i32::MAX)
}

/// The fraction that the scale is, extended until it makes the offset whole as well.
fn ratio(scale: f64, offset: f64) -> Option<[f64; 3]> {
    let (gain, divisor) = fraction(scale)?;
    let factors = (0..7).flat_map(|exponent| [1.0, 2.0, 5.0].map(|digit| digit * 10_f64.powi(exponent)));
    let whole = factors.map(|factor| [gain * factor, offset * divisor * factor, divisor * factor]);
    let mut exact = whole.filter(|[gain, shift, divisor]| {
        let is_whole = (shift - shift.round()).abs() <= shift.abs().max(1.0) * 1e-9;
        is_whole && *divisor <= MOST && gain.abs() < EXACT && shift.abs() < EXACT
    });
    exact.next().map(|[gain, shift, divisor]| [gain, shift.round(), divisor])
}

/// The simplest fraction that is this number, by its continued fraction.
fn fraction(number: f64) -> Option<(f64, f64)> {
    let ((mut before, mut last), mut rest) = (((0.0, 1.0), (1.0, 0.0)), number);
    loop {
        let whole = f64::floor(rest);
        (before, last) = (last, (whole * last.0 + before.0, whole * last.1 + before.1));
        if last.1.is_nan() || last.1 > SIMPLE {
            return None;
        }
        if (last.0 / last.1 - number).abs() <= number.abs() * ROUNDED {
            return Some(last);
        }
        rest = 1.0 / (rest - whole);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(scale: f64, offset: f64) -> [f64; 3] {
        let Scaling { gain, shift, divisor } = scaling(scale, offset);
        [gain, shift, divisor].map(f64::from)
    }

    #[test]
    fn decimals_are_kept() {
        assert_eq!(parts(0.1, 0.0), [1.0, 0.0, 10.0]);
        assert_eq!(parts(0.01, -273.15), [1.0, -27_315.0, 100.0]);
        assert_eq!(parts(1.0, 0.0), [1.0, 0.0, 1.0]);
    }

    #[test]
    fn a_raw_range_ends_where_the_engineering_range_does() {
        let ranges = [(5_530.0, 27_648.0, 0.0, 250.0), (0.0, 27_648.0, -0.5, 12.5), (6_400.0, 32_000.0, 4.0, 20.0)];
        for (raw_low, raw_high, low, high) in ranges.into_iter().chain([(0.0, 65_535.0, -100.0, 0.3)]) {
            let scale = (high - low) / (raw_high - raw_low);
            let scaling = scaling(scale, low - raw_low * scale);
            assert_eq!([raw_low, raw_high].map(|raw| scaling.apply(raw)), [low, high], "{raw_low}..{raw_high}");
        }
    }

    #[test]
    fn what_is_no_simple_fraction_stays_as_near_as_it_is() {
        assert_eq!(parts(std::f64::consts::PI, 0.0), [3_141_592_653_589_793.0, 0.0, 1e15]);
        assert_eq!(parts(0.123_456_789_012_345_67, 0.0), [0.123_456_789_012_345_67, 0.0, 1.0]);
    }
}
