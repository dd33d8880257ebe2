//! What is expected against what was heard.

use tagout_compiler::Location;
use tagout_compiler::testing::{self, Expected, Judged, Step, Test};
use tagout_core::engine::{Grade, Judgement};

use super::Problem;
use super::heard::{By, Heard, Raised};
use super::script::Script;

/// What is wrong with what came of a capture.
pub(super) fn of_capture(test: &Test, heard: &Heard) -> Vec<Problem> {
    let all: Vec<_> = heard.alerts.iter().collect();
    alerts(&test.location, None, test.alerts.as_deref(), &all)
}

/// What is wrong with what came of steps.
pub(super) fn of_steps(test: &Test, steps: &[Step], script: &Script, heard: &Heard) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (number, step) in steps.iter().enumerate() {
        let frames: Vec<_> = script.requests.iter().filter(|(of, _)| *of == number).map(|(_, frame)| *frame).collect();
        let wrong = step.verdict.and_then(|verdict| wrong_verdict(verdict, &frames, heard));
        let wrong_grade = step.grade.and_then(|grade| wrong_grade(grade, &frames, heard));
        problems.extend(wrong.into_iter().chain(wrong_grade).map(|(expected, found)| Problem {
            location: step.location.clone(),
            step: Some(number + 1),
            expected,
            found,
        }));
        let raised: Vec<_> = heard.alerts.iter().filter(|alert| script.step_of(alert.frame) == Some(number)).collect();
        problems.extend(alerts(&step.location, Some(number + 1), step.alerts.as_deref(), &raised));
    }
    let all: Vec<_> = heard.alerts.iter().collect();
    problems.extend(alerts(&test.location, None, test.alerts.as_deref(), &all));
    problems
}

impl Script {
    /// The step that a frame belongs to.
    fn step_of(&self, frame: u64) -> Option<usize> {
        let behind = self.requests.partition_point(|(_, request)| *request <= frame);
        self.requests.get(behind.checked_sub(1)?).map(|(step, _)| *step)
    }
}

/// The first of these requests of which the permits do not say what is expected: what is, and what they say.
fn wrong_verdict(expected: Judged, frames: &[u64], heard: &Heard) -> Option<(String, String)> {
    let wrong = |(turn, frame): (usize, &u64)| {
        let found = heard.verdict(*frame);
        let right = match (expected, &found) {
            (Judged::Judgement(judgement), Some((found, _))) => judgement == *found,
            (Judged::Because(reason), Some((_, Some((found, _))))) => reason == *found,
            _ => false,
        };
        let found = match found {
            None => "no request that the sensor could read".to_owned(),
            Some((Judgement::Unexpected, Some((reason, why)))) => format!("`{}`: {why}", reason.name()),
            Some((judgement, _)) => format!("`{}`", judgement.name()),
        };
        let time = if frames.len() > 1 { format!(" each time, the {} too", Nth(turn + 1)) } else { String::new() };
        (!right).then(|| (format!("`{}`{time}", expected.name()), found))
    };
    frames.iter().enumerate().find_map(wrong)
}

/// The first of these requests that what was declared does not cover as expected: how it should, and how it does.
fn wrong_grade(expected: Grade, frames: &[u64], heard: &Heard) -> Option<(String, String)> {
    let found = frames.iter().map(|frame| heard.grade(*frame)).find(|found| *found != Some(expected))?;
    let found = found.map_or(
        "no command of its own of an actor with `intents`: a read, part of one before, or of somebody else".to_owned(),
        |grade| format!("`{}`", grade.name()),
    );
    Some((format!("`{}` as its grade", expected.name()), found))
}

/// What is wrong with alerts, if they are to be these and no others.
fn alerts(location: &Location, step: Option<usize>, expected: Option<&[Expected]>, raised: &[&Raised]) -> Vec<Problem> {
    let Some(expected) = expected else { return Vec::new() };
    let problem = |expected: String, found: String| Problem { location: location.clone(), step, expected, found };
    let missing = expected.iter().filter_map(|one| wrong_count(one, raised));
    let mut problems: Vec<_> = missing.map(|(wanted, found)| problem(wanted, found)).collect();
    let surplus = raised.iter().find(|alert| !expected.iter().any(|one| is_of(one, alert)));
    problems.extend(surplus.map(|alert| {
        let rest = if expected.is_empty() { "no alert" } else { "no other alert" };
        problem(rest.to_owned(), format!("{} in frame {}: {}", named(&alert.by), alert.frame, alert.why))
    }));
    problems
}

/// What is expected of one kind of alert, and how many there are instead.
fn wrong_count(expected: &Expected, raised: &[&Raised]) -> Option<(String, String)> {
    let fitting: Vec<_> = raised.iter().filter(|alert| is_of(expected, alert)).collect();
    let absent = expected.frames.iter().find(|frame| !fitting.iter().any(|alert| alert.frame == **frame));
    if let Some(frame) = absent {
        return Some((format!("an alert of `{}` in frame {frame}", expected.name), "none there".to_owned()));
    }
    let found = fitting.len();
    let right = expected.count.map_or(found > 0, |count| usize::try_from(count).is_ok_and(|count| count == found));
    let wanted = expected.count.map_or("some".to_owned(), |count| count.to_string());
    (!right).then(|| (format!("{wanted} alerts of `{}`", expected.name), format!("{found} alerts of it")))
}

fn is_of(expected: &Expected, alert: &Raised) -> bool {
    let rule = match (&expected.by, &alert.by) {
        (testing::Raised::Violation(reason), By::Violation(found)) => reason == found,
        (testing::Raised::Intent(finding), By::Intent(found)) => finding == found,
        (testing::Raised::Rules(meant), By::Rule(sid, signature)) => {
            meant.iter().any(|one| (one.0, &one.1) == (*sid, signature))
        }
        _ => false,
    };
    rule && (expected.frames.is_empty() || expected.frames.contains(&alert.frame))
}

fn named(by: &By) -> String {
    match by {
        By::Violation(reason) => format!("`{}`", reason.name()),
        By::Intent(finding) => format!("`{}`", finding.name()),
        By::Rule(sid, signature) => format!("{sid} `{signature}`"),
    }
}

/// An ordinal number.
struct Nth(usize);

impl std::fmt::Display for Nth {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let suffix = match (self.0 % 10, self.0 % 100) {
            (_, 11..=13) => "th",
            (1, _) => "st",
            (2, _) => "nd",
            (3, _) => "rd",
            _ => "th",
        };
        write!(f, "{}{suffix}", self.0)
    }
}
