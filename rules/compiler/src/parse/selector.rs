use std::net::IpAddr;

use crate::diagnostic::Report;
use crate::model::{Network, Selector};
use crate::node::{Entry, Fields, Node};
use crate::source::Span;

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
}

/// Where an actor sits: anything that the wire tells of a client.
pub(super) fn actor(entry: &Entry<'_>, fields: &mut Fields<'_>, report: &mut Report<'_>) -> Vec<Selector> {
    const KEYS: [&str; 5] = ["ip", "mac", "vlan", "port", "link"];
    collect(entry, fields, &KEYS, "an actor", "`ip`, `mac`, `vlan`, `port` or `link`", |_| true, report)
}

/// Where a device sits: as an actor, or behind a gateway's address by its unit id.
pub(super) fn device(entry: &Entry<'_>, fields: &mut Fields<'_>, report: &mut Report<'_>) -> Vec<Selector> {
    const KEYS: [&str; 6] = ["ip", "port", "mac", "vlan", "unit", "link"];
    let located = |selector: &Selector| selector.ip.is_some() || selector.mac.is_some() || selector.link.is_some();
    collect(entry, fields, &KEYS, "a device", "`ip`, `mac` or `link`", located, report)
}

/// The selectors in the table itself and in its `selectors`.
fn collect(
    entry: &Entry<'_>,
    fields: &mut Fields<'_>,
    keys: &[&str],
    what: &'static str,
    needed: &str,
    enough: impl Fn(&Selector) -> bool,
    report: &mut Report<'_>,
) -> Vec<Selector> {
    let mut asked = keys.iter().filter(|key| fields.has(key)).count();
    let mut selectors = parts(fields, keys, report).combine(entry.key, report);
    let more = fields.take("selectors").and_then(|more| more.node.array("an array of tables", report));
    for node in more.into_iter().flatten() {
        let Some(mut table) = node.table("a selector", report) else { continue };
        asked += 1;
        selectors.extend(parts(&mut table, keys, report).combine(node.span, report));
        table.finish(keys, report);
    }
    if asked == 0 || !selectors.iter().all(enough) {
        report.error(entry.key, format!("{what} without an address")).label(format!("needs {needed}"));
    }
    selectors
}

fn parts(fields: &mut Fields<'_>, keys: &[&str], report: &mut Report<'_>) -> Parts {
    let mut parts = Parts::default();
    for key in keys {
        let Some(entry) = fields.take(key) else { continue };
        for node in entry.node.one_or_more(report) {
            part(&mut parts, key, node, report);
        }
    }
    parts
}

fn part(parts: &mut Parts, key: &str, node: Node<'_>, report: &mut Report<'_>) {
    let span = node.span;
    match key {
        "ip" => parts.ip.extend(network(node, report).map(|network| (network, span))),
        "mac" => parts.mac.extend(mac(node, report).map(|mac| (mac, span))),
        "vlan" => parts.vlan.extend(node.integer("VLAN id", 1..=4094, report).map(|vlan| (vlan, span))),
        "port" => parts.port.extend(ports(node, report).map(|ports| (ports, span))),
        "unit" => parts.unit.extend(node.integer("unit id", 0..=255, report).map(|unit| (unit, span))),
        _ => parts.link.extend(node.integer("link address", 0..=65535, report).map(|link| (link, span))),
    }
}

impl Parts {
    /// Every combination of the alternatives. Nothing when no part was given, or none was right.
    fn combine(self, span: Span, report: &mut Report<'_>) -> Vec<Selector> {
        let sizes = [self.ip.len(), self.mac.len(), self.vlan.len(), self.port.len(), self.unit.len(), self.link.len()];
        if sizes.iter().all(|size| *size == 0) {
            return Vec::new();
        }
        let count: usize = sizes.iter().map(|size| (*size).max(1)).product();
        if count > MOST {
            let found = format!("these lists combine to {count} selectors");
            report.error(span, found).expected(format!("at most {MOST}"));
            return Vec::new();
        }
        let none = Selector { span, ip: None, mac: None, vlan: None, port: None, unit: None, link: None };
        let all = cross(vec![none], &self.link, |selector, link| selector.link = Some(link));
        let all = cross(all, &self.unit, |selector, unit| selector.unit = Some(unit));
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
    let text = node.string(report)?;
    let (address, prefix) = text.split_once('/').map_or((text, None), |(address, prefix)| (address, Some(prefix)));
    let parsed = address.parse::<IpAddr>().ok().and_then(|address| {
        let full = if address.is_ipv4() { 32 } else { 128 };
        let prefix = prefix.map_or(Some(full), |prefix| prefix.parse().ok())?;
        (prefix <= full).then_some(Network { address, prefix })
    });
    let Some(parsed) = parsed else {
        report.error(node.span, format!("`{text}` is not an IP address")).expected(NETWORK);
        return None;
    };
    let base = parsed.base();
    if base != parsed.address {
        report
            .error(node.span, format!("`{text}` is neither an address nor a network"))
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
            .error(node.span, format!("`{text}` is not a range of ports"))
            .expected("a port such as 502, or a range such as \"1024-2047\"");
    }
    parsed
}
