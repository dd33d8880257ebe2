//! The plant that generated captures come from: who is where, on which kind of network.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use tagout::policy::Sources;
use tagout_compiler::{Compiled, SourceFile, compile};

use crate::generate::{Endpoint, Network};

/// A plant protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Protocol {
    /// Modbus/TCP, and the same framing over UDP.
    Modbus,
    /// DNP3.
    Dnp3,
}

impl Protocol {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Modbus, Self::Dnp3];

    /// The name in policies and cases.
    pub fn name(self) -> &'static str {
        match self {
            Self::Modbus => "modbus",
            Self::Dnp3 => "dnp3",
        }
    }

    /// The port that servers listen on unless told otherwise.
    pub fn default_port(self) -> u16 {
        match self {
            Self::Modbus => 502,
            Self::Dnp3 => 20_000,
        }
    }
}

/// The networks that every case runs over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Lan {
    /// IPv4, untagged.
    Ipv4,
    /// IPv6, untagged.
    Ipv6,
    /// IPv4 in one VLAN.
    Vlan,
    /// IPv6 in a VLAN within a service VLAN.
    QinqIpv6,
}

impl Lan {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Ipv4, Self::Ipv6, Self::Vlan, Self::QinqIpv6];

    /// The name in test names.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ipv4 => "ipv4",
            Self::Ipv6 => "ipv6",
            Self::Vlan => "vlan",
            Self::QinqIpv6 => "qinq-ipv6",
        }
    }

    /// Its tags.
    pub fn network(self) -> Network {
        let vlans = match self {
            Self::Ipv4 | Self::Ipv6 => vec![],
            Self::Vlan => vec![110],
            Self::QinqIpv6 => vec![2000, 110],
        };
        Network { vlans }
    }

    /// A host of the plant: 10.0.0.`host` or fd00::`host`, with a MAC of the same number.
    pub fn endpoint(self, host: u8, port: u16) -> Endpoint {
        let ip = match self {
            Self::Ipv4 | Self::Vlan => IpAddr::V4(Ipv4Addr::new(10, 0, 0, host)),
            Self::Ipv6 | Self::QinqIpv6 => IpAddr::V6(Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0, host.into())),
        };
        Endpoint { mac: [2, 0, 0, 0, 0, host], ip, port }
    }
}

/// Host number of the device.
pub const DEVICE: u8 = 0x10;
/// Host number of the AI agent, which the policy lets read everything and write a little.
pub const AGENT: u8 = 0x20;
/// Host number of the operator's panel, which the policy lets read.
pub const PANEL: u8 = 0x30;
/// Host number of a server that the policy does not name.
pub const STRANGER: u8 = 0x40;
/// Link address of the agent as DNP3 master; other masters count up from it.
pub const MASTER: u16 = 1;

/// The text of the plant's policy.
pub const POLICY: &str = include_str!("../cases/disturbances/policy.toml");

/// The plant's policy, `cases/disturbances/policy.toml`.
///
/// # Panics
/// If it does not compile.
pub fn policy() -> Compiled {
    compiled(&[("policy.toml", POLICY)]).1
}

/// A policy in files, each with its name and its text.
///
/// # Panics
/// If it does not compile.
pub fn compiled(files: &[(&str, &str)]) -> (Sources, Compiled) {
    let files: Vec<_> = files.iter().map(|(name, text)| SourceFile::new(*name, *text)).collect();
    let compiled = compile(&files).unwrap_or_else(|faults| panic!("the policy does not compile: {faults:#?}"));
    (Sources::new(files), compiled)
}
