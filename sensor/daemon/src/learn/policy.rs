//! The draft as policy files.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use tagout_core::engine::{Action, Kind, Space};

use super::draft::{Actor, Device, Draft, Permit};
use super::evidence::{Evidence, Place};
use super::infer::{Point, Reading, Short};
use super::paces::Limit;
use super::series::Range;

/// Names of points are written out up to this many; more of one space are written as a pattern, if all of it is meant.
const LISTED: usize = 8;
/// Columns of a list of names.
const COLUMNS: usize = 110;

/// The device that catches what nobody has learned.
pub(super) const ELSEWHERE: &str = "elsewhere";

pub(super) fn actors(draft: &Draft) -> String {
    let mut text = String::from(
        "# Who was seen to ask for something, and does so as a habit.\n\
         # Kinds are guesses, and names say no more than kind and address: change them. What an AI agent is cannot be\n\
         # seen on the wire: write kind = \"ai-agent\" where it is one.\n",
    );
    for actor in &draft.actors {
        put_actor(&mut text, actor);
    }
    text
}

fn put_actor(text: &mut String, actor: &Actor) {
    let _ =
        write!(text, "\n[actors.{}]\nkind = \"{}\"  # a guess: {}\n", actor.name, actor.kind.name(), actor.evidence);
    let _ = writeln!(text, "ip = \"{}\"", actor.ip);
    if let Some(link) = actor.link {
        let _ = writeln!(text, "link = {link}");
    }
    if let Some(mac) = actor.mac {
        let _ = writeln!(text, "mac = \"{mac}\"  # leave it out where the hardware may change");
    }
}

pub(super) fn devices(evidence: &Evidence, draft: &Draft) -> String {
    let mut text = String::from(
        "# What was asked, and the points that were asked for. Addresses are those on the wire, from 0.\n\
         # The wire tells neither names nor scales nor units of measure. Types are guesses where a comment says so.\n",
    );
    for device in &draft.devices {
        put_device(&mut text, evidence, device);
    }
    let _ = write!(
        text,
        "\n# Everything else that speaks Modbus or DNP3. Nothing is permitted there, so that all of it is an alert.\n\
         [devices.{ELSEWHERE}]\nip = [\"0.0.0.0/0\", \"::/0\"]\n"
    );
    text
}

fn put_device(text: &mut String, evidence: &Evidence, device: &Device) {
    let key = if device.station.dnp3 { "link" } else { "unit" };
    let _ = write!(
        text,
        "\n[devices.{}]\nip = \"{}\"\n{key} = {}\n",
        device.name, device.station.ip, device.station.number
    );
    if device.points.is_empty() {
        return;
    }
    let _ = write!(text, "\n[devices.{}.points]\n", device.name);
    for point in &device.points {
        let seen = seen(evidence, device, point);
        let comment = [seen.as_str(), point.evidence.as_str()];
        let comment = comment.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("; ");
        let _ = writeln!(text, "{} = {}  # {comment}", point_name(point), declaration(point));
    }
}

/// What a point was seen to have.
fn seen(evidence: &Evidence, device: &Device, point: &Point) -> String {
    let place = Place { station: device.number, space: point.space, address: point.address.into() };
    let Some(series) = evidence.reported.get(&place) else { return "never reported".to_owned() };
    match point.reading.range(series) {
        Some(Range { min, max }) if min == max => format!("{} in {} reports", Short(min), series.samples),
        Some(Range { min, max }) => format!("{} to {} in {} reports", Short(min), Short(max), series.samples),
        None => format!("{} reports without a value", series.samples),
    }
}

/// The point as a policy declares it.
pub(super) fn declaration(point: &Point) -> String {
    let mut text = format!("{{ {} = {}", point.space.name(), point.address);
    match point.reading {
        Reading::Native | Reading::Register { signed: false } => {}
        reading => {
            let _ = write!(text, ", type = \"{}\"", reading.kind().name());
        }
    }
    if point.reading.low_first() {
        text.push_str(", words = \"low-first\"");
    }
    text.push_str(" }");
    text
}

/// The name of a point: its space and address.
pub(super) fn point_name(point: &Point) -> String {
    name_at(point.space, point.address.into())
}

/// The name that a point at an address is given.
pub(super) fn name_at(space: Space, address: u32) -> String {
    format!("{}_{address}", prefix(space))
}

const fn prefix(space: Space) -> &'static str {
    match space {
        Space::Coil => "coil",
        Space::DiscreteInput => "di",
        Space::HoldingRegister => "hr",
        Space::InputRegister => "ir",
        Space::BinaryInput => "bi",
        Space::DoubleBitInput => "dbi",
        Space::BinaryOutput => "bo",
        Space::Counter => "ctr",
        Space::FrozenCounter => "fctr",
        Space::AnalogInput => "ai",
        Space::FrozenAnalogInput => "fai",
        Space::AnalogOutput => "ao",
        Space::OctetString => "os",
    }
}

pub(super) fn permits(draft: &Draft) -> String {
    let mut text = String::from(
        "# What was seen often enough, and over enough of the time, to be a habit. Each permit tells what it was told by.\n\
         # What was seen and is not here stands in review.md, for somebody to decide.\n",
    );
    let mut names = BTreeMap::new();
    for permit in &draft.permits {
        let name = numbered(permit_name(draft, permit), &mut names);
        put_permit(&mut text, draft, (permit, &name));
    }
    text
}

fn permit_name(draft: &Draft, permit: &Permit) -> String {
    let (actor, device) = (&draft.actors[permit.actor], &draft.devices[permit.device]);
    format!("{} {} {}", actor.name, verb(&permit.actions), device.name)
}

/// A name, with its number behind it if it was there before: points with other ranges have a permit of their own.
fn numbered(name: String, seen: &mut BTreeMap<String, u32>) -> String {
    let count = seen.entry(name.clone()).or_default();
    *count += 1;
    if *count == 1 { name } else { format!("{name}, {count}") }
}

fn put_permit(text: &mut String, draft: &Draft, (permit, name): (&Permit, &str)) {
    let (actor, device) = (&draft.actors[permit.actor], &draft.devices[permit.device]);
    let _ = write!(
        text,
        "\n# seen {} times{}, from {} to {}\n[[permits]]\nname   = \"{name}\"\nactor  = \"{}\"\n",
        permit.tally.asked(),
        refused(permit.tally.refused),
        super::review::time(permit.tally.first),
        super::review::time(permit.tally.last),
        actor.name,
    );
    let _ = writeln!(text, "device = \"{}\"\ndo     = [{}]", device.name, actions(&permit.actions));
    match &permit.points {
        Some(points) => put_points(text, device, points, permit.actions.contains(&Action::Read)),
        None if !permit.note.is_empty() => {
            let _ = writeln!(text, "# {}", permit.note);
        }
        None => {}
    }
    put_value(text, device, permit);
    for Limit { key, value, evidence } in &permit.paces.limits {
        let _ = writeln!(text, "{key} = {value}  # {evidence}");
    }
}

/// The value range, or why there is none.
fn put_value(text: &mut String, device: &Device, permit: &Permit) {
    let kind =
        permit.points.as_ref().and_then(|points| points.first()).map(|point| device.points[*point].reading.kind());
    if let Some(Range { min, max }) = permit.value {
        let (min, max) = (number(min, kind), number(max, kind));
        let _ = writeln!(text, "value  = {{ min = {min}, max = {max} }}  # {}", permit.note);
    } else if permit.points.is_some() && !permit.note.is_empty() {
        let _ = writeln!(text, "# {}", permit.note);
    }
}

/// A number in full; single precision ones as short as single precision allows.
pub(super) fn number(value: f64, kind: Option<Kind>) -> String {
    if kind == Some(Kind::F32) { format!("{}", value as f32) } else { format!("{value}") }
}

fn refused(count: u64) -> String {
    if count == 0 { String::new() } else { format!(", {count} of them refused") }
}

pub(super) fn verb(actions: &BTreeSet<Action>) -> &'static str {
    match actions.first() {
        Some(Action::Read) => "reads",
        Some(Action::Write | Action::Select | Action::Operate | Action::DirectOperate) => "commands",
        _ => "looks after",
    }
}

pub(super) fn actions(actions: &BTreeSet<Action>) -> String {
    let quoted: Vec<_> = actions.iter().map(|action| format!("\"{}\"", action.name())).collect();
    quoted.join(", ")
}

fn put_points(text: &mut String, device: &Device, points: &BTreeSet<usize>, may_match: bool) {
    let names = names(device, points, may_match);
    let line = names.iter().map(|name| format!("\"{name}\"")).collect::<Vec<_>>();
    let one_line = line.join(", ");
    if one_line.len() <= COLUMNS {
        let _ = writeln!(text, "points = [{one_line}]");
        return;
    }
    text.push_str("points = [");
    let mut column = COLUMNS;
    for name in line {
        if column + name.len() + 2 > COLUMNS {
            text.push_str("\n  ");
            column = 2;
        } else {
            text.push(' ');
        }
        column += name.len() + 2;
        text.push_str(&name);
        text.push(',');
    }
    text.push_str("\n]\n");
}

/// The names of points; where they are all of a space, and many, a pattern stands for them.
fn names(device: &Device, points: &BTreeSet<usize>, may_match: bool) -> Vec<String> {
    let mut names = Vec::new();
    let spaces: BTreeSet<Space> = points.iter().map(|point| device.points[*point].space).collect();
    for space in spaces {
        let here: Vec<_> = points.iter().filter(|point| device.points[**point].space == space).collect();
        let all = device.points.iter().filter(|point| point.space == space).count();
        if may_match && here.len() > LISTED && here.len() == all {
            names.push(format!("{}_*", prefix(space)));
        } else {
            names.extend(here.into_iter().map(|point| point_name(&device.points[*point])));
        }
    }
    names
}
