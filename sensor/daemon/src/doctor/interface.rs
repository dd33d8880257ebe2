use std::fs;
use std::path::{Path, PathBuf};

use super::Finding;
use crate::capture::interfaces::{self, Interface};
use crate::capture::live::{Offloads, fault};

/// Where the system keeps what interfaces are and count.
const DEVICES: &str = "/sys/class/net";
/// Frames that the card or its driver lost: they were on the wire, and nobody has them.
const LOSSES: [&str; 3] = ["rx_missed_errors", "rx_fifo_errors", "rx_over_errors"];

/// Looks at one interface as it is configured.
pub(super) fn examine(name: &str, tell: &mut impl FnMut(Finding)) {
    let about = format!("interface {name}");
    let interface = match interfaces::find(name, &interfaces::all()) {
        Ok(interface) => interface,
        Err(error) => {
            return tell(Finding::failed(
                about,
                error.to_string(),
                "`tagout interfaces` lists them: correct the name under [capture]",
            ));
        }
    };
    let device = Path::new(DEVICES).join(&interface.name);
    if interface.name == interfaces::ANY {
        return tell(Finding::ok(about, "all interfaces together"));
    }
    tell(link(&about, fault(&interface.name), &interface.name, &device));
    addresses(&about, &interface).map(&mut *tell);
    offloads(&about, &interface.name).map(&mut *tell);
    losses(&about, &device).map(tell);
}

fn link(about: &str, fault: Option<&str>, name: &str, device: &Path) -> Finding {
    if let Some(fault) = fault {
        let advice = format!(
            "ip link set {name} up; if it is up already, see whether the cable is in its place and the switch's mirror port is on"
        );
        return Finding::failed(about, format!("it {fault}"), advice);
    }
    let speed = read(device.join("speed")).filter(|speed| speed.parse::<u32>().is_ok());
    let speed = speed.map(|speed| format!(", {speed} Mb/s")).unwrap_or_default();
    Finding::ok(about, format!("up{speed}"))
}

/// With an address, this machine may answer on the mirror port, or ask there for others.
fn addresses(about: &str, interface: &Interface) -> Option<Finding> {
    if interface.loopback || interface.addresses.is_empty() {
        return None;
    }
    let (name, addresses) = (&interface.name, interface.addresses.join(", "));
    let advice = format!(
        "if it is a mirror port, take them away, so that the machine itself sends nothing there: ip addr flush dev {name}; \
         sysctl net.ipv6.conf.{name}.disable_ipv6=1"
    );
    Some(Finding::warning(about, format!("it has addresses: {addresses}"), advice))
}

/// Packets that were joined on the way are not those of the wire: evidence shows fewer and longer ones.
fn offloads(about: &str, name: &str) -> Option<Finding> {
    let Offloads { gro, lro } = Offloads::of(name).ok()?;
    let on: Vec<&str> =
        [("gro", gro), ("lro", lro)].into_iter().filter_map(|(what, is_on)| is_on.then_some(what)).collect();
    if on.is_empty() {
        return Some(Finding::ok(about, "packets come as they were on the wire (no GRO, no LRO)"));
    }
    let off = on.iter().map(|what| format!(" {what} off")).collect::<String>();
    let found = format!("the kernel joins TCP segments before they are captured ({})", on.join(" and "));
    Some(Finding::warning(about, found, format!("to have evidence show those of the wire: ethtool -K {name}{off}")))
}

fn losses(about: &str, device: &Path) -> Option<Finding> {
    let count = |what: &str| Some((what.to_owned(), read(device.join("statistics").join(what))?.parse::<u64>().ok()?));
    let lost = LOSSES.iter().filter_map(|what| count(what)).filter(|(_, count)| *count > 0);
    let lost: Vec<String> = lost.map(|(what, count)| format!("{what} {count}")).collect();
    let advice = "see whether these still grow (they count since the interface exists); if so, give it larger receive rings (ethtool -G), \
                  or take load off this machine";
    (!lost.is_empty()).then(|| Finding::warning(about, format!("it lost frames: {}", lost.join(", ")), advice))
}

fn read(path: PathBuf) -> Option<String> {
    fs::read_to_string(path).ok().map(|text| text.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Verdict;

    fn interface(addresses: &[&str]) -> Interface {
        let addresses = addresses.iter().map(ToString::to_string).collect();
        Interface { name: "eth1".to_owned(), mac: None, addresses, up: true, loopback: false }
    }

    #[test]
    fn a_mirror_port_has_a_carrier_and_no_address() {
        let device = tempfile::tempdir().unwrap();
        let link = |fault| link("eth1", fault, "eth1", device.path());
        assert_eq!((link(None).verdict, link(Some("is down")).verdict), (Verdict::Ok, Verdict::Failed));
        assert_eq!(link(Some("has no carrier")).found, "it has no carrier");
        fs::write(device.path().join("speed"), "1000\n").unwrap();
        assert_eq!(link(None).found, "up, 1000 Mb/s");
        assert_eq!(addresses("eth1", &interface(&[])), None);
        let addressed = addresses("eth1", &interface(&["192.0.2.5/24"])).unwrap();
        assert!(addressed.found.contains("192.0.2.5/24"));
    }

    #[test]
    fn what_the_card_lost_is_told() {
        let device = tempfile::tempdir().unwrap();
        assert_eq!(losses("eth1", device.path()), None);
        fs::create_dir(device.path().join("statistics")).unwrap();
        fs::write(device.path().join("statistics/rx_missed_errors"), "7\n").unwrap();
        fs::write(device.path().join("statistics/rx_fifo_errors"), "0\n").unwrap();
        assert_eq!(losses("eth1", device.path()).unwrap().found, "it lost frames: rx_missed_errors 7");
    }

    #[test]
    fn an_interface_that_is_not_there_is_told_with_those_that_are() {
        let mut told = Vec::new();
        examine("no-such-port", &mut |finding| told.push(finding));
        assert_eq!((told.len(), told[0].verdict), (1, Verdict::Failed));
        assert!(told[0].found.starts_with("there is no interface `no-such-port`; "), "{}", told[0].found);
    }
}
