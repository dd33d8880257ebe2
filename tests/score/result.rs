use std::collections::BTreeMap;
use std::path::Path;

use tagout_core::engine::Severity;
use tagout_tests::corpus::{Case, Sent};

use crate::Result;
use crate::clean::Clean;
use crate::datasets::Dataset;
use crate::labels::{Event, Labels};
use crate::lesson::{self, Lesson};
use crate::sensor::{Alert, Judge, Sensor};

/// What came of one capture.
#[derive(Clone, Debug)]
pub(crate) struct Outcome {
    /// Its file name.
    pub(crate) capture: String,
    /// What was learned, if anything could be.
    pub(crate) lesson: Option<Lesson>,
    /// Each class of attack.
    pub(crate) classes: Vec<Class>,
    /// Its clean traffic that was not learned, if there is any.
    pub(crate) clean: Option<CleanPart>,
}

/// One class of attack in one capture.
#[derive(Clone, Debug)]
pub(crate) struct Class {
    /// Its name in the labels.
    pub(crate) name: String,
    /// How many requests it has.
    pub(crate) events: usize,
    /// How many frames; those of a class without requests touch no command.
    pub(crate) frames: usize,
    /// By whom it was found.
    pub(crate) found: Judged<Found>,
}

/// The same by each who judges.
#[derive(Clone, Debug)]
pub(crate) struct Judged<T> {
    /// The detections that tagout ships.
    pub(crate) shipped: T,
    /// The learned policy, if there is one.
    pub(crate) learned: Option<T>,
    /// Both together; the detections alone if there is no policy.
    pub(crate) both: T,
}

/// What was found of a class.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Found {
    /// Requests, or frames of a class without requests, that an alert names.
    pub(crate) detected: usize,
    /// The first of its requests that was detected.
    pub(crate) first: Option<First>,
}

/// The first request of a class that was detected.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct First {
    /// Which of its requests it is, from 1.
    pub(crate) exchange: usize,
    /// Seconds since the first request.
    pub(crate) after_s: f64,
    /// The rule that raised the alert.
    pub(crate) rule: u64,
}

/// What was alerted on clean traffic.
#[derive(Clone, Debug)]
pub(crate) struct CleanPart {
    /// How many requests it has.
    pub(crate) requests: usize,
    /// Over how long; of a pause between two of them, no more than [`LONGEST_PAUSE_S`] counts.
    pub(crate) seconds: f64,
    /// By whom.
    pub(crate) alerts: Judged<Alerts>,
    /// How many alerts both gave on frames without a label in conversations in which somebody attacks.
    pub(crate) amid: usize,
}

/// Where a capture shows a master now and then only, what lies between is not traffic without alerts.
pub(crate) const LONGEST_PAUSE_S: f64 = 60.0;

/// How many alerts of which severity each rule raised.
pub(crate) type Alerts = BTreeMap<(Severity, u64), usize>;

impl<T: Clone> Judged<T> {
    /// What `make` makes of each.
    fn map<U>(&self, make: impl Fn(&T) -> U) -> Judged<U> {
        Judged { shipped: make(&self.shipped), learned: self.learned.as_ref().map(&make), both: make(&self.both) }
    }
}

/// Learns for a capture, replays it, and compares the alerts with the labels.
///
/// # Errors
/// If a file cannot be read or written, or tagout fails.
pub(crate) fn of(dataset: &Dataset, captures: &Path, sensor: &Sensor<'_>) -> Result<Outcome> {
    let capture = &dataset.capture;
    let case = Case::read(captures, capture.clone()).ok_or("no truth about it")?;
    let labels = Labels::read(captures, capture)?.unwrap_or_default();
    let clean = Clean::of(&case.capture, &labels)?;
    let lesson = lesson::of(dataset, &case, &clean, captures, sensor)?;
    let alerts = replays(&case, lesson.as_ref(), sensor)?;
    let learned_until = lesson.as_ref().map_or(0, |lesson| lesson.last);
    Ok(Outcome {
        capture: capture.clone(),
        classes: classes(&case, &labels, &alerts),
        clean: clean_part(&case, (&labels, &clean), learned_until, &alerts),
        lesson,
    })
}

fn replays(case: &Case, lesson: Option<&Lesson>, sensor: &Sensor<'_>) -> Result<Judged<Vec<Alert>>> {
    let shipped = sensor.replay(case, Judge::Shipped)?;
    let Some(Lesson { policy, .. }) = lesson else {
        return Ok(Judged { both: shipped.clone(), learned: None, shipped });
    };
    let learned = Some(sensor.replay(case, Judge::Learned(policy))?);
    Ok(Judged { shipped, learned, both: sensor.replay(case, Judge::Both(policy))? })
}

fn classes(case: &Case, labels: &Labels, alerts: &Judged<Vec<Alert>>) -> Vec<Class> {
    let rules = alerts.map(|alerts| Rules::of(alerts));
    let class = |(name, events): (&str, Vec<Event>)| {
        let frames: Vec<u64> = labels.frames(name).collect();
        let told = if events.is_empty() { frames.clone() } else { events.iter().map(|event| event.frame).collect() };
        Class {
            name: name.to_owned(),
            events: events.len(),
            frames: frames.len(),
            found: rules.map(|rules| Found { detected: rules.count(&told), first: rules.first(&events) }),
        }
    };
    labels.events(&case.requests).into_iter().map(class).collect()
}

/// What was alerted behind frame `learned_until` on clean frames, and beside them on frames that have no label.
fn clean_part(
    case: &Case,
    (labels, clean): (&Labels, &Clean),
    learned_until: u64,
    alerts: &Judged<Vec<Alert>>,
) -> Option<CleanPart> {
    let is_clean = |frame: u64| frame > learned_until && clean.contains(frame);
    let is_unlabelled = |frame: u64| frame > learned_until && !labels.contains(frame);
    let requests: Vec<&Sent> = case.requests.iter().filter(|request| is_clean(request.frame)).collect();
    let seconds = span_s(requests.iter().map(|request| request.time_s));
    // What tells that nothing came names no frame.
    let is_false = |alert: &Alert| !requests.is_empty() && alert.frames.iter().all(|frame| is_clean(*frame));
    let count = |alerts: &Vec<Alert>| {
        let mut counts = Alerts::new();
        for alert in alerts.iter().filter(|alert| is_false(alert)) {
            *counts.entry((alert.severity, alert.rule)).or_default() += 1;
        }
        counts
    };
    let is_amid = |alert: &&Alert| alert.frames.iter().all(|frame| is_unlabelled(*frame)) && !is_false(alert);
    let amid = alerts.both.iter().filter(is_amid).count();
    let requests = requests.len();
    (requests + amid > 0).then(|| CleanPart { requests, seconds, alerts: alerts.map(count), amid })
}

/// Over how long this happens; of a pause no more than [`LONGEST_PAUSE_S`] counts.
pub(crate) fn span_s(times_s: impl Iterator<Item = f64> + Clone) -> f64 {
    let pauses = times_s.clone().skip(1).zip(times_s).map(|(after, before)| (after - before).min(LONGEST_PAUSE_S));
    pauses.fold(0.0, |all, pause| all + pause)
}

/// The rule that alerted on each frame; the first of each.
#[derive(Clone)]
struct Rules(BTreeMap<u64, u64>);

impl Rules {
    fn of(alerts: &[Alert]) -> Self {
        let mut rules = BTreeMap::new();
        for alert in alerts {
            for frame in &alert.frames {
                rules.entry(*frame).or_insert(alert.rule);
            }
        }
        Self(rules)
    }

    /// How many of these frames were alerted on.
    fn count(&self, frames: &[u64]) -> usize {
        frames.iter().filter(|frame| self.0.contains_key(frame)).count()
    }

    fn first(&self, events: &[Event]) -> Option<First> {
        let start_s = events.first()?.time_s;
        events.iter().enumerate().find_map(|(at, event)| {
            let rule = *self.0.get(&event.frame)?;
            Some(First { exchange: at + 1, after_s: event.time_s - start_s, rule })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_request_that_an_alert_names_tells_when_a_class_is_found() {
        let alert = |frames: &[u64], rule| Alert { frames: frames.to_vec(), rule, severity: Severity::High };
        let rules = Rules::of(&[alert(&[7, 8], 1_000_002), alert(&[5, 6], 1_000_004), alert(&[5], 1_000_001)]);
        let event = |frame| Event { frame, time_s: 100.0 + frame as f64 };
        let first = First { exchange: 2, after_s: 2.0, rule: 1_000_004 };
        assert_eq!(rules.first(&[event(3), event(5), event(7)]), Some(first));
        assert_eq!(rules.first(&[event(1)]), None);
        assert_eq!(rules.count(&[1, 5, 6]), 2);
    }
}
