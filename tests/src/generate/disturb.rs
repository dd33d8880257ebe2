//! What goes wrong between two hosts and a sensor: changes to a dialogue's messages before they are carried, and to
//! the segments that carry them.

use super::session::{Fragmentation, flags};
use super::{Deception, Message, Segment, Side, checksum};

/// Segments that are less apart belong to one burst.
const BURST_GAP_US: u64 = 1000;

/// Chooses segments with data; an absent part means all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Select {
    /// Of this turn.
    pub turn: Option<usize>,
    /// Sent by this side.
    pub from: Option<Side>,
    /// The n-th, from 0, of those that the other parts choose.
    pub part: Option<usize>,
}

impl Select {
    fn indices(&self, segments: &[Segment]) -> Vec<usize> {
        let chosen = segments.iter().enumerate().filter(|(_, segment)| {
            !segment.payload.is_empty()
                && self.turn.is_none_or(|turn| segment.turns.contains(&turn))
                && self.from.is_none_or(|from| segment.from == from)
        });
        let indices = chosen.map(|(index, _)| index);
        match self.part {
            Some(part) => indices.skip(part).take(1).collect(),
            None => indices.collect(),
        }
    }

    /// The only index; for disturbances that need exactly one segment to lean on.
    fn first(&self, segments: &[Segment]) -> usize {
        *self.indices(segments).first().expect("the disturbance chooses a segment")
    }
}

/// Chooses a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Spot {
    /// Of this turn.
    pub turn: usize,
    /// Sent by this side.
    pub from: Side,
}

/// Inserts bytes into a stream before byte `offset` of a message.
pub fn insert_bytes(messages: &mut [Message], spot: Spot, offset: usize, bytes: &[u8]) {
    let message = find(messages, spot);
    message.bytes.splice(offset..offset, bytes.iter().copied());
}

/// Replaces the bytes at `offset` of a message.
pub fn patch(messages: &mut [Message], spot: Spot, offset: usize, bytes: &[u8]) {
    find(messages, spot).bytes[offset..offset + bytes.len()].copy_from_slice(bytes);
}

/// Makes the header CRC of a message's first DNP3 link frame right again.
pub fn renew_header_crc(messages: &mut [Message], spot: Spot) {
    let bytes = &mut find(messages, spot).bytes;
    let crc = checksum::dnp3(&bytes[..8]).to_le_bytes();
    bytes[8..10].copy_from_slice(&crc);
}

/// Cuts a message off behind its first `length` bytes; the rest is never sent.
pub fn shorten(messages: &mut [Message], spot: Spot, length: usize) {
    find(messages, spot).bytes.truncate(length);
}

/// Lets a message be written later than the dialogue has it.
pub fn delay_message(messages: &mut [Message], spot: Spot, by_us: u64) {
    find(messages, spot).at_us += by_us;
    messages.sort_by_key(|message| message.at_us);
}

/// Lets a message be written again a little later, as new bytes of the stream.
pub fn repeat_message(messages: &mut Vec<Message>, spot: Spot, after_us: u64) {
    let mut again = find(messages, spot).clone();
    again.at_us += after_us;
    messages.push(again);
    messages.sort_by_key(|message| message.at_us);
}

/// Takes segments out of the capture.
pub fn drop(segments: &mut Vec<Segment>, select: Select) {
    for index in select.indices(segments).into_iter().rev() {
        segments.remove(index);
    }
}

/// Takes segments with any of these flags out of the capture.
pub fn drop_marked(segments: &mut Vec<Segment>, flags: u8) {
    segments.retain(|segment| segment.flags & flags == 0);
}

/// Adds copies of segments, as retransmissions or a mirror that copies twice.
pub fn duplicate(segments: &mut Vec<Segment>, select: Select, after_us: u64) {
    let copies: Vec<Segment> = select.indices(segments).iter().map(|index| segments[*index].clone()).collect();
    segments.extend(copies.into_iter().map(|copy| Segment { at_us: copy.at_us + after_us, ..copy }));
    in_order_of_time(segments);
}

/// Cuts segments into pieces of these lengths, over and over; each piece follows the one before by a microsecond, and
/// what comes behind is late by as much as it takes.
pub fn cut(segments: &mut Vec<Segment>, select: Select, lengths: &[usize]) {
    let mut lengths = lengths.iter().copied().cycle();
    for index in select.indices(segments).into_iter().rev() {
        let whole = segments.remove(index);
        let pieces = pieces(&whole, &mut lengths);
        segments.splice(index..index, pieces);
    }
    let mut earliest_us = 0;
    for segment in segments {
        segment.at_us = segment.at_us.max(earliest_us);
        earliest_us = segment.at_us + 1;
    }
}

fn pieces(whole: &Segment, lengths: &mut impl Iterator<Item = usize>) -> Vec<Segment> {
    let mut pieces = Vec::new();
    let mut rest = whole.clone();
    for length in lengths.take_while(|length| *length > 0) {
        let behind = rest.payload.split_off(length.min(rest.payload.len()));
        let sequence = rest.sequence.wrapping_add(rest.payload.len() as u32);
        pieces.push(rest.clone());
        if behind.is_empty() {
            break;
        }
        rest = Segment { payload: behind, sequence, ..rest };
    }
    pieces
}

/// Lets the chosen segments of each burst arrive in the opposite order, at the times that they had.
pub fn reverse(segments: &mut [Segment], select: Select) {
    for burst in bursts(segments, &select.indices(segments)) {
        let times: Vec<u64> = burst.iter().map(|index| segments[*index].at_us).collect();
        burst.iter().zip(times.iter().rev()).for_each(|(index, at_us)| segments[*index].at_us = *at_us);
    }
    in_order_of_time(segments);
}

/// Moves each of the chosen segments back by so many places among those of its burst, by the steps given, over and over.
pub fn shuffle(segments: &mut [Segment], select: Select, steps: &[usize]) {
    let mut steps = steps.iter().copied().cycle();
    for burst in bursts(segments, &select.indices(segments)) {
        let times: Vec<u64> = burst.iter().map(|index| segments[*index].at_us).collect();
        let moved = burst.iter().enumerate().map(|(place, index)| (place + steps.next().unwrap_or(0), *index));
        let mut order: Vec<(usize, usize)> = moved.collect();
        order.sort_by_key(|(place, _)| *place);
        order.iter().zip(times).for_each(|((_, index), at_us)| segments[*index].at_us = at_us);
    }
    in_order_of_time(segments);
}

/// Lets the chosen segments arrive later.
pub fn delay(segments: &mut [Segment], select: Select, by_us: u64) {
    select.indices(segments).iter().for_each(|index| segments[*index].at_us += by_us);
    in_order_of_time(segments);
}

/// Adds a segment that claims other bytes for the place of an existing one, `after_us` behind it (or before it, if
/// negative). Of `bytes`, which stand for the whole original payload, it carries those from `offset` on.
pub fn overlap(
    segments: &mut Vec<Segment>,
    select: Select,
    offset: usize,
    bytes: &[u8],
    after_us: i64,
    deception: Option<Deception>,
) {
    let original = segments[select.first(segments)].clone();
    segments.push(Segment {
        deception,
        at_us: original.at_us.saturating_add_signed(after_us),
        sequence: original.sequence.wrapping_add(offset as u32),
        payload: bytes[offset..].to_vec(),
        ..original
    });
    in_order_of_time(segments);
}

/// Takes everything before the first chosen segment out of the capture: the session is older than the sensor.
pub fn cut_start(segments: &mut Vec<Segment>, select: Select) {
    let first = select.first(segments);
    segments.drain(..first);
}

/// Takes everything that one side sends out of the capture.
pub fn only(segments: &mut Vec<Segment>, from: Side) {
    segments.retain(|segment| segment.from == from);
}

/// Lets IP fragment the chosen segments.
pub fn fragment(segments: &mut [Segment], select: Select, size: usize, reversed: bool) {
    let fragmentation = Some(Fragmentation { size, reversed });
    select.indices(segments).iter().for_each(|index| segments[*index].fragmentation = fragmentation);
}

/// Adds a segment from the sender of the chosen one, shortly before it, with `sequence` relative to the chosen one's.
pub fn inject(segments: &mut Vec<Segment>, select: Select, sequence: i32, flags: u8, payload: &[u8]) {
    let original = segments[select.first(segments)].clone();
    segments.push(Segment {
        at_us: original.at_us - 50,
        sequence: original.sequence.wrapping_add_signed(sequence),
        acknowledgement: if flags & flags::ACK == 0 { 0 } else { original.acknowledgement },
        flags,
        payload: payload.to_vec(),
        turns: Vec::new(),
        ..original
    });
    in_order_of_time(segments);
}

/// Adds `count` keep-alive probes before the chosen segment: the byte before the next one, repeated, and the answers.
pub fn keep_alive(segments: &mut Vec<Segment>, select: Select, count: usize, with_byte: bool) {
    let next = segments[select.first(segments)].clone();
    let payload = if with_byte { vec![0] } else { Vec::new() };
    for nth in 0..count as u64 {
        let at_us = next.at_us - 100 - 10 * nth;
        let probe = Segment {
            at_us,
            sequence: next.sequence.wrapping_sub(1),
            flags: flags::ACK,
            payload: payload.clone(),
            turns: Vec::new(),
            ..next
        };
        let answer = Segment {
            at_us: at_us + 5,
            from: next.from.peer(),
            sequence: next.acknowledgement,
            acknowledgement: next.sequence,
            payload: Vec::new(),
            ..probe.clone()
        };
        segments.extend([probe, answer]);
    }
    in_order_of_time(segments);
}

/// Parts these segments into runs that one side sends in short succession.
fn bursts(segments: &[Segment], indices: &[usize]) -> Vec<Vec<usize>> {
    let together = |one: &usize, next: &usize| {
        let (one, next) = (&segments[*one], &segments[*next]);
        one.from == next.from && next.at_us - one.at_us < BURST_GAP_US
    };
    indices.chunk_by(together).map(<[usize]>::to_vec).collect()
}

fn find(messages: &mut [Message], spot: Spot) -> &mut Message {
    let found = messages.iter_mut().find(|message| message.turn == spot.turn && message.from == spot.from);
    found.expect("the disturbance chooses a message")
}

fn in_order_of_time(segments: &mut [Segment]) {
    segments.sort_by_key(|segment| segment.at_us);
}
