//! The reference pages under docs/reference are generated from the tables that the code itself uses.
//!
//! `UPDATE_REFERENCE=1 cargo test -p tagout-tests --test reference` writes them anew.

use std::fmt::Write as _;
use std::path::Path;

use clap::CommandFactory as _;
use tagout_core::Counter;
use tagout_core::engine::attack::{TECHNIQUES, VERSION};
use tagout_core::engine::{Action, ActorKind, AnomalyKind, Kind, Policy, Reason, RuleId, Severity, Space};

const NOTE: &str = "<!-- Generated: UPDATE_REFERENCE=1 cargo test -p tagout-tests --test reference -->\n";

#[test]
fn the_command_reference_is_current() {
    let mut command = tagout::cli::Cli::command().term_width(100);
    command.build();
    let mut page = format!("{NOTE}\n# Commands\n\n```text\n{}```\n", help(&mut command));
    for subcommand in command.get_subcommands_mut().filter(|subcommand| subcommand.get_name() != "help") {
        let (name, text) = (subcommand.get_name().to_owned(), help(subcommand));
        let _ = write!(page, "\n## tagout {name}\n\n```text\n{text}```\n");
    }
    holds("commands.md", &page);
}

fn help(command: &mut clap::Command) -> String {
    let text = command.render_long_help().to_string();
    text.lines().map(str::trim_end).fold(String::new(), |page, line| page + line + "\n")
}

#[test]
fn the_word_reference_is_current() {
    let mut page = format!("{NOTE}\n# Words\n\nWhat policy files and records may say, and what it means.\n");
    table(
        &mut page,
        "Actions: `do` and `on-action` of a policy, `ot.action` of a record",
        Action::ALL.iter().map(|word| (word.name(), word.meaning())),
    );
    table(&mut page, "Kinds of actor: `kind`", ActorKind::ALL.iter().map(|word| (word.name(), word.meaning())));
    table(
        &mut page,
        "Address spaces: the key that places a point",
        Space::ALL.iter().map(|word| (word.name(), word.meaning())),
    );
    table(
        &mut page,
        "Types of registers: `type`",
        Kind::ALL.iter().filter(|word| **word != Kind::Native).map(|word| (word.name(), word.meaning())),
    );
    table(&mut page, "Severities", Severity::ALL.iter().map(|word| (word.name(), word.meaning())));
    table(
        &mut page,
        "Reasons of a policy violation: `ot.reason`",
        Reason::ALL.iter().map(|word| (word.name(), word.meaning())),
    );
    table(
        &mut page,
        "Anomalies: `on-anomaly`, `anomaly.event`",
        AnomalyKind::ALL.iter().map(|word| (word.name(), word.meaning())),
    );
    table(&mut page, "Counters: `stats.sensor`", Counter::ALL.iter().map(|word| (word.name(), word.meaning())));
    holds("words.md", &page);
}

fn table<'a>(page: &mut String, title: &str, rows: impl Iterator<Item = (&'a str, &'a str)>) {
    let _ = write!(page, "\n## {title}\n\n| word | meaning |\n| --- | --- |\n");
    for (word, meaning) in rows {
        let _ = writeln!(page, "| `{word}` | {} |", meaning.trim());
    }
}

#[test]
fn the_detection_reference_is_current() {
    let compiled = tagout_compiler::compile(&[tagout_compiler::default_pack()]).expect("the default pack compiles");
    let policy = Policy::load(&compiled.image).expect("the image loads");
    let mut page = format!("{NOTE}\n# Detections\n\nWhat tagout alerts on without a policy.\n\n");
    page += "| sid | detection | severity | ATT&CK for ICS | how often |\n| --- | --- | --- | --- | --- |\n";
    for rule in (0..).map_while(|id| policy.rule_info(RuleId(id))) {
        let technique =
            rule.technique.map_or(String::new(), |technique| format!("{} {}", technique.id, technique.name));
        let often = if rule.once { "first time" } else { "always" };
        let _ =
            writeln!(page, "| {} | {} | {} | {technique} | {often} |", rule.sid, rule.signature, rule.severity.name());
    }
    let _ =
        write!(page, "\n## ATT&CK for ICS {VERSION}\n\n| technique | name | superseded ids |\n| --- | --- | --- |\n");
    for technique in TECHNIQUES {
        let _ = writeln!(page, "| {} | {} | {} |", technique.id, technique.name, technique.superseded.join(", "));
    }
    holds("detections.md", &page);
}

fn holds(name: &str, expected: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/reference").join(name);
    if std::env::var_os("UPDATE_REFERENCE").is_some() {
        std::fs::write(&path, expected).expect("the page can be written");
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(found == expected, "docs/reference/{name} is not current: run with UPDATE_REFERENCE=1");
}
