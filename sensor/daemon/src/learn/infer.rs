//! The points of a device: which registers belong together, and what type they have, as far as the values tell.

use std::collections::{BTreeMap, BTreeSet};

use tagout_core::engine::{Kind, Space};

use super::evidence::{Evidence, Place};
use super::listen::Sample;
use super::series::{Pair, Range, Series, Sweep, Wide};

/// A point to declare.
#[derive(Clone, Debug)]
pub(super) struct Point {
    pub(super) space: Space,
    pub(super) address: u16,
    pub(super) reading: Reading,
    /// What the type was told by.
    pub(super) evidence: String,
}

/// How a point's value lies in its registers or its object.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Reading {
    /// A bit or a DNP3 object.
    Native,
    /// One register.
    Register { signed: bool },
    /// Two registers; whole numbers may be signed.
    Wide { wide: Wide, signed: bool },
}

impl Reading {
    pub(super) const fn kind(self) -> Kind {
        match self {
            Self::Native => Kind::Native,
            Self::Register { signed: false } => Kind::U16,
            Self::Register { signed: true } => Kind::I16,
            Self::Wide { wide, .. } if wide.is_float() => Kind::F32,
            Self::Wide { signed: true, .. } => Kind::I32,
            Self::Wide { signed: false, .. } => Kind::U32,
        }
    }

    pub(super) const fn low_first(self) -> bool {
        matches!(self, Self::Wide { wide, .. } if wide.low_first())
    }

    /// The value that a sample of the first address tells.
    pub(super) fn value(self, sample: Sample) -> Option<f64> {
        let value = match (self, sample) {
            (Self::Wide { wide, signed }, Sample::Register(first, Some(second))) => {
                let read = wide.read((first, second));
                if read < 0.0 && !signed && !wide.is_float() { read + 4_294_967_296.0 } else { read }
            }
            (Self::Register { signed: true }, Sample::Register(register, _)) => register.cast_signed().into(),
            (Self::Register { signed: false }, Sample::Register(register, _)) => register.into(),
            (Self::Native, Sample::Number(number)) => number,
            _ => return None,
        };
        Some(value).filter(|value| value.is_finite())
    }

    /// The range of the values in a series of the first address.
    pub(super) fn range(self, series: &Series) -> Option<Range> {
        let range = self.sweep(series)?.range?;
        let wraps = matches!(self, Self::Wide { wide, signed: false } if !wide.is_float() && range.min < 0.0);
        (!wraps).then_some(range)
    }

    /// How the values in a series of the first address went to and fro.
    pub(super) fn sweep(self, series: &Series) -> Option<&Sweep> {
        match self {
            Self::Native | Self::Register { signed: false } => Some(&series.sweep),
            Self::Register { signed: true } => Some(series.signed()),
            Self::Wide { wide, .. } => Some(&series.pair.as_ref()?.reading(wide).sweep),
        }
    }
}

/// Changes of the low register that it takes to tell a wide number, and in which the high one takes part.
const FLOAT_CHANGES: u64 = 8;
const HIGH_CHANGES: u64 = 2;
/// The same where somebody writes just these two registers together.
const WRITTEN_CHANGES: u64 = 2;
/// The low register of a measurement leaps about: its range, and how far it moves at a time.
const LOW_RANGE: f64 = 16_384.0;
const LOW_STRIDE: f64 = 1_024.0;
/// Carries from the low to the high register that it takes to tell a counter.
const CARRIES: u64 = 2;

/// The addresses of one device that points are needed for, and what is known of how they are asked for.
pub(super) struct Wanted {
    pub(super) station: usize,
    pub(super) addresses: BTreeSet<(Space, u16)>,
    /// Spans that are asked for as a whole: a value never lies across the end of one.
    pub(super) spans: BTreeSet<(Space, u32, u32)>,
    /// First registers of two that are written together.
    pub(super) written: BTreeSet<(Space, u32)>,
}

impl Wanted {
    /// The points, by address.
    pub(super) fn points(&self, evidence: &Evidence) -> Vec<Point> {
        let series = self.series(evidence);
        let ends = self.ends();
        let mut points = Vec::new();
        let mut run: Vec<(Space, u16)> = Vec::new();
        for place in &self.addresses {
            let follows = run.last().is_some_and(|last| last.0 == place.0 && last.1.checked_add(1) == Some(place.1));
            if !follows || !place.0.is_register() || ends.contains(&(place.0, u32::from(place.1))) {
                self.tile(&run, &series, &mut points);
                run.clear();
            }
            run.push(*place);
        }
        self.tile(&run, &series, &mut points);
        points
    }

    /// Where spans begin or have ended.
    fn ends(&self) -> BTreeSet<(Space, u32)> {
        self.spans.iter().flat_map(|(space, address, count)| [(*space, *address), (*space, address + count)]).collect()
    }

    /// The values of each address: as reported, or where nothing was, as first written.
    fn series<'e>(&self, evidence: &'e Evidence) -> BTreeMap<(Space, u16), &'e Series> {
        let mut all = BTreeMap::new();
        let mut written: Vec<_> =
            evidence.written.iter().filter(|(target, _)| target.station == self.station).collect();
        written.sort_unstable_by_key(|(target, _)| **target);
        for (target, series) in written {
            if let Ok(address) = u16::try_from(target.address) {
                all.entry((target.space, address)).or_insert(series);
            }
        }
        for (space, address) in &self.addresses {
            let place = Place { station: self.station, space: *space, address: (*address).into() };
            if let Some(series) = evidence.reported.get(&place) {
                all.insert((*space, *address), series);
            }
        }
        all
    }

    /// Cuts a run of addresses into points so that the most evidence is used.
    fn tile(&self, run: &[(Space, u16)], series: &BTreeMap<(Space, u16), &Series>, points: &mut Vec<Point>) {
        // For each length of the run: the best score, and whether its last two registers are one value.
        let mut best: Vec<(f64, Option<Guess>)> = vec![(0.0, None)];
        for end in 1..=run.len() {
            let alone = best[end - 1].0;
            let guess = end.checked_sub(2).and_then(|at| self.guess(run[at], run[end - 1], series));
            let together = guess.as_ref().map(|guess| best[end - 2].0 + guess.score);
            best.push(match together {
                Some(score) if score > alone => (score, guess),
                _ => (alone, None),
            });
        }
        let mut backwards = Vec::new();
        let mut end = run.len();
        while end > 0 {
            let (width, point) = match best[end].1.take() {
                Some(guess) => (2, guess.point(run[end - 2])),
                None => (1, single(run[end - 1], series.get(&run[end - 1]).copied())),
            };
            backwards.push(point);
            end -= width;
        }
        points.extend(backwards.into_iter().rev());
    }

    fn guess(
        &self,
        first: (Space, u16),
        second: (Space, u16),
        series: &BTreeMap<(Space, u16), &Series>,
    ) -> Option<Guess> {
        if !first.0.is_register() {
            return None;
        }
        let (one, two) = (series.get(&first)?, series.get(&second)?);
        let pair = one.pair.as_ref()?;
        let together = self.written.contains(&(first.0, first.1.into()));
        let guesses = Wide::ALL.into_iter().filter_map(|wide| {
            let low = if wide.low_first() { one } else { two };
            if wide.is_float() { float(wide, pair, low, together) } else { whole(wide, pair) }
        });
        guesses.reduce(|best, next| if next.score > best.score { next } else { best })
    }
}

/// A guess that two registers are one value.
struct Guess {
    /// More than 1: it uses two registers where singles use none.
    score: f64,
    reading: Reading,
    evidence: String,
}

impl Guess {
    fn point(self, (space, address): (Space, u16)) -> Point {
        Point { space, address, reading: self.reading, evidence: self.evidence }
    }
}

/// Two registers as a single precision number: every value is one that a measurement may have, the low register leaps
/// about as the tail of a mantissa does, and moves whenever the high one does.
fn float(wide: Wide, pair: &Pair, low: &Series, together: bool) -> Option<Guess> {
    let reading = pair.reading(wide);
    let (low_moves, high_alone) = pair.low_moves(wide);
    let needed = if together { WRITTEN_CHANGES } else { FLOAT_CHANGES };
    let leaps = low.sweep.range.is_some_and(|range| range.width() >= LOW_RANGE) && low.stride() >= LOW_STRIDE;
    let moves = low_moves >= needed && high_alone * 10 <= low_moves && (together || pair.changed[0] >= HIGH_CHANGES);
    if reading.implausible > 0 || !moves || !leaps {
        return None;
    }
    let range = reading.sweep.range?;
    let smoothness = 1.0 - (reading.path / (low_moves as f64 * range.width().max(f64::MIN_POSITIVE))).min(1.0);
    let how = if together { ", and the two are written together" } else { "" };
    let evidence = format!(
        "f32: all {} values between {} and {} are plausible so, and the low register changed {low_moves} times{how}",
        pair.samples,
        Short(range.min),
        Short(range.max)
    );
    Some(Guess { score: 1.0 + smoothness / 10.0, reading: Reading::Wide { wide, signed: false }, evidence })
}

/// Two registers as a whole number: the high one moves only when the low one runs over.
fn whole(wide: Wide, pair: &Pair) -> Option<Guess> {
    let reading = pair.reading(wide);
    if reading.carries < CARRIES || reading.leaps * 20 > reading.carries {
        return None;
    }
    let signed = reading.sweep.range?.min < 0.0;
    let evidence = format!("the low register ran over {} times, each time moving the high one", reading.carries);
    Some(Guess { score: 1.0, reading: Reading::Wide { wide, signed }, evidence })
}

fn single((space, address): (Space, u16), series: Option<&Series>) -> Point {
    let signed = space.is_register() && series.is_some_and(|series| series.as_signed().is_some());
    let reading = if space.is_register() { Reading::Register { signed } } else { Reading::Native };
    let evidence = match (series, signed) {
        (None, _) => "no value seen".to_owned(),
        (Some(_), true) => "i16: it goes through zero".to_owned(),
        (Some(series), false) if space.is_register() && series.changes == 0 => {
            "never changed: no type is told".to_owned()
        }
        (Some(_), false) if space.is_register() => "raw: neither scale nor a wider type is told".to_owned(),
        (Some(_), false) => String::new(),
    };
    Point { space, address, reading, evidence }
}

/// A number of a comment: six digits are enough.
pub(super) struct Short(pub(super) f64);

impl std::fmt::Display for Short {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let digits = (5.0 - self.0.abs().max(1e-6).log10().floor()).clamp(0.0, 9.0) as usize;
        let text = format!("{:.digits$}", self.0);
        let text = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
        f.write_str(text)
    }
}
