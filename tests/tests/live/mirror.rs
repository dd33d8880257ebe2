//! A sensor on mirror ports that come and go: each a pair of interfaces, `wire-…` on the other side.

use tagout_tests::namespace::Namespace;

/// The sensor's namespace, and that of the wires; they are removed with the value.
pub(crate) struct Mirror {
    wire: Namespace,
    sensor: Namespace,
}

impl Mirror {
    /// Two namespaces without interfaces; the error is what the system said against them. `name` tells it from others.
    pub(crate) fn build(name: &str) -> Result<Self, String> {
        let mirror =
            Self { wire: Namespace::add(&format!("{name}-wire"))?, sensor: Namespace::add(&format!("{name}-sensor"))? };
        mirror.wire.silence()?;
        mirror.sensor.silence()?;
        Ok(mirror)
    }

    /// Adds a port to the sensor, which is up.
    pub(crate) fn plug_in(&self, port: &str) {
        let wire = wire(port);
        let peer = ["peer", "name", port, "netns", self.sensor.name()];
        self.on_wire(&[&["link", "add", &wire, "type", "veth"], &peer[..]].concat());
        self.on_wire(&["link", "set", &wire, "up"]);
        self.on_sensor(&["link", "set", port, "up"]);
    }

    /// Removes a port.
    pub(crate) fn unplug(&self, port: &str) {
        self.on_wire(&["link", "delete", &wire(port)]);
    }

    /// What iproute2's `ip` does to the sensor's side.
    pub(crate) fn on_sensor(&self, arguments: &[&str]) {
        self.sensor.ip(arguments).expect("an interface can be changed");
    }

    fn on_wire(&self, arguments: &[&str]) {
        self.wire.ip(arguments).expect("an interface can be changed");
    }

    pub(crate) fn in_sensor<T: Send>(&self, work: impl FnOnce() -> T + Send) -> T {
        self.sensor.inside(work)
    }

    /// Works where the other side of a port is, whose name it gets.
    pub(crate) fn at_wire<T: Send>(&self, port: &str, work: impl FnOnce(&str) -> T + Send) -> T {
        let wire = wire(port);
        self.wire.inside(|| work(&wire))
    }
}

fn wire(port: &str) -> String {
    format!("wire-{port}")
}
