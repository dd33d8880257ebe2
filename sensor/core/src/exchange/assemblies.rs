//! DNP3 fragments of several segments.

use super::associations::AssociationKey;
use crate::dnp3::transport::{Assembler, Segment, Step};
use crate::store::{Table, TableSlot};

/// An entry in the table of fragments under assembly that the sensor's owner lends.
pub type AssemblySlot = TableSlot<AssociationKey, Assembler>;

/// The fragments under assembly, each with an equal share of the buffer.
#[derive(Debug)]
pub(crate) struct Assemblies<'s> {
    table: Table<'s, AssociationKey, Assembler>,
    pub(super) buffer: &'s mut [u8],
    fragment_len: usize,
}

impl<'s> Assemblies<'s> {
    /// As many fragments as `slots` provide for.
    pub(crate) fn new(buckets: &'s mut [u32], slots: &'s mut [AssemblySlot], buffer: &'s mut [u8], seed: u64) -> Self {
        let fragment_len = buffer.len().checked_div(slots.len()).unwrap_or(0);
        Self { table: Table::new(buckets, slots, seed), buffer, fragment_len }
    }

    /// The entry of a sender and receiver; makes room for it when there is none. The second number tells how many
    /// octets that cost.
    pub(super) fn entry(&mut self, key: AssociationKey) -> (Option<u32>, u32) {
        if let Some(id) = self.table.find(&key) {
            return (Some(id), 0);
        }
        if let Some(id) = self.table.insert(key, Assembler::new()) {
            return (Some(id), 0);
        }
        let Some(victim) = self.table.victim() else { return (None, 0) };
        let lost = self.table.get_mut(victim).map_or(0, Assembler::abandon);
        self.table.remove(victim);
        (self.table.insert(key, Assembler::new()), lost)
    }

    /// Puts a segment to those before it in an entry. The buffer is [`buffer`](Self::buffer), set aside by the caller so
    /// that what is in it can be worked on.
    pub(super) fn push<'b>(&mut self, id: u32, segment: Segment<'b>, buffer: &'b mut [u8]) -> Option<Step<'b>> {
        let start = (id as usize).saturating_mul(self.fragment_len);
        let share = buffer.get_mut(start..start.saturating_add(self.fragment_len)).unwrap_or_default();
        Some(self.table.get_mut(id)?.push(segment, share))
    }
}
