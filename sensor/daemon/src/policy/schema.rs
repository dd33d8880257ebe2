//! The schemas of policy files and column maps for editors, from the grammar that the compiler takes its keys from.

use serde_json::{Map, Value, json};
use tagout_compiler::grammar::{Key, Shape, Table};

/// JSON Schema of a file that is such a table. Draft 7 without references is what every editor of TOML understands.
pub fn text(file: &Table) -> String {
    let mut schema = Map::new();
    schema.insert("$schema".to_owned(), json!("http://json-schema.org/draft-07/schema#"));
    schema.insert("title".to_owned(), json!(file.what));
    schema.append(&mut table(file));
    format!("{:#}\n", Value::Object(schema))
}

fn table(table: &Table) -> Map<String, Value> {
    let required: Vec<_> = table.keys().filter(|key| key.required).map(|key| key.name).collect();
    let properties: Map<_, _> = table.keys().map(|key| (key.name.to_owned(), property(key).into())).collect();
    let mut schema = Map::new();
    schema.insert("description".to_owned(), json!(table.meaning));
    schema.insert("type".to_owned(), json!("object"));
    if !required.is_empty() {
        schema.insert("required".to_owned(), json!(required));
    }
    schema.insert("properties".to_owned(), properties.into());
    schema.insert("additionalProperties".to_owned(), json!(false));
    schema
}

/// A key: what it says goes before what the table in it says.
fn property(key: &Key) -> Map<String, Value> {
    let mut schema = Map::new();
    schema.insert("description".to_owned(), json!(key.meaning));
    schema.extend(shape(&key.shape).into_iter().filter(|(keyword, _)| keyword != "description"));
    schema
}

fn shape(shape: &Shape) -> Map<String, Value> {
    match shape {
        Shape::Text => keywords(json!({ "type": "string" })),
        Shape::Form(pattern, example) => {
            keywords(json!({ "type": "string", "pattern": pattern, "examples": [example] }))
        }
        Shape::Boolean => keywords(json!({ "type": "boolean" })),
        Shape::Number => keywords(json!({ "type": "number" })),
        Shape::Whole(least, most) => keywords(json!({ "type": "integer", "minimum": least, "maximum": most })),
        Shape::Word(words) => keywords(json!({ "type": "string", "enum": words() })),
        Shape::Range => list(&Shape::Number, json!({ "minItems": 2, "maxItems": 2 })),
        Shape::Table(inner) => table(inner),
        Shape::Named(inner) => keywords(json!({ "type": "object", "additionalProperties": self::shape(inner) })),
        Shape::OneOrMore(inner) => {
            keywords(json!({ "anyOf": [self::shape(inner), list(inner, json!({ "minItems": 1 }))] }))
        }
        Shape::List(inner) => list(inner, json!({})),
        Shape::Either(shapes) => {
            let shapes: Vec<_> = shapes.iter().map(self::shape).collect();
            keywords(json!({ "anyOf": shapes }))
        }
    }
}

/// A list of values of a shape, and how many there may be.
fn list(item: &Shape, length: Value) -> Map<String, Value> {
    let mut schema = keywords(json!({ "type": "array", "items": shape(item) }));
    schema.append(&mut keywords(length));
    schema
}

/// The keywords of a schema, which is an object.
fn keywords(schema: Value) -> Map<String, Value> {
    if let Value::Object(keywords) = schema { keywords } else { Map::new() }
}
