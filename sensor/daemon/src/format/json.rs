use serde_json::Value;

/// A document without what has nothing to tell: `null`, and objects and lists that hold nothing else.
pub(super) fn told(value: Value) -> Value {
    match value {
        Value::Object(fields) => {
            fields.into_iter().map(|(name, field)| (name, told(field))).filter(|(_, field)| !is_empty(field)).collect()
        }
        Value::Array(items) => items.into_iter().map(told).filter(|item| !is_empty(item)).collect(),
        other => other,
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Object(fields) => fields.is_empty(),
        Value::Array(items) => items.is_empty(),
        _ => false,
    }
}
