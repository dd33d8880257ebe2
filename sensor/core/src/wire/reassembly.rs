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
mod tests {
    extern crate std;

    use std::vec;
    use std::vec::Vec;

    use super::*;

    const SECOND: u64 = 1_000_000_000;

    /// Two slots of 64 bytes each, fed with fragments of protocol UDP.
    struct Bench {
        slots: Vec<FragmentSlot>,
        buffer: Vec<u8>,
    }

    /// What a push gave, with the payload and its protocol copied out.
    #[derive(PartialEq, Eq, Debug)]
    struct Given {
        whole: Option<(u8, Vec<u8>)>,
        lost: u32,
        conflict: bool,
        altered: bool,
    }

    fn given(whole: Option<&[u8]>, lost: u32, conflict: bool) -> Given {
        Given { whole: whole.map(|bytes| (17, bytes.to_vec())), lost, conflict, altered: false }
    }

    fn altered(whole: &[u8]) -> Given {
        Given { altered: true, ..given(Some(whole), 0, false) }
    }

    fn waiting() -> Given {
        given(None, 0, false)
    }

    fn datagram(src: IpAddr, payload: &[u8]) -> Datagram<'_> {
        let dst = IpAddr::from([10, 0, 0, 2]);
        Datagram {
            src_mac: None,
            dst_mac: None,
            vlan: None,
            src,
            dst,
            ttl: 64,
            protocol: 17,
            payload,
            missing: 0,
            fragment: None,
        }
    }

    impl Bench {
        fn new() -> Self {
            Self { slots: vec![FragmentSlot::EMPTY; 2], buffer: vec![0; 128] }
        }

        /// Runs `pushes` on one reassembly: (seconds, id, offset, more, payload).
        fn run(&mut self, pushes: &[(u64, u32, u32, bool, &[u8])]) -> Vec<Given> {
            let mut reassembly = Reassembly::new(&mut self.slots, &mut self.buffer);
            let push = |&(seconds, id, offset, more, payload): &(u64, u32, u32, bool, &[u8])| {
                let datagram = datagram([10, 0, 0, 1].into(), payload);
                let part = FragmentPart { id, offset, more };
                let got = reassembly.push(&datagram, part, Timestamp(seconds * SECOND));
                let whole = got.datagram.map(|whole| (whole.protocol, whole.payload.to_vec()));
                Given { whole, lost: got.lost, conflict: got.conflict, altered: got.altered }
            };
            pushes.iter().map(push).collect()
        }
    }

    fn last(pushes: &[(u64, u32, u32, bool, &[u8])]) -> Given {
        Bench::new().run(pushes).pop().unwrap()
    }

    #[test]
    fn in_order_and_reversed() {
        let (first, second): (&[u8], &[u8]) = (b"abcdefgh", b"ij");
        let whole = given(Some(b"abcdefghij"), 0, false);
        assert_eq!(Bench::new().run(&[(0, 1, 0, true, first), (0, 1, 8, false, second)]), [waiting(), whole]);
        let whole = given(Some(b"abcdefghij"), 0, false);
        assert_eq!(Bench::new().run(&[(0, 1, 8, false, second), (0, 1, 0, true, first)]), [waiting(), whole]);
    }

    #[test]
    fn duplicates_that_agree_are_no_conflict() {
        let first = (0, 1, 0, true, &b"abcdefgh"[..]);
        assert_eq!(last(&[first, first, (0, 1, 8, false, b"ij")]), given(Some(b"abcdefghij"), 0, false));
    }

    #[test]
    fn first_bytes_stand_and_the_conflict_is_told_with_the_whole() {
        let got = last(&[(0, 1, 8, true, b"ijklmnop"), (0, 1, 0, true, b"abcdefghIJKLMNOP"), (0, 1, 16, false, b"q")]);
        assert_eq!(got, given(Some(b"abcdefghijklmnopq"), 0, true));
    }

    #[test]
    fn first_length_stands() {
        let contradicting_last = [(0, 1, 8, false, &b"ij"[..]), (0, 1, 16, false, b"x"), (0, 1, 0, true, b"abcdefgh")];
        assert_eq!(last(&contradicting_last), given(Some(b"abcdefghij"), 0, true));
        let beyond_last = [(0, 1, 8, false, &b"ij"[..]), (0, 1, 0, true, b"abcdefghijklmnop")];
        assert_eq!(last(&beyond_last), given(Some(b"abcdefghij"), 0, true));
        let last_before_end =
            [(0, 1, 0, true, &b"abcdefghijklmnop"[..]), (0, 1, 8, false, b"ij"), (0, 1, 16, false, b"q")];
        assert_eq!(last(&last_before_end), given(Some(b"abcdefghijklmnopq"), 0, true));
    }

    #[test]
    fn uneven_fragment_is_cut_to_units_of_eight() {
        let got = last(&[(0, 1, 0, true, b"abcdefghXYZ"), (0, 1, 8, false, b"ij")]);
        assert_eq!(got, given(Some(b"abcdefghij"), 0, true));
        assert_eq!(last(&[(0, 1, 0, true, b"abc")]), given(None, 1, false));
        assert_eq!(last(&[(0, 1, 8, false, b"")]), given(None, 1, false));
    }

    #[test]
    fn too_large_for_the_slot() {
        let got =
            Bench::new().run(&[(0, 1, 0, true, &[7; 8]), (0, 1, 56, false, &[7; 9]), (0, 2, 65528, true, &[7; 16])]);
        assert_eq!(got, [waiting(), given(None, 2, false), given(None, 1, false)]);
        let exact = last(&[(0, 1, 0, true, &[7; 56]), (0, 1, 56, false, &[7; 8])]);
        assert_eq!(exact, given(Some(&[7; 64]), 0, false));
    }

    #[test]
    fn timeout_by_capture_time() {
        let (first, second) = ((0, 1, 0, true, &b"abcdefgh"[..]), &b"ij"[..]);
        assert_eq!(last(&[first, (29, 1, 8, false, second)]), given(Some(b"abcdefghij"), 0, false));
        assert_eq!(last(&[first, (30, 1, 8, false, second)]), given(None, 1, false));
    }

    #[test]
    fn full_table_gives_up_the_oldest() {
        let part = |seconds, id| (seconds, id, 0, true, &b"abcdefgh"[..]);
        let got = Bench::new().run(&[part(1, 1), part(2, 2), part(3, 1), part(4, 3), (5, 2, 8, false, b"ij")]);
        assert_eq!(got, [waiting(), waiting(), waiting(), given(None, 2, false), given(Some(b"abcdefghij"), 0, false)]);
    }

    #[test]
    fn leftovers_of_a_doubled_mirror_are_no_loss() {
        let (first, second) = ((0, 1, 0, true, &b"abcdefgh"[..]), (0, 1, 8, false, &b"ij"[..]));
        let got = Bench::new().run(&[first, first, second, second, (60, 2, 0, true, b"abcdefgh")]);
        assert_eq!(got.iter().map(|got| got.lost).sum::<u32>(), 0);
        let other = (0, 1, 8, false, &b"iX"[..]);
        let got = Bench::new().run(&[first, second, other, (60, 2, 0, true, b"abcdefgh")]);
        assert_eq!(got.iter().map(|got| got.lost).sum::<u32>(), 1);
    }

    #[test]
    fn the_same_datagram_sent_again_is_whole_again() {
        let (first, second) = ((0, 1, 0, true, &b"abcdefgh"[..]), (0, 1, 8, false, &b"ij"[..]));
        let whole = || given(Some(b"abcdefghij"), 0, false);
        assert_eq!(Bench::new().run(&[first, second, first, second]), [waiting(), whole(), waiting(), whole()]);
    }

    #[test]
    fn a_fragment_that_alters_what_was_whole_gives_it_again() {
        let (first, decoy, taken) = ((0, 1, 0, true, &b"abcdefgh"[..]), (0, 1, 8, false, &b"ij"[..]), b"iX");
        let got = Bench::new().run(&[decoy, first, (9, 1, 8, false, taken)]);
        assert_eq!(got, [waiting(), given(Some(b"abcdefghij"), 0, false), altered(b"abcdefghiX")]);
        let longer = [first, decoy, (9, 1, 0, true, b"ABCDEFGHIJKLMNOP"), (9, 1, 16, false, b"q")];
        assert_eq!(last(&longer), given(Some(b"ABCDEFGHIJKLMNOPq"), 0, false));
    }

    #[test]
    fn another_id_or_vlan_is_another_datagram() {
        assert_eq!(last(&[(0, 1, 0, true, b"abcdefgh"), (0, 2, 8, false, b"ij")]), waiting());
        let mut bench = Bench::new();
        let mut reassembly = Reassembly::new(&mut bench.slots, &mut bench.buffer);
        let part = |offset, more| FragmentPart { id: 1, offset, more };
        let first = Datagram { vlan: Some(1), ..datagram([10, 0, 0, 1].into(), b"abcdefgh") };
        let second = Datagram { vlan: Some(2), ..datagram([10, 0, 0, 1].into(), b"ij") };
        reassembly.push(&first, part(0, true), Timestamp(0));
        assert!(reassembly.push(&second, part(8, false), Timestamp(0)).datagram.is_none());
    }

    #[test]
    fn snap_length_leaves_a_hole() {
        let (mut slots, mut buffer) = ([FragmentSlot::EMPTY], [0; 64]);
        let mut reassembly = Reassembly::new(&mut slots, &mut buffer);
        let cut = Datagram { missing: 4, ..datagram([10, 0, 0, 1].into(), b"abcd") };
        let part = |offset, more| FragmentPart { id: 1, offset, more };
        reassembly.push(&cut, part(0, true), Timestamp(0));
        let rest = datagram([10, 0, 0, 1].into(), b"ij");
        assert!(reassembly.push(&rest, part(8, false), Timestamp(0)).datagram.is_none());
        assert_eq!(reassembly.expire(Timestamp(u64::MAX)), 2);
    }

    #[test]
    fn ipv6_takes_the_protocol_from_the_first_fragment_and_reads_on() {
        let (mut slots, mut buffer) = ([FragmentSlot::EMPTY], [0; 64]);
        let mut reassembly = Reassembly::new(&mut slots, &mut buffer);
        let part = |offset, more| FragmentPart { id: 1, offset, more };
        let second = Datagram { protocol: 6, ..datagram([1; 16].into(), b"ij") };
        let first = Datagram { protocol: 60, ..datagram([1; 16].into(), &[17, 0, 0, 0, 0, 0, 0, 0]) };
        assert!(reassembly.push(&second, part(8, false), Timestamp(0)).datagram.is_none());
        let whole = reassembly.push(&first, part(0, true), Timestamp(0)).datagram.unwrap();
        assert_eq!((whole.protocol, whole.payload), (17, &b"ij"[..]));

        let nested = Datagram { protocol: 44, ..datagram([1; 16].into(), &[17, 0, 0, 1, 0, 0, 0, 0]) };
        reassembly.push(&second, part(8, false), Timestamp(0));
        let got = reassembly.push(&nested, part(0, true), Timestamp(0));
        assert_eq!((got.datagram, got.lost), (None, 2));
    }

    #[test]
    fn no_storage_loses_every_fragment() {
        let mut reassembly = Reassembly::new(&mut [], &mut []);
        let got = reassembly.push(
            &datagram([1; 16].into(), b"ij"),
            FragmentPart { id: 1, offset: 8, more: false },
            Timestamp(0),
        );
        assert_eq!((got.datagram, got.lost), (None, 1));
    }
}
