//! What the sensor says, on its way to the log.

use core::fmt;

use embedded_storage::nor_flash::NorFlash;
use tagout_core::engine::Policy;
use tagout_core::words::{Subject, Topic, cef};
use tagout_core::{Alert, Anomaly, Exchange, Output};

use crate::log::AlertLog;
use crate::syslog::{Header, Kept};

/// Bytes of RAM in which alerts wait until there is time to write them to flash.
pub const LOG_RAM: usize = 4_096;

/// The alerts of a gateway, in flash of the kind `F`.
pub(crate) type Log<F> = AlertLog<F, LOG_RAM>;

/// Keeps a message until it is delivered, if the text that `write` writes fits, as all do.
pub(crate) fn keep<F: NorFlash>(log: &mut Log<F>, header: Header, write: impl FnOnce(&mut Kept) -> fmt::Result) {
    let mut message = Kept::new(header);
    if write(&mut message).is_ok() {
        log.append(message.bytes());
    }
}

/// Keeps alerts until they are delivered; exchanges and anomalies that raise none are not kept.
pub(crate) struct Teller<'t, F> {
    /// What the sensor judges by.
    pub(crate) policy: &'t Policy<'t>,
    /// Where alerts go.
    pub(crate) log: &'t mut Log<F>,
    /// True if the time of alerts is that of day.
    pub(crate) is_set: bool,
}

impl<F: NorFlash> Output for Teller<'_, F> {
    fn matches_intents(&self) -> bool {
        false
    }

    fn exchange(&mut self, _: &Exchange<'_>) {}

    fn anomaly(&mut self, _: &Anomaly) {}

    fn alert(&mut self, alert: &Alert<'_>) {
        // Every alert fits the policy that it was raised by.
        let subject = Subject::of(self.policy, alert);
        let Some(subject) = &subject else { return };
        let (time, severity) = (self.is_set.then_some(alert.time), subject.severity());
        let header = Header { time, severity, topic: Topic::Alert };
        keep(self.log, header, |kept| cef(kept, alert, subject));
    }
}
