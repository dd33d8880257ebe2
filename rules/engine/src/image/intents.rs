//! What actors declare before they command it: how long to wait for it, and whom to believe.

use zerocopy::little_endian::{U32, U64};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use super::{Extent, Place, Text, record};

record! {
    /// How long declarations are waited for.
    IntentTerms {
        /// How long a verdict waits for a declaration behind its command.
        hold_ms: U32,
        /// How far the clocks of those who declare may be off.
        skew_ms: U32,
        /// A span that is learned of later than this after it began tells that the feed is behind; 0 if that is not watched.
        delay_ms: U32,
        /// After so long without a sign of life the feed is silent; 0 if that is not watched.
        silence_ms: U32,
    }
}

record! {
    /// A key that signs declarations.
    IntentKey {
        /// Its id.
        id: Text,
        /// Ed25519 public key (RFC 8032, section 5.1.5).
        public: [u8; 32],
        /// The actors that it may declare for, in the key actors.
        actors: Extent,
        /// The human who approves with it; empty for a key of an actor.
        approver: Text,
        /// It is valid from then on, in nanoseconds since the Unix epoch.
        not_before: U64,
        /// The first time at which it is not valid any more.
        expires: U64,
        /// The time from which on it counts as stolen.
        revoked: U64,
        /// Where it stands.
        source: Place,
    }
}
