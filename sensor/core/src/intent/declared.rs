use tagout_engine::{Action, ActorId, DeviceId, PointId, Space, Succession, Timestamp};

/// Most targets of one intent.
pub const MOST_TARGETS: usize = 8;

/// What an intent is known by: a digest of its source and its id, so that a declaration that comes again is the same one.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct IntentKey(pub u128);

/// A command that somebody declared, in the numbers of the policy in force. What is `None` or empty was left open.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Intent {
    /// What it is known by.
    pub key: IntentKey,
    /// How it is known.
    pub source: IntentSource,
    /// Who will do it.
    pub actor: ActorId,
    /// To which device.
    pub device: Option<DeviceId>,
    /// To what; those that are `None` stand for nothing.
    pub targets: [Option<IntentTarget>; MOST_TARGETS],
    /// What. OPERATE includes the SELECT before it.
    pub operation: Option<Action>,
    /// With what value: of points in engineering units, of addresses as on the wire.
    pub value: Option<Wanted>,
    /// How many commands it covers; 0 for any number.
    pub count: u32,
    /// Least time between two of them.
    pub pace_ms: u32,
    /// From when on it may be done, by the clock of whoever declared it.
    pub not_before: Timestamp,
    /// The first time at which it may not be done any more.
    pub expires: Timestamp,
    /// When it came to be known.
    pub received: Timestamp,
}

/// How an intent is known.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum IntentSource {
    /// Signed.
    Signed,
    /// Told by a span of a trace, which proves nothing.
    Span,
    /// Written into the policy by a human.
    Window,
}

/// What an intent is about.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum IntentTarget {
    /// A point.
    Point(PointId),
    /// A run of addresses.
    Run {
        /// What is numbered.
        space: Space,
        /// The first, from 0 as on the wire.
        address: u32,
        /// How many.
        quantity: u16,
    },
}

/// The value that an intent declares.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Wanted {
    /// This.
    Is(f64),
    /// Something from the least to the most, both included.
    Range {
        /// The least.
        least: f64,
        /// The most.
        most: f64,
    },
    /// A mask write (Modbus function 0x16).
    Masked {
        /// Bits that stay as they are.
        and: u16,
        /// Bits that are set among the others.
        or: u16,
    },
}

impl Intent {
    /// An intent of an actor that leaves everything open, and is never in force.
    pub const fn open(key: IntentKey, actor: ActorId) -> Self {
        Self {
            key,
            source: IntentSource::Signed,
            actor,
            device: None,
            targets: [None; MOST_TARGETS],
            operation: None,
            value: None,
            count: 1,
            pace_ms: 0,
            not_before: Timestamp(0),
            expires: Timestamp(0),
            received: Timestamp(0),
        }
    }

    /// What it is about, as far as it says.
    pub fn targets(&self) -> impl Iterator<Item = IntentTarget> + '_ {
        self.targets.iter().copied().flatten()
    }

    /// The intent with what a further span of the same call tells of what it leaves open; `None` if that is not one.
    pub(super) fn with(&self, further: &Self) -> Option<Self> {
        let are_spans = self.source == IntentSource::Span && further.source == IntentSource::Span;
        if !are_spans || self.actor != further.actor {
            return None;
        }
        let names_nothing = self.targets().next().is_none();
        // A value is in the units of the targets beside it.
        let is_told = names_nothing || self.targets == further.targets;
        Some(Self {
            device: self.device.or(further.device),
            targets: if names_nothing { further.targets } else { self.targets },
            operation: self.operation.or(further.operation),
            value: self.value.or(further.value.filter(|_| is_told)),
            not_before: self.not_before.min(further.not_before),
            expires: self.expires.max(further.expires),
            ..*self
        })
    }

    /// Whether it says enough of a command that something is amiss if none comes.
    pub(super) fn awaits_command(&self) -> bool {
        let says = self.device.is_some() || self.targets().next().is_some();
        says && self.source != IntentSource::Window && self.operation.is_some_and(Action::is_command)
    }

    /// The intent in the numbers of another policy; `None` if it names what is no more.
    pub(super) fn succeed(&self, succession: &Succession<'_>) -> Option<Self> {
        let mut intent = Self { actor: succession.actor(self.actor)?, ..*self };
        if let Some(device) = self.device {
            intent.device = Some(succession.device(device)?);
        }
        for target in intent.targets.iter_mut().flatten() {
            if let IntentTarget::Point(point) = target {
                *point = succession.point(*point)?;
            }
        }
        Some(intent)
    }
}
