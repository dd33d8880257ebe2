use schemars::JsonSchema;
use serde::Serialize;
use tagout_core::AlertId;

use super::text::Text;
use super::{Origin, Stamp};
use crate::news::{News, NewsKind};
use crate::record::schema::words;

/// What the sensor tells of itself, as an alert in the shape of Suricata's EVE.
#[derive(Serialize, JsonSchema)]
pub struct NewsRecord<'a> {
    /// When it happened.
    timestamp: Stamp,
    /// The kind of record.
    #[schemars(extend("const" = "alert"))]
    event_type: &'static str,
    #[serde(flatten)]
    origin: Origin<'a>,
    /// What Suricata tells of an alert.
    alert: NewsSignature,
    /// What only tagout tells.
    ot: NewsOt<'a>,
}

#[derive(Serialize, JsonSchema)]
struct NewsSignature {
    /// tagout blocks nothing.
    #[schemars(extend("const" = "allowed"))]
    action: &'static str,
    /// Always 1: signature ids are of one group.
    gid: u32,
    /// From 1002001 on.
    signature_id: u32,
    /// Always 1.
    rev: u32,
    /// What it is, in one line.
    signature: &'static str,
    /// Always `Sensor`.
    #[schemars(extend("const" = NewsRecord::CATEGORY))]
    category: &'static str,
    /// How bad it is: 1 high, 2 medium, 3 low, 4 informational.
    #[schemars(range(min = 1, max = 4))]
    severity: u8,
}

#[derive(Serialize, JsonSchema)]
struct NewsOt<'a> {
    /// 32 hexadecimal digits that derive from what it is about.
    alert_id: Text<AlertId>,
    /// The beginning of something and its end have the same.
    incident_id: Text<AlertId>,
    /// What happened to the sensor.
    sensor: Sensor<'a>,
    /// The whole in a sentence or two.
    why: &'a str,
}

#[derive(Serialize, JsonSchema)]
struct Sensor<'a> {
    /// What it is, in a word.
    #[schemars(extend("enum" = words(NewsKind::ALL, NewsKind::name)))]
    event: &'static str,
    /// The interface that it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    interface: Option<&'a str>,
    /// How much it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    count: Option<u64>,
    /// When what it ends began.
    #[serde(skip_serializing_if = "Option::is_none")]
    since: Option<Stamp>,
}

impl<'a> NewsRecord<'a> {
    /// The category of everything that the sensor tells of itself.
    pub const CATEGORY: &'static str = "Sensor";

    /// The record of news, which has this identity and belongs to this incident.
    pub fn new(origin: Origin<'a>, news: &'a News, [id, incident]: [AlertId; 2]) -> Self {
        let kind = news.kind;
        Self {
            timestamp: Stamp(news.time),
            event_type: "alert",
            origin,
            alert: NewsSignature {
                action: "allowed",
                gid: 1,
                signature_id: kind.signature_id(),
                rev: 1,
                signature: kind.signature(),
                category: Self::CATEGORY,
                severity: kind.severity().number(),
            },
            ot: NewsOt {
                alert_id: Text(id),
                incident_id: Text(incident),
                sensor: Sensor {
                    event: kind.name(),
                    interface: news.interface.as_deref(),
                    count: news.count,
                    since: news.began.map(Stamp),
                },
                why: &news.why,
            },
        }
    }
}
