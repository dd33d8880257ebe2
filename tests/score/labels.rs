use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use tagout_tests::corpus::Sent;

use crate::Result;

/// The malicious frames of a capture: number of the frame, class of the attack.
#[derive(Clone, Debug, Default)]
pub(crate) struct Labels(BTreeMap<u64, String>);

/// A request that belongs to an attack.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Event {
    /// Number of the frame that completes it.
    pub(crate) frame: u64,
    /// Seconds since the Unix epoch.
    pub(crate) time_s: f64,
}

/// Of these nobody can say whether a request is malicious, or they are answers.
const DO_NOT_CARE: [&str; 2] = ["reply", "rogue_master_other"];

impl Labels {
    /// Reads the labels of a capture; none if there is no such file.
    ///
    /// # Errors
    /// If a row is not as expected: the frame comes first, the class last but one.
    pub(crate) fn read(captures: &Path, name: &str) -> Result<Option<Self>> {
        let file = captures.join("labels").join(format!("{name}.csv"));
        let Ok(text) = fs::read_to_string(&file) else { return Ok(None) };
        let rows = text.lines().enumerate().skip(1);
        let labels = rows.map(|(at, row)| {
            label(row).ok_or_else(|| format!("{}:{}: expected a frame and a class: {row}", file.display(), at + 1))
        });
        Ok(Some(Self(labels.collect::<std::result::Result<_, String>>()?)))
    }

    /// Labels of these frames, all of one class.
    #[cfg(test)]
    pub(crate) fn of(frames: impl IntoIterator<Item = u64>) -> Self {
        Self(frames.into_iter().map(|frame| (frame, "attack".to_owned())).collect())
    }

    /// Whether a frame makes what it belongs to an attack; answers that the attacked give do not.
    pub(crate) fn is_attack(&self, frame: u64) -> bool {
        self.0.get(&frame).is_some_and(|class| !class.ends_with(":reply"))
    }

    /// Whether a frame is labelled.
    pub(crate) fn contains(&self, frame: u64) -> bool {
        self.0.contains_key(&frame)
    }

    /// Each class of attack with its requests, one a frame; classes that nobody can judge by the request are left out,
    /// classes without requests have none.
    pub(crate) fn events(&self, requests: &[Sent]) -> BTreeMap<&str, Vec<Event>> {
        let classes = self.0.values().map(String::as_str).filter(|class| is_scored(class));
        let mut events: BTreeMap<&str, Vec<Event>> = classes.map(|class| (class, Vec::new())).collect();
        for request in requests {
            let Some(of_class) = self.0.get(&request.frame).and_then(|class| events.get_mut(class.as_str())) else {
                continue;
            };
            if of_class.last().is_none_or(|last| last.frame != request.frame) {
                of_class.push(Event { frame: request.frame, time_s: request.time_s });
            }
        }
        events
    }

    /// The frames of a class.
    pub(crate) fn frames<'a>(&'a self, class: &'a str) -> impl Iterator<Item = u64> + 'a {
        self.0.iter().filter(move |(_, of)| *of == class).map(|(frame, _)| *frame)
    }
}

fn is_scored(class: &str) -> bool {
    let last = class.rsplit(':').next().unwrap_or(class);
    !DO_NOT_CARE.contains(&last)
}

fn label(row: &str) -> Option<(u64, String)> {
    let (frame, rest) = row.split_once(',')?;
    let class = rest.rsplit(',').nth(1)?;
    Some((frame.parse().ok()?, class.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_requests_of_scored_classes_one_a_frame() {
        let rows = [
            "3,10.5,,10.0.0.1,10.0.0.2,dnp3,1,SCAN,ip",
            "4,11.0,,,,dnp3,129,SCAN:reply,ip",
            "9,12.0,,,,arp,,POISON,arp",
        ];
        let labels = Labels(rows.iter().map(|row| label(row).expect("a frame and a class")).collect());
        let sent = |frame| Sent { frame, time_s: frame as f64 };
        let events = labels.events(&[sent(2), sent(3), sent(3), sent(4)]);
        let frames = |class: &str| events.get(class).map(|of| of.iter().map(|event| event.frame).collect::<Vec<_>>());
        assert_eq!(frames("SCAN"), Some(vec![3]));
        assert_eq!(frames("POISON"), Some(vec![]));
        assert_eq!(frames("SCAN:reply"), None);
    }
}
