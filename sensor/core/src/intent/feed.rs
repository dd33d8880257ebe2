use tagout_engine::{IntentWaits, Timestamp};

use super::{Intent, IntentSource};

/// Whether declarations come as they should.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Feed {
    /// The latest sign of life; at first, when time began.
    heard: Option<Timestamp>,
    /// The latest span was late.
    behind: bool,
    /// It was told that something is wrong.
    told: bool,
    /// There is none.
    absent: bool,
}

impl Feed {
    /// Tells that time begins; only the first call counts.
    pub(crate) fn begin(&mut self, now: Timestamp) {
        self.heard.get_or_insert(now);
    }

    /// Takes note whether there is one: none is the same as one that is silent from now on.
    pub(crate) fn expect(&mut self, is_there: bool) {
        self.told &= self.absent != is_there;
        self.absent = !is_there;
    }

    /// Takes note of a sign of life.
    pub(crate) fn heard(&mut self, now: Timestamp) {
        self.heard = Some(self.heard.map_or(now, |heard| heard.max(now)));
        self.told &= self.behind;
    }

    /// Takes note of an intent. True if the feed turns out to be behind, and that was not told.
    pub(crate) fn took(&mut self, intent: &Intent, waits: &IntentWaits) -> bool {
        // What stands in the policy comes by no feed.
        if intent.source == IntentSource::Window {
            return false;
        }
        self.heard(intent.received);
        if let (Some(delay_ms), IntentSource::Span) = (waits.delay_ms, intent.source) {
            self.behind = intent.received > intent.not_before.plus_ms(delay_ms);
            self.told &= self.behind;
        }
        self.behind && !core::mem::replace(&mut self.told, true)
    }

    /// When it will be silent, unless that was told.
    pub(crate) fn silent_from(&self, waits: &IntentWaits) -> Option<Timestamp> {
        let silence_ms = if self.absent { Some(0) } else { waits.silence_ms };
        let (silence_ms, heard) = silence_ms.zip(self.heard)?;
        (!self.told).then(|| heard.plus_ms(silence_ms))
    }

    /// Takes note that its silence is told.
    pub(crate) fn tell(&mut self) {
        self.told = true;
    }

    /// Whether what was not declared can be told from what was not heard.
    pub(crate) fn is_sound(&self, now: Timestamp, waits: &IntentWaits) -> bool {
        let silent = waits.silence_ms.zip(self.heard).is_some_and(|(ms, heard)| heard.plus_ms(ms) <= now);
        !self.absent && !silent && !self.behind
    }
}
