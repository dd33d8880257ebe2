//! From names to numbers, over all files together.

use std::collections::{BTreeMap, BTreeSet};

use wildmatch::WildMatch;

use tagout_engine::{Field, MOST_INVARIANTS, MOST_INVOLVED, Stage, Threshold};

use crate::approvals::{self, Approval, Approved};
use crate::cadences::Channel;
use crate::condition::{self, Condition, Conditions, settings};
use crate::diagnostic::Report;
use crate::intents::{self, SpokenFor};
use crate::model::{Actor, Device, Intents, Model, Permit, Point, Rule, Suppression, Window};
use crate::source::Spanned;
use crate::suggest::did_you_mean;
use crate::suppress::Aim;
use crate::testing::Test;
use crate::{cadences, grammar, lint, selectors, suppress, testing, unique};

/// A policy whose names are numbers: actors, devices, permits and rules by their place in the lists, points by theirs
/// among all points sorted by device, space and address.
pub(crate) struct Resolved {
    pub(crate) site: String,
    pub(crate) actors: Vec<Actor>,
    pub(crate) devices: Vec<Device>,
    pub(crate) points: Vec<(u16, Point)>,
    pub(crate) permits: Vec<Permit>,
    /// What each permit covers.
    pub(crate) covers: Vec<Cover>,
    pub(crate) windows: Vec<Window>,
    pub(crate) intents: Intents,
    /// The actors that each key may declare for.
    pub(crate) spoken_for: Vec<SpokenFor>,
    /// What humans approve, with the numbers of what it names.
    pub(crate) approvals: Vec<(Approval, Approved)>,
    pub(crate) rules: Vec<Rule>,
    /// What each rule asks.
    pub(crate) asks: Vec<Asks>,
    /// The conditions that permits, rules and invariants name by number.
    pub(crate) conditions: Conditions,
    pub(crate) suppressions: Vec<Suppression>,
    /// What each suppression asks.
    pub(crate) aims: Vec<Aim>,
    pub(crate) channels: Vec<Channel>,
    pub(crate) tests: Vec<Test>,
}

/// The conditions of a rule by number, and when it looks.
#[derive(Debug, Default)]
pub(crate) struct Asks {
    pub(crate) when: Option<u16>,
    pub(crate) steps: Vec<u16>,
    /// The fields whose values are its key.
    pub(crate) per: Vec<Field>,
    /// The outcomes at which it looks; none when it looks at the request.
    pub(crate) outcomes: u8,
    /// Whether it looks at each point or address that is touched.
    pub(crate) items: bool,
    /// The points that it is an invariant of.
    pub(crate) invariant_of: Vec<u32>,
    /// The devices that it is about; `None` for all.
    pub(crate) devices: Option<BTreeSet<u16>>,
    /// The settings in which it may have something to say.
    pub(crate) settings: u16,
}

/// The actors, devices and points that a permit names.
#[derive(Clone, Debug, Default)]
pub(crate) struct Cover {
    pub(crate) actors: BTreeSet<u16>,
    pub(crate) devices: BTreeSet<u16>,
    /// `None`: whole devices.
    pub(crate) points: Option<BTreeSet<u32>>,
    /// The number of the condition that must hold.
    pub(crate) when: Option<u16>,
    /// The numbers of the windows that it names.
    pub(crate) windows: BTreeSet<u16>,
}

/// Resolves all names; `None` when a limit is exceeded. Errors are in the report.
pub(crate) fn resolve(mut model: Model, report: &mut Report<'_>) -> Option<Resolved> {
    limits(&model, report)?;
    gather_points(&mut model.devices, report);
    unique::check(&model, report);
    check_selectors(&model, report);
    let channels = cadences::resolve(&mut model, report);
    let spoken_for = intents::resolve(&model, report);
    let points = sorted_points(&mut model.devices);
    let approvals = approvals::resolve(&model, &points, report);
    let names = Names::of(&model, &points);
    let mut conditions = Conditions::default();
    let covers = covers(&model, &names, &points, &mut conditions, report);
    let asks: Vec<_> = model.rules.iter().map(|rule| asks(rule, &names, &mut conditions, report)).collect();
    check_invariants(&model.rules, &asks, &points, report);
    let aims = suppress::resolve(&model, &names, &points, &mut conditions, report);
    let tests = testing::resolve(&model, &names, &points, report);
    lint::lint(&lint::Policy { model: &model, points: &points, covers: &covers }, report);
    let Model { site, actors, devices, intents, windows, permits, rules, suppressions, .. } = model;
    let site = site.map(|name| name.value).unwrap_or_default();
    Some(Resolved {
        site,
        actors,
        devices,
        points,
        permits,
        covers,
        windows,
        intents,
        spoken_for,
        approvals,
        rules,
        asks,
        conditions,
        suppressions,
        aims,
        channels,
        tests,
    })
}

/// Resolves what permits name.
fn covers(
    model: &Model,
    names: &Names<'_>,
    points: &[(u16, Point)],
    conditions: &mut Conditions,
    report: &mut Report<'_>,
) -> Vec<Cover> {
    let mut cover = |permit: &Permit| {
        let cover = names.cover(permit, &model.windows, conditions, report);
        check_unit(permit, &cover, points, report);
        cover
    };
    model.permits.iter().map(&mut cover).collect()
}

/// Compiles the conditions of a rule.
fn asks(rule: &Rule, names: &Names<'_>, conditions: &mut Conditions, report: &mut Report<'_>) -> Asks {
    let mut stages = Vec::new();
    if rule.actions != 0 {
        stages.extend([Stage::Request, Stage::Item, Stage::Response]);
    }
    if rule.anomalies != 0 {
        stages.extend([Stage::Request, Stage::Anomaly]);
    }
    if rule.process != 0 {
        stages.extend([Stage::Request, Stage::Process]);
    }
    if rule.cadence != 0 {
        stages.extend([Stage::Request, Stage::Cadence]);
    }
    let mut compile = |text| condition::compile(text, names, &stages, conditions, report);
    let when = rule.when.as_ref().and_then(&mut compile);
    let steps: Vec<_> = rule.steps.iter().filter_map(&mut compile).collect();
    let of_conditions = when.iter().chain(&steps).flat_map(|condition| &condition.fields);
    let fields: Vec<_> = of_conditions.chain(rule.per.iter().flatten()).chain(&rule.distinct).copied().collect();
    let asks_for = |stage| rule.actions != 0 && fields.iter().any(|field| field.stage() == stage);
    let (waits, items) = (rule.outcomes.is_some() || asks_for(Stage::Response), asks_for(Stage::Item));
    let all = grammar::outcomes().into_iter().fold(0, |set, outcome| set | outcome.bit());
    Asks {
        outcomes: if rule.actions != 0 && waits { rule.outcomes.unwrap_or(all) } else { 0 },
        when: when.as_ref().map(|condition| condition.id),
        steps: steps.iter().map(|condition| condition.id).collect(),
        per: rule.per.clone().unwrap_or_else(|| default_key(rule.threshold, items)),
        items,
        devices: about(rule, when.as_ref(), &steps, names),
        settings: held_in(rule, when.as_ref(), &steps),
        invariant_of: when.filter(|_| rule.threshold == Threshold::Invariant).map_or(Vec::new(), |must| must.points),
    }
}

/// The settings in which a rule may have something to say: where it may match, or what it waits for may come.
fn held_in(rule: &Rule, when: Option<&Condition>, steps: &[Condition]) -> u16 {
    let holds = when.map_or(settings::ALL, |when| when.settings);
    let follows = steps.iter().fold(0, |settings, step| settings | step.settings);
    match rule.threshold {
        Threshold::Each | Threshold::First | Threshold::Count => holds,
        Threshold::Distinct => holds & rule.distinct.map_or(settings::ALL, settings::of_field),
        Threshold::Sequence => holds & follows,
        Threshold::Absent => holds | follows,
        Threshold::Lasting | Threshold::Invariant => settings::ALL,
    }
}

/// Checks that invariants ask for points, and neither for too many nor too many for one.
fn check_invariants(rules: &[Rule], asks: &[Asks], points: &[(u16, Point)], report: &mut Report<'_>) {
    let mut counts = vec![0; points.len()];
    let invariants = rules.iter().zip(asks).filter(|(rule, _)| rule.threshold == Threshold::Invariant);
    for (must, asked) in invariants.filter_map(|(rule, asks)| Some((rule.when.as_ref()?, &asks.invariant_of))) {
        if asked.len() > MOST_INVOLVED {
            let draft = report.error(must.span, format!("an invariant of {} points", asked.len()));
            draft.expected(format!("at most {MOST_INVOLVED}"));
        } else if asked.is_empty() && !report.has_errors() {
            let draft = report.error(must.span, "an invariant of no point");
            draft.expected("a condition such as `point(\"plc1.level\") < 90`");
        }
        for id in asked.iter().map(|id| *id as usize) {
            counts[id] += 1;
            if counts[id] == MOST_INVARIANTS + 1 {
                let draft = report.error(must.span, format!("too many invariants of `{}`", points[id].1.name.value));
                draft.label(format!("a point has at most {MOST_INVARIANTS}"));
            }
        }
    }
}

/// The devices that a rule is about, if its conditions name them. One that waits for how long something lasts has to hear
/// of all others, too; one that waits for what should follow, of those where it may.
fn about(rule: &Rule, when: Option<&Condition>, steps: &[Condition], names: &Names<'_>) -> Option<BTreeSet<u16>> {
    if matches!(rule.threshold, Threshold::Lasting | Threshold::Invariant) {
        return None;
    }
    let follows = steps.iter().filter(|_| rule.threshold == Threshold::Absent);
    let named: Vec<_> =
        [when?].into_iter().chain(follows).map(|asked| asked.devices.as_ref()).collect::<Option<_>>()?;
    let is_named = |(name, _): &&(&str, u16)| named.iter().any(|devices| devices.contains(*name));
    Some(names.devices.iter().filter(is_named).map(|(_, number)| *number).collect())
}

/// Who does what to which station, or what happens to which point: by what a rule remembers if it does not say.
const DEFAULT_KEY: [Field; 8] = [
    Field::ClientIp,
    Field::ServerIp,
    Field::ServerPort,
    Field::ModbusUnit,
    Field::Dnp3Source,
    Field::Dnp3Destination,
    Field::Action,
    Field::ProcessPoint,
];
/// What else, if it looks at each point or address.
const ITEM_KEY: [Field; 2] = [Field::CommandSpace, Field::CommandAddress];

fn default_key(threshold: Threshold, items: bool) -> Vec<Field> {
    let item: &[Field] = if items { &ITEM_KEY } else { &[] };
    let all = DEFAULT_KEY.iter().chain(item);
    match threshold {
        Threshold::Each | Threshold::Invariant => Vec::new(),
        // What should follow is another action, as a rule.
        Threshold::Absent => all.filter(|field| **field != Field::Action).copied().collect(),
        _ => all.copied().collect(),
    }
}

/// How many of each there may be: their numbers have 16 bits.
const MOST: usize = 1 << 16;

fn limits(model: &Model, report: &mut Report<'_>) -> Option<()> {
    let beyond = [
        ("actors", model.actors.get(MOST).map(|actor| actor.name.span)),
        ("devices", model.devices.get(MOST).map(|device| device.name.span)),
        ("permits", model.permits.get(MOST).map(|permit| permit.span)),
        ("keys", model.intents.keys.get(MOST).map(|key| key.span)),
        ("windows", model.windows.get(MOST).map(|window| window.name.span)),
        ("cadences", model.cadences.get(MOST).map(|cadence| cadence.span)),
        ("rules", model.rules.get(MOST).map(|rule| rule.span)),
        ("suppressions", model.suppressions.get(MOST).map(|suppression| suppression.name.span)),
    ];
    let mut within = Some(());
    for (what, span) in beyond {
        if let Some(span) = span {
            report.error(span, format!("too many {what}")).label(format!("a policy has at most {MOST}"));
            within = None;
        }
    }
    within
}

/// Moves points of entries that only add points to the devices that these name.
fn gather_points(devices: &mut Vec<Device>, report: &mut Report<'_>) {
    let (mut declared, additions): (Vec<_>, Vec<_>) = devices.drain(..).partition(|device| device.selectors.is_some());
    for addition in additions {
        match declared.iter_mut().find(|device| device.name.value == addition.name.value) {
            Some(device) => {
                device.points.extend(addition.points);
                device.observe |= addition.observe;
                device.broken.extend(addition.broken);
            }
            None => {
                let draft = report.error(addition.name.span, "a device without an address");
                draft.label("no other file declares this device");
                declared.push(addition);
            }
        }
    }
    *devices = declared;
}

fn check_selectors(model: &Model, report: &mut Report<'_>) {
    let actors = selectors::arrange(model.actors.iter().map(|actor| actor.selectors.as_slice()));
    selectors::check(&actors, &model.actors.iter().map(|actor| &actor.name).collect::<Vec<_>>(), report);
    let devices = selectors::arrange(model.devices.iter().map(Device::selectors));
    selectors::check(&devices, &model.devices.iter().map(|device| &device.name).collect::<Vec<_>>(), report);
}

/// Takes all points out of their devices, in the order of the image.
fn sorted_points(devices: &mut [Device]) -> Vec<(u16, Point)> {
    let taken = |(number, device): (u16, &mut Device)| {
        std::mem::take(&mut device.points).into_iter().map(move |point| (number, point))
    };
    let mut points: Vec<_> = (0..).zip(devices).flat_map(taken).collect();
    points.sort_by_key(|(device, point)| (*device, point.space, point.address, point.name.span));
    points
}

/// Every name that a permit or condition may use.
pub(crate) struct Names<'m> {
    actors: Vec<(&'m str, u16)>,
    devices: Vec<(&'m str, u16)>,
    /// By device; `None` for points that are declared wrongly.
    points: BTreeMap<u16, Vec<(&'m str, Option<u32>)>>,
}

impl<'m> Names<'m> {
    fn of(model: &'m Model, points: &'m [(u16, Point)]) -> Self {
        let actors = model.actors.iter().map(|actor| actor.name.value.as_str()).zip(0..).collect();
        let devices = model.devices.iter().map(|device| device.name.value.as_str()).zip(0..).collect();
        let mut by_device: BTreeMap<u16, Vec<_>> = BTreeMap::new();
        for (id, (device, point)) in (0..).zip(points) {
            by_device.entry(*device).or_default().push((point.name.value.as_str(), Some(id)));
        }
        for (number, device) in (0..).zip(&model.devices) {
            by_device.entry(number).or_default().extend(device.broken.iter().map(|name| (name.as_str(), None)));
        }
        Self { actors, devices, points: by_device }
    }

    /// The names of all actors.
    pub(crate) fn actors(&self) -> Vec<&'m str> {
        self.actors.iter().map(|(name, _)| *name).collect()
    }

    /// The names of all devices.
    pub(crate) fn devices(&self) -> Vec<&'m str> {
        self.devices.iter().map(|(name, _)| *name).collect()
    }

    /// The names of all points, without their devices.
    pub(crate) fn points(&self) -> Vec<&'m str> {
        self.points.values().flatten().map(|(name, _)| *name).collect()
    }

    /// The point that `device.point` names; its number is `None` when it is declared wrongly.
    pub(crate) fn point(&self, path: &str) -> Option<Option<u32>> {
        self.devices.iter().find_map(|(device, number)| {
            let name = path.strip_prefix(device)?.strip_prefix('.')?;
            let points = self.points.get(number)?;
            points.iter().find(|(point, _)| *point == name).map(|(_, id)| *id)
        })
    }

    /// The path of the one point that has this path or name.
    pub(crate) fn path(&self, name: &str) -> Option<String> {
        if self.point(name).is_some() {
            return Some(name.to_owned());
        }
        let paths = self.point_paths();
        let mut alike = paths.into_iter().filter(|path| path.strip_suffix(name).is_some_and(|of| of.ends_with('.')));
        alike.next().filter(|_| alike.next().is_none())
    }

    /// Whether an actor, a device or a point has this name.
    pub(crate) fn has(&self, name: &str) -> bool {
        [self.actors(), self.devices(), self.points()].concat().contains(&name)
    }

    /// All points as `device.point`.
    pub(crate) fn point_paths(&self) -> Vec<String> {
        let paths = |(device, number): &(&str, u16)| {
            let points = self.points.get(number).into_iter().flatten();
            points.map(|(point, _)| format!("{device}.{point}")).collect::<Vec<_>>()
        };
        self.devices.iter().flat_map(paths).collect()
    }

    fn cover(
        &self,
        permit: &Permit,
        windows: &[Window],
        conditions: &mut Conditions,
        report: &mut Report<'_>,
    ) -> Cover {
        let actors = permit.actors.iter().flat_map(|name| named("actor", name, &self.actors, report)).collect();
        let devices: BTreeSet<_> =
            permit.devices.iter().flat_map(|name| named("device", name, &self.devices, report)).collect();
        let points = permit.points.as_ref().map(|patterns| self.covered(patterns, &devices, report));
        let windows: Vec<_> = windows.iter().map(|window| window.name.value.as_str()).zip(0..).collect();
        let windows = permit.during.iter().flat_map(|name| named("window", name, &windows, report)).collect();
        let when = permit.when.as_ref().and_then(|text| self.condition(text, conditions, report));
        Cover { actors, devices, points, when, windows }
    }

    /// Compiles the condition of a permit.
    fn condition(&self, text: &Spanned<String>, conditions: &mut Conditions, report: &mut Report<'_>) -> Option<u16> {
        let condition = condition::compile(text, self, &[Stage::Request, Stage::Item], conditions, report)?;
        if condition.fields.contains(&Field::Verdict) {
            let draft = report.error(text.span, "`verdict` cannot be asked here");
            draft.label("what permits say is known only when they were asked");
        }
        Some(condition.id)
    }

    fn covered(&self, patterns: &[Spanned<String>], devices: &BTreeSet<u16>, report: &mut Report<'_>) -> BTreeSet<u32> {
        if devices.is_empty() {
            return BTreeSet::new();
        }
        let here: Vec<_> = devices.iter().filter_map(|device| self.points.get(device)).flatten().copied().collect();
        patterns.iter().flat_map(|pattern| named("point", pattern, &here, report)).flatten().collect()
    }
}

/// Checks that the values of a permit are in the unit of its points.
fn check_unit(permit: &Permit, cover: &Cover, points: &[(u16, Point)], report: &mut Report<'_>) {
    let Some(unit) = permit.value.as_ref().and_then(|value| value.value.unit.as_ref()) else { return };
    let Some(covered) = &cover.points else {
        report
            .error(unit.span, "a unit for a whole device")
            .label("only points have one")
            .help("name the points in `points`, or leave the unit out".to_owned());
        return;
    };
    let covered = covered.iter().filter_map(|id| points.get(*id as usize));
    for (_, point) in covered.filter(|(_, point)| point.unit != unit.value) {
        let declared = if point.unit.is_empty() { "has no unit".into() } else { format!("is in `{}`", point.unit) };
        report
            .error(unit.span, format!("the value is in `{}`, but `{}` {declared}", unit.value, point.name.value))
            .related(point.name.span, "the point is here")
            .help("write the unit of the point, or give the point this one".to_owned());
    }
}

/// What a name or glob stands for; nothing is an error.
pub(crate) fn named<T: Copy>(
    what: &str,
    pattern: &Spanned<String>,
    known: &[(&str, T)],
    report: &mut Report<'_>,
) -> Vec<T> {
    let glob = WildMatch::new(&pattern.value);
    let found: Vec<_> = known.iter().filter(|(name, _)| glob.matches(name)).map(|(_, number)| *number).collect();
    if found.is_empty() {
        unknown(what, pattern, known.iter().map(|(name, _)| *name).collect(), report);
    }
    found
}

pub(crate) fn unknown(what: &str, pattern: &Spanned<String>, mut known: Vec<&str>, report: &mut Report<'_>) {
    let found = &pattern.value;
    if found.contains(['*', '?']) {
        report.error(pattern.span, format!("no {what} matches `{found}`"));
        return;
    }
    let draft = report.error(pattern.span, format!("unknown {what} `{found}`"));
    known.sort_unstable();
    known.dedup();
    match known.as_slice() {
        [] => draft.label(format!("there is no {what} to name here")),
        names if names.len() > LISTED => draft.expected(format!("a declared {what}")).help(did_you_mean(found, known)),
        names => draft.one_of(found, names),
    };
}

/// Longer lists of names are no help.
const LISTED: usize = 8;
