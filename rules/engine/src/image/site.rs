//! Actors, devices and their points.

use zerocopy::little_endian::{F64, U16, U32};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use super::{Extent, Place, Text, record};

record! {
    /// Whoever issues commands.
    Actor {
        /// Its name.
        name: Text,
        /// Where it is declared.
        source: Place,
        /// Number of the [`ActorKind`](crate::ActorKind).
        kind: u8,
        /// Number of the [`IntentMode`](crate::IntentMode); 0 where its intents do not matter.
        intents: u8,
    }
}

record! {
    /// A controller or outstation.
    Device {
        /// Its name.
        name: Text,
        /// Where it is declared.
        source: Place,
        /// The permits on the whole device.
        grants: Extent,
        /// Its points.
        points: Extent,
        /// The rules on it and other devices by name, in the device rules.
        rules: Extent,
        /// The cadences in which it is polled, by actor.
        cadences: Extent,
        /// 1 for a device whose violations are for the record only, else 0.
        observe: u8,
    }
}

record! {
    /// A named address or span of addresses of a device.
    Point {
        /// Number of its device.
        device: U16,
        /// Number of its [`Space`](crate::Space).
        space: u8,
        /// First address.
        address: U16,
        /// Number of its [`Kind`](crate::Kind).
        kind: u8,
        /// [`LOW_WORD_FIRST`] and [`SWAP_BYTES`].
        order: u8,
        /// How raw numbers become engineering values.
        scaling: Scaling,
        /// The range that the process knows for it.
        range: Bounds,
        /// The greatest change a second that it can show; may be infinite.
        max_rate: F64,
        /// How far it may be from what was commanded, once it had the time to follow.
        tolerance: F64,
        /// The time that it takes to follow a command; 0 if that is not watched.
        travel_ms: U32,
        /// After this long without a change it counts as frozen; 0 if that is not watched.
        frozen_ms: U32,
        /// After this long without a report what was reported is stale; 0 if that is not watched.
        stale_ms: U32,
        /// The permits on this point.
        grants: Extent,
        /// The invariants that ask for it, in the point invariants.
        invariants: Extent,
        /// Its name.
        name: Text,
        /// Its unit of measure; may be empty.
        unit: Text,
        /// Where it is declared.
        source: Place,
    }
}

record! {
    /// Engineering value = (raw × gain + shift) ÷ divisor.
    ///
    /// A scale of 0.1 is no binary fraction: 3 × 0.1 is more than 0.3. Written as tenths (gain 1, divisor 10) the one
    /// rounding is that of the division, and 3 gives the same number as `0.3` in a policy.
    Scaling {
        /// The scale, times the divisor.
        gain: F64,
        /// The offset, times the divisor.
        shift: F64,
        /// A power of ten.
        divisor: F64,
    }
}

impl Scaling {
    /// The engineering value of a raw number.
    pub fn apply(&self, raw: f64) -> f64 {
        if self.is_none() { raw } else { (raw * self.gain.get() + self.shift.get()) / self.divisor.get() }
    }

    /// How far rounding to single precision put the engineering value of a raw number from the one that was meant, where an
    /// offset takes away from the number but not from that: 293.15 K in single precision are 19.999994 °C. 0 without one.
    pub(crate) fn rounding(&self, raw: f64) -> f64 {
        if self.shift.get().to_bits() == 0 || !raw.is_finite() {
            return 0.0;
        }
        (raw * self.gain.get() / self.divisor.get()).abs() * f64::from(f32::EPSILON) * 0.5
    }

    /// Whether raw numbers are engineering values: told from the bits, for arithmetic is dear where it is not in hardware.
    pub(crate) fn is_none(&self) -> bool {
        let is = |part: F64, number: f64| part.get().to_bits() == number.to_bits();
        is(self.gain, 1.0) && is(self.shift, 0.0) && is(self.divisor, 1.0)
    }

    /// Whether it gives a number for every raw number.
    pub fn is_valid(&self) -> bool {
        let parts = [self.gain.get(), self.shift.get(), self.divisor.get()];
        parts.iter().all(|part| part.is_finite()) && self.gain.get() != 0.0 && self.divisor.get() >= 1.0
    }
}

/// Bit of [`Point::order`]: the least significant register comes first.
pub const LOW_WORD_FIRST: u8 = 1;
/// Bit of [`Point::order`]: the bytes within each register are swapped.
pub const SWAP_BYTES: u8 = 2;

record! {
    /// An inclusive range; an open end is infinite.
    Bounds {
        /// Lower bound or −∞.
        min: F64,
        /// Upper bound or +∞.
        max: F64,
    }
}

/// Orders numbers as they are ordered themselves: comparing them is dear where it is not in hardware.
const fn rank(number: f64) -> i64 {
    let bits = number.to_bits() as i64;
    if bits < 0 { i64::MIN.wrapping_sub(bits) } else { bits }
}

impl Bounds {
    /// Every number.
    pub const ALL: Self = Self {
        min: F64::from_bytes(f64::NEG_INFINITY.to_le_bytes()),
        max: F64::from_bytes(f64::INFINITY.to_le_bytes()),
    };

    /// Whether `value` lies inside; NaN lies inside no range.
    pub fn contain(&self, value: f64) -> bool {
        (rank(self.min.get())..=rank(self.max.get())).contains(&rank(value)) && !value.is_nan()
    }

    /// Whether `value` lies inside as single precision numbers: 0.3 as the wire has it is more than the 0.3 of a
    /// policy, but the same single precision number. By `off` it may lie outside.
    pub fn contain_single(&self, value: f64, off: f64) -> bool {
        let is_least = |least: f64, most: f64| least as f32 <= most as f32 || least - most <= off;
        is_least(self.min.get(), value) && is_least(value, self.max.get())
    }

    /// Whether any end is closed.
    pub fn limit(&self) -> bool {
        let is = |end: F64, number: f64| end.get().to_bits() == number.to_bits();
        !is(self.min, f64::NEG_INFINITY) || !is(self.max, f64::INFINITY)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn numbers() -> impl Strategy<Value = f64> {
        prop_oneof![any::<u64>().prop_map(f64::from_bits), -3.0..3.0, Just(0.0), Just(-0.0), Just(f64::INFINITY)]
    }

    proptest! {
        #[test]
        fn bounds_contain_what_comparing_says(min in numbers(), max in numbers(), value in numbers()) {
            prop_assume!(!min.is_nan() && !max.is_nan());
            let bounds = Bounds { min: min.into(), max: max.into() };
            prop_assert_eq!(bounds.contain(value), value >= min && value <= max);
        }
    }
}
