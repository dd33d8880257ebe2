//! What a permit would have allowed.

use schemars::JsonSchema;
use serde::Serialize;
use tagout_core::engine::Reason;
use tagout_core::words::{Decimal, Duration, Expected, PerTime, Subject, Verdict};

/// The limit that was not kept to.
#[derive(Serialize, JsonSchema, Default, PartialEq)]
pub(super) struct Permitted<'a> {
    /// The least value.
    #[serde(skip_serializing_if = "Option::is_none")]
    min: Option<f64>,
    /// The greatest value.
    #[serde(skip_serializing_if = "Option::is_none")]
    max: Option<f64>,
    /// How far apart values are.
    #[serde(skip_serializing_if = "Option::is_none")]
    step: Option<f64>,
    /// The only values.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    one_of: Vec<f64>,
    /// What must hold.
    #[serde(skip_serializing_if = "Option::is_none")]
    when: Option<&'a str>,
    /// The windows in one of which it must be.
    #[serde(skip_serializing_if = "Option::is_none")]
    during: Option<&'a str>,
    /// How often, as in `6/min`.
    #[serde(skip_serializing_if = "Option::is_none")]
    at_most: Option<String>,
    /// The largest change against the value before.
    #[serde(skip_serializing_if = "Option::is_none")]
    max_step: Option<f64>,
    /// The least time between commands in opposite directions, as in `30 s`.
    #[serde(skip_serializing_if = "Option::is_none")]
    opposite_after: Option<String>,
    /// The largest sum of changes, as in `10/min`.
    #[serde(skip_serializing_if = "Option::is_none")]
    max_change: Option<String>,
    /// How the device was expected to reply, as in `success within 500 ms`.
    #[serde(skip_serializing_if = "Option::is_none")]
    reply: Option<String>,
    /// What was measured instead: uses, a change, seconds, or the milliseconds of a reply.
    #[serde(skip_serializing_if = "Option::is_none")]
    found: Option<f64>,
}

impl<'a> Permitted<'a> {
    pub(super) fn of(subject: &Subject<'a>) -> Option<Self> {
        let Verdict::Violation { reason, .. } = subject.verdict else { return None };
        let (range, terms) = (subject.permitted().unwrap_or_default(), subject.terms().unwrap_or_default());
        let none = Self { min: range.min, max: range.max, found: subject.found().map(rounded), ..Self::default() };
        let permitted = match reason {
            Reason::NotAllowed => {
                Self { step: terms.step, one_of: terms.one_of.iter().map(|one| one.get()).collect(), ..none }
            }
            Reason::Condition => Self { when: subject.when, ..none },
            Reason::Window => Self { during: terms.during, ..none },
            Reason::Pace => Self { at_most: Some(PerTime(terms.at_most, None).to_string()), ..none },
            Reason::Step => Self { max_step: terms.max_step, ..none },
            Reason::Reversal => Self { opposite_after: terms.opposite_ms.map(|ms| Duration(ms).to_string()), ..none },
            Reason::Change => Self { max_change: Some(PerTime(terms.max_change, None).to_string()), ..none },
            Reason::Reply => Self { reply: terms.replies.map(|replies| Expected(replies).to_string()), ..none },
            _ => none,
        };
        (permitted != Self::default()).then_some(permitted)
    }
}

/// Without the digits that only binary arithmetic put there.
fn rounded(number: f64) -> f64 {
    Decimal::from(number).rounded().to_string().parse().unwrap_or(number)
}
