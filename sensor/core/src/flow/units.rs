//! From runs of bytes to protocol units.

use tagout_engine::AnomalyKind;

use super::framed::{self, Found};
use super::{Flow, Side, Turn, foreign};
use crate::counters::Counter;
use crate::dnp3;
use crate::finding::Finding;
use crate::modbus::framing::{self, Framing};
use crate::modbus::{self, mbap};
use crate::record::{Protocol, Seen};
use crate::scan::Scan;
use crate::sequence::is_before;

/// Takes what streams yield.
pub(crate) trait Reader {
    /// A whole unit.
    fn unit(&mut self, flow: &mut Flow, turn: Turn, bytes: &[u8]);
    /// Something that could not be taken at face value.
    fn anomaly(&mut self, flow: &mut Flow, turn: Turn, finding: Finding);
    /// Something to count.
    fn count(&mut self, counter: Counter, by: usize);
}

/// A run of bytes of one direction.
#[derive(Clone, Copy)]
pub(super) struct Run<'a> {
    pub(super) seq: u32,
    pub(super) bytes: &'a [u8],
    pub(super) seen: Seen,
}

impl<'a> Run<'a> {
    pub(super) fn end(&self) -> u32 {
        self.seq.wrapping_add(self.bytes.len() as u32)
    }

    pub(super) fn skip(self, count: usize) -> Self {
        Self {
            seq: self.seq.wrapping_add(count as u32),
            bytes: self.bytes.get(count..).unwrap_or_default(),
            seen: self.seen,
        }
    }

    pub(super) fn first(self, count: usize) -> &'a [u8] {
        self.bytes.get(..count).unwrap_or(self.bytes)
    }
}

/// What stands at the start of a flow's bytes.
fn find(flow: &Flow, side: Side, bytes: &[u8], synced: bool) -> Found {
    match flow.protocol {
        Protocol::Modbus if flow.framing == Framing::Mbap => find_mbap(flow, side, bytes, synced),
        Protocol::Dnp3 if !flow.is_line() => dnp3::link::scan(bytes).into(),
        _ => framed::find(flow, side, bytes, synced),
    }
}

/// An ADU, or, where its function does not bear it out, the unit of another framing that stands there.
fn find_mbap(flow: &Flow, side: Side, bytes: &[u8], synced: bool) -> Found {
    match framing::read_mbap(bytes, direction(side), synced) {
        Ok((Scan::Unit { len }, false)) => framed::claimed(flow, side, bytes, len),
        Ok((scan, _)) => scan.into(),
        Err(kind) => framed::damaged_or_in_another(flow, side, bytes, kind),
    }
}

pub(super) fn direction(side: Side) -> modbus::Direction {
    match side {
        Side::Client => modbus::Direction::Request,
        Side::Server => modbus::Direction::Response,
    }
}

/// Where `run` stands in the dialogue.
pub(super) fn turn(flow: &Flow, side: Side, run: &Run<'_>) -> Turn {
    Turn { side, seen: run.seen, seq: run.seq, end: run.end(), ack: flow.half(side.other()).acked.unwrap_or(0) }
}

/// Reads units from the start of `run`; returns the beginning of an unfinished one, and how many bytes that needs.
pub(super) fn units<'a>(flow: &mut Flow, side: Side, mut run: Run<'a>, reader: &mut impl Reader) -> (Run<'a>, usize) {
    while !run.bytes.is_empty() {
        match find(flow, side, run.bytes, flow.half(side).synced) {
            Found::Unit { len } => {
                flow.half_mut(side).synced = true;
                flow.settled = true;
                let unit = Run { bytes: run.first(len), ..run };
                let here = turn(flow, side, &unit);
                reader.unit(flow, here, unit.bytes);
                run = run.skip(len);
            }
            Found::Framed { framing, len } => {
                flow.half_mut(side).synced = true;
                framed::hand_on(flow, side, framing, Run { bytes: run.first(len), ..run }, reader);
                run = run.skip(len);
            }
            Found::Partial { need } => return (run, need),
            Found::Damaged { skip, kind } => {
                damaged(flow, side, Run { bytes: run.first(skip), ..run }, kind, reader);
                run = run.skip(skip);
            }
        }
    }
    (run, 0)
}

/// Reports bytes that are no unit. Where none was to be expected, behind a hole or in the middle of a session, they are
/// only counted, unless they show themselves to be damaged.
pub(super) fn damaged(flow: &mut Flow, side: Side, run: Run<'_>, kind: AnomalyKind, reader: &mut impl Reader) {
    reader.count(Counter::StrayBytes, run.bytes.len());
    let shows_itself =
        matches!(kind, AnomalyKind::Dnp3HeaderCrc | AnomalyKind::Dnp3DataCrc | AnomalyKind::ModbusAsciiLrc);
    if core::mem::take(&mut flow.half_mut(side).synced) || shows_itself {
        let here = turn(flow, side, &run);
        let finding =
            foreign::named(kind, flow.is_tcp(), run.bytes).unwrap_or_else(|| explain(flow, kind, run.bytes, side));
        reader.anomaly(flow, here, finding);
    }
}

/// What is wrong with bytes that are no unit.
fn explain(flow: &Flow, kind: AnomalyKind, bytes: &[u8], side: Side) -> Finding {
    match flow.protocol {
        Protocol::Modbus => framing::explain(flow.framing, kind, bytes, framed::way(flow, side)),
        Protocol::Dnp3 => dnp3::link::explain(kind, bytes),
    }
}

/// Judges a run outside its stream: whole units in it that share bytes with `part` are read, everything else is passed
/// over.
pub(super) fn aside(flow: &mut Flow, side: Side, mut run: Run<'_>, part: &Run<'_>, reader: &mut impl Reader) {
    while !run.bytes.is_empty() {
        match find(flow, side, run.bytes, false) {
            Found::Unit { len } => {
                let unit = Run { bytes: run.first(len), ..run };
                if shares_bytes(&unit, part) {
                    let here = turn(flow, side, &unit);
                    reader.unit(flow, here, unit.bytes);
                }
                run = run.skip(len);
            }
            Found::Framed { framing, len } => {
                let unit = Run { bytes: run.first(len), ..run };
                if shares_bytes(&unit, part) {
                    framed::hand_on(flow, side, framing, unit, reader);
                }
                run = run.skip(len);
            }
            Found::Partial { .. } => return,
            Found::Damaged { skip, .. } => run = run.skip(skip),
        }
    }
}

fn shares_bytes(unit: &Run<'_>, part: &Run<'_>) -> bool {
    is_before(part.seq, unit.end()) && is_before(unit.seq, part.end())
}

/// True when the held beginning of a unit was never finished, since `segment` starts another.
pub(super) fn restarts(flow: &Flow, side: Side, held: &[u8], segment: &[u8]) -> bool {
    let synced = flow.half(side).synced;
    flow.protocol == Protocol::Modbus
        && !flow.is_line()
        && framing::restarts(flow.framing, held, segment, direction(side), synced)
}

/// Which side a payload comes from, by its content: a request of a client's unless only a server could have sent it.
pub(crate) fn clients_side(protocol: Protocol, payload: &[u8]) -> Side {
    let servers = match protocol {
        Protocol::Modbus => mbap::is_response(payload),
        Protocol::Dnp3 => dnp3::link::parse(payload).is_some_and(|(header, _)| !header.control.dir()),
    };
    if servers { Side::Server } else { Side::Client }
}
