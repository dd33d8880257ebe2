use super::Finding;
use crate::config;
use crate::policy::{Sources, load};

const ABOUT: &str = "policy";

/// What the policy files say; the image that is in force with them, or without them if they are wrong.
pub(super) fn examine(policy: &config::Policy, tell: &mut impl FnMut(Finding)) -> Vec<u8> {
    match Sources::read_sealed(policy) {
        Ok((sources, _)) => match sources.compile_quietly() {
            Ok((compiled, warnings)) => {
                tell(judge(policy, &compiled.image, &warnings));
                return compiled.image;
            }
            Err(errors) => tell(refused(errors.lines().next().unwrap_or_default())),
        },
        Err(failure) => tell(refused(failure.message().unwrap_or("it cannot be read"))),
    }
    let shipped = Sources::read(&[], true).ok().and_then(|sources| sources.compile_quietly().ok());
    shipped.map(|(compiled, _)| compiled.image).unwrap_or_default()
}

fn refused(why: &str) -> Finding {
    Finding::failed(ABOUT, why, "`tagout check` tells everything that is wrong with it")
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
        let advice = "name files under [policy]; `tagout learn` writes a first policy out of clean traffic";
        return Finding::warning(ABOUT, format!("no file of the site's own: {counts}"), advice);
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

    fn found(policy: &config::Policy) -> (Finding, bool) {
        let mut told = Vec::new();
        let image = examine(policy, &mut |finding| told.push(finding));
        (told.remove(0), load(&image).is_ok())
    }

    #[test]
    fn a_wrong_policy_is_told_and_the_shipped_rules_are_used_to_listen() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("site.toml");
        let policy = config::Policy { files: vec![file.clone()], ..config::Policy::default() };
        let (missing, is_loaded) = found(&policy);
        assert_eq!((missing.verdict, is_loaded), (Verdict::Failed, true));
        fs::write(&file, "[devices.plc]\nipp = \"192.0.2.1\"\n").unwrap();
        let (wrong, is_loaded) = found(&policy);
        assert_eq!((wrong.verdict, is_loaded), (Verdict::Failed, true), "{}", wrong.found);
        fs::write(&file, "[devices.plc]\nip = \"192.0.2.1\"\n").unwrap();
        let (right, is_loaded) = found(&policy);
        assert!(is_loaded && right.found.contains("1 devices"), "{}", right.found);
    }

    #[test]
    fn without_a_policy_there_is_a_hint_to_learn_one() {
        let (finding, _) = found(&config::Policy::default());
        assert_eq!(finding.verdict, Verdict::Warning);
        assert!(finding.advice.unwrap().contains("tagout learn"));
    }
}
