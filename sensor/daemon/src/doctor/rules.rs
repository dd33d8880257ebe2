use super::Finding;
use crate::config;
use crate::policy::{Sources, load};

const ABOUT: &str = "policy";

/// What traffic is held against here.
pub(super) struct Rules {
    /// The compiled policy.
    pub(super) image: Vec<u8>,
    /// Whether it is what the site's files say: not so where these are wrong, so that it tells nothing of what the site knows.
    pub(super) are_sites: bool,
}

/// What the policy files say; the image that is in force with them, or the shipped rules alone if they are wrong.
pub(super) fn examine(policy: &config::Policy, tell: &mut impl FnMut(Finding)) -> Rules {
    match Sources::read_sealed(policy) {
        Ok((sources, _)) => match sources.compile_quietly() {
            Ok((compiled, warnings)) => {
                tell(judge(policy, &compiled.image, &warnings));
                return Rules { image: compiled.image, are_sites: true };
            }
            Err(errors) => tell(refused(errors.lines().next().unwrap_or_default())),
        },
        Err(failure) => tell(refused(failure.message().unwrap_or("it cannot be read"))),
    }
    let shipped = Sources::read(&[], true).ok().and_then(|sources| sources.compile_quietly().ok());
    Rules { image: shipped.map(|(compiled, _)| compiled.image).unwrap_or_default(), are_sites: false }
}

fn refused(why: &str) -> Finding {
    Finding::failed(
        ABOUT,
        why,
        "correct it (`tagout check` shows all that is wrong): the sensor does not start with it",
    )
}

fn judge(written: &config::Policy, image: &[u8], warnings: &str) -> Finding {
    let Ok(policy) = load(image) else { return refused("the compiled policy cannot be loaded") };
    let counts = format!(
        "{} actors, {} devices, {} points, {} permits, {} rules",
        policy.actor_count(),
        policy.device_count(),
        policy.point_count(),
        policy.permit_count(),
        policy.rule_count()
    );
    if written.files.is_empty() {
        let advice = "name its files under [policy]; `tagout learn` writes a first one out of clean traffic";
        return Finding::warning(
            ABOUT,
            format!("there is none of the site's own, and only the shipped rules apply: {counts}"),
            advice,
        );
    }
    match warnings.lines().filter(|line| line.starts_with("warning")).count() {
        0 => Finding::ok(ABOUT, counts),
        count => Finding::warning(ABOUT, format!("{counts}; {count} warnings"), "read them with `tagout check`"),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::doctor::Verdict;

    /// What is told, and whether the rules that are left are the site's.
    fn found(policy: &config::Policy) -> (Finding, bool) {
        let mut told = Vec::new();
        let rules = examine(policy, &mut |finding| told.push(finding));
        assert!(load(&rules.image).is_ok());
        (told.remove(0), rules.are_sites)
    }

    #[test]
    fn a_wrong_policy_is_told_and_the_shipped_rules_are_used_to_listen() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("site.toml");
        let policy = config::Policy { files: vec![file.clone()], ..config::Policy::default() };
        let (missing, are_sites) = found(&policy);
        assert_eq!((missing.verdict, are_sites), (Verdict::Failed, false));
        fs::write(&file, "[devices.plc]\nipp = \"192.0.2.1\"\n").unwrap();
        let (wrong, are_sites) = found(&policy);
        assert_eq!((wrong.verdict, are_sites), (Verdict::Failed, false), "{}", wrong.found);
        fs::write(&file, "[devices.plc]\nip = \"192.0.2.1\"\n").unwrap();
        let (right, are_sites) = found(&policy);
        assert!(are_sites && right.found.contains("1 devices"), "{}", right.found);
    }

    #[test]
    fn without_a_policy_there_is_a_hint_to_learn_one() {
        let (finding, _) = found(&config::Policy::default());
        assert_eq!(finding.verdict, Verdict::Warning);
        assert!(finding.advice.unwrap().contains("tagout learn"));
    }
}
