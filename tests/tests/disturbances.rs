//! Every case of `cases/disturbances`, for each protocol it names and over each kind of network.
//!
//! Each ends in a command that nobody permitted, which must be alerted with the right actor, point and value, and all
//! exchanges that the disturbance did not damage must be reported as they were meant.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use libtest_mimic::{Arguments, Failed, Trial};
use tagout::policy::Sources;
use tagout_compiler::Compiled;
use tagout_core::engine::Policy;
use tagout_tests::case::Case;
use tagout_tests::collect::Records;
use tagout_tests::observe::observe;
use tagout_tests::plant::{self, Lan, Protocol};
use tagout_tests::schema::Checked;

fn main() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("cases/disturbances");
    let policy = Arc::new(plant::policy());
    let mut files: Vec<PathBuf> = std::fs::read_dir(&folder)
        .expect("the cases are there")
        .map(|entry| entry.expect("the folder can be read").path())
        .filter(|path| path.file_name().is_some_and(|name| name != "policy.toml"))
        .collect();
    files.sort();
    let trials = files.iter().flat_map(|file| trials(file, &policy)).collect();
    libtest_mimic::run(&Arguments::from_args(), trials).exit();
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
    let sources = Sources::new(Vec::new());
    let mut checked = Checked::new(policy, &sources, Records::default());
    observe(&scene.capture, protocol, scene.port, policy, &mut checked);
    let Checked { output: records, wrong, .. } = checked;
    let expect = case.expectation(protocol);
    let mut differences = expect.differences(&scene, &records);
    differences.extend(wrong);
    differences.extend(expect.alert_differences(protocol, &records, policy));
    if differences.is_empty() { Ok(()) } else { Err(differences.join("\n").into()) }
}
