use serde_json::Value;

use super::account::Account;
use super::message::{Message, Protocol};
use super::{dnp3, modbus};

/// What one line of tagout's events says of each of its messages; nothing if it is no exchange.
pub fn accounts(event: &Value) -> Vec<Account> {
    let messages = Message::of_event(event);
    messages.into_iter().map(|message| account(message, event)).collect()
}

fn account(message: Message, event: &Value) -> Account {
    match message.protocol {
        Protocol::Modbus => modbus::of_record(message, &event["modbus"]),
        Protocol::Dnp3 => dnp3::of_record(message, &event["dnp3"]),
    }
}

/// The values at a path such as `device_identification.objects.id`, as texts: of every element where a list is, and
/// nothing where there is nothing.
pub(super) fn texts_at(value: &Value, path: &str) -> Vec<String> {
    let (key, rest) = path.split_once('.').unwrap_or((path, ""));
    match value {
        Value::Array(list) => list.iter().flat_map(|element| texts_at(element, path)).collect(),
        Value::Object(fields) if !key.is_empty() => {
            fields.get(key).map_or_else(Vec::new, |value| texts_at(value, rest))
        }
        Value::Null => Vec::new(),
        Value::String(text) => vec![text.clone()],
        Value::Number(number) if number.is_f64() => vec![real(number.as_f64().unwrap_or_default())],
        other => vec![other.to_string()],
    }
}

/// A number with a fraction, to as many digits as tshark writes of a 32-bit one.
pub(super) fn real(number: f64) -> String {
    format!("{number:.5e}")
}
