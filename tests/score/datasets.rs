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
    /// For people.
    #[expect(dead_code, reason = "an entry has to say why")]
    why: String,
}

/// The labelled or normal captures of a folder, in order of name.
///
/// # Errors
/// If the folder or `datasets.toml` cannot be read.
pub(crate) fn datasets(captures: &Path) -> Result<Vec<String>> {
    let decisions: Decisions = toml::from_str(include_str!("datasets.toml"))?;
    let is_labelled = |name: &str| captures.join("labels").join(format!("{name}.csv")).exists();
    let entries = fs::read_dir(captures)?.flatten().filter(|entry| entry.path().is_file());
    let names: BTreeSet<String> = entries.filter_map(|entry| entry.file_name().into_string().ok()).collect();
    Ok(names.into_iter().filter(|name| decisions.take(name, is_labelled(name))).collect())
}

impl Decisions {
    /// Whether a capture is scored.
    fn take(&self, capture: &str, labelled: bool) -> bool {
        let about = || self.datasets.iter().filter(|one| one.is_about(capture));
        (labelled || about().any(|one| one.normal)) && about().all(|one| one.scored != Some(false))
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
}
