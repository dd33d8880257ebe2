//! What was declared against what was done, in words.

use core::fmt;

use tagout_engine::{Action, IntentFinding, PointInfo, Policy, Space, Timestamp};

use super::measure::{Duration, Measured, Range};
use super::subject::Subject;
use crate::intent::{Intent, IntentTarget, Match, Wanted};

/// What was declared against what was done, in the policy's words. Small, since a gateway's stack holds it for every alert.
#[derive(Clone, Copy)]
pub struct Compared<'a> {
    /// How they compare.
    pub verdict: &'a Match,
    /// The device that was declared.
    device: Option<&'a str>,
    /// The first thing that was declared to be touched.
    pub(super) target: Option<IntentTarget>,
    /// Name and unit of that, if it is a point.
    point: Option<(&'a str, Option<&'a str>)>,
    /// Where it begins.
    pub(super) place: Option<(Space, u32)>,
}

/// Something that was declared to be touched.
#[derive(Clone, Copy)]
pub enum Declared<'a> {
    /// A point.
    Point(PointInfo<'a>),
    /// A run of addresses.
    Run(Space, u32, u16),
}

impl<'a> Compared<'a> {
    pub(super) fn of(policy: &Policy<'a>, verdict: &'a Match) -> Self {
        let target = verdict.intent.and_then(|intent| intent.targets().next());
        let declared = target.and_then(|target| Declared::of(policy, target));
        let device = verdict.intent.and_then(|intent| policy.device_info(intent.device?));
        Self {
            verdict,
            device: device.map(|device| device.name),
            target,
            point: if let Some(Declared::Point(point)) = declared { Some((point.name, point.unit)) } else { None },
            place: declared.map(|declared| declared.place()),
        }
    }
}

impl<'a> Declared<'a> {
    /// What a target is; `None` if it does not fit the policy.
    pub fn of(policy: &Policy<'a>, target: IntentTarget) -> Option<Self> {
        Some(match target {
            IntentTarget::Point(id) => Self::Point(policy.point_info(id)?),
            IntentTarget::Run { space, address, quantity } => Self::Run(space, address, quantity),
        })
    }

    /// Where it begins.
    const fn place(&self) -> (Space, u32) {
        match self {
            Self::Point(point) => (point.space, point.address as u32),
            Self::Run(space, address, _) => (*space, *address),
        }
    }
}

/// What was declared, as in `write plc1.speed = 50 %`.
pub(super) struct Declaration<'a>(pub(super) &'a Compared<'a>, pub(super) Intent);

impl fmt::Display for Declaration<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(compared, intent) = self;
        f.write_str(intent.operation.map_or("something to", Action::name))?;
        write!(f, " {}", compared.device.unwrap_or("some device"))?;
        match (compared.point, compared.target) {
            (Some((name, _)), _) => write!(f, ".{name}")?,
            (None, Some(IntentTarget::Run { space, address, quantity: 1 })) => {
                write!(f, " {} {address}", space.name())?;
            }
            (None, Some(IntentTarget::Run { space, address, quantity })) => {
                let last = address.saturating_add(u32::from(quantity).saturating_sub(1));
                write!(f, " {} {address}..{last}", space.name())?;
            }
            (None, Some(IntentTarget::Point(_)) | None) => {}
        }
        match intent.targets().count().saturating_sub(1) {
            0 => {}
            more => write!(f, " and {more} more")?,
        }
        let unit = compared.point.and_then(|(_, unit)| unit);
        match intent.value {
            Some(Wanted::Is(value)) => write!(f, " = {}", Measured { value, unit }),
            Some(Wanted::Range { least, most }) => {
                let range = tagout_engine::ValueRange { min: Some(least), max: Some(most) };
                write!(f, " = {}", Range(range, unit))
            }
            Some(Wanted::Masked { and, or }) => write!(f, " with the masks {and} and {or}"),
            None => Ok(()),
        }
    }
}

/// What is wrong, as in `nobody declared it`.
pub(super) struct Against<'a>(pub(super) &'a Subject<'a>, pub(super) IntentFinding);

impl fmt::Display for Against<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if cfg!(not(feature = "intents")) {
            return Ok(());
        }
        let compared = self.0.compared.as_ref();
        let known = compared.and_then(|compared| Some((compared, compared.verdict.intent?)));
        let Some((compared, intent)) = known else { return f.write_str(self.plain()) };
        let declared = Declaration(compared, intent);
        let seen = compared.verdict.seen.map_or(Timestamp(0), |seen| seen.time);
        match self.1 {
            IntentFinding::Value | IntentFinding::Point => write!(f, "it declared {declared}"),
            IntentFinding::Expired => {
                let late = seen.micros_since(intent.expires).wrapping_div(1_000);
                let late = Duration(u32::try_from(late).unwrap_or(u32::MAX));
                write!(f, "what it declared, {declared}, had expired {late} before")
            }
            IntentFinding::Exceeded if intent.pace_ms > 0 => {
                write!(
                    f,
                    "what it declared, {declared}, covers {} of these, {} apart",
                    Count(intent.count),
                    Duration(intent.pace_ms)
                )
            }
            IntentFinding::Exceeded => {
                write!(f, "what it declared, {declared}, covers {} of these", Count(intent.count))
            }
            IntentFinding::BeyondPermit => write!(f, "declared {declared}, which no permit of it covers"),
            IntentFinding::Unfulfilled => write!(f, "declared {declared}, and did not do it"),
            IntentFinding::Refused => write!(f, "it declared that, and the device refused it"),
            _ => f.write_str(self.plain()),
        }
    }
}

impl Against<'_> {
    /// What is wrong, where nothing more is known.
    const fn plain(&self) -> &'static str {
        match self.1 {
            IntentFinding::None => "nobody declared it",
            IntentFinding::Value => "it was declared with another value",
            IntentFinding::Point => "it was declared for another point",
            IntentFinding::Expired => "its intent had expired",
            IntentFinding::Exceeded => "its intent covers no more of these",
            IntentFinding::BeyondPermit => "declared what no permit of it covers",
            IntentFinding::BadSignature => "is named by a declaration whose signature does not fit",
            IntentFinding::UnknownKey => "is named by a declaration whose key may not declare for it",
            IntentFinding::FeedSilent => {
                "the feed of declarations is silent or late: what is not declared is not known"
            }
            IntentFinding::Unfulfilled => "did not do what it declared",
            IntentFinding::Refused => "the device refused what it declared",
        }
    }
}

/// The whole of it in a sentence, without its end.
pub(super) struct Told<'a>(pub(super) &'a Subject<'a>, pub(super) IntentFinding);

impl fmt::Display for Told<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if cfg!(not(feature = "intents")) {
            return Ok(());
        }
        let Self(subject, finding) = self;
        let against = Against(subject, *finding);
        let is_about_command = subject.path.flow != 0;
        if is_about_command {
            return write!(f, "{}; {against}", super::deed::Deed(subject));
        }
        match subject.actor {
            Some(actor) => write!(f, "{} {} {against}", actor.kind.name(), actor.name),
            None if *finding == IntentFinding::FeedSilent => write!(f, "Of what agents do, {against}"),
            None => write!(f, "Somebody {against}"),
        }
    }
}

/// How many, as in `2` or `any number`.
struct Count(u32);

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 == 0 { f.write_str("any number") } else { write!(f, "{}", self.0) }
    }
}
