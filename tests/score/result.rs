use std::collections::BTreeMap;
use std::path::Path;

use tagout_tests::corpus::{Case, Sent};

use crate::Result;
use crate::clean::Clean;
use crate::labels::{Event, Labels};
use crate::sensor::{Alert, Sensor};

/// What came of one capture.
#[derive(Clone, Debug)]
pub(crate) struct Outcome {
    /// Its file name.
    pub(crate) capture: String,
    /// Each class of attack.
    pub(crate) classes: Vec<Class>,
    /// Its clean traffic, if there is any.
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
    /// From the first to the last of them.
    pub(crate) seconds: f64,
    /// How many alerts each rule raised.
    pub(crate) alerts: BTreeMap<u64, usize>,
}

/// Replays a capture and its clean part, and compares the alerts with the labels.
///
/// # Errors
/// If a file cannot be read or written, or tagout fails.
pub(crate) fn of(capture: &str, captures: &Path, sensor: &Sensor<'_>) -> Result<Outcome> {
    let case = Case::read(captures, capture.to_owned()).ok_or("no truth about it")?;
    let labels = Labels::read(captures, capture)?.unwrap_or_default();
    let classes = classes(&case, &labels, sensor)?;
    let clean = clean_part(&case, &labels, sensor)?;
    Ok(Outcome { capture: capture.to_owned(), classes, clean })
}

fn classes(case: &Case, labels: &Labels, sensor: &Sensor<'_>) -> Result<Vec<Class>> {
    let events = labels.events(&case.requests);
    if events.is_empty() {
        return Ok(Vec::new());
    }
    let rules = Rules::of(&sensor.replay(&case.capture, &case.tagout_options(), &case.name)?);
    let class = |(name, events): (&str, Vec<Event>)| {
        let frames: Vec<u64> = labels.frames(name).collect();
        let told = if events.is_empty() { frames.clone() } else { events.iter().map(|event| event.frame).collect() };
        Class {
            name: name.to_owned(),
            events: events.len(),
            frames: frames.len(),
            detected: rules.count(&told),
            first: rules.first(&events),
        }
    };
    Ok(events.into_iter().map(class).collect())
}

fn clean_part(case: &Case, labels: &Labels, sensor: &Sensor<'_>) -> Result<Option<CleanPart>> {
    let clean = Clean::of(&case.capture, labels)?;
    let requests: Vec<&Sent> = case.requests.iter().filter(|request| clean.contains(request.frame)).collect();
    let (Some(first), Some(last)) = (requests.first(), requests.last()) else { return Ok(None) };
    let part = sensor.stage.join(format!("{}.clean.pcap", case.name));
    clean.cut(&case.capture, &part)?;
    let mut alerts = BTreeMap::new();
    for alert in sensor.replay(&part, &case.tagout_options(), &format!("{}.clean", case.name))? {
        *alerts.entry(alert.rule).or_default() += 1;
    }
    Ok(Some(CleanPart { requests: requests.len(), seconds: last.time_s - first.time_s, alerts }))
}

/// The rule that alerted on each frame; the first of each.
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
        let alert = |frames: &[u64], rule| Alert { frames: frames.to_vec(), rule };
        let rules = Rules::of(&[alert(&[7, 8], 1_000_002), alert(&[5, 6], 1_000_004), alert(&[5], 1_000_001)]);
        let event = |frame| Event { frame, time_s: 100.0 + frame as f64 };
        let first = First { exchange: 2, after_s: 2.0, rule: 1_000_004 };
        assert_eq!(rules.first(&[event(3), event(5), event(7)]), Some(first));
        assert_eq!(rules.first(&[event(1)]), None);
        assert_eq!(rules.count(&[1, 5, 6]), 2);
    }
}
