use serde::Deserialize;
use tagout_core::Protocol;
use tagout_core::modbus::Framing;

/// `[ports]`: server ports, in place of the protocols' own.
#[derive(Deserialize, Clone, PartialEq, Eq, Debug)]
#[serde(deny_unknown_fields, default)]
pub struct Ports {
    /// Ports that carry Modbus; the first unit of a connection tells how it is framed.
    pub modbus: Vec<u16>,
    /// Ports that carry Modbus in RTU frames.
    #[serde(rename = "modbus-rtu")]
    pub modbus_rtu: Vec<u16>,
    /// Ports that carry Modbus in ASCII frames.
    #[serde(rename = "modbus-ascii")]
    pub modbus_ascii: Vec<u16>,
    /// Ports that carry DNP3.
    pub dnp3: Vec<u16>,
}

impl Ports {
    /// Every port with what it carries, and how Modbus is framed there if that is fixed.
    pub(super) fn carried(&self) -> impl Iterator<Item = (u16, Protocol, Option<Framing>)> {
        let of = |ports: &'_ [u16], protocol, framing| {
            ports.iter().map(|port| (*port, protocol, framing)).collect::<Vec<_>>()
        };
        [
            of(&self.modbus, Protocol::Modbus, None),
            of(&self.modbus_rtu, Protocol::Modbus, Some(Framing::Rtu)),
            of(&self.modbus_ascii, Protocol::Modbus, Some(Framing::Ascii)),
            of(&self.dnp3, Protocol::Dnp3, None),
        ]
        .into_iter()
        .flatten()
    }
}

impl Default for Ports {
    fn default() -> Self {
        Self { modbus: vec![502], modbus_rtu: Vec::new(), modbus_ascii: Vec::new(), dnp3: vec![20_000] }
    }
}
