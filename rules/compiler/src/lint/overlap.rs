//! Permits that say what others say already.

use std::collections::{BTreeMap, BTreeSet};

use super::{Policy, VALUED};
use crate::diagnostic::Report;
use crate::model::{Bounds, Permit};
use crate::resolve::Cover;

/// Warns of permits that another permit covers, in whole or in what their `value` limits, and of ranges that run into
/// each other.
pub(super) fn permits(policy: &Policy<'_>, report: &mut Report<'_>) {
    let grant = |(number, (permit, cover))| Grant { number, permit, cover };
    let grants: Vec<_> = policy.permits().enumerate().map(grant).collect();
    let index = Index::of(&grants);
    for grant in &grants {
        let others = || index.beside(grant).into_iter().map(|number| &grants[number]);
        if let Some(wider) = others().find(|other| other.makes_redundant(grant, grant.permit.actions.value)) {
            redundant(grant, wider, report);
        } else if let Some(wider) = others().find(|other| other.lifts(grant)) {
            lifted(grant, wider, report);
        } else if let Some(other) = others().find(|other| other.number < grant.number && other.runs_into(grant)) {
            joined(policy, grant, other, report);
        }
    }
}

/// A permit with what it covers.
struct Grant<'m> {
    number: usize,
    permit: &'m Permit,
    cover: &'m Cover,
}

impl Grant<'_> {
    fn value(&self) -> Bounds {
        self.permit.value.as_ref().map_or(Bounds::ALL, |value| value.value.bounds)
    }

    /// Whether everything that another permits of some actions is permitted by this one too. Of two that are equal, the
    /// later is the one that is redundant.
    fn makes_redundant(&self, other: &Self, actions: u32) -> bool {
        self.covers(other, actions) && (self.number < other.number || !other.covers(self, self.permit.actions.value))
    }

    fn covers(&self, other: &Self, actions: u32) -> bool {
        let values = actions & VALUED == 0 || self.value().holds(other.value());
        actions & !self.permit.actions.value == 0 && values && self.permit.is_plain() && self.is_over(other)
    }

    /// Whether it is for all that another is for, whatever may be done there.
    fn is_over(&self, other: &Self) -> bool {
        let places = match (&self.cover.points, &other.cover.points) {
            (None, _) => other.cover.devices.is_subset(&self.cover.devices),
            (Some(points), Some(others)) => others.is_subset(points),
            (Some(_), None) => false,
        };
        places && other.cover.actors.is_subset(&self.cover.actors)
    }

    /// Whether the range of another limits nothing, since this one permits the same with a wider one.
    fn lifts(&self, other: &Self) -> bool {
        let valued = other.permit.actions.value & VALUED;
        valued != 0 && other.permit.value.is_some() && self.makes_redundant(other, valued)
    }

    /// Whether both permit the same of the same points, in ranges that overlap while neither holds the other.
    fn runs_into(&self, other: &Self) -> bool {
        let (mine, others) = (self.value(), other.value());
        self.permit.actions.value & other.permit.actions.value & VALUED != 0
            && self.permit.is_plain()
            && other.permit.is_plain()
            && mine.meets(others)
            && !mine.holds(others)
            && !others.holds(mine)
            && !self.cover.actors.is_disjoint(&other.cover.actors)
            && match (&self.cover.points, &other.cover.points) {
                (Some(points), Some(others)) => !points.is_disjoint(others),
                (None, None) => !self.cover.devices.is_disjoint(&other.cover.devices),
                _ => false,
            }
    }
}

/// The permits on each point and on each whole device.
struct Index {
    points: BTreeMap<u32, Vec<usize>>,
    devices: BTreeMap<u16, Vec<usize>>,
}

impl Index {
    fn of(grants: &[Grant<'_>]) -> Self {
        let (mut points, mut devices) = (BTreeMap::<_, Vec<_>>::new(), BTreeMap::<_, Vec<_>>::new());
        for Grant { number, cover, .. } in grants {
            match &cover.points {
                Some(named) => named.iter().for_each(|point| points.entry(*point).or_default().push(*number)),
                None => cover.devices.iter().for_each(|device| devices.entry(*device).or_default().push(*number)),
            }
        }
        Self { points, devices }
    }

    /// The other permits on the first point that a permit is for, or on its whole device.
    fn beside(&self, grant: &Grant<'_>) -> BTreeSet<usize> {
        let of_point = grant.cover.points.as_ref().and_then(|points| self.points.get(points.first()?));
        let of_device = grant.cover.devices.first().and_then(|device| self.devices.get(device));
        let all = of_point.into_iter().chain(of_device).flatten().copied();
        all.filter(|number| *number != grant.number).collect()
    }
}

fn redundant(grant: &Grant<'_>, wider: &Grant<'_>, report: &mut Report<'_>) {
    report
        .warning(grant.permit.span, "this permit adds nothing")
        .related(wider.permit.span, "this one permits all of it already")
        .help("take one of them out".to_owned());
}

fn lifted(grant: &Grant<'_>, wider: &Grant<'_>, report: &mut Report<'_>) {
    let Some(value) = &grant.permit.value else { return };
    report
        .warning(value.span, "this range limits nothing")
        .related(wider.permit.span, "this permit allows the same with values beyond it")
        .help("narrow the other permit, or take the range out".to_owned());
}

fn joined(policy: &Policy<'_>, grant: &Grant<'_>, other: &Grant<'_>, report: &mut Report<'_>) {
    let (Some(value), Some(first)) = (&grant.permit.value, &other.permit.value) else { return };
    let both = grant.cover.actors.intersection(&other.cover.actors).next();
    let actor = both.map_or("", |actor| policy.actor(*actor));
    let (mine, others) = (first.value.bounds, value.value.bounds);
    let (min, max) = (mine.min.min(others.min), mine.max.max(others.max));
    report
        .warning(value.span, format!("this range runs into another of `{actor}` for the same points"))
        .related(first.span, format!("together they permit {min} to {max}"))
        .help("write one permit with the range that is meant".to_owned());
}
