//! TCP segments in, protocol units out.
//!
//! Bytes in order are parsed where they lie. Copied are only the beginning of an unfinished unit, segments that came
//! before their turn, and, into the ring of recent payload, what later repetitions are compared with.
//!
//! Readings of ambiguous streams:
//! - Of bytes that come twice, the first to arrive count. When the later ones differ, both are judged.
//! - Bytes far outside the window, or inside a hole given up earlier, are judged by themselves and leave the stream
//!   as it was, unless the stream goes on from there and its receiver agrees.
//! - A hole is given up when its bytes were acknowledged, when too much waits behind it, or when it is too old.

mod ends;
mod moves;
mod readings;

use ends::is_read_to_the_end;
use readings::{contradicted, urgent};
use tagout_engine::AnomalyKind;

use super::framed::{all_in_another, ended, way};
use super::units::{Reader, Run, aside, damaged, restarts, turn, units};
use super::{Elsewhere, Flow, Half, Side};
use crate::counters::Counter;
use crate::finding::{Finding, Term};
use crate::modbus::framing::{self, Framing};
use crate::modbus::mbap;
use crate::record::{Protocol, Seen};
use crate::sequence::distance;
use crate::store::{Block, Fifo, Links, NONE, Occupancy, Pool, Recent, copy, differs};
use crate::wire::TcpSegment;

/// Sequence numbers further ahead or behind than this belong to another stream.
const WINDOW: i32 = 1 << 18;
/// The most segments that wait behind one hole.
const MAX_HELD: u8 = 64;
/// Bytes of a block: the longest unit of any protocol fits (ASCII frame 513, DNP3 link frame 292, MBAP ADU 260).
pub const BLOCK_LEN: usize = 520;

/// The storage that all streams share.
#[derive(Debug)]
pub(crate) struct Streams<'s> {
    pool: Pool<'s>,
    recent: Recent<'s>,
    /// Directions of flows that wait for missing bytes, in the order in which the waiting began.
    holes: Fifo,
    hole_links: &'s mut [Links],
}

fn in_window(from: u32, to: u32) -> bool {
    (-WINDOW..WINDOW).contains(&distance(from, to))
}

/// The entry of a flow's direction in the queue of holes.
fn hole_id(flow: u32, side: Side) -> u32 {
    flow.wrapping_mul(2).wrapping_add(u32::from(side == Side::Server))
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

    /// How many blocks hold something.
    pub(crate) fn occupancy(&self) -> Occupancy {
        self.pool.occupancy()
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
        let in_mbap = flow.protocol == Protocol::Modbus && flow.framing == Framing::Mbap;
        let fits = match flow.protocol {
            Protocol::Modbus if in_mbap => mbap::fills(bytes),
            Protocol::Modbus => framing::is_all(flow.framing, bytes, way(flow, side)),
            Protocol::Dnp3 => true,
        };
        if !fits && all_in_another(flow, side, run, reader).is_some() {
            return;
        }
        match in_mbap && !fits {
            true => damaged(flow, side, run, mbap::fault(bytes), reader),
            false => ended(flow, side, run, reader),
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
            self.open(id, flow, side, segment.seq.wrapping_add(1), reader);
        }
        if segment.flags.fin || segment.flags.rst {
            (flow.client.ended, flow.server.ended) = (true, true);
        }
        if segment.payload.is_empty() && segment.missing == 0 {
            return;
        }
        let seq = segment.seq.wrapping_add(u32::from(segment.flags.syn));
        let run = Run { seq, bytes: segment.payload, seen };
        if segment.flags.urg {
            urgent(flow, side, segment.urgent, run, reader);
        }
        if self.adopt(id, flow, side, run, reader) {
            self.place(id, flow, side, run, reader);
            if segment.missing > 0 && flow.half(side).next == run.end() {
                self.lose(flow, side, segment.missing, seen, reader);
            }
        }
    }

    /// Deals with a SYN whose stream begins at `next`. A stream that was heard is left alone until bytes follow the SYN, which
    /// anybody can forge; one that comes late or again changes nothing, unless the connection ended before.
    #[inline(never)]
    fn open(&mut self, id: u32, flow: &mut Flow, side: Side, next: u32, reader: &mut impl Reader) {
        let half = flow.half_mut(side);
        let begun = Elsewhere { next, synced: true };
        if !half.started {
            self.begin(id, flow, side, begun, reader);
        } else if half.ended || half.first != next {
            half.elsewhere = Some(begun);
        }
    }

    /// Begins anew at another place.
    fn begin(&mut self, id: u32, flow: &mut Flow, side: Side, at: Elsewhere, reader: &mut impl Reader) {
        self.forget(id, flow, side, reader);
        flow.beginnings = flow.beginnings.wrapping_add(at.synced.into());
        let half = flow.half_mut(side);
        *half = Half { synced: at.synced, acked: half.acked, ..Half::starting_at(at.next) };
    }

    /// Decides which stream the run belongs to; false when it was judged by itself.
    fn adopt(&mut self, id: u32, flow: &mut Flow, side: Side, run: Run<'_>, reader: &mut impl Reader) -> bool {
        let half = flow.half_mut(side);
        if !half.started {
            half.started = true;
            (half.first, half.next) = (run.seq, run.seq);
            half.lost = (run.seq.wrapping_sub(WINDOW.unsigned_abs()), run.seq);
            return true;
        }
        if let Some(other) = half.elsewhere.filter(|other| half.moves_to(other.next, run.seq)) {
            self.begin(id, flow, side, other, reader);
            return true;
        }
        if in_window(half.next, run.seq) {
            return true;
        }
        half.elsewhere = Some(Elsewhere { next: run.end(), synced: false });
        let here = turn(flow, side, &run);
        let expected = flow.half(side).next;
        let finding = Finding::new(AnomalyKind::TcpOutOfWindow, run.bytes.len());
        let finding = finding.at("sequence number", 4).because(Term::Number(expected), Term::Number(run.seq));
        reader.anomaly(flow, here, finding);
        aside(flow, side, run, &run, reader);
        false
    }

    /// Puts a run into its place in the stream. Where it repeats held bytes, those came first.
    fn place(&mut self, id: u32, flow: &mut Flow, side: Side, mut run: Run<'_>, reader: &mut impl Reader) {
        while !run.bytes.is_empty() {
            let ahead = distance(flow.half(side).next, run.seq);
            if ahead > 0 {
                return self.early(id, flow, side, run, reader);
            }
            if ahead < 0 {
                run = self.repeated(flow, side, run, ahead.unsigned_abs() as usize, reader);
            }
            let held = flow.half(side).held;
            let until = if held == NONE { usize::MAX } else { self.pool.seq(held).wrapping_sub(run.seq) as usize };
            let piece = Run { bytes: run.first(until), ..run };
            if !piece.bytes.is_empty() {
                self.in_order(flow, side, piece, reader);
                self.release(id, flow, side, reader);
            }
            run = run.skip(piece.bytes.len());
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
        let half = flow.half_mut(side);
        let end = run.seq.wrapping_add(known.len() as u32);
        // Where only one direction is mirrored, nobody knows; probes are likely.
        let is_received = half.acked.is_none_or(|acked| distance(end, acked) >= 0);
        let keep_alive = is_received && old == 1 && run.bytes.len() == 1;
        if !keep_alive {
            reader.count(Counter::Retransmissions, 1);
            if let Some(earlier) = self.recent.contradicting(half.recent, run.seq, known) {
                contradicted(flow, side, earlier, run, reader);
            }
            self.late(flow, side, Run { bytes: known, ..run }, reader);
        }
        run.skip(old)
    }

    /// Judges by itself what a repetition has of bytes that were given up.
    fn late(&mut self, flow: &mut Flow, side: Side, run: Run<'_>, reader: &mut impl Reader) {
        let half = flow.half_mut(side);
        let Some(filling) = within(half.lost, run) else { return };
        half.recent = self.recent.remember(half.recent, filling.seq, filling.bytes);
        if filling.end() == half.lost.1 {
            half.lost.1 = filling.seq;
        } else {
            half.lost.0 = filling.end();
        }
        half.elsewhere = Some(Elsewhere { next: filling.end(), synced: false });
        aside(flow, side, run, &filling, reader);
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

    /// Keeps what of a run is not held already until its turn; false when there is no room for it.
    fn hold(&mut self, id: u32, flow: &mut Flow, side: Side, run: Run<'_>, reader: &mut impl Reader) -> bool {
        if flow.half(side).held == NONE {
            flow.half_mut(side).hole_since = run.seen.time;
        }
        let (mut before, mut after, mut rest) = (NONE, flow.half(side).held, run);
        while !rest.bytes.is_empty() {
            let until = if after == NONE { i32::MAX } else { distance(rest.seq, self.pool.seq(after)) };
            if until > 0 {
                let piece = Run { bytes: rest.first(BLOCK_LEN.min(until as usize)), ..rest };
                let Some(block) = self.link(id, flow, side, piece, (before, after)) else { return false };
                before = block;
                rest = rest.skip(piece.bytes.len());
            } else {
                let earlier = (self.pool.seq(after), self.pool.get(after));
                if differs(earlier.0, earlier.1, rest.seq, rest.bytes) {
                    contradicted(flow, side, earlier, run, reader);
                }
                let end = earlier.0.wrapping_add(earlier.1.len() as u32);
                rest = rest.skip(distance(rest.seq, end).max(0) as usize);
                (before, after) = (after, self.pool.next(after));
            }
        }
        true
    }

    /// Puts a block that holds `piece` between two others of a chain.
    fn link(&mut self, id: u32, flow: &mut Flow, side: Side, piece: Run<'_>, between: (u32, u32)) -> Option<u32> {
        let block = self.pool.take(piece.bytes, piece.seq, piece.seen)?;
        self.pool.set_next(block, between.1);
        self.pool.set_sender(block, flow.sender(side));
        let half = flow.half_mut(side);
        if half.held == NONE {
            self.holes.push(self.hole_links, hole_id(id, side));
        }
        half.held_count = half.held_count.saturating_add(1);
        if between.0 == NONE {
            half.held = block;
        } else {
            self.pool.set_next(between.0, block);
        }
        Some(block)
    }

    /// Notes what the receiver of `side`'s bytes has acknowledged: a hole below that will never be filled.
    fn acknowledged(&mut self, id: u32, flow: &mut Flow, side: Side, ack: u32, reader: &mut impl Reader) {
        flow.half_mut(side).note_acked(ack);
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
        let here = turn(flow, side, &Run { seq: flow.half(side).next, bytes: &[], seen });
        reader.anomaly(flow, here, Finding::new(AnomalyKind::TcpGap, missing as usize));
        reader.count(Counter::Gaps, 1);
        reader.count(Counter::GapBytes, missing as usize);
    }

    /// Feeds held segments whose turn has come, each as of who sent it.
    fn release(&mut self, id: u32, flow: &mut Flow, side: Side, reader: &mut impl Reader) {
        if flow.half(side).held != NONE {
            let sender = flow.sender(side);
            self.release_held(id, flow, side, reader);
            flow.set_sender(side, sender);
        }
    }

    fn release_held(&mut self, id: u32, flow: &mut Flow, side: Side, reader: &mut impl Reader) {
        let mut buffer = [0; BLOCK_LEN];
        loop {
            let block = flow.half(side).held;
            let (seq, seen, sender) = (self.pool.seq(block), self.pool.seen(block), self.pool.sender(block));
            if block == NONE || distance(flow.half(side).next, seq) > 0 {
                return;
            }
            let len = copy(&mut buffer, self.pool.get(block));
            let rest = self.pool.give_back(block);
            let half = flow.half_mut(side);
            half.held = rest;
            half.held_count = half.held_count.saturating_sub(1);
            half.hole_since = seen.time;
            self.holes.remove(self.hole_links, hole_id(id, side));
            if rest != NONE {
                self.holes.push(self.hole_links, hole_id(id, side));
            }
            flow.set_sender(side, sender);
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
        let block = core::mem::replace(&mut flow.half_mut(side).partial, NONE);
        if block == NONE {
            return;
        }
        let (seq, seen) = (self.pool.seq(block), self.pool.seen(block));
        let mut buffer = [0; BLOCK_LEN];
        let len = copy(&mut buffer, self.pool.get(block));
        self.pool.give_back(block);
        let run = Run { seq, bytes: buffer.get(..len).unwrap_or_default(), seen };
        if is_read_to_the_end(flow) {
            ended(flow, side, run, reader);
        } else {
            reader.count(Counter::StrayBytes, len);
        }
    }

    /// Parses the next bytes of a stream.
    fn feed(&mut self, flow: &mut Flow, side: Side, run: Run<'_>, reader: &mut impl Reader) {
        let run = if flow.half(side).partial == NONE { run } else { self.complete(flow, side, run, reader) };
        let (rest, need) = units(flow, side, run, reader);
        if rest.bytes.is_empty() || all_in_another(flow, side, rest, reader) == Some(true) {
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
        if restarts(flow, side, self.pool.get(block), run.bytes) {
            if flow.framing == Framing::Mbap {
                let held = Run { bytes: self.pool.get(block), ..start };
                damaged(flow, side, held, AnomalyKind::ModbusLength, reader);
                self.pool.give_back(block);
                flow.half_mut(side).partial = NONE;
            } else {
                self.drop_partial(flow, side, reader);
            }
            return run;
        }
        let mut rest = run;
        let mut seq = start.seq;
        loop {
            let taken = self.pool.append(block, rest.bytes, most_held(flow, side));
            rest = rest.skip(taken);
            let held = Run { seq, bytes: self.pool.get(block), seen: run.seen };
            let (left, need) = units(flow, side, held, reader);
            let (used, left) = (held.bytes.len().saturating_sub(left.bytes.len()), left.bytes.len());
            seq = seq.wrapping_add(used as u32);
            self.pool.consume(block, used);
            let in_run = distance(run.seq, seq);
            if in_run >= 0 {
                self.pool.give_back(block);
                flow.half_mut(side).partial = NONE;
                return run.skip(in_run.unsigned_abs() as usize);
            }
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

/// How many bytes to hold before reading a unit that is not whole. Only MBAP tells for certain; what is asked for elsewhere
/// may be one byte after another, and so as many are taken as there are.
fn most_held(flow: &Flow, side: Side) -> usize {
    let in_mbap = flow.protocol == Protocol::Modbus && flow.framing == Framing::Mbap;
    if in_mbap { usize::from(flow.half(side).need) } else { BLOCK_LEN }
}

/// What of a run lies in the hole `[from, to)`, if there is any.
fn within((from, to): (u32, u32), run: Run<'_>) -> Option<Run<'_>> {
    let run = run.skip(distance(run.seq, from).max(0) as usize);
    let bytes = run.first(distance(run.seq, to).max(0) as usize);
    (!bytes.is_empty()).then_some(Run { bytes, ..run })
}

#[cfg(test)]
mod tests;
