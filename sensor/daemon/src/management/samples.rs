use std::time::{SystemTime, UNIX_EPOCH};

use tagout_core::engine::Occupancy;
use tagout_core::{Protocol, Timestamp};

use super::exposition::{Sample, Value};
use super::metrics::Metric;
use super::process::ProcessMeasured;
use super::vitals::Vitals;
use crate::capture::live::InterfaceState;
use crate::delivery::{DestinationMeasured, Latency, Measured};
use crate::intent::{Outcome, Receipts, Turned};
use crate::notice::{Kind, PerKind};
use crate::store::Measured as Store;

/// Everything that is known when somebody asks.
pub(super) struct Seen<'a> {
    pub(super) vitals: &'a Vitals,
    pub(super) delivery: Option<&'a Measured>,
    pub(super) receipts: Option<&'a Receipts>,
    pub(super) process: &'a ProcessMeasured,
}

impl Seen<'_> {
    /// The values of a metric: none where there is nothing that it could tell of.
    pub(super) fn samples(&self, metric: Metric) -> Vec<Sample> {
        let Self { vitals, process, .. } = self;
        let policy = &vitals.policy;
        match metric {
            Metric::Counted(counter) => one(vitals.counters.get(counter)),
            Metric::BuildInfo => vec![sample([env!("CARGO_PKG_VERSION"), std::env::consts::ARCH], 1)],
            Metric::LastLook => one(vitals.at.elapsed().as_secs_f64()),
            Metric::LastFrame => some(vitals.last_frame.map(seconds)),
            Metric::InterfaceUp => self.interfaces(|state| u64::from(state.lost_since.is_none())),
            Metric::InterfaceSilent => self.interfaces(|state| u64::from(state.silent_since.is_some())),
            Metric::InterfaceFrames => self.interfaces(|state| state.frames),
            Metric::InterfaceDrops => self.drops(),
            Metric::Exchanges => self.protocols(0),
            Metric::Commands => self.protocols(1),
            Metric::Alerts => {
                vitals.recorded.alerts().map(|(severity, count)| sample([severity.name()], count)).collect()
            }
            Metric::Anomalies => {
                vitals.recorded.anomalies().map(|(kind, count)| sample([kind.name()], count)).collect()
            }
            Metric::TableEntries => self.tables(|table| table.entries),
            Metric::TableLimit => self.tables(|table| table.limit),
            Metric::DeclarationsRefused => some(vitals.refused_declarations),
            Metric::Heartbeats => one(vitals.heartbeats),
            Metric::EvidenceLost => some(vitals.evidence_lost),
            Metric::RecordsLost => one(vitals.records_lost),
            Metric::PolicyInfo => vec![sample([policy.version.as_str()], 1)],
            Metric::PolicyLoaded => one(seconds(policy.loaded)),
            Metric::PolicyPermits => one(policy.permits as u64),
            Metric::PolicyRules => one(policy.rules as u64),
            Metric::PolicyReloads => vec![sample(["taken"], policy.taken), sample(["refused"], policy.refused)],
            Metric::PolicyCurrent => one(u64::from(policy.refused_at.is_none())),
            Metric::IntentsRequests
            | Metric::IntentsReceived
            | Metric::IntentsConnections
            | Metric::IntentsTurnedAway => {
                self.receipts.map(|receipts| of_listener(metric, receipts)).unwrap_or_default()
            }
            Metric::ProcessResident => some(process.resident_bytes),
            Metric::ProcessCpu => one(process.cpu_s),
            Metric::ProcessFds => some(process.open_fds),
            Metric::ProcessMostFds => some(process.most_fds),
            Metric::Restarts => some(vitals.restarts),
            Metric::ProcessStart => one(process.started_s),
            Metric::StoreUp | Metric::StoreBytes | Metric::StoreLimit | Metric::StoreLost | Metric::StoreShed => {
                vitals.store.as_ref().map(|store| of_store(metric, store)).unwrap_or_default()
            }
            _ => self.delivery.map(|delivery| of_delivery(metric, delivery)).unwrap_or_default(),
        }
    }

    /// Those tables that have room for anything.
    fn tables(&self, value: impl Fn(&Occupancy) -> usize) -> Vec<Sample> {
        let used = self.vitals.tables.iter().filter(|(_, occupancy)| occupancy.limit > 0);
        used.map(|(table, occupancy)| sample([table.name()], value(occupancy) as u64)).collect()
    }

    fn interfaces<V: Into<Value>>(&self, value: impl Fn(&InterfaceState) -> V) -> Vec<Sample> {
        self.vitals.interfaces.iter().map(|state| sample([state.name.as_str()], value(state))).collect()
    }

    fn drops(&self) -> Vec<Sample> {
        let of = |state: &InterfaceState| {
            [("kernel", state.losses.kernel_drops), ("interface", state.losses.interface_drops)]
                .map(|(reason, count)| sample([state.name.as_str(), reason], count))
        };
        self.vitals.interfaces.iter().flat_map(of).collect()
    }

    fn protocols(&self, place: usize) -> Vec<Sample> {
        let protocols = [Protocol::Modbus, Protocol::Dnp3];
        protocols.map(|protocol| sample([protocol.name()], self.vitals.recorded.exchanges(protocol)[place])).into()
    }
}

/// What came to the address for declarations.
fn of_listener(metric: Metric, receipts: &Receipts) -> Vec<Sample> {
    match metric {
        Metric::IntentsRequests => {
            Outcome::ALL.map(|outcome| sample([outcome.name()], receipts.requests(outcome))).into()
        }
        Metric::IntentsReceived => {
            vec![sample(["taken"], receipts.declared()), sample(["refused"], receipts.refused())]
        }
        Metric::IntentsConnections => one(receipts.open()),
        _ => Turned::ALL.map(|why| sample([why.name()], receipts.turned_away(why))).into(),
    }
}

fn of_delivery(metric: Metric, delivery: &Measured) -> Vec<Sample> {
    match metric {
        Metric::Notices => kinds(delivery.given),
        Metric::NoticesRecovered => kinds(delivery.recovered),
        Metric::NoticesInMemory => kinds(delivery.in_memory),
        Metric::NoticesSpooled => kinds(delivery.spooled),
        Metric::NoticesSettled => kinds(delivery.settled),
        Metric::NoticesDropped => dropped(delivery),
        Metric::IntakeBytes => one(delivery.in_memory_bytes as u64),
        Metric::SpoolUp => one(u64::from(delivery.spool_fault.is_none())),
        Metric::SpoolBytes => one(delivery.spooled_bytes),
        Metric::SpoolLimit => one(delivery.spool_limit_bytes),
        Metric::SpoolAge => one(delivery.oldest.unwrap_or_default().as_secs()),
        Metric::AlertKept => one(delivery.kept),
        Metric::AlertAcknowledged => destinations(delivery, |one| Some(one.acknowledged)),
        Metric::DestinationNotices => outcomes(delivery),
        Metric::DestinationWaiting => destinations(delivery, |one| Some(one.waiting)),
        Metric::DestinationFailures => destinations(delivery, |one| Some(one.failures)),
        Metric::DestinationUp => destinations(delivery, |one| Some(u64::from(one.trouble.is_none()))),
        Metric::DestinationSuccess => destinations(delivery, |one| one.taken.map(since_1970)),
        _ => Vec::new(),
    }
}

fn of_store(metric: Metric, store: &Store) -> Vec<Sample> {
    let lost = &store.lost;
    match metric {
        Metric::StoreUp => one(u64::from(store.is_up)),
        Metric::StoreBytes => vec![sample(["alerts"], store.alert_bytes), sample(["acts"], store.act_bytes)],
        Metric::StoreLimit => one(store.limit_bytes),
        Metric::StoreLost => {
            [("alerts", lost.alerts), ("acts", lost.acts), ("exchanges", lost.exchanges)].map(of_what).into()
        }
        Metric::StoreShed => {
            [("alerts", lost.alerts_shed), ("acts", lost.acts_shed), ("counts", lost.deeds_shed)].map(of_what).into()
        }
        _ => Vec::new(),
    }
}

fn of_what((what, count): (&str, u64)) -> Sample {
    sample([what], count)
}

fn kinds(counts: PerKind) -> Vec<Sample> {
    Kind::ALL.map(|kind| sample([kind.name()], counts.of(kind))).into()
}

fn dropped(delivery: &Measured) -> Vec<Sample> {
    let of = |(reason, counts): &(crate::delivery::Reason, PerKind)| {
        Kind::ALL.map(|kind| sample([kind.name(), reason.name()], counts.of(kind)))
    };
    delivery.dropped.iter().flat_map(of).collect()
}

fn outcomes(delivery: &Measured) -> Vec<Sample> {
    let of = |one: &DestinationMeasured| {
        one.outcomes.map(|(outcome, count)| sample([one.name.as_str(), outcome.name()], count))
    };
    delivery.destinations.iter().flat_map(of).collect()
}

fn destinations<V: Into<Value>>(delivery: &Measured, value: impl Fn(&DestinationMeasured) -> Option<V>) -> Vec<Sample> {
    delivery.destinations.iter().filter_map(|one| Some(sample([one.name.as_str()], value(one)?))).collect()
}

fn sample<const N: usize>(labels: [&str; N], value: impl Into<Value>) -> Sample {
    Sample { labels: labels.map(ToOwned::to_owned).into(), value: value.into() }
}

fn one(value: impl Into<Value>) -> Vec<Sample> {
    vec![sample([], value)]
}

fn some(value: Option<impl Into<Value>>) -> Vec<Sample> {
    value.map(one).unwrap_or_default()
}

fn seconds(time: Timestamp) -> f64 {
    time.0 as f64 / 1e9
}

fn since_1970(time: SystemTime) -> f64 {
    time.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64()
}

impl From<u64> for Value {
    fn from(count: u64) -> Self {
        Self::Count(count)
    }
}

impl From<f64> for Value {
    fn from(number: f64) -> Self {
        Self::Number(number)
    }
}

impl From<Latency> for Value {
    fn from(times: Latency) -> Self {
        Self::Times(times)
    }
}
