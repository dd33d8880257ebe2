//! What departs from a cadence, for records and for people.

use std::fmt;

use schemars::JsonSchema;
use serde::Serialize;
use tagout_core::dnp3::{self, Fragment};
use tagout_core::engine::{Action, Asked, CadenceEvent, CadenceInfo, CycleInfo, Departure, Policy};
use tagout_core::{Body, Exchange, modbus};

use super::phrase::Duration;
use super::schema::words;

/// What departs, in the policy's words.
#[derive(Clone, Copy)]
pub(super) struct Departed<'a> {
    departure: Departure,
    pub(super) cadence: CadenceInfo<'a>,
    poll: Option<&'a str>,
    expected: Option<&'a str>,
    cycle: Option<CycleInfo>,
    came: Option<Came>,
}

/// What was asked for: the first thing, and how many more.
#[derive(Clone, Copy)]
struct Came {
    action: Action,
    asked: Asked,
    further: usize,
}

impl<'a> Departed<'a> {
    pub(super) fn of(policy: &Policy<'a>, departure: Departure, exchange: Option<&Exchange<'_>>) -> Option<Self> {
        let text = |poll| policy.poll_text(poll);
        Some(Self {
            departure,
            cadence: policy.cadence_info(departure.cadence)?,
            poll: departure.poll.and_then(text),
            expected: departure.expected.and_then(text),
            cycle: departure.expected.and_then(|poll| policy.cycle_info(poll)),
            came: exchange.and_then(Came::of),
        })
    }

    /// The whole of it, as what somebody did to somebody.
    pub(super) fn told(self, who: impl fmt::Display, whom: impl fmt::Display) -> impl fmt::Display {
        Told(self, who, whom)
    }
}

impl Came {
    fn of(exchange: &Exchange<'_>) -> Option<Self> {
        let asked: Vec<_> = match &exchange.body {
            Body::Modbus(body) => modbus::asked(body.request?, exchange.action).collect(),
            Body::Dnp3(body) => dnp3::asked(&Fragment::parse(body.request?)?).collect(),
        };
        Some(Self { action: exchange.action, asked: *asked.first()?, further: asked.len() - 1 })
    }
}

impl fmt::Display for Came {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{} {}`", self.action.name(), self.asked)?;
        if self.further > 0 { write!(f, " and {} more", self.further) } else { Ok(()) }
    }
}

struct Told<'a, N, M>(Departed<'a>, N, M);

impl<N: fmt::Display, M: fmt::Display> fmt::Display for Told<'_, N, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(departed, who, whom) = self;
        let Departed { departure: Departure { event, missing, ms, .. }, poll, expected, cycle, came, .. } = departed;
        let (poll, expected) = (poll.unwrap_or("a poll"), expected.unwrap_or("another"));
        match (event, came) {
            (CadenceEvent::Unknown, Some(came)) => {
                write!(f, "{who} asked {whom} for {came}, which its cadence does not have.")
            }
            (CadenceEvent::Unknown, None) => write!(f, "{who} asked {whom} for what its cadence does not have."),
            (CadenceEvent::Missing, _) => {
                let more = if *missing > 1 { format!(" and {} more", missing - 1) } else { String::new() };
                write!(f, "{who} left out `{expected}`{more} of {whom}, and went on with `{poll}`.")
            }
            (CadenceEvent::Repeated, _) => {
                write!(f, "{who} asked {whom} again for `{poll}`{}: `{expected}` was to come", After(*ms))?;
                write!(f, "{}.", Every(cycle.filter(|_| poll == expected)))
            }
            (CadenceEvent::Late, came) => {
                let verb = if came.is_some() { "asked" } else { "has not asked" };
                write!(f, "{who} {verb} {whom} for `{expected}`{}", After(*ms))?;
                write!(f, ": it was to come{}.", Every(*cycle))
            }
        }
    }
}

/// As in ` 1.2 s after its round began`.
struct After(Option<u32>);

impl fmt::Display for After {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.map_or(Ok(()), |ms| write!(f, " {} s after its round began", f64::from(ms) / 1e3))
    }
}

/// As in ` every 0.9 s to 1.1 s, and its whole round within 0.3 s`.
struct Every(Option<CycleInfo>);

impl fmt::Display for Every {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(CycleInfo { min_ms, max_ms, within_ms }) = self.0 else { return Ok(()) };
        if max_ms != 0 {
            write!(f, " every {} to {}", Duration(min_ms), Duration(max_ms))?;
        }
        match within_ms {
            0 => Ok(()),
            _ => write!(f, ", and its whole round within {}", Duration(within_ms)),
        }
    }
}

/// What departs from a cadence.
#[derive(Serialize, JsonSchema)]
pub(super) struct Cadence<'a> {
    /// What.
    #[schemars(extend("enum" = words(CadenceEvent::ALL, CadenceEvent::name)))]
    event: &'static str,
    /// The cadence's name in the policy.
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    /// The poll that came, as the policy writes it; not there if the cadence does not have it, or if none came.
    #[serde(skip_serializing_if = "Option::is_none")]
    poll: Option<&'a str>,
    /// The poll that was to come.
    #[serde(skip_serializing_if = "Option::is_none")]
    expected: Option<&'a str>,
    /// How many polls in a row were left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    missing: Option<u16>,
    /// Seconds since the round began.
    #[serde(skip_serializing_if = "Option::is_none")]
    seconds: Option<f64>,
    /// The least seconds from the beginning of a round to that of the next.
    #[serde(skip_serializing_if = "Option::is_none")]
    every_min: Option<f64>,
    /// The greatest.
    #[serde(skip_serializing_if = "Option::is_none")]
    every_max: Option<f64>,
    /// The seconds that a round takes at most.
    #[serde(skip_serializing_if = "Option::is_none")]
    within: Option<f64>,
}

impl<'a> From<Departed<'a>> for Cadence<'a> {
    fn from(departed: Departed<'a>) -> Self {
        let Departed { departure: Departure { event, missing, ms, .. }, cadence, poll, expected, cycle, .. } = departed;
        let seconds = |ms: u32| Some(f64::from(ms) / 1e3).filter(|seconds| *seconds > 0.0);
        Self {
            event: event.name(),
            name: cadence.name,
            poll,
            expected,
            missing: Some(missing).filter(|missing| *missing > 0),
            seconds: ms.map(|ms| f64::from(ms) / 1e3),
            every_min: cycle.and_then(|cycle| seconds(cycle.min_ms)),
            every_max: cycle.and_then(|cycle| seconds(cycle.max_ms)),
            within: cycle.and_then(|cycle| seconds(cycle.within_ms)),
        }
    }
}
