//! The policy examples of the guide are one policy in several files, and compile without a warning.

use tagout_compiler::{SourceFile, compile, render};
use tagout_engine::{Action, ActorKind, AnomalyKind, Kind, Policy, Severity, Space};

const GUIDE: &str = include_str!("../../../docs/guide/policy.md");

fn examples() -> impl Iterator<Item = &'static str> {
    GUIDE.split("```toml\n").skip(1).map(|rest| rest.split("```").next().unwrap_or_default())
}

#[test]
fn the_error_shown_is_the_one_reported() {
    let text = examples().next().expect("an example").replacen("actor  = \"optimizer\"", "actor  = \"optimiser\"", 1);
    let files = [SourceFile::new("plant.toml", text)];
    let said = render(&compile(&files).expect_err("an unknown actor"), &files, false);
    assert!(GUIDE.contains(&said), "the guide does not show\n{said}");
}

#[test]
fn the_examples_compile() {
    let files: Vec<_> =
        (1..).zip(examples()).map(|(number, text)| SourceFile::new(format!("example {number}"), text)).collect();
    assert!(files.len() >= 5, "the guide has examples");
    let compiled = compile(&files).unwrap_or_else(|errors| panic!("{}", render(&errors, &files, false)));
    assert!(compiled.warnings.is_empty(), "{}", render(&compiled.warnings, &files, false));
    let policy = Policy::load(&compiled.image).expect("a good image");
    assert!(policy.actor_count() > 1 && policy.device_count() > 1 && policy.permit_count() > 1);
}

#[test]
fn every_word_is_explained() {
    let explained = |word: &str| assert!(GUIDE.contains(&format!("`{word}`")), "the guide does not mention `{word}`");
    Action::ALL.iter().for_each(|word| explained(word.name()));
    ActorKind::ALL.iter().for_each(|word| explained(word.name()));
    AnomalyKind::ALL.iter().for_each(|word| explained(word.name()));
    Severity::ALL.iter().for_each(|word| explained(word.name()));
    Space::ALL.iter().for_each(|word| explained(word.name()));
    Kind::ALL.iter().skip(1).for_each(|word| explained(word.name()));
}
