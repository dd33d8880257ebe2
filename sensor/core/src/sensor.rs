use tagout_engine::Policy;

use crate::config::Config;
use crate::counters::Counters;
use crate::frame::{Frame, Timestamp};
use crate::record::Output;

/// The tables that a sensor works in, lent by its owner. Their sizes are the sensor's bounds.
#[derive(Debug)]
pub struct Storage<'s> {
    /// Placeholder until the tables are in place.
    pub recent: &'s mut [u8],
}

/// The whole path from frame to alert.
///
/// Call [`frame`](Self::frame) for every frame in the order of capture, [`advance`](Self::advance) when time passes
/// without frames, and [`finish`](Self::finish) at the end of the capture. Records go to the [`Output`] given with
/// each call, in an order that depends on the frames alone.
#[derive(Debug)]
pub struct Sensor<'s> {
    config: Config,
    policy: Policy<'s>,
    storage: Storage<'s>,
    counters: Counters,
}

impl<'s> Sensor<'s> {
    /// A sensor that has seen nothing yet.
    pub fn new(config: Config, policy: Policy<'s>, storage: Storage<'s>) -> Self {
        Self { config, policy, storage, counters: Counters::default() }
    }

    /// Takes one captured frame.
    pub fn frame(&mut self, frame: &Frame<'_>, output: &mut impl Output) {
        let _ = (&self.config, &self.policy, &self.storage, frame, output);
    }

    /// Lets time pass: closes what is due by `now`.
    pub fn advance(&mut self, now: Timestamp, output: &mut impl Output) {
        let _ = (now, output);
    }

    /// Ends the capture: closes everything that is pending.
    pub fn finish(&mut self, output: &mut impl Output) {
        let _ = output;
    }

    /// What was counted so far.
    pub fn counters(&self) -> &Counters {
        &self.counters
    }

    /// The policy in force.
    pub fn policy(&self) -> Policy<'s> {
        self.policy
    }
}
