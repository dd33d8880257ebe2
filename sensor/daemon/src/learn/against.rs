//! What traffic asks for that a policy does not permit.

use tagout_core::engine::{ActorId, DeviceId, PermitId, PointId, Policy, Reason, Space, Touch, Values, Verdict};

use super::calendar::Slots;
use super::evidence::{Deed, Ending, Tally};
use super::series::Range;
use tagout_core::Timestamp;

/// So many places of one request are looked at.
const MOST: usize = 256;

/// What a policy has against one place of a request. Its times, paces and conditions are taken for met.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct Objection {
    pub(super) actor: Option<ActorId>,
    pub(super) device: DeviceId,
    pub(super) reason: Reason,
    pub(super) nearest: Option<PermitId>,
    pub(super) place: Option<(Space, u32)>,
    pub(super) point: Option<PointId>,
}

/// How often it had that, and against which values.
#[derive(Clone, Copy, Debug)]
pub(super) struct Objected {
    pub(super) tally: Tally,
    /// In the point's engineering unit, or raw where no point is declared.
    pub(super) values: Option<Range>,
}

impl Objected {
    pub(super) fn at(time: Timestamp) -> Self {
        Self { tally: Tally::at(time), values: None }
    }

    pub(super) fn count(&mut self, value: Option<f64>, ending: Ending, time: Timestamp, slot: Slots) {
        self.tally.count(ending, time, slot);
        if let Some(value) = value {
            let one = Range { min: value, max: value };
            self.values = Some(self.values.map_or(one, |values| values.with(one)));
        }
    }
}

/// Visits everything that the policy has against what a request touches; without a touch, against the action.
pub(super) fn objections(
    policy: &Policy<'_>,
    actor: Option<ActorId>,
    device: DeviceId,
    deed: &Deed,
    touch: Option<&Touch<'_>>,
    mut visit: impl FnMut(Objection, Option<f64>),
) {
    let mut from = touch.map_or(0, |touch| touch.address);
    for _ in 0..MOST {
        let mut bits = Vec::new();
        let rest = touch.and_then(|touch| behind(touch, from, &mut bits));
        if touch.is_some() && rest.is_none() {
            return;
        }
        let Verdict::Unexpected(violation) = policy.judge(actor, Some(device), deed.action, rest.into_iter()) else {
            return;
        };
        let (reason, nearest) = (violation.reason, violation.nearest);
        let objection = Objection { actor, device, reason, nearest, place: violation.place, point: violation.point };
        visit(objection, violation.value);
        let Some((_, address)) = violation.place else { return };
        let point = violation.point.and_then(|point| policy.point_info(point));
        from = point.map_or(address, |point| u32::from(point.address) + u32::from(point.width()) - 1) + 1;
    }
}

/// A touch from an address on; its bits are packed anew.
fn behind<'t>(touch: &Touch<'t>, from: u32, bits: &'t mut Vec<u8>) -> Option<Touch<'t>> {
    let offset = from.checked_sub(touch.address)?;
    let count = touch.count.checked_sub(offset).filter(|count| *count > 0)?;
    let skipped = usize::try_from(offset).ok()?;
    let values = match touch.values {
        Values::Registers(octets) => Values::Registers(octets.get(skipped * 2..).unwrap_or_default()),
        Values::Bits(octets) => {
            let all = (0..octets.len() * 8).map(|bit| octets[bit / 8] >> (bit % 8) & 1);
            let left: Vec<u8> = all.skip(skipped).collect();
            bits.extend(left.chunks(8).map(|chunk| chunk.iter().rev().fold(0, |octet, bit| octet << 1 | bit)));
            Values::Bits(bits)
        }
        values => values,
    };
    Some(Touch { address: from, count, values, ..*touch })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lies_behind_an_address_keeps_its_values() {
        let mut bits = Vec::new();
        let coils = Touch { space: Space::Coil, address: 3, count: 10, values: Values::Bits(&[0b1010_0101, 0b10]) };
        let rest = behind(&coils, 5, &mut bits).expect("there is more");
        assert_eq!((rest.address, rest.count, rest.values), (5, 8, Values::Bits(&[0b1010_1001, 0])));
        let mut bits = Vec::new();
        let registers =
            Touch { space: Space::HoldingRegister, address: 7, count: 2, values: Values::Registers(&[0, 1, 0, 2]) };
        assert_eq!(behind(&registers, 8, &mut bits).map(|rest| rest.values), Some(Values::Registers(&[0, 2])));
        let mut bits = Vec::new();
        assert!(behind(&registers, 9, &mut bits).is_none());
    }
}
