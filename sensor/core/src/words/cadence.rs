//! What departs from a cadence, in words.

use core::fmt;

use tagout_engine::{Action, Asked, CadenceEvent, CadenceInfo, CycleInfo, Departure, Policy};

use super::Decimal;
use super::measure::Duration;
use crate::dnp3::{self, Fragment};
use crate::modbus;
use crate::record::{Body, Exchange};

/// What departs, in the policy's words.
#[derive(Clone, Copy)]
pub struct Departed<'a> {
    /// What.
    pub departure: Departure,
    /// From which cadence.
    pub cadence: CadenceInfo<'a>,
    /// The poll that came, if the cadence has it.
    pub poll: Option<&'a str>,
    /// The poll that was to come.
    pub expected: Option<&'a str>,
    /// When that is to come.
    pub cycle: Option<CycleInfo>,
    came: Option<Came>,
}

/// What was asked for: the first thing, and how many more.
#[derive(Clone, Copy)]
struct Came {
    action: Action,
    asked: Asked,
    further: u32,
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
    pub(super) fn told(&self, who: impl fmt::Display, whom: impl fmt::Display) -> impl fmt::Display {
        Told(self, who, whom)
    }
}

impl Came {
    fn of(exchange: &Exchange<'_>) -> Option<Self> {
        let action = exchange.action;
        match &exchange.body {
            Body::Modbus(body) => Self::first(action, &mut modbus::asked(body.request?, action)),
            Body::Dnp3(body) => Self::first(action, &mut dnp3::asked(&Fragment::parse(body.request?)?)),
        }
    }

    fn first(action: Action, all: &mut dyn Iterator<Item = Asked>) -> Option<Self> {
        let asked = all.next()?;
        Some(Self { action, asked, further: all.fold(0, |further, _| further.saturating_add(1)) })
    }
}

impl fmt::Display for Came {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{} {}`", self.action.name(), self.asked)?;
        if self.further > 0 { write!(f, " and {} more", self.further) } else { Ok(()) }
    }
}

struct Told<'a, N, M>(&'a Departed<'a>, N, M);

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
                write!(f, "{who} left out `{expected}`")?;
                if let Some(more @ 1..) = missing.checked_sub(1) {
                    write!(f, " and {more} more")?;
                }
                write!(f, " of {whom}, and went on with `{poll}`.")
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
        self.0.map_or(Ok(()), |ms| write!(f, " {} s after its round began", Decimal::seconds(ms)))
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
