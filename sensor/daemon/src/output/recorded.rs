use std::collections::BTreeMap;

use tagout_core::engine::{AnomalyKind, Severity};
use tagout_core::{Exchange, Protocol};

/// What was reported since the start, by what it is.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Recorded {
    /// Exchanges and commands among them, of Modbus and DNP3.
    exchanges: [[u64; 2]; 2],
    alerts: [u64; Severity::ALL.len()],
    anomalies: BTreeMap<AnomalyKind, u64>,
}

impl Recorded {
    pub(super) fn count_exchange(&mut self, exchange: &Exchange<'_>) {
        let [exchanges, commands] = &mut self.exchanges[place(exchange.body.protocol())];
        *exchanges += 1;
        *commands += u64::from(exchange.action.is_command());
    }

    pub(super) fn count_alert(&mut self, severity: Severity) {
        self.alerts[usize::from(severity.number()) - 1] += 1;
    }

    pub(super) fn count_anomaly(&mut self, kind: AnomalyKind) {
        *self.anomalies.entry(kind).or_default() += 1;
    }

    /// Exchanges, and the commands among them.
    pub fn exchanges(&self, protocol: Protocol) -> [u64; 2] {
        self.exchanges[place(protocol)]
    }

    /// The same of all protocols together.
    pub(super) fn total(&self) -> [u64; 2] {
        let [[exchanges, commands], [others, other_commands]] = self.exchanges;
        [exchanges + others, commands + other_commands]
    }

    /// Alerts, with those that tell of the sensor itself, by severity.
    pub fn alerts(&self) -> impl Iterator<Item = (Severity, u64)> {
        Severity::ALL.iter().copied().zip(self.alerts)
    }

    /// Reports of anomalies of each kind that there were.
    pub fn anomalies(&self) -> impl Iterator<Item = (AnomalyKind, u64)> {
        self.anomalies.iter().map(|(kind, count)| (*kind, *count))
    }
}

const fn place(protocol: Protocol) -> usize {
    match protocol {
        Protocol::Modbus => 0,
        Protocol::Dnp3 => 1,
    }
}
