//! The page for the person who decides.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use tagout_core::Timestamp;
use tagout_core::engine::{Action, Space};

use super::cadence::{Cadence, Lack, Pair, put_lacking};
use super::draft::{Device, Draft, Permit, Plain};
use super::evidence::{Evidence, Source, Station, Tally, Target, Thing};
use super::habit::{Doubt, Judged, is_valued};
use super::infer::Short;
use super::paces::Limit;
use super::policy;
use super::series::Range;
use crate::record::Stamp;

/// A permit to paste names up to this many points; more have to be looked at one by one.
const PASTED: usize = 32;
/// Rows of a table that are written; the rest is counted.
const ROWS: usize = 200;

/// What somebody has to decide on: deeds of one source at one station that are alike.
pub(super) struct Decision<'d> {
    pub(super) source: Source,
    pub(super) station: Station,
    pub(super) action: Action,
    pub(super) doubt: Doubt,
    deeds: Vec<&'d Judged>,
    pub(super) tally: Tally,
}

/// What is left to decide, the gravest first.
pub(super) fn decisions<'d>(evidence: &Evidence, draft: &'d Draft) -> Vec<Decision<'d>> {
    let mut groups: BTreeMap<(Doubt, usize, usize, Action), Decision<'d>> = BTreeMap::new();
    for judged in draft.judged.iter().filter(|judged| !is_covered(draft, judged)) {
        let Some(doubt) = judged.doubt else { continue };
        let deed = judged.deed;
        let group = groups.entry((doubt, deed.source, deed.station, deed.action));
        let decision = group.and_modify(|decision| decision.tally = decision.tally.with(&judged.tally));
        let decision = decision.or_insert_with(|| Decision {
            source: evidence.sources.all[deed.source],
            station: evidence.stations.all[deed.station],
            action: deed.action,
            doubt,
            deeds: Vec::new(),
            tally: judged.tally,
        });
        decision.deeds.push(judged);
    }
    let mut decisions: Vec<_> = groups.into_values().collect();
    decisions.sort_by_key(|decision| (!decision.action.is_command(), decision.doubt));
    decisions
}

/// Whether a permit covers a rare deed since the same addresses are read as a habit in other requests.
pub(super) fn is_covered(draft: &Draft, judged: &Judged) -> bool {
    let Thing::Span { space, address, count } = judged.deed.thing else { return false };
    let rare = matches!(judged.doubt, Some(Doubt::Rare | Doubt::Brief | Doubt::Unanswered));
    rare && judged.deed.action == Action::Read
        && draft.permits.iter().any(|permit| {
            let device = &draft.devices[permit.device];
            let theirs = draft.actors[permit.actor].sources.contains(&judged.deed.source)
                && device.number == judged.deed.station
                && permit.actions.contains(&Action::Read);
            let on = || device.points_on(space, address, count);
            theirs && permit.points.as_ref().is_none_or(|points| on().is_some_and(|on| on.is_subset(points)))
        })
}

/// Who looks for DNP3 stations and is none of the actors: how many links each host tried, and how often. Actors may try them.
pub(super) fn probing(evidence: &Evidence, draft: &Draft) -> BTreeMap<Source, (usize, u64)> {
    let mut hosts: BTreeMap<Source, (usize, u64)> = BTreeMap::new();
    for ((source, _), (asked, _)) in &evidence.probes {
        if !draft.actors.iter().any(|actor| actor.sources.contains(source)) {
            let host = Source { link: None, ..evidence.sources.all[*source] };
            let (links, times) = hosts.entry(host).or_default();
            (*links, *times) = (*links + 1, *times + asked);
        }
    }
    hosts
}

/// Writes the page.
pub(super) fn page(
    evidence: &Evidence,
    draft: &Draft,
    (cadences, lacking): (&[Cadence], &[(Pair, Lack)]),
    inputs: &[String],
    most_points: usize,
) -> String {
    let mut text = String::from("# Review of the learned policy\n\n");
    let decisions = decisions(evidence, draft);
    put_input(&mut text, evidence, inputs);
    put_decisions(&mut text, evidence, draft, (&decisions, &probing(evidence, draft)));
    put_permits(&mut text, draft);
    put_moving(&mut text, draft);
    put_paces(&mut text, draft);
    put_lacking(&mut text, draft, cadences, lacking);
    put_oddities(&mut text, evidence);
    put_beyond(&mut text, evidence, draft, most_points);
    text
}

fn put_input(text: &mut String, evidence: &Evidence, inputs: &[String]) {
    for input in inputs {
        let _ = writeln!(text, "- from `{input}`");
    }
    let _ = writeln!(text, "- {} exchanges", evidence.exchanges);
    if let (Some(first), Some(last)) = (evidence.first, evidence.last) {
        let _ = writeln!(text, "- from {} to {}: {}", time(first), time(last), length(first, last));
        if last.0 - first.0 < DAY_NS {
            text.push_str("- **less than a day**: what happens once a shift or once a day is not in it\n");
        }
    }
    if evidence.answers.iter().all(|answers| *answers == 0) && evidence.exchanges > 0 {
        text.push_str("- **no answer was seen at all**: requests count as if they had taken effect\n");
    }
    text.push('\n');
}

const DAY_NS: u64 = 86_400_000_000_000;

fn put_decisions(
    text: &mut String,
    evidence: &Evidence,
    draft: &Draft,
    (decisions, probing): (&[Decision<'_>], &BTreeMap<Source, (usize, u64)>),
) {
    let _ = writeln!(text, "## To decide: {}\n", decisions.len() + probing.len());
    if decisions.is_empty() && probing.is_empty() {
        text.push_str("Nothing: everything that was seen is an established habit.\n\n");
        return;
    }
    text.push_str("None of this is permitted. What is right goes into a policy file as it stands here.\n\n");
    for (number, decision) in (1..).zip(decisions) {
        let Decision { source, station, action, doubt, tally, .. } = decision;
        let _ = writeln!(text, "### {number}. {} {} {}\n", Named(*source), action.name(), At(*station));
        let _ = writeln!(text, "- why: {doubt}");
        let _ = writeln!(text, "- what: {}", what(decision));
        let _ = writeln!(text, "- seen: {}", counts(tally));
        let _ = writeln!(text, "- from {} to {}\n", time(tally.first), time(tally.last));
        match snippet(evidence, draft, decision) {
            Some(snippet) => {
                let _ = writeln!(text, "```toml\n{snippet}```\n");
            }
            None => text.push_str("Nothing to paste: look at it one by one, or not at all.\n\n"),
        }
    }
    for (number, (host, (links, times))) in (decisions.len() + 1..).zip(probing) {
        let _ = writeln!(text, "### {number}. {} tries DNP3 links\n", Named(*host));
        let _ = writeln!(text, "- why: {}\n- what: {links} links, {times} times\n", Doubt::Scan);
        text.push_str("Nothing to paste: who may look for stations is an actor with a permit.\n\n");
    }
}

/// What a decision is about, in a line.
fn what(decision: &Decision<'_>) -> String {
    let mut spans: BTreeMap<Space, BTreeSet<(u32, u32)>> = BTreeMap::new();
    let mut functions = BTreeSet::new();
    for judged in &decision.deeds {
        match judged.deed.thing {
            Thing::Span { space, address, count } => {
                spans.entry(space).or_default().insert((address, address.saturating_add(count)));
            }
            Thing::Function { code, sub } => {
                functions.insert((code, sub));
            }
        }
    }
    let mut parts: Vec<String> =
        spans.into_iter().map(|(space, spans)| format!("{} {}", space.name(), joined(&spans))).collect();
    let listed = functions.iter().take(16).map(|(code, sub)| match sub {
        0 => format!("function {code}"),
        sub => format!("function {code}/{sub}"),
    });
    parts.extend(listed);
    if functions.len() > 16 {
        parts.push(format!("and {} functions more", functions.len() - 16));
    }
    parts.join(", ")
}

/// Ranges of addresses, those that touch as one.
fn joined(spans: &BTreeSet<(u32, u32)>) -> String {
    let mut ranges: Vec<(u32, u32)> = Vec::new();
    for (start, end) in spans {
        match ranges.last_mut() {
            Some(last) if *start <= last.1 => last.1 = last.1.max(*end),
            _ => ranges.push((*start, *end)),
        }
    }
    let shown = ranges.iter().take(16).map(|(start, end)| match end - start {
        0 | 1 => start.to_string(),
        _ => format!("{start}–{}", end - 1),
    });
    let mut text = shown.collect::<Vec<_>>().join(", ");
    if ranges.len() > 16 {
        let _ = write!(text, " and {} ranges more", ranges.len() - 16);
    }
    text
}

pub(super) fn counts(tally: &Tally) -> String {
    let mut text = format!("{} times", tally.asked());
    if tally.refused > 0 {
        let _ = write!(text, ", {} refused", tally.refused);
        if let Some(code) = tally.exception {
            let _ = write!(text, " (exception {code:02})");
        }
    }
    if tally.unanswered > 0 {
        let _ = write!(text, ", {} unanswered", tally.unanswered);
    }
    text
}

/// The policy entries that would permit it; `None` where that is no small thing.
fn snippet(evidence: &Evidence, draft: &Draft, decision: &Decision<'_>) -> Option<String> {
    if matches!(decision.doubt, Doubt::Scan | Doubt::SharedAddress | Doubt::SharedLink | Doubt::NoRoom) {
        return None;
    }
    let mut text = String::new();
    let actor = actor(draft, decision, &mut text);
    let device = draft.devices.iter().find(|device| device.station == decision.station);
    let name = device.map_or_else(
        || {
            let Station { ip, dnp3, number } = decision.station;
            let (name, key) = (decision.station.name(), if dnp3 { "link" } else { "unit" });
            let _ = write!(text, "[devices.{name}]\nip = \"{ip}\"\n{key} = {number}\n\n");
            name
        },
        |device| device.name.clone(),
    );
    let points = points(draft, decision)?;
    let undeclared: Vec<_> = points.iter().filter(|(_, declared)| !**declared).collect();
    if !undeclared.is_empty() {
        let _ = writeln!(text, "[devices.{name}.points]");
        for ((space, address), _) in &undeclared {
            let _ = writeln!(text, "{} = {{ {} = {address} }}", policy::name_at(*space, *address), space.name());
        }
        text.push('\n');
    }
    let _ = write!(
        text,
        "[[permits]]\nactor  = \"{actor}\"\ndevice = \"{name}\"\ndo     = [\"{}\"]\n",
        decision.action.name()
    );
    if !points.is_empty() {
        let quoted: Vec<_> =
            points.keys().map(|(space, address)| format!("\"{}\"", policy::name_at(*space, *address))).collect();
        let _ = writeln!(text, "points = [{}]", quoted.join(", "));
    }
    if is_valued(decision.action) {
        match value(evidence, draft, decision, &points) {
            Some(Range { min, max }) => {
                let _ = writeln!(text, "value  = {{ min = {min}, max = {max} }}");
            }
            None => text.push_str("# value: not told by the wire in one range; add one\n"),
        }
    }
    Some(text)
}

/// The actor's name; written down as one of unknown kind if the policy does not have it.
fn actor(draft: &Draft, decision: &Decision<'_>, text: &mut String) -> String {
    let Source { ip, link, .. } = decision.source;
    if let Some(actor) = draft.actors.iter().find(|actor| actor.ip == ip && actor.link == link) {
        return actor.name.clone();
    }
    let suffix = link.map_or_else(String::new, |link| format!("_m{link}"));
    let name = format!("host_{}{suffix}", Plain(ip));
    let _ = write!(text, "[actors.{name}]\nkind = \"unknown\"\nip = \"{ip}\"\n");
    if let Some(link) = link {
        let _ = writeln!(text, "link = {link}");
    }
    text.push('\n');
    name
}

/// The points that a decision is about, by where they begin, and whether the policy has them; `None` if they are many.
fn points(draft: &Draft, decision: &Decision<'_>) -> Option<BTreeMap<(Space, u32), bool>> {
    let device = draft.devices.iter().find(|device| device.station == decision.station);
    let mut points = BTreeMap::new();
    for judged in &decision.deeds {
        let Thing::Span { space, address, count } = judged.deed.thing else { continue };
        if count as usize > PASTED || address.checked_add(count)? > 65_536 {
            return None;
        }
        for address in address..address + count {
            let declared = device.and_then(|device| Some(&device.points[device.point_at(space, address)?]));
            let start = declared.map_or(address, |point| point.address.into());
            points.insert((space, start), declared.is_some());
        }
        if points.len() > PASTED {
            return None;
        }
    }
    Some(points)
}

/// The values that were commanded.
fn value(
    evidence: &Evidence,
    draft: &Draft,
    decision: &Decision<'_>,
    points: &BTreeMap<(Space, u32), bool>,
) -> Option<Range> {
    let device = draft.devices.iter().find(|device| device.station == decision.station);
    let (source, station) = decision.deeds.first().map(|judged| (judged.deed.source, judged.deed.station))?;
    let mut all: Option<Range> = None;
    for (space, address) in points.keys() {
        let target = Target { source, station, action: decision.action, space: *space, address: *address };
        let series = evidence.written.get(&target)?;
        let declared = device.and_then(|device| Some(&device.points[device.point_at(*space, *address)?]));
        let range = declared.map_or(series.sweep.range, |point| point.reading.range(series))?;
        if series.unknown > 0 {
            return None;
        }
        all = Some(all.map_or(range, |all| all.with(range)));
    }
    all
}

fn put_permits(text: &mut String, draft: &Draft) {
    let _ = writeln!(text, "## Permitted: {}\n", draft.permits.len());
    if draft.permits.is_empty() {
        text.push_str("Nothing was established.\n\n");
        return;
    }
    text.push_str("| actor | device | does | points | values | seen | refused | first | last |\n|---|---|---|---|---|---|---|---|---|\n");
    for permit in draft.permits.iter().take(ROWS) {
        put_row(text, draft, permit);
    }
    if draft.permits.len() > ROWS {
        let _ = writeln!(text, "\n… and {} more: see permits.toml.", draft.permits.len() - ROWS);
    }
    text.push('\n');
}

fn put_row(text: &mut String, draft: &Draft, permit: &Permit) {
    let points = permit.points.as_ref().map_or("all".to_owned(), |points| points.len().to_string());
    let value = permit.value.map_or(String::new(), |range| format!("{} to {}", Short(range.min), Short(range.max)));
    let does: Vec<_> = permit.actions.iter().map(|action| action.name()).collect();
    let _ = writeln!(
        text,
        "| {} | {} | {} | {points} | {value} | {} | {} | {} | {} |",
        draft.actors[permit.actor].name,
        draft.devices[permit.device].name,
        does.join(", "),
        permit.tally.asked(),
        permit.tally.refused,
        time(permit.tally.first),
        time(permit.tally.last),
    );
}

/// What permits ask beside values, with the evidence; and those that ask for less than they could.
fn put_paces(text: &mut String, draft: &Draft) {
    let commands = |permit: &&Permit| permit.actions.iter().any(|action| is_valued(*action));
    let permits: Vec<_> = draft.permits.iter().filter(commands).take(ROWS).collect();
    if permits.is_empty() {
        return;
    }
    text.push_str(
        "## Paces\n\nWhat was seen of how often, how far and how soon points are commanded, and what is permitted: somewhat\n\
         more. A limit stands where the first three fifths of the time would have set one that the rest kept to.\n\n\
         | actor | device | points | limit | seen |\n|---|---|---|---|---|\n",
    );
    for permit in permits {
        let (actor, device) = (&draft.actors[permit.actor].name, &draft.devices[permit.device]);
        let points = point_names(device, permit);
        for Limit { key, value, evidence } in &permit.paces.limits {
            let _ = writeln!(text, "| {actor} | {} | {points} | `{key} = {value}` | {evidence} |", device.name);
        }
        for why in &permit.paces.thin {
            let _ = writeln!(text, "| {actor} | {} | {points} | **none** | {why} |", device.name);
        }
    }
    text.push('\n');
}

fn point_names(device: &Device, permit: &Permit) -> String {
    let points = permit.points.iter().flatten().take(PASTED).map(|point| policy::point_name(&device.points[*point]));
    points.collect::<Vec<_>>().join(", ")
}

/// Permits for values that went on to new ones when learning ended.
fn put_moving(text: &mut String, draft: &Draft) {
    let moving: Vec<_> = draft.permits.iter().filter(|permit| permit.moving).collect();
    if moving.is_empty() {
        return;
    }
    text.push_str("## Permitted beyond what was seen\n\nSomebody who knows the process should set these ranges.\n\n");
    for permit in moving.iter().take(ROWS) {
        let device = &draft.devices[permit.device];
        let points = point_names(device, permit);
        let actor = &draft.actors[permit.actor].name;
        let _ = writeln!(text, "- {actor} commands {points} of {}: {}", device.name, permit.note);
    }
    text.push('\n');
}

fn put_oddities(text: &mut String, evidence: &Evidence) {
    if !evidence.oddities.is_empty() {
        text.push_str(
            "## Traffic that could not be taken at face value\n\n| from | to | what | times |\n|---|---|---|---|\n",
        );
        for ((from, to, kind), count) in evidence.oddities.iter().take(ROWS) {
            let _ = writeln!(text, "| {from} | {to} | {} | {count} |", kind.name());
        }
        text.push('\n');
    }
    let probes: Vec<_> = evidence.probes.iter().filter(|(_, (asked, answered))| answered < asked).collect();
    if !probes.is_empty() {
        text.push_str(
            "## DNP3 links that were tried and did not answer\n\n| from | to | tried | answered |\n|---|---|---|---|\n",
        );
        for ((source, station), (asked, answered)) in probes.iter().take(ROWS) {
            let (source, station) = (evidence.sources.all[*source], evidence.stations.all[*station]);
            let _ = writeln!(text, "| {} | {} | {asked} | {answered} |", Named(source), At(station));
        }
        if probes.len() > ROWS {
            let _ = writeln!(text, "\n… and {} more.", probes.len() - ROWS);
        }
        text.push('\n');
    }
}

fn put_beyond(text: &mut String, evidence: &Evidence, draft: &Draft, most_points: usize) {
    let beyond = evidence.beyond;
    let no_room = draft.judged.iter().filter(|judged| judged.doubt == Some(Doubt::NoRoom)).count();
    let counted = [
        (beyond.things, "requests of things beyond those that are kept (`--max-things`)"),
        (beyond.values, "values of addresses beyond those that are followed (`--max-points`)"),
        (beyond.parties, "exchanges of clients or stations beyond those that are kept"),
        (beyond.commands, "commanded values whose times were not kept: paces were told by those before"),
        (beyond.oddities, "anomalies of kinds and hosts beyond those that are kept"),
        (no_room as u64, "habits whose points found no room in the policy (`--max-points`)"),
    ];
    let lost: Vec<_> = counted.into_iter().filter(|(count, _)| *count > 0).collect();
    if lost.is_empty() {
        return;
    }
    let _ = writeln!(text, "## Not kept\n");
    for (count, what) in lost {
        let _ = writeln!(text, "- {count} {what}");
    }
    let _ = writeln!(text, "\nA policy was drafted with at most {most_points} points.");
}

/// A client.
pub(super) struct Named(pub(super) Source);

impl std::fmt::Display for Named {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Source { ip, link, mac } = self.0;
        write!(f, "{ip}")?;
        link.map_or(Ok(()), |link| write!(f, " (master {link})"))?;
        mac.map_or(Ok(()), |mac| write!(f, " [{mac}]"))
    }
}

/// A station.
pub(super) struct At(pub(super) Station);

impl std::fmt::Display for At {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Station { ip, dnp3, number } = self.0;
        let what = if dnp3 { "outstation" } else { "unit" };
        write!(f, "{ip} {what} {number}")
    }
}

/// A time to the second.
pub(super) fn time(time: Timestamp) -> String {
    let text = Stamp(time).to_string();
    let (seconds, _) = text.split_at(19);
    format!("{seconds}Z")
}

fn length(first: Timestamp, last: Timestamp) -> String {
    let seconds = (last.0 - first.0) / 1_000_000_000;
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7_200 => format!("{} min", seconds / 60),
        7_200..172_800 => format!("{} h", seconds / 3_600),
        _ => format!("{} days", seconds / 86_400),
    }
}
