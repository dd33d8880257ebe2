//! The values that somebody may command a point to.

use std::collections::BTreeSet;

use tagout_core::engine::{Action, Kind, Space};

use super::draft::Permits;
use super::evidence::{Place, Target, Thing};
use super::habit::is_valued;
use super::infer::{Point, Short};
use super::series::{Range, Series};

/// Written values are permitted a little beyond what was seen: this share of their range, and never beyond what the
/// point was seen to have.
const MARGIN: f64 = 0.1;
/// A value that changed so often goes to and fro.
const MOVES: u64 = 16;
/// So often it has to have come to an end of its range for the end to be one.
const VISITS: u32 = 3;

/// What may be commanded.
pub(super) struct Band {
    /// `None`: any value.
    pub(super) range: Option<Range>,
    /// How the range came about, or why there is none.
    pub(super) note: String,
    /// It goes beyond everything that was seen.
    pub(super) moving: bool,
}

impl Band {
    fn of(range: Option<Range>, note: impl Into<String>) -> Self {
        Self { range, note: note.into(), moving: false }
    }
}

impl Permits<'_> {
    /// The values that an actor may command a point to.
    pub(super) fn band(&self, actor: usize, device: usize, point: &Point, actions: &BTreeSet<Action>) -> Band {
        let written = self.written(actor, device, point, actions);
        if written.iter().any(|series| series.unknown > 0) {
            return Band::of(None, "not every value could be told from the wire: no range");
        }
        let seen = written.iter().filter_map(|series| point.reading.range(series)).reduce(Range::with);
        let Some(seen) = seen else { return Band::of(None, "no value was told: no range") };
        if point.space.is_bit() {
            let both = seen == Range { min: 0.0, max: 1.0 };
            return if both { Band::of(None, "") } else { Band::of(Some(seen), "only this was commanded") };
        }
        if self.is_disputed(device, point) {
            return Band::of(Some(seen), "exactly what was seen");
        }
        let moving = moving(&written, point);
        let wider = self.wider(device, point, seen);
        if let Some(note) = told(seen, moving) {
            return Band { range: Some(as_much_again(seen, wider, moving, point.reading.kind())), note, moving: true };
        }
        let more = "what was seen, and a tenth more within what the point reported";
        Band::of(Some(wider), if wider == seen { "exactly what was seen" } else { more })
    }

    fn written(&self, actor: usize, device: usize, point: &Point, actions: &BTreeSet<Action>) -> Vec<&Series> {
        let station = self.devices[device].number;
        let sources = &self.actors[actor].sources;
        let targets = sources.iter().flat_map(|source| actions.iter().map(move |action| (*source, *action)));
        targets
            .filter_map(|(source, action)| {
                let address = point.address.into();
                self.evidence.written.get(&Target { source, station, action, space: point.space, address })
            })
            .collect()
    }

    /// A tenth more on either side, within what the point was seen to have.
    fn wider(&self, device: usize, point: &Point, seen: Range) -> Range {
        let place = Place { station: self.devices[device].number, space: point.space, address: point.address.into() };
        let reported = self.evidence.reported.get(&place).and_then(|series| point.reading.range(series));
        let Some(reported) = reported else { return seen };
        let whole = !matches!(point.reading.kind(), Kind::F32 | Kind::Native);
        let more = if whole { (seen.width() * MARGIN).floor() } else { seen.width() * MARGIN };
        Range {
            min: (seen.min - more).max(reported.min.min(seen.min)),
            max: (seen.max + more).min(reported.max.max(seen.max)),
        }
    }

    /// Whether somebody commands a point that nobody has decided on: what it reported may be the work of these.
    fn is_disputed(&self, device: usize, point: &Point) -> bool {
        let width = u32::from(point.reading.kind().width());
        let (start, end) = (u32::from(point.address), u32::from(point.address) + width);
        self.judged.iter().filter(|one| one.doubt.is_some() && is_valued(one.deed.action)).any(|one| {
            let on = |space: Space, address: u32, count: u32| {
                space == point.space && address < end && start < address.saturating_add(count)
            };
            one.deed.station == self.devices[device].number
                && matches!(one.deed.thing, Thing::Span { space, address, count } if on(space, address, count))
        })
    }
}

/// Which end of its range, the lower and the upper, a value that goes to and fro has not been at often enough.
fn moving(written: &[&Series], point: &Point) -> [bool; 2] {
    let changes: u64 = written.iter().map(|series| series.changes).sum();
    let visits = |end: usize| {
        let sweeps = written.iter().filter_map(|series| point.reading.sweep(series));
        sweeps.map(|sweep| sweep.visits(end)).sum::<u32>()
    };
    [0, 1].map(|end| changes >= MOVES && visits(end) < VISITS)
}

fn told(seen: Range, moving: [bool; 2]) -> Option<String> {
    let end = match moving {
        [false, false] => return None,
        [true, false] => "its lower end",
        [false, true] => "its upper end",
        [true, true] => "its ends",
    };
    let (min, max) = (Short(seen.min), Short(seen.max));
    Some(format!("seen from {min} to {max}, but seldom at {end}: as much again is permitted there"))
}

/// The range, and its width more at the ends that are not known; not through zero, nor beyond the type.
fn as_much_again(seen: Range, known: Range, moving: [bool; 2], kind: Kind) -> Range {
    let (least, most) = match kind {
        Kind::U16 => (0.0, f64::from(u16::MAX)),
        Kind::I16 => (f64::from(i16::MIN), f64::from(i16::MAX)),
        Kind::U32 => (0.0, f64::from(u32::MAX)),
        Kind::I32 => (f64::from(i32::MIN), f64::from(i32::MAX)),
        _ => (f64::MIN, f64::MAX),
    };
    let floor = if seen.min >= 0.0 { 0.0 } else { least };
    let ceiling = if seen.max <= 0.0 { 0.0 } else { most };
    Range {
        min: if moving[0] { (seen.min - seen.width()).max(floor) } else { known.min },
        max: if moving[1] { (seen.max + seen.width()).min(ceiling) } else { known.max },
    }
}
