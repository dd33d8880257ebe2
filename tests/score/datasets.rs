use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use serde::Deserialize;
use wildmatch::WildMatch;

use crate::Result;

/// The decisions of `datasets.toml`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Decisions {
    datasets: Vec<Decision>,
}

/// One entry; the file says what the keys mean.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Decision {
    captures: Vec<String>,
    #[serde(default)]
    normal: bool,
    scored: Option<bool>,
    #[serde(default)]
    learn_from: Vec<String>,
    /// For people.
    #[expect(dead_code, reason = "an entry has to say why")]
    why: String,
}

/// A capture to score.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Dataset {
    /// Its file name.
    pub(crate) capture: String,
    /// Other captures of the same network that are learned from, where it is not its own clean part.
    pub(crate) teachers: Vec<String>,
}

/// The labelled or normal captures of a folder, in order of name.
///
/// # Errors
/// If the folder or `datasets.toml` cannot be read.
pub(crate) fn datasets(captures: &Path) -> Result<Vec<Dataset>> {
    let decisions: Decisions = toml::from_str(include_str!("datasets.toml"))?;
    let is_labelled = |name: &str| captures.join("labels").join(format!("{name}.csv")).exists();
    let entries = fs::read_dir(captures)?.flatten().filter(|entry| entry.path().is_file());
    let names: BTreeSet<String> = entries.filter_map(|entry| entry.file_name().into_string().ok()).collect();
    let scored = names.iter().filter(|name| decisions.take(name, is_labelled(name)));
    Ok(scored.map(|name| Dataset { capture: name.clone(), teachers: decisions.teachers(name, &names) }).collect())
}

impl Decisions {
    /// Whether a capture is scored.
    fn take(&self, capture: &str, labelled: bool) -> bool {
        let about = || self.datasets.iter().filter(|one| one.is_about(capture));
        (labelled || about().any(|one| one.normal)) && about().all(|one| one.scored != Some(false))
    }

    /// Which captures are learned from; never the capture itself.
    fn teachers(&self, capture: &str, all: &BTreeSet<String>) -> Vec<String> {
        let patterns = self.datasets.iter().filter(|one| one.is_about(capture)).flat_map(|one| &one.learn_from);
        let patterns: Vec<_> = patterns.map(|pattern| WildMatch::new(pattern)).collect();
        let is_teacher = |name: &&String| *name != capture && patterns.iter().any(|pattern| pattern.matches(name));
        all.iter().filter(is_teacher).cloned().collect()
    }
}

impl Decision {
    fn is_about(&self, capture: &str) -> bool {
        self.captures.iter().any(|pattern| WildMatch::new(pattern).matches(capture))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labelled_and_normal_captures_are_scored_unless_decided_otherwise() {
        let text = r#"
            [[datasets]]
            captures = ["lab_normal"]
            normal = true
            why = "nothing in it is an attack"
            [[datasets]]
            captures = ["lab_vague*"]
            scored = false
            why = "its labels say nothing"
        "#;
        let decisions: Decisions = toml::from_str(text).expect("decisions");
        assert!(decisions.take("lab_attack", true));
        assert!(decisions.take("lab_normal", false));
        assert!(!decisions.take("lab_unknown", false));
        assert!(!decisions.take("lab_vague_1", true));
    }

    #[test]
    fn a_capture_is_learned_from_others_and_never_from_itself() {
        let text = r#"
            [[datasets]]
            captures = ["lab_attack_*"]
            learn_from = ["lab_*"]
            why = "one network"
        "#;
        let decisions: Decisions = toml::from_str(text).expect("decisions");
        let all = ["lab_attack_1", "lab_normal", "plant"].map(str::to_owned).into();
        assert_eq!(decisions.teachers("lab_attack_1", &all), ["lab_normal"]);
        assert!(decisions.teachers("plant", &all).is_empty());
    }
}
