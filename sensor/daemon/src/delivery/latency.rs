use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tagout_core::Timestamp;

/// Upper bounds of the classes, in seconds.
const BOUNDS_S: [f64; 15] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 60.0, 600.0];

/// How long something took, counted in classes.
#[derive(Clone, Copy, PartialEq, Default, Debug)]
pub struct Latency {
    /// What took no longer than the bound of each class and longer than the one before it.
    classes: [u64; BOUNDS_S.len()],
    /// Everything.
    pub count: u64,
    /// All times together.
    pub sum_s: f64,
}

impl Latency {
    /// Counts the time from then until now.
    pub(super) fn observe(&mut self, since: Timestamp) {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        self.count(now.saturating_sub(Duration::from_nanos(since.0)));
    }

    fn count(&mut self, took: Duration) {
        let took_s = took.as_secs_f64();
        if let Some(class) = BOUNDS_S.iter().position(|bound_s| took_s <= *bound_s) {
            self.classes[class] += 1;
        }
        self.count += 1;
        self.sum_s += took_s;
    }

    /// Each bound in seconds, with what took no longer.
    pub fn cumulative(&self) -> impl Iterator<Item = (f64, u64)> {
        let counts = self.classes.iter().scan(0, |sum, count| {
            *sum += count;
            Some(*sum)
        });
        BOUNDS_S.into_iter().zip(counts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_hold_what_took_no_longer() {
        let mut latency = Latency::default();
        for took_us in [900, 1_000, 1_001, 700_000_000] {
            latency.count(Duration::from_micros(took_us));
        }
        let counts: Vec<_> = latency.cumulative().collect();
        assert_eq!((counts[0], counts[1], counts[14]), ((0.001, 2), (0.0025, 3), (600.0, 3)));
        assert_eq!((latency.count, latency.sum_s), (4, 700.002_901));
    }
}
