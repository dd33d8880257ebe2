//! Words about what actors declare before they command it.

vocabulary! {
    /// What an actor's commands are held against, beside the permits.
    IntentMode {
        /// Its declared intents; what departs from them is for the record only.
        Observed = 1, "observed";
        /// Its declared intents; what departs from them is an alert.
        Required = 2, "required";
    }
}

vocabulary! {
    /// How a command on the wire and a declared intent differ, or what is wrong with what was declared.
    IntentFinding {
        /// Nobody declared the command.
        None = 0, "intent.none";
        /// It was declared with another value.
        Value = 1, "intent.value-mismatch";
        /// It was declared for another point or device.
        Point = 2, "intent.point-mismatch";
        /// Its intent had expired when it came.
        Expired = 3, "intent.expired";
        /// Its intent covers no more commands, or not yet the next.
        Exceeded = 4, "intent.exceeded";
        /// No permit of the actor covers what it declares.
        BeyondPermit = 5, "intent.beyond-permit";
        /// A declaration whose signature does not fit.
        BadSignature = 6, "intent.bad-signature";
        /// A declaration signed with a key that may not declare it: not known, not valid at that time, revoked, or of another actor.
        UnknownKey = 7, "intent.unknown-key";
        /// The feed of declarations is silent or late: what was not declared is not known.
        FeedSilent = 8, "intent.feed-silent";
        /// What was declared was not done before it expired.
        Unfulfilled = 9, "intent.unfulfilled";
        /// The device refused what was declared.
        Refused = 10, "intent.refused-by-device";
    }
}

impl IntentFinding {
    /// True for what tells of an actor that does as it said.
    pub const fn is_informational(self) -> bool {
        matches!(self, Self::Unfulfilled | Self::Refused)
    }
}

vocabulary! {
    /// How well a command is covered by what was declared.
    Grade {
        /// Device, point, operation and value were declared.
        Exact = 0, "exact";
        /// The intent leaves some of them open.
        Partial = 1, "partial";
        /// A call of a tool was under way, and nothing more is known of it.
        Temporal = 2, "temporal";
        /// Nothing declared covers it.
        None = 3, "none";
        /// The feed of declarations is not sound, so that it cannot be told.
        Unknown = 4, "unknown";
    }
}

vocabulary! {
    /// A part of a command that an intent declares or leaves open.
    Aspect {
        /// The device.
        Device = 0, "device";
        /// The point or address.
        Point = 1, "point";
        /// The action.
        Operation = 2, "operation";
        /// The value.
        Value = 3, "value";
    }
}

impl Aspect {
    /// This part's bit in a set of parts.
    pub const fn bit(self) -> u8 {
        1_u8.wrapping_shl(self as u32)
    }
}
