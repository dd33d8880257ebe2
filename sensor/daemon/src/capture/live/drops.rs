//! What an interface itself drops, out of the count that it keeps.

/// Frames that an interface dropped since capture began. Its own count began before that, and begins anew with an interface that
/// takes its place.
pub(super) struct Drops {
    /// What the interface counted when it was last asked; `None` while it is not there.
    counted: Option<u64>,
    /// How many there were since capture began.
    total: u64,
}

impl Drops {
    /// Counts from here on, where the interface has counted so many.
    pub(super) fn since(counted: Option<u64>) -> Self {
        Self { counted, total: 0 }
    }

    /// How many there were since the beginning, now that the interface has counted so many.
    pub(super) fn note(&mut self, counted: Option<u64>) -> u64 {
        if let (Some(before), Some(now)) = (self.counted, counted) {
            // A lower count is that of another interface, which was made since.
            self.total += now.checked_sub(before).unwrap_or(now);
        }
        self.counted = counted;
        self.total
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn totals<const N: usize>(first: Option<u64>, then: [Option<u64>; N]) -> [u64; N] {
        let mut drops = Drops::since(first);
        then.map(|counted| drops.note(counted))
    }

    #[test]
    fn what_was_dropped_before_capture_began_does_not_count() {
        assert_eq!(totals(Some(70), [Some(70), Some(75), Some(75)]), [0, 5, 5]);
        assert_eq!(totals(None, [None, Some(70), Some(72)]), [0, 0, 2], "an interface that is missing at the start");
    }

    #[test]
    fn the_count_goes_on_over_an_interface_that_is_made_anew() {
        assert_eq!(totals(Some(70), [Some(75), None, Some(0), Some(3)]), [5, 5, 5, 8]);
        assert_eq!(totals(Some(70), [Some(75), Some(3), Some(4)]), [5, 8, 9], "between two looks");
    }
}
