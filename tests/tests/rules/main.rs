//! Rules, invariants and suppressions: the sensor agrees with a reference that forgets nothing, on random policies and
//! random exchanges.

mod reference;

use std::thread;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestError, TestRng, TestRunner};

use reference::Case;

/// Policies, under each of which [`reference::SEQUENCES`] different things happen: 100,000 cases.
const POLICIES: u32 = 25_000;

#[test]
fn the_sensor_agrees_with_a_reference_that_forgets_nothing() {
    let threads = thread::available_parallelism().map_or(1, |threads| threads.get() as u32);
    thread::scope(|scope| {
        for thread in 0..threads {
            scope.spawn(move || run(thread as u8, POLICIES.div_ceil(threads)));
        }
    });
}

/// The same cases in each run, so that a failure can be looked into; `TAGOUT_RULES_SEED` draws others.
fn run(thread: u8, policies: u32) {
    let drawn = std::env::var("TAGOUT_RULES_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(7_u8);
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[[drawn; 16], [thread; 16]].concat());
    let config = Config { cases: policies, failure_persistence: None, ..Config::default() };
    let result = TestRunner::new_with_rng(config, rng)
        .run(&vec(any::<u16>(), 100..1_000), |numbers| Case::draw(&numbers).check().map_err(TestCaseError::fail));
    match result {
        Ok(()) => {}
        // The numbers behind a case tell nobody anything.
        Err(TestError::Fail(difference, _)) => panic!("{difference}"),
        Err(TestError::Abort(reason)) => panic!("{reason}"),
    }
}
