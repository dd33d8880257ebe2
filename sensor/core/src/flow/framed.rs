//! Units that are not MBAP on a network: RTU and ASCII, what is framed otherwise than its flow, and all on serial lines.

use tagout_engine::AnomalyKind;

use super::line;
use super::units::{Reader, Run, damaged, direction, turn, units};
use super::{Flow, Side};
use crate::dnp3;
use crate::finding::{Finding, Term};
use crate::modbus::framing::{self, Framing};
use crate::modbus::{Direction, ascii, rtu};
use crate::record::Protocol;
use crate::scan::Scan;

/// Bytes of a line of unknown protocol that are looked at once: no frame of any is longer.
const LONGEST: usize = ascii::MAX_FRAME;

/// What stands at the start of a flow's bytes.
pub(super) enum Found {
    /// A unit of this length, in MBAP if its flow carries Modbus.
    Unit { len: usize },
    /// A unit of this length in this framing, or of DNP3 on a line.
    Framed { framing: Option<Framing>, len: usize },
    /// The beginning of a unit, as in [`Scan::Partial`].
    Partial { need: usize },
    /// Nothing, as in [`Scan::Damaged`].
    Damaged { skip: usize, kind: AnomalyKind },
}

impl From<Scan> for Found {
    fn from(scan: Scan) -> Self {
        match scan {
            Scan::Unit { len } => Self::Unit { len },
            Scan::Partial { need } => Self::Partial { need },
            Scan::Damaged { skip, kind } => Self::Damaged { skip, kind },
        }
    }
}

impl Found {
    fn framed(scan: Scan, framing: Option<Framing>) -> Self {
        match scan {
            Scan::Unit { len } => Self::Framed { framing, len },
            other => other.into(),
        }
    }
}

/// What stands at the start of bytes that are no unit of the flow's framing: one of another, or, while the flow's framing is
/// not known, the beginning of one; else damage. How far that goes is asked last, for it takes a look at many bytes.
#[cold]
pub(super) fn damaged_or_in_another(flow: &Flow, side: Side, bytes: &[u8], kind: AnomalyKind) -> Found {
    let (way, synced) = (way(flow, side), flow.half(side).synced);
    if let Some((framing, len)) = framing::in_another(flow.framing, bytes, way, synced) {
        return Found::Framed { framing: Some(framing), len };
    }
    let begun = if flow.settled { None } else { framing::begun_in_another(bytes, way, synced) };
    match begun {
        Some(need) => Found::Partial { need },
        None => Found::Damaged { skip: framing::behind_damage(flow.framing, bytes, way), kind },
    }
}

/// An ADU of this length by its header alone, or what stands there in another framing.
#[cold]
pub(super) fn claimed(flow: &Flow, side: Side, bytes: &[u8], len: usize) -> Found {
    let other = framing::in_another(flow.framing, bytes, way(flow, side), false);
    other.map_or(Found::Unit { len }, |(framing, len)| Found::Framed { framing: Some(framing), len })
}

/// Which way the bytes of a side go; `None` on a line, which both sides share.
pub(super) fn way(flow: &Flow, side: Side) -> Option<Direction> {
    (!flow.is_line()).then(|| direction(side))
}

/// What stands at the start of bytes that are not MBAP's.
pub(super) fn find(flow: &Flow, side: Side, bytes: &[u8], synced: bool) -> Found {
    if flow.is_line() && !flow.settled {
        return detect(bytes.get(..LONGEST).unwrap_or(bytes));
    }
    if flow.protocol == Protocol::Dnp3 {
        return Found::framed(dnp3::link::scan(bytes), None);
    }
    let way = way(flow, side);
    match framing::read(flow.framing, bytes, way, synced) {
        Ok(scan) => Found::framed(scan, Some(flow.framing)),
        Err(kind) => damaged_or_in_another(flow, side, bytes, kind),
    }
}

/// What stands at the start of the bytes of a line of which nothing is known.
fn detect(bytes: &[u8]) -> Found {
    let readings = [
        (None, dnp3::link::is_start(bytes).then(|| dnp3::link::scan(bytes))),
        (Some(Framing::Ascii), ascii::read(bytes).ok()),
        (Some(Framing::Rtu), rtu::read(bytes, None, false).ok()),
    ];
    let whole = readings.iter().find(|(_, scan)| matches!(scan, Some(Scan::Unit { .. })));
    if let Some((framing, Some(scan))) = whole {
        return Found::framed(*scan, *framing);
    }
    let need = readings
        .iter()
        .filter_map(|(_, scan)| if let Some(Scan::Partial { need }) = scan { Some(*need) } else { None });
    need.min().map_or_else(|| undetected(bytes), |need| Found::Partial { need })
}

/// Bytes of a line of which nothing is known, up to where a unit of any protocol may stand.
fn undetected(bytes: &[u8]) -> Found {
    let skip = rtu::behind_damage_or(bytes, None, |rest| ascii::is_start(rest) || dnp3::link::is_start(rest));
    Found::Damaged { skip, kind: AnomalyKind::ModbusStrayBytes }
}

/// Hands on a unit. The first of a flow whose framing is not known settles that; later, a unit of another framing is an
/// anomaly and judged in its own.
pub(super) fn hand_on(flow: &mut Flow, side: Side, framing: Option<Framing>, unit: Run<'_>, reader: &mut impl Reader) {
    if !flow.settled {
        settle(flow, framing);
    }
    let framing = framing.unwrap_or(flow.framing);
    let side = if flow.is_line() { line::side(flow, framing, unit.bytes) } else { side };
    let here = turn(flow, side, &unit);
    if framing != flow.framing {
        let finding = Finding::new(AnomalyKind::ModbusFramingChange, unit.bytes.len());
        let (expected, found) = (Term::Words(flow.framing.name()), Term::Words(framing.name()));
        reader.anomaly(flow, here, finding.because(expected, found));
    }
    let own = core::mem::replace(&mut flow.framing, framing);
    reader.unit(flow, here, unit.bytes);
    flow.framing = own;
}

fn settle(flow: &mut Flow, framing: Option<Framing>) {
    flow.settled = true;
    match framing {
        Some(framing) => flow.framing = framing,
        None => flow.protocol = Protocol::Dnp3,
    }
}

/// Hands on the units of a run that is whole in another framing than its flow's, from the first byte to the last. Returns
/// whether they cannot be the beginning of what the flow's framing wants; `None` if there are none.
pub(super) fn all_in_another(flow: &mut Flow, side: Side, run: Run<'_>, reader: &mut impl Reader) -> Option<bool> {
    if flow.protocol != Protocol::Modbus || flow.is_line() {
        return None;
    }
    let way = way(flow, side);
    let (framing, contradicts) = framing::all_in_another(flow.framing, run.bytes, way)?;
    let mut rest = run;
    while let Some(len) = framing::whole(framing, rest.bytes, way) {
        let unit = Run { bytes: rest.first(len), ..rest };
        hand_on(flow, side, Some(framing), unit, reader);
        rest = rest.skip(len);
    }
    Some(contradicts)
}

/// Reads a run behind which nothing comes: what is unfinished in it will never be whole.
pub(super) fn ended(flow: &mut Flow, side: Side, mut run: Run<'_>, reader: &mut impl Reader) {
    loop {
        let (rest, _) = units(flow, side, run, reader);
        if rest.bytes.is_empty() {
            return;
        }
        let (skip, kind) = cut_short(flow, side, rest.bytes);
        damaged(flow, side, Run { bytes: rest.first(skip), ..rest }, kind, reader);
        run = rest.skip(skip);
    }
}

/// How many bytes an unfinished unit costs, and what kind of anomaly it is.
fn cut_short(flow: &Flow, side: Side, bytes: &[u8]) -> (usize, AnomalyKind) {
    match flow.protocol {
        _ if flow.is_line() && !flow.settled => (1, AnomalyKind::ModbusStrayBytes),
        Protocol::Dnp3 => (bytes.len(), AnomalyKind::Dnp3StrayBytes),
        Protocol::Modbus => {
            (framing::behind_damage(flow.framing, bytes, way(flow, side)), framing::cut_short(flow.framing))
        }
    }
}
