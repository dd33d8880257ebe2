use std::collections::{BTreeMap, BTreeSet};

use tagout_engine::image::{self, Class, Extent, network, part};

use crate::diagnostic::Report;
use crate::model::{Network, Selector};
use crate::source::{Span, Spanned};

/// A selector as the image has it.
pub(crate) struct Arranged {
    pub(crate) class: Class,
    pub(crate) record: image::Selector,
    span: Span,
}

/// All selectors of a table in the order of the image. `owners` are numbered in their order.
pub(crate) fn arrange<'s>(owners: impl Iterator<Item = &'s [Selector]>) -> Vec<Arranged> {
    let mut all: Vec<_> = (0_u16..)
        .zip(owners)
        .flat_map(|(owner, selectors)| selectors.iter().map(move |selector| arranged(owner, selector)))
        .collect();
    all.sort_by_key(|one| (std::cmp::Reverse(one.class.specificity()), one.record.order(), one.span));
    all
}

/// Unit ids by which a Modbus server on TCP is asked itself, whatever its own is (Messaging on TCP/IP Implementation Guide
/// V1.0b, 4.4.1.2).
const OWN_UNITS: [u8; 2] = [0, 255];
/// The link address that every DNP3 outstation takes for its own (IEEE 1815-2012, 9.2.5.2.2).
const SELF_ADDRESS: u16 = 0xFFFC;

/// The selectors of devices, and for one that is alone at its IP address also those under which it answers besides: what
/// is told to it must not go unjudged for being told by another of its names.
pub(crate) fn with_own<'s>(devices: impl Iterator<Item = &'s [Selector]> + Clone) -> Vec<Vec<Selector>> {
    let mut owners: BTreeMap<Host, BTreeSet<usize>> = BTreeMap::new();
    for (owner, selector) in
        devices.clone().enumerate().flat_map(|(owner, all)| all.iter().map(move |one| (owner, one)))
    {
        for host in hosts(selector) {
            owners.entry(host).or_default().insert(owner);
        }
    }
    let is_alone = |selector: &&Selector| {
        let mut hosts = hosts(selector).peekable();
        hosts.peek().is_some() && hosts.all(|host| owners[&host].len() == 1)
    };
    let mut arranged = Vec::new();
    for own in devices {
        let mut all = own.to_vec();
        for other in own.iter().filter(is_alone).flat_map(other_names) {
            if all.iter().all(|known| !is_same(known, &other)) {
                all.push(other);
            }
        }
        arranged.push(all);
    }
    arranged
}

/// Where a device is asked, and whether by DNP3.
type Host = (std::net::IpAddr, Option<[u8; 6]>, Option<u16>, Option<(u16, u16)>, bool);

/// The hosts of a selector: as many as protocols in which it may be asked; none without an IP address of its own.
fn hosts(selector: &Selector) -> impl Iterator<Item = Host> + use<> {
    let Selector { ip, mac, vlan, port, unit, link, .. } = *selector;
    // Serial lines have no address of their own.
    let is_host =
        |&Network { address, prefix }: &Network| prefix == Network::full_prefix(address) && !address.is_unspecified();
    let protocols = [(false, link.is_none()), (true, unit.is_none())];
    let at = ip.filter(is_host).map(|network| network.address);
    at.into_iter().flat_map(move |address| {
        protocols.into_iter().filter(|(_, asked)| *asked).map(move |(dnp3, _)| (address, mac, vlan, port, dnp3))
    })
}

fn other_names(selector: &Selector) -> Vec<Selector> {
    let units = OWN_UNITS.map(|unit| Selector { unit: Some(unit), ..*selector });
    let link = Selector { link: Some(SELF_ADDRESS), ..*selector };
    match (selector.unit, selector.link) {
        (Some(_), None) => units.to_vec(),
        (None, Some(_)) => vec![link],
        _ => Vec::new(),
    }
}

fn is_same(one: &Selector, other: &Selector) -> bool {
    let parts = |selector: &Selector| {
        let Selector { ip, mac, vlan, port, unit, link, .. } = *selector;
        (ip, mac, vlan, port, unit, link)
    };
    parts(one) == parts(other)
}

fn arranged(owner: u16, selector: &Selector) -> Arranged {
    let family = selector.ip.map_or(0, |ip| if ip.address.is_ipv4() { part::IPV4 } else { part::IPV6 });
    let asked = [
        (selector.mac.is_some(), part::MAC),
        (selector.vlan.is_some(), part::VLAN),
        (selector.port.is_some(), part::PORT),
        (selector.unit.is_some(), part::UNIT),
        (selector.link.is_some(), part::LINK),
    ];
    let parts = asked.iter().filter(|(asked, _)| *asked).fold(family, |parts, (_, part)| parts | part);
    let prefix = selector.ip.map_or(0, |ip| ip.prefix);
    let (first, last) = selector.port.unwrap_or((0, u16::MAX));
    let record = image::Selector {
        ip: selector.ip.map_or([0; 16], |Network { address, prefix }| network(address, prefix)),
        mac: selector.mac.unwrap_or_default(),
        vlan: selector.vlan.unwrap_or_default().into(),
        unit: selector.unit.unwrap_or_default(),
        link: selector.link.unwrap_or_default().into(),
        port_first: first.into(),
        port_last: last.into(),
        owner: owner.into(),
    };
    let selectors = Extent { first: 0.into(), count: 0.into() };
    Arranged { class: Class { parts, prefix, selectors }, record, span: selector.span }
}

/// Reports selectors between which nothing decides: they ask for the same parts, and one endpoint can match both.
pub(crate) fn check(arranged: &[Arranged], names: &[&Spanned<String>], report: &mut Report<'_>) {
    for (a, b) in arranged.iter().zip(arranged.iter().skip(1)) {
        if meet(a, b) {
            let (first, second) = if a.span <= b.span { (a, b) } else { (b, a) };
            conflict(first, second, names, report);
        }
    }
}

fn meet(a: &Arranged, b: &Arranged) -> bool {
    let alike = a.class.specificity() == b.class.specificity() && a.record.key() == b.record.key();
    alike && b.record.port_first.get() <= a.record.port_last.get()
}

fn conflict(first: &Arranged, second: &Arranged, names: &[&Spanned<String>], report: &mut Report<'_>) {
    let name = |one: &Arranged| names[usize::from(one.record.owner.get())].value.as_str();
    let message = if first.record.owner == second.record.owner {
        format!("`{}` has this address twice", name(second))
    } else {
        format!("`{}` and `{}` have the same address", name(first), name(second))
    };
    report.error(second.span, message).label("nothing tells these apart").related(first.span, "the first is here");
}
