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
        let scaled = close(point.scaling.apply(previous), value) || close(point.scaling.apply(value), previous);
        scaled.then_some(Slip::Scale)
    }
}

fn is_power_of_ten(value: f64, previous: f64) -> bool {
    const POWERS: [f64; 4] = [10.0, 100.0, 1_000.0, 10_000.0];
    let off = |power: &f64| close(value, previous * power) || close(value * power, previous);
    value != 0.0 && previous != 0.0 && POWERS.iter().any(off)
}

/// Whether two numbers are the same but for what single precision rounds off.
fn close(a: f64, b: f64) -> bool {
    const RELATIVE: f64 = 1e-6;
    (a - b).abs() <= RELATIVE * a.abs().max(b.abs())
}
