//! A gateway's settings as people write them.

use std::borrow::Cow;
use std::fs;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::path::Path;
use std::str::FromStr;

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use tagout_firmware::Settings;
use tagout_firmware::settings::{
    Address, COLLECTORS, Collector, Interface, MANAGERS, Management, Network, Parity, SERIAL_LINES, SerialFraming,
    SerialLine, TapTimes, Transport, UPDATE_PORT,
};

use crate::Failure;
use crate::config::read_toml;

/// The settings of a gateway: what it is called, how it is reached, where its alerts go, and what it listens to beside
/// the mirror port.
#[derive(Deserialize, JsonSchema, Debug)]
#[serde(deny_unknown_fields)]
#[schemars(title = "Gateway")]
pub struct Gateway {
    /// What the gateway calls itself in its messages: one label of letters, digits and hyphens.
    pub host_name: String,
    /// Seconds between two heartbeats.
    #[serde(default = "default_heartbeat")]
    #[schemars(range(min = 1))]
    pub heartbeat_s: u32,
    /// An SNTP server to ask for the time: its address, with a port if that is not 123.
    #[serde(default)]
    pub time_server: Option<Place<123>>,
    /// Where the times of mirrored frames come from.
    #[serde(default = "own")]
    #[schemars(with = "Words<TapTimes>")]
    pub tap_times: TapTimes,
    /// How the gateway is reached.
    #[serde(default)]
    pub management: ManagementTable,
    /// Syslog servers that get every alert: the primary, and the secondary if there is one.
    #[serde(default)]
    #[schemars(length(max = 2))]
    pub collectors: Vec<CollectorTable>,
    /// Serial lines to listen on.
    #[serde(default)]
    #[schemars(length(max = 4))]
    pub serial_lines: Vec<LineTable>,
}

/// `[management]`: how the gateway is reached.
#[derive(Deserialize, JsonSchema, Debug)]
#[serde(deny_unknown_fields, default)]
pub struct ManagementTable {
    /// On which port: one of its own, the one that also receives the mirrored frames, or none.
    pub on: On,
    /// In place of the MAC address that was flashed with the board's identity.
    pub mac: Option<Mac>,
    /// An address with the length of its network's prefix, as in 192.0.2.7/24, or dhcp.
    pub address: AddressText,
    /// Where datagrams for other networks go.
    pub gateway: Option<Ipv4Addr>,
    /// The TCP port for updates and status.
    #[schemars(range(min = 1))]
    pub update_port: u16,
    /// The networks that may use that port, as in 192.0.2.0/28; all may if there are none.
    #[schemars(length(max = 8))]
    pub managers: Vec<NetworkText>,
}

impl Default for ManagementTable {
    fn default() -> Self {
        let (on, address) = (On::OwnPort, AddressText::Dhcp);
        Self { on, mac: None, address, gateway: None, update_port: UPDATE_PORT, managers: Vec::new() }
    }
}

/// On which port the gateway is reached.
#[derive(Deserialize, JsonSchema, Clone, Copy, Debug)]
#[serde(rename_all = "kebab-case")]
pub enum On {
    /// It is not.
    None,
    /// The one that also receives the mirrored frames.
    TapPort,
    /// One of its own.
    OwnPort,
}

/// `[[collectors]]`: a syslog server.
#[derive(Deserialize, JsonSchema, Debug)]
#[serde(deny_unknown_fields)]
pub struct CollectorTable {
    /// Its address, with a port if that is not 514.
    pub address: Place<514>,
    /// How it wants messages: one in a datagram, or over TCP with octet counting.
    #[schemars(with = "Words<Transport>")]
    pub transport: Transport,
}

/// `[[serial_lines]]`: a serial line to listen on.
#[derive(Deserialize, JsonSchema, Debug)]
#[serde(deny_unknown_fields)]
pub struct LineTable {
    /// Which of the board's lines.
    #[schemars(range(min = 1))]
    pub number: u8,
    /// What it carries.
    #[schemars(with = "Words<SerialFraming>")]
    pub framing: SerialFraming,
    /// Bits a second.
    #[schemars(range(min = 300, max = 1_000_000))]
    pub baud: u32,
    /// The parity bit of its characters.
    #[serde(default = "even")]
    #[schemars(with = "Words<Parity>")]
    pub parity: Parity,
}

const fn default_heartbeat() -> u32 {
    60
}

const fn own() -> TapTimes {
    TapTimes::Own
}

const fn even() -> Parity {
    Parity::Even
}

impl Gateway {
    /// Reads a file of settings.
    ///
    /// # Errors
    /// When it cannot be read or is wrong: with file, line and column where they can be told.
    pub fn read(path: &Path) -> Result<Settings, Failure> {
        let text = fs::read_to_string(path).map_err(|error| Failure::input(path, &error))?;
        Self::parse(&path.display().to_string(), &text).map_err(Failure::Usage)
    }

    /// Takes the text of a file of settings called `name`.
    ///
    /// # Errors
    /// The text of an error message for people.
    pub fn parse(name: &str, text: &str) -> Result<Settings, String> {
        let settings = read_toml::<Self>(name, text)?.settings().map_err(|fault| format!("{name}: {fault}"))?;
        settings.check().map(|()| settings).map_err(|fault| format!("{name}: {fault}"))
    }

    fn settings(self) -> Result<Settings, String> {
        let host_name = self.host_name.as_str().try_into().map_err(|_| "the host name is longer than 63 characters")?;
        let management = self.management.management();
        let lines = self.serial_lines.into_iter().map(|LineTable { number, framing, baud, parity }| SerialLine {
            number,
            framing,
            baud,
            parity,
        });
        let collectors = self
            .collectors
            .into_iter()
            .map(|CollectorTable { address, transport }| Collector { at: address.0, transport });
        Ok(Settings {
            host_name,
            management,
            collectors: at_most::<_, COLLECTORS>("collectors", collectors)?,
            time_server: self.time_server.map(|place| place.0),
            managers: at_most::<_, MANAGERS>("managers", self.management.managers.into_iter().map(|text| text.0))?,
            update_port: self.management.update_port,
            heartbeat_s: self.heartbeat_s,
            serial_lines: at_most::<_, SERIAL_LINES>("serial lines", lines)?,
            tap_times: self.tap_times,
        })
    }
}

fn at_most<T, const N: usize>(what: &str, all: impl Iterator<Item = T>) -> Result<heapless::Vec<T, N>, String> {
    let mut taken = heapless::Vec::new();
    for one in all {
        taken.push(one).map_err(|_| format!("there can be {N} {what} at most"))?;
    }
    Ok(taken)
}

impl ManagementTable {
    fn management(&self) -> Management {
        let address = match self.address {
            AddressText::Dhcp => Address::Dhcp,
            AddressText::Static(network) => Address::Static { network, gateway: self.gateway },
        };
        let interface = Interface { mac: self.mac.map(|mac| mac.0), address };
        match self.on {
            On::None => Management::None,
            On::TapPort => Management::TapPort(interface),
            On::OwnPort => Management::OwnPort(interface),
        }
    }
}

/// A text that stands for a value, with what is expected of it.
macro_rules! text {
    ($name:ident $(<const $port:ident: u16>)?, $example:literal) => {
        impl<'de $(, const $port: u16)?> Deserialize<'de> for $name $(<$port>)? {
            fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                let text = Cow::<str>::deserialize(from)?;
                text.parse().map_err(|()| D::Error::custom(format!("`{text}` is not {}", $example)))
            }
        }

        impl $(<const $port: u16>)? JsonSchema for $name $(<$port>)? {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({ "type": "string" })
            }
        }
    };
}

/// An address, with a port unless it is `PORT`.
#[derive(Clone, Copy, Debug)]
pub struct Place<const PORT: u16>(SocketAddrV4);
text!(Place<const PORT: u16>, "an IPv4 address such as 192.0.2.9 or 192.0.2.9:1514");

impl<const PORT: u16> FromStr for Place<PORT> {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let bare = text.parse().map(|ip| SocketAddrV4::new(ip, PORT));
        bare.or_else(|_| text.parse()).ok().filter(|place| place.port() != 0).map(Self).ok_or(())
    }
}

/// A network.
#[derive(Clone, Copy, Debug)]
pub struct NetworkText(Network);
text!(NetworkText, "an IPv4 network such as 192.0.2.0/28");

impl FromStr for NetworkText {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (ip, prefix) = text.split_once('/').ok_or(())?;
        let network = Network { ip: ip.parse().map_err(drop)?, prefix: prefix.parse().map_err(drop)? };
        if network.is_valid() { Ok(Self(network)) } else { Err(()) }
    }
}

/// An address of the gateway.
#[derive(Clone, Copy, Debug)]
pub enum AddressText {
    /// From a DHCP server.
    Dhcp,
    /// Fixed.
    Static(Network),
}
text!(AddressText, "dhcp or an IPv4 address with the length of its network's prefix, such as 192.0.2.7/24");

impl FromStr for AddressText {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        if text == "dhcp" { Ok(Self::Dhcp) } else { text.parse().map(|NetworkText(network)| Self::Static(network)) }
    }
}

/// A MAC address.
#[derive(Clone, Copy, Debug)]
pub struct Mac(pub [u8; 6]);
text!(Mac, "a MAC address such as 02:00:00:00:00:07");

impl FromStr for Mac {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let octets: Result<Vec<u8>, _> = text.split(':').map(|digits| u8::from_str_radix(digits, 16)).collect();
        octets.map_err(drop)?.try_into().map(Self).map_err(drop)
    }
}

/// The words of an enumeration of the firmware, in the schema.
struct Words<T>(std::marker::PhantomData<T>);

macro_rules! words {
    ($($name:ident: $($word:literal)+;)+) => {
        $(impl JsonSchema for Words<$name> {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({ "enum": [$($word),+] })
            }
        })+

        /// Every word with the text of a value that it is.
        #[cfg(test)]
        fn known_words() -> Vec<(&'static str, bool)> {
            vec![$($(($word, toml::from_str::<std::collections::BTreeMap<String, $name>>(
                concat!("word = \"", $word, "\"")).is_ok())),+),+]
        }
    };
}

words! {
    Transport: "udp" "tcp";
    SerialFraming: "rtu" "ascii" "dnp3";
    Parity: "none" "even" "odd";
    TapTimes: "own" "arista";
}

/// The JSON Schema (draft 2020-12) of a file of settings.
pub fn schema() -> String {
    let schema = SchemaSettings::draft2020_12().into_generator().into_root_schema_for::<Gateway>();
    format!("{:#}\n", schema.as_value())
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHOLE: &str = r#"
        host_name = "gw-hall-3"
        heartbeat_s = 30
        time_server = "192.0.2.1"
        tap_times = "arista"
        [management]
        on = "tap-port"
        mac = "02:00:00:00:00:07"
        address = "192.0.2.7/24"
        gateway = "192.0.2.1"
        update_port = 7000
        managers = ["192.0.2.0/28", "198.51.100.9/32"]
        [[collectors]]
        address = "192.0.2.9"
        transport = "tcp"
        [[collectors]]
        address = "198.51.100.9:1514"
        transport = "udp"
        [[serial_lines]]
        number = 1
        framing = "rtu"
        baud = 19200
    "#;

    #[test]
    fn everything_can_be_set() {
        let settings = Gateway::parse("gateway.toml", WHOLE).unwrap();
        assert_eq!(settings.host_name, "gw-hall-3");
        assert_eq!((settings.heartbeat_s, settings.update_port), (30, 7000));
        assert_eq!(settings.time_server, Some("192.0.2.1:123".parse().unwrap()));
        assert_eq!(settings.interface().unwrap().mac, Some([2, 0, 0, 0, 0, 7]));
        let collectors: Vec<_> = settings.collectors.iter().map(|collector| collector.at.to_string()).collect();
        assert_eq!(collectors, ["192.0.2.9:514", "198.51.100.9:1514"]);
        assert_eq!(settings.serial_lines[0].parity, Parity::Even);
        assert!(settings.admits("198.51.100.9".parse().unwrap()) && !settings.admits("192.0.2.16".parse().unwrap()));
    }

    #[test]
    fn what_is_left_out_has_a_default() {
        let settings = Gateway::parse("gateway.toml", "host_name = \"tagout\"").unwrap();
        assert_eq!(settings, Settings::default());
    }

    #[test]
    fn what_is_wrong_is_told_with_its_place() {
        let line = "number = 1\nframing = \"rtu\"\nbaud = 9600\n";
        let lines = format!("host_name = \"g\"\n[[serial_lines]]\n{line}[[serial_lines]]\n{line}");
        let cases = [
            ("host = \"g\"", "gateway.toml:1:1: unknown key `host`"),
            ("host_name = \"g\"\ntime_server = \"clock\"", "gateway.toml:2:15: `clock` is not an IPv4 address such as"),
            (
                "host_name = \"g\"\n[management]\nmanagers = [\"192.0.2.0/33\"]",
                "gateway.toml:3:12: `192.0.2.0/33` is not",
            ),
            (
                "host_name = \"g\"\ntime_server = \"2001:db8::1\"",
                "gateway.toml:2:15: `2001:db8::1` is not an IPv4 address",
            ),
            ("host_name = \"g\"\n[management]\nmac = \"2:3\"", "gateway.toml:3:7: `2:3` is not a MAC address"),
            ("host_name = \"a b\"", "gateway.toml: the host name is not one label"),
            ("heartbeat_s = 7", "gateway.toml:1:1: missing field `host_name`"),
            (lines.as_str(), "gateway.toml: a serial line's number is 0 or there twice"),
        ];
        for (text, expected) in cases {
            let found = Gateway::parse("gateway.toml", text).unwrap_err();
            assert!(found.starts_with(expected), "{found}");
        }
    }

    #[test]
    fn the_words_of_the_schema_are_those_that_are_taken() {
        assert!(known_words().iter().all(|(_, taken)| *taken), "{:?}", known_words());
    }
}
