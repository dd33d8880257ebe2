use std::borrow::Cow;
use std::ops::AddAssign;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Serialize, Serializer};
use serde_json::{Map, Value, json};
use tagout_core::engine::SuppressionId;
use tagout_core::{Counter, Counters, Timestamp};

use super::{Context, Origin, Stamp};

/// What was counted, at the end of a capture.
#[derive(Serialize, JsonSchema)]
pub struct StatsRecord<'a> {
    /// Time of the last frame.
    timestamp: Stamp,
    /// The kind of record.
    #[schemars(extend("const" = "stats"))]
    event_type: &'static str,
    #[serde(flatten)]
    origin: Origin<'a>,
    /// The counts.
    stats: Stats<'a>,
}

#[derive(Serialize, JsonSchema)]
struct Stats<'a> {
    /// What was lost before tagout saw it.
    capture: Losses,
    /// Everything that the sensor counts.
    sensor: Named<'a>,
    /// How many alerts each suppression of the policy kept back.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    suppressed: Vec<Suppressed<'a>>,
    /// What became of the messages for destinations.
    #[serde(skip_serializing_if = "Option::is_none")]
    delivery: Option<Delivered>,
    /// Files of evidence that could not be kept: the disk was full, or too slow.
    #[serde(skip_serializing_if = "Option::is_none")]
    evidence_lost: Option<u64>,
    /// Records that files did not take, because the disk was full for instance.
    #[serde(skip_serializing_if = "Option::is_none")]
    records_lost: Option<u64>,
}

/// What became of the messages for destinations.
#[derive(Serialize, JsonSchema, Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Delivered {
    /// Messages that destinations did not have at the end, counted for each; with a spool on disk they are sent at the next start.
    pub waiting: u64,
    /// Alerts that went because memory or spool was full, or because they waited too long.
    pub lost_alerts: u64,
    /// Events that went in the same way.
    pub lost_events: u64,
}

#[derive(Serialize, JsonSchema)]
struct Suppressed<'a> {
    /// The suppression.
    name: &'a str,
    /// How many alerts.
    count: u64,
}

/// What the source of the frames lost before tagout saw it.
#[derive(Serialize, JsonSchema, Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Losses {
    /// Frames that the kernel dropped because its buffer was full.
    pub kernel_drops: u64,
    /// Frames that the interface dropped.
    pub interface_drops: u64,
    /// Frames of which a capture file has only the beginning because it was cut off.
    pub cut_off_frames: u64,
}

impl Losses {
    /// Every loss with its name.
    pub fn named(&self) -> [(&'static str, u64); 3] {
        [
            ("kernel_drops", self.kernel_drops),
            ("interface_drops", self.interface_drops),
            ("cut_off_frames", self.cut_off_frames),
        ]
    }
}

impl AddAssign for Losses {
    fn add_assign(&mut self, other: Self) {
        self.kernel_drops += other.kernel_drops;
        self.interface_drops += other.interface_drops;
        self.cut_off_frames += other.cut_off_frames;
    }
}

/// Every counter under its name.
pub(super) struct Named<'a>(pub(super) &'a Counters);

impl<'a> StatsRecord<'a> {
    /// The record of a capture that ended at `time`; `suppressed` counts the alerts that each suppression kept back.
    pub fn new(
        context: &Context<'a>,
        time: Timestamp,
        losses: Losses,
        counters: &'a Counters,
        suppressed: &[u64],
    ) -> Self {
        let counted = (0..).map(SuppressionId).zip(suppressed).filter(|(_, count)| **count > 0);
        let named = counted.filter_map(|(id, count)| {
            Some(Suppressed { name: context.policy.suppression_info(id)?.name, count: *count })
        });
        Self {
            timestamp: Stamp(time),
            event_type: "stats",
            origin: context.origin,
            stats: Stats {
                capture: losses,
                sensor: Named(counters),
                suppressed: named.collect(),
                delivery: None,
                evidence_lost: None,
                records_lost: None,
            },
        }
    }

    /// The same record, with what became of messages, where there are destinations.
    pub fn with_delivery(mut self, delivery: Option<Delivered>) -> Self {
        self.stats.delivery = delivery;
        self
    }

    /// The same record, with the files of evidence that could not be kept, where evidence is kept.
    pub fn with_evidence_lost(mut self, lost: Option<u64>) -> Self {
        self.stats.evidence_lost = lost;
        self
    }

    /// The same record, with the records that files did not take.
    pub fn with_records_lost(mut self, lost: u64) -> Self {
        self.stats.records_lost = (lost > 0).then_some(lost);
        self
    }
}

impl Serialize for Named<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(counter, count)| (counter.name(), count)))
    }
}

impl JsonSchema for Named<'_> {
    fn schema_name() -> Cow<'static, str> {
        "Counters".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let count =
            |counter: &Counter| json!({"description": counter.meaning().trim(), "type": "integer", "minimum": 0});
        let properties: Map<String, Value> =
            Counter::ALL.iter().map(|counter| (counter.name().to_owned(), count(counter))).collect();
        let names: Vec<&str> = Counter::ALL.iter().map(|counter| counter.name()).collect();
        json_schema!({"type": "object", "properties": properties, "required": names})
    }
}
