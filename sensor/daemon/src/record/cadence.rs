use schemars::JsonSchema;
use serde::Serialize;
use tagout_core::engine::{CadenceEvent, Departure};
use tagout_core::words::Departed;

use super::schema::words;

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
