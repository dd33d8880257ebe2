//! Cadences: in which rhythm actors poll devices.

use zerocopy::little_endian::{U16, U32, U64};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use super::{Extent, Place, Text, record};

record! {
    /// The rhythm in which an actor polls a device.
    Cadence {
        /// Number of the device.
        device: U16,
        /// Number of the actor.
        actor: U16,
        /// Its name; may be empty.
        name: Text,
        /// Where it stands.
        source: Place,
        /// Its cycles.
        cycles: Extent,
        /// Its polls: those of its cycles in their order, then those that may come at any time.
        polls: Extent,
    }
}

record! {
    /// Polls that follow each other, again and again.
    Cycle {
        /// Its polls, in their order.
        polls: Extent,
        /// The least time from the beginning of a round to that of the next; 0 if there is none.
        min_ms: U32,
        /// The greatest such time; 0 if there is none.
        max_ms: U32,
        /// The time that a round takes at most; 0 if that is not watched.
        within_ms: U32,
    }
}

record! {
    /// What is asked for.
    Poll {
        /// The [`PollKey`](crate::PollKey).
        key: U64,
        /// Number of the cycle that it belongs to, or [`ANY_TIME`].
        cycle: U16,
        /// As the policy writes it.
        text: Text,
    }
}

/// Instead of a cycle: the poll may come at any time.
pub const ANY_TIME: U16 = U16::from_bytes([0xFF; 2]);
