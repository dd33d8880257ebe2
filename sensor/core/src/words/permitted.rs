//! What the policy says against something.

use core::fmt;

use tagout_engine::{Action, Reason};

use super::Subject;
use super::address::Address;
use super::measure::{Duration, Expected, Measured, Number, Outside, PerTime, Range};
use super::subject::Verdict;

/// What of the policy it goes against, as in `outside 0..80 %`.
pub(super) struct Against<'a>(pub(super) &'a Subject<'a>);

impl fmt::Display for Against<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Verdict::Violation { reason, .. } = self.0.verdict else { return Ok(()) };
        match (reason, self.0.permitted()) {
            (Reason::UnknownActor, _) => f.write_str("by an unknown actor"),
            (Reason::NoPermit, _) => f.write_str("without any permit"),
            (Reason::Action, _) => f.write_str("without a permit for this action"),
            (Reason::Unmapped, _) => f.write_str("where no point is declared"),
            (Reason::Point, _) => f.write_str("without a permit for this point"),
            (Reason::Value, Some(range)) => write!(f, "{}", Outside(Range(range, self.0.unit_of_measure()))),
            (Reason::Value, None) => f.write_str("with a value that is not permitted"),
            (reason, _) => write!(f, "{}", Beyond(self.0, reason)),
        }
    }
}

/// What of a permit's terms it does not keep to, as in `more often than 6/min`.
struct Beyond<'a>(&'a Subject<'a>, Reason);

impl fmt::Display for Beyond<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (terms, unit) = (self.0.terms().unwrap_or_default(), self.0.unit_of_measure());
        match self.1 {
            Reason::NotAllowed => f.write_str("with a value between those that are permitted"),
            Reason::Condition => write!(f, "against its condition {}", self.0.when.unwrap_or_default()),
            Reason::Window => write!(f, "outside {}", terms.during.unwrap_or("its window")),
            Reason::Pace => write!(f, "more often than {}", PerTime(terms.at_most, None)),
            Reason::Step => {
                let value = terms.max_step.unwrap_or_default();
                write!(f, "by more than {} at once", Measured { value, unit })
            }
            Reason::Reversal => write!(f, "back within {}", Duration(terms.opposite_ms.unwrap_or_default())),
            Reason::Change => write!(f, "by more than {}", PerTime(terms.max_change, unit)),
            Reason::Reply => write!(f, "without the reply that is expected"),
            _ => f.write_str("without a permit"),
        }
    }
}

/// What the policy says against it, as half a sentence.
pub(super) struct Rebuttal<'a>(pub(super) &'a Subject<'a>, pub(super) Reason);

impl fmt::Display for Rebuttal<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(subject, reason) = self;
        let action = subject.action.map_or("this", Action::name);
        match (reason, subject.permitted()) {
            (Reason::UnknownActor, _) => write!(f, "the policy knows no actor at {}", Address(subject.path.client.ip)),
            (Reason::NoPermit, _) => write!(f, "the policy permits it nothing on {}", subject.whom()),
            (Reason::Action, _) => write!(f, "the policy permits it no {action} on {}", subject.whom()),
            (Reason::Unmapped, _) => {
                write!(f, "the policy declares no point there and permits {action} only on points")
            }
            (Reason::Point, _) => write!(f, "the policy permits it {action} on other points only"),
            (Reason::Value, Some(range)) => {
                write!(f, "the policy permits {}", Range(range, subject.unit_of_measure()))
            }
            (Reason::Value, None) => f.write_str("the policy does not permit this value"),
            (reason, _) => write!(f, "{}", Limit(subject, *reason)),
        }
    }
}

/// What of a permit's terms stands against it, as half a sentence with what was found.
struct Limit<'a>(&'a Subject<'a>, Reason);

impl fmt::Display for Limit<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (terms, unit) = (self.0.terms().unwrap_or_default(), self.0.unit_of_measure());
        match self.1 {
            Reason::NotAllowed if !terms.one_of.is_empty() => {
                f.write_str("the policy permits only ")?;
                for (place, one) in terms.one_of.iter().enumerate() {
                    write!(f, "{}{}", if place > 0 { ", " } else { "" }, Number(one.get()))?;
                }
            }
            Reason::NotAllowed => {
                let value = terms.step.unwrap_or_default();
                write!(f, "the policy permits steps of {}", Measured { value, unit })?;
            }
            Reason::Condition => {
                write!(f, "the policy permits it only when {}", self.0.when.unwrap_or("its condition holds"))?;
            }
            Reason::Window => write!(f, "the policy permits it only during {}", terms.during.unwrap_or("its window"))?,
            Reason::Pace => write!(f, "the policy permits {}", PerTime(terms.at_most, None))?,
            Reason::Step => {
                let value = terms.max_step.unwrap_or_default();
                write!(f, "the policy permits changes of {} at once", Measured { value, unit })?;
            }
            Reason::Reversal => {
                let time = Duration(terms.opposite_ms.unwrap_or_default());
                write!(f, "the policy permits the other direction after {time}")?;
            }
            Reason::Change => write!(f, "the policy permits changes of {}", PerTime(terms.max_change, unit))?,
            Reason::Reply => match terms.replies {
                Some(replies) => write!(f, "the policy expects {}", Expected(replies))?,
                None => f.write_str("the policy expects another reply")?,
            },
            _ => f.write_str("the policy does not permit it")?,
        }
        match (self.1, self.0.found()) {
            (Reason::Pace, Some(uses)) => write!(f, ", and this is number {}", Number(uses)),
            (Reason::Reply, Some(ms)) => write!(f, ", and this came after {} ms", Number(ms)),
            (Reason::Reversal, Some(seconds)) => write!(f, ", and this is after {} s", Number(seconds)),
            (_, Some(value)) => write!(f, ", and this makes {}", Measured { value, unit }),
            (_, None) => Ok(()),
        }
    }
}
