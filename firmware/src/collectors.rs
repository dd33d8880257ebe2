//! Delivery: every message in order to one of two collectors, until it has acknowledged it.

use embedded_storage::nor_flash::NorFlash;
use heapless::{Deque, Vec};

use crate::board::SECOND;
use crate::management::{Management, Progress};
use crate::settings::{COLLECTORS, Collector};
use crate::syslog::{KEPT_LEN, Message};
use crate::teller::Log;

/// A collector that has not begun to listen by then is down.
const OPENING: u64 = 5 * SECOND;
/// A collector that acknowledges nothing of what it was sent for so long is down.
const SILENCE: u64 = 10 * SECOND;
/// When both are down: how long to wait, doubled from the first to the last.
const REST: (u64, u64) = (SECOND, 60 * SECOND);
/// While the second one takes messages: how long until the first is tried again, doubled from the first to the last.
const RETURN: (u64, u64) = (60 * SECOND, 600 * SECOND);
/// Messages that a collector was sent and has not acknowledged.
const SENT: usize = 16;
/// Messages that leave after one another before the tap has its turn again.
const BURST: usize = 4;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum State {
    /// Nothing is tried before that.
    Resting(u64),
    /// A collector was asked at that time.
    Opening(u64),
    /// A collector listens.
    Open,
}

/// Octets that were handed over, and the number of the message that ends there.
#[derive(Clone, Copy, Debug)]
struct Mark {
    end: u64,
    number: Option<u32>,
}

/// The collectors, the first of which is preferred.
#[derive(Debug)]
pub(crate) struct Collectors {
    all: Vec<Collector, COLLECTORS>,
    current: usize,
    state: State,
    attempt: u16,
    /// Attempts since a collector last took something.
    failures: u32,
    sent: Deque<Mark, SENT>,
    /// Octets handed over on this way.
    handed: u64,
    /// When the collector last acknowledged something, or had nothing to acknowledge.
    progress: u64,
    /// The latest message that was sent, and the latest that was acknowledged.
    last_sent: u32,
    last_acknowledged: u32,
    return_at: u64,
    return_wait: u64,
}

/// What delivery needs of the gateway for one step.
pub(crate) struct Means<'m, F> {
    /// The way out.
    pub(crate) management: &'m mut Management,
    /// What is to be delivered.
    pub(crate) log: &'m mut Log<F>,
    /// The gateway's name in messages.
    pub(crate) host: &'m str,
    /// False while no cable is plugged in.
    pub(crate) is_up: bool,
    /// The board's time.
    pub(crate) now: u64,
}

impl Collectors {
    /// No way is open yet. Attempts are counted from `attempt` on, which should differ from start to start: a collector may
    /// still hold the connection of the start before.
    pub(crate) const fn new(all: Vec<Collector, COLLECTORS>, attempt: u16) -> Self {
        Self {
            all,
            current: 0,
            state: State::Resting(0),
            attempt,
            failures: 0,
            sent: Deque::new(),
            handed: 0,
            progress: 0,
            last_sent: 0,
            last_acknowledged: 0,
            return_at: 0,
            return_wait: RETURN.0,
        }
    }

    /// Delivers what can be delivered now.
    pub(crate) fn step<F: NorFlash>(&mut self, means: &mut Means<'_, F>) {
        let Some(collector) = self.all.get(self.current).copied() else { return };
        let now = means.now;
        match (self.state, means.management.progress(&collector)) {
            (State::Resting(until), _) if now < until || !means.is_up => {}
            (State::Resting(_), _) => self.open(&collector, means),
            (State::Opening(_), Progress::Open) => {
                self.state = State::Open;
                self.progress = now;
            }
            (State::Opening(since), Progress::Opening) if now.saturating_sub(since) < OPENING => {}
            (State::Open, Progress::Open) => self.carry_on(&collector, means),
            (State::Opening(_) | State::Open, _) => self.fail(&collector, means),
        }
    }

    /// Whether a collector listens.
    pub(crate) fn is_open(&self) -> bool {
        self.state == State::Open
    }

    /// Sends a message that is worth something only now, such as a heartbeat; false if no collector takes it.
    pub(crate) fn send_now<F: NorFlash>(&mut self, message: &Message<'_>, means: &mut Means<'_, F>) -> bool {
        let Some(collector) = self.all.get(self.current).copied() else { return false };
        self.is_open() && means.is_up && self.hand_over(&collector, message, None, means)
    }

    fn open<F: NorFlash>(&mut self, collector: &Collector, means: &mut Means<'_, F>) {
        self.attempt = self.attempt.wrapping_add(1);
        self.handed = 0;
        if self.current == 0 {
            self.return_at = means.now.saturating_add(self.return_wait);
        }
        if means.management.open(collector, self.attempt) {
            self.state = State::Opening(means.now);
        } else {
            self.fail(collector, means);
        }
    }

    /// Gives a collector up: the other has its turn, and when both failed, nobody for a while.
    fn fail<F: NorFlash>(&mut self, collector: &Collector, means: &mut Means<'_, F>) {
        if self.is_open() {
            // One that ends the connection may have acknowledged what it took, at once.
            self.acknowledge(means.management.outstanding(collector), means);
        }
        means.management.close(collector);
        self.sent.clear();
        self.last_sent = self.last_acknowledged;
        self.failures = self.failures.saturating_add(1);
        self.current = self.current.wrapping_add(1).checked_rem(self.all.len()).unwrap_or(0);
        let rounds = self.failures.checked_div(u32::try_from(self.all.len()).unwrap_or(1)).unwrap_or(0);
        let all_failed = rounds > 0 && self.current == 0;
        let rest = REST.0.saturating_mul(1_u64.checked_shl(rounds.saturating_sub(1)).unwrap_or(u64::MAX)).min(REST.1);
        self.state = State::Resting(if all_failed { means.now.saturating_add(rest) } else { means.now });
    }

    fn carry_on<F: NorFlash>(&mut self, collector: &Collector, means: &mut Means<'_, F>) {
        let outstanding = means.management.outstanding(collector);
        if self.acknowledge(outstanding, means) || outstanding == 0 {
            self.progress = means.now;
        }
        if means.now.saturating_sub(self.progress) >= SILENCE {
            return self.fail(collector, means);
        }
        if self.current != 0 && means.now >= self.return_at && outstanding == 0 {
            return self.go_back(collector, means);
        }
        let _ = (0..BURST).try_for_each(|_| self.send_next(collector, means));
    }

    /// Tries the first collector again.
    fn go_back<F: NorFlash>(&mut self, collector: &Collector, means: &mut Means<'_, F>) {
        means.management.close(collector);
        self.return_wait = self.return_wait.saturating_mul(2).min(RETURN.1);
        self.current = 0;
        self.state = State::Resting(means.now);
    }

    /// Lets go what is acknowledged; true if something is.
    fn acknowledge<F: NorFlash>(&mut self, outstanding: usize, means: &mut Means<'_, F>) -> bool {
        let acknowledged = self.handed.saturating_sub(outstanding as u64);
        let before = (self.sent.len(), self.last_acknowledged);
        while let Some(mark) = self.sent.front().copied().filter(|mark| mark.end <= acknowledged) {
            self.sent.pop_front();
            self.last_acknowledged = mark.number.unwrap_or(self.last_acknowledged);
        }
        if self.last_acknowledged != before.1 {
            means.log.acknowledge(self.last_acknowledged);
        }
        let is_some = self.sent.len() != before.0;
        if is_some {
            self.failures = 0;
            self.return_wait = if self.current == 0 { RETURN.0 } else { self.return_wait };
        }
        is_some
    }

    /// Sends the next message; None if there is none, or no room for it.
    fn send_next<F: NorFlash>(&mut self, collector: &Collector, means: &mut Means<'_, F>) -> Option<()> {
        if !means.is_up {
            return None;
        }
        let mut kept = [0; KEPT_LEN];
        let (number, len) = means.log.next(self.last_sent, &mut kept)?;
        let message = Message::of_kept(kept.get(..len)?);
        self.hand_over(collector, &message, Some(number), means).then(|| self.last_sent = number)
    }

    fn hand_over<F: NorFlash>(
        &mut self,
        collector: &Collector,
        message: &Message<'_>,
        number: Option<u32>,
        means: &mut Means<'_, F>,
    ) -> bool {
        let bytes = message.written(means.host, number, collector.transport);
        let handed = !self.sent.is_full() && means.management.hand_over(collector, &bytes);
        if handed {
            self.handed = self.handed.saturating_add(bytes.len() as u64);
            // There is room, as was just seen.
            let _ = self.sent.push_back(Mark { end: self.handed, number });
        }
        handed
    }
}
