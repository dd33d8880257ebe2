use std::sync::Arc;
use std::time::{Duration, Instant};

use tracing::{info, warn};

use super::destination::{Destination, Message, Trouble};
use super::filter::Filter;
use super::progress::{Board, Outcome, Progress};
use super::spool::Spool;
use crate::format::Format;
use crate::notice::{Kind, Notice};

/// Notices read from the spool at once.
const BATCH: usize = 256;
/// From a message that was not taken to the next attempt; twice as long each time, up to the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(100);

/// Brings one destination what it asked for, in order, each until it is taken.
pub(super) struct Courier {
    pub(super) spool: Arc<Spool>,
    pub(super) board: Arc<Board>,
    pub(super) progress: Arc<Progress>,
    pub(super) filter: Filter,
    pub(super) form: Form,
    pub(super) pace: Pace,
    pub(super) longest_pause: Duration,
    pub(super) destination: Box<dyn Destination>,
}

/// How a destination's messages are written.
#[derive(Clone, Copy, Debug)]
pub(super) struct Form {
    pub(super) format: Format,
    /// Bytes of a text at most.
    pub(super) most_bytes: usize,
}

impl Form {
    pub(super) fn text(self, notice: &Notice) -> String {
        match notice.kind {
            // Only alerts have a form in every scheme.
            Kind::Event => notice.eve.clone(),
            Kind::Alert | Kind::Sensor => self.format.write(&notice.eve, &notice.cef, self.most_bytes).into_owned(),
        }
    }
}

impl Courier {
    /// Works until the end.
    pub(super) fn run(mut self) {
        while let Some(published) = self.board.wait_behind(self.progress.done()) {
            match self.spool.after(self.progress.done(), BATCH, self.filter.takes_events()) {
                Ok(batch) if batch.is_empty() => self.progress.skip_to(published),
                Ok(batch) => self.deliver(batch),
                Err(error) => {
                    self.wait(&format!("cannot read the spool: {error}"), FIRST_PAUSE);
                }
            }
        }
    }

    /// Delivers notices of the spool, or as many as there is time for.
    fn deliver(&mut self, batch: Vec<(u64, Notice)>) {
        let most = self.destination.most().max(1);
        let mut group: Vec<Message> = Vec::new();
        for (sequence, notice) in batch {
            let is_asked_for = self.filter.lets_through(&notice);
            if is_asked_for {
                let number = self.progress.delivered() + group.len() as u64 + 1;
                group.push(Message { sequence, number, text: self.form.text(&notice), notice });
            }
            if (!is_asked_for || group.len() == most) && !self.send_all(&mut group) {
                return;
            }
            if !is_asked_for {
                self.progress.advance(sequence, Outcome::PassedOver);
            }
        }
        self.send_all(&mut group);
    }

    /// Sends messages until all are taken; false if the end came before.
    fn send_all(&mut self, group: &mut Vec<Message>) -> bool {
        let mut pause = FIRST_PAUSE;
        while !group.is_empty() {
            let allowed = self.pace.allowed(group.len());
            if allowed == 0 {
                if !self.board.pause(self.pace.wait()) {
                    return false;
                }
                continue;
            }
            match self.destination.send(&group[..allowed]) {
                Ok(taken) => {
                    self.go_on();
                    pause = FIRST_PAUSE;
                    for message in group.drain(..taken.min(allowed)) {
                        self.progress.advance(message.sequence, Outcome::Delivered);
                        if message.notice.kind == Kind::Alert {
                            self.progress.acknowledge(message.notice.time);
                        }
                    }
                }
                Err(Trouble::Refused(why)) => self.refuse(&group.remove(0), &why),
                Err(Trouble::Later(why)) => {
                    if !self.wait(&why, pause) {
                        return false;
                    }
                    pause = (pause * 2).min(self.longest_pause);
                }
            }
        }
        true
    }

    /// Gives up a message that would hold up all others for good.
    fn refuse(&self, message: &Message, why: &str) {
        warn!("{}: refuses {}: {why}", self.progress.name(), message.notice.id);
        self.progress.advance(message.sequence, Outcome::Refused);
    }

    /// Waits before the next attempt; false if the end came before.
    fn wait(&self, why: &str, pause: Duration) -> bool {
        if self.progress.fail(why.to_owned()) {
            warn!("{}: {why}; messages wait", self.progress.name());
        }
        self.board.pause(jittered(pause))
    }

    fn go_on(&self) {
        if self.progress.go_on() {
            info!("{}: takes messages again", self.progress.name());
        }
    }
}

/// Between half of a pause and all of it, so that many sensors do not come back at one instant.
fn jittered(pause: Duration) -> Duration {
    // Without random numbers the pause is just not spread.
    let random = getrandom::u32().unwrap_or(u32::MAX);
    pause.mul_f64(0.5 + f64::from(random) / f64::from(u32::MAX) / 2.0)
}

/// How many messages a second may go out.
pub(super) struct Pace {
    /// `None` for as many as there are.
    per_s: Option<u32>,
    /// Messages that may go out now.
    credit: f64,
    counted: Instant,
}

impl Pace {
    pub(super) fn new(per_s: Option<u32>) -> Self {
        Self { per_s, credit: 1.0, counted: Instant::now() }
    }

    /// How many of so many messages may go out now; they count as sent.
    fn allowed(&mut self, messages: usize) -> usize {
        let Some(per_s) = self.per_s else { return messages };
        let now = Instant::now();
        let earned = now.duration_since(self.counted).as_secs_f64() * f64::from(per_s);
        self.counted = now;
        self.credit = (self.credit + earned).min(f64::from(per_s).max(1.0));
        // Within what a usize holds: credit is below 2^32.
        let allowed = messages.min(self.credit as usize);
        self.credit -= allowed as f64;
        allowed
    }

    /// How long until one more may go out.
    fn wait(&self) -> Duration {
        let per_s = f64::from(self.per_s.unwrap_or(u32::MAX).max(1));
        Duration::from_secs_f64(((1.0 - self.credit) / per_s).clamp(0.001, 1.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pace_is_kept_and_earns_a_second_at_most() {
        let mut pace = Pace::new(Some(10));
        assert_eq!(pace.allowed(5), 1);
        assert_eq!(pace.allowed(5), 0);
        pace.counted -= Duration::from_millis(350);
        assert_eq!(pace.allowed(5), 3);
        pace.counted -= Duration::from_secs(60);
        assert_eq!(pace.allowed(100), 10);
        assert_eq!(Pace::new(None).allowed(100), 100);
    }

    #[test]
    fn a_pause_is_spread_over_its_second_half() {
        for _ in 0..100 {
            let pause = jittered(Duration::from_secs(2));
            assert!((Duration::from_secs(1)..=Duration::from_secs(2)).contains(&pause), "{pause:?}");
        }
    }
}
