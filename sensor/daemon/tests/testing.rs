//! `[[tests]]` of policies, run as `tagout test` runs them.

use tagout::config::Config;
use tagout::testing::{Problem, run};
use tagout_compiler::{Compiled, SourceFile, compile, packs, render};
use tagout_core::engine::Policy;

const POLICY: &str = include_str!("../../../docs/guide/policy.md");
const TESTING: &str = include_str!("../../../docs/guide/testing.md");

fn examples(page: &'static str) -> impl Iterator<Item = &'static str> {
    page.split("```toml\n").skip(1).map(|rest| rest.split("```").next().unwrap_or_default())
}

fn compiled(files: &[SourceFile]) -> Compiled {
    compile(files).unwrap_or_else(|errors| panic!("{}", render(&errors, files, false)))
}

/// The tests of a policy by name, each with what is wrong with it; the shipped detections are in force.
fn results(files: &[SourceFile]) -> Vec<(String, Vec<Problem>)> {
    results_alone(&[files, packs().as_slice()].concat())
}

/// The same without the shipped detections.
fn results_alone(files: &[SourceFile]) -> Vec<(String, Vec<Problem>)> {
    let compiled = compiled(files);
    let policy = Policy::load(&compiled.image).expect("a good image");
    let config = Config::default().sensor().expect("a configuration");
    let result = |test| run(test, policy, &config).expect("what is to be read can be");
    compiled.tests.iter().map(|test| (test.name.clone(), result(test))).collect()
}

#[test]
fn the_examples_of_the_guide_hold() {
    let texts = examples(POLICY).chain(examples(TESTING));
    let files: Vec<_> =
        (1..).zip(texts).map(|(number, text)| SourceFile::new(format!("{number}.toml"), text)).collect();
    let results = results(&files);
    assert_eq!(results.len(), 3);
    for (name, problems) in results {
        assert!(problems.is_empty(), "{name}: {problems:#?}");
        assert!(TESTING.contains(&format!("test {name} ... ok\n")), "the page shows how `{name}` is told");
    }
}

/// A policy in which every reason against a command can be reached.
const REASONS: &str = include_str!("testing/reasons.toml");

#[test]
fn every_reason_can_be_expected() {
    for (name, problems) in results(&[SourceFile::new("reasons.toml", REASONS)]) {
        assert!(problems.is_empty(), "{name}: {problems:#?}");
    }
    for reason in tagout_core::engine::Reason::ALL {
        assert!(REASONS.contains(&format!("verdict = \"{}\"", reason.name())), "{}", reason.name());
    }
}

#[test]
fn thresholds_tell_what_the_guide_says_of_them() {
    for (name, problems) in results_alone(&[SourceFile::new("rules.toml", include_str!("testing/rules.toml"))]) {
        assert!(problems.is_empty(), "{name}: {problems:#?}");
    }
}

/// What is wrong with this test of the policy of reasons.
fn wrong(test: &str) -> Vec<(Option<usize>, String, String)> {
    let text = format!("{REASONS}\n[[tests]]\nname = \"this\"\n{test}\n");
    let results = results(&[SourceFile::new("reasons.toml", text)]);
    let (_, problems) = results.into_iter().find(|(name, _)| name == "this").expect("the test");
    problems.into_iter().map(|problem| (problem.step, problem.expected, problem.found)).collect()
}

#[test]
fn what_is_not_as_expected_is_told() {
    let found = wrong(r#"steps = [{ from = "agent", write = "plc.speed", value = 95, verdict = "permitted" }]"#);
    let [(Some(1), expected, found)] = found.as_slice() else { panic!("{found:?}") };
    assert_eq!(expected, "`permitted`");
    assert!(found.starts_with("`value-out-of-range`: ai-agent agent wrote plc.speed = 95 %"), "{found}");

    let found =
        wrong(r#"steps = [{ from = "agent", write = "plc.speed", value = 50, repeat = 9, verdict = "permitted" }]"#);
    assert_eq!(found[0].1, "`permitted` each time, the 7th too");

    let found = wrong(
        "steps = [{ from = \"agent\", write = \"plc.speed\", value = 95, alerts = \"none\" }]\nalerts = [{ rule = \"pace-exceeded\", count = 2 }]",
    );
    let expected: Vec<_> = found.iter().map(|(step, expected, _)| (*step, expected.as_str())).collect();
    assert_eq!(expected, [(Some(1), "no alert"), (None, "2 alerts of `pace-exceeded`"), (None, "no other alert"),]);

    let found = wrong(r#"steps = [{ from = "agent", to = "rtu", dnp3 = "C0", verdict = "permitted" }]"#);
    assert_eq!(found[0].2, "no request that the sensor could read");
}

#[test]
fn a_step_that_nobody_can_stand_in_for_is_told() {
    let text = r#"
        [actors.net]
        kind = "unknown"
        ip = "10.0.0.0/30"
        [actors.a]
        kind = "hmi"
        ip = ["10.0.0.0", "10.0.0.1", "10.0.0.2", "10.0.0.3"]
        [devices.plc]
        ip = "10.0.0.9"
        [[tests]]
        name = "this"
        steps = [{ from = "net", to = "plc", modbus = "11", verdict = "no-permit" }]
    "#;
    let results = results(&[SourceFile::new("a.toml", text)]);
    assert_eq!(results[0].1[0].expected, "a place from which `net` can reach `plc`");
}

/// The policy of reasons with this suppression, and with these steps as its last test.
fn suppressing(suppression: &str, steps: &str, alerts: &str) -> Vec<(Option<usize>, String, String)> {
    let suppression = format!("[[suppress]]\nname = \"s\"\nreason = \"r\"\n{suppression}\n");
    let text = format!("{REASONS}\n{suppression}\n[[tests]]\nname = \"this\"\nsteps = [{steps}]\nalerts = {alerts}\n");
    let results = results(&[SourceFile::new("reasons.toml", text)]);
    let (_, problems) = results.into_iter().find(|(name, _)| name == "this").expect("the test");
    problems.into_iter().map(|problem| (problem.step, problem.expected, problem.found)).collect()
}

const TOO_FAST: &str = r#"{ from = "agent", write = "plc.speed", value = 95, verdict = "value-out-of-range" }"#;
const RESTART: &str = r#"{ from = "agent", to = "plc", modbus = "08 0001 0000", verdict = "action-not-permitted" }"#;
const READ: &str = r#"{ from = "panel", read = "plc.level", verdict = "no-permit" }"#;

#[test]
fn what_is_suppressed_is_no_alert_and_still_a_violation() {
    for (suppression, step) in [
        ("rules = \"value-out-of-range\"", TOO_FAST),
        ("rules = [\"no-permit\", \"value-*\", \"value-out-of-range\"]\nactor = \"agent\"", TOO_FAST),
        ("rules = \"value-out-of-range\"\ndevice = \"p*\"\npoints = [\"speed\", \"mode\"]", TOO_FAST),
        ("rules = \"value-out-of-range\"\nwhen = 'command.value > 90'\nuntil = 2026-01-01", TOO_FAST),
        ("actor = \"panel\"", READ),
    ] {
        let suppression = suppression.replace("\"value-*\", ", "");
        assert_eq!(suppressing(&suppression, step, "\"none\""), [], "{suppression}");
    }
}

#[test]
fn what_a_suppression_does_not_say_is_given() {
    for (suppression, step, alert) in [
        // Violations of high severity are suppressed by name alone.
        ("actor = \"agent\"", TOO_FAST, "value-out-of-range"),
        ("device = \"plc\"\nwhen = 'true'", RESTART, "action-not-permitted"),
        ("rules = \"no-permit\"", TOO_FAST, "value-out-of-range"),
        ("rules = \"value-out-of-range\"\nactor = \"panel\"", TOO_FAST, "value-out-of-range"),
        ("rules = \"value-out-of-range\"\ndevice = \"rtu\"", TOO_FAST, "value-out-of-range"),
        ("rules = \"value-out-of-range\"\npoints = \"mode\"", TOO_FAST, "value-out-of-range"),
        ("rules = \"value-out-of-range\"\nwhen = 'point(\"plc.level\") > 1'", TOO_FAST, "value-out-of-range"),
        ("rules = \"value-out-of-range\"\nuntil = 2025-12-31", TOO_FAST, "value-out-of-range"),
    ] {
        assert_eq!(suppressing(suppression, step, &format!("\"{alert}\"")), [], "{suppression}");
    }
    // Of several points all must be meant: registers 10 and 11.
    let both = r#"{ from = "agent", to = "plc", modbus = "10 000A 0002 04 03B6 0009", verdict = "unexpected" }"#;
    let of_speed = "rules = \"value-out-of-range\"\npoints = \"speed\"";
    assert_eq!(suppressing(of_speed, both, "\"value-out-of-range\""), []);
    assert_eq!(suppressing(&of_speed.replace("\"speed\"", "[\"speed\", \"mode\"]"), both, "\"none\""), []);
}

#[test]
fn rules_are_suppressed_like_violations() {
    let unknown = r#"{ from = "10.1.0.99", to = "10.1.0.11", modbus = "06 0001 0001", verdict = "unjudged" }"#;
    let told = suppressing("rules = 1000002", unknown, "\"none\"");
    assert!(told.iter().any(|(_, _, found)| found.starts_with("1000001 ")), "{told:?}");
    assert_eq!(suppressing("rules = 1000001", unknown, "\"none\""), []);
    assert_eq!(suppressing("when = 'in_cidr(client.ip, \"10.1.0.0/24\")'", unknown, "\"none\""), []);
}
