use core::net::IpAddr;
use core::ops::Range;

use crate::Timestamp;
use crate::wire::cursor::Cursor;
use crate::wire::ranges::{Ranges, TooMany};
use crate::wire::{Datagram, FragmentPart, ipv4, ipv6};

/// A datagram that is not whole this long after its first fragment is given up.
pub const REASSEMBLY_TIMEOUT_MS: u32 = 30_000;

/// Puts IP fragments together again (RFC 791, section 3.2; RFC 8200, section 4.5), in storage that its owner lends.
///
/// Call [`push`](Self::push) for each fragment in the order of capture, and [`expire`](Self::expire) when time passes
/// without fragments.
///
/// - Where fragments overlap, the bytes that arrived first stand, and so does the first statement of the datagram's
///   length; what contradicts is reported as a conflict.
/// - A fragment that alters a datagram which was whole already gives that datagram once more, with its bytes: the receiver may
///   have been waiting for it, or it is the first of another datagram under the same identification.
/// - A datagram longer than its share of the buffer, or in more than 32 separate parts at a time, is given up.
/// - When all slots are in use, the oldest datagram makes room.
#[derive(Debug)]
pub struct Reassembly<'s> {
    slots: &'s mut [FragmentSlot],
    buffer: &'s mut [u8],
    capacity: u16,
}

/// What became of a fragment.
#[derive(Clone, Copy, Debug)]
pub struct Reassembled<'a> {
    /// The whole datagram, if this fragment completed it: link addresses and TTL are those of this fragment.
    pub datagram: Option<Datagram<'a>>,
    /// How many fragments, of this datagram or of others, were given up.
    pub lost: u32,
    /// The fragments of the datagram contradict each other, as far as they arrived.
    pub conflict: bool,
    /// The datagram was whole before, with other bytes.
    pub altered: bool,
}

impl Reassembled<'_> {
    /// A fragment that completes nothing.
    const fn waiting(lost: u32, conflict: bool) -> Self {
        Self { datagram: None, lost, conflict, altered: false }
    }
}

/// The place of one unfinished datagram.
#[derive(Clone, Debug)]
pub struct FragmentSlot {
    key: Option<Key>,
    started: Timestamp,
    arrived: Ranges,
    len: Option<u16>,
    protocol: u8,
    fragments: u32,
    /// How many bytes of the datagram that was completed here before, under the same key, the buffer still holds.
    previous_len: u16,
    /// True while nothing arrived but a second copy of that datagram: a mirror port may show each frame twice.
    repeats: bool,
    /// Some fragment contradicted those before it.
    conflict: bool,
}

/// Which fragments belong together. IPv6 does not count the protocol in: fragments of one datagram may name different
/// ones, of which that at offset 0 is right.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Key {
    src: IpAddr,
    dst: IpAddr,
    id: u32,
    protocol: Option<u8>,
    vlan: Option<u16>,
}

impl Key {
    fn of(datagram: &Datagram<'_>, part: FragmentPart) -> Self {
        let protocol = datagram.src.is_ipv4().then_some(datagram.protocol);
        Self { src: datagram.src, dst: datagram.dst, id: part.id, protocol, vlan: datagram.vlan }
    }
}

/// The bytes of a fragment and where they belong.
#[derive(Clone, Copy, Debug)]
struct Piece<'a> {
    bytes: &'a [u8],
    start: u16,
    /// Where the fragment ended on the wire; behind the bytes if the snap length cut them.
    end: u16,
    more: bool,
    protocol: u8,
    /// A fragment that others follow is not a multiple of 8 bytes long; receivers that take it cut it to one.
    uneven: bool,
}

impl<'a> Piece<'a> {
    /// None if the fragment is empty or ends behind `capacity`.
    fn of(datagram: &Datagram<'a>, part: FragmentPart, capacity: u16) -> Option<Self> {
        let wire_len = datagram.payload.len().saturating_add(datagram.missing as usize);
        let len = if part.more { wire_len & !7 } else { wire_len };
        let start = u16::try_from(part.offset).ok()?;
        let end = start.checked_add(u16::try_from(len).ok()?)?;
        let bytes = datagram.payload.get(..len).unwrap_or(datagram.payload);
        let piece = Self { bytes, start, end, more: part.more, protocol: datagram.protocol, uneven: len != wire_len };
        (len > 0 && end <= capacity).then_some(piece)
    }

    /// The bytes that belong into `range` of the datagram.
    fn bytes_at(&self, range: Range<u16>) -> Option<&'a [u8]> {
        let start = range.start.checked_sub(self.start)?;
        let end = range.end.checked_sub(self.start)?;
        self.bytes.get(usize::from(start)..usize::from(end))
    }
}

impl Default for FragmentSlot {
    fn default() -> Self {
        Self::EMPTY
    }
}

impl FragmentSlot {
    /// A slot that no datagram occupies.
    pub const EMPTY: Self = Self {
        key: None,
        started: Timestamp(0),
        arrived: Ranges::EMPTY,
        len: None,
        protocol: 0,
        fragments: 0,
        previous_len: 0,
        repeats: true,
        conflict: false,
    };

    /// How many fragments are lost if the datagram is given up.
    const fn loss(&self) -> u32 {
        if self.repeats { 0 } else { self.fragments }
    }

    /// Forgets the datagram; says how many fragments are lost with it.
    fn release(&mut self) -> u32 {
        let loss = self.loss();
        *self = Self::EMPTY;
        loss
    }

    /// Starts over under the same key, behind a completed datagram.
    fn restart(&mut self, len: u16) {
        let Self { key, started, protocol, .. } = *self;
        *self = Self { key, started, protocol, previous_len: len, ..Self::EMPTY };
    }

    /// Takes a fragment in; says whether any so far contradicts those before it.
    fn add(&mut self, piece: &Piece<'_>, buffer: &mut [u8]) -> Result<bool, TooMany> {
        if piece.start == 0 && !self.arrived.has_start() {
            self.protocol = piece.protocol;
        }
        let contradicts = self.contradicts_len(piece);
        if !piece.more && !contradicts {
            self.len = Some(piece.end);
        }
        let captured_end = piece.start.saturating_add(u16::try_from(piece.bytes.len()).unwrap_or(u16::MAX));
        let end = captured_end.min(self.len.unwrap_or(u16::MAX));
        let differs = end > piece.start && self.place(piece, piece.start..end, buffer)?;
        self.fragments = self.fragments.saturating_add(1);
        self.conflict |= contradicts || differs || piece.uneven;
        Ok(self.conflict)
    }

    /// Length of the datagram completed here before, if `piece` has other bytes than that.
    fn altered(&self, piece: &Piece<'_>) -> Option<u16> {
        (!self.repeats && piece.end <= self.previous_len).then_some(self.previous_len)
    }

    /// Whether the fragment says something else of the datagram's length than those before it.
    fn contradicts_len(&self, piece: &Piece<'_>) -> bool {
        match self.len {
            Some(len) if piece.more => piece.end > len,
            Some(len) => piece.end != len,
            None => !piece.more && piece.end < self.arrived.end(),
        }
    }

    /// Copies what lies in `window` to where nothing has arrived yet; says whether the rest differs from what has.
    fn place(&mut self, piece: &Piece<'_>, window: Range<u16>, buffer: &mut [u8]) -> Result<bool, TooMany> {
        let mut differs = false;
        let mut at = window.start;
        let mut repeats = self.repeats;
        for held in self.arrived.within(window.clone()) {
            repeats &= fill(piece, at..held.start, buffer, self.previous_len);
            differs |= piece.bytes_at(held.clone()) != slice(buffer, held.clone());
            at = at.max(held.end);
        }
        repeats &= fill(piece, at..window.end, buffer, self.previous_len);
        self.repeats = repeats;
        self.arrived.insert(window)?;
        Ok(differs)
    }

    /// Length of the datagram, once all of it is here.
    fn whole(&self) -> Option<u16> {
        self.len.filter(|len| self.arrived.cover(*len))
    }
}

fn slice(buffer: &[u8], range: Range<u16>) -> Option<&[u8]> {
    buffer.get(usize::from(range.start)..usize::from(range.end))
}

/// Copies what belongs into `range`; true if the first `previous_len` bytes of the buffer held the same before.
fn fill(piece: &Piece<'_>, range: Range<u16>, buffer: &mut [u8], previous_len: u16) -> bool {
    if range.is_empty() {
        return true;
    }
    let end = range.end;
    let to = buffer.get_mut(usize::from(range.start)..usize::from(end)).unwrap_or_default();
    let from = piece.bytes_at(range).unwrap_or_default();
    let same = end <= previous_len && to == from;
    for (to, from) in to.iter_mut().zip(from) {
        *to = *from;
    }
    same
}

impl<'s> Reassembly<'s> {
    /// One slot a datagram; each gets an equal share of `buffer`, of which at most 65535 bytes are used.
    pub fn new(slots: &'s mut [FragmentSlot], buffer: &'s mut [u8]) -> Self {
        let share = buffer.len().checked_div(slots.len()).unwrap_or(0);
        Self { slots, buffer, capacity: u16::try_from(share).unwrap_or(u16::MAX) }
    }

    /// Takes the fragment `part` that `datagram` carries, captured at `now`.
    pub fn push(&mut self, datagram: &Datagram<'_>, part: FragmentPart, now: Timestamp) -> Reassembled<'_> {
        let lost = self.expire(now);
        let key = Key::of(datagram, part);
        let Some(piece) = Piece::of(datagram, part, self.capacity) else {
            let lost = lost.saturating_add(self.forget(&key)).saturating_add(1);
            return Reassembled::waiting(lost, false);
        };
        let (index, evicted) = self.slot_for(key, now);
        let mut reassembled = self.add(index, &piece, datagram);
        reassembled.lost = reassembled.lost.saturating_add(lost).saturating_add(evicted);
        reassembled
    }

    /// Gives up every datagram that is due by `now`; returns how many fragments were lost with them.
    pub fn expire(&mut self, now: Timestamp) -> u32 {
        let due = |slot: &&mut FragmentSlot| slot.key.is_some() && slot.started.plus_ms(REASSEMBLY_TIMEOUT_MS) <= now;
        self.slots.iter_mut().filter(due).fold(0, |lost: u32, slot| lost.saturating_add(slot.release()))
    }

    /// Gives up the datagram with this key; returns how many fragments were lost with it.
    fn forget(&mut self, key: &Key) -> u32 {
        self.slots.iter_mut().find(|slot| slot.key.as_ref() == Some(key)).map_or(0, FragmentSlot::release)
    }

    /// The slot of `key`, else a free one, else the one whose datagram is the least loss, with how many fragments were
    /// lost to make room.
    fn slot_for(&mut self, key: Key, now: Timestamp) -> (usize, u32) {
        let rank = |slot: &FragmentSlot| match slot.key {
            Some(held) if held == key => (0, Timestamp(0)),
            None => (1, Timestamp(0)),
            Some(_) if slot.loss() == 0 => (2, slot.started),
            Some(_) => (3, slot.started),
        };
        let Some((index, slot)) = self.slots.iter_mut().enumerate().min_by_key(|(_, slot)| rank(slot)) else {
            return (0, 0);
        };
        let evicted = if slot.key == Some(key) { 0 } else { slot.release() };
        if slot.fragments == 0 {
            slot.key = Some(key);
            slot.started = now;
        }
        (index, evicted)
    }

    /// Adds to a slot, and takes the datagram out if it is whole.
    fn add(&mut self, index: usize, piece: &Piece<'_>, last: &Datagram<'_>) -> Reassembled<'_> {
        let start = index.saturating_mul(usize::from(self.capacity));
        let share = self.buffer.get_mut(start..).and_then(|share| share.get_mut(..usize::from(self.capacity)));
        let (Some(slot), Some(share)) = (self.slots.get_mut(index), share) else {
            return Reassembled::waiting(1, false);
        };
        let Ok(conflict) = slot.add(piece, share) else {
            return Reassembled::waiting(slot.release().saturating_add(1), false);
        };
        let whole = slot.whole();
        let Some(len) = whole.or(slot.altered(piece)) else { return Reassembled::waiting(0, conflict) };
        let datagram = join(last, slot.protocol, slice(share, 0..len).unwrap_or_default());
        let lost = if datagram.is_none() && whole.is_some() { slot.loss() } else { 0 };
        if whole.is_some() {
            slot.restart(len);
        }
        Reassembled { datagram, lost, conflict, altered: whole.is_none() }
    }
}

/// The whole datagram whose last fragment to arrive was `last`; None if the headers that its payload starts with are
/// malformed.
fn join<'a>(last: &Datagram<'_>, protocol: u8, payload: &'a [u8]) -> Option<Datagram<'a>> {
    let mut cursor = Cursor::new(payload, 0);
    let protocol = if last.src.is_ipv4() {
        ipv4::upper_layer(protocol, &mut cursor).ok()?
    } else {
        let upper = ipv6::upper_layer(protocol, &mut cursor).ok()?;
        upper.fragment.is_none().then_some(upper.protocol)?
    };
    Some(Datagram {
        src_mac: last.src_mac,
        dst_mac: last.dst_mac,
        vlan: last.vlan,
        src: last.src,
        dst: last.dst,
        ttl: last.ttl,
        protocol,
        payload: cursor.rest(),
        missing: 0,
        fragment: None,
    })
}

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects, clippy::unwrap_used)]
mod tests;
