//! The records' schema, as those who read records would check it.

use std::sync::LazyLock;

use jsonschema::error::ValidationErrorKind;
use jsonschema::{ValidationError, Validator};
use serde::Serialize;
use serde_json::Value;
use tagout::policy::Sources;
use tagout::record::{AlertRecord, AnomalyRecord, Context, EventRecord, Origin};
use tagout_core::engine::Policy;
use tagout_core::words::Subject;
use tagout_core::{Alert, Anomaly, Exchange, Output};

static RECORD: LazyLock<Validator> = LazyLock::new(|| {
    jsonschema::validator_for(tagout::record::schema::schema().as_value()).expect("the schema is a schema")
});

/// Checks every record that the sensor would write, and hands on what it is made from.
pub struct Checked<'a, O> {
    context: Context<'a>,
    /// Takes what the sensor reports.
    pub output: O,
    /// What is wrong with records.
    pub wrong: Vec<String>,
}

impl<'a, O> Checked<'a, O> {
    /// Checks records in the words of a policy that was compiled from `sources`.
    pub fn new(policy: Policy<'a>, sources: &'a Sources, output: O) -> Self {
        let origin = Origin::capture_file("capture.pcap");
        Self { context: Context { origin, policy, sources }, output, wrong: Vec::new() }
    }

    fn check(&mut self, record: &impl Serialize) {
        let record = serde_json::to_value(record).expect("records are JSON");
        self.wrong.extend(check_record(&record).err().map(|wrong| format!("{wrong}: {record}")));
    }
}

impl<O: Output> Output for Checked<'_, O> {
    fn exchange(&mut self, exchange: &Exchange<'_>) {
        self.check(&EventRecord::new(&self.context, exchange));
        self.output.exchange(exchange);
    }

    fn anomaly(&mut self, anomaly: &Anomaly) {
        self.check(&AnomalyRecord::new(&self.context, anomaly));
        self.output.anomaly(anomaly);
    }

    fn alert(&mut self, alert: &Alert<'_>) {
        let context = self.context;
        match Subject::of(&context.policy, alert) {
            Some(subject) => self.check(&AlertRecord::new(&context, alert, &subject)),
            None => self.wrong.push(format!("an alert that does not fit the policy: {alert:?}")),
        }
        self.output.alert(alert);
    }
}

/// Checks one line of what tagout wrote against the schema.
///
/// # Errors
/// The line with what is wrong with it.
pub fn check(line: &str) -> Result<(), String> {
    let record = serde_json::from_str(line).map_err(|error| format!("{error}: {line}"))?;
    check_record(&record).map_err(|wrong| format!("{wrong}: {line}"))
}

/// Checks a record that was read already.
///
/// # Errors
/// What is wrong with it.
pub fn check_record(record: &Value) -> Result<(), String> {
    if RECORD.is_valid(record) {
        return Ok(());
    }
    Err(RECORD.iter_errors(record).map(|error| reasons(&error)).collect::<Vec<_>>().join("; "))
}

/// Why a record is none of the kinds that there are: what speaks against the kind that it says it is.
fn reasons(error: &ValidationError<'_>) -> String {
    let told = |error: &ValidationError<'_>| format!("{}: {error}", error.instance_path());
    let ValidationErrorKind::OneOfNotValid { context } = error.kind() else { return told(error) };
    let is_other_kind = |errors: &&Vec<_>| {
        errors.iter().any(|error: &ValidationError<'_>| error.instance_path().as_str() == "/event_type")
    };
    match context.iter().find(|errors| !is_other_kind(errors)) {
        Some(errors) => errors.iter().map(told).collect::<Vec<_>>().join("; "),
        None => "no kind of record".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// The end of a capture that lost nothing.
    fn stats() -> Value {
        let counters: Value = tagout_core::Counter::ALL.iter().map(|counter| (counter.name().to_owned(), 0)).collect();
        json!({
            "timestamp": "2026-01-01T00:00:00.000000+0000",
            "event_type": "stats",
            "capture_file": "plant.pcap",
            "stats": {
                "capture": {"kernel_drops": 0, "interface_drops": 0, "cut_off_frames": 0},
                "sensor": counters,
            },
        })
    }

    fn wrong_with(pointer: &str, field: &str, value: Value) -> String {
        let mut record = stats();
        record.pointer_mut(pointer).expect("it is there")[field] = value;
        check_record(&record).unwrap_err()
    }

    #[test]
    fn a_record_has_what_the_schema_lists_and_nothing_else() {
        assert_eq!(check_record(&stats()), Ok(()));
        assert_eq!(check(&stats().to_string()), Ok(()));
        assert!(wrong_with("", "more", json!(1)).contains("'more' was unexpected"));
        assert!(wrong_with("/stats/capture", "more", json!(1)).contains("'more' was unexpected"));
        assert!(wrong_with("/stats/sensor", "frames", json!(-1)).starts_with("/stats/sensor/frames: -1 is less"));
        assert!(wrong_with("", "timestamp", json!("yesterday")).starts_with("/timestamp: "));
        assert!(wrong_with("", "in_iface", json!("eth0")).contains("oneOf"), "frames come from one place");
        assert_eq!(wrong_with("", "event_type", json!("other")), "no kind of record");
        assert!(check("{").is_err());
    }
}
