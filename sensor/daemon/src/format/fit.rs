//! What is left out of a record where there is no room for it.

use serde_json::Value;

use super::eve::Eve;

/// What goes first to last: what was said, what the policy says of it, then the details of what happened.
pub(super) const LEFT_OUT: [&str; 21] = [
    "modbus",
    "dnp3",
    "ot.suggestion",
    "ot.policy.text",
    "ot.invariant",
    "ot.cadence",
    "ot.process",
    "ot.permitted",
    "ot.agentic",
    "anomaly",
    "request",
    "response",
    "ot.attack",
    "alert.metadata",
    "ot.response",
    "ot.policy",
    "ot.heartbeat.counters",
    "ot.heartbeat.delivery.destinations",
    "ot.heartbeat.interfaces",
    "ot.heartbeat.policy",
    "ot.heartbeat.unwell",
];

/// Bytes that a text keeps where even that was not enough.
const SHORT: usize = 32;

/// `eve` as `render` writes it, in `most` bytes where that can be.
///
/// What was left out is told in `ot.left_out`, and a text that was shortened ends in `…`.
pub(super) fn fitted(mut eve: Eve, most: usize, render: impl Fn(&Eve) -> String) -> String {
    let mut text = render(&eve);
    for field in LEFT_OUT {
        if text.len() <= most {
            return text;
        }
        if eve.remove(field) {
            note(&mut eve, field);
            text = render(&eve);
        }
    }
    if text.len() > most {
        shorten(eve.root());
        text = render(&eve);
    }
    text
}

fn note(eve: &mut Eve, field: &str) {
    if let Some(ot) = eve.root().get_mut("ot").and_then(Value::as_object_mut)
        && let Value::Array(left_out) = ot.entry("left_out").or_insert_with(|| Value::Array(Vec::new()))
    {
        left_out.push(field.into());
    }
}

/// Shortens every text that is long, and takes out the characters that JSON writes with six bytes.
fn shorten(value: &mut Value) {
    match value {
        Value::String(text) => {
            *text = printable(text);
            cut(text, SHORT);
        }
        Value::Array(items) => items.iter_mut().for_each(shorten),
        Value::Object(fields) => fields.values_mut().for_each(shorten),
        _ => {}
    }
}

/// A text with a space for every control character.
pub(super) fn printable(text: &str) -> String {
    text.chars().map(|character| if character.is_control() { ' ' } else { character }).collect()
}

/// Ends a text that is longer than `most` bytes within them, with `…` and never within a character.
pub(super) fn cut(text: &mut String, most: usize) {
    const MARK: char = '…';
    if text.len() > most {
        text.truncate(text.floor_char_boundary(most.saturating_sub(MARK.len_utf8())));
        text.push(MARK);
    }
}
