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

    /// The same, or what stands there in another framing: a whole unit, or, while the flow's framing is not known, the
    /// beginning of one.
    #[cold]
    pub(super) fn or_in_another(self, flow: &Flow, side: Side, bytes: &[u8]) -> Self {
        let way = way(flow, side);
        let begun = || framing::begun_in_another(bytes, way, flow.half(side).synced).filter(|_| !flow.settled);
        let own_reads = !matches!(self, Self::Damaged { .. });
        match (framing::in_another(flow.framing, bytes, way, own_reads), &self) {
            (Some((framing, len)), _) => Self::Framed { framing: Some(framing), len },
            (None, Self::Damaged { .. }) => begun().map_or(self, |need| Self::Partial { need }),
            (None, _) => self,
        }
    }
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
    match framing::scan(flow.framing, bytes, way, synced) {
        scan @ Scan::Damaged { .. } => Found::from(scan).or_in_another(flow, side, bytes),
        scan => Found::framed(scan, Some(flow.framing)),
    }
}

/// What stands at the start of the bytes of a line of which nothing is known.
fn detect(bytes: &[u8]) -> Found {
    let readings = [
        (None, dnp3::link::scan(bytes)),
        (Some(Framing::Ascii), ascii::scan(bytes)),
        (Some(Framing::Rtu), rtu::scan(bytes, None, false)),
    ];
    let whole = readings.iter().find(|(_, scan)| matches!(scan, Scan::Unit { .. }));
    if let Some((framing, scan)) = whole {
        return Found::framed(*scan, *framing);
    }
    let need =
        readings.iter().filter_map(|(_, scan)| if let Scan::Partial { need } = scan { Some(*need) } else { None });
    if let Some(need) = need.min() {
        return Found::Partial { need };
    }
    let skip = readings.iter().map(|(_, scan)| if let Scan::Damaged { skip, .. } = scan { *skip } else { 1 });
    Found::Damaged { skip: skip.min().unwrap_or(1), kind: AnomalyKind::ModbusStrayBytes }
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
