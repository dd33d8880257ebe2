use proptest::prelude::*;
use proptest::sample::{Index, select};
use serde_json::{Value, json};

use super::*;
use crate::intent::{Keys, Told};

/// A name that anybody may have chosen, as far as names may be.
fn name() -> impl Strategy<Value = String> {
    "[a-z\"\\\\{}:, ü\u{1F525}]{1,12}"
}

/// A number with as many digits as people write.
fn number() -> impl Strategy<Value = f64> {
    (any::<i32>(), 0..5).prop_map(|(digits, places)| f64::from(digits) / 10_f64.powi(places))
}

/// A device and points, addresses, or neither.
fn places() -> impl Strategy<Value = (Option<String>, Vec<String>, Vec<Run>)> {
    let space = select(Space::ALL.to_vec()).prop_map(AddressSpace);
    let run = (space, 0..u32::MAX / 2, 1..u16::MAX);
    let run = run.prop_map(|(space, address, quantity)| Run { space, address, quantity });
    let runs = prop::collection::vec(run, 0..MOST_TARGETS);
    prop_oneof![
        (name(), prop::collection::vec(name(), 0..MOST_TARGETS)).prop_map(|(device, points)| (
            Some(device),
            points,
            vec![]
        )),
        (prop::option::of(name()), runs).prop_map(|(device, runs)| (device, vec![], runs)),
    ]
}

/// One value, two of a range, masks, or none.
fn values() -> impl Strategy<Value = (Option<f64>, Option<[f64; 2]>, Option<Mask>)> {
    prop_oneof![
        Just((None, None, None)),
        number().prop_map(|value| (Some(value), None, None)),
        (number(), number()).prop_map(|(one, other)| (None, Some([one.min(other), one.max(other)]), None)),
        any::<(u16, u16)>().prop_map(|(and, or)| (None, None, Some(Mask { and, or }))),
    ]
}

fn claims() -> impl Strategy<Value = Claims> {
    let commands: Vec<Action> = Action::ALL.iter().copied().filter(|action| action.is_command()).collect();
    let does = (prop::option::of(select(commands)), prop::option::of(1..u32::MAX), prop::option::of(any::<u32>()));
    let whose = (name(), name(), prop::option::of(name()), prop::option::of(name()), prop::option::of(".{0,40}"));
    let when = (0..u64::MAX / 2, 1..u64::MAX / 2, prop::option::of(1..u128::MAX));
    (whose, places(), values(), does, when).prop_map(|(whose, (device, points, raw), values, does, when)| {
        let has_place = !points.is_empty() || !raw.is_empty();
        let (value, range, mask) = if has_place { values } else { (None, None, None) };
        let (id, actor, agent, approver, reason) = whose;
        let (operation, count, pace_ms) = does;
        let (not_before, length, trace) = when;
        Claims {
            id,
            actor,
            agent,
            device,
            points,
            raw,
            operation: operation.map(Operation),
            value,
            range,
            mask,
            count,
            pace_ms,
            not_before: Instant(Timestamp(not_before)),
            expires: Instant(Timestamp(not_before + length)),
            reason,
            approver,
            trace_id: trace.map(|id| TraceId(id.to_be_bytes())),
        }
    })
}

proptest! {
    #[test]
    fn what_is_written_reads_back(claims in claims()) {
        prop_assert_eq!(Claims::read(claims.to_json().as_bytes()), Ok(claims));
    }

    #[test]
    fn a_key_that_is_there_twice_or_unknown_is_refused(claims in claims(), which in any::<Index>()) {
        let text = claims.to_json();
        let Ok(Value::Object(object)) = serde_json::from_str(&text) else { return Err(TestCaseError::fail(text)) };
        let (key, value) = object.iter().nth(which.index(object.len())).unwrap();
        for key in [key.clone(), format!("{key}s"), key.to_uppercase()] {
            let more = text.replacen('{', &format!("{{{}:{value},", json!(key)), 1);
            prop_assert!(Claims::read(more.as_bytes()).is_err(), "{more}");
        }
    }

    /// A line of `replay --intents` declares what the intent itself would, and what stands beside it.
    #[test]
    fn a_line_declares_what_its_intent_does(
        claims in claims(),
        received in 0..u64::MAX / 2,
        key in prop::option::of(name()),
        (tool, span) in (prop::option::of(name()), prop::option::of(any::<[u8; 8]>())),
    ) {
        let (at, received) = (Instant(Timestamp(received)).to_string(), Timestamp(received));
        let mut line = json!({"received": at, "intent": claims});
        let beside = [("key", &key), ("tool", &tool), ("span_id", &span.map(|span| Hex(&span).to_string()))];
        for (name, text) in beside {
            line.as_object_mut().unwrap().extend(text.iter().map(|text| (name.to_owned(), json!(text))));
        }
        let source = key.map_or(Source::Span, |key| Source::Signed { key, approver: claims.approver.clone() });
        let wanted = Declaration { tool, span_id: span, ..claims.declare(source, received) };
        match Told::read(&line.to_string(), &Keys::default()) {
            Ok(Told::Declared(declared)) => prop_assert_eq!(*declared, wanted),
            other => prop_assert!(false, "{:?} of {}", other, line),
        }
    }
}
