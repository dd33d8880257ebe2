//! The machine's network interfaces.

use std::net::IpAddr;

use pnet::datalink::{self, NetworkInterface};
use serde::Serialize;

/// A network interface that frames can be captured from.
#[derive(Serialize, Clone, PartialEq, Eq, Debug)]
pub struct Interface {
    /// Name in the system, as `--interface` takes it.
    pub name: String,
    /// Link-layer address, where it has one.
    pub mac: Option<String>,
    /// Network addresses with their prefix lengths.
    pub addresses: Vec<String>,
    /// True when it is up.
    pub up: bool,
    /// True for the machine's talk with itself.
    pub loopback: bool,
}

impl From<NetworkInterface> for Interface {
    fn from(interface: NetworkInterface) -> Self {
        Self {
            mac: interface.mac.filter(|mac| !mac.is_zero()).map(|mac| mac.to_string()),
            addresses: interface.ips.iter().map(ToString::to_string).collect(),
            up: interface.is_up(),
            loopback: interface.is_loopback(),
            name: interface.name,
        }
    }
}

/// Every interface of the machine, sorted by name.
pub fn all() -> Vec<Interface> {
    let mut interfaces: Vec<Interface> = datalink::interfaces().into_iter().map(Interface::from).collect();
    interfaces.sort_by(|a, b| a.name.cmp(&b.name));
    interfaces
}

/// What is said of an interface that does not exist: the nearest names, or all of them.
#[derive(Debug, thiserror::Error)]
#[error("there is no interface `{name}`{hint}")]
pub struct NoSuchInterface {
    name: String,
    hint: String,
}

/// The name for all interfaces together.
pub(crate) const ANY: &str = "any";

/// The interface that `name` means: its name, one of its addresses, or `any` for all.
///
/// # Errors
/// When there is none.
pub fn find(name: &str, interfaces: &[Interface]) -> Result<Interface, NoSuchInterface> {
    if name == ANY {
        return Ok(Interface { name: ANY.into(), mac: None, addresses: Vec::new(), up: true, loopback: false });
    }
    let wanted: Option<IpAddr> = name.parse().ok();
    let matches = |interface: &&Interface| interface.name == name || wanted.is_some_and(|ip| interface.has(ip));
    interfaces.iter().find(matches).cloned().ok_or_else(|| NoSuchInterface::new(name, interfaces))
}

impl Interface {
    /// Whether an address, or the one that stands for all, is this interface's.
    pub(crate) fn answers_at(&self, ip: IpAddr) -> bool {
        let is_of_family = |address: &String| address.contains(':') == ip.is_ipv6();
        self.has(ip) || ip.is_unspecified() && self.addresses.iter().any(is_of_family)
    }

    fn has(&self, ip: IpAddr) -> bool {
        let ip = ip.to_string();
        self.addresses.iter().any(|address| address.split('/').next() == Some(&ip))
    }
}

impl NoSuchInterface {
    fn new(name: &str, interfaces: &[Interface]) -> Self {
        let names: Vec<&str> = interfaces.iter().map(|interface| interface.name.as_str()).collect();
        let hint = match crate::near::nearest(name, &names) {
            Some(near) => format!("; did you mean `{near}`?"),
            None => format!("; there are {}", names.join(", ")),
        };
        Self { name: name.to_owned(), hint }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn interface(name: &str, address: &str) -> Interface {
        Interface { name: name.into(), mac: None, addresses: vec![address.into()], up: true, loopback: false }
    }

    #[test]
    fn an_interface_is_found_by_name_and_by_address() {
        let interfaces = [interface("eth0", "10.0.0.1/24"), interface("enp3s0", "fe80::1/64")];
        assert_eq!(find("eth0", &interfaces).unwrap().name, "eth0");
        assert_eq!(find("fe80::1", &interfaces).unwrap().name, "enp3s0");
        assert_eq!(find("any", &interfaces).unwrap().name, "any");
    }

    #[test]
    fn a_missing_interface_is_told_with_its_neighbours() {
        let interfaces = [interface("eth0", "10.0.0.1/24"), interface("lo", "127.0.0.1/8")];
        let said = |name| find(name, &interfaces).unwrap_err().to_string();
        assert_eq!(said("eth1"), "there is no interface `eth1`; did you mean `eth0`?");
        assert_eq!(said("mirror-port"), "there is no interface `mirror-port`; there are eth0, lo");
    }
}
