//! SELECTs that wait for their OPERATE.

use super::associations::AssociationKey;
use crate::dnp3::{Select, same_controls};
use crate::record::Seen;
use crate::store::{Table, TableSlot, copy};

/// Outstations give a selection up after some seconds; what was selected longer ago than this belongs to no OPERATE.
const HELD_US: u64 = 60_000_000;

/// A SELECT of a master at an outstation.
#[derive(Clone, Copy, Debug, Default)]
pub struct Selection {
    request: Seen,
    response: Option<Seen>,
    /// Octets of both in the buffer; 0 for what is not there or did not fit.
    lens: [u16; 2],
    sequence: u8,
    /// Sequence number of the OPERATE that carried it out; once more with the same number is that one repeated.
    operated: Option<u8>,
}

impl Selection {
    const fn new(request: Seen, sequence: u8) -> Self {
        Self { request, response: None, lens: [0; 2], sequence, operated: None }
    }
}

/// An entry in the table of selections that the sensor's owner lends.
pub type SelectionSlot = TableSlot<AssociationKey, Selection>;

/// The latest SELECT of each master at each outstation, with an equal share of the buffer: half of it for the request,
/// half for the response. When the table is full, the one goes that was not looked up for longest.
#[derive(Debug)]
pub(crate) struct Selects<'s> {
    table: Table<'s, AssociationKey, Selection>,
    pub(super) buffer: &'s mut [u8],
    half_len: usize,
}

/// Which half of a share.
#[derive(Clone, Copy)]
enum Half {
    Request = 0,
    Response = 1,
}

impl<'s> Selects<'s> {
    /// As many selections as `slots` provide for.
    pub(crate) fn new(buckets: &'s mut [u32], slots: &'s mut [SelectionSlot], buffer: &'s mut [u8], seed: u64) -> Self {
        let half_len = buffer.len().checked_div(slots.len().saturating_mul(2)).unwrap_or(0);
        Self { table: Table::new(buckets, slots, seed), buffer, half_len }
    }

    /// Keeps a SELECT in the place of the one before it.
    pub(super) fn selected(&mut self, key: AssociationKey, seen: Seen, sequence: u8, request: &[u8]) {
        if let Some(id) = self.table.put(key, Selection::new(seen, sequence)) {
            self.keep(id, Half::Request, request);
        }
    }

    /// Keeps the response to the SELECT that was seen there.
    pub(super) fn answered(&mut self, key: AssociationKey, asked: Seen, seen: Seen, response: &[u8]) {
        if let Some((id, _)) = self.find(key, asked) {
            if let Some(entry) = self.table.get_mut(id) {
                entry.response = Some(seen);
            }
            self.keep(id, Half::Response, response);
        }
    }

    fn keep(&mut self, id: u32, half: Half, octets: &[u8]) {
        let start = self.start(id, half);
        let Some(room) = self.buffer.get_mut(start..start.saturating_add(self.half_len)) else { return };
        let (Ok(len), true) = (u16::try_from(octets.len()), octets.len() <= room.len()) else { return };
        copy(room, octets);
        if let Some(place) = self.table.get_mut(id).and_then(|entry| entry.lens.get_mut(half as usize)) {
            *place = len;
        }
    }

    /// The SELECT that an OPERATE carries out. A second OPERATE has no SELECT, unless it is the first one repeated.
    pub(super) fn operated(&mut self, key: AssociationKey, seen: Seen, sequence: u8) -> Option<Seen> {
        let id = self.table.find(&key)?;
        let selection = self.table.get_mut(id)?;
        let in_time = seen.time.micros_since(selection.request.time) <= HELD_US;
        let is_free = selection.operated.is_none_or(|operated| operated == sequence);
        (in_time && is_free).then(|| {
            selection.operated = Some(sequence);
            selection.request
        })
    }

    /// The SELECT that was seen there, if it is still the latest.
    fn find(&mut self, key: AssociationKey, seen: Seen) -> Option<(u32, Selection)> {
        let id = self.table.find(&key)?;
        self.table.get(id).filter(|selection| selection.request == seen).map(|selection| (id, *selection))
    }

    /// The SELECT that was seen there, as an OPERATE tells of it. The buffer is [`buffer`](Self::buffer), set aside by
    /// the caller.
    pub(super) fn told<'b>(
        &mut self,
        key: AssociationKey,
        asked: Seen,
        (seen, operate): (Seen, &[u8]),
        buffer: &'b [u8],
    ) -> Option<Select<'b>> {
        let (id, selection) = self.find(key, asked)?;
        let [request, response] = [Half::Request, Half::Response].map(|half| {
            let (start, len) = (self.start(id, half), selection.lens.get(half as usize).copied().unwrap_or(0));
            buffer.get(start..start.saturating_add(len.into())).unwrap_or_default()
        });
        let sequence = operate.first().map(|control| control & 0x0f);
        Some(Select {
            request_seen: asked,
            request,
            response_seen: selection.response,
            response,
            delay_us: seen.time.micros_since(asked.time),
            in_sequence: sequence == Some(selection.sequence.wrapping_add(1) & 0x0f),
            matches: same_controls(request, operate),
        })
    }

    fn start(&self, id: u32, half: Half) -> usize {
        (id as usize).saturating_mul(2).saturating_add(half as usize).saturating_mul(self.half_len)
    }
}
