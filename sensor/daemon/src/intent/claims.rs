//! What a signed intent says.

use std::borrow::Cow;

use schemars::generate::SchemaSettings;
use schemars::transform::RecursiveTransform;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use tagout_core::Timestamp;
use tagout_core::engine::{Action, Space};
use tagout_core::intent::{MOST_TARGETS, Wanted};

use super::object::{Object, present};
use super::{Declaration, Instant, Source, Target};
use crate::record::{Hex, octets};

/// Longest name or id, in octets.
const MOST_NAME: usize = 256;

/// What somebody will do, and signs. What is left out is left open, and a command that it covers is graded the lower for it.
#[derive(Serialize, Deserialize, JsonSchema, Clone, PartialEq, Debug)]
#[serde(deny_unknown_fields)]
pub struct Claims {
    /// Unique among the intents signed with a key: an intent of the same id is the same intent, and is taken once.
    #[schemars(length(min = 1, max = 256))]
    pub id: String,
    /// Who will do it: an actor's name in the policy.
    #[schemars(length(min = 1, max = 256))]
    pub actor: String,
    /// The agent that will do it, where several command as one actor: a name of its own, such as `gen_ai.agent.name`.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 256))]
    pub agent: Option<String>,
    /// To which device: its name in the policy.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 256))]
    pub device: Option<String>,
    /// Which points of the device, by their names in the policy.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 8))]
    pub points: Vec<String>,
    /// Which addresses, where there are no points. An intent names points or addresses, not both.
    #[serde(default, deserialize_with = "runs", skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 8))]
    pub raw: Vec<Run>,
    /// What will be done.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub operation: Option<Operation>,
    /// The value commanded: in the unit of the points; of addresses, the number on the wire.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub value: Option<f64>,
    /// The least and the greatest value commanded, instead of `value`.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub range: Option<[f64; 2]>,
    /// The masks of a mask write, instead of `value`.
    #[serde(default, deserialize_with = "mask", skip_serializing_if = "Option::is_none")]
    pub mask: Option<Mask>,
    /// How many commands it covers; 1 if left out.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub count: Option<u32>,
    /// Least time between two of them, in milliseconds.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub pace_ms: Option<u32>,
    /// The first time at which it may be done (RFC 3339).
    pub not_before: Instant,
    /// The first time at which it may not be done any more (RFC 3339).
    pub expires: Instant,
    /// Why.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The human who approved it, if it is signed with an approver's key.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 256))]
    pub approver: Option<String>,
    /// The trace that it belongs to (W3C Trace Context): 32 hexadecimal digits.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub trace_id: Option<TraceId>,
}

/// A run of addresses.
#[derive(Serialize, Deserialize, JsonSchema, Clone, PartialEq, Eq, Debug)]
#[serde(deny_unknown_fields)]
pub struct Run {
    /// What is numbered.
    pub space: AddressSpace,
    /// The first address, counted from 0 as on the wire.
    pub address: u32,
    /// How many; 1 if left out.
    #[serde(default = "one")]
    #[schemars(range(min = 1))]
    pub quantity: u16,
}

/// The masks of a mask write (Modbus function 0x16).
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy, PartialEq, Eq, Debug)]
#[serde(deny_unknown_fields)]
pub struct Mask {
    /// Bits that stay as they are.
    pub and: u16,
    /// Bits that are set among the others.
    pub or: u16,
}

/// A command's word, as in `do` of a policy.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Operation(pub Action);

/// An address space's word, as the key that places a point in a policy.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct AddressSpace(pub Space);

/// A trace's id (W3C Trace Context, section 3.2.2.3), which is not 0.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TraceId(pub [u8; 16]);

/// Whether a text is a name: of a length that is bounded, and without control characters.
pub(super) fn is_name(text: &str) -> bool {
    !text.is_empty() && text.len() <= MOST_NAME && !text.contains(char::is_control)
}

const fn one() -> u16 {
    1
}

fn runs<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Run>, D::Error> {
    let runs = Vec::<Object<Run>>::deserialize(deserializer)?;
    Ok(runs.into_iter().map(|run| run.0).collect())
}

fn mask<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Mask>, D::Error> {
    Object::deserialize(deserializer).map(|mask| Some(mask.0))
}

impl Claims {
    /// Reads claims from JSON, and checks them.
    ///
    /// # Errors
    /// What is wrong, and where: a key that is missing, unknown or there twice, a value of another type, claims that
    /// contradict each other.
    pub fn read(json: &[u8]) -> Result<Self, String> {
        let claims: Object<Self> = serde_json::from_slice(json).map_err(|error| error.to_string())?;
        claims.0.check()?;
        Ok(claims.0)
    }

    /// As JSON, on one line.
    pub fn to_json(&self) -> String {
        serde_json::to_value(self).unwrap_or_default().to_string()
    }

    /// What they declare, known from this source at this time.
    pub fn declare(self, source: Source, received: Timestamp) -> Declaration {
        Declaration {
            targets: self.targets(),
            operation: self.operation.map(|operation| operation.0),
            value: self.values(),
            id: self.id,
            source,
            actor: self.actor,
            device: self.device,
            count: self.count,
            pace_ms: self.pace_ms,
            not_before: self.not_before.0,
            expires: self.expires.0,
            received,
            client: None,
            reason: self.reason,
            agent: self.agent,
            tool: None,
            trace_id: self.trace_id.map(|trace| trace.0),
            span_id: None,
        }
    }

    fn targets(&self) -> Vec<Target> {
        let points = self.points.iter().cloned().map(Target::Point);
        let runs =
            self.raw.iter().map(|run| Target::Raw { space: run.space.0, address: run.address, quantity: run.quantity });
        points.chain(runs).collect()
    }

    fn values(&self) -> Option<Wanted> {
        let range = self.range.map(|[least, most]| Wanted::Range { least, most });
        let mask = self.mask.map(|Mask { and, or }| Wanted::Masked { and, or });
        self.value.map(Wanted::Is).or(range).or(mask)
    }

    /// What no type tells.
    pub(super) fn check(&self) -> Result<(), String> {
        self.check_names()?;
        self.check_targets()?;
        self.check_values()?;
        if self.count == Some(0) {
            return Err("count 0 covers no command: 1 or more, or leave it out".to_owned());
        }
        if self.expires <= self.not_before {
            return Err(format!("expires {} is not after not_before {}", self.expires, self.not_before));
        }
        Ok(())
    }

    fn check_names(&self) -> Result<(), String> {
        let optional = [("agent", &self.agent), ("device", &self.device), ("approver", &self.approver)];
        let optional = optional.into_iter().filter_map(|(key, name)| Some((key, name.as_ref()?)));
        let points = self.points.iter().map(|point| ("points", point));
        let mut names = [("id", &self.id), ("actor", &self.actor)].into_iter().chain(optional).chain(points);
        match names.find(|(_, name)| !is_name(name)) {
            Some((key, _)) => Err(format!("{key}: a name has 1 to {MOST_NAME} octets and no control characters")),
            None => Ok(()),
        }
    }

    fn check_targets(&self) -> Result<(), String> {
        if !self.points.is_empty() && !self.raw.is_empty() {
            return Err("points and raw exclude each other: values are in other units".to_owned());
        }
        if !self.points.is_empty() && self.device.is_none() {
            return Err("points are of a device: name it".to_owned());
        }
        let targets = self.points.len().saturating_add(self.raw.len());
        if targets > MOST_TARGETS {
            return Err(format!(
                "{targets} points or addresses are too many: {MOST_TARGETS} at most; sign several intents"
            ));
        }
        let is_beyond = |run: &&Run| run.quantity == 0 || run.address.checked_add(u32::from(run.quantity)).is_none();
        match self.raw.iter().find(is_beyond) {
            Some(run) => Err(format!("raw: {} addresses from {} on are none", run.quantity, run.address)),
            None => Ok(()),
        }
    }

    fn check_values(&self) -> Result<(), String> {
        let values = [self.value.is_some(), self.range.is_some(), self.mask.is_some()];
        let values = values.into_iter().filter(|is_there| *is_there).count();
        if values > 1 {
            return Err("value, range and mask exclude each other".to_owned());
        }
        if values == 1 && self.points.is_empty() && self.raw.is_empty() {
            return Err("a value is of points or of raw addresses: name them".to_owned());
        }
        match self.range {
            Some([least, most]) if least > most => Err(format!("range: {least} is above {most}")),
            _ => Ok(()),
        }
    }
}

/// JSON Schema (draft 2020-12) of claims, as text.
pub fn schema() -> String {
    let settings = SchemaSettings::draft2020_12().with_transform(RecursiveTransform(plain));
    let mut schema = settings.into_generator().into_root_schema_for::<Claims>();
    schema.insert("$id".to_owned(), "urn:tagout:intent:1".into());
    format!("{:#}\n", schema.as_value())
}

/// Formats such as `uint8` are known to no other tool, ranges tell the same; and nothing may be `null`.
fn plain(schema: &mut Schema) {
    if schema.get("format").and_then(|format| format.as_str()).is_some_and(|format| format != "date-time") {
        schema.remove("format");
    }
    if let Some(types) = schema.get_mut("type").and_then(|types| types.as_array_mut()) {
        types.retain(|kind| kind != "null");
        if let [only] = types.as_slice() {
            let only = only.clone();
            schema.insert("type".to_owned(), only);
        }
    }
    let inner = schema.get("anyOf").and_then(|any| any.as_array()).and_then(|any| match any.as_slice() {
        [inner, null] if null == &serde_json::json!({"type": "null"}) => inner.as_object().cloned(),
        _ => None,
    });
    if let Some(inner) = inner {
        schema.remove("anyOf");
        inner.into_iter().for_each(|(key, value)| drop(schema.insert(key, value)));
    }
}

impl Operation {
    fn words() -> Vec<&'static str> {
        Action::ALL.iter().filter(|action| action.is_command()).map(|action| action.name()).collect()
    }
}

impl AddressSpace {
    fn words() -> Vec<&'static str> {
        Space::ALL.iter().map(|space| space.name()).collect()
    }
}

/// A word of a list, as JSON has it and its schema tells it.
macro_rules! word {
    ($name:ident, $from:expr) => {
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.0.name())
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let word = String::deserialize(deserializer)?;
                let known = Self::words().contains(&word.as_str()).then(|| $from(&word)).flatten();
                known.map(Self).ok_or_else(|| {
                    de::Error::custom(format_args!("{word:?} is none of {}", Self::words().join(", ")))
                })
            }
        }

        impl JsonSchema for $name {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({"type": "string", "enum": Self::words()})
            }
        }
    };
}

word!(Operation, Action::from_name);
word!(AddressSpace, Space::from_name);

impl Serialize for TraceId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&Hex(&self.0))
    }
}

impl<'de> Deserialize<'de> for TraceId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        octets(&text).filter(|id| *id != [0; 16]).map(Self).ok_or_else(|| {
            de::Error::custom(format_args!("{text:?} is no trace id: 32 hexadecimal digits, not all of them 0"))
        })
    }
}

impl JsonSchema for TraceId {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "TraceId".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "string", "pattern": "^[0-9a-fA-F]{32}$"})
    }
}

#[cfg(test)]
mod tests;
