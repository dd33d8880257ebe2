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
