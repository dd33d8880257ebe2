//! What the values of an address were, in bounded memory.

use tagout_core::Timestamp;

use super::listen::Sample;

/// The values of one address: a register as it lies on the wire, or the number of a bit or DNP3 object.
#[derive(Clone, Debug, Default)]
pub(super) struct Series {
    /// How many were seen.
    pub(super) samples: u64,
    /// How often one differed from the one before.
    pub(super) changes: u64,
    /// How often the wire did not tell the value.
    pub(super) unknown: u64,
    /// The range of them.
    pub(super) sweep: Sweep,
    last: Option<f64>,
    /// How far a register moved in all, read as unsigned and as signed.
    paths: [f64; 2],
    /// The same register read as signed.
    signed: Sweep,
    /// With the register behind it, where both were seen together.
    pub(super) pair: Option<Box<Pair>>,
    /// The latest of a value that is reported, with its time.
    pub(super) latest: Option<(Timestamp, Sample)>,
}

/// The least and the greatest of some numbers.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) struct Range {
    pub(super) min: f64,
    pub(super) max: f64,
}

/// Two registers that were seen together.
#[derive(Clone, Debug, Default)]
pub(super) struct Pair {
    pub(super) samples: u64,
    last: Option<(u16, u16)>,
    /// How often both changed, only the first, only the second.
    pub(super) changed: [u64; 3],
    /// As single precision numbers and as whole ones: high register first, low register first.
    pub(super) readings: [Reading; 4],
}

/// What two registers would say as a number of one type.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Reading {
    /// Values that a measurement may have.
    pub(super) plausible: u64,
    /// Values that none has.
    pub(super) implausible: u64,
    pub(super) sweep: Sweep,
    /// How far it moved in all.
    pub(super) path: f64,
    /// Changes of the high register in which the whole number moved by less than the low register can hold.
    pub(super) carries: u64,
    /// Changes in which it moved by more.
    pub(super) leaps: u64,
    last: Option<f64>,
}

/// How two registers may be read: the places in [`Pair::readings`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Wide {
    FloatHighLow = 0,
    FloatLowHigh = 1,
    WholeHighLow = 2,
    WholeLowHigh = 3,
}

impl Wide {
    pub(super) const ALL: [Self; 4] = [Self::FloatHighLow, Self::FloatLowHigh, Self::WholeHighLow, Self::WholeLowHigh];

    pub(super) const fn is_float(self) -> bool {
        matches!(self, Self::FloatHighLow | Self::FloatLowHigh)
    }

    pub(super) const fn low_first(self) -> bool {
        matches!(self, Self::FloatLowHigh | Self::WholeLowHigh)
    }

    /// The number in two registers; whole ones are read as signed.
    pub(super) fn read(self, (first, second): (u16, u16)) -> f64 {
        let (high, low) = if self.low_first() { (second, first) } else { (first, second) };
        let bits = u32::from(high) << 16 | u32::from(low);
        if self.is_float() { f32::from_bits(bits).into() } else { bits.cast_signed().into() }
    }
}

impl Range {
    pub(super) const fn of(value: f64) -> Self {
        Self { min: value, max: value }
    }

    pub(super) fn with(self, other: Self) -> Self {
        Self { min: self.min.min(other.min), max: self.max.max(other.max) }
    }

    pub(super) fn width(self) -> f64 {
        self.max - self.min
    }

    /// Whether a number lies at the lower (0) or the upper end (1).
    fn has_at_end(self, end: usize, value: f64) -> bool {
        let near = self.width() * END;
        near > 0.0 && if end == 0 { value <= self.min + near } else { value >= self.max - near }
    }
}

/// The range of numbers, and how often they went from either end of it to the other.
#[derive(Clone, Copy, Default, PartialEq, Debug)]
pub(super) struct Sweep {
    pub(super) range: Option<Range>,
    /// How often they came to the lower and to the upper end, and the innermost number at which they did.
    visits: [(u32, f64); 2],
    /// The end that they came to last.
    at: Option<usize>,
}

/// Either end of a range is this share of it.
const END: f64 = 0.25;

impl Sweep {
    fn take(&mut self, value: f64) {
        let range = self.range.unwrap_or(Range::of(value)).with(Range::of(value));
        self.range = Some(range);
        for end in [0, 1] {
            let (visits, innermost) = &mut self.visits[end];
            if *visits > 0 && !range.has_at_end(end, *innermost) {
                *visits = 0;
                self.at = self.at.filter(|at| *at != end);
            }
            if range.has_at_end(end, value) && self.at != Some(end) {
                let inner = if end == 0 { innermost.max(value) } else { innermost.min(value) };
                *innermost = if *visits == 0 { value } else { inner };
                *visits += 1;
                self.at = Some(end);
            }
        }
    }

    /// How often they came to the lower (0) or the upper end (1) from the other one.
    pub(super) const fn visits(&self, end: usize) -> u32 {
        self.visits[end].0
    }
}

impl Series {
    /// Takes a number.
    pub(super) fn number(&mut self, value: f64) {
        self.samples += 1;
        if value.is_finite() {
            self.changes += u64::from(self.last.is_some_and(|last| last != value));
            self.sweep.take(value);
            self.last = Some(value);
        } else {
            self.unknown += 1;
        }
    }

    /// Takes a register, with the one behind it if that is known as well.
    pub(super) fn register(&mut self, value: u16, next: Option<u16>) {
        if let Some(last) = self.last {
            let before = last as u16;
            self.paths[0] += f64::from(value.abs_diff(before));
            self.paths[1] += f64::from(value.cast_signed().abs_diff(before.cast_signed()));
        }
        self.signed.take(value.cast_signed().into());
        self.number(value.into());
        if let Some(next) = next {
            self.pair.get_or_insert_default().take((value, next));
        }
    }

    /// Takes a value that the wire does not tell.
    pub(super) fn untold(&mut self) {
        self.samples += 1;
        self.unknown += 1;
    }

    /// The range of the register read as signed.
    pub(super) const fn signed(&self) -> &Sweep {
        &self.signed
    }

    /// How far a register moved at a time, on average over its changes.
    pub(super) fn stride(&self) -> f64 {
        self.paths[0] / self.changes.max(1) as f64
    }

    /// The range of the register read as signed, where it goes through zero so: near both ends, and by much shorter ways.
    pub(super) fn as_signed(&self) -> Option<Range> {
        let range = self.sweep.range?;
        let crosses = range.min < 8_192.0 && range.max >= 57_344.0 && self.changes >= 8;
        self.signed.range.filter(|_| crosses && self.paths[1] < self.paths[0] / 4.0)
    }
}

impl Pair {
    fn take(&mut self, now: (u16, u16)) {
        self.samples += 1;
        let before = self.last.replace(now);
        if let Some(before) = before {
            match (before.0 != now.0, before.1 != now.1) {
                (true, true) => self.changed[0] += 1,
                (true, false) => self.changed[1] += 1,
                (false, true) => self.changed[2] += 1,
                (false, false) => {}
            }
        }
        for wide in Wide::ALL {
            let high_moved =
                before.is_some_and(|before| if wide.low_first() { before.1 != now.1 } else { before.0 != now.0 });
            self.readings[wide as usize].take(wide, wide.read(now), high_moved);
        }
    }

    /// What it says read so.
    pub(super) const fn reading(&self, wide: Wide) -> &Reading {
        &self.readings[wide as usize]
    }

    /// How often the register moved that would be the low one, and how often the other moved alone.
    pub(super) const fn low_moves(&self, wide: Wide) -> (u64, u64) {
        let [both, first, second] = self.changed;
        if wide.low_first() { (both + first, second) } else { (both + second, first) }
    }
}

impl Reading {
    fn take(&mut self, wide: Wide, value: f64, high_moved: bool) {
        if wide.is_float() && !is_measurement(value) {
            self.implausible += 1;
            return;
        }
        self.plausible += 1;
        self.sweep.take(value);
        let Some(last) = self.last.replace(value) else { return };
        let moved = (value - last).abs();
        self.path += moved;
        if high_moved {
            self.carries += u64::from(moved < 32_768.0);
            self.leaps += u64::from(moved >= 32_768.0);
        }
    }
}

/// Whether a measurement may say this: zero, or a magnitude between a millionth and a thousand millions.
fn is_measurement(value: f64) -> bool {
    value == 0.0 || (1e-6..=1e9).contains(&value.abs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_register_that_goes_through_zero_is_signed() {
        let mut series = Series::default();
        (-20..20_i16).for_each(|value| series.register(value.cast_unsigned(), None));
        assert_eq!(series.as_signed(), Some(Range { min: -20.0, max: 19.0 }));
        let mut counter = Series::default();
        (0..100_u16).for_each(|at| counter.register(at.wrapping_mul(3_000), None));
        assert_eq!(counter.as_signed(), None);
    }

    #[test]
    fn a_number_that_is_none_is_unknown() {
        let mut series = Series::default();
        series.number(f64::NAN);
        series.number(2.5);
        series.untold();
        assert_eq!((series.samples, series.unknown, series.sweep.range), (3, 2, Some(Range::of(2.5))));
    }

    #[test]
    fn an_end_is_visited_anew_from_the_other_one_only() {
        let visits = |values: &[f64]| {
            let mut sweep = Sweep::default();
            values.iter().for_each(|value| sweep.take(*value));
            [sweep.visits(0), sweep.visits(1)]
        };
        assert_eq!(visits(&[5.0, 5.0]), [0, 0]);
        assert_eq!(visits(&[0.0, 10.0, 9.0, 10.0, 5.0, 10.0]), [0, 1]);
        assert_eq!(visits(&[0.0, 10.0, 0.0, 10.0, 0.0, 10.0]), [2, 3]);
        assert_eq!(visits(&[0.0, 10.0, 0.0, 10.0, 0.0, 100.0]), [2, 1], "a new end was reached once");
        assert_eq!(
            visits(&[5.0, 6.0, 5.0, 6.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0]),
            [2, 1],
            "an end that moves on is another"
        );
    }
}
