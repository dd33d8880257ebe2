//! Actors and devices that nothing can be, because others are more specific wherever they would match.

use std::collections::HashMap;

use crate::diagnostic::Report;
use crate::model::{Device, Model, Network, Selector};
use crate::source::Spanned;

/// Warns of actors and devices all of whose selectors lie within networks of others that are more specific.
pub(super) fn shadowed(model: &Model, report: &mut Report<'_>) {
    let actors: Vec<_> = model.actors.iter().map(|actor| (&actor.name, actor.selectors.as_slice())).collect();
    let devices: Vec<_> = model.devices.iter().map(|device| (&device.name, Device::selectors(device))).collect();
    all(&actors, "actor", report);
    all(&devices, "device", report);
}

type Owner<'m> = (&'m Spanned<String>, &'m [Selector]);

/// What a selector asks for beside the network.
type Rest = (Option<[u8; 6]>, Option<u16>, Option<(u16, u16)>, Option<u8>, Option<u16>);

fn all(owners: &[Owner<'_>], what: &str, report: &mut Report<'_>) {
    let mut networks: HashMap<Rest, Vec<(usize, Range)>> = HashMap::new();
    for (owner, (_, selectors)) in owners.iter().enumerate() {
        for selector in *selectors {
            let Some(range) = selector.ip.map(Range::of) else { continue };
            networks.entry(rest(selector)).or_default().push((owner, range));
        }
    }
    networks.values_mut().for_each(|networks| networks.sort_by_key(|(_, range)| (range.first, range.last)));
    for (owner, (name, selectors)) in owners.iter().enumerate() {
        let covered = |selector: &Selector| {
            selector.ip.zip(networks.get(&rest(selector))).is_some_and(|(ip, all)| covered(owner, Range::of(ip), all))
        };
        if !selectors.is_empty() && selectors.iter().all(covered) {
            report
                .warning(name.span, format!("nothing can be the {what} `{}`", name.value))
                .label(format!("other {what}s have all of its addresses, and are more specific"))
                .help(format!("take `{}` out, or give it an address that no other {what} has", name.value));
        }
    }
}

fn rest(selector: &Selector) -> Rest {
    (selector.mac, selector.vlan, selector.port, selector.unit, selector.link)
}

/// The addresses of a network, as the leading bits of 128.
#[derive(Clone, Copy, PartialEq)]
struct Range {
    is_ipv4: bool,
    first: u128,
    last: u128,
}

impl Range {
    fn of(network: Network) -> Self {
        let first = u128::from_be_bytes(tagout_engine::image::network(network.address, network.prefix));
        let hosts = u128::MAX.checked_shr(network.prefix.into()).unwrap_or(0);
        Self { is_ipv4: network.address.is_ipv4(), first, last: first | hosts }
    }

    fn holds(self, other: Self) -> bool {
        self != other && self.is_ipv4 == other.is_ipv4 && self.first <= other.first && other.last <= self.last
    }
}

/// Whether smaller networks of others leave no address of a network; all are sorted by their first address.
fn covered(owner: usize, network: Range, all: &[(usize, Range)]) -> bool {
    let start = all.partition_point(|(_, range)| range.first < network.first);
    let within = all[start..].iter().take_while(|(_, range)| range.first <= network.last);
    let mut last = None;
    for (_, range) in within.filter(|(other, range)| *other != owner && network.holds(*range)) {
        let next = last.map_or(Some(network.first), |last: u128| last.checked_add(1));
        if next.is_some_and(|next| range.first > next) {
            return false;
        }
        last = last.max(Some(range.last));
    }
    last == Some(network.last)
}
