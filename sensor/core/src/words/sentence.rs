//! The alert as a line, and in a sentence or two.

use core::fmt;

use tagout_engine::{Action, RuleInfo, Threshold};

use super::address::Address;
use super::answer::Answer;
use super::deed::Deed;
use super::intent::{Against, Told};
use super::measure::Measured;
use super::permitted::{self, Rebuttal};
use super::subject::Verdict;
use super::{Decimal, Duration, Subject};
use crate::finding::{Finding, Term};
use crate::record::{Outcome, Repeats};

/// What is wrong: what the rule says, or what it goes against.
pub(super) struct Complaint<'a>(pub(super) &'a Subject<'a>);

impl fmt::Display for Complaint<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.verdict {
            Verdict::Rule(rule) => {
                f.write_str(rule.signature)?;
                self.0.anomaly.map_or(Ok(()), |kind| write!(f, " ({})", kind.name()))
            }
            Verdict::Intent(finding, _) => write!(f, "{}", Against(self.0, finding)),
            Verdict::Violation { .. } => {
                write!(f, "{} {}", self.0.action.map_or("", Action::name), permitted::Against(self.0))
            }
        }
    }
}

/// The alert in one line.
pub(super) struct Signature<'a>(pub(super) &'a Subject<'a>);

impl fmt::Display for Signature<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.verdict {
            Verdict::Rule(rule) => f.write_str(rule.signature),
            Verdict::Violation { .. } => write!(f, "tagout policy: {} {}", Deed(self.0), permitted::Against(self.0)),
            Verdict::Intent(finding, _) => write!(f, "tagout {}: {}", finding.name(), Told(self.0, finding)),
        }
    }
}

/// The alert in a sentence or two.
pub(super) struct Why<'a>(pub(super) &'a Subject<'a>);

impl fmt::Display for Why<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(happening) = self.0.happening {
            return write!(f, "{} was reported, {}", self.0.what(), happening.told(self.0.unit_of_measure()));
        }
        if let Some(broken) = &self.0.broken {
            return write!(f, "{broken}");
        }
        if let Verdict::Intent(finding, _) = self.0.verdict {
            write!(f, "{}.", Told(self.0, finding))?;
            return self.0.repeats.map_or(Ok(()), |repeats| write!(f, " {}", Again(repeats)));
        }
        match &self.0.departed {
            Some(departed) => return write!(f, "{}", departed.told(self.0.who(), self.0.whom())),
            None => write!(f, "{}{}", Deed(self.0), Found(self.0))?,
        }
        match self.0.verdict {
            Verdict::Rule(rule) => write!(f, ".{}{}", Changed(self.0), Reached(rule))?,
            Verdict::Violation { reason, .. } => write!(f, "; {}.", Rebuttal(self.0, reason))?,
            Verdict::Intent(..) => {}
        }
        if let Some(repeats) = self.0.repeats {
            return write!(f, " {}", Again(repeats));
        }
        self.0.answer.map_or(Ok(()), |answer| write!(f, " {}", Consequence(answer)))
    }
}

/// What was wrong where, as in `: length 60 instead of 6`.
struct Found<'a>(&'a Subject<'a>);

impl fmt::Display for Found<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(Finding { field, expected, found, .. }) = self.0.finding else { return Ok(()) };
        match (expected, found) {
            (_, Term::Unstated | Term::Words(_)) => Ok(()),
            (Term::Unstated | Term::Words(_), _) => write!(f, ": {field} {}", Side(*found)),
            _ => write!(f, ": {field} {} instead of {}", Side(*found), Side(*expected)),
        }
    }
}

struct Side(Term);

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Term::Unstated => Ok(()),
            Term::Number(number) => write!(f, "{number}"),
            Term::Between(least, most) => write!(f, "{least} to {most}"),
            Term::Mac(mac) => write!(f, "{mac}"),
            Term::Ip(ip) => write!(f, "{}", Address(ip)),
            Term::Words(words) => f.write_str(words),
        }
    }
}

/// What a command would change, as in ` It was 50 % before, and commanded last by panel.`
struct Changed<'a>(&'a Subject<'a>);

impl fmt::Display for Changed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some((before, value)) = self.0.before.and_then(|before| Some((before, before.value?))) else {
            return Ok(());
        };
        write!(f, " It was {} before", Measured { value, unit: self.0.unit_of_measure() })?;
        if let Some(actor) = before.actor {
            write!(f, ", and commanded last by {}", actor.name)?;
        }
        f.write_str(".")
    }
}

/// What fired a rule beside the match itself.
struct Reached<'a>(RuleInfo<'a>);

impl fmt::Display for Reached<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let RuleInfo { threshold, count, distinct, within_ms, .. } = self.0;
        let within = Decimal::seconds(within_ms);
        match (threshold, distinct) {
            (Threshold::Each | Threshold::Invariant, _) => Ok(()),
            (Threshold::First, _) => f.write_str(" It was not seen before."),
            (Threshold::Distinct, Some(field)) => {
                write!(f, " There were {count} or more different `{}` within {within} s.", field.name())
            }
            (Threshold::Count, _) if count == 1 => write!(f, " What follows within {within} s is not told."),
            (Threshold::Count | Threshold::Distinct, _) => {
                write!(f, " There were {count} or more of them within {within} s.")
            }
            (Threshold::Sequence, _) => write!(f, " It is the last step of several within {within} s."),
            (Threshold::Absent, _) => write!(f, " What should follow within {within} s did not."),
            (Threshold::Lasting, _) => write!(f, " It has lasted for {within} s."),
        }
    }
}

/// What a summary counts.
struct Again(Repeats);

impl fmt::Display for Again {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (count, ms) = (self.0.count, self.0.last.micros_since(self.0.first) / 1_000);
        let within = Duration(if ms < 1_000 { ms } else { ms.saturating_sub(ms % 1_000) } as u32);
        match (count, self.0.is_rate) {
            (1, false) => f.write_str("It happened once more."),
            (_, false) => write!(f, "It happened {count} times more within {within}."),
            (_, true) => write!(f, "There were {count} more of these, by whomever, within {within}."),
        }
    }
}

struct Consequence(Answer);

impl fmt::Display for Consequence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.0.outcome, self.0.refusal) {
            (Outcome::Answered, _) => f.write_str("The device accepted it."),
            (Outcome::Refused, Some(refusal)) => write!(f, "The device refused it: {refusal}."),
            (Outcome::Refused, None) => f.write_str("The device refused it."),
            (Outcome::NoResponseDue, _) => f.write_str("No response is due."),
            (Outcome::Unanswered, _) => f.write_str("The device did not answer."),
            (Outcome::Pending, _) => f.write_str("No answer was seen yet."),
            (Outcome::Unrequested, _) => f.write_str("Its request was not seen."),
        }
    }
}
