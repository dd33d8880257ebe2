//! The schema of what `tagout devices --json` and `tagout actors --json` write.

use schemars::Schema;
use serde_json::json;

use super::Listing;
use crate::record::schema::generator;

/// Changes with every change that a reader can notice.
pub const SCHEMA_VERSION: u32 = 1;

/// JSON Schema (draft 2020-12) of one line.
pub fn schema() -> Schema {
    let mut schema = generator().into_root_schema_for::<Listing>();
    for (key, value) in [
        ("$id", json!(format!("urn:tagout:inventory:{SCHEMA_VERSION}"))),
        ("title", json!(format!("tagout inventory, version {SCHEMA_VERSION}"))),
        ("description", json!("One line of what `tagout devices --json` and `tagout actors --json` write.")),
    ] {
        schema.insert(key.to_owned(), value);
    }
    schema
}

/// [`schema`] as people and files have it.
pub fn text() -> String {
    format!("{:#}\n", schema().as_value())
}
