//! A policy as its files say it: checked word by word, names not yet resolved.

use std::fmt;

use tagout_engine::attack::Technique;
use tagout_engine::{Action, ActorKind, Encoding, Field, Grade, IntentMode, PollKey, Severity, Space, Threshold};

use crate::source::{Span, Spanned};
use crate::testing::{Judged, Reply};

#[derive(Debug, Default)]
pub(crate) struct Model {
    /// Further files, as paths or patterns that are resolved.
    pub(crate) includes: Vec<Spanned<String>>,
    pub(crate) site: Option<Spanned<String>>,
    pub(crate) actors: Vec<Actor>,
    pub(crate) devices: Vec<Device>,
    pub(crate) intents: Intents,
    pub(crate) windows: Vec<Window>,
    pub(crate) permits: Vec<Permit>,
    pub(crate) cadences: Vec<Cadence>,
    pub(crate) rules: Vec<Rule>,
    pub(crate) suppressions: Vec<Suppression>,
    pub(crate) tests: Vec<Test>,
}

#[derive(Debug)]
pub(crate) struct Actor {
    pub(crate) name: Spanned<String>,
    pub(crate) kind: ActorKind,
    /// What its commands are held against beside the permits.
    pub(crate) intents: Option<IntentMode>,
    pub(crate) selectors: Vec<Selector>,
}

#[derive(Debug)]
pub(crate) struct Device {
    pub(crate) name: Spanned<String>,
    /// `None` when the entry only adds points to a device that another one declares.
    pub(crate) selectors: Option<Vec<Selector>>,
    pub(crate) points: Vec<Point>,
    /// Whether violations are for the record only.
    pub(crate) observe: bool,
    /// The names of points that are declared, but wrongly; permits may name them without another error.
    pub(crate) broken: Vec<String>,
}

impl Device {
    pub(crate) fn selectors(&self) -> &[Selector] {
        self.selectors.as_deref().unwrap_or_default()
    }
}

/// What an endpoint must look like. Parts that are `None` are not asked for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Selector {
    pub(crate) span: Span,
    pub(crate) ip: Option<Network>,
    pub(crate) mac: Option<[u8; 6]>,
    pub(crate) vlan: Option<u16>,
    pub(crate) port: Option<(u16, u16)>,
    pub(crate) unit: Option<u8>,
    pub(crate) link: Option<u16>,
}

/// An IP address (prefix of full length) or network.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Network {
    pub(crate) address: std::net::IpAddr,
    pub(crate) prefix: u8,
}

impl Network {
    /// How long the prefix is of a single address of this kind.
    pub(crate) const fn full_prefix(address: std::net::IpAddr) -> u8 {
        if address.is_ipv4() { 32 } else { 128 }
    }
}

#[derive(Debug)]
pub(crate) struct Point {
    pub(crate) name: Spanned<String>,
    pub(crate) space: Space,
    pub(crate) address: u16,
    pub(crate) encoding: Encoding,
    pub(crate) scale: f64,
    pub(crate) offset: f64,
    pub(crate) unit: String,
    pub(crate) range: Bounds,
    /// A second; may be infinite.
    pub(crate) max_rate: f64,
    /// `None` where it goes without saying.
    pub(crate) tolerance: Option<f64>,
    /// 0 where it is not watched.
    pub(crate) travel_ms: u32,
    /// 0 where it is not watched.
    pub(crate) frozen_ms: u32,
    /// 0 where it is not watched.
    pub(crate) stale_ms: u32,
}

impl Point {
    /// A point of which nothing else is said.
    pub(crate) fn at(name: Spanned<String>, space: Space, address: u16, encoding: Encoding) -> Self {
        Self {
            name,
            space,
            address,
            encoding,
            scale: 1.0,
            offset: 0.0,
            unit: String::new(),
            range: Bounds::ALL,
            max_rate: f64::INFINITY,
            tolerance: None,
            travel_ms: 0,
            frozen_ms: 0,
            stale_ms: 0,
        }
    }

    /// How far it may be from what was commanded: what is said, or else a hundredth of the range.
    pub(crate) fn tolerance(&self) -> f64 {
        let hundredth = (self.range.max - self.range.min) / 100.0;
        self.tolerance.unwrap_or(if hundredth.is_finite() { hundredth } else { 0.0 })
    }

    /// The addresses it takes: the first, and the one behind the last.
    pub(crate) fn span(&self) -> (u32, u32) {
        let start = u32::from(self.address);
        (start, start + u32::from(self.encoding.kind.width()))
    }
}

/// An inclusive range; an end that is not given is infinite.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) struct Bounds {
    pub(crate) min: f64,
    pub(crate) max: f64,
}

impl Bounds {
    pub(crate) const ALL: Self = Self { min: f64::NEG_INFINITY, max: f64::INFINITY };

    pub(crate) fn meets(self, other: Self) -> bool {
        self.min <= other.max && other.min <= self.max
    }

    /// Whether every value of another range lies in this one.
    pub(crate) fn holds(self, other: Self) -> bool {
        self.min <= other.min && other.max <= self.max
    }

    pub(crate) fn contains(self, value: f64) -> bool {
        value >= self.min && value <= self.max
    }
}

#[derive(Debug)]
pub(crate) struct Permit {
    pub(crate) span: Span,
    pub(crate) name: Option<Spanned<String>>,
    pub(crate) actors: Vec<Spanned<String>>,
    pub(crate) devices: Vec<Spanned<String>>,
    pub(crate) actions: Spanned<u32>,
    /// `None`: the whole device.
    pub(crate) points: Option<Vec<Spanned<String>>>,
    pub(crate) value: Option<Spanned<Values>>,
    pub(crate) when: Option<Spanned<String>>,
    /// Names of windows.
    pub(crate) during: Vec<Spanned<String>>,
    pub(crate) at_most: Option<Pace>,
    pub(crate) max_step: Option<Spanned<f64>>,
    /// In milliseconds.
    pub(crate) opposite_after: Option<Spanned<u32>>,
    pub(crate) max_change: Option<Spanned<Pace>>,
    /// The replies that it expects, if it expects any.
    pub(crate) replies: Option<Replies>,
    /// In milliseconds.
    pub(crate) reply_within: Option<u32>,
}

impl Permit {
    /// Whether it asks for nothing beside a range.
    pub(crate) fn is_plain(&self) -> bool {
        let values =
            self.value.as_ref().is_none_or(|value| value.value.step.is_none() && value.value.one_of.is_empty());
        let changes = self.max_step.is_some() || self.opposite_after.is_some() || self.max_change.is_some();
        let replies = self.replies.is_some() || self.reply_within.is_some();
        values && !changes && !replies && self.when.is_none() && self.during.is_empty() && self.at_most.is_none()
    }
}

/// The replies that a permit expects.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Replies {
    /// Set of [`Replied`](tagout_engine::Replied) by their bits.
    pub(crate) words: u8,
    /// Exceptions and control statuses by their bits.
    pub(crate) codes: u128,
}

/// The values that a permit allows.
#[derive(Debug)]
pub(crate) struct Values {
    pub(crate) bounds: Bounds,
    pub(crate) step: Option<f64>,
    /// The only values; empty where others do.
    pub(crate) one_of: Vec<f64>,
    pub(crate) unit: Option<Spanned<String>>,
}

/// So much in a time.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) struct Pace {
    pub(crate) amount: f64,
    pub(crate) per_ms: u32,
}

/// What actors declare before they command it. Times that are `None` are not said.
#[derive(Debug, Default)]
pub(crate) struct Intents {
    pub(crate) hold_ms: Option<Spanned<u32>>,
    pub(crate) skew_ms: Option<Spanned<u32>>,
    pub(crate) delay_ms: Option<Spanned<u32>>,
    pub(crate) silence_ms: Option<Spanned<u32>>,
    pub(crate) keys: Vec<Key>,
    pub(crate) approvals: Vec<Approval>,
}

/// A key that signs declarations. Times are in nanoseconds since the Unix epoch.
#[derive(Debug)]
pub(crate) struct Key {
    pub(crate) span: Span,
    pub(crate) id: Spanned<String>,
    pub(crate) public: [u8; 32],
    pub(crate) actors: Vec<Spanned<String>>,
    /// Empty for a key of an actor.
    pub(crate) approver: String,
    pub(crate) not_before: Option<u64>,
    pub(crate) expires: Option<u64>,
    pub(crate) revoked: Option<u64>,
}

/// What a human approves for some time.
#[derive(Debug)]
pub(crate) struct Approval {
    pub(crate) id: Spanned<String>,
    pub(crate) approver: String,
    pub(crate) actors: Vec<Spanned<String>>,
    /// Names of windows.
    pub(crate) during: Vec<Spanned<String>>,
    pub(crate) deed: Deed,
    pub(crate) count: Option<u32>,
    pub(crate) pace_ms: u32,
    pub(crate) reason: Option<String>,
}

/// What is to be done, as approvals and tests declare it.
#[derive(Debug)]
pub(crate) struct Deed {
    pub(crate) device: Option<Spanned<String>>,
    pub(crate) points: Vec<Spanned<String>>,
    pub(crate) runs: Vec<Run>,
    pub(crate) action: Option<Action>,
    pub(crate) value: Option<Bounds>,
}

/// A run of addresses.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Run {
    /// What is numbered.
    pub space: Space,
    /// The first, counted from 0 as on the wire.
    pub address: u32,
    /// How many.
    pub quantity: u16,
}

impl fmt::Display for Run {
    /// As a policy writes it: `holding-register 10..11`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.space.name(), self.address)?;
        match self.quantity {
            1 => Ok(()),
            more => write!(f, "..{}", self.address.saturating_add(u32::from(more)) - 1),
        }
    }
}

/// A time at which permits hold.
#[derive(Debug)]
pub(crate) struct Window {
    pub(crate) name: Spanned<String>,
    pub(crate) time: Time,
}

/// When a window is there.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Time {
    /// Hours of some days of each week.
    Weekly {
        /// Monday in the lowest bit.
        days: u8,
        /// Seconds of the day.
        from_s: u32,
        /// The same where it ends; on the next day if it is not later.
        to_s: u32,
        /// Seconds that the site's clock is ahead of UTC.
        offset_s: i32,
    },
    /// In nanoseconds since the Unix epoch.
    Once {
        /// The first moment of it.
        start: u64,
        /// The first moment behind it.
        end: u64,
    },
}

#[derive(Debug)]
pub(crate) struct Rule {
    pub(crate) span: Span,
    pub(crate) sid: Spanned<u32>,
    pub(crate) signature: String,
    pub(crate) severity: Severity,
    pub(crate) technique: Option<&'static Technique>,
    pub(crate) atlas: String,
    pub(crate) owasp: String,
    pub(crate) category: String,
    pub(crate) actions: u32,
    pub(crate) verdicts: u8,
    /// `None` where the rule does not ask how exchanges end.
    pub(crate) outcomes: Option<u8>,
    pub(crate) anomalies: u64,
    pub(crate) process: u8,
    pub(crate) cadence: u8,
    pub(crate) when: Option<Spanned<String>>,
    /// The fields whose values are its key; `None` where it does not say.
    pub(crate) per: Option<Vec<Field>>,
    pub(crate) steps: Vec<Spanned<String>>,
    pub(crate) threshold: Threshold,
    pub(crate) distinct: Option<Field>,
    pub(crate) count: u16,
    pub(crate) within_ms: u32,
    pub(crate) rearm_ms: u32,
    pub(crate) warm_up_ms: u32,
}

impl Rule {
    /// What the signatures of invariants say before their names.
    pub(crate) const BROKEN: &'static str = "Invariant broken: ";

    /// Its name, if it is an invariant.
    pub(crate) fn invariant(&self) -> Option<&str> {
        Some(self.signature.strip_prefix(Self::BROKEN)?).filter(|_| self.threshold == Threshold::Invariant)
    }
}

/// The rhythm in which somebody polls a device.
#[derive(Debug)]
pub(crate) struct Cadence {
    pub(crate) span: Span,
    /// May be empty.
    pub(crate) name: String,
    pub(crate) actor: Spanned<String>,
    pub(crate) device: Spanned<String>,
    pub(crate) cycles: Vec<Cycle>,
    /// Polls that may come at any time.
    pub(crate) also: Vec<Poll>,
}

/// Polls that follow each other. Times that are 0 are not watched.
#[derive(Debug)]
pub(crate) struct Cycle {
    pub(crate) polls: Vec<Poll>,
    pub(crate) min_ms: u32,
    pub(crate) max_ms: u32,
    pub(crate) within_ms: u32,
}

#[derive(Debug)]
pub(crate) struct Poll {
    pub(crate) span: Span,
    /// As the policy would best write it.
    pub(crate) text: String,
    pub(crate) key: PollKey,
}

/// Alerts that nobody wants to see.
#[derive(Debug)]
pub(crate) struct Suppression {
    pub(crate) name: Spanned<String>,
    pub(crate) reason: String,
    /// `None`: all of them.
    pub(crate) rules: Option<Vec<Spanned<Signature>>>,
    pub(crate) actors: Option<Vec<Spanned<String>>>,
    pub(crate) devices: Option<Vec<Spanned<String>>>,
    pub(crate) points: Option<Vec<Spanned<String>>>,
    pub(crate) when: Option<Spanned<String>>,
    /// In nanoseconds since the Unix epoch.
    pub(crate) until: Option<Spanned<u64>>,
}

/// What the policy must say of something that happens.
#[derive(Debug)]
pub(crate) struct Test {
    pub(crate) name: Spanned<String>,
    pub(crate) scene: Scene,
    /// `None`: nothing is held against declarations.
    pub(crate) intents: Option<Vec<Declared>>,
    pub(crate) is_silent: bool,
    pub(crate) alerts: Option<Vec<Expected>>,
}

/// What an actor declares in a test.
#[derive(Debug)]
pub(crate) struct Declared {
    pub(crate) actor: Spanned<String>,
    pub(crate) deed: Deed,
    pub(crate) count: Option<u32>,
    pub(crate) pace_ms: u32,
    pub(crate) key: Option<Spanned<String>>,
    pub(crate) after_ms: u32,
    pub(crate) lasts_ms: Option<u32>,
}

/// What happens in a test.
#[derive(Debug)]
pub(crate) enum Scene {
    Capture {
        path: String,
        frames: Option<(u64, u64)>,
    },
    Steps {
        /// In nanoseconds since the Unix epoch.
        start: Option<u64>,
        steps: Vec<Step>,
    },
}

#[derive(Debug)]
pub(crate) struct Step {
    pub(crate) span: Span,
    pub(crate) from: Spanned<String>,
    pub(crate) asked: Asked,
    pub(crate) reply: Reply,
    pub(crate) after_ms: u32,
    pub(crate) repeat: u32,
    pub(crate) every_ms: u32,
    pub(crate) grade: Option<Spanned<Grade>>,
    pub(crate) verdict: Option<Judged>,
    pub(crate) alerts: Option<Vec<Expected>>,
}

/// A request as a step writes it.
#[derive(Debug)]
pub(crate) enum Asked {
    /// Something that is done to a point, as `device.point`.
    Point {
        action: Action,
        point: Spanned<String>,
        value: Option<Spanned<f64>>,
    },
    Modbus {
        to: Spanned<String>,
        pdu: Vec<u8>,
    },
    Dnp3 {
        to: Spanned<String>,
        fragment: Vec<u8>,
    },
}

/// An expected alert as a test writes it.
#[derive(Debug)]
pub(crate) struct Expected {
    pub(crate) rule: Spanned<Signature>,
    pub(crate) count: Option<u32>,
    /// Empty where any will do.
    pub(crate) frames: Vec<u64>,
}

/// How a test names a rule.
#[derive(Debug)]
pub(crate) enum Signature {
    Sid(u32),
    /// What the rule says, or the reason of a violation.
    Text(String),
}
