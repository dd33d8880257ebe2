//! What a gateway needs to know of its site beside the policy.

use core::net::{Ipv4Addr, SocketAddrV4};

use heapless::{String, Vec};
use serde::{Deserialize, Serialize};

use crate::identity::Identity;
use crate::refusal::ensure;

/// Bytes of the longest host name (RFC 1123, 2.1, holds names of one label to 63).
pub const HOST_NAME: usize = tagout_core::words::HOST_MOST;
/// Collectors at most: a primary and a secondary.
pub const COLLECTORS: usize = 2;
/// Networks of managers at most.
pub const MANAGERS: usize = 8;
/// Serial lines at most.
pub const SERIAL_LINES: usize = 4;

/// What a gateway needs to know of its site beside the policy. It travels in the signed package with the policy,
/// encoded by postcard. A gateway itself speaks IPv4 only.
#[derive(Serialize, Deserialize, Clone, PartialEq, Eq, Debug)]
pub struct Settings {
    /// What the gateway calls itself in syslog: one label of letters, digits and hyphens.
    pub host_name: String<HOST_NAME>,
    /// Where it can be reached, and where it reaches others from.
    pub management: Management,
    /// Where alerts go: the primary first.
    pub collectors: Vec<Collector, COLLECTORS>,
    /// Whom to ask for the time by SNTP (RFC 4330).
    pub time_server: Option<SocketAddrV4>,
    /// Who may talk to the update port; empty: anybody.
    pub managers: Vec<Network, MANAGERS>,
    /// The TCP port for updates and status.
    pub update_port: u16,
    /// Seconds between two heartbeats, at least 1.
    pub heartbeat_s: u32,
    /// Serial lines to listen on.
    pub serial_lines: Vec<SerialLine, SERIAL_LINES>,
    /// Where the times of mirrored frames come from.
    pub tap_times: TapTimes,
}

/// Where the gateway's own addresses sit.
#[derive(Serialize, Deserialize, Clone, Copy, PartialEq, Eq, Debug)]
pub enum Management {
    /// Nowhere: it can only be flashed.
    None,
    /// On the port that also receives the mirrored frames.
    TapPort(Interface),
    /// On a port of its own; on a board with one port, there.
    OwnPort(Interface),
}

/// The management interface.
#[derive(Serialize, Deserialize, Clone, Copy, PartialEq, Eq, Debug)]
pub struct Interface {
    /// In place of the MAC address that was flashed with the board's identity.
    pub mac: Option<[u8; 6]>,
    /// How it gets its address.
    pub address: Address,
}

/// How an interface gets its address.
#[derive(Serialize, Deserialize, Clone, Copy, PartialEq, Eq, Debug)]
pub enum Address {
    /// From a DHCP server.
    Dhcp,
    /// As it stands here.
    Static {
        /// The interface's address and the length of its network's prefix.
        network: Network,
        /// Where datagrams for other networks go.
        gateway: Option<Ipv4Addr>,
    },
}

/// An address with the length of its network's prefix.
#[derive(Serialize, Deserialize, Clone, Copy, PartialEq, Eq, Debug)]
pub struct Network {
    /// An address of the network.
    pub ip: Ipv4Addr,
    /// Leading bits that all its addresses share, at most 32.
    pub prefix: u8,
}

impl Network {
    /// Whether `ip` belongs to the network.
    pub const fn contains(&self, ip: Ipv4Addr) -> bool {
        (self.ip.to_bits() ^ ip.to_bits()).leading_zeros() >= self.prefix as u32
    }

    /// Whether the prefix is no longer than the address.
    pub const fn is_valid(&self) -> bool {
        self.prefix <= 32
    }
}

/// A syslog server.
#[derive(Serialize, Deserialize, Clone, Copy, PartialEq, Eq, Debug)]
pub struct Collector {
    /// Where it listens.
    pub at: SocketAddrV4,
    /// How it wants messages.
    pub transport: Transport,
}

/// How syslog messages travel.
#[derive(Serialize, Deserialize, Clone, Copy, PartialEq, Eq, Debug)]
#[serde(rename_all = "kebab-case")]
pub enum Transport {
    /// One in a datagram (RFC 5426).
    Udp,
    /// With octet counting (RFC 6587, 3.4.1).
    Tcp,
}

/// A serial line to listen on.
#[derive(Serialize, Deserialize, Clone, Copy, PartialEq, Eq, Debug)]
pub struct SerialLine {
    /// Which of the board's lines, from 1.
    pub number: u8,
    /// What it carries.
    pub framing: SerialFraming,
    /// Bits a second.
    pub baud: u32,
    /// The parity bit of its characters.
    pub parity: Parity,
}

/// What a serial line carries.
#[derive(Serialize, Deserialize, Clone, Copy, PartialEq, Eq, Debug)]
#[serde(rename_all = "kebab-case")]
pub enum SerialFraming {
    /// Modbus RTU.
    Rtu,
    /// Modbus ASCII.
    Ascii,
    /// DNP3.
    Dnp3,
}

/// The parity bit of a character.
#[derive(Serialize, Deserialize, Clone, Copy, PartialEq, Eq, Debug)]
#[serde(rename_all = "kebab-case")]
pub enum Parity {
    /// No such bit.
    None,
    /// An even number of ones.
    Even,
    /// An odd number of ones.
    Odd,
}

/// Where the times of mirrored frames come from.
#[derive(Serialize, Deserialize, Clone, Copy, PartialEq, Eq, Debug)]
#[serde(rename_all = "kebab-case")]
pub enum TapTimes {
    /// From the gateway's own clock.
    Own,
    /// From the header with EtherType 0xd28b that Arista's switches put behind the addresses of mirrored frames.
    Arista,
}

/// Baud rates between which the silence that ends a frame can be told from the time within it.
const BAUD: core::ops::RangeInclusive<u32> = 300..=1_000_000;

impl Settings {
    /// Reads settings as the package holds them.
    ///
    /// # Errors
    /// What is wrong with them, as a sentence without its start.
    pub fn read(bytes: &[u8]) -> Result<Self, &'static str> {
        let (settings, rest) = postcard::take_from_bytes::<Self>(bytes).map_err(|_| "cannot be decoded")?;
        if !rest.is_empty() {
            return Err("bytes behind the last of them");
        }
        settings.check()?;
        Ok(settings)
    }

    /// Writes settings as the package holds them, to the start of `bytes`; `None` if there is no room.
    pub fn write<'b>(&self, bytes: &'b mut [u8]) -> Option<&'b mut [u8]> {
        postcard::to_slice(self, bytes).ok()
    }

    /// Checks what the types leave open.
    ///
    /// # Errors
    /// What is wrong, as a sentence without its start.
    pub fn check(&self) -> Result<(), &'static str> {
        let named = |name: &str| {
            let inner = |octet: u8| octet.is_ascii_alphanumeric() || octet == b'-';
            !name.is_empty() && !name.starts_with('-') && !name.ends_with('-') && name.bytes().all(inner)
        };
        let lines = &self.serial_lines;
        let twice = |line: &SerialLine| lines.iter().filter(|other| other.number == line.number).count() > 1;
        ensure(named(&self.host_name), "the host name is not one label of letters, digits and hyphens")?;
        ensure(self.address_is_valid(), "the address is no host's, or its prefix longer than it is")?;
        ensure(self.managers.iter().all(Network::is_valid), "a manager's prefix is longer than its address")?;
        ensure(self.collectors.iter().all(|collector| collector.at.port() != 0), "a collector's port is 0")?;
        ensure(self.time_server.is_none_or(|server| server.port() != 0), "the time server's port is 0")?;
        ensure(self.update_port != 0, "the update port is 0")?;
        ensure(self.heartbeat_s != 0, "there are no seconds between heartbeats")?;
        ensure(lines.iter().all(|line| BAUD.contains(&line.baud)), "a baud rate is not within 300 to 1,000,000")?;
        ensure(!lines.iter().any(|line| line.number == 0 || twice(line)), "a serial line's number is 0 or there twice")
    }

    /// The management interface, if there is one.
    pub const fn interface(&self) -> Option<&Interface> {
        match &self.management {
            Management::None => None,
            Management::TapPort(interface) | Management::OwnPort(interface) => Some(interface),
        }
    }

    /// The MAC address of the port that receives mirrored frames: another than was flashed where the management interface
    /// sits there too and has one of its own.
    pub const fn tap_mac(&self, identity: &Identity) -> [u8; 6] {
        match self.management {
            Management::TapPort(Interface { mac: Some(mac), .. }) => mac,
            _ => identity.tap_mac(),
        }
    }

    fn address_is_valid(&self) -> bool {
        match self.interface().map(|interface| interface.address) {
            Some(Address::Static { network, .. }) => {
                let is_group = network.ip.is_multicast() || network.ip.is_broadcast();
                network.is_valid() && !is_group && !network.ip.is_unspecified()
            }
            Some(Address::Dhcp) | None => true,
        }
    }

    /// Whether whoever sits at `ip` may talk to the update port.
    pub fn admits(&self, ip: Ipv4Addr) -> bool {
        self.managers.is_empty() || self.managers.iter().any(|network| network.contains(ip))
    }
}

impl Default for Settings {
    /// As a gateway comes up that no package is in force on: reachable by DHCP on a port of its own, silent.
    fn default() -> Self {
        Self {
            host_name: String::try_from("tagout").unwrap_or_default(),
            management: Management::OwnPort(Interface { mac: None, address: Address::Dhcp }),
            collectors: Vec::new(),
            time_server: None,
            managers: Vec::new(),
            update_port: UPDATE_PORT,
            heartbeat_s: 60,
            serial_lines: Vec::new(),
            tap_times: TapTimes::Own,
        }
    }
}

/// Where gateways take updates unless their settings name another port.
pub const UPDATE_PORT: u16 = 7355;

#[cfg(test)]
#[allow(clippy::expect_used, clippy::indexing_slicing, clippy::unwrap_used)]
mod tests {
    use super::*;

    fn settings() -> Settings {
        Settings {
            host_name: String::try_from("gw-7").unwrap(),
            management: Management::TapPort(Interface {
                mac: Some([2, 0, 0, 0, 0, 7]),
                address: Address::Static {
                    network: Network { ip: [192, 0, 2, 7].into(), prefix: 24 },
                    gateway: Some([192, 0, 2, 1].into()),
                },
            }),
            collectors: Vec::from_array([Collector {
                at: SocketAddrV4::new([192, 0, 2, 9].into(), 514),
                transport: Transport::Tcp,
            }]),
            time_server: Some(SocketAddrV4::new([192, 0, 2, 1].into(), 123)),
            managers: Vec::from_array([Network { ip: [192, 0, 2, 0].into(), prefix: 28 }]),
            serial_lines: Vec::from_array([SerialLine {
                number: 1,
                framing: SerialFraming::Rtu,
                baud: 19_200,
                parity: Parity::Even,
            }]),
            ..Settings::default()
        }
    }

    #[test]
    fn what_was_written_is_read() {
        let mut bytes = [0; 512];
        let written = settings().write(&mut bytes).unwrap();
        assert_eq!(Settings::read(written), Ok(settings()));
    }

    #[test]
    fn what_is_cut_off_or_longer_is_refused() {
        let mut bytes = [0; 512];
        let len = settings().write(&mut bytes).unwrap().len();
        for cut in 0..len {
            assert!(Settings::read(&bytes[..cut]).is_err(), "{cut} bytes");
        }
        assert_eq!(Settings::read(&bytes[..=len]), Err("bytes behind the last of them"));
    }

    #[test]
    fn what_cannot_be_is_refused() {
        type Change = fn(&mut Settings);
        let cases: [(Change, &str); 6] = [
            (|settings| settings.host_name = String::try_from("a b").unwrap(), "host name"),
            (|settings| settings.host_name = String::try_from("-a").unwrap(), "host name"),
            (|settings| settings.managers[0].prefix = 33, "manager"),
            (|settings| settings.heartbeat_s = 0, "heartbeats"),
            (|settings| settings.serial_lines[0].baud = 110, "baud"),
            (|settings| settings.serial_lines.push(settings.serial_lines[0]).unwrap(), "twice"),
        ];
        for (change, fault) in cases {
            let mut wrong = settings();
            change(&mut wrong);
            let found = wrong.check().unwrap_err();
            assert!(found.contains(fault), "{found}");
        }
        assert_eq!(settings().check(), Ok(()));
    }

    #[test]
    fn managers_are_told_by_their_networks() {
        let settings = settings();
        assert!(settings.admits([192, 0, 2, 15].into()));
        assert!(!settings.admits([192, 0, 2, 16].into()));
        assert!(Settings::default().admits([203, 0, 113, 1].into()));
    }

    #[test]
    fn a_mac_address_of_the_settings_stands_for_the_flashed_one_where_there_is_one_port() {
        let identity = Identity::new([[0; 32]; 2], [[2, 0, 0, 0, 0, 1], [2, 0, 0, 0, 0, 2]], "");
        let interface = Interface { mac: Some([2, 0, 0, 0, 0, 7]), address: Address::Dhcp };
        let mac = |management| Settings { management, ..Settings::default() }.tap_mac(&identity);
        assert_eq!(mac(Management::TapPort(interface)), [2, 0, 0, 0, 0, 7]);
        assert_eq!(mac(Management::TapPort(Interface { mac: None, ..interface })), [2, 0, 0, 0, 0, 1]);
        assert_eq!(mac(Management::OwnPort(interface)), [2, 0, 0, 0, 0, 1]);
    }

    #[test]
    fn a_prefix_of_nothing_holds_all() {
        let all = Network { ip: [0, 0, 0, 0].into(), prefix: 0 };
        assert!(all.contains([255, 0, 0, 1].into()));
    }
}
