//! Runs the `[[tests]]` of a policy.
//!
//! Steps become frames (`script`, with the messages of `modbus` and `dnp3` in the packets of `wire`), which go through
//! the same sensor as those of a capture (`heard`), which hears meanwhile what is declared (`declared`). `verdict` compares what came of it with what is expected.

mod declared;
mod dnp3;
mod heard;
mod modbus;
mod script;
mod verdict;
mod wire;

use std::path::Path;

use tagout_compiler::testing::{Scene, Test};
use tagout_compiler::{Approval, Location};
use tagout_core::Config;
use tagout_core::engine::Policy;

use heard::Heard;
use script::Script;

use crate::capture::CaptureError;
use crate::intent::Keys;

/// Something in which a policy does not do what a test expects.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Problem {
    /// Where the expectation stands.
    pub location: Location,
    /// The step, from 1, unless it is about the whole test.
    pub step: Option<usize>,
    /// What was expected.
    pub expected: String,
    /// What was found instead.
    pub found: String,
}

/// What tests are run against.
#[derive(Clone, Copy)]
pub struct Bench<'b> {
    /// The policy.
    pub policy: Policy<'b>,
    /// The sensor's configuration.
    pub config: &'b Config,
    /// The keys of the policy that sign declarations.
    pub keys: &'b Keys,
    /// What the policy approves.
    pub approvals: &'b [Approval],
}

/// Runs a test against its policy; nothing is said of a test that holds.
///
/// # Errors
/// When its capture cannot be read.
pub fn run(test: &Test, bench: Bench<'_>) -> Result<Vec<Problem>, CaptureError> {
    match &test.scene {
        Scene::Capture { path, frames } => {
            let heard = Heard::in_capture(Path::new(path), *frames, test, bench)?;
            Ok(verdict::of_capture(test, &heard))
        }
        Scene::Steps { start, steps } => Ok(match Script::of(*start, steps, &bench.policy, bench.config) {
            Ok(script) => {
                let heard = Heard::in_script(&script, test, bench);
                verdict::of_steps(test, steps, &script, &heard)
            }
            Err(problem) => vec![problem],
        }),
    }
}

/// The packets of a test's steps, as a capture file; `None` for a test of a capture.
///
/// # Errors
/// When there is no place that somebody in it can stand in for.
pub fn packets(test: &Test, policy: Policy<'_>, config: &Config) -> Option<Result<Vec<u8>, Problem>> {
    let Scene::Steps { start, steps } = &test.scene else { return None };
    Some(Script::of(*start, steps, &policy, config).map(|script| script.pcap()))
}
