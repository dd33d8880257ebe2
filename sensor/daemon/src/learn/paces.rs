//! How often, how far and how soon somebody commands points as a habit: the limits that a permit can carry beside values.
//!
//! A limit is fitted to the first part of the commands and held against the rest. What the rest keeps to is taken over with
//! a margin, what it does not is left out, so that what went on while learning would not be an alert.

use std::collections::{BTreeMap, BTreeSet};

use tagout_core::Timestamp;
use tagout_core::engine::{Action, Kind, Space};

use super::draft::{Permit, Permits};
use super::evidence::{Command, Place};
use super::infer::{Point, Short};

/// So many uses of a permit, changes of a value or turns have to be seen before a limit is told by them.
const ENOUGH: usize = 16;
/// A time that limits uses has to fit so often in the time during which they were seen.
const WINDOWS: u64 = 8;
/// The busiest time of a limit has at least so many uses, if any has.
const BUSY: usize = 5;
/// The first part of the time, to which limits are fitted.
const FIRST: f64 = 0.6;
/// A turn that is waited for shorter than this is no habit worth a limit.
const LEAST_TURN_MS: f64 = 2_000.0;

/// What a permit asks beside values, as far as there is evidence for it.
#[derive(Clone, Debug, Default)]
pub(super) struct Paces {
    pub(super) limits: Vec<Limit>,
    /// Why there are not more.
    pub(super) thin: Vec<String>,
}

/// A key of a permit with its value, as a policy writes them.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Limit {
    pub(super) key: &'static str,
    pub(super) value: String,
    /// What it was told by.
    pub(super) evidence: String,
}

/// A time in which uses and changes are counted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Unit {
    name: &'static str,
    ms: u64,
}

const UNITS: [Unit; 3] =
    [Unit { name: "min", ms: 60_000 }, Unit { name: "h", ms: 3_600_000 }, Unit { name: "d", ms: 86_400_000 }];

/// A change of a point's value by a command.
#[derive(Clone, Copy, PartialEq, Debug)]
struct Change {
    at: Timestamp,
    size: f64,
    /// For how long nobody had moved it the other way, if somebody ever had.
    turned_ms: Option<f64>,
}

/// What was done with a permit, in the order of time.
#[derive(Debug, Default)]
struct Usage {
    uses: Vec<Timestamp>,
    /// By point.
    changes: Vec<Vec<Change>>,
    /// A value could not be told from the wire.
    untold: bool,
    /// The values are numbers, and not bits.
    measures: bool,
}

/// All values that were commanded, by where, in the order of time.
pub(super) struct Log<'e>(BTreeMap<Place, Vec<&'e Command>>);

impl<'e> Log<'e> {
    pub(super) fn of(commands: &'e [Command]) -> Self {
        let mut places: BTreeMap<Place, Vec<&Command>> = BTreeMap::new();
        for command in commands {
            let target = command.target;
            let place = Place { station: target.station, space: target.space, address: target.address };
            places.entry(place).or_default().push(command);
        }
        places.values_mut().for_each(|commands| commands.sort_by_key(|command| command.at));
        Self(places)
    }

    fn at(&self, station: usize, space: Space, address: u32) -> &[&'e Command] {
        self.0.get(&Place { station, space, address }).map_or(&[], Vec::as_slice)
    }
}

impl Permits<'_> {
    /// What a permit for commands may ask of their pace.
    pub(super) fn paces(&self, log: &Log<'_>, permit: &Permit) -> Paces {
        let usage = self.usage(log, permit);
        let mut paces = Paces::default();
        let uses = usage.uses.len();
        let Some(unit) = usage.unit().filter(|_| uses >= ENOUGH) else {
            paces.thin.push(format!("{uses} uses within {} s are too few", usage.length_ms() / 1_000));
            return paces;
        };
        let split = usage.split();
        let rate = Fit::of([Part::First, Part::Rest, Part::All].map(|part| usage.busiest(part, split, unit)));
        let fits = |most: &f64| *most <= f64::from(u16::MAX);
        paces.take(rate.at_most(|most| (most * 1.5).ceil() + 1.0).if_limit(fits), "at_most", |most| {
            (format!("\"{most}/{}\"", unit.name), format!("{} at most in a {}, in {uses} uses", rate.all, unit.word()))
        });
        usage.limit_changes(&mut paces, split, unit, permit, self.kind(permit));
        paces
    }

    fn kind(&self, permit: &Permit) -> Option<Kind> {
        let points = &self.devices[permit.device].points;
        permit.points.as_ref()?.first().map(|point| points[*point].reading.kind())
    }

    fn usage(&self, log: &Log<'_>, permit: &Permit) -> Usage {
        let device = &self.devices[permit.device];
        let mut usage = Usage::default();
        let mut exchanges = BTreeSet::new();
        for point in permit.points.iter().flatten().map(|point| &device.points[*point]) {
            let commands = log.at(device.number, point.space, point.address.into());
            let is_use = |command: &Command| {
                let target = &command.target;
                self.actors[permit.actor].sources.contains(&target.source)
                    && target.action != Action::Select
                    && permit.actions.contains(&target.action)
            };
            usage.measures |= !point.space.is_bit();
            exchanges.extend(commands.iter().filter(|command| is_use(command)).map(|one| (one.at, one.exchange)));
            let changes = changes(commands, point, is_use, &mut usage.untold);
            usage.changes.push(changes);
        }
        usage.uses = exchanges.into_iter().map(|(at, _)| at).collect();
        usage
    }
}

/// The changes that some of the commands to a point made, whoever gave those before.
fn changes(commands: &[&Command], point: &Point, is_use: impl Fn(&Command) -> bool, untold: &mut bool) -> Vec<Change> {
    let mut changes = Vec::new();
    let mut before: Option<(Timestamp, f64)> = None;
    // When it was last moved up or on, and down or off; and which of these was the last.
    let mut moved: [Option<Timestamp>; 2] = [None; 2];
    let mut last = None;
    for command in commands.iter().filter(|command| command.target.action != Action::Select) {
        let Some(value) = point.reading.value(command.sample) else {
            *untold |= is_use(command);
            continue;
        };
        let reported = command.reported.and_then(|(at, sample)| Some((at, point.reading.value(sample)?)));
        let known = [before, reported].into_iter().flatten().max_by_key(|(at, _)| *at).map(|(_, value)| value);
        let up = if point.space.is_bit() { Some(value > 0.5) } else { known.and_then(|known| rises(known, value)) };
        let against = up.filter(|up| last == Some(!up)).and_then(|up| moved[usize::from(!up)]);
        let turned_ms = against.map(|since| command.at.micros_since(since) as f64 / 1e3);
        if let Some(up) = up {
            last = Some(up);
            moved[usize::from(up)] = Some(command.at);
        }
        if is_use(command) {
            changes.push(Change { at: command.at, size: known.map_or(0.0, |known| (value - known).abs()), turned_ms });
        }
        before = Some((command.at, value));
    }
    changes
}

fn rises(before: f64, value: f64) -> Option<bool> {
    (value != before).then_some(value > before)
}

/// A part of the commands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Part {
    First,
    Rest,
    All,
}

impl Part {
    fn has(self, at: Timestamp, split: Timestamp) -> bool {
        match self {
            Self::First => at < split,
            Self::Rest => at >= split,
            Self::All => true,
        }
    }
}

impl Usage {
    /// The time to count uses in: the shortest in which there are some, of those that were seen often enough.
    fn unit(&self) -> Option<Unit> {
        let length_ms = self.length_ms();
        let mut seen = UNITS.into_iter().filter(|unit| unit.ms * WINDOWS <= length_ms);
        let busy = seen.clone().find(|unit| self.busiest(Part::All, Timestamp(0), *unit) >= BUSY as f64);
        busy.or(seen.next_back())
    }

    /// When the first part ends.
    fn split(&self) -> Timestamp {
        let first = self.uses.first().copied().unwrap_or_default();
        first.plus_ms((self.length_ms() as f64 * FIRST) as u32)
    }

    fn length_ms(&self) -> u64 {
        let ends = self.uses.first().zip(self.uses.last());
        ends.map_or(0, |(first, last)| last.micros_since(*first) / 1_000)
    }

    /// The most uses in any time of this length.
    fn busiest(&self, part: Part, split: Timestamp, unit: Unit) -> f64 {
        let uses: Vec<_> = self.uses.iter().filter(|at| part.has(**at, split)).map(|at| (*at, 1.0)).collect();
        most_within(&uses, unit)
    }

    /// The changes of a part, point by point.
    fn of(&self, part: Part, split: Timestamp) -> impl Iterator<Item = Vec<Change>> {
        self.changes.iter().map(move |all| all.iter().copied().filter(|one| part.has(one.at, split)).collect())
    }

    fn limit_changes(&self, paces: &mut Paces, split: Timestamp, unit: Unit, permit: &Permit, kind: Option<Kind>) {
        if self.untold {
            paces.thin.push("not every value could be told from the wire: no limits on changes".to_owned());
            return;
        }
        let parts = [Part::First, Part::Rest, Part::All];
        let moves = self.changes.iter().flatten().filter(|change| change.size > 0.0).count();
        if self.measures && moves < ENOUGH {
            paces.thin.push(format!("{moves} changes: no limits on changes"));
        } else if self.measures {
            let width = permit.value.map_or(f64::INFINITY, |range| range.max - range.min);
            let step = Fit::of(parts.map(|part| greatest(self.of(part, split).flatten().map(|change| change.size))));
            let rounded = |limit: f64| round_up(limit, kind);
            let narrow = |limit: &f64| *limit < width;
            paces.take(step.at_most(|most| rounded(most * 1.25)).if_limit(narrow), "max_step", |most| {
                (most.to_string(), format!("{} at most, in {moves} changes", Short(step.all)))
            });
            let sums = |part| greatest(self.of(part, split).map(|changes| most_within(&sized(&changes), unit)));
            let sum = Fit::of(parts.map(sums));
            paces.take(sum.at_most(|most| rounded(most * 1.5)), "max_change", |most| {
                (
                    format!("\"{most}/{}\"", unit.name),
                    format!("{} at most in a {}, in {moves} changes", Short(sum.all), unit.word()),
                )
            });
        }
        let turns = self.changes.iter().flatten().filter(|change| change.turned_ms.is_some()).count();
        if turns >= ENOUGH {
            self.limit_turns(paces, split, turns);
        }
    }

    fn limit_turns(&self, paces: &mut Paces, split: Timestamp, turns: usize) {
        let least =
            |part| self.of(part, split).flatten().filter_map(|change| change.turned_ms).fold(f64::MAX, f64::min);
        let [first, rest, all] = [Part::First, Part::Rest, Part::All].map(least);
        if all < LEAST_TURN_MS {
            return;
        }
        let seconds = (all / 2_000.0).floor();
        let limit = if rest >= first / 2.0 { Held::By(seconds) } else { Held::Not(first / 1e3, rest / 1e3) };
        paces.take(limit, "opposite_after", |seconds| {
            (format!("\"{seconds} s\""), format!("never within {} s, in {turns} turns", Short(all / 1e3)))
        });
    }
}

fn greatest(numbers: impl Iterator<Item = f64>) -> f64 {
    numbers.fold(0.0, f64::max)
}

fn sized(changes: &[Change]) -> Vec<(Timestamp, f64)> {
    changes.iter().map(|change| (change.at, change.size)).collect()
}

/// The greatest sum within any time of this length, of amounts in the order of time.
fn most_within(amounts: &[(Timestamp, f64)], unit: Unit) -> f64 {
    let (mut first, mut sum, mut most) = (0, 0.0, 0.0_f64);
    for (at, amount) in amounts {
        sum += amount;
        while at.micros_since(amounts[first].0) >= unit.ms * 1_000 {
            sum -= amounts[first].1;
            first += 1;
        }
        most = most.max(sum);
    }
    most
}

/// A measure of the first part of the commands, of the rest, and of all.
#[derive(Clone, Copy, Debug)]
struct Fit {
    first: f64,
    rest: f64,
    all: f64,
}

/// A limit that the rest of the commands kept to or did not: then what the first and the rest had.
#[derive(Clone, Copy, Debug)]
enum Held {
    By(f64),
    Not(f64, f64),
    /// It would limit nothing.
    Void,
}

impl Held {
    fn if_limit(self, is_limit: impl Fn(&f64) -> bool) -> Self {
        match self {
            Self::By(limit) if !is_limit(&limit) => Self::Void,
            other => other,
        }
    }
}

impl Fit {
    const fn of([first, rest, all]: [f64; 3]) -> Self {
        Self { first, rest, all }
    }

    /// The limit with its margin, if the rest keeps to what the first part would have set.
    fn at_most(self, with_margin: impl Fn(f64) -> f64) -> Held {
        if self.rest <= with_margin(self.first) {
            Held::By(with_margin(self.all))
        } else {
            Held::Not(self.first, self.rest)
        }
    }
}

impl Paces {
    fn take(&mut self, limit: Held, key: &'static str, told: impl Fn(f64) -> (String, String)) {
        match limit {
            Held::By(limit) => {
                let (value, evidence) = told(limit);
                self.limits.push(Limit { key, value, evidence });
            }
            Held::Not(first, rest) => {
                let (first, rest) = (Short(first), Short(rest));
                self.thin.push(format!("no `{key}`: {first} in the first part was no limit for the rest, {rest}"));
            }
            Held::Void => {}
        }
    }
}

impl Unit {
    fn word(self) -> &'static str {
        match self.name {
            "min" => "minute",
            "h" => "hour",
            _ => "day",
        }
    }
}

/// A limit with three digits, of whole numbers a whole one, and never less.
fn round_up(limit: f64, kind: Option<Kind>) -> f64 {
    let is_whole = kind.is_some_and(|kind| !matches!(kind, Kind::F32 | Kind::F64 | Kind::Native));
    if is_whole || limit <= 0.0 {
        return limit.ceil();
    }
    let digits = 2 - limit.log10().floor() as i32;
    let (text, step) = (format!("{limit:.*}", digits.max(0) as usize), 10_f64.powi(-digits));
    let near = text.parse::<f64>().unwrap_or(limit);
    if near >= limit {
        return near;
    }
    format!("{:.*}", digits.max(0) as usize, near + step).parse().unwrap_or(limit)
}
