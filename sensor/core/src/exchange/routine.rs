//! Polls that come again and again.

use core::hash::{BuildHasher, Hasher};

use tagout_engine::{Action, Mac, Trigger, Verdict};

use super::desk::Desk;
use super::pending::Pending;
use crate::flow::Side;
use crate::record::{Body, Exchange};

impl Desk<'_> {
    /// The number of a poll, as [`Facts::routine`](tagout_engine::Facts::routine) wants it. What the policy does not cover
    /// has none, and no command does.
    pub(super) fn routine(&self, trigger: Trigger, exchange: &Exchange<'_>, pending: &Pending) -> Option<u64> {
        let Trigger::Request(Action::Read, _) = trigger else { return None };
        let permit = match pending.verdict {
            Verdict::Unjudged => u64::MAX,
            Verdict::Permitted(permit) => permit.map_or(0, |permit| u64::from(permit.0).wrapping_add(1)),
            Verdict::Unexpected(_) => return None,
        };
        let (control, asked) = match &exchange.body {
            Body::Modbus(body) => (0, body.request?),
            // The sequence number in the low half is another each time (IEEE 1815-2012, 4.2.2.4).
            Body::Dnp3(body) => body.request?.split_first().map(|(control, rest)| (control & 0xF0, rest))?,
        };
        let from = u64::from(control) << 40 | u64::from(pending.requester == Side::Client) << 32;
        let mut hasher = self.hasher.build_hasher();
        hasher.write_u64(exchange.path.flow);
        hasher.write_u64(number(exchange.path.client.mac));
        hasher.write_u64(number(exchange.path.server.mac));
        hasher.write_u64(permit);
        hasher.write_u64(from | u64::from(pending.parties.of));
        hasher.write(asked);
        Some(hasher.finish())
    }
}

/// A MAC address as a number.
fn number(mac: Option<Mac>) -> u64 {
    mac.map_or(u64::MAX, |Mac([a, b, c, d, e, f])| u64::from_be_bytes([0, 0, a, b, c, d, e, f]))
}
