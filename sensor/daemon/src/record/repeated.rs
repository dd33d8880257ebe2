use schemars::JsonSchema;
use serde::Serialize;
use tagout_core::Exchange;

use super::Stamp;
use super::event::latency_us;

/// The exchanges that one record stands for, itself the last of them. They differ in nothing but when they were, in client
/// port, transaction id, sequence number and frame count bit.
#[derive(Serialize, JsonSchema, Clone, Copy, PartialEq, Eq, Debug)]
pub struct Repeated {
    /// How many exchanges the record stands for, itself included.
    count: u64,
    /// When the first of them was captured.
    since: Stamp,
    /// Number of the frame of its request.
    first_frame: u64,
    /// The shortest time from request to response, in microseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    least_latency_us: Option<u64>,
    /// The longest.
    #[serde(skip_serializing_if = "Option::is_none")]
    greatest_latency_us: Option<u64>,
}

impl Repeated {
    /// One exchange.
    pub fn once(exchange: &Exchange<'_>) -> Self {
        let first = exchange.request.or(exchange.response);
        let latency_us = latency_us(exchange);
        Self {
            count: 1,
            since: Stamp(first.map(|seen| seen.time).unwrap_or_default()),
            first_frame: first.map_or(0, |seen| seen.frame),
            least_latency_us: latency_us,
            greatest_latency_us: latency_us,
        }
    }

    /// And another.
    pub fn add(&mut self, exchange: &Exchange<'_>) {
        let latency_us = latency_us(exchange);
        self.count += 1;
        self.least_latency_us = self.least_latency_us.min(latency_us);
        self.greatest_latency_us = self.greatest_latency_us.max(latency_us);
    }

    /// How many there are.
    #[cfg(test)]
    pub(crate) const fn count(&self) -> u64 {
        self.count
    }

    /// `None` if there was only one, which tells everything by itself.
    pub fn unless_single(self) -> Option<Self> {
        (self.count > 1).then_some(self)
    }
}
