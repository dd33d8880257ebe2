use std::collections::{BTreeMap, HashMap};

use serde::Deserialize;

use super::case::Case;
use super::message::Message;

/// How tagout differs from tshark on one capture: frames by class, such as `extra modbus request 3`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Differences(pub BTreeMap<String, Vec<u64>>);

impl Differences {
    /// Compares what tagout found with what tshark found, frame by frame.
    pub fn of(case: &Case, found: &[Message]) -> Self {
        let mut balance: HashMap<Message, i64> = HashMap::new();
        case.truth.iter().for_each(|message| *balance.entry(*message).or_default() += 1);
        found.iter().for_each(|message| *balance.entry(*message).or_default() -= 1);
        for message in &case.repeated {
            if let Some(extra) = balance.get_mut(message).filter(|balance| **balance < 0) {
                *extra += 1;
            }
        }
        let mut differences = Self::default();
        balance.into_iter().for_each(|(message, balance)| differences.add(&message, balance));
        differences.0.values_mut().for_each(|frames| frames.sort_unstable());
        differences
    }

    fn add(&mut self, message: &Message, balance: i64) {
        let word = if balance > 0 { "missing" } else { "extra" };
        let frames = std::iter::repeat_n(message.frame, balance.unsigned_abs() as usize);
        if balance != 0 {
            self.0.entry(format!("{word} {}", message.class())).or_default().extend(frames);
        }
    }
}

/// The differences that are known and understood.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Explanations {
    #[serde(default)]
    difference: Vec<Explanation>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Explanation {
    file: String,
    reason: String,
    counts: BTreeMap<String, usize>,
}

impl Explanations {
    /// Reads the list.
    ///
    /// # Errors
    /// If the text is not such a list, or gives no reason somewhere.
    pub fn parse(text: &str) -> Result<Self, String> {
        let explanations: Self = toml::from_str(text).map_err(|error| error.to_string())?;
        let silent = explanations.difference.iter().find(|explanation| explanation.reason.trim().is_empty());
        silent.map_or(Ok(()), |silent| Err(format!("{}: no reason given", silent.file)))?;
        Ok(explanations)
    }

    /// What stands against the explanations of `file`: differences that have none, and explanations of nothing.
    pub fn contradictions(&self, file: &str, differences: &Differences) -> Vec<String> {
        let explained = self.of(file);
        let classes = explained.keys().copied().chain(differences.0.keys().map(String::as_str));
        let classes: std::collections::BTreeSet<&str> = classes.collect();
        classes
            .into_iter()
            .filter_map(|class| {
                let frames = differences.0.get(class).map_or(&[][..], Vec::as_slice);
                let expected = explained.get(class).copied().unwrap_or(0);
                (frames.len() != expected).then(|| {
                    let first = &frames[..frames.len().min(8)];
                    format!("{class}: {} explained, {} found, in frames {first:?}", expected, frames.len())
                })
            })
            .collect()
    }

    /// Files that are explained.
    pub fn files(&self) -> impl Iterator<Item = &str> {
        self.difference.iter().map(|explanation| explanation.file.as_str())
    }

    fn of(&self, file: &str) -> BTreeMap<&str, usize> {
        let mut counts = BTreeMap::new();
        for explanation in self.difference.iter().filter(|explanation| explanation.file == file) {
            for (class, count) in &explanation.counts {
                *counts.entry(class.as_str()).or_default() += count;
            }
        }
        counts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn case(truth: &[Message], repeated: &[Message]) -> Case {
        let (truth, repeated) = (truth.to_vec(), repeated.to_vec());
        Case { name: "one.pcap".into(), capture: "one.pcap".into(), truth, repeated, dnp3_ports: Vec::new() }
    }

    #[test]
    fn frames_are_compared_one_by_one() {
        let found = [Message::dnp3(1, 1), Message::dnp3(2, 129), Message::dnp3(2, 129)];
        let differences = Differences::of(&case(&[Message::dnp3(1, 1), Message::dnp3(3, 129)], &[]), &found);
        let expected = [("extra dnp3 response 129", vec![2, 2]), ("missing dnp3 response 129", vec![3])];
        assert_eq!(differences.0, expected.map(|(class, frames)| (class.to_owned(), frames)).into());
    }

    #[test]
    fn a_repetition_may_be_counted_or_not() {
        let case = case(&[Message::dnp3(1, 1)], &[Message::dnp3(2, 1)]);
        assert_eq!(Differences::of(&case, &[Message::dnp3(1, 1)]), Differences::default());
        assert_eq!(Differences::of(&case, &[Message::dnp3(1, 1), Message::dnp3(2, 1)]), Differences::default());
    }

    #[test]
    fn every_difference_needs_its_explanation_and_the_other_way_round() {
        let list = "[[difference]]\nfile = 'one.pcap'\nreason = 'known'\ncounts = { 'missing dnp3 request 1' = 1 }\n";
        let list = Explanations::parse(list).unwrap();
        let one = Differences::of(&case(&[Message::dnp3(1, 1)], &[]), &[]);
        let two = Differences::of(&case(&[Message::dnp3(1, 1), Message::dnp3(2, 1)], &[]), &[]);
        assert_eq!(list.contradictions("one.pcap", &one), [""; 0]);
        assert_eq!(list.contradictions("one.pcap", &two).len(), 1);
        assert_eq!(list.contradictions("one.pcap", &Differences::default()).len(), 1);
        assert_eq!(list.contradictions("two.pcap", &one).len(), 1);
    }
}
