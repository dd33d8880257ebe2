//! What is told to whoever watches over the plant, owned, so that it can outlive the packets and the process.

use serde::{Deserialize, Serialize};
use tagout_core::Timestamp;
use tagout_core::engine::Severity;

/// One thing told once. Made at an alert, never for a packet.
#[derive(Serialize, Deserialize, Clone, PartialEq, Eq, Debug)]
#[serde(deny_unknown_fields)]
pub struct Notice {
    /// 32 hexadecimal digits that derive from what it is about: the same thing told twice carries the same id.
    pub id: String,
    /// What it is about.
    pub kind: Kind,
    /// When that was, in nanoseconds since 1970.
    #[serde(with = "nanoseconds")]
    pub time: Timestamp,
    /// How bad it is.
    #[serde(with = "severity")]
    pub severity: Severity,
    /// It as one JSON object, in the shape of Suricata's EVE.
    pub eve: String,
    /// It as one line of the Common Event Format.
    pub cef: String,
}

/// What a notice is about.
#[derive(Serialize, Deserialize, Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Something unexpected in the plant.
    Alert,
    /// The sensor itself: its losses, its policy, a sign of life.
    Sensor,
}

mod nanoseconds {
    use super::{Deserialize, Timestamp};

    pub(super) fn serialize<S: serde::Serializer>(time: &Timestamp, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_u64(time.0)
    }

    pub(super) fn deserialize<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Timestamp, D::Error> {
        u64::deserialize(from).map(Timestamp)
    }
}

pub(crate) mod severity {
    use serde::de::{Deserialize as _, Error as _};
    use tagout_core::engine::Severity;

    pub(super) fn serialize<S: serde::Serializer>(severity: &Severity, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(severity.name())
    }

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

    #[test]
    fn it_comes_out_of_json_as_it_went_in() {
        let notice = Notice {
            id: "0".repeat(32),
            kind: Kind::Alert,
            time: Timestamp(1_709_251_199_123_456_789),
            severity: Severity::Medium,
            eve: r#"{"event_type":"alert"}"#.to_owned(),
            cef: "CEF:0|".to_owned(),
        };
        let text = serde_json::to_string(&notice).expect("plain data");
        assert!(text.contains(r#""kind":"alert","time":1709251199123456789,"severity":"medium""#), "{text}");
        assert_eq!(serde_json::from_str::<Notice>(&text).expect("what was written"), notice);
    }

    #[test]
    fn an_unknown_severity_is_told_with_those_there_are() {
        let text = r#"{"id":"","kind":"sensor","time":0,"severity":"bad","eve":"","cef":""}"#;
        let said = serde_json::from_str::<Notice>(text).expect_err("no severity").to_string();
        assert!(said.starts_with("`bad` is no severity; here stand high, medium"), "{said}");
    }
}
