//! The policy that covers what is established, before it is text.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use tagout_core::engine::{Action, ActorKind, Mac, Space};

use super::band::Band;
use super::evidence::{Deed, Evidence, Source, Station, Tally, Thing};
use super::habit::{Doubt, Judged, is_valued};
use super::infer::{Point, Wanted};
use super::paces::{Log, Paces};
use super::series::Range;

/// A policy.
pub(super) struct Draft {
    pub(super) actors: Vec<Actor>,
    pub(super) devices: Vec<Device>,
    pub(super) permits: Vec<Permit>,
    /// Everything, with what speaks against it, where that is.
    pub(super) judged: Vec<Judged>,
}

/// Somebody to name.
pub(super) struct Actor {
    pub(super) name: String,
    pub(super) kind: ActorKind,
    /// What its kind was told by.
    pub(super) evidence: String,
    pub(super) ip: IpAddr,
    pub(super) link: Option<u16>,
    /// Where it tells more than the IP address does.
    pub(super) mac: Option<Mac>,
    /// The sources that it is.
    pub(super) sources: BTreeSet<usize>,
}

/// A device to name.
pub(super) struct Device {
    pub(super) name: String,
    pub(super) number: usize,
    pub(super) station: Station,
    pub(super) points: Vec<Point>,
}

/// A permit to give.
pub(super) struct Permit {
    /// Places in [`Draft::actors`] and [`Draft::devices`].
    pub(super) actor: usize,
    pub(super) device: usize,
    pub(super) actions: BTreeSet<Action>,
    /// Places in the device's points; `None`: the whole device.
    pub(super) points: Option<BTreeSet<usize>>,
    pub(super) value: Option<Range>,
    /// How the value range came about, where there is one or should be one.
    pub(super) note: String,
    /// The range goes beyond everything that was seen.
    pub(super) moving: bool,
    /// What it asks beside values.
    pub(super) paces: Paces,
    pub(super) tally: Tally,
}

impl Device {
    /// The place of the point that lies on an address.
    pub(super) fn point_at(&self, space: Space, address: u32) -> Option<usize> {
        let after = self.points.partition_point(|point| (point.space, u32::from(point.address)) <= (space, address));
        let place = after.checked_sub(1)?;
        let point = &self.points[place];
        let end = u32::from(point.address) + u32::from(point.reading.kind().width());
        (point.space == space && address < end).then_some(place)
    }

    /// The places of the points on any of these addresses; `None` unless all addresses have one.
    pub(super) fn points_on(&self, space: Space, address: u32, count: u32) -> Option<BTreeSet<usize>> {
        (address..address.checked_add(count)?).map(|address| self.point_at(space, address)).collect()
    }
}

/// Drafts a policy from everything judged. Of no more than `most_points` points.
pub(super) fn draft(evidence: &Evidence, mut judged: Vec<Judged>, most_points: usize) -> Draft {
    let devices = devices(evidence, &mut judged, most_points);
    let actors = actors(evidence, &judged);
    let permits = Permits { evidence, judged: &judged, actors: &actors, devices: &devices }.all();
    Draft { actors, devices, permits, judged }
}

fn established(judged: &[Judged]) -> impl Iterator<Item = &Judged> {
    judged.iter().filter(|judged| judged.doubt.is_none())
}

// --- devices ---

fn devices(evidence: &Evidence, judged: &mut [Judged], most_points: usize) -> Vec<Device> {
    let mut wanted: BTreeMap<usize, Wanted> = BTreeMap::new();
    let mut room = most_points;
    for one in judged.iter_mut().filter(|one| one.doubt.is_none()) {
        let station = one.deed.station;
        let entry = wanted.entry(station).or_insert_with(|| Wanted::nothing(station));
        let added = entry.take(evidence, &one.deed, room);
        match added {
            Some(added) => room -= added,
            None => one.doubt = Some(Doubt::NoRoom),
        }
    }
    wanted.retain(|station, _| judged.iter().any(|one| one.doubt.is_none() && one.deed.station == *station));
    let names = device_names(evidence, wanted.keys().copied());
    let mut devices: Vec<Device> = wanted
        .into_iter()
        .zip(names)
        .map(|((number, wanted), name)| {
            let points = wanted.points(evidence);
            Device { name, number, station: evidence.stations.all[number], points }
        })
        .collect();
    devices.sort_by_key(|device| device.station);
    devices
}

impl Wanted {
    fn nothing(station: usize) -> Self {
        Self { station, addresses: BTreeSet::new(), spans: BTreeSet::new(), written: BTreeSet::new() }
    }

    /// Takes what a deed needs of points; `None` if that is more than there is room for.
    fn take(&mut self, evidence: &Evidence, deed: &Deed, room: usize) -> Option<usize> {
        let needed: BTreeSet<(Space, u16)> = match deed.thing {
            Thing::Span { space, address, count } => {
                let last = address.checked_add(count)?.checked_sub(1)?;
                let (first, last) = (u16::try_from(address).ok()?, u16::try_from(last).ok()?);
                (first..=last).map(|address| (space, address)).collect()
            }
            Thing::Function { .. } if deed.action == Action::Read => self.reported(evidence),
            Thing::Function { .. } => BTreeSet::new(),
        };
        let new: Vec<_> = needed.difference(&self.addresses).copied().collect();
        if new.len() > room {
            return None;
        }
        let added = new.len();
        self.addresses.extend(new);
        if let Thing::Span { space, address, count } = deed.thing {
            self.spans.insert((space, address, count));
            if is_valued(deed.action) && count == 2 {
                self.written.insert((space, address));
            }
        }
        Some(added)
    }

    /// What the station reported, as answers to polls of classes.
    fn reported(&self, evidence: &Evidence) -> BTreeSet<(Space, u16)> {
        let here = evidence.reported.keys().filter(|place| place.station == self.station);
        here.filter_map(|place| Some((place.space, u16::try_from(place.address).ok()?))).collect()
    }
}

fn device_names(evidence: &Evidence, numbers: impl Iterator<Item = usize>) -> Vec<String> {
    numbers.map(|number| evidence.stations.all[number].name()).collect()
}

impl Station {
    /// As a policy names it that has no better name.
    pub(super) fn name(self) -> String {
        let Self { ip, dnp3, number } = self;
        let (what, sign) = if dnp3 { ("rtu", 'l') } else { ("plc", 'u') };
        format!("{what}_{}_{sign}{number}", Plain(ip))
    }
}

/// An address as part of a name.
pub(super) struct Plain(pub(super) IpAddr);

impl std::fmt::Display for Plain {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let text = self.0.to_string();
        f.write_str(&text.replace("::", "__").replace(['.', ':'], "_"))
    }
}

// --- actors ---

fn actors(evidence: &Evidence, judged: &[Judged]) -> Vec<Actor> {
    let mut groups: BTreeMap<(IpAddr, Option<u16>), BTreeSet<usize>> = BTreeMap::new();
    for one in established(judged) {
        let Source { ip, link, .. } = evidence.sources.all[one.deed.source];
        groups.entry((ip, link)).or_default().insert(one.deed.source);
    }
    let asks = |one: &Judged| (evidence.sources.all[one.deed.source].ip, evidence.stations.all[one.deed.station].ip);
    let servers: BTreeSet<IpAddr> =
        established(judged).map(asks).filter(|(client, server)| client != server).map(|(_, server)| server).collect();
    let drafts = groups.into_iter().map(|((ip, link), sources)| {
        let (kind, evidence_of_kind) = kind(judged, &sources, servers.contains(&ip));
        let mac = pinned(evidence, ip, &sources);
        let prefix = match kind {
            ActorKind::Unknown => "host",
            ActorKind::EngineeringStation => "workshop",
            kind => kind.name(),
        };
        let name = match link {
            Some(link) => format!("{prefix}_{}_m{link}", Plain(ip)),
            None => format!("{prefix}_{}", Plain(ip)),
        };
        Actor { name, kind, evidence: evidence_of_kind, ip, link, mac, sources }
    });
    drafts.collect()
}

/// The MAC address to ask for: where it stands for this IP address alone, so that there is no router between; or where
/// several use the IP address, and this one is believed.
pub(super) fn pinned(evidence: &Evidence, ip: IpAddr, sources: &BTreeSet<usize>) -> Option<Mac> {
    let all = &evidence.sources.all;
    let mac = sources.first().and_then(|source| all[*source].mac).filter(|mac| *mac != Mac::default())?;
    let shared = all.iter().any(|source| source.ip == ip && source.mac != Some(mac));
    let routed = all.iter().any(|source| source.mac == Some(mac) && source.ip != ip);
    (shared || !routed).then_some(mac)
}

/// What somebody seems to be.
fn kind(judged: &[Judged], sources: &BTreeSet<usize>, is_server: bool) -> (ActorKind, String) {
    let own: Vec<_> = established(judged).filter(|one| sources.contains(&one.deed.source)).collect();
    let devices = own.iter().map(|one| one.deed.station).collect::<BTreeSet<_>>().len();
    let count = |wanted: fn(Action) -> bool| -> u64 {
        own.iter().filter(|one| wanted(one.deed.action)).map(|one| one.tally.asked()).sum()
    };
    let reads = count(|action| action == Action::Read);
    let commands = count(is_valued);
    let maintenance = count(|action| matches!(action, Action::Identify | Action::Diagnostics));
    let told = format!("it read {reads} times and commanded {commands} times, on {devices} devices");
    if is_server {
        (ActorKind::Gateway, format!("{told}; others ask it as well"))
    } else if maintenance > 0 && commands > 0 && reads > 0 {
        (ActorKind::EngineeringStation, format!("{told}, and asked for diagnostics or identification"))
    } else if reads > 0 && commands > 0 {
        (ActorKind::Hmi, told)
    } else if reads > 0 {
        (ActorKind::Historian, told)
    } else {
        (ActorKind::Unknown, told)
    }
}

// --- permits ---

pub(super) struct Permits<'d> {
    pub(super) evidence: &'d Evidence,
    pub(super) judged: &'d [Judged],
    pub(super) actors: &'d [Actor],
    pub(super) devices: &'d [Device],
}

/// What somebody does to a point.
struct Command {
    actions: BTreeSet<Action>,
    band: Band,
    tally: Tally,
}

impl Permits<'_> {
    fn all(&self) -> Vec<Permit> {
        let mut permits = Vec::new();
        let log = Log::of(&self.evidence.commands);
        for actor in 0..self.actors.len() {
            for device in 0..self.devices.len() {
                permits.extend(self.reads(actor, device));
                permits.extend(self.commands(actor, device).into_iter().map(|permit| {
                    let paces = self.paces(&log, &permit);
                    Permit { paces, ..permit }
                }));
                permits.extend(self.others(actor, device));
            }
        }
        permits
    }

    /// What an actor's established deeds on a device are.
    fn between(&self, actor: usize, device: usize) -> impl Iterator<Item = &Judged> {
        let (sources, station) = (&self.actors[actor].sources, self.devices[device].number);
        established(self.judged).filter(move |one| sources.contains(&one.deed.source) && one.deed.station == station)
    }

    fn reads(&self, actor: usize, device: usize) -> Option<Permit> {
        let target = &self.devices[device];
        let mut points = BTreeSet::new();
        let mut tally: Option<Tally> = None;
        for one in self.between(actor, device).filter(|one| one.deed.action == Action::Read) {
            tally = Some(tally.map_or(one.tally, |sum| sum.with(&one.tally)));
            match one.deed.thing {
                Thing::Span { space, address, count } => points.extend(target.points_on(space, address, count)?),
                Thing::Function { .. } => {
                    points.extend(
                        target
                            .points
                            .iter()
                            .enumerate()
                            .filter(|(_, point)| self.is_reported(device, point))
                            .map(|(at, _)| at),
                    );
                }
            }
        }
        let whole = points.is_empty();
        let note = if whole { "no point was ever reported: the whole device".to_owned() } else { String::new() };
        Some(Permit {
            actor,
            device,
            actions: BTreeSet::from([Action::Read]),
            points: (!whole).then_some(points),
            value: None,
            note,
            moving: false,
            paces: Paces::default(),
            tally: tally?,
        })
    }

    fn is_reported(&self, device: usize, point: &Point) -> bool {
        let station = self.devices[device].number;
        let place = super::evidence::Place { station, space: point.space, address: point.address.into() };
        self.evidence.reported.contains_key(&place)
    }

    /// One permit for all points that are commanded alike.
    fn commands(&self, actor: usize, device: usize) -> Vec<Permit> {
        let mut alike: Vec<Permit> = Vec::new();
        for (point, command) in self.commanded(actor, device) {
            let same = |permit: &&mut Permit| {
                let Band { range, note, .. } = &command.band;
                permit.actions == command.actions && permit.value == *range && permit.note == *note
            };
            match alike.iter_mut().find(same) {
                Some(permit) => {
                    permit.points.get_or_insert_default().insert(point);
                    permit.tally = permit.tally.with(&command.tally);
                }
                None => alike.push(Permit {
                    actor,
                    device,
                    actions: command.actions,
                    points: Some(BTreeSet::from([point])),
                    value: command.band.range,
                    note: command.band.note,
                    moving: command.band.moving,
                    paces: Paces::default(),
                    tally: command.tally,
                }),
            }
        }
        alike
    }

    fn commanded(&self, actor: usize, device: usize) -> BTreeMap<usize, Command> {
        let target = &self.devices[device];
        let mut deeds: BTreeMap<usize, (BTreeSet<Action>, Tally)> = BTreeMap::new();
        for one in self.between(actor, device).filter(|one| is_valued(one.deed.action)) {
            let Thing::Span { space, address, count } = one.deed.thing else { continue };
            for point in target.points_on(space, address, count).into_iter().flatten() {
                let entry = deeds.entry(point).or_insert_with(|| (BTreeSet::new(), one.tally));
                if !entry.0.is_empty() {
                    entry.1 = entry.1.with(&one.tally);
                }
                entry.0.insert(one.deed.action);
            }
        }
        let commands = deeds.into_iter().map(|(at, (actions, tally))| {
            let band = self.band(actor, device, &target.points[at], &actions);
            (at, Command { actions, band, tally })
        });
        commands.collect()
    }

    /// What is permitted without a place: an action each, so that none of them opens another.
    fn others(&self, actor: usize, device: usize) -> Option<Permit> {
        let mut actions = BTreeSet::new();
        let mut tally: Option<Tally> = None;
        let other = |one: &&Judged| one.deed.action != Action::Read && !is_valued(one.deed.action);
        for one in self.between(actor, device).filter(other) {
            actions.insert(one.deed.action);
            tally = Some(tally.map_or(one.tally, |sum| sum.with(&one.tally)));
        }
        Some(Permit {
            actor,
            device,
            actions,
            points: None,
            value: None,
            note: String::new(),
            moving: false,
            paces: Paces::default(),
            tally: tally?,
        })
    }
}
