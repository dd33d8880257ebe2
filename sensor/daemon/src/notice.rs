//! What is told to whoever watches over the plant, owned, so that it can outlive the packets and the process.

use std::array;
use std::fmt::Display;
use std::ops::{Add, Sub};

use serde::Deserialize;
use sha2::{Digest as _, Sha256};
use tagout_core::engine::Severity;
use tagout_core::words::{self, SensorEvent, Topic, heartbeat_cef, sensor_cef};
use tagout_core::{AlertId, Timestamp};

use crate::format::with_fields;
use crate::heartbeat::Heartbeat;
use crate::json;
use crate::news::News;
use crate::record::{HeartbeatRecord, NewsRecord, Origin};

/// One thing told once. Made at an alert, never for a packet.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Notice {
    /// 32 hexadecimal digits that derive from what it is about: the same thing told twice carries the same id.
    pub id: String,
    /// What it is about.
    pub kind: Kind,
    /// When that was, in nanoseconds since 1970.
    pub time: Timestamp,
    /// How bad it is.
    pub severity: Severity,
    /// It as one JSON object, in the shape of Suricata's EVE.
    pub eve: String,
    /// It as one line of the Common Event Format.
    pub cef: String,
}

impl Notice {
    /// What the sensor tells of itself.
    pub fn of_news(news: &News, origin: Origin<'_>) -> Self {
        let ids @ [id, incident] = identities(news);
        let kind = news.kind;
        let event = SensorEvent {
            time: news.time,
            id,
            incident,
            signature_id: kind.signature_id(),
            signature: kind.signature(),
            category: NewsRecord::CATEGORY,
            severity: kind.severity(),
            name: kind.name(),
            interface: news.interface.as_deref(),
            count: news.count,
            why: &news.why,
        };
        let mut cef = String::new();
        // Text takes whatever is written to it.
        let _ = sensor_cef(&mut cef, &event);
        Self {
            id: id.to_string(),
            kind: Kind::Sensor,
            time: news.time,
            severity: kind.severity(),
            eve: json::line(&NewsRecord::new(origin, news, ids)),
            cef: with_fields(cef, &origin.host().map(|host| ("dvchost", host)).into_iter().collect::<Vec<_>>()),
        }
    }

    /// What the sensor tells of itself every so often.
    pub fn of_heartbeat(heartbeat: &Heartbeat<'_>, origin: Origin<'_>) -> Self {
        let (id, why) = (heartbeat.id(), heartbeat.why());
        Self {
            id: id.to_string(),
            kind: Kind::Heartbeat,
            time: heartbeat.time,
            severity: Severity::Informational,
            eve: json::line(&HeartbeatRecord::new(origin, heartbeat, id, &why)),
            cef: heartbeat_line(heartbeat, id, &why),
        }
    }

    /// An event, as its record tells it.
    pub fn of_event(time: Timestamp, eve: String) -> Self {
        let first = Sha256::digest(&eve).first_chunk().copied().unwrap_or_default();
        let id = AlertId(u128::from_be_bytes(first)).to_string();
        Self { id, kind: Kind::Event, time, severity: Severity::Informational, eve, cef: String::new() }
    }

    /// Bytes of its texts.
    pub fn bytes(&self) -> usize {
        self.id.len() + self.eve.len() + self.cef.len()
    }
}

/// What a notice is about.
#[derive(Deserialize, Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Kind {
    /// Something unexpected in the plant.
    #[serde(rename = "alerts")]
    Alert,
    /// What happened to the sensor itself: its losses, its policy.
    #[serde(rename = "sensor")]
    Sensor,
    /// Something that happened in the plant and is no alert.
    #[serde(rename = "events")]
    Event,
    /// How the sensor does, told every so often.
    #[serde(rename = "heartbeats")]
    Heartbeat,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 4] = [Self::Alert, Self::Sensor, Self::Event, Self::Heartbeat];

    /// Its name in subjects and headers.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Alert => "alert",
            Self::Sensor => "sensor",
            Self::Event => "event",
            Self::Heartbeat => "heartbeat",
        }
    }

    /// The number by which the spool knows it.
    pub(crate) const fn number(self) -> u8 {
        match self {
            Self::Alert => 1,
            Self::Sensor => 2,
            Self::Event => 3,
            Self::Heartbeat => 4,
        }
    }

    /// The kind of this number; what no version knows is taken for an alert, which nobody passes over.
    pub(crate) const fn from_number(number: u8) -> Self {
        match number {
            2 => Self::Sensor,
            3 => Self::Event,
            4 => Self::Heartbeat,
            _ => Self::Alert,
        }
    }

    /// What syslog calls it.
    pub const fn topic(self) -> Topic {
        match self {
            Self::Alert => Topic::Alert,
            Self::Sensor | Self::Heartbeat => Topic::Sensor,
            Self::Event => Topic::Event,
        }
    }
}

/// A count for each kind.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct PerKind([u64; Kind::ALL.len()]);

impl PerKind {
    /// Counts one more.
    pub fn count(&mut self, kind: Kind) {
        self.0[kind as usize] += 1;
    }

    /// Counts one less.
    pub(crate) fn discount(&mut self, kind: Kind) {
        let count = &mut self.0[kind as usize];
        *count = count.saturating_sub(1);
    }

    /// How many of a kind.
    pub fn of(&self, kind: Kind) -> u64 {
        self.0[kind as usize]
    }

    /// How many of all kinds.
    pub fn total(&self) -> u64 {
        self.0.iter().sum()
    }
}

impl Add for PerKind {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self(array::from_fn(|kind| self.0[kind] + other.0[kind]))
    }
}

impl Sub for PerKind {
    type Output = Self;

    /// What is left; nothing where more is taken than there is.
    fn sub(self, other: Self) -> Self {
        Self(array::from_fn(|kind| self.0[kind].saturating_sub(other.0[kind])))
    }
}

/// A heartbeat as CEF, under the names that gateways use for what they tell too.
fn heartbeat_line(heartbeat: &Heartbeat<'_>, id: AlertId, why: &str) -> String {
    let (vitals, losses) = (heartbeat.vitals, heartbeat.losses());
    let lost = heartbeat.delivery.as_ref().map_or(0, |delivery| delivery.lost().alerts);
    let (uptime_s, status) = (heartbeat.uptime.as_secs(), heartbeat.health.status());
    let (frames_lost, waiting) = (losses.kernel_drops + losses.interface_drops, heartbeat.waiting());
    let mut fields: Vec<(&str, &dyn Display)> = vec![("uptime_s", &uptime_s)];
    fields.extend(vitals.restarts.as_ref().map(|restarts| ("restarts", restarts as &dyn Display)));
    fields.extend([("outcome", &status as &dyn Display), ("policy", &vitals.policy.version)]);
    fields.extend([("frames_lost", &frames_lost as &dyn Display), ("waiting", &waiting), ("alerts_lost", &lost)]);
    let event = words::Heartbeat {
        time: heartbeat.time,
        id,
        host: heartbeat.host,
        fields: &fields,
        counters: &vitals.counters,
        why,
    };
    let mut line = String::new();
    // Text takes whatever is written to it.
    let _ = heartbeat_cef(&mut line, &event);
    // A machine without a name has none to tell.
    line.replacen(" dvchost= ", " ", 1)
}

/// The identity of news, and that of the incident: of the beginning and the end of something it is the same.
fn identities(news: &News) -> [AlertId; 2] {
    let of = |name: &str, time: Timestamp| {
        let mut hash = Sha256::new();
        for part in [name, news.interface.as_deref().unwrap_or_default()] {
            hash.update(part);
            hash.update([0]);
        }
        hash.update(time.0.to_le_bytes());
        let first = hash.finalize().first_chunk().copied().unwrap_or_default();
        AlertId(u128::from_be_bytes(first))
    };
    [of(news.kind.name(), news.time), of(news.kind.beginning().name(), news.began.unwrap_or(news.time))]
}

pub(crate) mod severity {
    use serde::de::{Deserialize as _, Error as _};
    use tagout_core::engine::Severity;

    /// Takes a severity by its name.
    pub(crate) fn deserialize<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Severity, D::Error> {
        let name = String::deserialize(from)?;
        Severity::from_name(&name).ok_or_else(|| {
            let names: Vec<_> = Severity::ALL.iter().map(|severity| severity.name()).collect();
            D::Error::custom(format!("`{name}` is no severity; here stand {}", names.join(", ")))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::news::NewsKind;

    #[test]
    fn the_end_of_something_belongs_to_its_beginning() {
        let at = |second: u64| Timestamp(second * 1_000_000_000);
        let notice =
            |news: News| Notice::of_news(&news.of_interface("eth1"), Origin::interface("eth1+eth2", "plant-7"));
        let lost = notice(News::new(NewsKind::InterfaceLost, at(10), "eth1 is down"));
        let back = notice(News::new(NewsKind::InterfaceBack, at(70), "eth1 is up").ending(at(10)));
        let record = |notice: &Notice| serde_json::from_str::<serde_json::Value>(&notice.eve).expect("JSON");
        assert_eq!(record(&lost)["ot"]["incident_id"], record(&back)["ot"]["incident_id"]);
        assert_ne!(lost.id, back.id);
        assert_eq!(record(&back)["ot"]["sensor"]["since"], "1970-01-01T00:00:10.000000+0000");
        assert_eq!(
            lost.cef,
            format!(
                "CEF:0|tagout|tagout|{}|1002005|tagout sensor: an interface cannot be read|8|rt=10000 externalId={} \
                 deviceInboundInterface=eth1 reason=interface-lost cat=Sensor cs6Label=incident cs6={} \
                 dvchost=plant-7 msg=eth1 is down",
                env!("CARGO_PKG_VERSION"),
                lost.id,
                record(&lost)["ot"]["incident_id"].as_str().expect("text"),
            )
        );
    }
}
