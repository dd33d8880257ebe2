//! Every real capture at hand, replayed and compared with tshark, frame by frame.

use std::collections::BTreeSet;
use std::time::Duration;

use tagout_tests::corpus::{self, Account, Case, Differences, Explanations, Message, Protocol, tshark};
use tagout_tests::workers;

/// What the comparison of one capture came to.
struct Outcome {
    found: Vec<Message>,
    fields: usize,
    elapsed: Duration,
    differences: Differences,
    contradictions: Vec<String>,
}

#[test]
fn the_captures_agree_with_tshark() {
    let Some(directory) = corpus::directory() else {
        println!("skipped: no captures at ../shared/captures (TAGOUT_CAPTURES names another place)");
        return;
    };
    let explanations = explanations();
    let cases = corpus::cases(&directory);
    let outcomes = workers::each(&cases, |case| judge(case, &explanations));
    let failures = report(&cases, &outcomes);
    let unknown: Vec<&str> = explanations.files().filter(|file| !cases.iter().any(|case| case.name == *file)).collect();
    assert!(unknown.is_empty(), "differences explained of captures that are not there: {unknown:?}");
    let found: BTreeSet<&str> =
        outcomes.iter().flat_map(|outcome| outcome.differences.0.keys()).map(String::as_str).collect();
    let unused = explanations.unused(&found);
    assert!(unused.is_empty(), "differences explained that no capture has: {unused:?}");
    assert!(failures == 0, "{failures} captures contradict tshark or the list of explained differences, see above");
}

/// The explained differences, as far as this machine can find them.
fn explanations() -> Explanations {
    let list = Explanations::parse(include_str!("../captures/differences.toml")).expect("a list of differences");
    if tshark::available() {
        return list;
    }
    println!("skipped: no tshark; function codes are compared with what it once found, values are not");
    list.of_messages()
}

fn judge(case: &Case, explanations: &Explanations) -> Outcome {
    let replay = corpus::replay(&case.capture, &case.tagout_options());
    let found: Vec<Message> = replay.accounts.iter().map(|account| account.message).collect();
    let mut differences = Differences::of(&case.truth, &case.repeated, &found);
    let mut fields = 0;
    if tshark::available() {
        let witness = tshark::witness(&case.capture, &case.tshark_options);
        fields = witness.accounts.iter().map(Account::fields).sum();
        differences.extend(corpus::compare(&witness.accounts, &replay.accounts));
    }
    let mut contradictions = explanations.contradictions(&case.name, &differences);
    contradictions.extend(replay.faults);
    Outcome { found, fields, elapsed: replay.elapsed, differences, contradictions }
}

/// Prints what was compared; tells how many captures failed.
fn report(cases: &[Case], outcomes: &[Outcome]) -> usize {
    let pairs = || cases.iter().zip(outcomes);
    for (case, outcome) in pairs().filter(|(_, outcome)| !outcome.contradictions.is_empty()) {
        println!("{}", case.name);
        outcome.contradictions.iter().for_each(|line| println!("    {line}"));
    }
    println!("{:>10} {:>10} {:>10}", "", "tshark", "tagout");
    for protocol in [Protocol::Modbus, Protocol::Dnp3] {
        let tshark: usize = pairs().map(|(case, _)| count(&case.truth, protocol)).sum();
        let tagout: usize = pairs().map(|(_, outcome)| count(&outcome.found, protocol)).sum();
        println!("{protocol:>10} {tshark:>10} {tagout:>10}");
    }
    println!("{:>10} {:>10}", "fields", outcomes.iter().map(|outcome| outcome.fields).sum::<usize>());
    let elapsed: Duration = outcomes.iter().map(|outcome| outcome.elapsed).sum();
    let failures = outcomes.iter().filter(|outcome| !outcome.contradictions.is_empty()).count();
    println!("{} captures, {failures} of them in contradiction, {:.1} s of replay", cases.len(), elapsed.as_secs_f64());
    failures
}

fn count(messages: &[Message], protocol: Protocol) -> usize {
    messages.iter().filter(|message| message.protocol == protocol).count()
}
