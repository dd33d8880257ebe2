use schemars::JsonSchema;
use serde::Serialize;
use tagout_core::{AlertId, Protocol};

use super::stats::Named;
use super::text::Text;
use super::{Origin, Stamp};
use crate::capture::live::InterfaceState;
use crate::delivery::{DestinationMeasured, Measured, Outcome};
use crate::heartbeat::Heartbeat;
use crate::management::{self, Unwell};

/// How the sensor does, told every so often.
#[derive(Serialize, JsonSchema)]
pub struct HeartbeatRecord<'a> {
    /// When it is told, by the clock of the sensor's machine.
    timestamp: Stamp,
    /// The kind of record.
    #[schemars(extend("const" = "heartbeat"))]
    event_type: &'static str,
    #[serde(flatten)]
    origin: Origin<'a>,
    /// What only tagout tells.
    ot: HeartbeatOt<'a>,
}

#[derive(Serialize, JsonSchema)]
struct HeartbeatOt<'a> {
    /// 32 hexadecimal digits; no two heartbeats have the same.
    heartbeat_id: Text<AlertId>,
    /// How the sensor does.
    heartbeat: Body<'a>,
    /// The whole in a sentence.
    why: &'a str,
    /// Fields that were left out on the way to a receiver that does not take as much; a text that was shortened ends in `…`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    left_out: Vec<&'a str>,
}

#[derive(Serialize, JsonSchema)]
struct Body<'a> {
    /// Whether anything is unwell.
    #[schemars(extend("enum" = ["ok", "unwell"]))]
    status: &'a str,
    /// What is unwell, as `/health` tells it.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    unwell: &'a [Unwell],
    /// Which tagout it is.
    version: &'static str,
    /// When the process started: it is another time after a restart.
    started: Stamp,
    /// Seconds since then.
    uptime_s: u64,
    /// How often the daemon was started anew since the folder of its spool, or of its local store, was made; absent without either.
    #[serde(skip_serializing_if = "Option::is_none")]
    restarts: Option<u64>,
    /// Seconds to the next heartbeat.
    interval_s: u64,
    /// The policy in force.
    #[serde(skip_serializing_if = "Option::is_none")]
    policy: Option<Policy<'a>>,
    /// Frames that were judged, since the start like all counts here.
    frames: u64,
    /// Frames that the kernel dropped because its buffer was full.
    kernel_drops: u64,
    /// Frames that the interfaces dropped.
    interface_drops: u64,
    /// When the last frame was captured, if one was.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_frame: Option<Stamp>,
    /// Requests with their responses.
    exchanges: u64,
    /// Exchanges that change state, configuration or availability.
    commands: u64,
    /// Alerts given, with those by which the sensor tells of itself.
    alerts: u64,
    /// Files of evidence that could not be kept, where evidence is kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    evidence_lost: Option<u64>,
    /// The interfaces that are watched.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    interfaces: Vec<Interface<'a>>,
    /// How it stands with what is to be delivered, where there are destinations.
    #[serde(skip_serializing_if = "Option::is_none")]
    delivery: Option<Delivery<'a>>,
    /// Everything that the sensor counts.
    #[serde(skip_serializing_if = "Option::is_none")]
    counters: Option<Named<'a>>,
}

#[derive(Serialize, JsonSchema)]
struct Policy<'a> {
    /// Tells its image from others.
    version: &'a str,
    /// When it came into force.
    loaded: Stamp,
    /// How many permits it has.
    permits: usize,
    /// How many rules it has.
    rules: usize,
    /// When another was refused that was read anew, until one is taken.
    #[serde(skip_serializing_if = "Option::is_none")]
    refused_at: Option<Stamp>,
}

#[derive(Serialize, JsonSchema)]
struct Interface<'a> {
    /// What the configuration calls it.
    name: &'a str,
    /// `up`, `silent` where nothing comes for so long that it was told, or `lost` where it cannot be read.
    #[schemars(extend("enum" = ["up", "silent", "lost"]))]
    state: &'static str,
    /// Since when it is silent or lost.
    #[serde(skip_serializing_if = "Option::is_none")]
    since: Option<Stamp>,
    /// Frames that came from it.
    frames: u64,
    /// Frames of it that the kernel dropped.
    kernel_drops: u64,
    /// Frames that it dropped itself.
    interface_drops: u64,
}

#[derive(Serialize, JsonSchema)]
struct Delivery<'a> {
    /// Notices that some destination still needs, in memory and in the spool.
    waiting: u64,
    /// Bytes of those in the spool.
    spooled_bytes: u64,
    /// How many bytes of them there may be.
    spool_limit_bytes: u64,
    /// Seconds that the oldest of them waits; 0 if none does.
    oldest_s: u64,
    /// Alerts that went because memory or spool was full, or because they waited too long.
    lost_alerts: u64,
    /// Events and heartbeats that went in the same way.
    lost_events: u64,
    /// Each destination.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    destinations: Vec<Destination<'a>>,
}

#[derive(Serialize, JsonSchema)]
struct Destination<'a> {
    /// Its name.
    name: &'a str,
    /// Notices that it was given.
    delivered: u64,
    /// Notices that it is not done with and can still get, without events where it takes none.
    waiting: u64,
    /// Notices that it will never take.
    refused: u64,
    /// Attempts that came to nothing.
    failures: u64,
    /// Since when it takes nothing, if so.
    #[serde(skip_serializing_if = "Option::is_none")]
    failing_since: Option<Stamp>,
}

impl<'a> HeartbeatRecord<'a> {
    /// The record of a heartbeat with this identity, and this sentence.
    pub fn new(origin: Origin<'a>, heartbeat: &'a Heartbeat<'a>, id: AlertId, why: &'a str) -> Self {
        Self {
            timestamp: Stamp(heartbeat.time),
            event_type: "heartbeat",
            origin,
            ot: HeartbeatOt { heartbeat_id: Text(id), heartbeat: Body::of(heartbeat), why, left_out: Vec::new() },
        }
    }
}

impl<'a> Body<'a> {
    fn of(heartbeat: &'a Heartbeat<'a>) -> Self {
        let (vitals, losses) = (heartbeat.vitals, heartbeat.losses());
        let exchanges = [Protocol::Modbus, Protocol::Dnp3].map(|protocol| vitals.recorded.exchanges(protocol));
        Self {
            status: heartbeat.health.status(),
            unwell: heartbeat.health.unwell(),
            version: env!("CARGO_PKG_VERSION"),
            started: Stamp(heartbeat.started),
            uptime_s: heartbeat.uptime.as_secs(),
            restarts: vitals.restarts,
            interval_s: heartbeat.interval.as_secs(),
            policy: Some(Policy::of(&vitals.policy)),
            frames: heartbeat.frames(),
            kernel_drops: losses.kernel_drops,
            interface_drops: losses.interface_drops,
            last_frame: vitals.last_frame.map(Stamp),
            exchanges: exchanges.iter().map(|[all, _]| all).sum(),
            commands: exchanges.iter().map(|[_, commands]| commands).sum(),
            alerts: heartbeat.alerts(),
            evidence_lost: vitals.evidence_lost,
            interfaces: vitals.interfaces.iter().map(Interface::of).collect(),
            delivery: heartbeat.delivery.as_ref().map(|measured| Delivery::of(measured, heartbeat.waiting())),
            counters: Some(Named(&vitals.counters)),
        }
    }
}

impl<'a> Policy<'a> {
    fn of(policy: &'a management::Policy) -> Self {
        Self {
            version: &policy.version,
            loaded: Stamp(policy.loaded),
            permits: policy.permits,
            rules: policy.rules,
            refused_at: policy.refused_at.map(Stamp),
        }
    }
}

impl<'a> Interface<'a> {
    fn of(state: &'a InterfaceState) -> Self {
        let (word, since) = match (state.lost_since, state.silent_since) {
            (Some(since), _) => ("lost", Some(since)),
            (None, Some(since)) => ("silent", Some(since)),
            (None, None) => ("up", None),
        };
        Self {
            name: &state.name,
            state: word,
            since: since.map(Stamp),
            frames: state.frames,
            kernel_drops: state.losses.kernel_drops,
            interface_drops: state.losses.interface_drops,
        }
    }
}

impl<'a> Delivery<'a> {
    fn of(measured: &'a Measured, waiting: u64) -> Self {
        let lost = measured.lost();
        Self {
            waiting,
            spooled_bytes: measured.spooled_bytes,
            spool_limit_bytes: measured.spool_limit_bytes,
            oldest_s: measured.oldest.unwrap_or_default().as_secs(),
            lost_alerts: lost.alerts,
            lost_events: lost.events,
            destinations: measured.destinations.iter().map(Destination::of).collect(),
        }
    }
}

impl<'a> Destination<'a> {
    fn of(measured: &'a DestinationMeasured) -> Self {
        Self {
            name: &measured.name,
            delivered: measured.outcome(Outcome::Delivered),
            waiting: measured.waiting,
            refused: measured.outcome(Outcome::Refused),
            failures: measured.failures,
            failing_since: measured.trouble.as_ref().map(|fault| fault.since).map(Stamp::from),
        }
    }
}
