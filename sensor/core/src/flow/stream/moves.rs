//! Where a stream goes on, by what its receiver acknowledges.

use super::super::Half;
use super::{WINDOW, in_window};
use crate::sequence::distance;

impl Half {
    /// Whether the stream goes on with bytes at `seq`, now that a SYN or a segment hinted that it may at `elsewhere`. Who forges
    /// both does not make the receiver acknowledge what comes before them; where nothing is mirrored that could tell, they are
    /// believed.
    pub(super) fn moves_to(&self, elsewhere: u32, seq: u32) -> bool {
        if elsewhere == seq && elsewhere != self.next {
            self.acked.is_none_or(|acked| (0..WINDOW).contains(&distance(seq, acked)))
        } else {
            in_window(elsewhere, seq)
                && !in_window(self.next, seq)
                && self.acked.is_none_or(|acked| in_window(acked, seq))
        }
    }

    /// Notes what the receiver has acknowledged: the most, unless it is of another stream.
    pub(super) fn note_acked(&mut self, ack: u32) {
        let is_new = self.acked.is_none_or(|old| distance(old, ack) > 0 || !in_window(old, ack));
        if is_new || self.elsewhere.is_some_and(|other| other.next == ack) {
            self.acked = Some(ack);
        }
    }
}
