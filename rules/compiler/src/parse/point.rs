use tagout_engine::{Encoding, Kind, Space};

use super::{is_name, name};
use crate::diagnostic::Report;
use crate::grammar;
use crate::model::{Bounds, Point};
use crate::node::{Entry, Fields, Node};
use crate::source::{Span, Spanned};
use crate::suggest::one_of;

pub(super) fn point(entry: Entry<'_>, report: &mut Report<'_>) -> Option<Point> {
    is_name(&entry, "a point", report);
    let mut fields = entry.node.table(&grammar::POINT, report)?;
    let (space, address) = place(&entry, &mut fields, report);
    let encoding = encoding(space, &mut fields, report);
    let scale = scaling(space, &mut fields, "scale", 1.0, report);
    let offset = scaling(space, &mut fields, "offset", 0.0, report);
    let unit = fields.take("unit").and_then(|unit| unit.node.string(report)).unwrap_or_default().to_owned();
    let range = fields.take("range").and_then(|range| range_of(range.node, report)).unwrap_or(Bounds::ALL);
    let max_rate = amount(&mut fields, "max_rate", report).unwrap_or(f64::INFINITY);
    let tolerance = amount(&mut fields, "tolerance", report);
    let mut time = |key| fields.take(key).and_then(|entry| entry.node.duration(report)).unwrap_or(0);
    let (travel_ms, frozen_ms, stale_ms) = (time("travel"), time("frozen"), time("stale"));
    fields.finish(report);
    let Spanned { value: address, span: at } = address?;
    let place = Point::at(name(&entry), space?, address, encoding?);
    let point = Point { scale, offset, unit, range, max_rate, tolerance, travel_ms, frozen_ms, stale_ms, ..place };
    fits(&point, at, report).then_some(point)
}

/// The point's space and its first address, as far as they are right.
fn place(entry: &Entry<'_>, fields: &mut Fields<'_>, report: &mut Report<'_>) -> (Option<Space>, Option<Spanned<u16>>) {
    let spaces = Space::ALL.iter().filter_map(|space| Some((Some(*space), fields.take(space.name())?)));
    let mut places: Vec<_> = spaces.collect();
    match (fields.take("group"), fields.take("index")) {
        (Some(group), Some(index)) => places.push((space_of(group, report), index)),
        (Some(half), None) | (None, Some(half)) => {
            report.error(half.key, format!("`{}` alone", half.name)).expected("both `group` and `index`");
            return (None, None);
        }
        (None, None) => {}
    }
    match places.as_slice() {
        [] if Space::ALL.iter().any(|space| fields.has_like(space.name())) => {}
        [] => no_place(entry, report),
        [(space, address)] => return (*space, self::address(*space, *address, report)),
        [(_, first), (_, second), ..] => {
            let draft = report.error(second.key, "a point in two places");
            draft.expected("one place").related(first.key, "the first is here");
        }
    }
    (None, None)
}

fn no_place(entry: &Entry<'_>, report: &mut Report<'_>) {
    report
        .error(entry.key, format!("the point `{}` has no address", entry.name))
        .expected(format!("{}; or `group` and `index`", one_of(Space::ALL.iter().map(|space| space.name()))));
}

fn address(space: Option<Space>, entry: Entry<'_>, report: &mut Report<'_>) -> Option<Spanned<u16>> {
    let number = entry.node.as_whole();
    if let Some((number, hint)) =
        number.zip(space).and_then(|(number, space)| Some((number, reference(space, number)?)))
    {
        report.error(entry.node.span, format!("address {number} is out of range")).expected(ADDRESSES).help(hint);
        return None;
    }
    let what = if space.is_some_and(is_modbus) { "address" } else { "index" };
    let value = entry.node.integer(what, 0..=65535, report)?;
    Some(Spanned { value, span: entry.node.span })
}

const ADDRESSES: &str = "a whole number from 0 to 65535";

const fn is_modbus(space: Space) -> bool {
    matches!(space, Space::Coil | Space::DiscreteInput | Space::HoldingRegister | Space::InputRegister)
}

/// What a six-digit reference as engineering tools show it (400001 for the first holding register) means on the wire.
fn reference(space: Space, number: i64) -> Option<String> {
    let base = match space {
        Space::DiscreteInput => 100_001,
        Space::InputRegister => 300_001,
        Space::HoldingRegister => 400_001,
        _ => return None,
    };
    let address = number.checked_sub(base).filter(|address| (0..=65535).contains(address))?;
    Some(format!("addresses are those on the wire, from 0: reference {number} is `{} = {address}`", space.name()))
}

fn space_of(group: Entry<'_>, report: &mut Report<'_>) -> Option<Space> {
    let number: u16 = group.node.integer("object group", 0..=255, report)?;
    let space = match number {
        1 | 2 => Space::BinaryInput,
        3 | 4 => Space::DoubleBitInput,
        10..=13 => Space::BinaryOutput,
        20 | 22 => Space::Counter,
        21 | 23 => Space::FrozenCounter,
        30 | 32 | 34 => Space::AnalogInput,
        31 | 33 => Space::FrozenAnalogInput,
        40..=43 => Space::AnalogOutput,
        110 | 111 => Space::OctetString,
        _ => {
            report
                .error(group.node.span, format!("object group {number} has no points"))
                .expected("1-4, 10-13, 20-23, 30-34, 40-43, 110 or 111");
            return None;
        }
    };
    Some(space)
}

fn encoding(space: Option<Space>, fields: &mut Fields<'_>, report: &mut Report<'_>) -> Option<Encoding> {
    let native = Encoding { kind: Kind::Native, low_word_first: false, swap_bytes: false };
    if let Some(space) = space.filter(|space| !space.is_register()) {
        for key in ["type", "words", "bytes"] {
            reject(fields, key, space, "their values have a type of their own", report);
        }
        return Some(native);
    }
    let kind = fields.take("type").map_or(Some(Kind::U16), |entry| {
        entry.node.word("type", Kind::ALL.get(1..).unwrap_or_default(), Kind::name, report)
    });
    let words = fields.take("words");
    let low_word_first = choice(words, "order of words", ["high-first", "low-first"], report);
    let swap_bytes = choice(fields.take("bytes"), "order of bytes", ["in-order", "swapped"], report);
    if let Some((kind, entry)) = kind.zip(words).filter(|(kind, _)| kind.width() == 1) {
        report
            .error(entry.key, format!("an order of words for the type `{}`", kind.name()))
            .label("it is one word wide");
    }
    Some(Encoding { kind: kind?, low_word_first: low_word_first?, swap_bytes: swap_bytes? })
}

/// Which of two words it is: true for the second; the first when not given.
fn choice(entry: Option<Entry<'_>>, what: &str, words: [&'static str; 2], report: &mut Report<'_>) -> Option<bool> {
    let Some(entry) = entry else { return Some(false) };
    entry.node.word(what, &words, |word| word, report).map(|word| word == words[1])
}

fn scaling(space: Option<Space>, fields: &mut Fields<'_>, key: &str, default: f64, report: &mut Report<'_>) -> f64 {
    if let Some(space) = space.filter(|space| space.is_bit()) {
        reject(fields, key, space, "a bit is 0 or 1", report);
        return default;
    }
    let Some(entry) = fields.take(key) else { return default };
    let number = entry.node.number(report);
    if key == "scale" && number == Some(0.0) {
        report.error(entry.node.span, "a scale of 0 loses the value").expected("any other number");
        return default;
    }
    number.unwrap_or(default)
}

/// A number that is not below 0.
fn amount(fields: &mut Fields<'_>, key: &str, report: &mut Report<'_>) -> Option<f64> {
    let node = fields.take(key)?.node;
    let number = node.number(report)?;
    if number < 0.0 {
        report.error(node.span, format!("`{key}` is below 0")).expected("0 or more");
        return None;
    }
    Some(number)
}

fn reject(fields: &mut Fields<'_>, key: &str, space: Space, why: &str, report: &mut Report<'_>) {
    if let Some(entry) = fields.take(key) {
        report.error(entry.key, format!("`{key}` does not apply to `{}` points", space.name())).label(why);
    }
}

pub(super) fn range_of(node: Node<'_>, report: &mut Report<'_>) -> Option<Bounds> {
    let ends = node.array("two numbers such as [0, 100]", report)?;
    let [low, high] = ends.as_slice() else {
        let found = format!("a range of {} elements", ends.len());
        report.error(node.span, found).expected("two numbers such as [0, 100]");
        return None;
    };
    let (min, max) = (low.number(report)?, high.number(report)?);
    if min > max {
        report
            .error(node.span, format!("the range begins at {min}, above its end {max}"))
            .expected("the lower end first");
        return None;
    }
    Some(Bounds { min, max })
}

/// Whether all of the point's registers have addresses.
fn fits(point: &Point, at: Span, report: &mut Report<'_>) -> bool {
    let (_, end) = point.span();
    let fits = end <= 65536;
    if !fits {
        let (kind, width) = (point.encoding.kind.name(), point.encoding.kind.width());
        report
            .error(at, format!("type `{kind}` at {} exceeds the last address, 65535", point.address))
            .label(format!("it takes {width} registers"));
    }
    fits
}
