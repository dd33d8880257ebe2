use std::fmt::Write as _;

use glob::Pattern;

use super::args::{ActorsArgs, DevicesArgs};
use super::spool::print;
use super::stored::{clock, fitted, visible};
use crate::Failure;
use crate::output::plain_table;
use crate::store::{Deed, Listing, Reader, Side, inventory};

/// Shows the devices of the store.
pub(super) fn devices(args: &DevicesArgs) -> Result<(), Failure> {
    let reader = args.place.open()?;
    let mut all = listed(&reader, Side::Devices, &args.name, args.unknown)?;
    let before = all.len();
    all.retain(|device| args.all || args.name.is_some() || device.is_of_note());
    let silent = before - all.len();
    if args.json {
        return print(&lines(&all));
    }
    if args.name.is_some() {
        return print(&pages(&all, Side::Devices));
    }
    print(&device_table(&all))?;
    if silent > 0 {
        print(&format!("{silent} more never answered, nor were commanded or in an alert (--all shows them).\n"))?;
    }
    print(&footnote(&reader)?)
}

/// Shows the actors of the store.
pub(super) fn actors(args: &ActorsArgs) -> Result<(), Failure> {
    let reader = args.place.open()?;
    let all = listed(&reader, Side::Actors, &args.name, args.unknown)?;
    if args.json {
        return print(&lines(&all));
    }
    if args.name.is_some() {
        return print(&pages(&all, Side::Actors));
    }
    print(&actor_table(&all))?;
    print(&footnote(&reader)?)
}

/// Those that are asked for.
pub(super) fn listed(
    reader: &Reader,
    side: Side,
    name: &Option<Pattern>,
    unknown: bool,
) -> Result<Vec<Listing>, Failure> {
    let mut all = inventory(reader.deeds()?, side);
    all.retain(|one| !unknown || !one.in_policy);
    let Some(pattern) = name else { return Ok(all) };
    let is_called = |one: &Listing| {
        let party = one.party();
        let ip = party.ip.map(|ip| ip.to_string());
        [party.name.clone(), ip, Some(party.place())].iter().flatten().any(|name| pattern.matches(name))
    };
    all.retain(is_called);
    match all.is_empty() {
        true => Err(Failure::Usage(format!("the store knows none called `{pattern}`"))),
        false => Ok(all),
    }
}

fn lines(all: &[Listing]) -> String {
    // Names and numbers, which JSON takes.
    all.iter().map(|one| serde_json::to_string(one).unwrap_or_default() + "\n").collect()
}

fn device_table(all: &[Listing]) -> String {
    let header = [
        "device",
        "address",
        "protocol",
        "last seen (UTC)",
        "actors",
        "exchanges",
        "commands",
        "refused",
        "alerts",
        "what it is",
    ];
    table(all, &header, &[4, 5, 6, 7, 8], |device| {
        let [name, place, protocols, last] = common(device);
        let mut row = vec![name, place, protocols, last, device.others.to_string()];
        row.extend(counts(device));
        row.push(identity(device));
        row
    })
}

fn actor_table(all: &[Listing]) -> String {
    let header = [
        "actor",
        "kind",
        "address",
        "protocol",
        "last seen (UTC)",
        "devices",
        "exchanges",
        "commands",
        "refused",
        "alerts",
    ];
    table(all, &header, &[5, 6, 7, 8, 9], |actor| {
        let [name, place, protocols, last] = common(actor);
        let kind = actor.party().kind.clone().unwrap_or_else(|| "unknown".to_owned());
        let mut row = vec![name, kind, place, protocols, last, actor.others.to_string()];
        row.extend(counts(actor));
        row
    })
}

fn table(all: &[Listing], header: &[&str], numbers: &[usize], row: impl Fn(&Listing) -> Vec<String>) -> String {
    if all.is_empty() {
        return "None.\n".to_owned();
    }
    fitted(plain_table(header, all.iter().map(row), numbers)) + "\n"
}

fn common(one: &Listing) -> [String; 4] {
    let protocols: Vec<&str> = one.protocols.iter().map(String::as_str).collect();
    let name = one.party().name.as_deref().unwrap_or("-");
    [visible(name), one.party().place(), protocols.join(" "), clock(one.count().last_seen.0)]
}

fn counts(one: &Listing) -> [String; 4] {
    let count = one.count();
    [count.exchanges, one.commands, count.refused, count.alerts].map(|count| count.to_string())
}

/// What a device says that it is, in a few words.
fn identity(device: &Listing) -> String {
    const FIELDS: [&str; 8] = [
        "vendor-name",
        "device manufacturer's name",
        "product-name",
        "product-code",
        "device product name and model",
        "model-name",
        "major-minor-revision",
        "device manufacturer's software version",
    ];
    let said = FIELDS.iter().filter_map(|field| device.identification.get(*field)).map(|value| visible(value));
    said.collect::<Vec<_>>().join(" ")
}

/// All of each.
fn pages(all: &[Listing], side: Side) -> String {
    all.iter().map(|one| page(one, side)).collect::<Vec<_>>().join("\n")
}

fn page(one: &Listing, side: Side) -> String {
    let (party, count) = (one.party(), one.count());
    let optional = |value: Option<String>| value.unwrap_or_default();
    let joined = |items: Vec<String>| items.join(", ");
    let mut fields = vec![
        ("name", party.name.as_deref().map_or_else(|| "not in the policy".to_owned(), visible)),
        ("kind", optional(party.kind.clone())),
        ("address", party.place()),
        ("port", optional(party.port.map(|port| port.to_string()))),
        ("mac", optional(party.mac.clone())),
        ("vlan", optional(party.vlan.map(|vlan| vlan.to_string()))),
        ("protocol", joined(one.protocols.iter().cloned().collect())),
        ("first seen", format!("{} UTC", clock(count.first_seen.0))),
        ("last seen", format!("{} UTC", clock(count.last_seen.0))),
        ("exchanges", exchanges(one)),
        ("alerts", count.alerts.to_string()),
        ("points", joined(one.points.iter().map(ToString::to_string).collect())),
    ];
    fields.extend(one.identification.iter().map(|(field, value)| (field.as_str(), visible(value))));
    let width = fields.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    let mut text = String::new();
    for (name, value) in fields.iter().filter(|(_, value)| !value.is_empty()) {
        let _ = writeln!(text, "{name:<width$}  {value}");
    }
    text + "\n" + &deeds(&one.deeds, side)
}

fn exchanges(one: &Listing) -> String {
    let count = one.count();
    format!(
        "{}: {} commands, {} refused, {} unanswered",
        count.exchanges, one.commands, count.refused, count.unanswered
    )
}

fn deeds(deeds: &[Deed], side: Side) -> String {
    let other = if side == Side::Actors { "to whom" } else { "who" };
    let header = [other, "function", "exchanges", "refused", "unanswered", "alerts", "last seen (UTC)", "last command"];
    let row = |deed: &Deed| {
        let other = if side == Side::Actors { &deed.device } else { &deed.actor };
        let count = [deed.count.exchanges, deed.count.refused, deed.count.unanswered, deed.count.alerts];
        let mut row = vec![visible(&other.to_string()), deed.function.clone().unwrap_or_else(|| "-".to_owned())];
        row.extend(count.map(|count| count.to_string()));
        row.push(clock(deed.count.last_seen.0));
        row.push(deed.last_command.as_ref().map(|command| visible(&command.to_string())).unwrap_or_default());
        row
    };
    fitted(plain_table(&header, deeds.iter().map(row), &[2, 3, 4, 5])) + "\n"
}

/// What the counts do not have.
fn footnote(reader: &Reader) -> Result<String, Failure> {
    let lost = reader.lost()?;
    let mut text = String::new();
    if lost.exchanges > 0 {
        let _ = writeln!(
            text,
            "{} exchanges are in no count: there were too many different ones at a time.",
            lost.exchanges
        );
    }
    if lost.deeds_shed > 0 {
        let _ = writeln!(text, "{} counts made room for others.", lost.deeds_shed);
    }
    Ok(text)
}
