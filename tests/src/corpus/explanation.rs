use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use super::difference::{Cases, Differences};

/// The name in the list of differences that stands for every file.
const EVERY_FILE: &str = "*";

/// The differences that are known and understood.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Explanations {
    #[serde(default)]
    difference: Vec<Explanation>,
}

/// Why tagout differs from tshark on one file, or on every one (`*`).
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Explanation {
    file: String,
    reason: String,
    /// Classes, each with its number of cases.
    #[serde(default)]
    counts: BTreeMap<String, usize>,
    /// Classes that may have any number of cases but none.
    #[serde(default)]
    classes: Vec<String>,
}

impl Explanations {
    /// Reads the list.
    ///
    /// # Errors
    /// If the text is not such a list, or gives no reason somewhere, or counts cases of every file.
    pub fn parse(text: &str) -> Result<Self, String> {
        let explanations: Self = toml::from_str(text).map_err(|error| error.to_string())?;
        for explanation in &explanations.difference {
            let file = &explanation.file;
            if explanation.reason.trim().is_empty() {
                return Err(format!("{file}: no reason given"));
            }
            if file == EVERY_FILE && !explanation.counts.is_empty() {
                return Err("what holds for every file is not counted".to_owned());
            }
        }
        Ok(explanations)
    }

    /// Leaves out what is about fields of messages that both tell of.
    #[must_use]
    pub fn of_messages(mut self) -> Self {
        let of_message = |class: &str| class.starts_with("missing ") || class.starts_with("extra ");
        for explanation in &mut self.difference {
            explanation.counts.retain(|class, _| of_message(class));
            explanation.classes.retain(|class| of_message(class));
        }
        self
    }

    /// What stands against the explanations of `file`: differences that have none, and explanations of nothing.
    pub fn contradictions(&self, file: &str, differences: &Differences) -> Vec<String> {
        let counts = self.counts(file);
        let uncounted = self.classes(&[file]);
        let anywhere = self.classes(&[file, EVERY_FILE]);
        let found = differences.0.keys().map(String::as_str);
        let classes: BTreeSet<&str> = counts.keys().chain(&uncounted).copied().chain(found).collect();
        let nothing = Cases::default();
        let contradicted = classes.into_iter().filter_map(|class| {
            let cases = differences.0.get(class).unwrap_or(&nothing);
            let count = cases.frames.len();
            let expected = counts.get(class).copied();
            let explained = match expected {
                Some(expected) => count == expected,
                None => count > 0 && anywhere.contains(class),
            };
            (!explained).then(|| contradiction(class, expected.unwrap_or(0), cases))
        });
        contradicted.collect()
    }

    /// Explanations for every file whose class is not among those found in any.
    pub fn unused<'a>(&'a self, found: &BTreeSet<&str>) -> Vec<&'a str> {
        self.classes(&[EVERY_FILE]).into_iter().filter(|class| !found.contains(class)).collect()
    }

    /// Files that are explained.
    pub fn files(&self) -> impl Iterator<Item = &str> {
        self.difference.iter().map(|explanation| explanation.file.as_str()).filter(|file| *file != EVERY_FILE)
    }

    fn of<'a>(&'a self, files: &[&str]) -> impl Iterator<Item = &'a Explanation> {
        self.difference.iter().filter(|explanation| files.contains(&explanation.file.as_str()))
    }

    fn classes<'a>(&'a self, files: &[&str]) -> BTreeSet<&'a str> {
        self.of(files).flat_map(|explanation| &explanation.classes).map(String::as_str).collect()
    }

    fn counts(&self, file: &str) -> BTreeMap<&str, usize> {
        let mut counts = BTreeMap::new();
        for (class, count) in self.of(&[file]).flat_map(|explanation| &explanation.counts) {
            *counts.entry(class.as_str()).or_default() += count;
        }
        counts
    }
}

fn contradiction(class: &str, expected: usize, cases: &Cases) -> String {
    let first = &cases.frames[..cases.frames.len().min(8)];
    let example = cases.example.as_deref().map(|example| format!(": {example}")).unwrap_or_default();
    format!("{class}: {expected} explained, {} found, in frames {first:?}{example}", cases.frames.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(entry: &str) -> Result<Explanations, String> {
        Explanations::parse(&format!("[[difference]]\n{entry}"))
    }

    fn differences(class: &str, count: u64) -> Differences {
        let mut differences = Differences::default();
        (0..count).for_each(|frame| differences.add(class.to_owned(), frame, None));
        differences
    }

    #[test]
    fn every_difference_needs_its_explanation_and_the_other_way_round() {
        let list = list("file = 'one.pcap'\nreason = 'known'\ncounts = { 'missing dnp3 request 1' = 1 }").unwrap();
        let contradictions =
            |file: &str, count: u64| list.contradictions(file, &differences("missing dnp3 request 1", count)).len();
        assert_eq!([0, 1, 2].map(|count| contradictions("one.pcap", count)), [1, 0, 1]);
        assert_eq!([0, 1].map(|count| contradictions("two.pcap", count)), [0, 1]);
    }

    #[test]
    fn a_class_may_be_explained_for_every_file_and_is_not_counted_then() {
        let list = list("file = '*'\nreason = 'known'\nclasses = ['dnp3 g50v4 value']").unwrap();
        assert_eq!(list.contradictions("one.pcap", &differences("dnp3 g50v4 value", 7)), [""; 0]);
        assert_eq!(list.contradictions("one.pcap", &differences("dnp3 g50v1 value", 1)).len(), 1);
        assert_eq!(list.unused(&BTreeSet::new()), ["dnp3 g50v4 value"]);
        assert_eq!(list.unused(&BTreeSet::from(["dnp3 g50v4 value"])), [""; 0]);
        assert_eq!(list.of_messages().unused(&BTreeSet::new()), [""; 0]);
    }

    #[test]
    fn a_class_of_a_file_is_found_there() {
        let list = list("file = 'one.pcap'\nreason = 'known'\nclasses = ['dnp3 g50v4 value']").unwrap();
        assert_eq!(list.contradictions("one.pcap", &Differences::default()).len(), 1);
        assert_eq!(list.contradictions("one.pcap", &differences("dnp3 g50v4 value", 7)), [""; 0]);
    }

    #[test]
    fn a_reason_is_given_and_a_count_belongs_to_a_file() {
        assert!(list("file = 'one.pcap'\nreason = ' '").is_err());
        assert!(list("file = '*'\nreason = 'known'\ncounts = { 'dnp3 g50v4 value' = 1 }").is_err());
    }
}
