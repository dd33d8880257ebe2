use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tagout_core::Timestamp;

use super::span::{self, Span};
use crate::record::Stamp;

/// Things that a device says of itself at most, which are kept.
const MOST_TOLD: usize = 32;

/// What one actor did to one device by one function, counted.
#[derive(Serialize, Deserialize, JsonSchema, Clone, PartialEq, Debug)]
pub struct Deed {
    /// Who did it.
    pub actor: Party,
    /// To whom.
    pub device: Party,
    /// The protocol; what could not be taken for one has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub protocol: Option<String>,
    /// The function, by its name or number; alerts that are about no exchange have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub function: Option<String>,
    /// What it does, in the words of a policy's `do`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub action: Option<String>,
    /// Whether it changes state, configuration or availability.
    pub is_command: bool,
    /// How often, and how it ended.
    #[serde(flatten)]
    pub count: Count,
    /// The addresses that were read or written with success.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub points: Vec<Span>,
    /// The last command.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_command: Option<Command>,
    /// What the device said of itself.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub identification: BTreeMap<String, String>,
}

/// One end of an exchange.
#[derive(Serialize, Deserialize, JsonSchema, Clone, PartialEq, Eq, PartialOrd, Ord, Default, Debug)]
pub struct Party {
    /// Its name in the policy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The kind of an actor that has a name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// Its address; a serial line has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ip: Option<IpAddr>,
    /// The port of a device at which it was spoken to last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    /// Number of the serial line, in place of an address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u16>,
    /// Modbus unit id or DNP3 link address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub station: Option<u16>,
    /// Its link-layer address as seen last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mac: Option<String>,
    /// Innermost 802.1Q VLAN id as seen last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vlan: Option<u16>,
}

impl Party {
    /// Where it is, as in `192.0.2.7/1`.
    pub fn place(&self) -> String {
        let place = match (self.ip, self.line) {
            (Some(ip), _) => ip.to_string(),
            (None, Some(line)) => format!("line {line}"),
            (None, None) => String::new(),
        };
        self.station.map_or_else(|| place.clone(), |station| format!("{place}/{station}"))
    }

    /// It with nothing but where it is.
    pub(super) fn placed(&self) -> Self {
        Self { ip: self.ip, line: self.line, station: self.station, ..Self::default() }
    }

    fn key(&self) -> String {
        format!("{}|{}", self.name.as_deref().unwrap_or_default(), self.place())
    }
}

impl fmt::Display for Party {
    /// Its name, or where it is.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.name {
            Some(name) => f.write_str(name),
            None => f.write_str(&self.place()),
        }
    }
}

/// How often something was done, and how it ended.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Count {
    /// Exchanges.
    pub exchanges: u64,
    /// Those that were answered.
    pub answered: u64,
    /// Those that the device refused.
    pub refused: u64,
    /// Those without an answer that was due.
    pub unanswered: u64,
    /// Alerts.
    pub alerts: u64,
    /// When the first was captured.
    pub first_seen: Stamp,
    /// When the last was.
    pub last_seen: Stamp,
}

impl Count {
    /// Notes that there was something at this time.
    pub fn see(&mut self, time: Timestamp) {
        if self.first_seen.0 == Timestamp::default() || time < self.first_seen.0 {
            self.first_seen = Stamp(time);
        }
        self.last_seen = Stamp(self.last_seen.0.max(time));
    }

    /// Adds what was counted elsewhere.
    pub fn absorb(&mut self, other: &Self) {
        self.exchanges += other.exchanges;
        self.answered += other.answered;
        self.refused += other.refused;
        self.unanswered += other.unanswered;
        self.alerts += other.alerts;
        for time in [other.first_seen.0, other.last_seen.0] {
            self.see(time);
        }
    }
}

/// A command as it was given last.
#[derive(Serialize, Deserialize, JsonSchema, Clone, PartialEq, Debug)]
pub struct Command {
    /// When it was captured.
    pub time: Stamp,
    /// The point's name in the policy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub point: Option<String>,
    /// The address, where there is no such name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<Span>,
    /// The value: in the point's engineering unit where the policy declares one, else raw.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<f64>,
    /// The unit of measure of the value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// How the exchange ended.
    pub outcome: String,
}

impl fmt::Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.point, &self.address) {
            (Some(point), _) => write!(f, "{point}")?,
            (None, Some(address)) => write!(f, "{address}")?,
            (None, None) => return f.write_str(&self.outcome),
        }
        if let Some(value) = self.value {
            write!(f, " = {value}")?;
        }
        self.unit.as_ref().map_or(Ok(()), |unit| write!(f, " {unit}"))?;
        if self.outcome == "answered" { Ok(()) } else { write!(f, " ({})", self.outcome) }
    }
}

impl Deed {
    /// Tells it from others, whatever was counted.
    pub(super) fn key(&self) -> String {
        let word = |word: &Option<String>| word.clone().unwrap_or_default();
        let (protocol, function, action) = (word(&self.protocol), word(&self.function), word(&self.action));
        format!("{}>{}|{protocol}|{function}|{action}", self.actor.key(), self.device.key())
    }

    /// Adds what was counted of the same later, or at another time.
    pub(super) fn absorb(&mut self, other: &Self) {
        if other.count.last_seen.0 >= self.count.last_seen.0 {
            (self.actor, self.device) = (other.actor.clone(), other.device.clone());
        }
        self.count.absorb(&other.count);
        for span in &other.points {
            span::add(&mut self.points, *span);
        }
        if let Some(command) = &other.last_command
            && self.last_command.as_ref().is_none_or(|known| known.time.0 <= command.time.0)
        {
            self.last_command = Some(command.clone());
        }
        for (field, value) in &other.identification {
            tell(&mut self.identification, field, value.clone());
        }
    }
}

/// Adds what a device said of itself; beyond so many fields, new ones have no room.
pub(super) fn tell(told: &mut BTreeMap<String, String>, field: &str, value: String) {
    if let Some(known) = told.get_mut(field) {
        *known = value;
    } else if told.len() < MOST_TOLD {
        told.insert(field.to_owned(), value);
    }
}
