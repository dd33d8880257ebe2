use std::sync::{Mutex, PoisonError};

use tagout_core::Timestamp;

/// Where declarations come from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::intent) enum Source {
    /// Files and a folder.
    Files,
    /// Whoever sends to the address that is listened on.
    Listener,
    /// A subject of NATS.
    #[cfg(feature = "tls")]
    Nats,
}

/// The signs of life of all sources: a feed lives as long as each of them does.
#[derive(Debug)]
pub(in crate::intent) struct Pulse(Mutex<Vec<(Source, Option<Timestamp>)>>);

impl Pulse {
    /// Of these sources, none of which gave a sign yet.
    pub(in crate::intent) fn of(sources: impl IntoIterator<Item = Source>) -> Self {
        Self(Mutex::new(sources.into_iter().map(|source| (source, None)).collect()))
    }

    /// Takes a sign of one source; tells up to when all have given one, if they have.
    pub(super) fn beat(&self, from: Source, now: Timestamp) -> Option<Timestamp> {
        let mut heard = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        heard.iter_mut().filter(|(source, _)| *source == from).for_each(|(_, last)| *last = Some(now));
        // `None` is less than any time.
        heard.iter().map(|(_, last)| *last).min().flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_feed_lives_as_long_as_each_of_its_sources() {
        let pulse = Pulse::of([Source::Files, Source::Listener]);
        assert_eq!(pulse.beat(Source::Files, Timestamp(1)), None);
        assert_eq!(pulse.beat(Source::Listener, Timestamp(3)), Some(Timestamp(1)));
        assert_eq!(pulse.beat(Source::Files, Timestamp(5)), Some(Timestamp(3)));
        assert_eq!(pulse.beat(Source::Files, Timestamp(9)), Some(Timestamp(3)));
        assert_eq!(Pulse::of([Source::Files]).beat(Source::Files, Timestamp(1)), Some(Timestamp(1)));
    }
}
