use std::net::{IpAddr, Ipv6Addr};

use crate::diagnostic::Report;
use crate::grammar::{self, Table};
use crate::model::{Network, Selector};
use crate::node::{Entry, Fields, Node};
use crate::source::Span;
use crate::suggest::one_of;

/// The address that everything on serial lines has in place of one; the line's number stands in the place of the port.
const LINES: Network = Network { address: IpAddr::V6(Ipv6Addr::UNSPECIFIED), prefix: 128 };

/// So many selectors may come of the lists in one table.
const MOST: usize = 1024;

/// The alternatives of each part that a table asks for; no alternatives: not asked for.
#[derive(Default)]
struct Parts {
    ip: Vec<(Network, Span)>,
    mac: Vec<([u8; 6], Span)>,
    vlan: Vec<(u16, Span)>,
    port: Vec<((u16, u16), Span)>,
    unit: Vec<(u8, Span)>,
    link: Vec<(u16, Span)>,
    line: Vec<(u16, Span)>,
}

/// What selectors of a kind of thing may ask for.
struct Form {
    what: &'static str,
    table: &'static Table,
    /// At least one of these must be asked for.
    needed: &'static [&'static str],
}

impl Form {
    /// Whether any part is asked for.
    fn asked(&self, fields: &Fields<'_>) -> bool {
        self.table.keys().any(|key| fields.has(key.name))
    }
}

/// Anything that the wire tells of a client.
static ACTOR: Form =
    Form { what: "an actor", table: &grammar::ACTOR_SELECTOR, needed: &["ip", "mac", "vlan", "port", "link", "line"] };

/// A unit id, a port or a VLAN alone would name devices all over the plant.
static DEVICE: Form =
    Form { what: "a device", table: &grammar::DEVICE_SELECTOR, needed: &["ip", "mac", "link", "line"] };

/// Where an actor sits.
pub(super) fn actor(entry: &Entry<'_>, fields: &mut Fields<'_>, report: &mut Report<'_>) -> Vec<Selector> {
    collect(&ACTOR, entry, fields, report)
}

/// Where a device sits; `None` when the table only adds points to a device that another file declares.
pub(super) fn device(entry: &Entry<'_>, fields: &mut Fields<'_>, report: &mut Report<'_>) -> Option<Vec<Selector>> {
    let addressed = DEVICE.asked(fields) || fields.has("selectors");
    (addressed || !fields.has("points") && !fields.has("tags")).then(|| collect(&DEVICE, entry, fields, report))
}

/// The selectors in the table itself and in its `selectors`.
fn collect(form: &Form, entry: &Entry<'_>, fields: &mut Fields<'_>, report: &mut Report<'_>) -> Vec<Selector> {
    let more = fields.take("selectors");
    let mut selectors = Vec::new();
    if more.is_none() || form.asked(fields) {
        selectors = one_table(form, entry.key, fields, report);
    }
    for node in more.map(|more| more.node.one_or_more(report)).into_iter().flatten() {
        let Some(mut table) = node.table(form.table, report) else { continue };
        selectors.extend(one_table(form, node.span, &mut table, report));
        table.finish(report);
    }
    selectors
}

fn one_table(form: &Form, span: Span, fields: &mut Fields<'_>, report: &mut Report<'_>) -> Vec<Selector> {
    if !form.needed.iter().any(|key| fields.has(key)) {
        let draft = report.error(span, format!("{} without an address", form.what));
        draft.label(format!("{} is missing", one_of(form.needed.iter().copied())));
    }
    parts(fields, form.table, report).map(|parts| parts.combine(span, report)).unwrap_or_default()
}

/// The parts that are asked for; `None` when nothing is right in one of them, as the rest would select too much.
fn parts(fields: &mut Fields<'_>, table: &Table, report: &mut Report<'_>) -> Option<Parts> {
    let mut parts = Parts::default();
    let mut whole = true;
    for key in table.keys().map(|key| key.name) {
        let Some(entry) = fields.take(key) else { continue };
        let before = parts.count();
        for node in entry.node.one_or_more(report) {
            part(&mut parts, key, node, report);
        }
        whole &= parts.count() > before;
    }
    whole.then_some(parts)
}

fn part(parts: &mut Parts, key: &str, node: Node<'_>, report: &mut Report<'_>) {
    let span = node.span;
    match key {
        "ip" => parts.ip.extend(network(node, report).map(|network| (network, span))),
        "mac" => parts.mac.extend(mac(node, report).map(|mac| (mac, span))),
        "vlan" => parts.vlan.extend(node.integer("VLAN id", 1..=4094, report).map(|vlan| (vlan, span))),
        "port" => parts.port.extend(ports(node, report).map(|ports| (ports, span))),
        "unit" => parts.unit.extend(node.integer("unit id", 0..=255, report).map(|unit| (unit, span))),
        "line" => parts.line.extend(node.integer("serial line", 1..=65535, report).map(|line| (line, span))),
        _ => parts.link.extend(node.integer("link address", 0..=65535, report).map(|link| (link, span))),
    }
}

impl Parts {
    fn sizes(&self) -> [usize; 7] {
        let Self { ip, mac, vlan, port, unit, link, line } = self;
        [ip.len(), mac.len(), vlan.len(), port.len(), unit.len(), link.len(), line.len()]
    }

    /// Two parts that nothing has both of, and why.
    fn contradiction(&self) -> Option<(&'static str, &'static str, &'static str)> {
        let others =
            [("ip", self.ip.len()), ("mac", self.mac.len()), ("vlan", self.vlan.len()), ("port", self.port.len())];
        let other = others.iter().find(|(_, count)| *count > 0 && !self.line.is_empty());
        let serial = other.map(|(key, _)| ("line", *key, "a serial line has no addresses"));
        let both = !self.unit.is_empty() && !self.link.is_empty();
        serial.or(both.then_some(("unit", "link", "one is of Modbus, the other of DNP3: no exchange has both")))
    }

    fn count(&self) -> usize {
        self.sizes().iter().sum()
    }

    /// Every combination of the alternatives; nothing when no part was given.
    fn combine(self, span: Span, report: &mut Report<'_>) -> Vec<Selector> {
        if self.count() == 0 {
            return Vec::new();
        }
        let count = self.sizes().into_iter().fold(1_usize, |count, size| count.saturating_mul(size.max(1)));
        if count > MOST {
            let found = format!("these lists combine to {count} selectors");
            report.error(span, found).expected(format!("at most {MOST}"));
            return Vec::new();
        }
        if let Some((one, other, why)) = self.contradiction() {
            let draft = report.error(span, format!("`{one}` beside `{other}`"));
            draft.label(why).help("use `selectors` for something that is in both places".to_owned());
            return Vec::new();
        }
        let none = Selector { span, ip: None, mac: None, vlan: None, port: None, unit: None, link: None };
        let all = cross(vec![none], &self.link, |selector, link| selector.link = Some(link));
        let all = cross(all, &self.unit, |selector, unit| selector.unit = Some(unit));
        let all = cross(all, &self.line, |selector, line| {
            (selector.ip, selector.port) = (Some(LINES), Some((line, line)));
        });
        let all = cross(all, &self.port, |selector, port| selector.port = Some(port));
        let all = cross(all, &self.vlan, |selector, vlan| selector.vlan = Some(vlan));
        let all = cross(all, &self.mac, |selector, mac| selector.mac = Some(mac));
        cross(all, &self.ip, |selector, ip| selector.ip = Some(ip))
    }
}

/// Each selector with each alternative; the place of the last part set is where the selector is said to stand.
fn cross<T: Copy>(all: Vec<Selector>, alternatives: &[(T, Span)], set: fn(&mut Selector, T)) -> Vec<Selector> {
    if alternatives.is_empty() {
        return all;
    }
    let with = |selector: &Selector, (part, span): &(T, Span)| {
        let mut selector = Selector { span: *span, ..*selector };
        set(&mut selector, *part);
        selector
    };
    all.iter().flat_map(|selector| alternatives.iter().map(move |part| with(selector, part))).collect()
}

const NETWORK: &str = "an IP address such as \"10.0.0.20\", or a network such as \"10.0.0.0/24\"";

fn network(node: Node<'_>, report: &mut Report<'_>) -> Option<Network> {
    network_of(node.form(NETWORK, report)?, node.span, report)
}

/// The address or network that a text at `span` names.
pub(crate) fn network_of(text: &str, span: Span, report: &mut Report<'_>) -> Option<Network> {
    let (address, prefix) = text.split_once('/').map_or((text, None), |(address, prefix)| (address, Some(prefix)));
    let parsed = address.parse::<IpAddr>().ok().and_then(|address| {
        let full = Network::full_prefix(address);
        let prefix = prefix.map_or(Some(full), |prefix| prefix.parse().ok())?;
        (prefix <= full).then_some(Network { address, prefix })
    });
    let Some(parsed) = parsed else {
        report.error(span, format!("`{text}` is not an IP address")).expected(NETWORK);
        return None;
    };
    let base = parsed.base();
    if base != parsed.address {
        report
            .error(span, format!("`{text}` is neither an address nor a network"))
            .label(format!("it has bits behind its prefix of {}", parsed.prefix))
            .help(format!("did you mean the address `{address}` or the network `{base}/{}`?", parsed.prefix));
        return None;
    }
    Some(parsed)
}

impl Network {
    /// The network's first address.
    fn base(self) -> IpAddr {
        let bits = u128::from_be_bytes(tagout_engine::image::network(self.address, self.prefix));
        match self.address {
            IpAddr::V4(_) => IpAddr::V4(((bits >> 96) as u32).into()),
            IpAddr::V6(_) => IpAddr::V6(bits.into()),
        }
    }
}

fn mac(node: Node<'_>, report: &mut Report<'_>) -> Option<[u8; 6]> {
    let text = node.string(report)?;
    let octet =
        |part: &str| Some(part).filter(|part| part.len() == 2).and_then(|part| u8::from_str_radix(part, 16).ok());
    let octets: Option<Vec<u8>> = text.split([':', '-']).map(octet).collect();
    let mac = octets.and_then(|octets| octets.try_into().ok());
    if mac.is_none() {
        report
            .error(node.span, format!("`{text}` is not a MAC address"))
            .expected("six octets such as \"00:1d:9c:c7:b0:70\"");
    }
    mac
}

fn ports(node: Node<'_>, report: &mut Report<'_>) -> Option<(u16, u16)> {
    if node.as_whole().is_some() {
        return node.integer("port", 0..=65535, report).map(|port| (port, port));
    }
    let text = node.string(report)?;
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let parsed = first.trim().parse().ok().zip(last.trim().parse().ok()).filter(|(first, last)| first <= last);
    if parsed.is_none() {
        report
            .error(node.span, format!("`{text}` is neither a port nor a range of ports"))
            .expected("a port such as 502, or a range such as \"1024-2047\"");
    }
    parsed
}
