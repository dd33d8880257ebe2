//! Every case of `cases/disturbances`, for each protocol it names and over each kind of network.
//!
//! Each ends in a command that nobody permitted, which must be alerted with the right actor, point and value, and all
//! exchanges that the disturbance did not damage must be reported as they were meant.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use libtest_mimic::{Arguments, Failed, Trial};
use tagout_compiler::{Compiled, SourceFile, compile};
use tagout_core::engine::Policy;
use tagout_tests::case::{Case, Expect};
use tagout_tests::collect::{Raised, Records};
use tagout_tests::observe::observe;
use tagout_tests::plant::{Lan, Protocol};

fn main() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("cases/disturbances");
    let policy = Arc::new(compiled(&folder.join("policy.toml")));
    let mut files: Vec<PathBuf> = std::fs::read_dir(&folder)
        .expect("the cases are there")
        .map(|entry| entry.expect("the folder can be read").path())
        .filter(|path| path.file_name().is_some_and(|name| name != "policy.toml"))
        .collect();
    files.sort();
    let trials = files.iter().flat_map(|file| trials(file, &policy)).collect();
    libtest_mimic::run(&Arguments::from_args(), trials).exit();
}

fn compiled(path: &Path) -> Compiled {
    let text = std::fs::read_to_string(path).expect("the policy can be read");
    let file = SourceFile::new("policy.toml", text);
    compile(&[file]).unwrap_or_else(|diagnostics| panic!("the policy does not compile: {diagnostics:#?}"))
}

fn trials(file: &Path, policy: &Arc<Compiled>) -> Vec<Trial> {
    let name = file.file_stem().expect("a case has a name").to_string_lossy().into_owned();
    let text = std::fs::read_to_string(file).expect("a case can be read");
    let case = match Case::parse(&text) {
        Ok(case) => Arc::new(case),
        Err(error) => return vec![Trial::test(name, move || Err(error.to_string().into()))],
    };
    let mut trials = Vec::new();
    for protocol in case.protocols.clone() {
        for lan in Lan::ALL {
            let (case, policy) = (case.clone(), policy.clone());
            let name = format!("{name}::{}::{}", protocol.name(), lan.name());
            trials.push(Trial::test(name, move || run(&case, protocol, lan, &policy)));
        }
    }
    trials
}

fn run(case: &Case, protocol: Protocol, lan: Lan, policy: &Compiled) -> Result<(), Failed> {
    let scene = case.build(protocol, lan);
    let policy = Policy::load(&policy.image).expect("what the compiler made loads");
    let mut records = Records::default();
    observe(&scene.capture, protocol, scene.port, policy, &mut records);
    let expect = case.expectation(protocol);
    let mut differences = expect.differences(&scene, &records);
    differences.extend(alert_differences(protocol, expect, &records, policy));
    if differences.is_empty() { Ok(()) } else { Err(differences.join("\n").into()) }
}

/// What the dangerous commands are, as an alert names them.
fn dangers(protocol: Protocol) -> [&'static str; 2] {
    match protocol {
        Protocol::Modbus => [
            "optimizer write plc1 pump_speed 99.9 value-out-of-range",
            "optimizer write plc1 pump_speed 95.0 value-out-of-range",
        ],
        Protocol::Dnp3 => [
            "optimizer direct-operate rtu1 breaker_7 0.0 point-not-permitted",
            "optimizer direct-operate rtu1 breaker_8 0.0 point-not-permitted",
        ],
    }
}

fn alert_differences(protocol: Protocol, expect: &Expect, records: &Records, policy: Policy<'_>) -> Vec<String> {
    let mut raised: Vec<String> = records.violations().map(|alert| told(alert, policy)).collect();
    let mut differences = Vec::new();
    for (danger, owed) in dangers(protocol).into_iter().zip([expect.alerts, expect.other_alerts]) {
        let before = raised.len();
        raised.retain(|alert| alert != danger);
        let found = before - raised.len();
        if found != owed {
            differences.push(format!("alerted {found} times, not {owed}: {danger}"));
        }
    }
    differences.extend(raised.iter().map(|alert| format!("alert not expected: {alert}")));
    differences
}

fn told(alert: &Raised, policy: Policy<'_>) -> String {
    let violated = alert.violation.as_ref().expect("the caller chose violations");
    let actor = alert.actor.and_then(|id| policy.actor_info(id)).map_or("nobody", |info| info.name);
    let device = alert.device.and_then(|id| policy.device_info(id)).map_or("nothing", |info| info.name);
    let point = violated.point.and_then(|id| policy.point_info(id)).map_or("nowhere", |info| info.name);
    let action = alert.action.map_or("nothing", |action| action.name());
    let value = violated.value.map_or_else(|| "unknown".into(), |value| format!("{value:.1}"));
    format!("{actor} {action} {device} {point} {value} {}", violated.reason.name())
}
