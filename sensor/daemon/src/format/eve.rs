use std::fmt;

use serde_json::Value;

/// An alert's EVE record, read back.
pub(super) struct Eve(Value);

impl Eve {
    /// Reads a record; one that is none has no fields.
    pub(super) fn parse(line: &str) -> Self {
        Self(serde_json::from_str(line).unwrap_or_default())
    }

    /// The field at a path such as `ot.actor.name`.
    pub(super) fn get(&self, path: &str) -> Option<&Value> {
        path.split('.').try_fold(&self.0, |at, name| at.get(name))
    }

    /// The same where it is text.
    pub(super) fn text(&self, path: &str) -> Option<&str> {
        self.get(path)?.as_str()
    }

    /// Whether the sensor tells it of itself.
    pub(super) fn is_of_sensor(&self) -> bool {
        self.get("ot.sensor").is_some()
    }

    /// Whether it tells how the sensor does, rather than of anything that happened.
    pub(super) fn is_heartbeat(&self) -> bool {
        self.text("event_type") == Some("heartbeat")
    }

    /// Whether a heartbeat says that nothing is unwell.
    pub(super) fn is_well(&self) -> bool {
        self.text("ot.heartbeat.status") == Some("ok")
    }

    /// Its identity.
    pub(super) fn id(&self) -> Option<&Value> {
        self.get("ot.alert_id").or(self.get("ot.heartbeat_id"))
    }

    /// How bad it is: 1 is high, 4 informational.
    pub(super) fn severity(&self) -> u64 {
        self.get("alert.severity").and_then(Value::as_u64).unwrap_or(4)
    }

    /// Every name and address of its two ends that `field` tells, each once.
    pub(super) fn ends(&self, fields: &[&str]) -> Vec<&Value> {
        let mut ends: Vec<&Value> = Vec::new();
        for end in fields.iter().filter_map(|field| self.get(field)) {
            if !ends.contains(&end) {
                ends.push(end);
            }
        }
        ends
    }

    /// Takes a field out; whether there was one.
    pub(super) fn remove(&mut self, path: &str) -> bool {
        let (parents, name) = path.rsplit_once('.').unwrap_or(("", path));
        let mut names = parents.split('.').filter(|name| !name.is_empty());
        let parent = names.try_fold(&mut self.0, |at, name| at.get_mut(name));
        parent.and_then(Value::as_object_mut).is_some_and(|parent| parent.shift_remove(name).is_some())
    }

    /// Every value in it.
    pub(super) fn root(&mut self) -> &mut Value {
        &mut self.0
    }
}

impl fmt::Display for Eve {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
