//! The smallest change to a policy, for somebody to review. Nothing is changed by it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::net::IpAddr;

use tagout_core::engine::{Action, ActorId, DeviceId, PermitId, PointId, Policy, Reason, Space, ValueRange};

use super::Proposal;
use super::draft::{Plain, pinned};
use super::evidence::{Evidence, Place, Station, Tally, Thing};
use super::habit::{Wish, is_valued, wishes};
use super::policy::{ELSEWHERE, actions, name_at};
use super::review::{At, Named, counts, time};
use super::series::Range;

/// Who is to be permitted something.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Who {
    Known(ActorId),
    New(IpAddr, Option<u16>),
}

/// On which device.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Where {
    Known(DeviceId),
    New(Station),
}

/// At which point.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Spot {
    Known(PointId),
    New(Space, u32),
}

/// What tells the permits apart that are added: values are permitted point by point.
type Kind = (Who, Where, Option<Action>, Option<Spot>);

/// A permit to add.
struct Addition {
    actions: BTreeSet<Action>,
    spots: BTreeSet<Spot>,
    reasons: BTreeSet<Reason>,
    change: Change,
}

/// How often something was seen, and with which values.
#[derive(Clone, Copy)]
struct Change {
    tally: Tally,
    values: Option<Range>,
}

impl Change {
    const fn of(wish: &Wish) -> Self {
        Self { tally: wish.objected.tally, values: wish.objected.values }
    }

    fn with(self, other: Self) -> Self {
        let values = self.values.into_iter().chain(other.values).reduce(Range::with);
        Self { tally: self.tally.with(&other.tally), values }
    }

    /// Both, where one request may have done both: as often as the more frequent.
    fn beside(self, other: Self) -> Self {
        let both = self.with(other);
        let most = if other.tally.asked() > self.tally.asked() { other.tally } else { self.tally };
        Self { tally: Tally { first: both.tally.first, last: both.tally.last, ..most }, ..both }
    }
}

/// Proposes what permits the established of what the policy has something against.
pub(super) fn proposal(evidence: &Evidence, policy: &Policy<'_>, inputs: &[String]) -> Proposal {
    let wishes = wishes(evidence);
    let (established, doubted): (Vec<&Wish>, Vec<&Wish>) = wishes.iter().partition(|wish| wish.doubt.is_none());
    let draft = Draft { evidence, policy };
    let (mut wider, mut added) = (BTreeMap::new(), BTreeMap::new());
    for wish in established {
        match draft.widened(wish) {
            Some(permit) => {
                let change: &mut Change = wider.entry(permit).or_insert(Change::of(wish));
                *change = change.with(Change::of(wish));
            }
            None => draft.add(wish, &mut added),
        }
    }
    let mut page = String::from(
        "# Proposed change to the policy\n\nNothing was changed. What is right goes into the policy's files by hand.\n\n",
    );
    inputs.iter().for_each(|input| {
        let _ = writeln!(page, "- from `{input}`");
    });
    let _ = writeln!(page, "- {} exchanges\n", evidence.exchanges);
    if wider.is_empty() && added.is_empty() {
        page.push_str("**Nothing to change**: the policy permits every habit that was seen.\n\n");
    }
    draft.put_wider(&mut page, &wider);
    draft.put_added(&mut page, &added);
    evidence.strays.put(&mut page, policy);
    let to_decide = draft.put_doubted(&mut page, &doubted) + evidence.strays.len();
    Proposal { page, proposed: wider.len() + added.len(), to_decide }
}

struct Draft<'d> {
    evidence: &'d Evidence,
    policy: &'d Policy<'d>,
}

impl Draft<'_> {
    /// The permit that only has to take more values: one for this point alone.
    fn widened(&self, wish: &Wish) -> Option<PermitId> {
        let permit = wish.objection.nearest.filter(|_| wish.objection.reason == Reason::Value)?;
        let info = self.policy.permit_info(permit)?;
        (info.points == Some(1) && wish.objected.values.is_some()).then_some(permit)
    }

    fn who(&self, wish: &Wish) -> Who {
        let source = self.evidence.sources.all[wish.deed.source];
        wish.objection.actor.map_or(Who::New(source.ip, source.link), Who::Known)
    }

    /// The device that the policy names for it; a new one where it is only caught with everything else.
    fn place(&self, wish: &Wish) -> Where {
        let device = wish.objection.device;
        let caught = self.policy.device_info(device).is_none_or(|info| info.name == ELSEWHERE);
        if caught { Where::New(self.evidence.stations.all[wish.deed.station]) } else { Where::Known(device) }
    }

    fn add(&self, wish: &Wish, added: &mut BTreeMap<Kind, Addition>) {
        let spot = |(space, address)| wish.objection.point.map_or(Spot::New(space, address), Spot::Known);
        let spot = wish.objection.place.map(spot);
        let valued = is_valued(wish.deed.action);
        let of_action = (!valued).then_some(wish.deed.action);
        let kind = (self.who(wish), self.place(wish), of_action, spot.filter(|_| valued));
        let change = Change::of(wish);
        let addition = added.entry(kind).and_modify(|known| known.change = known.change.beside(change));
        let addition = addition.or_insert_with(|| Addition {
            actions: BTreeSet::new(),
            spots: BTreeSet::new(),
            reasons: BTreeSet::new(),
            change,
        });
        addition.actions.insert(wish.deed.action);
        addition.reasons.insert(wish.objection.reason);
        addition.spots.extend(spot);
        if spot.is_none() && wish.deed.action == Action::Read {
            addition.spots.extend(self.reported(wish));
        }
    }

    /// The points that a station reports to whoever asks for all of them.
    fn reported<'w>(&'w self, wish: &'w Wish) -> impl Iterator<Item = Spot> + 'w {
        let here = self.evidence.reported.keys().filter(|place| place.station == wish.deed.station);
        let device = wish.objection.device;
        here.map(move |Place { space, address, .. }| {
            self.declared(device, *space, *address).map_or(Spot::New(*space, *address), Spot::Known)
        })
    }

    /// The point that the policy declares there.
    fn declared(&self, device: DeviceId, space: Space, address: u32) -> Option<PointId> {
        let count = u32::try_from(self.policy.point_count()).unwrap_or(u32::MAX);
        (0..count).map(PointId).find(|id| {
            self.policy.point_info(*id).is_some_and(|point| {
                let start = u32::from(point.address);
                let lies = (start..start + u32::from(point.width())).contains(&address);
                point.device == device && point.space == space && lies
            })
        })
    }

    fn who_name(&self, who: Who) -> String {
        match who {
            Who::Known(actor) => self.policy.actor_info(actor).map_or_else(String::new, |info| info.name.to_owned()),
            Who::New(ip, None) => format!("host_{}", Plain(ip)),
            Who::New(ip, Some(link)) => format!("host_{}_m{link}", Plain(ip)),
        }
    }

    fn where_name(&self, place: Where) -> String {
        match place {
            Where::Known(device) => {
                self.policy.device_info(device).map_or_else(String::new, |info| info.name.to_owned())
            }
            Where::New(station) => station.name(),
        }
    }

    fn spot_name(&self, spot: Spot) -> String {
        match spot {
            Spot::Known(point) => self.policy.point_info(point).map_or_else(String::new, |info| info.name.to_owned()),
            Spot::New(space, address) => name_at(space, address),
        }
    }

    fn put_wider(&self, page: &mut String, wider: &BTreeMap<PermitId, Change>) {
        if wider.is_empty() {
            return;
        }
        let _ = writeln!(page, "## Wider ranges: {}\n", wider.len());
        for (permit, change) in wider {
            let (Some(info), Some(seen)) = (self.policy.permit_info(*permit), change.values) else { continue };
            let name = info.name.map_or_else(String::new, |name| format!(", `{name}`"));
            let _ = writeln!(page, "The permit in {}{name}: {}.\n", info.source, told(&change.tally));
            let old = info.value.unwrap_or_default();
            let new =
                ValueRange { min: old.min.map(|min| min.min(seen.min)), max: old.max.map(|max| max.max(seen.max)) };
            let _ = writeln!(page, "```diff\n- value  = {}\n+ value  = {}\n```\n", Limits(old), Limits(new));
        }
    }

    fn put_added(&self, page: &mut String, added: &BTreeMap<Kind, Addition>) {
        if added.is_empty() {
            return;
        }
        let _ = writeln!(page, "## New permits: {}\n\n```toml", added.len());
        self.put_parties(page, added);
        for ((who, place, ..), addition) in added {
            let reasons: Vec<_> = addition.reasons.iter().map(|reason| reason.name()).collect();
            let _ = writeln!(page, "# {}; until now {}", told(&addition.change.tally), reasons.join(", "));
            let _ = writeln!(page, "[[permits]]\nactor  = \"{}\"", self.who_name(*who));
            let _ =
                writeln!(page, "device = \"{}\"\ndo     = [{}]", self.where_name(*place), actions(&addition.actions));
            if !addition.spots.is_empty() {
                let names: Vec<_> =
                    addition.spots.iter().map(|spot| format!("\"{}\"", self.spot_name(*spot))).collect();
                let _ = writeln!(page, "points = [{}]", names.join(", "));
            }
            if let Some(Range { min, max }) = addition.change.values {
                let _ = writeln!(page, "value  = {{ min = {min}, max = {max} }}  # exactly what was seen");
            }
            page.push('\n');
        }
        page.push_str("```\n\n");
    }

    /// Declares the actors, devices and points that the policy does not have.
    fn put_parties(&self, page: &mut String, added: &BTreeMap<Kind, Addition>) {
        let whos: BTreeSet<Who> = added.keys().map(|(who, ..)| *who).collect();
        for who in whos {
            let Who::New(ip, link) = who else { continue };
            let _ = writeln!(page, "[actors.{}]\nkind = \"unknown\"\nip = \"{ip}\"", self.who_name(who));
            if let Some(link) = link {
                let _ = writeln!(page, "link = {link}");
            }
            let sources = self.evidence.sources.all.iter().enumerate();
            let own = sources.filter(|(_, source)| source.ip == ip && source.link == link).map(|(number, _)| number);
            if let Some(mac) = pinned(self.evidence, ip, &own.collect()) {
                let _ = writeln!(page, "mac = \"{mac}\"  # leave it out where the hardware may change");
            }
            page.push('\n');
        }
        let mut spots: BTreeMap<Where, BTreeSet<Spot>> = BTreeMap::new();
        for ((_, place, ..), addition) in added {
            spots.entry(*place).or_default().extend(&addition.spots);
        }
        for (place, spots) in spots {
            self.put_device(page, place, &spots);
        }
    }

    fn put_device(&self, page: &mut String, place: Where, spots: &BTreeSet<Spot>) {
        let name = self.where_name(place);
        if let Where::New(Station { ip, dnp3, number }) = place {
            let key = if dnp3 { "link" } else { "unit" };
            let _ = writeln!(page, "[devices.{name}]\nip = \"{ip}\"\n{key} = {number}\n");
        }
        let new = spots.iter().filter_map(|spot| match spot {
            Spot::New(space, address) => Some((space, address)),
            Spot::Known(_) => None,
        });
        let new: Vec<_> = new.collect();
        if !new.is_empty() {
            let _ = writeln!(
                page,
                "[devices.{name}.points]  # types are not told: see how `tagout learn` reads them by itself"
            );
            for (space, address) in new {
                let _ = writeln!(page, "{} = {{ {} = {address} }}", name_at(*space, *address), space.name());
            }
            page.push('\n');
        }
    }

    /// What is not proposed; how many lines that makes.
    fn put_doubted(&self, page: &mut String, doubted: &[&Wish]) -> usize {
        let mut groups: BTreeMap<_, (BTreeSet<String>, Change)> = BTreeMap::new();
        for wish in doubted {
            let reason = wish.objection.reason;
            let key = (
                !wish.deed.action.is_command(),
                wish.doubt,
                wish.deed.source,
                wish.deed.station,
                wish.deed.action,
                reason,
            );
            let change = Change::of(wish);
            let (what, sum) = groups.entry(key).or_insert_with(|| (BTreeSet::new(), change));
            *sum = sum.beside(change);
            what.insert(self.what(wish));
        }
        let _ = writeln!(page, "## To decide: {}\n", groups.len());
        if groups.is_empty() {
            page.push_str("Nothing.\n");
        }
        for ((_, doubt, source, station, action, reason), (what, change)) in &groups {
            let (source, station) = (self.evidence.sources.all[*source], self.evidence.stations.all[*station]);
            let listed = what.iter().take(LISTED).cloned().collect::<Vec<_>>().join(", ");
            let more = what.len().saturating_sub(LISTED);
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            let _ = writeln!(page, "- {} {} {}: {listed}{more}", Named(source), action.name(), At(station));
            let _ = writeln!(page, "  - {}; {}", told(&change.tally), reason.name());
            if let Some(doubt) = doubt {
                let _ = writeln!(page, "  - not proposed: {doubt}");
            }
        }
        groups.len()
    }

    fn what(&self, wish: &Wish) -> String {
        let at = |space: Space, address| format!("{} {address}", space.name());
        match (wish.objection.point, wish.objection.place, wish.deed.thing) {
            (Some(point), ..) => self.spot_name(Spot::Known(point)),
            (None, Some((space, address)), _) | (None, None, Thing::Span { space, address, .. }) => at(space, address),
            (None, None, Thing::Function { code, .. }) => format!("function {code}"),
        }
    }
}

/// So many places are named.
const LISTED: usize = 16;

/// Counts and times.
fn told(tally: &Tally) -> String {
    format!("seen {}, from {} to {}", counts(tally), time(tally.first), time(tally.last))
}

/// A range as a policy writes it.
struct Limits(ValueRange);

impl std::fmt::Display for Limits {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let ends = [("min", self.0.min), ("max", self.0.max)];
        let ends: Vec<_> = ends.iter().filter_map(|(end, at)| Some(format!("{end} = {}", (*at)?))).collect();
        write!(f, "{{ {} }}", ends.join(", "))
    }
}
