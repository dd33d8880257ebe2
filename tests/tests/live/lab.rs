//! A plant network in network namespaces: PLC and HMI on a switch, and a sensor on the switch's mirror port.

use std::net::IpAddr;
use std::process::Command;
use std::{fs, io};

use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

/// The namespaces; they are removed with the value.
///
/// The switch is a bridge that never learns an address, so that each frame leaves through every other port, as it does
/// through a mirror port.
pub(crate) struct Lab {
    prefix: String,
}

const HOSTS: [&str; 3] = ["plc", "hmi", "sensor"];
const SWITCH: &str = "switch";

impl Lab {
    /// Builds the network; the error is what the system said against it.
    pub(crate) fn build(plc: [IpAddr; 2], hmi: [IpAddr; 2]) -> Result<Self, String> {
        let lab = Self { prefix: format!("tagout-{}", std::process::id()) };
        ip(&["netns", "add", &lab.name(SWITCH)])?;
        lab.silence(SWITCH)?;
        let bridge = ["type", "bridge", "ageing_time", "0", "stp_state", "0", "mcast_snooping", "0"];
        lab.ip_in(SWITCH, &[&["link", "add", "hub"], &bridge[..]].concat())?;
        lab.ip_in(SWITCH, &["link", "set", "hub", "up"])?;
        for host in HOSTS {
            lab.plug_in(host)?;
        }
        for (host, addresses) in [("plc", plc), ("hmi", hmi)] {
            for address in addresses {
                let (prefix, duplicates) = if address.is_ipv4() { (24, &[][..]) } else { (64, &["nodad"][..]) };
                let address = format!("{address}/{prefix}");
                lab.ip_in(host, &[&["address", "add", &address, "dev", "eth0"], duplicates].concat())?;
            }
        }
        Ok(lab)
    }

    pub(crate) fn in_plc<T: Send>(&self, work: impl FnOnce() -> T + Send) -> T {
        self.inside("plc", work)
    }

    pub(crate) fn in_hmi<T: Send>(&self, work: impl FnOnce() -> T + Send) -> T {
        self.inside("hmi", work)
    }

    pub(crate) fn in_sensor<T: Send>(&self, work: impl FnOnce() -> T + Send) -> T {
        self.inside("sensor", work)
    }

    /// How many frames the switch received from a host.
    pub(crate) fn frames_from(&self, host: &str) -> u64 {
        let shown = self.ip_in(SWITCH, &["-json", "-statistics", "link", "show", host]).expect("the port exists");
        let shown: serde_json::Value = serde_json::from_str(&shown).expect("ip prints JSON");
        shown[0]["stats64"]["rx"]["packets"].as_u64().expect("ip tells statistics")
    }

    /// Adds a host's namespace and joins its `eth0` to the port of the switch that bears its name.
    fn plug_in(&self, host: &str) -> Result<(), String> {
        let name = self.name(host);
        ip(&["netns", "add", &name])?;
        if host == "sensor" {
            self.silence(host)?;
        }
        self.ip_in(SWITCH, &["link", "add", host, "type", "veth", "peer", "name", "eth0", "netns", &name])?;
        self.ip_in(SWITCH, &["link", "set", host, "master", "hub", "up"])?;
        self.ip_in(host, &["link", "set", "lo", "up"])?;
        self.ip_in(host, &["link", "set", "eth0", "up"])?;
        Ok(())
    }

    /// Keeps the system from sending of its own accord, as IPv6 does on links that come up.
    fn silence(&self, namespace: &str) -> Result<(), String> {
        let disable = |which| fs::write(format!("/proc/sys/net/ipv6/conf/{which}/disable_ipv6"), "1");
        let disabled = self.inside(namespace, || ["all", "default"].into_iter().try_for_each(disable));
        disabled.map_err(|error| format!("IPv6 cannot be disabled: {error}"))
    }

    /// Runs `work` on a thread of the namespace; sockets, threads and processes that it makes stay there.
    fn inside<T: Send>(&self, namespace: &str, work: impl FnOnce() -> T + Send) -> T {
        let path = format!("/run/netns/{}", self.name(namespace));
        std::thread::scope(|scope| {
            let thread = scope.spawn(move || {
                enter(&path).expect("the namespace can be entered");
                work()
            });
            thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        })
    }

    fn ip_in(&self, namespace: &str, arguments: &[&str]) -> Result<String, String> {
        ip(&[&["-netns", &self.name(namespace)], arguments].concat())
    }

    fn name(&self, namespace: &str) -> String {
        format!("{}-{namespace}", self.prefix)
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        for namespace in HOSTS.iter().chain([&SWITCH]) {
            let _ = ip(&["netns", "delete", &self.name(namespace)]);
        }
    }
}

fn enter(path: &str) -> io::Result<()> {
    let namespace = fs::File::open(path)?;
    Ok(move_into_link_name_space(std::os::fd::AsFd::as_fd(&namespace), Some(LinkNameSpaceType::Network))?)
}

fn ip(arguments: &[&str]) -> Result<String, String> {
    let output = Command::new("ip").args(arguments).output().map_err(|error| format!("ip: {error}"))?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
    if output.status.success() { Ok(text(&output.stdout)) } else { Err(text(&output.stderr)) }
}
