//! The shipped packs against the cases beside them.

use std::collections::BTreeSet;

use tagout_compiler::{SourceFile, compile, default_pack, render};
use tagout_engine::{Action, ActorId, AnomalyKind, DeviceId, Policy, RuleId, Verdict};

const CASES: &str = include_str!("../../packs/default.cases.toml");

fn image(files: &[SourceFile]) -> Vec<u8> {
    let compiled = compile(files).unwrap_or_else(|errors| panic!("{}", render(&errors, files, false)));
    assert!(compiled.warnings.is_empty(), "{}", render(&compiled.warnings, files, false));
    compiled.image
}

fn fired(policy: &Policy<'_>, word: &str) -> Vec<RuleId> {
    match (Action::from_name(word), AnomalyKind::from_name(word)) {
        (Some(action), None) => policy.rules_for_action(action).collect(),
        (None, Some(kind)) => policy.rules_for_anomaly(kind).collect(),
        _ => panic!("`{word}` is neither an action nor a kind of anomaly"),
    }
}

fn words(case: &toml::Table, key: &str) -> BTreeSet<String> {
    let words = case[key].as_array().expect("a list").iter();
    words.map(|word| word.as_str().expect("a word").to_owned()).collect()
}

#[test]
fn every_rule_fires_on_its_cases_and_on_nothing_else() {
    let image = image(&[default_pack()]);
    let policy = Policy::load(&image).expect("a good image");
    let cases: toml::Table = CASES.parse().expect("the cases are TOML");
    assert_eq!(policy.rule_count(), cases.len(), "a case for every rule");
    for id in (0..policy.rule_count() as u16).map(RuleId) {
        let rule = policy.rule_info(id).expect("a rule");
        let case = cases[&rule.sid.to_string()].as_table().expect("a case");
        let all = Action::ALL.iter().map(|action| action.name()).chain(AnomalyKind::ALL.iter().map(|kind| kind.name()));
        let fires: BTreeSet<_> = all.filter(|word| fired(&policy, word).contains(&id)).map(str::to_owned).collect();
        assert_eq!(fires, words(case, "on"), "{}", rule.signature);
        assert!(fires.is_disjoint(&words(case, "not-on")), "{}", rule.signature);
        assert_eq!(policy.fires_once(id), case.contains_key("once"), "{}", rule.signature);
        assert!(rule.technique.is_some() && !rule.category.is_empty(), "{}", rule.signature);
    }
}

#[test]
fn losses_and_strays_of_a_network_are_events_only() {
    let image = image(&[default_pack()]);
    let policy = Policy::load(&image).expect("a good image");
    for quiet in ["tcp-gap", "tcp-out-of-window", "unmatched-response", "read", "confirm", "identify"] {
        assert_eq!(fired(&policy, quiet), [], "{quiet}");
    }
}

/// With the pack alone nothing is judged, so that its rules on actions decide; beside a policy, permits do.
#[test]
fn the_pack_judges_nothing_and_goes_with_any_policy() {
    let alone = image(&[default_pack()]);
    let policy = Policy::load(&alone).expect("a good image");
    let nobody = policy.judge(Some(ActorId(0)), Some(DeviceId(0)), Action::Restart, std::iter::empty());
    assert_eq!(nobody, Verdict::Unjudged);
    let site = SourceFile::new("site.toml", "[devices.plc]\nip = \"10.0.0.1\"\n");
    let both = image(&[default_pack(), site]);
    let policy = Policy::load(&both).expect("a good image");
    let verdict = policy.judge(None, Some(DeviceId(0)), Action::Restart, std::iter::empty());
    assert!(matches!(verdict, Verdict::Unexpected(_)));
    assert_eq!(fired(&policy, "restart").len(), 1);
}
