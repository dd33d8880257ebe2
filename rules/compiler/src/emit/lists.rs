//! What is found by what: permits, rules and points by the actors and devices that they are about.

use std::collections::{BTreeMap, BTreeSet};

use tagout_engine::Trigger;
use tagout_engine::image::{self, Class, Extent, Grant, Pair};
use zerocopy::little_endian::U16;

use super::extent;
use crate::model::{Point, Selector};
use crate::resolve::{Asks, Cover, Resolved};
use crate::selectors::arrange;

/// The invariants of each point, and all of them.
pub(super) fn point_invariants(policy: &Resolved) -> (Vec<Extent>, Vec<U16>) {
    let mut of = vec![Vec::new(); policy.points.len()];
    for (rule, asks) in (0_u16..=u16::MAX).zip(&policy.asks) {
        asks.invariant_of.iter().for_each(|point| of[*point as usize].push(U16::from(rule)));
    }
    let mut all = Vec::new();
    let extents = of.into_iter().map(|rules| {
        let run = extent(all.len(), rules.len());
        all.extend(rules);
        run
    });
    (extents.collect(), all)
}

/// The grants of all devices, then of all points.
pub(super) struct Grants {
    pub(super) all: Vec<Grant>,
    devices: Vec<Extent>,
    points: Vec<Extent>,
}

impl Grants {
    pub(super) fn of(policy: &Resolved) -> Self {
        let mut devices = vec![BTreeSet::new(); policy.devices.len()];
        let mut points = vec![BTreeSet::new(); policy.points.len()];
        for (permit, cover) in (0_u16..=u16::MAX).zip(&policy.covers) {
            for actor in &cover.actors {
                match &cover.points {
                    None => cover
                        .devices
                        .iter()
                        .for_each(|device| _ = devices[usize::from(*device)].insert((*actor, permit))),
                    Some(named) => named.iter().for_each(|point| _ = points[*point as usize].insert((*actor, permit))),
                }
            }
        }
        let mut all = Vec::new();
        let mut append = |grants: &BTreeSet<(u16, u16)>| {
            let run = extent(all.len(), grants.len());
            all.extend(grants.iter().map(|(actor, permit)| Grant { actor: (*actor).into(), permit: (*permit).into() }));
            run
        };
        let devices = devices.iter().map(&mut append).collect();
        let points = points.iter().map(&mut append).collect();
        Self { all, devices, points }
    }

    pub(super) fn device(&self, id: usize) -> Extent {
        self.devices[id]
    }

    pub(super) fn point(&self, id: usize) -> Extent {
        self.points[id]
    }
}

/// The points of each device.
pub(super) fn device_points(policy: &Resolved) -> Vec<Extent> {
    let before = |device: usize| policy.points.partition_point(|(owner, _)| usize::from(*owner) < device);
    (0..policy.devices.len()).map(|device| extent(before(device), before(device + 1) - before(device))).collect()
}

/// Who has any permit on what, and which.
pub(super) fn pairs(policy: &Resolved) -> (Vec<Pair>, Vec<U16>) {
    let mut permits: BTreeMap<(u16, u16), BTreeSet<u16>> = BTreeMap::new();
    for (permit, cover) in (0_u16..=u16::MAX).zip(&policy.covers) {
        for device in devices(cover, &policy.points) {
            for actor in &cover.actors {
                permits.entry((device, *actor)).or_default().insert(permit);
            }
        }
    }
    let mut lists: Vec<U16> = Vec::new();
    let mut pair = |((device, actor), permits): (&(u16, u16), &BTreeSet<u16>)| {
        let run = extent(lists.len(), permits.len());
        lists.extend(permits.iter().map(|permit| U16::from(*permit)));
        let actions = permits.iter().fold(0, |set, permit| set | policy.permits[usize::from(*permit)].actions.value);
        Pair { device: (*device).into(), actor: (*actor).into(), actions: actions.into(), permits: run }
    };
    let pairs = permits.iter().map(&mut pair).collect();
    (pairs, lists)
}

/// The devices on which a permit covers anything.
fn devices(cover: &Cover, points: &[(u16, Point)]) -> BTreeSet<u16> {
    match &cover.points {
        None => cover.devices.clone(),
        Some(named) => named.iter().map(|point| points[*point as usize].0).collect(),
    }
}

/// What actors or devices are known by, in the order in which it is asked.
pub(super) fn selectors<'s>(owners: impl Iterator<Item = &'s [Selector]>) -> (Vec<Class>, Vec<image::Selector>) {
    let arranged = arrange(owners);
    let mut classes: Vec<Class> = Vec::new();
    let alike = |a: &Class, b: &Class| a.specificity() == b.specificity();
    for (index, run) in runs(&arranged, |a, b| alike(&a.class, &b.class)) {
        classes.push(Class { selectors: extent(index, run.len()), ..run[0].class });
    }
    (classes, arranged.iter().map(|one| one.record).collect())
}

/// Runs of neighbours that are alike, each with the index of its first.
fn runs<T>(all: &[T], alike: impl Fn(&T, &T) -> bool) -> impl Iterator<Item = (usize, &[T])> {
    all.chunk_by(alike).scan(0, |next, run| {
        let index = *next;
        *next += run.len();
        Some((index, run))
    })
}

/// The rules that are about each device by name.
pub(super) fn device_rules(policy: &Resolved) -> (Vec<Extent>, Vec<U16>) {
    let mut all: Vec<U16> = Vec::new();
    let about = |device: u16| {
        let first = all.len();
        let names = |asks: &Asks| asks.devices.as_ref().is_some_and(|devices| devices.contains(&device));
        all.extend((0..).zip(&policy.asks).filter(|(_, asks)| names(asks)).map(|(id, _): (u16, _)| U16::from(id)));
        extent(first, all.len() - first)
    };
    ((0..).zip(&policy.devices).map(|(device, _)| device).map(about).collect(), all)
}

/// For each trigger, the rules on all devices that ask for it.
pub(super) fn rule_index(rules: &[image::Rule]) -> (Vec<Extent>, Vec<U16>) {
    let mut lists: Vec<U16> = Vec::new();
    let list = |trigger: Trigger| {
        let first = lists.len();
        lists.extend(
            (0..)
                .zip(rules)
                .filter(|(_, rule)| rule.by_device == 0 && trigger.is_of(rule))
                .map(|(id, _): (u16, _)| U16::from(id)),
        );
        extent(first, lists.len() - first)
    };
    (Trigger::all().map(list).collect(), lists)
}
