//! A sensor on mirror ports that come and go: each a pair of interfaces, `wire-…` on the other side.

use crate::namespace::{Namespace, or_skipped};

/// The sensor's namespace, and that of the wires; they are removed with the value.
pub struct Mirror {
    wire: Namespace,
    sensor: Namespace,
}

impl Mirror {
    /// Two namespaces, the sensor's with the loopback alone; the error is what the system said against them. `name` tells it from others.
    pub fn build(name: &str) -> Result<Self, String> {
        let mirror =
            Self { wire: Namespace::add(&format!("{name}-wire"))?, sensor: Namespace::add(&format!("{name}-sensor"))? };
        mirror.wire.silence()?;
        mirror.sensor.silence()?;
        mirror.sensor.ip(&["link", "set", "lo", "up"])?;
        Ok(mirror)
    }

    /// The same for a test, which says that it is skipped where there are no namespaces.
    pub fn of_test(name: &str) -> Option<Self> {
        or_skipped(Self::build(name))
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

    /// Frames that have come in at a port; the error is what the system says against it.
    pub fn received(&self, port: &str) -> Result<u64, String> {
        self.sensor.received(port)
    }

    /// Frames that the sensor has put onto a port.
    ///
    /// # Panics
    /// When there is no such port.
    pub fn transmitted(&self, port: &str) -> u64 {
        self.wire.received(&wire(port)).expect("the port exists")
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
