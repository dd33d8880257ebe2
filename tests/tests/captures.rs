//! Every real capture at hand, replayed and compared with tshark, frame by frame.

use std::io::{BufRead, BufReader};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use tagout_tests::binary;
use tagout_tests::corpus::{self, Case, Differences, Explanations, Message, Protocol};

const WORKERS: usize = 2;

/// What a replay of one capture came to.
struct Outcome {
    found: Vec<Message>,
    elapsed: Duration,
    contradictions: Vec<String>,
}

#[test]
fn the_captures_agree_with_tshark() {
    let Some(directory) = corpus::directory() else {
        println!("skipped: no captures at ../shared/captures (TAGOUT_CAPTURES names another place)");
        return;
    };
    let explanations =
        Explanations::parse(include_str!("../captures/differences.toml")).expect("a list of differences");
    let cases = corpus::cases(&directory);
    let outcomes = replay_all(&cases, &explanations);
    let failures = report(&cases, &outcomes);
    let unknown: Vec<&str> = explanations.files().filter(|file| !cases.iter().any(|case| case.name == *file)).collect();
    assert!(unknown.is_empty(), "differences explained of captures that are not there: {unknown:?}");
    assert!(failures == 0, "{failures} captures contradict tshark or the list of explained differences, see above");
}

fn replay_all(cases: &[Case], explanations: &Explanations) -> Vec<Outcome> {
    let next = AtomicUsize::new(0);
    let outcomes = Mutex::new(Vec::new());
    let work = || {
        while let Some((at, case)) = cases.iter().enumerate().nth(next.fetch_add(1, Ordering::Relaxed)) {
            let outcome = judge(case, explanations);
            outcomes.lock().expect("no worker panicked").push((at, outcome));
        }
    };
    std::thread::scope(|scope| (0..WORKERS).for_each(|_| drop(scope.spawn(work))));
    let mut outcomes = outcomes.into_inner().expect("no worker panicked");
    outcomes.sort_by_key(|(at, _)| *at);
    outcomes.into_iter().map(|(_, outcome)| outcome).collect()
}

fn judge(case: &Case, explanations: &Explanations) -> Outcome {
    let start = Instant::now();
    let (found, status, errors) = replay(case);
    let elapsed = start.elapsed();
    let mut contradictions = explanations.contradictions(&case.name, &Differences::of(case, &found));
    if !status.success() || errors.contains("panicked") {
        contradictions.push(format!("replay ended with {status}: {errors}"));
    }
    Outcome { found, elapsed, contradictions }
}

fn replay(case: &Case) -> (Vec<Message>, ExitStatus, String) {
    let ports = case.dnp3_ports.iter().flat_map(|port| ["--dnp3-port".to_owned(), port.to_string()]);
    let mut child = Command::new(binary::tagout())
        .arg("replay")
        .arg(&case.capture)
        .args(["--quiet", "--events", "-"])
        .args(ports)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("tagout can be run");
    let stderr = child.stderr.take().expect("a pipe");
    let errors = std::thread::spawn(|| std::io::read_to_string(stderr).unwrap_or_default());
    let lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
    let found = lines.map_while(Result::ok).flat_map(|line| messages(&line)).collect();
    let status = child.wait().expect("tagout ends");
    (found, status, errors.join().unwrap_or_default())
}

fn messages(line: &str) -> Vec<Message> {
    let event = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
    Message::of_event(&event)
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
    let elapsed: Duration = outcomes.iter().map(|outcome| outcome.elapsed).sum();
    let failures = outcomes.iter().filter(|outcome| !outcome.contradictions.is_empty()).count();
    println!("{} captures, {failures} of them in contradiction, {:.1} s of replay", cases.len(), elapsed.as_secs_f64());
    failures
}

fn count(messages: &[Message], protocol: Protocol) -> usize {
    messages.iter().filter(|message| message.protocol == protocol).count()
}
