//! `[[tests]]` of policies, run as `tagout test` runs them.

use tagout::config::Config;
use tagout::intent::Keys;
use tagout::testing::{Bench, Problem, run};
use tagout_compiler::{Compiled, SourceFile, compile, packs, render};
use tagout_core::engine::{Grade, Policy};

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
    chosen(files, |_| true)
}

/// The same of the tests with such names.
fn chosen(files: &[SourceFile], is_chosen: impl Fn(&str) -> bool) -> Vec<(String, Vec<Problem>)> {
    let compiled = compiled(files);
    let policy = Policy::load(&compiled.image).expect("a good image");
    let config = Config::default().sensor().expect("a configuration");
    let keys = Keys::of(&policy).expect("keys");
    let bench = Bench { policy, config: &config, keys: &keys, approvals: &compiled.approvals };
    let result = |test| run(test, bench).expect("what is to be read can be");
    let tests = compiled.tests.iter().filter(|test| is_chosen(&test.name));
    tests.map(|test| (test.name.clone(), result(test))).collect()
}

#[test]
fn the_examples_of_the_guide_hold() {
    let texts = examples(POLICY).chain(examples(TESTING));
    let files: Vec<_> =
        (1..).zip(texts).map(|(number, text)| SourceFile::new(format!("{number}.toml"), text)).collect();
    let results = results(&files);
    assert_eq!(results.len(), 4);
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

/// A policy that holds agents to what they declare.
const INTENTS: &str = include_str!("testing/intents.toml");

#[test]
fn what_was_declared_is_held_against_what_is_done() {
    for (name, problems) in results(&[SourceFile::new("intents.toml", INTENTS)]) {
        assert!(problems.is_empty(), "{name}: {problems:#?}");
    }
    for grade in Grade::ALL {
        assert!(INTENTS.contains(&format!("grade = \"{}\"", grade.name())), "{}", grade.name());
    }
}

/// What is wrong with this test of the policy of intents, under this suppression.
fn declaring(suppression: &str, test: &str) -> Vec<(Option<usize>, String, String)> {
    let suppression = if suppression.is_empty() {
        String::new()
    } else {
        format!("[[suppress]]\nname = \"s\"\nreason = \"r\"\n{suppression}\n")
    };
    let start = "start = 2026-01-12T12:00:00Z";
    let text = format!("{INTENTS}\n{suppression}\n[[tests]]\nname = \"this\"\n{start}\n{test}\n");
    let results = chosen(&[SourceFile::new("intents.toml", text)], |name| name == "this");
    let problems = results.into_iter().flat_map(|(_, problems)| problems);
    problems.map(|problem| (problem.step, problem.expected, problem.found)).collect()
}

#[test]
fn a_grade_that_is_not_as_expected_is_told() {
    let found = declaring(
        "",
        r#"intents = []
        steps = [{ from = "agent", write = "plc.speed", value = 30, grade = "exact", alerts = "none" }]"#,
    );
    let said: Vec<_> = found.iter().map(|(step, expected, _)| (*step, expected.as_str())).collect();
    assert_eq!(said, [(Some(1), "`exact` as its grade"), (Some(1), "no alert")]);
    assert_eq!(found[0].2, "`none`");
    assert!(found[1].2.contains("`intent.none` in frame 4: ai-agent agent wrote plc.speed"), "{}", found[1].2);
    let found = declaring(
        "",
        r#"intents = []
        steps = [{ from = "panel", write = "plc.speed", value = 30, grade = "exact" }]"#,
    );
    assert!(found[0].2.starts_with("no command of its own of an actor with `intents`"), "{}", found[0].2);
}

/// Something undeclared that the agent does, and what is found of it.
const UNDECLARED: [(&str, &str); 3] = [
    ("[]", "intent.none"),
    (r#"[{ actor = "agent", device = "plc", points = "speed", do = "write", value = 31 }]"#, "intent.value-mismatch"),
    (r#"[{ actor = "agent", device = "plc", points = "limit", do = "write", value = 30 }]"#, "intent.point-mismatch"),
];

#[test]
fn what_intents_show_is_suppressed_like_violations() {
    const STEP: &str = r#"{ from = "agent", write = "plc.speed", value = 30, grade = "none" }"#;
    for (declared, finding) in UNDECLARED {
        let told = |suppression: &str| {
            let suppression = suppression.replace("NAMED", &format!("rules = \"{finding}\""));
            let test = |alerts: &str| format!("intents = {declared}\nsteps = [{STEP}]\nalerts = {alerts}");
            let (is_quiet, is_told) = (
                declaring(&suppression, &test("\"none\"")).is_empty(),
                declaring(&suppression, &test(&format!("\"{finding}\""))).is_empty(),
            );
            assert_ne!(is_quiet, is_told, "{suppression}");
            is_told
        };
        for suppression in [
            "NAMED",
            "NAMED\nactor = \"agent\"\ndevice = \"plc\"",
            "NAMED\npoints = \"speed\"",
            "NAMED\nwhen = 'command.value < 31'\nuntil = 2026-02-01",
        ] {
            assert!(!told(suppression), "{finding}: {suppression}");
        }
        for suppression in [
            // Those of high severity are suppressed by name alone.
            "actor = \"agent\"",
            "rules = \"intent.exceeded\"",
            "NAMED\nactor = \"trainee\"",
            "NAMED\npoints = \"limit\"",
            "NAMED\nwhen = 'command.value > 31'",
            "NAMED\nwhen = 'point(\"plc.level\") > 1'",
            "NAMED\nuntil = 2026-01-01",
        ] {
            assert!(told(suppression), "{finding}: {suppression}");
        }
    }
}

#[test]
fn what_is_wrong_with_a_declaration_is_suppressed_by_what_it_says() {
    let expired = r#"intents = [{ actor = "agent", device = "plc", points = "speed", do = "write", value = 30, lasts = "1 s" }]
        steps = [{ from = "panel", read = "plc.level" }, { from = "panel", read = "plc.level", after = "1 min" }]"#;
    for (suppression, alerts) in [
        ("actor = \"agent\"", "\"none\""),
        ("rules = \"intent.unfulfilled\"\ndevice = \"plc\"\npoints = \"speed\"", "\"none\""),
        ("rules = \"intent.unfulfilled\"\nwhen = 'action == \"write\"'", "\"none\""),
        ("rules = \"intent.unfulfilled\"\npoints = \"limit\"", "\"intent.unfulfilled\""),
        ("actor = \"trainee\"", "\"intent.unfulfilled\""),
    ] {
        assert_eq!(declaring(suppression, &format!("{expired}\nalerts = {alerts}")), [], "{suppression}");
    }
    let silent = "intents = []\nfeed = \"silent\"\nsteps = [{ from = \"agent\", read = \"plc.level\" }]";
    for (suppression, alerts) in [
        ("rules = \"intent.feed-silent\"", "\"none\""),
        ("rules = \"intent.feed-silent\"\nactor = \"agent\"", "\"intent.feed-silent\""),
    ] {
        assert_eq!(declaring(suppression, &format!("{silent}\nalerts = {alerts}")), [], "{suppression}");
    }
}
