//! What is remembered of each sender and receiver of DNP3 frames.

use super::digest::digest;
use super::pending::Pending;
use crate::dnp3::link::Control;
use crate::flow::{Flow, Side};
use crate::record::Seen;
use crate::store::{Table, TableSlot};

/// One sender and one receiver on one connection.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct AssociationKey {
    flow: u64,
    beginnings: u8,
    from_client: bool,
    /// Source and destination link address.
    addresses: u32,
}

impl AssociationKey {
    /// From the link address `source`, at this end of the flow, to `destination`.
    pub(super) fn new(flow: &Flow, side: Side, (source, destination): (u16, u16)) -> Self {
        Self::at(flow, side, pair(source, destination))
    }

    /// From who asked to who is to answer.
    pub(super) fn of(flow: &Flow, pending: &Pending) -> Self {
        Self::at(flow, pending.requester, pending.parties.of)
    }

    const fn at(flow: &Flow, side: Side, addresses: u32) -> Self {
        Self { flow: flow.id, beginnings: flow.beginnings, from_client: matches!(side, Side::Client), addresses }
    }
}

/// Two link addresses as one number.
pub(super) fn pair(high: u16, low: u16) -> u32 {
    u32::from(high) << 16 | u32::from(low)
}

/// The two link addresses in one number.
pub(super) const fn links(pair: u32) -> (u16, u16) {
    (pair.wrapping_shr(16) as u16, pair as u16)
}

/// What the messages of a sender to a receiver left behind for those that follow.
#[derive(Clone, Copy, Debug, Default)]
pub struct Association {
    pub(super) count: FrameCount,
    /// The latest frame of confirmed user data that was not acknowledged.
    pub(super) unacknowledged: Option<(Control, Seen)>,
    /// How often the latest counted frame was repeated without an acknowledgement for it.
    pub(super) repetitions: u8,
    /// The latest fragment that asked for a confirm.
    pub(super) solicited: Option<Numbered>,
    /// The same of unsolicited ones, which have sequence numbers of their own.
    pub(super) unsolicited: Option<Numbered>,
    /// What that fragment reported.
    pub(super) reported: u64,
    /// The latest challenge.
    pub(super) challenge: Option<Numbered>,
}

impl Association {
    /// Counts a frame. Each repetition is acknowledged for itself (IEEE 1815-2012, 9.2.4.1.3).
    pub(super) fn count(&mut self, fcb: bool, frame: &[u8]) -> Counted {
        let counted = self.count.count(fcb, frame);
        self.repetitions = if counted == Counted::Repeated { self.repetitions.saturating_add(1) } else { 0 };
        counted
    }
}

/// A fragment with its sequence number.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Numbered {
    pub(super) sequence: u8,
    pub(super) seen: Seen,
}

/// Where the frame count of a sender stands (IEEE 1815-2012, 9.2.4.1.3): each counted frame turns FCB over, so that the
/// receiver knows one that is sent once more.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct FrameCount {
    /// FCB of the latest counted frame; after a reset as if that had been 0, for the first is to have 1.
    fcb: Option<bool>,
    /// What that frame was, if there was one since the reset.
    digest: Option<u128>,
}

/// How a frame continues the count.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Counted {
    /// As the next, or the first that was seen.
    Next,
    /// As the one before it once more, which the receiver drops.
    Repeated,
    /// With the FCB of the one before it, but as another frame.
    Contradicting,
}

impl FrameCount {
    /// Behind a RESET_LINK_STATES.
    pub(super) const RESET: Self = Self { fcb: Some(false), digest: None };

    /// Counts a frame.
    pub(super) fn count(&mut self, fcb: bool, frame: &[u8]) -> Counted {
        let digest = digest(&[frame]);
        let before = core::mem::replace(self, Self { fcb: Some(fcb), digest: Some(digest) });
        match before {
            Self { fcb: Some(before), .. } if before != fcb => Counted::Next,
            Self { fcb: None, .. } => Counted::Next,
            Self { digest: Some(before), .. } if before == digest => Counted::Repeated,
            _ => Counted::Contradicting,
        }
    }
}

/// An entry in the table of associations that the sensor's owner lends.
pub type AssociationSlot = TableSlot<AssociationKey, Association>;

/// The associations that have something to remember. When the table is full, the one goes that was silent for longest.
#[derive(Debug)]
pub(crate) struct Associations<'s>(Table<'s, AssociationKey, Association>);

impl<'s> Associations<'s> {
    /// As many as `slots` provide for.
    pub(crate) fn new(buckets: &'s mut [u32], slots: &'s mut [AssociationSlot], seed: u64) -> Self {
        Self(Table::new(buckets, slots, seed))
    }

    /// What is remembered, if anything is.
    pub(super) fn get(&mut self, key: AssociationKey) -> Option<&mut Association> {
        let id = self.0.find(&key)?;
        self.0.get_mut(id)
    }

    /// What is to be remembered; `None` only in a table without slots.
    pub(super) fn entry(&mut self, key: AssociationKey) -> Option<&mut Association> {
        let id = self.0.entry(key, Association::default())?;
        self.0.get_mut(id)
    }
}
