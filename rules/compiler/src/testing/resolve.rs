//! From the names that tests write to places, addresses and rules.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use tagout_engine::{Action, Endpoint, IntentFinding, Mac, Reason, Space};
use wildmatch::WildMatch;

use super::octets::value;
use super::{Declared, Expected, Party, Raised, Request, Scene, Step, Test, Value};
use crate::deed;
use crate::diagnostic::Report;
use crate::model::{self, Asked, Model, Network, Point, Selector, Signature};
use crate::resolve::{Names, unknown};
use crate::source::{Lines, Span, Spanned};

/// Resolves the names of all tests; what cannot be resolved is reported and left out.
pub(crate) fn resolve(model: &Model, names: &Names<'_>, points: &[(u16, Point)], report: &mut Report<'_>) -> Vec<Test> {
    let lines = report.lines();
    let resolver = Resolver { model, names, points, lines: &lines };
    model.tests.iter().filter_map(|test| resolver.test(test, report)).collect()
}

struct Resolver<'m> {
    model: &'m Model,
    names: &'m Names<'m>,
    points: &'m [(u16, Point)],
    lines: &'m [Lines<'m>],
}

impl Resolver<'_> {
    fn test(&self, test: &model::Test, report: &mut Report<'_>) -> Option<Test> {
        let scene = match &test.scene {
            model::Scene::Capture { path, frames } => Some(Scene::Capture { path: path.clone(), frames: *frames }),
            model::Scene::Steps { start, steps } => {
                let resolved: Vec<_> = steps.iter().filter_map(|step| self.step(step, report)).collect();
                (resolved.len() == steps.len()).then_some(Scene::Steps { start: *start, steps: resolved })
            }
        };
        let alerts = self.alerts(test.alerts.as_deref(), report);
        let intents = test.intents.as_ref();
        let intents = intents.map(|all| all.iter().filter_map(|one| self.declared(one, report)).collect());
        let (name, location) = (test.name.value.clone(), self.locate(test.name.span));
        Some(Test { name, location, scene: scene?, intents, is_silent: test.is_silent, alerts })
    }

    fn declared(&self, declared: &model::Declared, report: &mut Report<'_>) -> Option<Declared> {
        let model::Declared { actor, key, count, pace_ms, after_ms, lasts_ms, .. } = declared;
        let (deed, _) = deed::resolve(&declared.deed, (self.model, self.points), report);
        let who = self.model.actors.iter().find(|known| known.name.value == actor.value);
        match who {
            None => {
                let names = self.model.actors.iter().map(|known| known.name.value.as_str()).collect();
                unknown("actor", actor, names, report);
            }
            Some(who) if who.intents.is_none() => {
                let draft =
                    report.error(actor.span, format!("nothing is held against what `{}` declares", actor.value));
                draft.label("it has no `intents`").related(who.name.span, "the actor is here");
            }
            Some(_) => {}
        }
        let keys = &self.model.intents.keys;
        if let Some(key) = key.as_ref().filter(|key| keys.iter().all(|known| known.id.value != key.value)) {
            unknown("key", key, keys.iter().map(|known| known.id.value.as_str()).collect(), report);
        }
        Some(Declared {
            actor: who?.name.value.clone(),
            deed,
            count: *count,
            pace_ms: *pace_ms,
            key: key.as_ref().map(|key| key.value.clone()),
            after_ms: *after_ms,
            lasts_ms: *lasts_ms,
        })
    }

    fn locate(&self, span: Span) -> crate::Location {
        self.lines[span.file].locate(span)
    }

    fn step(&self, step: &model::Step, report: &mut Report<'_>) -> Option<Step> {
        let actors = self.model.actors.iter().map(|actor| (actor.name.value.as_str(), actor.selectors.as_slice()));
        let from = party("actor", &step.from, actors, report);
        let alerts = self.alerts(step.alerts.as_deref(), report);
        let (to, request) = match &step.asked {
            Asked::Point { action, point, value } => self.point(*action, point, value.as_ref(), report)?,
            Asked::Modbus { to, pdu } => (self.device(to, report)?, Request::Modbus(pdu.clone())),
            Asked::Dnp3 { to, fragment } => (self.device(to, report)?, Request::Dnp3(fragment.clone())),
        };
        Some(Step {
            location: self.locate(step.span),
            from: from?,
            to,
            request,
            reply: step.reply.clone(),
            after_ms: step.after_ms,
            repeat: step.repeat,
            every_ms: step.every_ms,
            grade: step.grade.as_ref().map(|grade| grade.value),
            verdict: step.verdict,
            alerts,
        })
    }

    fn device(&self, name: &Spanned<String>, report: &mut Report<'_>) -> Option<Party> {
        let devices = self.model.devices.iter().map(|device| (device.name.value.as_str(), device.selectors()));
        party("device", name, devices, report)
    }

    /// The device of a point, and what is done to the point.
    fn point(
        &self,
        action: Action,
        path: &Spanned<String>,
        engineering: Option<&Spanned<f64>>,
        report: &mut Report<'_>,
    ) -> Option<(Party, Request)> {
        let Some(found) = self.names.point(&path.value) else {
            let paths = self.names.point_paths();
            unknown("point", path, paths.iter().map(String::as_str).collect(), report);
            return None;
        };
        // What is declared wrongly was reported there.
        let (device, point) = self.points.get(found? as usize)?;
        if !takes(point.space, action) {
            let can: Vec<_> = [Action::Read, Action::Write, Action::Select, Action::Operate, Action::DirectOperate]
                .into_iter()
                .filter(|action| takes(point.space, *action))
                .map(|action| format!("`{}`", action.name()))
                .collect();
            let what = format!("points at a `{}` take no `{}`", point.space.name(), action.name());
            report.error(path.span, what).expected(can.join(", ")).related(point.name.span, "the point is here");
            return None;
        }
        let value = held(action, path, (point, engineering), report)?;
        let (name, places) = (&self.model.devices[usize::from(*device)], Vec::new());
        let party = Party { name: name.name.value.clone(), number: Some(*device), places };
        let places = name.selectors().iter().flat_map(places_of).collect();
        let (space, address, width) = (point.space, point.address, point.encoding.kind.width());
        Some((Party { places, ..party }, Request::Point { action, space, address, width, value }))
    }

    fn alerts(&self, expected: Option<&[model::Expected]>, report: &mut Report<'_>) -> Option<Vec<Expected>> {
        let expected = expected?;
        Some(expected.iter().filter_map(|one| self.alert(one, report)).collect())
    }

    fn alert(&self, expected: &model::Expected, report: &mut Report<'_>) -> Option<Expected> {
        let model::Expected { rule, count, frames } = expected;
        let name = match &rule.value {
            Signature::Sid(sid) => sid.to_string(),
            Signature::Text(text) => text.clone(),
        };
        Some(Expected { name, by: alarm(self.model, rule, report)?, count: *count, frames: frames.clone() })
    }
}

/// The rules or the reason that are named.
pub(crate) fn alarm(model: &Model, rule: &Spanned<Signature>, report: &mut Report<'_>) -> Option<Raised> {
    match &rule.value {
        Signature::Sid(found) => sid(model, *found, rule.span, report),
        Signature::Text(text) => signature(model, text, rule.span, report),
    }
}

fn sid(model: &Model, sid: u32, span: Span, report: &mut Report<'_>) -> Option<Raised> {
    let found = raised(model, |rule| rule.sid.value == sid);
    if found.is_none() {
        let draft = report.error(span, format!("there is no rule with the sid {sid}"));
        draft.help("a violation is named by its reason, such as \"value-out-of-range\"".to_owned());
    }
    found
}

/// The rules of which this holds; `None` if there are none.
fn raised(model: &Model, is_meant: impl Fn(&model::Rule) -> bool) -> Option<Raised> {
    let meant = model.rules.iter().filter(|rule| is_meant(rule));
    let meant: Vec<_> = meant.map(|rule| (rule.sid.value, rule.signature.clone())).collect();
    (!meant.is_empty()).then_some(Raised::Rules(meant))
}

fn signature(model: &Model, text: &str, span: Span, report: &mut Report<'_>) -> Option<Raised> {
    if let Some(reason) = Reason::from_name(text) {
        return Some(Raised::Violation(reason));
    }
    if let Some(finding) = IntentFinding::from_name(text) {
        return Some(Raised::Intent(finding));
    }
    let glob = WildMatch::new(text);
    let found = raised(model, |rule| glob.matches(&rule.signature));
    if found.is_none() {
        let reasons = Reason::ALL.iter().map(|reason| reason.name());
        let findings = IntentFinding::ALL.iter().map(|finding| finding.name());
        let known = model.rules.iter().map(|rule| rule.signature.as_str());
        let known: Vec<_> = known.chain(reasons).chain(findings).collect();
        report.error(span, format!("no rule says `{text}`")).one_of(text, &known);
    }
    found
}

/// Whether steps can do this to points of a space.
fn takes(space: Space, action: Action) -> bool {
    match space {
        Space::Coil | Space::HoldingRegister => matches!(action, Action::Read | Action::Write),
        Space::BinaryOutput | Space::AnalogOutput => action != Action::Write,
        Space::OctetString => false,
        _ => action == Action::Read,
    }
}

/// What is commanded, or what a read finds: 0 where it is not said.
fn held(
    action: Action,
    path: &Spanned<String>,
    (point, engineering): (&Point, Option<&Spanned<f64>>),
    report: &mut Report<'_>,
) -> Option<Value> {
    let Some(engineering) = engineering else {
        if action != Action::Read {
            report.error(path.span, format!("`{}` without `value`", action.name())).label("which value?");
            return None;
        }
        return Some(match (point.space.is_bit(), point.space.is_register()) {
            (true, _) => Value::Bit(false),
            (_, true) => Value::Registers(vec![0; 2 * usize::from(point.encoding.kind.width())]),
            _ => Value::Number(0.0),
        });
    };
    value(point, engineering.value)
        .map_err(|nearest| {
            let message = format!("`{}` cannot be {}", path.value, engineering.value);
            report.error(engineering.span, message).label(format!("the nearest that it can be is {nearest}"));
        })
        .ok()
}

/// Who is meant by a name, or by an IP address.
fn party<'m>(
    what: &str,
    name: &Spanned<String>,
    mut known: impl Iterator<Item = (&'m str, &'m [Selector])> + Clone,
    report: &mut Report<'_>,
) -> Option<Party> {
    let words = known.clone().map(|(word, _)| word).collect();
    if let Some((number, (_, selectors))) = (0..).zip(known.by_ref()).find(|(_, (word, _))| *word == name.value) {
        let places = selectors.iter().flat_map(places_of).collect();
        return Some(Party { name: name.value.clone(), number: Some(number), places });
    }
    if let Ok(ip) = name.value.parse::<IpAddr>() {
        let places = vec![Endpoint { ip: Some(ip), ..Endpoint::default() }];
        return Some(Party { name: name.value.clone(), number: None, places });
    }
    unknown(what, name, words, report);
    None
}

/// So many addresses of a network are tried.
const TRIED: u8 = 32;

/// Places that a selector selects. What it does not ask for is left open.
fn places_of(selector: &Selector) -> Vec<Endpoint> {
    let place = |ip| Endpoint {
        ip,
        mac: selector.mac.map(Mac),
        vlan: selector.vlan,
        port: selector.port.map(|(first, _)| first),
        unit: selector.unit,
        link: selector.link,
    };
    let Some(network) = selector.ip else { return vec![place(None)] };
    let longest = Network::full_prefix(network.address);
    if network.prefix == longest {
        return vec![place(Some(network.address))];
    }
    let hosts = 1..=TRIED.min(u8::MAX >> 8_u8.saturating_sub(longest - network.prefix));
    hosts.map(|host| place(Some(nth(network.address, host)))).collect()
}

/// The nth address behind another.
fn nth(first: IpAddr, host: u8) -> IpAddr {
    match first {
        IpAddr::V4(first) => Ipv4Addr::from_bits(first.to_bits().wrapping_add(host.into())).into(),
        IpAddr::V6(first) => Ipv6Addr::from_bits(first.to_bits().wrapping_add(host.into())).into(),
    }
}
