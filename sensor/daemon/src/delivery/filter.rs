use glob::Pattern;
use serde::Deserialize;
use serde::de::{self, Deserializer};
use serde_json::Value;
use tagout_core::engine::Severity;

use crate::notice::{Kind, Notice};

/// What a destination asks for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Filter {
    pub(super) kinds: Vec<Kind>,
    pub(super) least_severity: Severity,
    /// Names of actors; those of any if there is none.
    pub(super) actors: Vec<Name>,
    /// Names of devices; those of any if there is none.
    pub(super) devices: Vec<Name>,
}

/// A name, in which `*` and `?` stand for what they do in file names.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Name(Pattern);

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        let pattern = Pattern::new(&text);
        pattern.map(Self).map_err(|error| de::Error::custom(format!("`{text}` is no pattern: {error}")))
    }
}

impl Filter {
    /// Whether events are asked for at all.
    pub(super) fn takes_events(&self) -> bool {
        self.kinds.contains(&Kind::Event)
    }

    pub(super) fn lets_through(&self, notice: &Notice) -> bool {
        let is_asked_for = match notice.kind {
            Kind::Alert => notice.severity <= self.least_severity && self.names(&notice.eve),
            Kind::Sensor => notice.severity <= self.least_severity,
            Kind::Event => self.names(&notice.eve),
            // A sign of life that a filter keeps back is none.
            Kind::Heartbeat => true,
        };
        is_asked_for && self.kinds.contains(&notice.kind)
    }

    /// Whether a record is about an actor and a device that are asked for.
    fn names(&self, eve: &str) -> bool {
        if self.actors.is_empty() && self.devices.is_empty() {
            return true;
        }
        let record: Value = serde_json::from_str(eve).unwrap_or_default();
        let is_among = |names: &[Name], path: &str| {
            let name = record.pointer(path).and_then(Value::as_str).unwrap_or_default();
            names.is_empty() || names.iter().any(|Name(pattern)| pattern.matches(name))
        };
        is_among(&self.actors, "/ot/actor/name") && is_among(&self.devices, "/ot/device/name")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::delivery::tests::notice;

    fn filter() -> Filter {
        Filter {
            kinds: vec![Kind::Alert, Kind::Sensor],
            least_severity: Severity::Medium,
            actors: Vec::new(),
            devices: Vec::new(),
        }
    }

    fn of(severity: Severity, actor: &str, device: &str) -> Notice {
        let eve = format!(r#"{{"ot":{{"actor":{{"name":"{actor}"}},"device":{{"name":"{device}"}}}}}}"#);
        Notice { severity, eve, ..notice(Kind::Alert, 1) }
    }

    fn names(names: &[&str]) -> Vec<Name> {
        names.iter().map(|name| Name(Pattern::new(name).unwrap())).collect()
    }

    #[test]
    fn severity_and_kind_are_asked_for() {
        let is_through = |notice: &Notice| filter().lets_through(notice);
        assert!(is_through(&of(Severity::High, "", "")));
        assert!(is_through(&of(Severity::Medium, "", "")));
        assert!(!is_through(&of(Severity::Low, "", "")));
        assert!(!is_through(&notice(Kind::Event, 1)));
        assert!(!is_through(&notice(Kind::Heartbeat, 1)));
        assert!(Filter { kinds: vec![Kind::Event], ..filter() }.lets_through(&notice(Kind::Event, 1)));
    }

    #[test]
    fn whoever_asks_for_heartbeats_gets_all_of_them() {
        let narrow = Filter {
            kinds: vec![Kind::Heartbeat],
            least_severity: Severity::High,
            actors: names(&["optimiser"]),
            devices: names(&["plc-1"]),
        };
        assert!(narrow.lets_through(&Notice { severity: Severity::Informational, ..notice(Kind::Heartbeat, 1) }));
        assert!(!narrow.lets_through(&of(Severity::High, "optimiser", "plc-1")));
    }

    #[test]
    fn names_are_asked_for_by_patterns() {
        let filter = Filter { actors: names(&["opt*", "hmi"]), devices: names(&["plc-?"]), ..filter() };
        for (actor, device, expected) in
            [("optimiser", "plc-1", true), ("hmi", "plc-2", true), ("hmi", "rtu", false), ("historian", "plc-1", false)]
        {
            assert_eq!(filter.lets_through(&of(Severity::High, actor, device)), expected, "{actor} {device}");
        }
        assert!(filter.lets_through(&Notice { severity: Severity::High, ..notice(Kind::Sensor, 1) }));
    }
}
