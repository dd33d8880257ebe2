//! Which MAC address uses which IP address, and what changes of that.
//!
//! Routers stand for many IP addresses, so one MAC address with several is nothing to tell of. Addresses that routers
//! share by design (VRRP, HSRP, GLBP) move between MAC addresses all the time.

use core::net::IpAddr;

use tagout_engine::{AnomalyKind, Mac, Table, TableSlot, Timestamp};

use crate::finding::{Finding, Term};
use crate::flow::address_bits;
use crate::wire::Claim;

/// What was silent for so long is forgotten: its address may have been given to somebody else.
const FORGOTTEN_MS: u32 = 3_600_000;
/// A MAC address that uses a second IP address has moved there if it did not use the first for so long.
const QUIET_MS: u32 = 30_000;
/// Changes of one IP address are told this far apart at least.
const PAUSE_MS: u32 = 60_000;
/// Changes back and forth are told ever more rarely, up to this far apart.
const LONGEST_PAUSE_MS: u32 = 3_600_000;
/// How the MAC addresses begin that routers share: VRRP and CARP for IPv4 and IPv6 (RFC 9568, section 7.3), HSRP, HSRP
/// version 2, HSRP for IPv6, GLBP.
const SHARED: [&[u8]; 6] = [
    &[0x00, 0x00, 0x5e, 0x00, 0x01],
    &[0x00, 0x00, 0x5e, 0x00, 0x02],
    &[0x00, 0x00, 0x0c, 0x07, 0xac],
    &[0x00, 0x00, 0x0c, 0x9f],
    &[0x00, 0x05, 0x73, 0xa0],
    &[0x00, 0x07, 0xb4, 0x00],
];

/// An IP address on a VLAN.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct IpKey {
    ip: u128,
    vlan: Option<u16>,
}

/// Who uses an IP address.
#[derive(Clone, Copy, Debug, Default)]
pub struct Holder {
    mac: Mac,
    /// Who used it first, and when last: its rightful user, as far as the sensor can know.
    owner: (Mac, Timestamp),
    /// Who took it last.
    taker: Option<Mac>,
    last: Timestamp,
    /// When a change was last told of.
    told: Option<Timestamp>,
    /// How long it is only counted that `taker` takes it again.
    pause_ms: u32,
    /// How many changes were only counted since.
    unreported: u16,
}

/// A MAC address on a VLAN.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct MacKey {
    mac: Mac,
    vlan: Option<u16>,
}

/// The IPv4 address that a MAC address uses.
#[derive(Clone, Copy, Debug, Default)]
pub struct Home {
    ip: u32,
    last: Timestamp,
    /// It uses several, or has moved already.
    is_settled: bool,
}

/// An entry in the table of IP addresses in use.
pub type HolderSlot = TableSlot<IpKey, Holder>;
/// An entry in the table of MAC addresses in use.
pub type HomeSlot = TableSlot<MacKey, Home>;

/// Something about addresses that is not as it was.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Change {
    pub(crate) finding: Finding,
    /// How many went before it untold; `None` if it goes untold itself.
    pub(crate) unreported: Option<u16>,
}

/// The addresses in use. When a table is full, the entry goes that was not seen for longest.
#[derive(Debug)]
pub(crate) struct Neighbours<'s> {
    holders: Table<'s, IpKey, Holder>,
    homes: Table<'s, MacKey, Home>,
}

impl<'s> Neighbours<'s> {
    pub(crate) fn new(
        (holder_buckets, holders): (&'s mut [u32], &'s mut [HolderSlot]),
        (home_buckets, homes): (&'s mut [u32], &'s mut [HomeSlot]),
        seed: u64,
    ) -> Self {
        Self { holders: Table::new(holder_buckets, holders, seed), homes: Table::new(home_buckets, homes, seed) }
    }

    /// Takes note of who uses an address; tells what changed.
    pub(crate) fn note(&mut self, claim: &Claim, now: Timestamp) -> [Option<Change>; 2] {
        if claim.mac == Mac::default() || claim.ip.is_loopback() || claim.ip.is_unspecified() {
            return [None; 2];
        }
        [self.note_holder(claim, now), if claim.is_direct { self.note_home(claim, now) } else { None }]
    }

    fn note_holder(&mut self, claim: &Claim, now: Timestamp) -> Option<Change> {
        let key = IpKey { ip: address_bits(claim.ip), vlan: claim.vlan };
        let new = Holder { mac: claim.mac, owner: (claim.mac, now), last: now, ..Holder::default() };
        let id = self.holders.entry(key, new)?;
        let holder = self.holders.get_mut(id)?;
        if holder.last.plus_ms(FORGOTTEN_MS) < now {
            *holder = new;
        }
        holder.last = now;
        let (owner, seen) = holder.owner;
        if claim.mac == owner || claim.mac == holder.mac && seen.plus_ms(FORGOTTEN_MS) < now {
            holder.owner = (claim.mac, now);
        }
        let before = core::mem::replace(&mut holder.mac, claim.mac);
        if before == claim.mac || is_shared(before) || is_shared(claim.mac) {
            return None;
        }
        let (field, offset) = claim.mac_field;
        let finding = Finding::new(AnomalyKind::IpMacChanged, 0).at(field, offset);
        let unreported = holder.changed(now);
        Some(Change { finding: finding.because(Term::Mac(before), Term::Mac(claim.mac)), unreported })
    }

    fn note_home(&mut self, claim: &Claim, now: Timestamp) -> Option<Change> {
        let IpAddr::V4(ip) = claim.ip else { return None };
        let new = Home { ip: ip.to_bits(), last: now, is_settled: false };
        let id = self.homes.entry(MacKey { mac: claim.mac, vlan: claim.vlan }, new)?;
        let home = self.homes.get_mut(id)?;
        let before = *home;
        if before.ip == new.ip || before.is_settled || before.last.plus_ms(FORGOTTEN_MS) < now {
            *home = Home { is_settled: before.is_settled && before.last.plus_ms(FORGOTTEN_MS) >= now, ..new };
            return None;
        }
        *home = Home { is_settled: true, ..new };
        let (field, offset) = claim.ip_field;
        let finding = Finding::new(AnomalyKind::MacIpMoved, 0).at(field, offset);
        let finding = finding.because(Term::Ip(IpAddr::V4(before.ip.into())), Term::Ip(claim.ip));
        (before.last.plus_ms(QUIET_MS) <= now).then_some(Change { finding, unreported: Some(0) })
    }
}

impl Holder {
    /// Takes note of a change. If it is to be told of: how many were not, since the last that was. That the owner comes
    /// back is not.
    fn changed(&mut self, now: Timestamp) -> Option<u16> {
        let is_owner = self.mac == self.owner.0;
        let is_again = !is_owner && self.taker.replace(self.mac) == Some(self.mac);
        let pause_ms = if is_again { self.pause_ms } else { PAUSE_MS };
        if is_owner || self.told.is_some_and(|told| now < told.plus_ms(pause_ms)) {
            self.unreported = self.unreported.saturating_add(1);
            return None;
        }
        self.told = Some(now);
        self.pause_ms = pause_ms.saturating_mul(2).min(LONGEST_PAUSE_MS);
        Some(core::mem::take(&mut self.unreported))
    }
}

/// True for an address that several routers take in turn.
fn is_shared(mac: Mac) -> bool {
    SHARED.iter().any(|prefix| mac.0.starts_with(prefix))
}

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects)]
mod tests {
    extern crate std;

    use std::vec::Vec;

    use super::*;

    const A: Mac = Mac([2, 0, 0, 0, 0, 0xa]);
    const B: Mac = Mac([2, 0, 0, 0, 0, 0xb]);
    const VRRP: Mac = Mac([0, 0, 0x5e, 0, 1, 7]);

    /// Second, MAC address, last octet of the IP address, and whether there is no router between them.
    type Sight = (u64, Mac, u8, bool);

    /// Second, kind and count of the changes that are told of.
    fn told(sights: &[Sight]) -> Vec<(u64, AnomalyKind, u16)> {
        let (mut buckets, mut holders) = ([0; 8], [HolderSlot::default(); 8]);
        let (mut home_buckets, mut homes) = ([0; 8], [HomeSlot::default(); 8]);
        let mut neighbours = Neighbours::new((&mut buckets, &mut holders), (&mut home_buckets, &mut homes), 0);
        let mut told = Vec::new();
        for (second, mac, ip, is_direct) in sights.iter().copied() {
            let ip = IpAddr::from([192, 0, 2, ip]);
            let claim = Claim { ip, mac, vlan: None, target: ip, is_direct, mac_field: ("", 0), ip_field: ("", 0) };
            for change in neighbours.note(&claim, Timestamp(second * 1_000_000_000)).into_iter().flatten() {
                told.extend(change.unreported.map(|count| (second, change.finding.kind, count)));
            }
        }
        told
    }

    #[test]
    fn an_address_at_another_mac_is_told_once() {
        let failover = [(0, A, 1, false), (5, A, 1, false), (9, B, 1, false), (90, B, 1, false), (900, B, 1, false)];
        assert_eq!(told(&failover), [(9, AnomalyKind::IpMacChanged, 0)]);
    }

    #[test]
    fn an_owner_that_comes_back_is_not_told() {
        let taken = (9, AnomalyKind::IpMacChanged, 0);
        assert_eq!(told(&[(0, A, 1, false), (9, B, 1, false), (300, A, 1, false)]), [taken]);
        let again = [(0, A, 1, false), (9, B, 1, false), (300, A, 1, false), (900, B, 1, false)];
        assert_eq!(told(&again), [taken, (900, AnomalyKind::IpMacChanged, 1)]);
        let kept: Vec<Sight> = (9..4_000).step_by(300).map(|second| (second, B, 1, false)).collect();
        let kept = [&[(0, A, 1, false)], kept.as_slice(), &[(4_000, A, 1, false)]].concat();
        assert_eq!(told(&kept), [taken, (4_000, AnomalyKind::IpMacChanged, 0)], "it is another's by now");
    }

    #[test]
    fn back_and_forth_is_told_ever_more_rarely() {
        let flapping: Vec<Sight> = (0..3000).map(|n| (n, if n % 2 == 0 { A } else { B }, 1, false)).collect();
        let seconds: Vec<_> = told(&flapping).into_iter().map(|(second, _, count)| (second, count)).collect();
        assert_eq!(seconds, [(1, 0), (121, 119), (361, 239), (841, 479), (1801, 959)]);
    }

    #[test]
    fn many_macs_are_told_once_a_minute() {
        let storm: Vec<Sight> = (0..130_u64).map(|n| (n, Mac([2, 0, 0, 0, 1, n as u8]), 1, false)).collect();
        assert_eq!(told(&storm).into_iter().map(|(second, ..)| second).collect::<Vec<_>>(), [1, 61, 121]);
    }

    #[test]
    fn routers_are_many_addresses_at_one_mac_and_shared_macs_move() {
        let router: Vec<Sight> = (0..200).map(|n| (n, A, (n % 20) as u8, n % 2 == 0)).collect();
        assert_eq!(told(&router), []);
        let shared = [(0, A, 1, false), (1, VRRP, 1, false), (2, B, 1, false), (3, VRRP, 1, false)];
        assert_eq!(told(&shared), []);
    }

    #[test]
    fn an_address_that_was_silent_for_long_may_be_given_to_another() {
        assert_eq!(told(&[(0, A, 1, true), (3_601, B, 1, true), (3_602, A, 2, true)]), []);
    }

    #[test]
    fn a_mac_moves_when_it_gives_up_its_address() {
        let moved = (100, AnomalyKind::MacIpMoved, 0);
        assert_eq!(told(&[(0, A, 1, true), (60, A, 1, true), (100, A, 2, true), (200, A, 2, true)]), [moved]);
        assert_eq!(told(&[(0, A, 1, true), (100, A, 2, true), (200, A, 1, true), (300, A, 2, true)]), [moved]);
        assert_eq!(told(&[(0, A, 1, true), (1, A, 2, true), (100, A, 1, true), (200, A, 2, true)]), []);
        assert_eq!(told(&[(0, A, 1, false), (100, A, 2, false)]), [], "a router");
    }

    #[test]
    fn no_mac_is_no_claim() {
        assert_eq!(told(&[(0, A, 1, true), (1, Mac::default(), 1, true), (2, A, 1, true)]), []);
    }
}
