//! What a stream would be if its receiver took other bytes than those that count here.

use tagout_engine::AnomalyKind;

use super::super::units::{Reader, Run, aside, turn};
use super::super::{Flow, Side};
use super::BLOCK_LEN;
use crate::finding::{Finding, Term};
use crate::sequence::distance;
use crate::store::copy;

/// Reports that `run` says something else than the segment `earlier` did, and judges what the stream would be with it.
pub(super) fn contradicted(flow: &mut Flow, side: Side, earlier: (u32, &[u8]), run: Run<'_>, reader: &mut impl Reader) {
    another_reading(flow, side, earlier, run, overlap(earlier, &run), reader);
}

/// Reports what was found, and judges what the stream would be with `run` in the place of that part of the segment `earlier`.
fn another_reading(
    flow: &mut Flow,
    side: Side,
    earlier: (u32, &[u8]),
    run: Run<'_>,
    finding: Finding,
    reader: &mut impl Reader,
) {
    let here = turn(flow, side, &run);
    reader.anomaly(flow, here, finding);
    let mut buffer = [0; 2 * BLOCK_LEN];
    let before = run.seq.wrapping_sub(earlier.0) as usize;
    let kept = earlier.1.get(..before).unwrap_or_default();
    let behind = earlier.1.get(before.saturating_add(run.bytes.len())..).unwrap_or_default();
    let mut len = 0_usize;
    for part in [kept, run.bytes, behind] {
        len = len.saturating_add(buffer.get_mut(len..).map_or(0, |room| copy(room, part)));
    }
    let seq = if kept.is_empty() { run.seq } else { earlier.0 };
    let reading = Run { seq, bytes: buffer.get(..len).unwrap_or_default(), ..run };
    aside(flow, side, reading, &run, reader);
}

/// The first byte of `run` that the segment `earlier` had otherwise.
fn overlap(earlier: (u32, &[u8]), run: &Run<'_>) -> Finding {
    let finding = Finding::new(AnomalyKind::TcpOverlapConflict, run.bytes.len());
    let shift = distance(earlier.0, run.seq);
    let (old, new) = if shift >= 0 {
        (earlier.1.get(shift as usize..).unwrap_or_default(), run.bytes)
    } else {
        (earlier.1, run.bytes.get(shift.unsigned_abs() as usize..).unwrap_or_default())
    };
    let differing = old.iter().zip(new).enumerate().find(|(_, (old, new))| old != new);
    differing.map_or(finding, |(at, (old, new))| {
        let at = at.saturating_add(shift.min(0).unsigned_abs() as usize);
        finding.at("payload", at).because(Term::Number(u32::from(*old)), Term::Number(u32::from(*new)))
    })
}

/// Reports urgent data, whose last byte not every receiver has in its stream (RFC 6093, 2 and 3), and judges the reading
/// without that byte.
#[cold]
#[inline(never)]
pub(super) fn urgent(flow: &mut Flow, side: Side, up_to: u16, run: Run<'_>, reader: &mut impl Reader) {
    let last = usize::from(up_to).saturating_sub(1);
    let without = Run { seq: run.skip(last).seq, ..run.skip(up_to.into()) };
    let finding = Finding::new(AnomalyKind::TcpUrgent, run.bytes.len());
    another_reading(flow, side, (run.seq, run.first(last)), without, finding, reader);
}
