//! Permits, what they ask for, and where they are found.

use zerocopy::little_endian::{F64, U16, U32, U64};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use super::{Bounds, Extent, Place, Text, record};

record! {
    /// What one policy entry allows.
    Permit {
        /// Its name; may be empty.
        name: Text,
        /// Where it stands.
        source: Place,
        /// Set of [`Action`](crate::Action)s by their bits.
        actions: U32,
        /// The engineering values that it allows.
        value: Bounds,
        /// How many points it names; [`WHOLE_DEVICE`] when it covers whole devices.
        points: U32,
        /// Number of its [`Terms`], or [`NO_TERMS`].
        terms: U32,
    }
}

/// [`Permit::points`] of a permit on whole devices.
pub const WHOLE_DEVICE: u32 = u32::MAX;
/// [`Permit::terms`] of a permit that asks for nothing but a range.
pub const NO_TERMS: u32 = u32::MAX;

record! {
    /// What a permit asks for beside a range. Every limit of 0 is none.
    Terms {
        /// Values lie this far apart, counted from the range's lower end, or from 0 where that is open.
        step: F64,
        /// The only values that it allows, in the term values; any if there are none.
        one_of: Extent,
        /// What must hold, or [`NO_CONDITION`](super::NO_CONDITION).
        when: U16,
        /// The windows in one of which it holds, in the term windows; at all times if there are none.
        windows: Extent,
        /// Their names, as messages say them.
        during: Text,
        /// How many uses of each actor on each device fit in `per_ms`.
        at_most: U16,
        /// In what time.
        per_ms: U32,
        /// The largest change against the value before.
        max_step: F64,
        /// The least time between commands in opposite directions.
        opposite_ms: U32,
        /// The largest sum of changes in `change_ms`.
        max_change: F64,
        /// In what time.
        change_ms: U32,
        /// Set of [`Replied`](crate::Replied) by their bits: what it expects of the device; none: any reply will do.
        replies: u8,
        /// The exceptions and control statuses below 128 that it expects beside, by their bits.
        refusals: [U64; 2],
        /// Within how many milliseconds success has to come.
        reply_ms: U32,
    }
}

impl Terms {
    /// Whether it depends on the value that is written.
    pub fn limit_values(&self) -> bool {
        self.step.get() != 0.0 || self.one_of.count.get() != 0 || self.limit_changes()
    }

    /// Whether it depends on what was written before.
    pub fn limit_changes(&self) -> bool {
        self.max_step.get() != 0.0 || self.opposite_ms.get() != 0 || self.max_change.get() != 0.0
    }
}

record! {
    /// One actor's permit on a point or a whole device; sorted by actor, then permit.
    Grant {
        /// Number of the actor.
        actor: U16,
        /// Number of the permit.
        permit: U16,
    }
}

record! {
    /// What an actor may do anywhere on a device.
    Pair {
        /// Number of the device.
        device: U16,
        /// Number of the actor.
        actor: U16,
        /// The union of its permits' actions.
        actions: U32,
        /// Its permits, in the pair permits.
        permits: Extent,
    }
}
