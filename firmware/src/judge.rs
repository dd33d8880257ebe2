use core::fmt::Write;

use heapless::String;
use tagout_core::engine::Policy;
use tagout_core::{Config, Sensor};

use crate::alerts::AlertLines;
use crate::capture::Capture;
use crate::tables::Tables;

/// Judges a capture from its first frame to its last, and gives what there is to tell to `tell`, a line at a time: each alert,
/// and then each counter that is not 0 as `name=count`.
pub fn judge(policy: Policy<'_>, capture: Capture<'_>, tables: &mut Tables, mut tell: impl FnMut(&str)) {
    let mut sensor = Sensor::new(Config::default(), policy, tables.lend());
    let mut alerts = AlertLines::new(policy, &mut tell);
    for frame in capture {
        sensor.frame(&frame, &mut alerts);
    }
    sensor.finish(&mut alerts);
    for (counter, count) in sensor.counters().iter().filter(|(_, count)| *count > 0) {
        let mut line: String<64> = String::new();
        // Names have at most 40 letters, and numbers 20 digits.
        let _ = write!(line, "{}={count}", counter.name());
        tell(&line);
    }
}
