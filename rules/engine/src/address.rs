use core::fmt;
use core::net::IpAddr;

/// An IEEE 802 MAC address.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Mac(pub [u8; 6]);

impl fmt::Display for Mac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, e, g] = self.0;
        write!(f, "{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{g:02x}")
    }
}

impl fmt::Debug for Mac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Where one side of an exchange is: what the selectors of actors and the addresses of devices are matched with.
///
/// A part that the wire does not have (a MAC on a raw-IP link, a link address in Modbus) is `None` and matches no
/// selector that asks for it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Endpoint {
    /// Link-layer address as seen at the sensor.
    pub mac: Option<Mac>,
    /// Network address.
    pub ip: Option<IpAddr>,
    /// TCP or UDP port of this side.
    pub port: Option<u16>,
    /// 802.1Q VLAN id, the innermost where tags are stacked.
    pub vlan: Option<u16>,
    /// Modbus unit id.
    pub unit: Option<u8>,
    /// DNP3 link address.
    pub link: Option<u16>,
}
