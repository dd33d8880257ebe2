//! Alerts that nobody wants to see.

use zerocopy::little_endian::{U16, U64};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use super::{Extent, Place, Text, record};

record! {
    /// Alerts that are counted instead of given.
    Suppression {
        /// Its name.
        name: Text,
        /// Why nobody wants to see them.
        reason: Text,
        /// Where it stands.
        source: Place,
        /// 1: alerts of all rules, and of violations and intents that are not of high severity.
        any: u8,
        /// The rules whose alerts are meant, in the suppressed rules; none where `any` is 1.
        rules: Extent,
        /// Set of [`Reason`](crate::Reason)s by their numbers: the violations that are meant by name.
        reasons: U16,
        /// Set of [`IntentFinding`](crate::IntentFinding)s by their numbers: what intents show that is meant by name.
        findings: U16,
        /// What must hold of those involved, or [`NO_CONDITION`](super::NO_CONDITION).
        scope: U16,
        /// What must hold beside, or [`NO_CONDITION`](super::NO_CONDITION).
        when: U16,
        /// The first time at which it does not hold any more, in nanoseconds since the Unix epoch.
        until: U64,
    }
}
