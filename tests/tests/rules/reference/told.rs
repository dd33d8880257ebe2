//! Alerts as both sides tell them, so that they can be compared.

use tagout_core::engine::{ActorId, Order, Policy as Loaded};
use tagout_core::{Alert, Cause};

use super::evaluator::{Item, News};
use super::history::{self, Past};
use super::model::{ACTORS, Point};

/// An alert that is given, or that is suppressed.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct Told {
    /// In milliseconds since the epoch.
    pub(super) at: u64,
    /// The reason against a violation, `rule N` or `invariant N`.
    pub(super) cause: String,
    /// The point or address, with values.
    pub(super) about: String,
    /// The number of the suppression that keeps it back.
    pub(super) suppressed: Option<usize>,
}

const MS: u64 = 1_000_000;

/// 0 has no sign here, and what is no number is not known.
fn number(number: Option<f64>) -> String {
    number.filter(|number| !number.is_nan()).map_or("?".to_owned(), |number| format!("{:?}", number + 0.0))
}

fn actor(number: Option<usize>) -> &'static str {
    number.and_then(|number| ACTORS[number].known).map_or("nobody", |(name, _)| name)
}

fn order(order: Option<history::Order>) -> String {
    let told =
        |order: history::Order| format!("{} by {} at {}", number(Some(order.value)), actor(Some(order.by)), order.at);
    order.map_or("nothing".to_owned(), told)
}

pub(super) fn told_item(item: &Item, points: &[Point], past: Past<'_>) -> String {
    let name = item.point.map_or("-", |point| points[point].name);
    let (value, previous) = (number(item.value), number(past.latest()));
    let before = actor(past.order().map(|order| order.by));
    format!("{} {} {name} = {value} after {previous} of {before}", item.space.name(), item.address)
}

pub(super) fn told_event(news: &News, points: &[Point], past: Past<'_>) -> String {
    let (event, name) = (news.event.name(), points[news.point].name);
    let (value, limit) = (number(Some(news.value)), number(news.limit));
    format!("{event} {name} = {value} against {limit}, told {}", order(past.order()))
}

pub(super) fn told_breach<'a>(involved: impl Iterator<Item = (&'a Point, Past<'a>)>) -> String {
    let told = |(point, past): (&Point, Past<'_>)| {
        format!("{}.{} = {}, told {}", point.device, point.name, number(past.last_report()), order(past.order()))
    };
    involved.map(told).collect::<Vec<_>>().join("; ")
}

impl Told {
    /// What the sensor tells.
    pub(super) fn of(alert: &Alert<'_>, policy: &Loaded<'_>) -> Self {
        let (at, suppressed) = (alert.time.0 / MS, alert.suppressed.map(|id| usize::from(id.0)));
        let cause = match alert.cause {
            Cause::Violation(violation) => violation.reason.name().to_owned(),
            Cause::Intent(finding, _) => finding.name().to_owned(),
            Cause::Rule(rule) => {
                let signature = policy.rule_info(rule).map(|rule| rule.signature).unwrap_or_default();
                signature.trim_start_matches("Invariant broken: ").to_owned()
            }
        };
        Self { at, cause, about: about(alert, policy), suppressed }
    }
}

fn about(alert: &Alert<'_>, policy: &Loaded<'_>) -> String {
    let actor = |by: Option<ActorId>| by.and_then(|id| policy.actor_info(id)).map_or("nobody", |actor| actor.name);
    let order = |order: Option<Order>| {
        let told =
            |order: Order| format!("{} by {} at {}", number(Some(order.value)), actor(order.by), order.at.0 / MS);
        order.map_or("nothing".to_owned(), told)
    };
    let name = |point| policy.point_info(point).map_or("-", |point| point.name);
    if let Some(item) = alert.item {
        let (value, previous) = (number(item.value()), number(item.previous()));
        let (space, name, before) = (item.space.name(), item.point.map_or("-", name), actor(item.actor_before));
        return format!("{space} {} {name} = {value} after {previous} of {before}", item.address);
    }
    if let Some(news) = alert.process {
        let (event, name, value) = (news.event.name(), name(news.point), number(Some(news.value)));
        return format!("{event} {name} = {value} against {}, told {}", number(news.limit), order(news.last_command));
    }
    let involved = alert.breach.into_iter().flat_map(|breach| breach.points().collect::<Vec<_>>());
    let told = involved.map(|point| {
        let device = policy.point_info(point.point).map_or(0, |point| point.device.0);
        let (name, value) = (name(point.point), number(point.value));
        format!("{device}.{name} = {value}, told {}", order(point.last_command))
    });
    told.collect::<Vec<_>>().join("; ")
}
