//! The schema of every record, from the structures that write them.
//!
//! What the structures say, their doc comments included, is all there is to know; here it is only put into a plain shape:
//! every object lists its fields, is closed, and has no `null`.

use schemars::generate::SchemaSettings;
use schemars::transform::RecursiveTransform;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::{Map, Value, json};

use super::{AlertRecord, AnomalyRecord, DecidedRecord, EventRecord, HeartbeatRecord, NewsRecord, StatsRecord};

/// Changes with every change that a reader of records can notice.
pub const SCHEMA_VERSION: u32 = 7;

/// The names of a list of words.
pub(super) fn words<T: Copy>(all: &[T], name: fn(T) -> &'static str) -> Vec<&'static str> {
    all.iter().map(|word| name(*word)).collect()
}

/// A number where it is one, else words.
#[derive(JsonSchema)]
#[serde(untagged)]
#[schemars(inline)]
#[expect(dead_code, reason = "stands for a type in the schema")]
pub(super) enum NumberOrText {
    Number(f64),
    Text(String),
}

/// JSON Schema (draft 2020-12) of one line of any output.
pub fn schema() -> Schema {
    generator().into_root_schema_for::<Record>()
}

/// What makes schemas of a plain shape.
pub(crate) fn generator() -> SchemaGenerator {
    let settings = SchemaSettings::draft2020_12()
        .for_serialize()
        .with_transform(RecursiveTransform(drop_formats))
        .with_transform(RecursiveTransform(drop_null))
        .with_transform(RecursiveTransform(gather_fields))
        .with_transform(RecursiveTransform(close));
    settings.into_generator()
}

/// [`schema`] as people and files have it.
pub fn text() -> String {
    format!("{:#}\n", schema().as_value())
}

/// Any record.
struct Record;

impl JsonSchema for Record {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Record".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let kinds = [
            generator.subschema_for::<EventRecord<'_>>(),
            generator.subschema_for::<DecidedRecord<'_>>(),
            generator.subschema_for::<AlertRecord<'_>>(),
            generator.subschema_for::<NewsRecord<'_>>(),
            generator.subschema_for::<AnomalyRecord<'_>>(),
            generator.subschema_for::<StatsRecord<'_>>(),
            generator.subschema_for::<HeartbeatRecord<'_>>(),
        ];
        json_schema!({
            "$id": format!("urn:tagout:records:{SCHEMA_VERSION}"),
            "title": format!("tagout records, version {SCHEMA_VERSION}"),
            "description": "One line of what tagout writes with --events and --alerts.",
            "oneOf": kinds,
        })
    }
}

/// Formats such as `uint8` are known to no other tool, and ranges tell the same.
fn drop_formats(schema: &mut Schema) {
    schema.remove("format");
}

/// What has nothing to tell is left out of a record, and never `null`.
fn drop_null(schema: &mut Schema) {
    if let Some(Value::Array(types)) = schema.get_mut("type") {
        types.retain(|kind| kind != "null");
        if let [one] = types.as_slice() {
            let one = one.clone();
            schema.insert("type".to_owned(), one);
        }
    }
    if let Some(Value::Array(words)) = schema.get_mut("enum") {
        words.retain(|word| !word.is_null());
    }
    if let Some(Value::Array(alternatives)) = schema.get_mut("anyOf") {
        alternatives.retain(|schema| schema.get("type") != Some(&json!("null")));
        if let [Value::Object(one)] = alternatives.as_slice() {
            let one = one.clone();
            schema.remove("anyOf");
            for (key, value) in one {
                schema.ensure_object().entry(key).or_insert(value);
            }
        }
    }
}

/// Moves the fields of a flattened enumeration's variants to those of the structure it is part of. The variants still tell
/// which of them must be there.
fn gather_fields(schema: &mut Schema) {
    if schema.get("properties").is_none() {
        return;
    }
    let mut gathered = Map::new();
    for key in ["allOf", "anyOf", "oneOf"] {
        if let Some(Value::Array(variants)) = schema.get_mut(key) {
            variants.iter_mut().for_each(|variant| take_fields(variant, &mut gathered));
        }
    }
    if let Some(Value::Object(fields)) = schema.get_mut("properties") {
        fields.extend(gathered);
    }
    // Where there need be no variant at all, nothing is left to tell.
    if schema.get("anyOf").and_then(Value::as_array).is_some_and(|variants| variants.contains(&json!({}))) {
        schema.remove("anyOf");
    }
}

fn take_fields(variant: &mut Value, gathered: &mut Map<String, Value>) {
    let Value::Object(variant) = variant else { return };
    let description = variant.remove("description");
    for key in ["type", "additionalProperties"] {
        variant.remove(key);
    }
    if let Some(Value::Object(mut fields)) = variant.remove("properties") {
        // A variant is one field, whose meaning is the variant's.
        if let (Some(Value::Object(field)), Some(description)) = (fields.values_mut().next(), description) {
            field.insert("description".to_owned(), description);
        }
        gathered.extend(fields);
    }
    for key in ["allOf", "anyOf", "oneOf"] {
        if let Some(Value::Array(variants)) = variant.get_mut(key) {
            variants.iter_mut().for_each(|variant| take_fields(variant, gathered));
        }
    }
}

/// Lets an object have no other fields than those it lists.
fn close(schema: &mut Schema) {
    if schema.get("properties").is_some() {
        schema.insert("additionalProperties".to_owned(), false.into());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every schema within `schema`, itself included.
    fn walk(schema: &Value, visit: &mut impl FnMut(&Value)) {
        visit(schema);
        match schema {
            Value::Object(fields) => fields.values().for_each(|field| walk(field, visit)),
            Value::Array(items) => items.iter().for_each(|item| walk(item, visit)),
            _ => {}
        }
    }

    #[test]
    fn every_object_is_closed_and_lists_what_it_requires() {
        let mut objects = 0;
        walk(schema().as_value(), &mut |schema| {
            let Some(fields) = schema["properties"].as_object().filter(|_| schema["type"] == "object") else { return };
            objects += 1;
            assert_eq!(schema["additionalProperties"], false, "{schema}");
            if let Some(own) = schema["required"].as_array() {
                assert!(own.iter().filter_map(Value::as_str).all(|name| fields.contains_key(name)), "{schema}");
            }
        });
        assert!(objects > 20, "{objects}");
    }

    #[test]
    fn nothing_is_ever_null() {
        walk(schema().as_value(), &mut |schema| {
            assert_ne!(schema["type"], "null");
            assert!(!schema["type"].as_array().is_some_and(|types| types.contains(&json!("null"))), "{schema}");
            assert!(!schema["enum"].as_array().is_some_and(|words| words.contains(&Value::Null)), "{schema}");
        });
    }

    #[test]
    fn the_kinds_of_record_are_told_apart_by_their_type() {
        let schema = schema();
        let kinds = [
            "EventRecord",
            "DecidedRecord",
            "AlertRecord",
            "NewsRecord",
            "AnomalyRecord",
            "StatsRecord",
            "HeartbeatRecord",
        ];
        let types: Vec<&Value> = kinds
            .iter()
            .map(|kind| &schema.as_value()["$defs"][kind]["properties"]["event_type"])
            .flat_map(|kind| {
                kind["enum"].as_array().map_or_else(|| vec![&kind["const"]], |words| words.iter().collect())
            })
            .collect();
        assert_eq!(types, ["modbus", "dnp3", "intent", "alert", "alert", "anomaly", "stats", "heartbeat"]);
    }

    #[test]
    fn frames_come_from_an_interface_or_from_a_file() {
        let schema = schema();
        let stats = &schema.as_value()["$defs"]["StatsRecord"];
        assert_eq!(stats["oneOf"], json!([{"required": ["in_iface"]}, {"required": ["capture_file"]}]));
        assert!(stats["properties"]["in_iface"]["description"].is_string());
    }
}
