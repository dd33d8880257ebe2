use heapless::String;
use tagout_core::engine::Policy;
use tagout_core::words::{CEF_MOST, cef};
use tagout_core::{Alert, Anomaly, Exchange, Output};

/// The sensor's output where alerts are told as they come: each as the line in the Common Event Format that the daemon
/// writes too. Exchanges and anomalies that raise none are not told.
pub struct AlertLines<'p, F> {
    policy: Policy<'p>,
    tell: F,
}

impl<'p, F: FnMut(&str)> AlertLines<'p, F> {
    /// Gives the lines of alerts by `policy` to `tell`, without a line feed.
    pub const fn new(policy: Policy<'p>, tell: F) -> Self {
        Self { policy, tell }
    }
}

impl<F: FnMut(&str)> Output for AlertLines<'_, F> {
    fn exchange(&mut self, _: &Exchange<'_>) {}

    fn anomaly(&mut self, _: &Anomaly) {}

    fn alert(&mut self, alert: &Alert<'_>) {
        let mut line: String<CEF_MOST> = String::new();
        // It fails for an alert that does not fit the policy, which the core rules out.
        if cef(&mut line, &self.policy, alert).is_ok() {
            (self.tell)(&line);
        }
    }
}
