//! Selectors of actors and devices.

use core::net::IpAddr;

use zerocopy::little_endian::U16;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use super::{Extent, network, record};
use crate::Endpoint;

/// Bits of [`Class::parts`].
pub mod part {
    /// An IPv4 address or network.
    pub const IPV4: u8 = 1;
    /// An IPv6 address or network.
    pub const IPV6: u8 = 2;
    /// A MAC address.
    pub const MAC: u8 = 4;
    /// A VLAN id.
    pub const VLAN: u8 = 8;
    /// A range of ports.
    pub const PORT: u8 = 16;
    /// A Modbus unit id.
    pub const UNIT: u8 = 32;
    /// A DNP3 link address.
    pub const LINK: u8 = 64;
    /// All of them.
    pub const ALL: u8 = 127;
}

record! {
    /// Selectors that ask for the same parts of an endpoint, sorted by [`Selector::order`]; no two of them match the
    /// same endpoint.
    Class {
        /// The parts asked for: bits of [`part`].
        parts: u8,
        /// How many leading bits of the IP address count.
        prefix: u8,
        /// The selectors.
        selectors: Extent,
    }
}

impl Class {
    /// What decides between selectors that match the same endpoint; the greater wins. In this order: a DNP3 link
    /// address, a Modbus unit id, a full IP address, a MAC address, the longer network prefix, a port, a VLAN.
    pub fn specificity(&self) -> [u8; 8] {
        let has = |part: u8| u8::from(self.parts & part != 0);
        let full = u8::from(self.prefix == self.longest_prefix() && self.parts & (part::IPV4 | part::IPV6) != 0);
        let family = self.parts & (part::IPV4 | part::IPV6);
        [has(part::LINK), has(part::UNIT), full, has(part::MAC), self.prefix, has(part::PORT), has(part::VLAN), family]
    }

    /// The prefix length of a full address of the class's family; 0 without an IP part.
    pub fn longest_prefix(&self) -> u8 {
        match self.parts & (part::IPV4 | part::IPV6) {
            part::IPV4 => 32,
            part::IPV6 => 128,
            _ => 0,
        }
    }

    /// The parts of `at` that this class asks for, as a selector of one port; `None` when one is missing.
    pub fn probe(&self, at: &Endpoint) -> Option<Selector> {
        let asks = |part: u8| self.parts & part != 0;
        let port = if asks(part::PORT) { at.port? } else { 0 };
        Some(Selector {
            ip: self.network(at.ip)?,
            mac: if asks(part::MAC) { at.mac?.0 } else { [0; 6] },
            vlan: if asks(part::VLAN) { at.vlan? } else { 0 }.into(),
            unit: if asks(part::UNIT) { at.unit? } else { 0 },
            link: if asks(part::LINK) { at.link? } else { 0 }.into(),
            port_first: port.into(),
            port_last: port.into(),
            owner: 0.into(),
        })
    }

    fn network(&self, ip: Option<IpAddr>) -> Option<[u8; 16]> {
        match self.parts & (part::IPV4 | part::IPV6) {
            0 => Some([0; 16]),
            part::IPV4 => Some(network(ip.filter(IpAddr::is_ipv4)?, self.prefix)),
            _ => Some(network(ip.filter(IpAddr::is_ipv6)?, self.prefix)),
        }
    }
}

record! {
    /// What an endpoint must look like; parts that the class does not ask for are zero, the ports 0 to 65535.
    Selector {
        /// Network address, left-aligned, bits behind the class's prefix zero.
        ip: [u8; 16],
        /// MAC address.
        mac: [u8; 6],
        /// VLAN id.
        vlan: U16,
        /// Modbus unit id.
        unit: u8,
        /// DNP3 link address.
        link: U16,
        /// First port.
        port_first: U16,
        /// Last port.
        port_last: U16,
        /// Number of the actor or device that it selects.
        owner: U16,
    }
}

/// Everything of a [`Selector`] that must be equal.
pub type Key = ([u8; 16], [u8; 6], u16, u8, u16);

impl Selector {
    /// Everything that must be equal.
    pub fn key(&self) -> Key {
        (self.ip, self.mac, self.vlan.get(), self.unit, self.link.get())
    }

    /// The order of the selectors in a class.
    pub fn order(&self) -> (Key, u16) {
        (self.key(), self.port_first.get())
    }
}
