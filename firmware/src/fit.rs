use tagout_core::engine::Policy;

use crate::capacity::{ABSENCES, CHANNELS, CYCLES, POINTS};

/// How much of one of the gateway's tables a policy takes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Use {
    /// Of what, in the plural.
    pub what: &'static str,
    /// How many the policy has.
    pub taken: usize,
    /// How many the table holds.
    pub room: usize,
}

impl Use {
    /// Whether there is room.
    pub const fn fits(&self) -> bool {
        self.taken <= self.room
    }
}

/// What `policy` takes of the tables that have a place for each of its entries. All others hold what traffic brings and
/// count what they forget; permits, rules and conditions take no more than their place in the image.
pub fn uses(policy: &Policy<'_>) -> [Use; 4] {
    let awaited = if policy.awaits_reports() { policy.device_count() } else { 0 };
    [
        Use { what: "points", taken: policy.point_count(), room: POINTS },
        Use { what: "cadences", taken: policy.cadence_count(), room: CHANNELS },
        Use { what: "cycles of cadences", taken: policy.cycle_count(), room: CYCLES },
        Use { what: "devices in a policy with points that go stale", taken: awaited, room: ABSENCES },
    ]
}
