//! What stacks say they meant, against what tagout says.

use serde_json::Value;

/// What the stacks told: parts of records, in order.
pub(crate) struct Tale {
    /// What a record has to say of each exchange.
    pub lines: Vec<Value>,
    /// Whether every exchange is told of.
    pub whole: bool,
}

/// What the events lack of what the stacks told, and what they have beyond a whole tale.
///
/// What comes unasked has an order of its own: it crosses what comes in answer. A list of lines tells what a stack does of its own
/// accord, at whatever time.
pub(crate) fn faults(tale: &Tale, events: &[Value]) -> Vec<String> {
    let is_exchange = |event: &&Value| PROTOCOLS.iter().any(|name| event["event_type"] == *name);
    let mut events: Vec<&Value> = events.iter().filter(is_exchange).collect();
    events.sort_by_key(|event| as_it_was_said(event));
    let mut faults = Vec::new();
    if tale.whole && events.len() != tale.lines.len() {
        faults.push(format!("{} exchanges instead of {}", events.len(), tale.lines.len()));
    }
    for unasked in [false, true] {
        let lines = tale.lines.iter().filter(|line| is_unasked(line) == unasked);
        let events = events.iter().copied().filter(|event| is_unasked(event) == unasked).collect();
        faults.extend(missing(lines, events));
    }
    faults
}

const PROTOCOLS: [&str; 2] = ["modbus", "dnp3"];
const UNSOLICITED_RESPONSE: u8 = 130;

/// The frames of request and response: a request without an answer is reported late.
fn as_it_was_said(event: &Value) -> [Option<u64>; 2] {
    let frame = |side: &str| event[side]["frame"].as_u64();
    [frame("request").or(frame("response")), frame("response")]
}

fn is_unasked(event: &Value) -> bool {
    event["dnp3"]["function"] == UNSOLICITED_RESPONSE
}

/// Lines that no event bears out, each with the event that came in its place.
fn missing<'a>(lines: impl Iterator<Item = &'a Value>, mut events: Vec<&Value>) -> Vec<String> {
    let mut missing = Vec::new();
    for line in lines {
        let in_turn = std::slice::from_ref(line);
        for wanted in line.as_array().map_or(in_turn, Vec::as_slice) {
            match events.iter().position(|event| contains(event, wanted)) {
                Some(at) if line.is_array() => {
                    events.remove(at);
                }
                Some(at) => events = events.split_off(at + 1),
                None => missing.push(not_said(wanted, &events)),
            }
        }
    }
    missing
}

fn not_said(line: &Value, events: &[&Value]) -> String {
    format!("nothing says {line}\n    next is {}", events.first().copied().unwrap_or(&Value::Null))
}

/// Stands in a list for whatever a record has there before what follows.
const WHATEVER: &str = "...";

/// Whether `event` has every field of `told` with what it has there; `null` stands for nothing.
fn contains(event: &Value, told: &Value) -> bool {
    match (event, told) {
        (_, Value::Object(fields)) => fields.iter().all(|(name, value)| contains(&event[name], value)),
        (Value::Array(events), Value::Array(list)) if list.first().is_some_and(|first| first == WHATEVER) => {
            let list = list.get(1..).unwrap_or_default();
            let end = events.len().checked_sub(list.len()).and_then(|at| events.get(at..));
            end.is_some_and(|end| end.iter().zip(list).all(|(event, told)| contains(event, told)))
        }
        (Value::Array(events), Value::Array(list)) => {
            events.len() == list.len() && events.iter().zip(list).all(|(event, told)| contains(event, told))
        }
        (Value::Number(event), Value::Number(told)) => match (event.as_f64(), told.as_f64()) {
            (Some(event), Some(told)) => (event - told).abs() <= 1e-6 * told.abs(),
            _ => false,
        },
        _ => event == told,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn tale(lines: &[Value], whole: bool) -> Tale {
        Tale { lines: lines.to_vec(), whole }
    }

    #[test]
    fn a_tale_is_followed_in_order_and_a_whole_one_leaves_nothing_out() {
        let event =
            |function: u8| json!({"event_type": "modbus", "modbus": {"function": function, "values": [1, 2.5]}});
        let line =
            |function: u8| json!({"modbus": {"function": function, "values": [1, 2.500_000_1], "exception": null}});
        let events = [event(3), event(4), json!({"event_type": "stats"})];
        assert!(faults(&tale(&[line(3), line(4)], true), &events).is_empty());
        assert!(faults(&tale(&[line(4)], false), &events).is_empty());
        assert_eq!(faults(&tale(&[line(4)], true), &events).len(), 1);
        assert_eq!(faults(&tale(&[line(4), line(3)], false), &events).len(), 1);
        assert!(faults(&tale(&[json!([line(4)]), line(3)], false), &events).is_empty());
        assert_eq!(faults(&tale(&[json!([line(4), line(4)])], false), &events).len(), 1);
    }

    #[test]
    fn lists_are_as_long_as_they_were_told() {
        assert!(contains(&json!([1, 2]), &json!([1, 2])));
        assert!(!contains(&json!([1, 2]), &json!([1])));
        assert!(contains(&json!([1, 2]), &json!(["...", 2])));
        assert!(!contains(&json!([1, 2]), &json!(["...", 1])));
        assert!(!contains(&json!([2]), &json!(["...", 1, 2])));
        assert!(!contains(&json!({"values": [1]}), &json!({"values": null})));
        assert!(!contains(&json!(1), &json!(2)));
    }
}
