//! Requests that come again and again.

use tagout_engine::{Action, Mac, RoutineKey, Touch, Verdict};

use super::desk::{Desk, Hearing};
use super::pending::Pending;
use crate::flow::{Flow, Side};
use crate::modbus::Request;
use crate::record::Protocol;

impl Hearing<'_, '_> {
    /// What the permits say of a request, and its key if it may come again and again. A poll on which the verdict is the same
    /// each time is judged once.
    pub(super) fn verdict_on<'t>(
        &mut self,
        flow: &Flow,
        pending: &Pending,
        bytes: &[u8],
        touches: &mut dyn Iterator<Item = Touch<'t>>,
    ) -> (Verdict, Option<RoutineKey>) {
        let Some(key) = self.desk.routine((self.flow_id, flow), pending, bytes) else {
            return (self.judge(flow, pending, (pending.action, bytes), touches), None);
        };
        let is_poll = pending.action == Action::Read && !self.output.considers();
        if is_poll && let Some(verdict) = self.desk.engine.recall(&key) {
            return (verdict, Some(key));
        }
        let verdict = self.judge(flow, pending, (pending.action, bytes), touches);
        if is_poll && self.desk.engine.note_verdict(&key, &pending.question(), &verdict) {
            return (verdict, Some(key).filter(|_| !matches!(verdict, Verdict::Unexpected(_))));
        }
        let key = key.under(&verdict).inspect(|key| _ = self.desk.engine.recall(key));
        (verdict, key)
    }
}

impl Desk<'_> {
    /// The key of a poll, or of a Modbus write whatever it writes; no other command has one.
    fn routine(&self, (flow_id, flow): (u32, &Flow), pending: &Pending, bytes: &[u8]) -> Option<RoutineKey> {
        let (control, asked) = match (flow.protocol, pending.action) {
            (Protocol::Modbus, Action::Read) => (flow.framing as u8, self.number_of(bytes)),
            (Protocol::Modbus, Action::Write) => (flow.framing as u8, exact(place_written(bytes)?)?),
            // The sequence number in the low half is another each time (IEEE 1815-2012, 4.2.2.4).
            (Protocol::Dnp3, Action::Read) => {
                bytes.split_first().map(|(control, rest)| (control & 0xF0, self.digest(rest)))?
            }
            _ => return None,
        };
        let how = [u8::from(pending.requester == Side::Client), control, pending.action.number(), 0];
        Some(RoutineKey::new([
            flow.id,
            number(flow.mac(Side::Client)),
            number(flow.mac(Side::Server)),
            u64::from(flow_id) << 32 | u64::from(pending.parties.of),
            u32::from_le_bytes(how).into(),
            asked,
        ]))
    }

    /// Bytes as a number: as they are where they fit into it.
    fn number_of(&self, bytes: &[u8]) -> u64 {
        exact(bytes).unwrap_or_else(|| self.digest(bytes))
    }
}

/// Up to seven bytes, behind how many they are.
fn exact(bytes: &[u8]) -> Option<u64> {
    let append = |number: u64, byte: &u8| number.wrapping_shl(8) | u64::from(*byte);
    (bytes.len() < 8).then(|| bytes.iter().fold(bytes.len() as u64, append))
}

/// All that a PDU says of a write but its values, where that stands in its first octets (AP 6.5, 6.6, 6.11, 6.12, 6.16).
fn place_written(pdu: &[u8]) -> Option<&[u8]> {
    let place = match pdu.first()? {
        5 | 6 | 22 => pdu.get(..3)?,
        15 | 16 => pdu.get(..5)?,
        _ => return None,
    };
    Request::parse(pdu).is_ok().then_some(place)
}

/// A MAC address as a number.
fn number(mac: Option<Mac>) -> u64 {
    mac.map_or(u64::MAX, |Mac([a, b, c, d, e, f])| u64::from_be_bytes([0, 0, a, b, c, d, e, f]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_write_is_known_by_its_place() {
        assert_eq!(place_written(&[6, 0, 40, 1, 2]), Some(&[6, 0, 40][..]));
        assert_eq!(place_written(&[16, 0, 40, 0, 1, 2, 7, 7]), Some(&[16, 0, 40, 0, 1][..]));
        assert_eq!(place_written(&[16, 0, 40, 0]), None, "its quantity is cut off");
        assert_eq!(place_written(&[3, 0, 40, 0, 1]), None);
    }

    #[test]
    fn short_bytes_are_their_own_number() {
        assert_ne!(exact(&[3, 0]), exact(&[3, 0, 0]));
        assert_eq!(exact(&[0; 7]), Some(7 << 56));
        assert_eq!(exact(&[0; 8]), None);
    }
}
