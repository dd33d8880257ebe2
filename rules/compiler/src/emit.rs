//! From a resolved policy to its image.

mod cadences;
mod intents;
mod lists;
mod scaling;
mod sections;

use std::collections::HashMap;

use tagout_engine::image::{
    self, Extent, LOW_WORD_FIRST, NO_CONDITION, NO_FIELD, NO_TERMS, Place, SWAP_BYTES, Section, Text, WHOLE_DEVICE,
};
use tagout_engine::{Field, IntentMode, Replied};
use zerocopy::little_endian::{F64, U16};

use cadences::device_cadences;
use lists::{Grants, device_points, device_rules, pairs, point_invariants, rule_index, selectors};
use scaling::scaling;
use sections::Image;

use crate::SourceFile;
use crate::condition::Conditions;
use crate::model::{Actor, Bounds, Device, Pace, Permit, Point, Replies, Rule, Suppression, Time, Window};
use crate::resolve::{Asks, Cover, Resolved};
use crate::selectors::with_own;
use crate::source::{Lines, Span};
use crate::suppress::Aim;

pub(crate) fn emit(policy: &Resolved, files: &[SourceFile]) -> Vec<u8> {
    let mut words = Words { lines: Lines::of(files), bytes: Vec::new(), known: HashMap::new() };
    let (mut image, grants) = (Image::new(), Grants::of(policy));
    image.put(Section::Files, &files.iter().map(|file| words.text(&file.name)).collect::<Vec<_>>());
    words.actors(policy, &mut image);
    words.devices(policy, &grants, &mut image);
    words.points(policy, &grants, &mut image);
    image.put(Section::Grants, &grants.all);
    words.permits(policy, &mut image);
    words.rules(policy, &mut image);
    words.suppressions(policy, &mut image);
    words.cadences(policy, &mut image);
    words.intents(policy, &mut image);
    words.conditions(&policy.conditions, &mut image);
    let site = words.text(&policy.site);
    image.put(Section::Strings, &words.bytes);
    image.finish(site)
}

/// The strings section in the making.
struct Words<'f> {
    lines: Vec<Lines<'f>>,
    bytes: Vec<u8>,
    known: HashMap<String, Text>,
}

impl Words<'_> {
    fn text(&mut self, text: &str) -> Text {
        if let Some(known) = self.known.get(text) {
            return *known;
        }
        let new = Text { offset: number(self.bytes.len()).into(), length: number(text.len()).into() };
        self.bytes.extend_from_slice(text.as_bytes());
        self.known.insert(text.to_owned(), new);
        new
    }

    fn place(&self, span: Span) -> Place {
        let (line, column) = self.lines[span.file].line_column(span.start);
        Place { file: id(span.file).into(), line: line.into(), column: column.into() }
    }

    fn actors(&mut self, policy: &Resolved, image: &mut Image) {
        let actors: Vec<_> = policy.actors.iter().map(|actor| self.actor(actor)).collect();
        let (classes, all) = selectors(policy.actors.iter().map(|actor| actor.selectors.as_slice()));
        image.put(Section::Actors, &actors);
        image.put(Section::ActorClasses, &classes);
        image.put(Section::ActorSelectors, &all);
    }

    fn actor(&mut self, actor: &Actor) -> image::Actor {
        image::Actor {
            name: self.text(&actor.name.value),
            source: self.place(actor.name.span),
            kind: actor.kind.number(),
            intents: actor.intents.map_or(0, IntentMode::number),
        }
    }

    fn devices(&mut self, policy: &Resolved, grants: &Grants, image: &mut Image) {
        let (rules_by_device, device_rules) = device_rules(policy);
        let listed = device_points(policy).into_iter().zip(rules_by_device).zip(device_cadences(policy));
        let devices =
            (0..).zip(policy.devices.iter().zip(listed)).map(|(id, (device, ((points, rules), cadences)))| {
                self.device(device, grants.device(id), [points, rules, cadences])
            });
        image.put(Section::Devices, &devices.collect::<Vec<_>>());
        image.put(Section::DeviceRules, &device_rules);
        let places = with_own(policy.devices.iter().map(Device::selectors));
        let (classes, all) = selectors(places.iter().map(Vec::as_slice));
        image.put(Section::DeviceClasses, &classes);
        image.put(Section::DeviceSelectors, &all);
    }

    fn device(&mut self, device: &Device, grants: Extent, [points, rules, cadences]: [Extent; 3]) -> image::Device {
        let (name, source) = (self.text(&device.name.value), self.place(device.name.span));
        image::Device { name, source, grants, points, rules, cadences, observe: device.observe.into() }
    }

    fn points(&mut self, policy: &Resolved, grants: &Grants, image: &mut Image) {
        let (invariants, point_invariants) = point_invariants(policy);
        let points = (0..)
            .zip(policy.points.iter().zip(invariants))
            .map(|(id, (point, invariants))| self.point(point, grants.point(id), invariants));
        image.put(Section::Points, &points.collect::<Vec<_>>());
        image.put(Section::PointInvariants, &point_invariants);
    }

    fn point(&mut self, (device, point): &(u16, Point), grants: Extent, invariants: Extent) -> image::Point {
        let low_word_first = if point.encoding.low_word_first { LOW_WORD_FIRST } else { 0 };
        let swap_bytes = if point.encoding.swap_bytes { SWAP_BYTES } else { 0 };
        image::Point {
            device: (*device).into(),
            space: point.space.number(),
            address: point.address.into(),
            kind: point.encoding.kind.number(),
            order: low_word_first | swap_bytes,
            scaling: scaling(point.scale, point.offset),
            range: bounds(point.range),
            max_rate: point.max_rate.into(),
            tolerance: point.tolerance().into(),
            travel_ms: point.travel_ms.into(),
            frozen_ms: point.frozen_ms.into(),
            stale_ms: point.stale_ms.into(),
            grants,
            invariants,
            name: self.text(&point.name.value),
            unit: self.text(&point.unit),
            source: self.place(point.name.span),
        }
    }

    fn permits(&mut self, policy: &Resolved, image: &mut Image) {
        let mut terms = AllTerms::default();
        let covered = policy.permits.iter().zip(&policy.covers);
        let permits = covered.map(|(permit, cover)| self.permit(permit, cover, &policy.windows, &mut terms));
        image.put(Section::Permits, &permits.collect::<Vec<_>>());
        image.put(Section::Terms, &terms.all);
        image.put(Section::TermValues, &terms.values);
        image.put(Section::TermWindows, &terms.windows);
        let (pairs, pair_permits) = pairs(policy);
        image.put(Section::Pairs, &pairs);
        image.put(Section::PairPermits, &pair_permits);
        let windows: Vec<_> = policy.windows.iter().map(|window| self.window(window)).collect();
        image.put(Section::Windows, &windows);
    }

    fn permit(&mut self, permit: &Permit, cover: &Cover, windows: &[Window], terms: &mut AllTerms) -> image::Permit {
        image::Permit {
            name: self.text(permit.name.as_ref().map_or("", |name| &name.value)),
            source: self.place(permit.span),
            actions: permit.actions.value.into(),
            value: bounds(permit.value.as_ref().map_or(Bounds::ALL, |value| value.value.bounds)),
            points: cover.points.as_ref().map_or(WHOLE_DEVICE, |points| number(points.len())).into(),
            terms: self.terms(permit, cover, windows, terms).into(),
        }
    }

    /// The number of what a permit asks for beside a range.
    fn terms(&mut self, permit: &Permit, cover: &Cover, windows: &[Window], terms: &mut AllTerms) -> u32 {
        let values = permit.value.as_ref().map(|value| &value.value);
        let (step, one_of) = (values.and_then(|value| value.step), values.map_or(&[][..], |value| &value.one_of));
        if permit.is_plain() {
            return NO_TERMS;
        }
        let none = Pace { amount: 0.0, per_ms: 0 };
        let (at_most, max_change) =
            (permit.at_most.unwrap_or(none), permit.max_change.as_ref().map_or(none, |change| change.value));
        let names: Vec<_> =
            cover.windows.iter().map(|window| windows[usize::from(*window)].name.value.as_str()).collect();
        let replies = replies(permit);
        let id = number(terms.all.len());
        let record = image::Terms {
            step: step.unwrap_or(0.0).into(),
            one_of: extent(terms.values.len(), one_of.len()),
            when: cover.when.unwrap_or(NO_CONDITION).into(),
            windows: extent(terms.windows.len(), cover.windows.len()),
            during: self.text(&names.join(", ")),
            at_most: (at_most.amount as u16).into(),
            per_ms: at_most.per_ms.into(),
            max_step: permit.max_step.as_ref().map_or(0.0, |step| step.value).into(),
            opposite_ms: permit.opposite_after.as_ref().map_or(0, |time| time.value).into(),
            max_change: max_change.amount.into(),
            change_ms: max_change.per_ms.into(),
            replies: replies.words,
            refusals: [(replies.codes as u64).into(), ((replies.codes >> 64) as u64).into()],
            reply_ms: permit.reply_within.unwrap_or(0).into(),
        };
        terms.all.push(record);
        terms.values.extend(one_of.iter().map(|value| F64::from(*value)));
        terms.windows.extend(cover.windows.iter().map(|window| U16::from(*window)));
        id
    }

    fn window(&mut self, window: &Window) -> image::Window {
        let (name, source) = (self.text(&window.name.value), self.place(window.name.span));
        let never = image::Window {
            name,
            source,
            days: 0,
            from_s: 0.into(),
            to_s: 0.into(),
            offset_s: 0.into(),
            start: 0.into(),
            end: 0.into(),
        };
        match window.time {
            Time::Weekly { days, from_s, to_s, offset_s } => {
                image::Window { days, from_s: from_s.into(), to_s: to_s.into(), offset_s: offset_s.into(), ..never }
            }
            Time::Once { start, end } => image::Window { start: start.into(), end: end.into(), ..never },
        }
    }

    fn conditions(&mut self, all: &Conditions, image: &mut Image) {
        let conditions: Vec<_> = all.all.iter().map(|condition| self.condition(condition)).collect();
        image.put(Section::Conditions, &conditions);
        image.put(Section::Instructions, &all.instructions);
        image.put(Section::Numbers, &all.numbers());
        image.put(Section::Texts, &all.texts().iter().map(|text| self.text(text)).collect::<Vec<_>>());
        image.put(Section::Octets, &all.octets());
        image.put(Section::Networks, &all.networks());
    }

    fn condition(&mut self, (text, span, code): &(String, Span, Extent)) -> image::Condition {
        image::Condition { code: *code, text: self.text(text), source: self.place(*span) }
    }

    fn suppressions(&mut self, policy: &Resolved, image: &mut Image) {
        let mut rules = Vec::new();
        let aimed = policy.suppressions.iter().zip(&policy.aims);
        let suppressions: Vec<_> = aimed.map(|(one, aim)| self.suppression(one, aim, &mut rules)).collect();
        image.put(Section::Suppressions, &suppressions);
        image.put(Section::SuppressedRules, &rules);
    }

    fn suppression(&mut self, one: &Suppression, aim: &Aim, rules: &mut Vec<U16>) -> image::Suppression {
        let named = aim.rules.iter().flatten();
        let first = rules.len();
        rules.extend(named.map(|rule| U16::from(*rule)));
        image::Suppression {
            name: self.text(&one.name.value),
            reason: self.text(&one.reason),
            source: self.place(one.name.span),
            any: aim.rules.is_none().into(),
            rules: extent(first, rules.len() - first),
            reasons: aim.reasons.into(),
            findings: aim.findings.into(),
            scope: aim.scope.unwrap_or(NO_CONDITION).into(),
            when: aim.when.unwrap_or(NO_CONDITION).into(),
            until: one.until.as_ref().map_or(u64::MAX, |until| until.value).into(),
        }
    }

    fn rules(&mut self, policy: &Resolved, image: &mut Image) {
        let (mut fields, mut steps) = (Vec::new(), Vec::new());
        let asked = policy.rules.iter().zip(&policy.asks);
        let rules: Vec<_> = asked.map(|(rule, asks)| self.rule(rule, asks, &mut fields, &mut steps)).collect();
        let (index, lists) = rule_index(&rules);
        image.put(Section::Rules, &rules);
        image.put(Section::RuleIndex, &index);
        image.put(Section::RuleLists, &lists);
        image.put(Section::RuleFields, &fields);
        image.put(Section::RuleSteps, &steps);
    }

    fn rule(&mut self, rule: &Rule, asks: &Asks, fields: &mut Vec<u8>, steps: &mut Vec<U16>) -> image::Rule {
        let per = extent(fields.len(), asks.per.len());
        fields.extend(asks.per.iter().map(|field| field.number()));
        let run = extent(steps.len(), asks.steps.len());
        steps.extend(asks.steps.iter().map(|id| U16::from(*id)));
        image::Rule {
            sid: rule.sid.value.into(),
            severity: rule.severity.number(),
            threshold: rule.threshold.number(),
            actions: rule.actions.into(),
            verdicts: rule.verdicts,
            outcomes: asks.outcomes,
            anomalies: rule.anomalies.into(),
            process: rule.process,
            cadence: rule.cadence,
            items: asks.items.into(),
            by_device: asks.devices.is_some().into(),
            settings: asks.settings.into(),
            when: asks.when.unwrap_or(NO_CONDITION).into(),
            per,
            steps: run,
            distinct: rule.distinct.map_or(NO_FIELD, Field::number),
            count: rule.count.into(),
            within_ms: rule.within_ms.into(),
            rearm_ms: rule.rearm_ms.into(),
            warm_up_ms: rule.warm_up_ms.into(),
            signature: self.text(&rule.signature),
            category: self.text(&rule.category),
            technique: self.text(rule.technique.map_or("", |technique| technique.id)),
            atlas: self.text(&rule.atlas),
            owasp: self.text(&rule.owasp),
            source: self.place(rule.span),
        }
    }
}

/// The replies that a permit expects: success, too, where it names only exceptions or a time.
fn replies(permit: &Permit) -> Replies {
    let said = permit.replies.unwrap_or_default();
    let asks = permit.replies.is_some() || permit.reply_within.is_some();
    let words = if asks && said.words == 0 { Replied::Success.bit() } else { said.words };
    Replies { words, ..said }
}

/// What permits ask for beside a range, in the making.
#[derive(Default)]
struct AllTerms {
    all: Vec<image::Terms>,
    values: Vec<F64>,
    windows: Vec<U16>,
}

fn bounds(bounds: Bounds) -> image::Bounds {
    image::Bounds { min: bounds.min.into(), max: bounds.max.into() }
}

fn extent(first: usize, count: usize) -> Extent {
    Extent { first: number(first).into(), count: number(count).into() }
}

/// Offsets and counts in an image have 32 bits; the loader refuses an image that outgrew them.
fn number(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

fn id(index: usize) -> u16 {
    u16::try_from(index).unwrap_or(u16::MAX)
}
