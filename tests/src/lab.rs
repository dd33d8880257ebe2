//! A plant network in network namespaces: PLC and HMI on a switch, and a sensor on the switch's mirror port.

use std::net::IpAddr;

use crate::namespace::Namespace;

/// The namespaces; they are removed with the value.
///
/// The switch is a bridge that never learns an address, so that each frame leaves through every other port, as it does
/// through a mirror port.
pub struct Lab {
    switch: Namespace,
    plc: Namespace,
    hmi: Namespace,
    sensor: Namespace,
}

impl Lab {
    /// Builds the network, with addresses of the controller and of who commands it; the error is what the system said against it.
    /// `name` tells it from others.
    pub fn build(name: &str, plc: [IpAddr; 2], hmi: [IpAddr; 2]) -> Result<Self, String> {
        let add = |host| Namespace::add(&format!("{name}-{host}"));
        let lab = Self { switch: add("switch")?, plc: add("plc")?, hmi: add("hmi")?, sensor: add("sensor")? };
        lab.switch.silence()?;
        lab.sensor.silence()?;
        let bridge = ["type", "bridge", "ageing_time", "0", "stp_state", "0", "mcast_snooping", "0"];
        lab.switch.ip(&[&["link", "add", "hub"], &bridge[..]].concat())?;
        lab.switch.ip(&["link", "set", "hub", "up"])?;
        for (port, host) in [("plc", &lab.plc), ("hmi", &lab.hmi), ("sensor", &lab.sensor)] {
            lab.plug_in(port, host)?;
        }
        for (host, addresses) in [(&lab.plc, plc), (&lab.hmi, hmi)] {
            for address in addresses {
                let (prefix, duplicates) = if address.is_ipv4() { (24, &[][..]) } else { (64, &["nodad"][..]) };
                let address = format!("{address}/{prefix}");
                host.ip(&[&["address", "add", &address, "dev", "eth0"], duplicates].concat())?;
            }
        }
        Ok(lab)
    }

    /// Joins who commands and the sensor by a network beside the plant's, with these addresses of sensor and of who commands.
    ///
    /// # Errors
    /// What the system said against it.
    pub fn join_beside(&self, [sensor, hmi]: [IpAddr; 2]) -> Result<(), String> {
        self.sensor.ip(&[
            "link",
            "add",
            "beside",
            "type",
            "veth",
            "peer",
            "name",
            "beside",
            "netns",
            self.hmi.name(),
        ])?;
        for (host, address) in [(&self.sensor, sensor), (&self.hmi, hmi)] {
            host.ip(&["address", "add", &format!("{address}/24"), "dev", "beside"])?;
            host.ip(&["link", "set", "beside", "up"])?;
        }
        Ok(())
    }

    /// Works where the controller is.
    pub fn in_plc<T: Send>(&self, work: impl FnOnce() -> T + Send) -> T {
        self.plc.inside(work)
    }

    /// Works where those who command are.
    pub fn in_hmi<T: Send>(&self, work: impl FnOnce() -> T + Send) -> T {
        self.hmi.inside(work)
    }

    /// Works where the sensor is.
    pub fn in_sensor<T: Send>(&self, work: impl FnOnce() -> T + Send) -> T {
        self.sensor.inside(work)
    }

    /// How many frames the switch received through a port.
    ///
    /// # Panics
    /// When there is no such port.
    pub fn frames_from(&self, port: &str) -> u64 {
        self.switch.received(port).expect("the port exists")
    }

    /// Joins a host's `eth0` to a port of the switch.
    fn plug_in(&self, port: &str, host: &Namespace) -> Result<(), String> {
        self.switch.ip(&["link", "add", port, "type", "veth", "peer", "name", "eth0", "netns", host.name()])?;
        self.switch.ip(&["link", "set", port, "master", "hub", "up"])?;
        host.ip(&["link", "set", "lo", "up"])?;
        host.ip(&["link", "set", "eth0", "up"])?;
        Ok(())
    }
}
