//! From a suppression as it is written to what the engine asks.

use std::collections::{BTreeMap, BTreeSet};

use tagout_engine::Stage;

use crate::condition::{self, Conditions};
use crate::diagnostic::Report;
use crate::model::{self, Model, Point, Suppression};
use crate::resolve::{Names, named};
use crate::source::{Lines, Spanned};
use crate::testing::{Raised, alarm};
use crate::{End, SourceFile, unique};

/// What a suppression asks, by number.
pub(crate) struct Aim {
    /// `None`: all of them.
    pub(crate) rules: Option<BTreeSet<u16>>,
    /// Reasons of violations, as bits.
    pub(crate) reasons: u16,
    /// Findings of intents, as bits.
    pub(crate) findings: u16,
    /// The condition on those involved.
    pub(crate) scope: Option<u16>,
    pub(crate) when: Option<u16>,
}

/// Resolves all suppressions.
pub(crate) fn resolve(
    model: &Model,
    names: &Names<'_>,
    points: &[(u16, Point)],
    conditions: &mut Conditions,
    report: &mut Report<'_>,
) -> Vec<Aim> {
    unique::names("suppression", model.suppressions.iter().map(|suppression| &suppression.name), report);
    let mut resolve = |suppression| aim(suppression, (model, names, points), conditions, report);
    let aims: Vec<_> = model.suppressions.iter().map(&mut resolve).collect();
    if !report.has_errors() {
        for (number, suppression) in model.suppressions.iter().enumerate() {
            lint(model, (suppression, &aims[number]), report);
            hidden(&model.suppressions[..number], &aims, (suppression, &aims[number]), report);
        }
    }
    aims
}

/// Warns of a suppression that nothing can fall under: anomalies are at no point.
fn lint(model: &Model, (suppression, aim): (&Suppression, &Aim), report: &mut Report<'_>) {
    let Some(rules) = aim.rules.as_ref().filter(|_| suppression.points.is_some() && aim.reasons | aim.findings == 0)
    else {
        return;
    };
    let at_points = |number: &u16| {
        let rule = &model.rules[usize::from(*number)];
        rule.actions != 0 || rule.process != 0
    };
    if !rules.iter().any(at_points) {
        let draft = report.warning(suppression.name.span, "nothing falls under this suppression");
        draft.label("its rules are about anomalies, which are at no point").help("leave `points` out".to_owned());
    }
}

/// Warns of a suppression that one before it leaves nothing.
fn hidden(before: &[Suppression], aims: &[Aim], (suppression, aim): (&Suppression, &Aim), report: &mut Report<'_>) {
    let hides = |(_, wider): &(&Suppression, &Aim)| {
        let rules = match (&wider.rules, &aim.rules) {
            (None, None) => true,
            (Some(wider), Some(rules)) => rules.is_subset(wider),
            _ => false,
        };
        rules
            && aim.reasons & !wider.reasons == 0
            && aim.findings & !wider.findings == 0
            && wider.scope.is_none_or(|scope| aim.scope == Some(scope))
            && wider.when.is_none_or(|when| aim.when == Some(when))
    };
    let lasts = |wider: &Suppression| {
        let end = |one: &Suppression| one.until.as_ref().map_or(u64::MAX, |until| until.value);
        end(wider) >= end(suppression)
    };
    if let Some((wider, _)) = before.iter().zip(aims).find(|one| hides(one) && lasts(one.0)) {
        report
            .warning(suppression.name.span, "nothing is left for this suppression")
            .related(wider.name.span, "everything falls under this one before it");
    }
}

/// Everything that a condition can ask of what an alert is about.
const STAGES: [Stage; 6] =
    [Stage::Request, Stage::Item, Stage::Response, Stage::Anomaly, Stage::Process, Stage::Cadence];

fn aim(
    suppression: &Suppression,
    (model, names, points): (&Model, &Names<'_>, &[(u16, Point)]),
    conditions: &mut Conditions,
    report: &mut Report<'_>,
) -> Aim {
    let (mut rules, mut reasons, mut findings) = (BTreeSet::new(), 0, 0);
    for rule in suppression.rules.iter().flatten() {
        match alarm(model, rule, report) {
            Some(Raised::Violation(reason)) => reasons |= 1 << reason.number(),
            Some(Raised::Intent(finding)) => findings |= 1 << finding.number(),
            Some(Raised::Rules(meant)) => {
                let is_meant = |one: &model::Rule| {
                    meant.iter().any(|(sid, signature)| (*sid, signature) == (one.sid.value, &one.signature))
                };
                let numbered = (0..).zip(&model.rules);
                rules.extend(numbered.filter(|(_, one)| is_meant(one)).map(|(number, _)| number));
            }
            None => {}
        }
    }
    let mut compile = |text: &Spanned<String>, report: &mut Report<'_>| {
        condition::compile(text, names, &STAGES, conditions, report).map(|condition| condition.id)
    };
    let scope = scope(suppression, (names, points), report).and_then(|text| {
        // Nobody wrote this condition: all that can be wrong with it is its length.
        let compiled = compile(&text, &mut report.aside());
        if compiled.is_none() {
            too_many(suppression, report);
        }
        compiled
    });
    Aim {
        rules: suppression.rules.as_ref().map(|_| rules),
        reasons,
        findings,
        scope,
        when: suppression.when.as_ref().and_then(|text| compile(text, report)),
    }
}

fn too_many(suppression: &Suppression, report: &mut Report<'_>) {
    let (name, keys) = (&suppression.name, [&suppression.actors, &suppression.devices, &suppression.points]);
    let patterns = keys.into_iter().flatten().flatten().map(|pattern| format!("`{}`", pattern.value));
    let patterns = patterns.collect::<Vec<_>>().join(", ");
    report
        .error(name.span, format!("`{}` stands for too many names", name.value))
        .label(format!("all that {patterns} means does not fit into one suppression"))
        .help("leave a key out where everything is meant, or split the suppression by its devices".to_owned());
}

/// The condition that says who and what is involved.
fn scope(
    suppression: &Suppression,
    (names, points): (&Names<'_>, &[(u16, Point)]),
    report: &mut Report<'_>,
) -> Option<Spanned<String>> {
    let mut parts = Vec::new();
    if let Some(patterns) = &suppression.actors {
        parts.push(among("actor", chosen("actor", patterns, &names.actors(), report)));
    }
    let devices = match &suppression.devices {
        Some(patterns) => chosen("device", patterns, &names.devices(), report),
        None => names.devices(),
    };
    match &suppression.points {
        Some(patterns) => parts.push(places(&devices, patterns, (names, points), report)),
        None if suppression.devices.is_some() => parts.push(among("device", devices)),
        None => {}
    }
    // Names that there are none of were reported.
    let parts: Vec<_> = parts.into_iter().collect::<Option<_>>()?;
    let span = suppression.name.span;
    (!parts.is_empty()).then(|| Spanned { value: parts.join(" && "), span })
}

/// The names that some patterns mean.
fn chosen<'n>(what: &str, patterns: &[Spanned<String>], known: &[&'n str], report: &mut Report<'_>) -> Vec<&'n str> {
    let known: Vec<_> = known.iter().map(|name| (*name, *name)).collect();
    let chosen: BTreeSet<_> = patterns.iter().flat_map(|pattern| named(what, pattern, &known, report)).collect();
    chosen.into_iter().collect()
}

/// That what happens is at one of these points, for each device by itself.
fn places(
    devices: &[&str],
    patterns: &[Spanned<String>],
    (names, points): (&Names<'_>, &[(u16, Point)]),
    report: &mut Report<'_>,
) -> Option<String> {
    let all = names.devices();
    let mut here: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (device, point) in points {
        let device = all[usize::from(*device)];
        if devices.contains(&device) {
            here.entry(device).or_default().push(&point.name.value);
        }
    }
    let known: Vec<_> = here.values().flatten().copied().collect();
    let chosen = chosen("point", patterns, &known, report);
    let of_device = |(device, names): (&&str, &Vec<&str>)| {
        let names: Vec<_> = names.iter().copied().filter(|name| chosen.contains(name)).collect();
        let (commanded, told) = (among("command.point", names.clone())?, among("process.point", names)?);
        Some(format!("({} && ({commanded} || {told}))", among("device", vec![device])?))
    };
    let alternatives: Vec<_> = here.iter().filter_map(of_device).collect();
    (!alternatives.is_empty()).then(|| format!("({})", alternatives.join(" || ")))
}

/// That a field is one of these texts, if there are any.
fn among(field: &str, names: Vec<&str>) -> Option<String> {
    let quoted: Vec<_> = names.into_iter().map(quoted).collect();
    (!quoted.is_empty()).then(|| format!("{field} in [{}]", quoted.join(", ")))
}

/// A name as a condition writes it.
fn quoted(name: &str) -> String {
    let escaped: String = name
        .chars()
        .flat_map(|letter| matches!(letter, '"' | '\\').then_some('\\').into_iter().chain([letter]))
        .collect();
    format!("\"{escaped}\"")
}

/// When those end that do.
pub(crate) fn ends(suppressions: &[Suppression], files: &[SourceFile]) -> Vec<End> {
    let lines = Lines::of(files);
    let end = |suppression: &Suppression| {
        let until = suppression.until.as_ref()?;
        let location = lines[until.span.file].locate(until.span);
        Some(End { name: suppression.name.value.clone(), location, time: until.value })
    };
    suppressions.iter().filter_map(end).collect()
}
