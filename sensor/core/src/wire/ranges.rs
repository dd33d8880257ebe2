use core::ops::Range;

use heapless::Vec;

/// The most separate parts of a datagram that may wait for what lies between them.
pub(super) const MAX_RANGES: usize = 32;

/// Which bytes of a datagram have arrived: ascending ranges that neither overlap nor touch.
#[derive(Clone, Debug)]
pub(super) struct Ranges(Vec<Range<u16>, MAX_RANGES>);

/// The ranges would be more than [`MAX_RANGES`].
#[derive(Clone, Copy, Debug)]
pub(super) struct TooMany;

impl Ranges {
    pub(super) const EMPTY: Self = Self(Vec::new());

    /// Adds a range, joined with those it overlaps or touches.
    pub(super) fn insert(&mut self, added: Range<u16>) -> Result<(), TooMany> {
        let mut joined = added.clone();
        let mut ranges = Vec::new();
        for range in &self.0 {
            if range.end < added.start {
                ranges.push(range.clone()).map_err(|_| TooMany)?;
            } else if range.start <= added.end {
                joined = joined.start.min(range.start)..joined.end.max(range.end);
            }
        }
        ranges.push(joined).map_err(|_| TooMany)?;
        for range in self.0.iter().filter(|range| range.start > added.end) {
            ranges.push(range.clone()).map_err(|_| TooMany)?;
        }
        self.0 = ranges;
        Ok(())
    }

    /// True when everything before `len` has arrived.
    pub(super) fn cover(&self, len: u16) -> bool {
        self.0.first().is_some_and(|range| range.start == 0 && range.end >= len)
    }

    /// True when the first byte has arrived.
    pub(super) fn has_start(&self) -> bool {
        self.cover(1)
    }

    /// Where the last byte that arrived ends.
    pub(super) fn end(&self) -> u16 {
        self.0.last().map_or(0, |range| range.end)
    }

    /// The ranges, each cut to what lies within `window`; empty ones included.
    pub(super) fn within(&self, window: Range<u16>) -> impl Iterator<Item = Range<u16>> + '_ {
        self.0.iter().map(move |range| {
            range.start.max(window.start).min(window.end)..range.end.max(window.start).min(window.end)
        })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn ranges(parts: &[Range<u16>]) -> Ranges {
        let mut ranges = Ranges::EMPTY;
        for part in parts {
            ranges.insert(part.clone()).unwrap();
        }
        ranges
    }

    #[test]
    fn joins_what_touches_or_overlaps() {
        assert_eq!(ranges(&[0..8, 16..24, 8..16]).0.as_slice(), core::slice::from_ref(&(0..24)));
        assert_eq!(ranges(&[8..16, 32..40, 0..34]).0.as_slice(), core::slice::from_ref(&(0..40)));
        assert_eq!(ranges(&[0..40, 8..16]).0.as_slice(), core::slice::from_ref(&(0..40)));
    }

    #[test]
    fn keeps_what_is_apart_in_order() {
        assert_eq!(ranges(&[32..40, 0..8, 16..24]).0.as_slice(), [0..8, 16..24, 32..40]);
    }

    #[test]
    fn refuses_one_range_too_many_and_keeps_the_others() {
        let mut full = Ranges::EMPTY;
        for index in 0..MAX_RANGES as u16 {
            full.insert(index * 16..index * 16 + 8).unwrap();
        }
        assert!(full.insert(9000..9008).is_err());
        assert_eq!(full.0.len(), MAX_RANGES);
        full.insert(8..16).unwrap();
        full.insert(9000..9008).unwrap();
    }

    #[test]
    fn covers_only_without_holes() {
        assert!(ranges(&[0..8, 8..16]).cover(16));
        assert!(!ranges(&[0..8, 9..16]).cover(16));
        assert!(!ranges(&[8..16, 24..32]).has_start());
    }
}
