use heapless::String;
use tagout_core::engine::Policy;
use tagout_core::words::{CEF_MOST, Subject, cef};
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
    fn matches_intents(&self) -> bool {
        false
    }

    fn exchange(&mut self, _: &Exchange<'_>) {}

    fn anomaly(&mut self, _: &Anomaly) {}

    fn alert(&mut self, alert: &Alert<'_>) {
        // Every alert fits the policy that it was raised by.
        let Some(subject) = Subject::of(&self.policy, alert) else { return };
        let mut line: String<CEF_MOST> = String::new();
        // There is room.
        if cef(&mut line, alert, &subject).is_ok() {
            (self.tell)(&line);
        }
    }
}
