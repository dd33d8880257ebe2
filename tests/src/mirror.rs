//! A sensor on mirror ports that come and go: each a pair of interfaces, `wire-…` on the other side.

use crate::namespace::Namespace;

/// The sensor's namespace, and that of the wires; they are removed with the value.
pub struct Mirror {
    wire: Namespace,
    sensor: Namespace,
}

impl Mirror {
    /// Two namespaces without interfaces; the error is what the system said against them. `name` tells it from others.
    pub fn build(name: &str) -> Result<Self, String> {
        let mirror =
            Self { wire: Namespace::add(&format!("{name}-wire"))?, sensor: Namespace::add(&format!("{name}-sensor"))? };
        mirror.wire.silence()?;
        mirror.sensor.silence()?;
        Ok(mirror)
    }

    /// The same for a test, which says that it is skipped where there are no namespaces.
    pub fn of_test(name: &str) -> Option<Self> {
        Self::build(name).inspect_err(|reason| println!("skipped: no network namespaces here: {reason}")).ok()
    }

    /// Adds a port to the sensor, which is up.
    pub fn plug_in(&self, port: &str) {
        let wire = wire(port);
        let peer = ["peer", "name", port, "netns", self.sensor.name()];
        self.on_wire(&[&["link", "add", &wire, "type", "veth"], &peer[..]].concat());
        self.on_wire(&["link", "set", &wire, "up"]);
        self.on_sensor(&["link", "set", port, "up"]);
    }

    /// Removes a port.
    pub fn unplug(&self, port: &str) {
        self.on_wire(&["link", "delete", &wire(port)]);
    }

    /// What iproute2's `ip` does to the sensor's side.
    pub fn on_sensor(&self, arguments: &[&str]) {
        self.sensor.ip(arguments).expect("an interface can be changed");
    }

    /// Frames that have come in at a port.
    pub fn received(&self, port: &str) -> Option<u64> {
        let told = self.sensor.ip(&["-json", "-statistics", "link", "show", "dev", port]).ok()?;
        let links: serde_json::Value = serde_json::from_str(&told).ok()?;
        links[0]["stats64"]["rx"]["packets"].as_u64()
    }

    fn on_wire(&self, arguments: &[&str]) {
        self.wire.ip(arguments).expect("an interface can be changed");
    }

    /// Works where the sensor is.
    pub fn in_sensor<T: Send>(&self, work: impl FnOnce() -> T + Send) -> T {
        self.sensor.inside(work)
    }

    /// Works where the other side of a port is, whose name it gets.
    pub fn at_wire<T: Send>(&self, port: &str, work: impl FnOnce(&str) -> T + Send) -> T {
        let wire = wire(port);
        self.wire.inside(|| work(&wire))
    }
}

fn wire(port: &str) -> String {
    format!("wire-{port}")
}
