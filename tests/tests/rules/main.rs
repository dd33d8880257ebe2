//! Rules, invariants and suppressions: the sensor agrees with a reference that forgets nothing, on random policies and
//! random exchanges.

mod reference;

use std::thread;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestError, TestRunner};

use reference::Case;

/// Policies, under each of which [`reference::SEQUENCES`] different things happen: 100,000 cases.
const POLICIES: u32 = 25_000;

#[test]
fn the_sensor_agrees_with_a_reference_that_forgets_nothing() {
    let threads = thread::available_parallelism().map_or(1, |threads| threads.get() as u32);
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| run(POLICIES.div_ceil(threads)));
        }
    });
}

fn run(policies: u32) {
    let config = Config { cases: policies, failure_persistence: None, ..Config::default() };
    let result = TestRunner::new(config)
        .run(&vec(any::<u16>(), 100..1_000), |numbers| Case::draw(&numbers).check().map_err(TestCaseError::fail));
    match result {
        Ok(()) => {}
        // The numbers behind a case tell nobody anything.
        Err(TestError::Fail(difference, _)) => panic!("{difference}"),
        Err(TestError::Abort(reason)) => panic!("{reason}"),
    }
}
