//! What is an established habit, and what somebody has to decide. The rules stand in `docs/design/learning.md`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::IpAddr;

use tagout_core::Timestamp;
use tagout_core::engine::{Action, Mac, Reason, Space};

use super::against::{Objected, Objection};
use super::calendar::Slots;
use super::evidence::{Deed, Evidence, Source, Tally, Thing};

/// What has to be seen of something before it counts as a habit.
struct Bar {
    /// How often it took effect.
    times: u64,
    /// In how many slots of time.
    occasions: u32,
    /// From its first to its last slot, as a share of all in which anything was seen.
    span: f64,
}

const FOR_READS: Bar = Bar { times: 3, occasions: 3, span: 0.5 };
const FOR_COMMANDS: Bar = Bar { times: 5, occasions: 5, span: 0.5 };

/// Refusals beyond this share speak against a habit.
const MOST_REFUSED: f64 = 0.1;
/// Who does less than this share of the commands to a point does them rarely.
const RARE: f64 = 0.1;
/// So many different things that were refused or stations that kept silent, and more than those that answered: a scan.
const SCAN: usize = 8;
/// Of several who claim one address, one is believed with this share of the requests, if it was the first as well.
const BELIEVED: f64 = 2.0 / 3.0;

/// Why somebody has to decide on something.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Doubt {
    /// Its source asks for what is not there.
    Scan,
    /// Another MAC address uses its source's IP address.
    SharedAddress,
    /// Another host uses its source's DNP3 link address with the same outstation.
    SharedLink,
    /// Its source commands and never reads.
    OnlyCommands,
    /// Its action is never taken for a habit.
    Grave,
    /// It goes to all stations at once.
    Broadcast,
    /// It names no point, and permitting it would permit its action on the whole device.
    Pointless,
    /// The device refuses it.
    Refused,
    /// Nobody answers it.
    Unanswered,
    /// Others command the same point far more often.
    RareWriter,
    /// It was seen too rarely.
    Rare,
    /// It was seen on few occasions, or for a part of the time only.
    Brief,
    /// No room was left to declare its points.
    NoRoom,
    /// A permit lists the values, and this is none of them.
    Exact,
}

impl fmt::Display for Doubt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Scan => "its source asks for many things that are refused, or stations that do not answer: a scan",
            Self::SharedAddress => "two MAC addresses use this IP address, and this one is not believed",
            Self::SharedLink => {
                "two hosts use this DNP3 link address with this outstation, and this one is not believed"
            }
            Self::OnlyCommands => "its source commands and never reads",
            Self::Grave => "an action that is never taken for a habit",
            Self::Broadcast => "it goes to all stations at once",
            Self::Pointless => "it names no point: a permit would hold for the whole device",
            Self::Refused => "the device refuses it",
            Self::Unanswered => "nobody answers it",
            Self::RareWriter => "others command this point far more often",
            Self::Rare => "too few times for a habit",
            Self::Brief => "on few occasions, or in one part of the time only",
            Self::NoRoom => "no room was left to declare its points",
            Self::Exact => "the permit lists its values or steps, and these are none of them",
        })
    }
}

/// A deed with what speaks against permitting it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Judged {
    pub(super) deed: Deed,
    pub(super) tally: Tally,
    pub(super) doubt: Option<Doubt>,
}

/// Judges every deed, in an order that does not depend on chance.
pub(super) fn judge(evidence: &Evidence) -> Vec<Judged> {
    let deeds = evidence.sorted_deeds();
    let court = Court::new(evidence, &deeds);
    deeds.iter().map(|(deed, tally)| Judged { deed: *deed, tally: *tally, doubt: court.doubt(deed, tally) }).collect()
}

/// What a policy has against a deed, with what speaks against permitting it. The tally is that of the objections alone.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wish {
    pub(super) deed: Deed,
    pub(super) objection: Objection,
    pub(super) objected: Objected,
    pub(super) doubt: Option<Doubt>,
}

/// Judges everything that a policy has something against.
pub(super) fn wishes(evidence: &Evidence) -> Vec<Wish> {
    let deeds = evidence.sorted_deeds();
    let court = Court::new(evidence, &deeds);
    let wish = |(&(deed, objection), objected): (&(Deed, Objection), &Objected)| {
        let exact = (objection.reason == Reason::NotAllowed).then_some(Doubt::Exact);
        let doubt = court.doubt(&deed, &objected.tally).or(exact);
        Wish { deed, objection, objected: *objected, doubt }
    };
    evidence.objections.iter().map(wish).collect()
}

/// What is known of everybody before anything is judged.
struct Court<'e> {
    evidence: &'e Evidence,
    /// What speaks against each source.
    sources: Vec<Option<Doubt>>,
    /// How often each point was commanded as a habit.
    commands: BTreeMap<(usize, Space, u32), u64>,
}

impl<'e> Court<'e> {
    fn new(evidence: &'e Evidence, deeds: &[(Deed, Tally)]) -> Self {
        let mut court = Self { evidence, sources: vec![None; evidence.sources.all.len()], commands: BTreeMap::new() };
        court.scans(deeds);
        let presence = court.presence(deeds);
        court.shared_addresses(&presence);
        court.shared_links(deeds, &presence);
        court.only_commands(deeds);
        court.count_commands(deeds);
        court
    }

    /// Who asks for what is not there, by host: a scan may go through link addresses of its own, and whoever has the MAC
    /// address of a scan is no better.
    fn scans(&mut self, deeds: &[(Deed, Tally)]) {
        let all = &self.evidence.sources.all;
        let mut hosts: BTreeMap<_, Tried> = BTreeMap::new();
        for (deed, tally) in deeds {
            let Source { ip, mac, link } = all[deed.source];
            let tried = hosts.entry((ip, mac)).or_default();
            let habitual = self.below(&FOR_READS, tally.asked(), tally.slots).is_none();
            tried.refused += usize::from(tally.accepted == 0 && tally.refused > 0 && !habitual);
            tried.accepted += usize::from(tally.accepted > 0);
            tried.station((link, deed.station), tally.accepted + tally.refused > 0);
        }
        for ((source, station), (_, answered)) in &self.evidence.probes {
            let Source { ip, mac, link } = all[*source];
            hosts.entry((ip, mac)).or_default().station((link, *station), *answered > 0);
        }
        let shows_answers = self.evidence.answers.iter().any(|answers| *answers > 0);
        let scanning: BTreeSet<_> =
            hosts.iter().filter(|(_, tried)| tried.is_scan(shows_answers)).map(|(host, _)| *host).collect();
        for (party, doubt) in all.iter().zip(&mut self.sources) {
            let known = |mac: &Option<Mac>| mac.is_some_and(|mac| mac != Mac::default());
            let same_host = |(ip, mac): &(IpAddr, Option<Mac>)| *mac == party.mac && (*ip == party.ip || known(mac));
            *doubt = scanning.iter().any(same_host).then_some(Doubt::Scan);
        }
    }

    /// How often and since when each source was seen, those aside that something speaks against.
    fn presence(&self, deeds: &[(Deed, Tally)]) -> BTreeMap<usize, Presence> {
        let mut presence: BTreeMap<usize, Presence> = BTreeMap::new();
        for (deed, tally) in deeds.iter().filter(|(deed, _)| self.sources[deed.source].is_none()) {
            let seen = presence.entry(deed.source).or_insert(Presence { asked: 0, first: tally.first });
            seen.asked += tally.asked();
            seen.first = seen.first.min(tally.first);
        }
        presence
    }

    fn shared_addresses(&mut self, presence: &BTreeMap<usize, Presence>) {
        let all = &self.evidence.sources.all;
        let mut claims: BTreeMap<_, BTreeMap<_, Presence>> = BTreeMap::new();
        for (source, seen) in presence {
            let claim = claims.entry(all[*source].ip).or_default();
            claim.entry(all[*source].mac).and_modify(|sum: &mut Presence| sum.add(seen)).or_insert(*seen);
        }
        for (ip, claims) in claims {
            let losers = disbelieved(&claims);
            let doubted =
                presence.keys().filter(|source| all[**source].ip == ip && losers.contains(&all[**source].mac));
            doubted.for_each(|source| self.sources[*source] = Some(Doubt::SharedAddress));
        }
    }

    fn shared_links(&mut self, deeds: &[(Deed, Tally)], presence: &BTreeMap<usize, Presence>) {
        let mut claims: BTreeMap<_, BTreeMap<_, Presence>> = BTreeMap::new();
        let mut seen = BTreeSet::new();
        for (deed, _) in deeds.iter().filter(|(deed, _)| self.sources[deed.source].is_none()) {
            let party = self.evidence.sources.all[deed.source];
            let (Some(link), Some(presence)) = (party.link, presence.get(&deed.source)) else { continue };
            if seen.insert((deed.source, deed.station)) {
                let claim = claims.entry((deed.station, link)).or_default();
                claim.entry(party.ip).and_modify(|sum: &mut Presence| sum.add(presence)).or_insert(*presence);
            }
        }
        for ((_, link), claims) in claims {
            for loser in disbelieved(&claims) {
                let all = self.evidence.sources.all.iter().zip(&mut self.sources);
                all.filter(|(party, _)| party.ip == loser && party.link == Some(link))
                    .for_each(|(_, doubt)| *doubt = doubt.or(Some(Doubt::SharedLink)));
            }
        }
    }

    fn only_commands(&mut self, deeds: &[(Deed, Tally)]) {
        let reads = deeds.iter().filter(|(deed, _)| deed.action == Action::Read);
        let readers: BTreeSet<_> = reads.map(|(deed, _)| self.evidence.sources.all[deed.source].ip).collect();
        for (party, doubt) in self.evidence.sources.all.iter().zip(&mut self.sources) {
            if !readers.contains(&party.ip) {
                *doubt = doubt.or(Some(Doubt::OnlyCommands));
            }
        }
    }

    fn count_commands(&mut self, deeds: &[(Deed, Tally)]) {
        let mut commands: BTreeMap<_, u64> = BTreeMap::new();
        for (deed, tally) in deeds.iter().filter(|(deed, tally)| self.alone(deed, tally).is_none()) {
            for (space, address) in commanded(deed) {
                *commands.entry((deed.station, space, address)).or_default() += tally.asked();
            }
        }
        self.commands = commands;
    }

    fn doubt(&self, deed: &Deed, tally: &Tally) -> Option<Doubt> {
        self.alone(deed, tally).or_else(|| self.rare_writer(deed, tally))
    }

    /// What speaks against a deed, whatever others do.
    fn alone(&self, deed: &Deed, tally: &Tally) -> Option<Doubt> {
        let commands = deed.action.is_command();
        let source = self.sources[deed.source].filter(|doubt| *doubt != Doubt::OnlyCommands || commands);
        if let Some(doubt) = source {
            return Some(doubt);
        }
        if is_grave(deed.action) {
            return Some(Doubt::Grave);
        }
        if tally.broadcast {
            return Some(Doubt::Broadcast);
        }
        if is_valued(deed.action) && matches!(deed.thing, Thing::Function { .. }) {
            return Some(Doubt::Pointless);
        }
        if tally.refused as f64 > MOST_REFUSED * tally.asked() as f64 {
            return Some(Doubt::Refused);
        }
        let shows_answers = self.evidence.answers[deed.station] > 0;
        if shows_answers && tally.accepted == 0 {
            return Some(Doubt::Unanswered);
        }
        let times = tally.accepted + if shows_answers { 0 } else { tally.unanswered };
        let bar = if commands { &FOR_COMMANDS } else { &FOR_READS };
        self.below(bar, times, tally.slots)
    }

    fn below(&self, bar: &Bar, times: u64, slots: Slots) -> Option<Doubt> {
        let spread = self.evidence.calendar.spread(slots);
        if times < bar.times {
            Some(Doubt::Rare)
        } else if spread.occasions < bar.occasions || spread.span < bar.span {
            Some(Doubt::Brief)
        } else {
            None
        }
    }

    fn rare_writer(&self, deed: &Deed, tally: &Tally) -> Option<Doubt> {
        let rare = commanded(deed).any(|(space, address)| {
            let all = self.commands.get(&(deed.station, space, address)).copied().unwrap_or(0);
            (tally.asked() as f64) < RARE * all as f64 && self.commands_of(deed, space, address) < RARE * all as f64
        });
        rare.then_some(Doubt::RareWriter)
    }

    /// How often a deed's source commands this point, by whatever request.
    fn commands_of(&self, deed: &Deed, space: Space, address: u32) -> f64 {
        let own = self.evidence.deeds.iter().filter(|(other, _)| {
            other.source == deed.source
                && other.station == deed.station
                && commanded(other).any(|place| place == (space, address))
        });
        own.map(|(_, tally)| tally.asked()).sum::<u64>() as f64
    }
}

/// What a host tried, and what of it was there.
#[derive(Default)]
struct Tried {
    /// Things that were only ever refused, and are no habit; things that were not.
    refused: usize,
    accepted: usize,
    /// Stations, each with the DNP3 link address that it was asked from, that never answered; those that did.
    silent: BTreeSet<(Option<u16>, usize)>,
    heard: BTreeSet<(Option<u16>, usize)>,
}

impl Tried {
    fn station(&mut self, station: (Option<u16>, usize), answered: bool) {
        if answered { &mut self.heard } else { &mut self.silent }.insert(station);
    }

    fn is_scan(&self, shows_answers: bool) -> bool {
        let silent = self.silent.difference(&self.heard).count();
        let tries_stations = shows_answers && silent >= SCAN && silent > self.heard.len();
        tries_stations || self.refused >= SCAN && self.refused > self.accepted
    }
}

/// How often somebody was seen, and since when.
#[derive(Clone, Copy, Debug)]
struct Presence {
    asked: u64,
    first: Timestamp,
}

impl Presence {
    fn add(&mut self, other: &Self) {
        self.asked += other.asked;
        self.first = self.first.min(other.first);
    }
}

/// Of several who claim the same, those that are not believed.
fn disbelieved<K: Copy + Ord>(claims: &BTreeMap<K, Presence>) -> Vec<K> {
    if claims.len() < 2 {
        return Vec::new();
    }
    let all: u64 = claims.values().map(|claim| claim.asked).sum();
    let first = claims.values().map(|claim| claim.first).min();
    let believed = claims
        .iter()
        .find(|(_, claim)| claim.asked as f64 >= BELIEVED * all as f64 && Some(claim.first) == first)
        .map(|(claimant, _)| *claimant);
    claims.keys().copied().filter(|claimant| Some(*claimant) != believed).collect()
}

/// Actions that interrupt, reconfigure or unmask a device: somebody has to want them.
const fn is_grave(action: Action) -> bool {
    matches!(
        action,
        Action::Restart
            | Action::ListenOnly
            | Action::DisableUnsolicited
            | Action::TimeSync
            | Action::File
            | Action::Configure
            | Action::Other
    )
}

/// Actions that carry values for points.
pub(super) const fn is_valued(action: Action) -> bool {
    matches!(action, Action::Write | Action::Select | Action::Operate | Action::DirectOperate)
}

/// The points that a deed commands.
fn commanded(deed: &Deed) -> impl Iterator<Item = (Space, u32)> + use<> {
    let span = match deed.thing {
        Thing::Span { space, address, count } if is_valued(deed.action) => Some((space, address, count)),
        _ => None,
    };
    span.into_iter().flat_map(|(space, address, count)| {
        (address..address.saturating_add(count.min(4_096))).map(move |address| (space, address))
    })
}
