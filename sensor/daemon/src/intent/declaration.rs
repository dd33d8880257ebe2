use std::fmt;

use tagout_compiler::{Deed, Run};
use tagout_core::Timestamp;
use tagout_core::engine::{Action, Space};
use tagout_core::intent::Wanted;

/// What someone said will be done, before names are resolved against a policy. What is `None` or empty was left open.
#[derive(Clone, PartialEq, Debug)]
pub struct Declaration {
    /// Unique among what its source declares; of a span, its trace id and span id.
    pub id: String,
    /// How it is known.
    pub source: Source,
    /// The actor's name in the policy.
    pub actor: String,
    /// The device's name in the policy, or its address and unit as text.
    pub device: Option<String>,
    /// What will be touched, at most [`MOST_TARGETS`](tagout_core::intent::MOST_TARGETS).
    pub targets: Vec<Target>,
    /// What will be done to it.
    pub operation: Option<Action>,
    /// What will be commanded: in engineering units for points, as on the wire for addresses.
    pub value: Option<Wanted>,
    /// How many commands it covers; one if left open.
    pub count: Option<u32>,
    /// Least time between two of them, in milliseconds.
    pub pace_ms: Option<u32>,
    /// The first time at which it may be done, by the clock of whoever declared it.
    pub not_before: Timestamp,
    /// The first time at which it may not be done any more.
    pub expires: Timestamp,
    /// When tagout learned of it.
    pub received: Timestamp,
    /// Who sent it, as its certificate calls that one, where senders are told apart.
    pub client: Option<String>,
    /// Why, in the words of whoever declared it.
    pub reason: Option<String>,
    /// The agent that will do it, by a name of its own.
    pub agent: Option<String>,
    /// The tool that an agent calls for it.
    pub tool: Option<String>,
    /// Trace that it belongs to (W3C Trace Context).
    pub trace_id: Option<[u8; 16]>,
    /// Span that it is from.
    pub span_id: Option<[u8; 8]>,
}

impl Declaration {
    /// Takes what a further span of the same call tells of what this one leaves open, as the sensor does.
    pub(super) fn refine(&mut self, further: &Self) {
        if self.source != Source::Span || self.actor != further.actor {
            return;
        }
        // A value is in the units of the targets beside it.
        if self.targets.is_empty() || self.targets == further.targets {
            self.targets.clone_from(&further.targets);
            self.value = self.value.or(further.value);
        }
        self.device = self.device.take().or_else(|| further.device.clone());
        self.operation = self.operation.or(further.operation);
        self.agent = self.agent.take().or_else(|| further.agent.clone());
        self.not_before = self.not_before.min(further.not_before);
        self.expires = self.expires.max(further.expires);
    }
}

/// How a declaration is known.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Source {
    /// Signed with the key of this id, by a human who approves if one is named.
    Signed {
        /// Id of the key.
        key: String,
        /// The human whose key it is.
        approver: Option<String>,
    },
    /// Told by a span of a trace, which proves nothing.
    Span,
    /// Approved in the policy by a human, for as long as a window of it is there.
    Window {
        /// The human.
        approver: String,
        /// The window's name.
        window: String,
    },
}

/// What will be touched.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Target {
    /// A point of the device, by its name in the policy.
    Point(String),
    /// A run of addresses.
    Raw {
        /// What is numbered.
        space: Space,
        /// The first address, counted from 0 as on the wire.
        address: u32,
        /// How many.
        quantity: u16,
    },
}

impl Target {
    fn of_device(&self, device: &str) -> String {
        match self {
            Self::Point(point) => format!("{device}.{point}"),
            &Self::Raw { space, address, quantity } => format!("{device} {}", Run { space, address, quantity }),
        }
    }

    /// What is touched by what a policy says is to be done.
    pub(crate) fn of(deed: &Deed) -> Vec<Self> {
        let raw = |&Run { space, address, quantity }: &Run| Self::Raw { space, address, quantity };
        deed.points.iter().cloned().map(Self::Point).chain(deed.runs.iter().map(raw)).collect()
    }
}

/// The value with which it is to be done.
pub(crate) fn wanted(deed: &Deed) -> Option<Wanted> {
    let (least, most) = deed.value?;
    Some(if least == most { Wanted::Is(least) } else { Wanted::Range { least, most } })
}

impl fmt::Display for Source {
    /// As in `signed with scheduler-2026`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Signed { key, approver: None } => write!(f, "signed with {key}"),
            Self::Signed { key, approver: Some(approver) } => write!(f, "signed with {key} of {approver}"),
            Self::Span => f.write_str("told by a span"),
            Self::Window { approver, window } => write!(f, "approved by {approver} for {window}"),
        }
    }
}

impl fmt::Display for Declaration {
    /// As in `write plc1.speed = 20..60`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_deed(f, self.operation, self.device.as_deref(), &self.targets, self.value)
    }
}

/// What is to be done, in words.
pub(super) fn write_deed(
    f: &mut fmt::Formatter<'_>,
    action: Option<Action>,
    device: Option<&str>,
    targets: &[Target],
    value: Option<Wanted>,
) -> fmt::Result {
    let device = device.unwrap_or("any device");
    let places: Vec<_> = targets.iter().map(|target| target.of_device(device)).collect();
    let places = if places.is_empty() { device.to_owned() } else { places.join(", ") };
    write!(f, "{} {places}", action.map_or("anything at", Action::name))?;
    match value {
        None => Ok(()),
        Some(Wanted::Is(value)) => write!(f, " = {value}"),
        Some(Wanted::Range { least, most }) => write!(f, " = {least}..{most}"),
        Some(Wanted::Masked { and, or }) => write!(f, " with the masks {and} and {or}"),
    }
}
