use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tagout_core::Timestamp;
use tracing::{info, warn};

use super::destination::{Destination, Message, Trouble};
use super::filter::Filter;
use super::progress::{Board, Outcome, Progress};
use super::spool::Spool;
use crate::format::Format;
use crate::notice::{Kind, Notice};

/// Notices that may be between the spool and their end at once.
const WINDOW: usize = 256;
/// How soon to look again what has become of those.
pub(super) const LOOK: Duration = Duration::from_millis(2);
/// From a message that was not taken to the next attempt; twice as long each time, up to the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(100);

/// Brings one destination what it asked for, in order, each until it has arrived.
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

/// Notices between the spool and their end, in order.
struct Round {
    /// Everything up to here was read from the spool.
    read: u64,
    turns: VecDeque<Turn>,
    /// How long to wait when the destination takes nothing.
    pause: Duration,
}

/// A notice that was read, and what is to become of it once all before it have come to theirs.
struct Turn {
    sequence: u64,
    outcome: Outcome,
    /// When the packets of an alert were captured.
    packets: Option<Timestamp>,
}

/// Why a round is over.
enum Over {
    /// There is no time for more.
    End,
    /// What was under way is lost, and is read again.
    Anew,
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
            // They have no form in any other scheme.
            Kind::Event => Format::Eve.write(&notice.eve, "", self.most_bytes).into_owned(),
            Kind::Alert | Kind::Sensor | Kind::Heartbeat => {
                self.format.write(&notice.eve, &notice.cef, self.most_bytes).into_owned()
            }
        }
    }
}

impl Courier {
    /// Works until the end.
    pub(super) fn run(mut self) {
        let mut round = Round { read: self.progress.done(), turns: VecDeque::new(), pause: FIRST_PAUSE };
        while let Some(published) = self.board.wait_behind(round.reach(), round.look()) {
            match self.go_round(&mut round, published) {
                Ok(()) => {}
                Err(Over::End) => return,
                Err(Over::Anew) => {
                    round.turns.clear();
                    round.read = self.progress.done();
                }
            }
        }
    }

    /// Reads what there is room for, sends it, and looks what has arrived.
    fn go_round(&mut self, round: &mut Round, published: u64) -> Result<(), Over> {
        if published <= round.reach() {
            return self.send(round, &mut Vec::new());
        }
        match self.spool.after(round.read, round.room(), self.filter.takes_events()) {
            Ok(batch) if batch.is_empty() => {
                round.pass(published, Outcome::Skipped);
                self.settle(round, 0);
                Ok(())
            }
            Ok(batch) => self.deliver(round, batch),
            Err(error) => self.wait(&format!("cannot read the spool: {error}"), jittered(FIRST_PAUSE)),
        }
    }

    /// Sends notices of the spool.
    fn deliver(&mut self, round: &mut Round, batch: Vec<(u64, Notice)>) -> Result<(), Over> {
        let most = self.destination.most().max(1);
        let mut group: Vec<Message> = Vec::new();
        for (sequence, notice) in batch {
            let is_asked_for = self.filter.lets_through(&notice);
            if is_asked_for {
                let number = self.progress.delivered() + (round.under_way() + group.len()) as u64 + 1;
                group.push(Message { sequence, number, text: self.form.text(&notice), notice });
            }
            if !is_asked_for || group.len() == most {
                self.send_all(round, &mut group)?;
            }
            if !is_asked_for {
                round.pass(sequence, Outcome::PassedOver);
                self.settle(round, 0);
            }
        }
        self.send_all(round, &mut group)
    }

    /// Sends messages until all are taken.
    fn send_all(&mut self, round: &mut Round, group: &mut Vec<Message>) -> Result<(), Over> {
        while !group.is_empty() {
            self.send(round, group)?;
        }
        Ok(())
    }

    /// Sends as many of these messages as the pace allows, and takes out those that were taken.
    fn send(&mut self, round: &mut Round, group: &mut Vec<Message>) -> Result<(), Over> {
        let allowed = self.pace.allowed(group.len());
        if allowed == 0 && !group.is_empty() {
            return self.pause(self.pace.wait());
        }
        match self.destination.send(&group[..allowed]) {
            Ok(sent) => {
                group.drain(..sent.taken.min(allowed)).for_each(|message| round.hand_over(&message));
                if sent.arrived > 0 {
                    self.go_on();
                    round.pause = FIRST_PAUSE;
                }
                self.settle(round, sent.arrived);
                Ok(())
            }
            Err(Trouble::Refused(why)) => {
                self.refuse(round, &group.remove(0), &why);
                Ok(())
            }
            Err(Trouble::Later(why)) => self.come_again(round, &why, jittered(round.pause)),
            Err(Trouble::NotBefore(least, why)) => self.come_again(round, &why, least.max(round.pause)),
        }
    }

    /// Waits for a destination that takes nothing now; what was under way is read again.
    fn come_again(&self, round: &mut Round, why: &str, pause: Duration) -> Result<(), Over> {
        self.wait(why, pause)?;
        round.pause = (round.pause * 2).min(self.longest_pause);
        Err(Over::Anew)
    }

    /// Tells what came of those that have had their turn, of which so many messages have arrived.
    fn settle(&self, round: &mut Round, mut arrived: usize) {
        while let Some(turn) = round.turns.pop_front_if(|turn| turn.outcome != Outcome::Delivered || arrived > 0) {
            arrived = arrived.saturating_sub(usize::from(turn.outcome == Outcome::Delivered));
            self.progress.advance(turn.sequence, turn.outcome);
            turn.packets.into_iter().for_each(|packets| self.progress.acknowledge(packets));
        }
    }

    /// Gives up a message that would hold up all others for good.
    fn refuse(&self, round: &mut Round, message: &Message, why: &str) {
        warn!("{}: refuses {}: {why}", self.progress.name(), message.notice.id);
        round.pass(message.sequence, Outcome::Refused);
        self.settle(round, 0);
    }

    /// Waits before the next attempt.
    fn wait(&self, why: &str, pause: Duration) -> Result<(), Over> {
        if self.progress.fail(why.to_owned()) {
            warn!("{}: {why}; messages wait", self.progress.name());
        }
        self.pause(pause)
    }

    fn pause(&self, pause: Duration) -> Result<(), Over> {
        if self.board.pause(pause) { Ok(()) } else { Err(Over::End) }
    }

    fn go_on(&self) {
        if self.progress.go_on() {
            info!("{}: takes messages again", self.progress.name());
        }
    }
}

impl Round {
    /// What stands behind this is to be read: nothing as long as enough is under way.
    fn reach(&self) -> u64 {
        if self.room() > 0 { self.read } else { u64::MAX }
    }

    /// How many more notices may be read.
    fn room(&self) -> usize {
        WINDOW.saturating_sub(self.turns.len())
    }

    /// How long to wait for news of what is under way.
    fn look(&self) -> Option<Duration> {
        (!self.turns.is_empty()).then_some(LOOK)
    }

    /// Messages that have not arrived yet.
    fn under_way(&self) -> usize {
        self.turns.iter().filter(|turn| turn.outcome == Outcome::Delivered).count()
    }

    fn hand_over(&mut self, message: &Message) {
        let packets = (message.notice.kind == Kind::Alert).then_some(message.notice.time);
        self.turns.push_back(Turn { sequence: message.sequence, outcome: Outcome::Delivered, packets });
        self.read = message.sequence;
    }

    /// A notice that is not sent.
    fn pass(&mut self, sequence: u64, outcome: Outcome) {
        self.turns.push_back(Turn { sequence, outcome, packets: None });
        self.read = sequence;
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
