//! TCP segments in, protocol units out.
//!
//! Bytes in order are parsed where they lie. Copied are only the beginning of an unfinished unit, segments that came
//! before their turn, and, into the ring of recent payload, what later repetitions are compared with.
//!
//! Readings of ambiguous streams:
//! - Of bytes that come twice, the first to arrive count. When the later ones differ, both are judged.
//! - Bytes far outside the window, or inside a hole given up earlier, are judged by themselves and leave the stream
//!   as it was, unless the stream goes on from there.
//! - A hole is given up when its bytes were acknowledged, when too much waits behind it, or when it is too old.

use tagout_engine::AnomalyKind;

use super::{Elsewhere, Flow, Half, Side, Turn};
use crate::counters::Counter;
use crate::dnp3;
use crate::modbus::{self, mbap};
use crate::record::{Protocol, Seen};
use crate::scan::Scan;
use crate::store::{Block, Compared, Fifo, Links, NONE, Pool, Recent, copy, differs};
use crate::wire::TcpSegment;

/// Sequence numbers further ahead or behind than this belong to another stream.
const WINDOW: i32 = 1 << 18;
/// The most segments that wait behind one hole.
const MAX_HELD: u8 = 32;
/// Bytes of a block: the longest unit of any protocol fits (MBAP ADU 260, DNP3 link frame 292).
pub const BLOCK_LEN: usize = 304;

/// Takes what streams yield.
pub(crate) trait Reader {
    /// A whole unit.
    fn unit(&mut self, flow: &mut Flow, turn: Turn, bytes: &[u8]);
    /// Something that could not be taken at face value, which cost `bytes`.
    fn anomaly(&mut self, flow: &mut Flow, turn: Turn, kind: AnomalyKind, bytes: usize);
    /// Something to count.
    fn count(&mut self, counter: Counter, by: usize);
}

/// The storage that all streams share.
#[derive(Debug)]
pub(crate) struct Streams<'s> {
    pool: Pool<'s>,
    recent: Recent<'s>,
    /// Directions of flows that wait for missing bytes, in the order in which the waiting began.
    holes: Fifo,
    hole_links: &'s mut [Links],
}

/// A run of bytes of one direction.
#[derive(Clone, Copy)]
struct Run<'a> {
    seq: u32,
    bytes: &'a [u8],
    seen: Seen,
}

impl<'a> Run<'a> {
    fn end(&self) -> u32 {
        self.seq.wrapping_add(self.bytes.len() as u32)
    }

    fn skip(self, count: usize) -> Self {
        Self {
            seq: self.seq.wrapping_add(count as u32),
            bytes: self.bytes.get(count..).unwrap_or_default(),
            seen: self.seen,
        }
    }

    fn first(self, count: usize) -> &'a [u8] {
        self.bytes.get(..count).unwrap_or(self.bytes)
    }
}

/// Signed distance from `from` to `to` in sequence space.
fn distance(from: u32, to: u32) -> i32 {
    to.wrapping_sub(from).cast_signed()
}

fn in_window(from: u32, to: u32) -> bool {
    (-WINDOW..WINDOW).contains(&distance(from, to))
}

fn scan(protocol: Protocol, bytes: &[u8], side: Side, synced: bool) -> Scan {
    match protocol {
        Protocol::Modbus => mbap::scan(bytes, direction(side), synced),
        Protocol::Dnp3 => dnp3::link::scan(bytes),
    }
}

fn direction(side: Side) -> modbus::Direction {
    match side {
        Side::Client => modbus::Direction::Request,
        Side::Server => modbus::Direction::Response,
    }
}

/// The entry of a flow's direction in the queue of holes.
fn hole_id(flow: u32, side: Side) -> u32 {
    flow.wrapping_mul(2).wrapping_add(u32::from(side == Side::Server))
}

fn turn(flow: &Flow, side: Side, seq: u32, seen: Seen) -> Turn {
    Turn { side, seen, seq, ack: flow.half(side.other()).acked.unwrap_or(0) }
}

impl<'s> Streams<'s> {
    /// Streams in the storage given: [`BLOCK_LEN`] bytes a block, two hole links a flow.
    pub(crate) fn new(
        blocks: &'s mut [Block],
        bytes: &'s mut [u8],
        recent: &'s mut [u8],
        hole_links: &'s mut [Links],
    ) -> Self {
        hole_links.fill(Links::EMPTY);
        let pool = Pool::new(blocks, bytes, BLOCK_LEN);
        Self { pool, recent: Recent::new(recent), holes: Fifo::EMPTY, hole_links }
    }

    /// The direction that has waited longest for missing bytes.
    pub(crate) fn oldest_hole(&self) -> Option<(u32, Side)> {
        let id = self.holes.front()?;
        Some((id >> 1, if id & 1 == 0 { Side::Client } else { Side::Server }))
    }

    /// Takes a UDP datagram, which holds whole units.
    pub(crate) fn datagram(&mut self, flow: &mut Flow, side: Side, bytes: &[u8], seen: Seen, reader: &mut impl Reader) {
        let run = Run { seq: 0, bytes, seen };
        let half = flow.half_mut(side);
        half.started = true;
        half.synced = true;
        if flow.protocol == Protocol::Modbus && !mbap::fills(bytes) {
            damaged(flow, side, run, AnomalyKind::ModbusStrayBytes, reader);
            return;
        }
        let rest = units(flow, side, run, reader);
        if !rest.0.bytes.is_empty() {
            damaged(flow, side, rest.0, AnomalyKind::Dnp3StrayBytes, reader);
        }
    }

    /// Takes a TCP segment of flow number `id`.
    pub(crate) fn segment(
        &mut self,
        id: u32,
        flow: &mut Flow,
        side: Side,
        segment: &TcpSegment<'_>,
        seen: Seen,
        reader: &mut impl Reader,
    ) {
        if segment.flags.ack {
            self.acknowledged(id, flow, side.other(), segment.ack, reader);
        }
        if segment.flags.syn {
            open(flow, side, segment.seq.wrapping_add(1));
        }
        if segment.payload.is_empty() && segment.missing == 0 {
            return;
        }
        let seq = segment.seq.wrapping_add(u32::from(segment.flags.syn));
        let run = Run { seq, bytes: segment.payload, seen };
        if self.adopt(id, flow, side, run, reader) {
            self.place(id, flow, side, run, reader);
            if segment.missing > 0 && flow.half(side).next == run.end() {
                self.lose(flow, side, segment.missing, seen, reader);
            }
        }
    }

    /// Decides which stream the run belongs to; false when it was judged by itself.
    fn adopt(&mut self, id: u32, flow: &mut Flow, side: Side, run: Run<'_>, reader: &mut impl Reader) -> bool {
        let half = flow.half_mut(side);
        if !half.started {
            half.started = true;
            half.next = run.seq;
            return true;
        }
        let moved = half.elsewhere.filter(|other| {
            other.next == run.seq && other.next != half.next
                || in_window(other.next, run.seq) && !in_window(half.next, run.seq)
        });
        if let Some(other) = moved {
            self.forget(id, flow, side, reader);
            let half = flow.half_mut(side);
            *half = Half { next: other.next, synced: other.synced, started: true, acked: half.acked, ..Half::EMPTY };
            return true;
        }
        if in_window(half.next, run.seq) {
            return true;
        }
        half.elsewhere = Some(Elsewhere { next: run.end(), synced: false });
        let here = turn(flow, side, run.seq, run.seen);
        reader.anomaly(flow, here, AnomalyKind::TcpOutOfWindow, run.bytes.len());
        aside(flow, side, run, reader);
        false
    }

    /// Puts a run into its place in the stream.
    fn place(&mut self, id: u32, flow: &mut Flow, side: Side, run: Run<'_>, reader: &mut impl Reader) {
        let ahead = distance(flow.half(side).next, run.seq);
        if ahead > 0 {
            self.early(id, flow, side, run, reader);
            return;
        }
        let run = if ahead < 0 { self.repeated(flow, side, run, ahead.unsigned_abs() as usize, reader) } else { run };
        if !run.bytes.is_empty() {
            self.in_order(flow, side, run, reader);
            self.release(id, flow, side, reader);
        }
    }

    fn in_order(&mut self, flow: &mut Flow, side: Side, run: Run<'_>, reader: &mut impl Reader) {
        let half = flow.half_mut(side);
        half.recent = self.recent.remember(half.recent, run.seq, run.bytes);
        half.next = run.end();
        self.feed(flow, side, run, reader);
    }

    /// Deals with `old` bytes that came before; returns what is new.
    fn repeated<'a>(
        &mut self,
        flow: &mut Flow,
        side: Side,
        run: Run<'a>,
        old: usize,
        reader: &mut impl Reader,
    ) -> Run<'a> {
        let known = run.first(old);
        let keep_alive = old == 1 && run.bytes.len() == 1;
        if !keep_alive {
            reader.count(Counter::Retransmissions, 1);
            let half = flow.half_mut(side);
            if fills_lost(half.lost, run.seq, known.len()) {
                half.recent = self.recent.remember(half.recent, run.seq, known);
                half.lost.0 = run.seq.wrapping_add(known.len() as u32);
                aside(flow, side, Run { bytes: known, ..run }, reader);
            } else if self.recent.compare(half.recent, run.seq, known) == Compared::Differs {
                let here = turn(flow, side, run.seq, run.seen);
                reader.anomaly(flow, here, AnomalyKind::TcpOverlapConflict, known.len());
                aside(flow, side, run, reader);
            }
        }
        run.skip(old)
    }

    /// Deals with a run that lies behind a hole.
    fn early(&mut self, id: u32, flow: &mut Flow, side: Side, run: Run<'_>, reader: &mut impl Reader) {
        reader.count(Counter::OutOfOrder, 1);
        let half = flow.half(side);
        let gone = half.acked.is_some_and(|acked| distance(run.seq, acked) >= 0);
        if gone || half.held_count >= MAX_HELD || !self.hold(id, flow, side, run, reader) {
            self.go_on_at(id, flow, side, run, reader);
        }
    }

    /// Gives up every hole before the run, and places it.
    fn go_on_at(&mut self, id: u32, flow: &mut Flow, side: Side, run: Run<'_>, reader: &mut impl Reader) {
        while distance(flow.half(side).next, run.seq) > 0 {
            let held = flow.half(side).held;
            if held != NONE && distance(self.pool.seq(held), run.seq) >= 0 {
                self.give_up_hole(id, flow, side, reader);
            } else {
                self.jump(flow, side, run.seq, run.seen, reader);
            }
        }
        self.place(id, flow, side, run, reader);
    }

    /// Keeps a run until its turn; false when there is no room for it.
    fn hold(&mut self, id: u32, flow: &mut Flow, side: Side, run: Run<'_>, reader: &mut impl Reader) -> bool {
        let (mut before, mut after) = (NONE, flow.half(side).held);
        while after != NONE && distance(self.pool.seq(after), run.seq) >= 0 {
            if differs(self.pool.seq(after), self.pool.get(after), run.seq, run.bytes) {
                let here = turn(flow, side, run.seq, run.seen);
                reader.anomaly(flow, here, AnomalyKind::TcpOverlapConflict, run.bytes.len());
                aside(flow, side, run, reader);
                return true;
            }
            (before, after) = (after, self.pool.next(after));
        }
        let mut rest = run;
        while !rest.bytes.is_empty() {
            let piece = rest.first(BLOCK_LEN);
            let Some(block) = self.pool.take(piece, rest.seq, run.seen) else { break };
            self.pool.set_next(block, after);
            if before == NONE {
                flow.half_mut(side).held = block;
            } else {
                self.pool.set_next(before, block);
            }
            before = block;
            rest = rest.skip(piece.len());
        }
        let half = flow.half_mut(side);
        if half.held_count == 0 && half.held != NONE {
            half.hole_since = run.seen.time;
            self.holes.push(self.hole_links, hole_id(id, side));
        }
        half.held_count = half.held_count.saturating_add(u8::from(half.held != NONE));
        rest.bytes.is_empty()
    }

    /// Notes what the receiver of `side`'s bytes has acknowledged: a hole below that will never be filled.
    fn acknowledged(&mut self, id: u32, flow: &mut Flow, side: Side, ack: u32, reader: &mut impl Reader) {
        let half = flow.half_mut(side);
        if half.acked.is_none_or(|old| distance(old, ack) > 0 || !in_window(old, ack)) {
            half.acked = Some(ack);
        }
        while flow.half(side).held != NONE && distance(self.pool.seq(flow.half(side).held), ack) >= 0 {
            self.give_up_hole(id, flow, side, reader);
        }
    }

    /// Goes on behind the first hole that `side` waits for, if it does.
    pub(crate) fn give_up_hole(&mut self, id: u32, flow: &mut Flow, side: Side, reader: &mut impl Reader) {
        let first = flow.half(side).held;
        if first != NONE {
            self.jump(flow, side, self.pool.seq(first), self.pool.seen(first), reader);
            self.release(id, flow, side, reader);
        }
    }

    /// Leaves out the bytes before `to`, which lies ahead.
    fn jump(&mut self, flow: &mut Flow, side: Side, to: u32, seen: Seen, reader: &mut impl Reader) {
        let missing = to.wrapping_sub(flow.half(side).next);
        self.lose(flow, side, missing, seen, reader);
    }

    fn lose(&mut self, flow: &mut Flow, side: Side, missing: u32, seen: Seen, reader: &mut impl Reader) {
        self.drop_partial(flow, side, reader);
        let half = flow.half_mut(side);
        half.lost = (half.next, half.next.wrapping_add(missing));
        half.next = half.lost.1;
        half.synced = false;
        let here = turn(flow, side, flow.half(side).next, seen);
        reader.anomaly(flow, here, AnomalyKind::TcpGap, missing as usize);
        reader.count(Counter::Gaps, 1);
        reader.count(Counter::GapBytes, missing as usize);
    }

    /// Feeds held segments whose turn has come.
    fn release(&mut self, id: u32, flow: &mut Flow, side: Side, reader: &mut impl Reader) {
        let mut buffer = [0; BLOCK_LEN];
        loop {
            let block = flow.half(side).held;
            let (seq, seen) = (self.pool.seq(block), self.pool.seen(block));
            if block == NONE || distance(flow.half(side).next, seq) > 0 {
                return;
            }
            let len = copy(&mut buffer, self.pool.get(block));
            let rest = self.pool.give_back(block);
            let half = flow.half_mut(side);
            half.held = rest;
            if rest == NONE {
                half.held_count = 0;
                self.holes.remove(self.hole_links, hole_id(id, side));
            }
            let run = Run { seq, bytes: buffer.get(..len).unwrap_or_default(), seen };
            let old = distance(seq, flow.half(side).next).unsigned_abs() as usize;
            let run = if old > 0 { self.repeated(flow, side, run, old, reader) } else { run };
            if !run.bytes.is_empty() {
                self.in_order(flow, side, run, reader);
            }
        }
    }

    /// Lets go of everything held for a direction; what waits behind holes is judged first.
    pub(crate) fn forget(&mut self, id: u32, flow: &mut Flow, side: Side, reader: &mut impl Reader) {
        while flow.half(side).held != NONE {
            self.give_up_hole(id, flow, side, reader);
        }
        self.drop_partial(flow, side, reader);
    }

    fn drop_partial(&mut self, flow: &mut Flow, side: Side, reader: &mut impl Reader) {
        let half = flow.half_mut(side);
        if half.partial != NONE {
            reader.count(Counter::StrayBytes, self.pool.get(half.partial).len());
            self.pool.give_back(half.partial);
            half.partial = NONE;
        }
    }

    /// Parses the next bytes of a stream.
    fn feed(&mut self, flow: &mut Flow, side: Side, run: Run<'_>, reader: &mut impl Reader) {
        let run = if flow.half(side).partial == NONE { run } else { self.complete(flow, side, run, reader) };
        let (rest, need) = units(flow, side, run, reader);
        if rest.bytes.is_empty() {
            return;
        }
        let block = if need <= BLOCK_LEN { self.pool.take(rest.bytes, rest.seq, rest.seen) } else { None };
        let half = flow.half_mut(side);
        match block {
            Some(block) => {
                half.partial = block;
                half.need = need as u16;
            }
            None => {
                half.synced = false;
                reader.count(Counter::SegmentsLost, 1);
                reader.count(Counter::StrayBytes, rest.bytes.len());
            }
        }
    }

    /// Finishes the held beginning of a unit with the bytes that follow; returns what is left of them.
    fn complete<'a>(&mut self, flow: &mut Flow, side: Side, run: Run<'a>, reader: &mut impl Reader) -> Run<'a> {
        let block = flow.half(side).partial;
        let start = Run { seq: self.pool.seq(block), bytes: &[], seen: run.seen };
        if restarts(flow.protocol, self.pool.get(block), run.bytes, side) {
            let held = Run { bytes: self.pool.get(block), ..start };
            damaged(flow, side, held, AnomalyKind::ModbusLength, reader);
            self.pool.give_back(block);
            flow.half_mut(side).partial = NONE;
            return run;
        }
        let mut rest = run;
        let mut seq = start.seq;
        loop {
            let taken = self.pool.append(block, rest.bytes, usize::from(flow.half(side).need));
            rest = rest.skip(taken);
            let held = Run { seq, bytes: self.pool.get(block), seen: run.seen };
            let (left, need) = units(flow, side, held, reader);
            let (used, left) = (held.bytes.len().saturating_sub(left.bytes.len()), left.bytes.len());
            seq = seq.wrapping_add(used as u32);
            self.pool.consume(block, used);
            if left == 0 || need > BLOCK_LEN {
                reader.count(Counter::StrayBytes, left);
                self.pool.give_back(block);
                flow.half_mut(side).partial = NONE;
                return rest;
            }
            flow.half_mut(side).need = need as u16;
            if rest.bytes.is_empty() {
                self.pool.set_seq(block, seq);
                return rest;
            }
        }
    }
}

/// Reads units from the start of `run`; returns the beginning of an unfinished one, and how many bytes that needs.
fn units<'a>(flow: &mut Flow, side: Side, mut run: Run<'a>, reader: &mut impl Reader) -> (Run<'a>, usize) {
    while !run.bytes.is_empty() {
        match scan(flow.protocol, run.bytes, side, flow.half(side).synced) {
            Scan::Unit { len } => {
                flow.half_mut(side).synced = true;
                let here = turn(flow, side, run.seq, run.seen);
                reader.unit(flow, here, run.first(len));
                run = run.skip(len);
            }
            Scan::Partial { need } => return (run, need),
            Scan::Damaged { skip, kind } => {
                damaged(flow, side, Run { bytes: run.first(skip), ..run }, kind, reader);
                run = run.skip(skip);
            }
        }
    }
    (run, 0)
}

/// Reports bytes that are no unit. Where none was to be expected, behind a hole or in the middle of a session, they are
/// only counted, unless they show themselves to be damaged.
fn damaged(flow: &mut Flow, side: Side, run: Run<'_>, kind: AnomalyKind, reader: &mut impl Reader) {
    reader.count(Counter::StrayBytes, run.bytes.len());
    if core::mem::take(&mut flow.half_mut(side).synced) || kind == AnomalyKind::Dnp3DataCrc {
        let here = turn(flow, side, run.seq, run.seen);
        reader.anomaly(flow, here, kind, run.bytes.len());
    }
}

/// Judges a run outside its stream: whole units in it are read, everything else is passed over.
fn aside(flow: &mut Flow, side: Side, mut run: Run<'_>, reader: &mut impl Reader) {
    while !run.bytes.is_empty() {
        match scan(flow.protocol, run.bytes, side, false) {
            Scan::Unit { len } => {
                let here = turn(flow, side, run.seq, run.seen);
                reader.unit(flow, here, run.first(len));
                run = run.skip(len);
            }
            Scan::Partial { .. } => return,
            Scan::Damaged { skip, .. } => run = run.skip(skip),
        }
    }
}

fn restarts(protocol: Protocol, held: &[u8], segment: &[u8], side: Side) -> bool {
    protocol == Protocol::Modbus && mbap::restarts(held, segment, direction(side))
}

/// Deals with a SYN whose stream begins at `next`. A stream that goes on already is left alone until bytes follow the
/// SYN, which anybody can forge; a SYN that comes late or again changes nothing.
fn open(flow: &mut Flow, side: Side, next: u32) {
    let half = flow.half_mut(side);
    if !half.started {
        *half = Half { next, synced: true, started: true, acked: half.acked, ..Half::EMPTY };
    } else if !(0..WINDOW).contains(&distance(next, half.next)) {
        half.elsewhere = Some(Elsewhere { next, synced: true });
    }
}

/// True when `len` bytes at `seq` lie in the hole `[from, to)`.
fn fills_lost(lost: (u32, u32), seq: u32, len: usize) -> bool {
    let size = lost.1.wrapping_sub(lost.0) as usize;
    let at = seq.wrapping_sub(lost.0) as usize;
    at < size && at.saturating_add(len) <= size
}

/// Which side a payload comes from, by its content: a request of a client's unless only a server could have sent it.
pub(crate) fn clients_side(protocol: Protocol, payload: &[u8]) -> Side {
    let servers = match protocol {
        Protocol::Modbus => mbap::is_response(payload),
        Protocol::Dnp3 => dnp3::link::parse(payload).is_some_and(|(header, _)| !header.dir()),
    };
    if servers { Side::Server } else { Side::Client }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects, clippy::panic)]
mod tests {
    extern crate std;

    use core::net::{IpAddr, Ipv4Addr};
    use std::vec::Vec;

    use proptest::prelude::*;

    use super::super::FlowKey;
    use super::*;
    use crate::frame::Timestamp;
    use crate::record::Transport;
    use crate::wire::TcpFlags;

    /// What a stream yielded: the transaction ids of its units, in order, and the anomalies.
    #[derive(Default)]
    struct Heard {
        ids: Vec<u16>,
        frames: Vec<u64>,
        anomalies: Vec<AnomalyKind>,
    }

    impl Reader for Heard {
        fn unit(&mut self, _: &mut Flow, turn: Turn, bytes: &[u8]) {
            self.ids.push(u16::from_be_bytes([bytes[0], bytes[1]]));
            self.frames.push(turn.seen.frame);
        }
        fn anomaly(&mut self, _: &mut Flow, _: Turn, kind: AnomalyKind, _: usize) {
            self.anomalies.push(kind);
        }
        fn count(&mut self, _: Counter, _: usize) {}
    }

    struct Segment {
        seq: u32,
        payload: Vec<u8>,
        syn: bool,
    }

    fn data(seq: u32, payload: &[u8]) -> Segment {
        Segment { seq, payload: payload.to_vec(), syn: false }
    }

    fn syn(seq: u32) -> Segment {
        Segment { seq, payload: Vec::new(), syn: true }
    }

    /// A write of register 10, told apart by its transaction id.
    fn adu(id: u16) -> Vec<u8> {
        let [high, low] = id.to_be_bytes();
        [&[high, low, 0, 0, 0, 6, 1, 6, 0, 10][..], &[high, low]].concat()
    }

    fn stream(ids: core::ops::Range<u16>) -> Vec<u8> {
        ids.flat_map(adu).collect()
    }

    fn hear(segments: &[Segment]) -> Heard {
        let (mut blocks, mut bytes) = ([Block::EMPTY; 64], [0; 64 * BLOCK_LEN]);
        let (mut recent, mut links) = ([0; 16_384], [Links::EMPTY; 2]);
        let mut streams = Streams::new(&mut blocks, &mut bytes, &mut recent, &mut links);
        let ip = IpAddr::V4(Ipv4Addr::LOCALHOST);
        let (key, client_is_low) = FlowKey::new((ip, 40_000), (ip, 502), None, Transport::Tcp);
        let mut flow = Flow::new(key, Protocol::Modbus, client_is_low);
        let mut heard = Heard::default();
        for (number, segment) in (1..).zip(segments) {
            let tcp = TcpSegment {
                src_port: 40_000,
                dst_port: 502,
                seq: segment.seq,
                ack: 0,
                flags: TcpFlags { syn: segment.syn, ..TcpFlags::default() },
                payload: &segment.payload,
                missing: 0,
            };
            let seen = Seen { frame: number, time: Timestamp(number) };
            streams.segment(0, &mut flow, Side::Client, &tcp, seen, &mut heard);
        }
        streams.forget(0, &mut flow, Side::Client, &mut heard);
        heard
    }

    #[test]
    fn units_may_be_split_and_joined_anywhere() {
        let bytes = stream(1..5);
        for size in 1..bytes.len() {
            let mut seq = u32::MAX - 20;
            let mut segments = Vec::from([syn(seq.wrapping_sub(1))]);
            for piece in bytes.chunks(size) {
                segments.push(data(seq, piece));
                seq = seq.wrapping_add(piece.len() as u32);
            }
            let heard = hear(&segments);
            assert_eq!(heard.ids, [1, 2, 3, 4], "pieces of {size}");
            assert_eq!(heard.anomalies, []);
        }
    }

    #[test]
    fn a_unit_is_seen_in_the_frame_that_carried_its_last_byte() {
        let late = [syn(99), data(112, &adu(2)), data(100, &adu(1))];
        assert_eq!((hear(&late).ids, hear(&late).frames), (Vec::from([1, 2]), Vec::from([3, 2])));
    }

    #[test]
    fn repeated_bytes_count_once() {
        let heard = hear(&[syn(99), data(100, &adu(1)), data(100, &stream(1..3)), data(100, &adu(1))]);
        assert_eq!((heard.ids, heard.anomalies), (Vec::from([1, 2]), Vec::new()));
    }

    #[test]
    fn a_keep_alive_probe_is_no_conflict() {
        let heard = hear(&[syn(99), data(100, &adu(1)), data(111, &[0]), data(112, &adu(2))]);
        assert_eq!((heard.ids, heard.anomalies), (Vec::from([1, 2]), Vec::new()));
    }

    #[test]
    fn both_readings_of_an_overlap_are_judged() {
        let heard = hear(&[syn(99), data(100, &adu(1)), data(100, &adu(7)), data(112, &adu(2))]);
        assert_eq!(heard.ids, [1, 7, 2]);
        assert_eq!(heard.anomalies, [AnomalyKind::TcpOverlapConflict]);
    }

    #[test]
    fn a_lost_segment_costs_its_own_units() {
        let heard = hear(&[syn(99), data(100, &adu(1)), data(124, &adu(3)), data(136, &adu(4))]);
        assert_eq!(heard.ids, [1, 3, 4]);
        assert_eq!(heard.anomalies, [AnomalyKind::TcpGap]);
    }

    #[test]
    fn a_session_older_than_the_sensor_is_picked_up() {
        let bytes = stream(1..4);
        let heard = hear(&[data(7, &bytes[5..12]), data(14, &bytes[12..])]);
        assert_eq!((heard.ids, heard.anomalies), (Vec::from([2, 3]), Vec::new()));
    }

    #[test]
    fn what_fills_a_hole_given_up_is_judged_still() {
        let mut segments = Vec::from([syn(99)]);
        segments.extend((1..40).map(|id| data(100 + 12 * u32::from(id), &adu(id))));
        segments.push(data(100, &adu(0)));
        let heard = hear(&segments);
        assert_eq!(heard.ids.last(), Some(&0));
        assert_eq!(heard.ids.len(), 40);
    }

    #[test]
    fn a_forged_syn_or_segment_does_not_move_the_stream() {
        let halves = adu(2);
        let forged = [
            syn(99),
            data(100, &adu(1)),
            data(112, &halves[..6]),
            syn(0x7000_0000),
            data(0xA000_0000, &adu(9)),
            data(118, &halves[6..]),
        ];
        assert_eq!(hear(&forged).ids, [1, 9, 2]);
    }

    #[test]
    fn a_new_connection_under_old_ports_is_followed() {
        let heard = hear(&[syn(99), data(100, &adu(1)), syn(0x7000_0000), data(0x7000_0001, &stream(2..4))]);
        assert_eq!((heard.ids, heard.anomalies), (Vec::from([1, 2, 3]), Vec::new()));
    }

    #[test]
    fn a_syn_that_comes_late_changes_nothing() {
        let heard = hear(&[data(100, &adu(1)), syn(99), data(112, &adu(2))]);
        assert_eq!((heard.ids, heard.anomalies), (Vec::from([1, 2]), Vec::new()));
    }

    proptest! {
        #[test]
        fn order_and_repetition_within_reach_do_not_matter(
            cuts in proptest::collection::vec(1_usize..40, 1..20),
            order in proptest::collection::vec(any::<u8>(), 40),
            isn: u32,
        ) {
            let bytes = stream(1..20);
            let (mut at, mut pieces) = (0, Vec::new());
            for cut in cuts {
                let end = (at + cut).min(bytes.len());
                pieces.push((at, end));
                at = end;
            }
            pieces.push((at, bytes.len()));
            let mut shuffled: Vec<_> = pieces.iter().chain(&pieces).zip(&order).map(|(piece, rank)| (*rank, *piece)).collect();
            shuffled.sort();
            let mut segments = Vec::from([syn(isn)]);
            segments.extend(shuffled.iter().map(|(_, (from, to))| data(isn.wrapping_add(1 + *from as u32), &bytes[*from..*to])));
            segments.extend(pieces.iter().map(|(from, to)| data(isn.wrapping_add(1 + *from as u32), &bytes[*from..*to])));
            let heard = hear(&segments);
            if !heard.anomalies.contains(&AnomalyKind::TcpGap) {
                prop_assert_eq!(heard.ids, (1..20).collect::<Vec<_>>());
                prop_assert_eq!(heard.anomalies, []);
            }
        }

        #[test]
        fn random_segments_yield_only_whole_units(segments in proptest::collection::vec((any::<u32>(), proptest::collection::vec(any::<u8>(), 0..700), any::<bool>()), 0..60)) {
            let segments: Vec<_> = segments.into_iter().map(|(seq, payload, syn)| Segment { seq: seq % 5_000, payload, syn }).collect();
            hear(&segments);
        }
    }
}
