//! The closed word lists that policy files, images, events and alerts share.

/// Declares an enumeration whose variants have a number (stable in images) and a name (stable in files).
macro_rules! vocabulary {
    ($(#[$meta:meta])* $name:ident { $($(#[doc = $doc:literal])+ $variant:ident = $number:literal, $text:literal;)+ }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
        #[repr(u8)]
        pub enum $name { $($(#[doc = $doc])+ $variant = $number,)+ }

        impl $name {
            /// Every word, in the order of their numbers.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The word as files and records write it.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $text,)+ }
            }

            /// What the word means.
            pub const fn meaning(self) -> &'static str {
                match self { $(Self::$variant => concat!($($doc),+),)+ }
            }

            /// The word that `name` spells, if any.
            pub fn from_name(name: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|word| word.name() == name)
            }

            /// The word with this number in an image, if any.
            pub const fn from_number(number: u8) -> Option<Self> {
                match number { $($number => Some(Self::$variant),)+ _ => None }
            }

            /// The number of the word in an image.
            pub const fn number(self) -> u8 {
                self as u8
            }
        }
    };
}

mod anomalies;
mod intents;

pub use anomalies::{AnomalyKind, Layer};
pub use intents::{Aspect, Grade, IntentFinding, IntentMode};

vocabulary! {
    /// What an exchange does. Names are those of the policy's `do`.
    Action {
        /// Asks for values.
        Read = 0, "read";
        /// Changes values: Modbus writes, DNP3 WRITE.
        Write = 1, "write";
        /// First step of a two-step control.
        Select = 2, "select";
        /// Second step of a two-step control.
        Operate = 3, "operate";
        /// One-step control, acknowledged or not.
        DirectOperate = 4, "direct-operate";
        /// Cold or warm restart, or a restart of communications.
        Restart = 5, "restart";
        /// Lets an outstation report on its own.
        EnableUnsolicited = 6, "enable-unsolicited";
        /// Stops an outstation from reporting on its own.
        DisableUnsolicited = 7, "disable-unsolicited";
        /// Makes a device deaf to commands.
        ListenOnly = 8, "listen-only";
        /// Sets or measures the device's time.
        TimeSync = 9, "time-sync";
        /// Opens, reads, writes, deletes or lists files or file records.
        File = 10, "file";
        /// Starts, stops, initialises or saves applications and configurations; freezes counters; assigns classes.
        Configure = 11, "configure";
        /// Diagnostics, counters and status enquiries that change no process value.
        Diagnostics = 12, "diagnostics";
        /// Asks what the device is.
        Identify = 13, "identify";
        /// Acknowledges a message; commands nothing.
        Confirm = 14, "confirm";
        /// A function that tagout knows only by number.
        Other = 15, "other";
    }
}

impl Action {
    /// This action's bit in a set of actions.
    pub const fn bit(self) -> u32 {
        1_u32.wrapping_shl(self as u32)
    }

    /// True for what sets values of points.
    pub const fn sets_points(self) -> bool {
        matches!(self, Self::Write | Self::Select | Self::Operate | Self::DirectOperate)
    }

    /// True for what changes state, configuration or availability.
    pub const fn is_command(self) -> bool {
        !matches!(self, Self::Read | Self::Diagnostics | Self::Identify | Self::Confirm)
    }
}

vocabulary! {
    /// A numbered range of addresses of a device. Names are those of a policy's point.
    Space {
        /// Modbus coils.
        Coil = 0, "coil";
        /// Modbus discrete inputs.
        DiscreteInput = 1, "discrete-input";
        /// Modbus holding registers.
        HoldingRegister = 2, "holding-register";
        /// Modbus input registers.
        InputRegister = 3, "input-register";
        /// DNP3 groups 1 and 2.
        BinaryInput = 4, "binary-input";
        /// DNP3 groups 3 and 4.
        DoubleBitInput = 5, "double-bit-input";
        /// DNP3 groups 10 to 13.
        BinaryOutput = 6, "binary-output";
        /// DNP3 groups 20 and 22.
        Counter = 7, "counter";
        /// DNP3 groups 21 and 23.
        FrozenCounter = 8, "frozen-counter";
        /// DNP3 groups 30, 32 and 34.
        AnalogInput = 9, "analog-input";
        /// DNP3 groups 31 and 33.
        FrozenAnalogInput = 10, "frozen-analog-input";
        /// DNP3 groups 40 to 43.
        AnalogOutput = 11, "analog-output";
        /// DNP3 groups 110 and 111.
        OctetString = 12, "octet-string";
    }
}

impl Space {
    /// Whether its values are single bits.
    pub const fn is_bit(self) -> bool {
        matches!(self, Self::Coil | Self::DiscreteInput | Self::BinaryInput | Self::BinaryOutput)
    }

    /// Whether its addresses hold 16-bit registers.
    pub const fn is_register(self) -> bool {
        matches!(self, Self::HoldingRegister | Self::InputRegister)
    }
}

vocabulary! {
    /// The type of a point's number. `Native` is for spaces whose values carry their own type (bits, DNP3 objects).
    Kind {
        /// The space's own type.
        Native = 0, "native";
        /// Unsigned, one register.
        U16 = 1, "u16";
        /// Signed, one register.
        I16 = 2, "i16";
        /// Unsigned, two registers.
        U32 = 3, "u32";
        /// Signed, two registers.
        I32 = 4, "i32";
        /// IEEE 754 single precision, two registers.
        F32 = 5, "f32";
        /// Unsigned, four registers.
        U64 = 6, "u64";
        /// Signed, four registers.
        I64 = 7, "i64";
        /// IEEE 754 double precision, four registers.
        F64 = 8, "f64";
    }
}

impl Kind {
    /// How many addresses a value of this type takes.
    pub const fn width(self) -> u16 {
        match self {
            Self::Native | Self::U16 | Self::I16 => 1,
            Self::U32 | Self::I32 | Self::F32 => 2,
            Self::U64 | Self::I64 | Self::F64 => 4,
        }
    }
}

vocabulary! {
    /// What a device's reports, or their absence, tell of a point that should not be. Each is told when it begins, and again only after it
    /// ended.
    ProcessEvent {
        /// The reported value lies outside the point's `range`.
        OutOfRange = 0, "out-of-range";
        /// The reported value changes by more than the point's `max_rate` a second.
        Jump = 1, "jump";
        /// The point's `travel` time after a command its reported value differs from the commanded one by more than its
        /// `tolerance`.
        Mismatch = 2, "mismatch";
        /// A value that used to change is reported the same for the point's `frozen` time.
        Frozen = 3, "frozen";
        /// The device does not vouch for the value.
        BadQuality = 4, "bad-quality";
        /// A value that was reported is not reported again within the point's `stale` time.
        Stale = 5, "stale";
        /// The point is reported where a command that no permit covers sent it, within its `tolerance`, and was not before.
        Effect = 6, "effect";
        /// Those who ask for the point, or are reported to unasked, are told two different values in turns, five times in a
        /// row, and neither changes for whoever is told it.
        Disputed = 7, "disputed";
    }
}

impl ProcessEvent {
    /// This event's bit in a set of events.
    pub const fn bit(self) -> u8 {
        1_u8.wrapping_shl(self as u32)
    }
}

vocabulary! {
    /// What departs from the cadence in which an actor polls a device.
    CadenceEvent {
        /// A poll that the cadence does not have.
        Unknown = 0, "unknown";
        /// A poll that was left out.
        Missing = 1, "missing";
        /// A poll that came again before its cycle comes to it.
        Repeated = 2, "repeated";
        /// A cycle that begins later than `every` has it, or takes longer than `within`.
        Late = 3, "late";
    }
}

impl CadenceEvent {
    /// This event's bit in a set of events.
    pub const fn bit(self) -> u8 {
        1_u8.wrapping_shl(self as u32)
    }
}

vocabulary! {
    /// How a commanded value looks like the one before it in a wrong guise.
    Slip {
        /// It is the one before times or divided by 10, 100, 1,000 or 10,000.
        PowerOfTen = 0, "power-of-ten";
        /// It is the one before with its registers in the other order.
        SwappedWords = 1, "swapped-words";
        /// It is the one before with the bytes within its registers swapped, and perhaps its registers as well.
        SwappedBytes = 2, "swapped-bytes";
        /// It is the one before with the point's scale and offset applied once too often, or once too little.
        Scale = 3, "scale";
    }
}

vocabulary! {
    /// Who issues commands.
    ActorKind {
        /// Nobody has said.
        Unknown = 0, "unknown";
        /// An LLM controller, optimiser or copilot.
        AiAgent = 1, "ai-agent";
        /// An operator's panel or SCADA front end.
        Hmi = 2, "hmi";
        /// An engineer's workstation.
        EngineeringStation = 3, "engineering-station";
        /// A data collector.
        Historian = 4, "historian";
        /// A protocol gateway or concentrator.
        Gateway = 5, "gateway";
    }
}

vocabulary! {
    /// How bad an alert is; the number is Suricata's `alert.severity`.
    Severity {
        /// Act now.
        High = 1, "high";
        /// Look today.
        Medium = 2, "medium";
        /// Look when there is time.
        Low = 3, "low";
        /// For the record.
        Informational = 4, "informational";
    }
}

vocabulary! {
    /// How an exchange ended.
    Outcome {
        /// The response belongs to the request and reports success.
        Answered = 0, "answered";
        /// The device refused (Modbus exception, DNP3 control status or IIN error).
        Refused = 1, "refused";
        /// No response is due.
        NoResponseDue = 2, "no-response-due";
        /// No response came within the time allowed, before the capture's end, or before the table was full.
        Unanswered = 3, "unanswered";
        /// A response whose request was not seen.
        Unrequested = 4, "unrequested";
        /// The response is awaited still (in alerts only).
        Pending = 5, "pending";
    }
}

impl Outcome {
    /// This outcome's bit in a set of outcomes.
    pub const fn bit(self) -> u8 {
        1_u8.wrapping_shl(self as u32)
    }
}

vocabulary! {
    /// What the permits say of an exchange.
    Judgement {
        /// No policy names the device.
        Unjudged = 0, "unjudged";
        /// Permits cover all of it.
        Permitted = 1, "permitted";
        /// Something is not covered.
        Unexpected = 2, "unexpected";
    }
}

impl Judgement {
    /// This judgement's bit in a set of judgements.
    pub const fn bit(self) -> u8 {
        1_u8.wrapping_shl(self as u32)
    }
}

vocabulary! {
    /// Which of its matches fire a rule.
    Threshold {
        /// Each.
        Each = 0, "each";
        /// The first with its key.
        First = 1, "first";
        /// Each from the one on that makes a number of them within a time.
        Count = 2, "count";
        /// Each from the one on that makes a number of different values of a field within a time.
        Distinct = 3, "distinct";
        /// The one that completes a sequence of steps within a time.
        Sequence = 4, "sequence";
        /// Each while the condition has held for a time.
        Lasting = 5, "for";
        /// Once the condition is false, or has been for a time; anew only after it was true.
        Invariant = 6, "invariant";
        /// Those that something else does not follow within a time.
        Absent = 7, "absent";
    }
}

vocabulary! {
    /// Why a command or read is not covered, from the least to the most that the policy knew of it.
    Reason {
        /// No actor of the policy has this address.
        UnknownActor = 0, "unknown-actor";
        /// The actor has no permit on this device.
        NoPermit = 1, "no-permit";
        /// The actor has permits on this device, none for this action.
        Action = 2, "action-not-permitted";
        /// The action is permitted on other points; the policy declares no point at this address.
        Unmapped = 3, "address-not-declared";
        /// The action is permitted on other points, not on this one.
        Point = 4, "point-not-permitted";
        /// The action is permitted on this point, with values in another range.
        Value = 5, "value-out-of-range";
        /// The value lies in the permitted range, but is none of the values or steps that are permitted there.
        NotAllowed = 6, "value-not-allowed";
        /// The condition of the permit does not hold, or it is not known whether it does.
        Condition = 7, "condition-not-met";
        /// It is permitted at other times.
        Window = 8, "outside-window";
        /// It is permitted, but not so often.
        Pace = 9, "pace-exceeded";
        /// The value differs more from the one before than is permitted, or it is not known by how much.
        Step = 10, "step-too-large";
        /// The command before it in the other direction is not long enough ago.
        Reversal = 11, "reversed-too-soon";
        /// The value was changed more within the time than is permitted.
        Change = 12, "change-too-fast";
        /// It is permitted, but the device does not reply as the permit expects.
        Reply = 13, "unexpected-reply";
    }
}

vocabulary! {
    /// What a permit may expect of a device's reply.
    Replied {
        /// The device does what it was asked.
        Success = 0, "success";
        /// It refuses, with whatever exception, control status or indication.
        Refused = 1, "refused";
        /// It does not reply within the time allowed.
        Nothing = 2, "none";
    }
}

impl Replied {
    /// This word's bit in a set of them.
    pub const fn bit(self) -> u8 {
        1_u8.wrapping_shl(self as u32)
    }
}
