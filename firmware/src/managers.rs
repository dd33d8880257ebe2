//! Those who may ask the gateway how it is and bring it a new package, over a connection to its update port.

use core::net::Ipv4Addr;

use heapless::Vec;

use crate::board::SECOND;
use crate::management::{Call, Management};
use crate::news::News;
use crate::protocol::{FRAME, IDLE_MS, Status};
use crate::settings::Settings;
use crate::slots::{MappedFlash, Slots};
use crate::update::{Progress, Update};

/// How long nobody is heard after a connection that came to nothing, doubled from the first to the last: nobody wears the
/// flash out, or fills the log, with updates that are none.
const REST: (u64, u64) = (SECOND, 64 * SECOND);
/// After so long without such a connection the first rest is as short as ever.
const FORGIVEN: u64 = 600 * SECOND;
/// How long the other side has to acknowledge the last answer.
const LAST_ANSWER: u64 = 2 * SECOND;
/// How long a manager may say nothing.
const IDLE: u64 = IDLE_MS as u64 * (SECOND / 1_000);

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum State {
    /// Nobody can connect.
    Closed,
    /// Nobody is connected.
    Waiting,
    /// A manager is, who was last heard then.
    Serving(Ipv4Addr, u64),
    /// The last answer is under way, until then at most.
    Ending(u64),
    /// The same before a restart.
    Leaving(u64),
}

/// What became of the update port in a step.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Turn {
    /// Nothing that is to be told.
    Quiet,
    /// This is to be told.
    Tell(News),
    /// A package was taken, and the manager knows: the gateway is to start again.
    Restart,
}

/// The server's side of the update port.
#[derive(Debug)]
pub(crate) struct Managers {
    update: Update,
    state: State,
    /// Nobody is heard before that.
    rests_until: u64,
    rest: u64,
    /// When a connection last came to nothing.
    failed: u64,
}

impl Managers {
    /// Nobody can connect yet.
    pub(crate) const fn new() -> Self {
        Self { update: Update::new(), state: State::Closed, rests_until: 0, rest: 0, failed: 0 }
    }

    /// Serves whoever is connected; `status` puts down how the gateway is.
    pub(crate) fn step<F: MappedFlash>(
        &mut self,
        management: &mut Management,
        (settings, slots): (&Settings, &mut Slots<'_, F>),
        status: impl FnOnce(&mut Status),
        now: u64,
    ) -> Turn {
        match (self.state, management.call()) {
            (State::Closed, _) if now < self.rests_until => {}
            (State::Closed, _) | (State::Waiting, Call::Closed) => {
                management.listen(settings.update_port);
                self.state = State::Waiting;
            }
            (State::Waiting, Call::From(ip)) if settings.admits(ip) => {
                management.pick_up();
                self.state = State::Serving(ip, now);
            }
            (State::Waiting, Call::From(ip)) => {
                self.break_off(management, now);
                return Turn::Tell(News::Stranger(ip));
            }
            (State::Waiting, Call::Waiting) => {}
            (State::Serving(ip, since), Call::From(_)) => {
                return self.serve((ip, since), management, slots, status, now);
            }
            (State::Serving(..), Call::Closed | Call::Waiting) => self.break_off(management, now),
            (State::Waiting | State::Serving(..), Call::Ending) => self.end(management, now),
            (State::Ending(until) | State::Leaving(until), _) => return self.take_leave(management, until, now),
        }
        Turn::Quiet
    }

    /// Takes what a manager sent, and answers.
    #[inline(never)]
    fn serve<F: MappedFlash>(
        &mut self,
        (ip, since): (Ipv4Addr, u64),
        management: &mut Management,
        slots: &mut Slots<'_, F>,
        status: impl FnOnce(&mut Status),
        now: u64,
    ) -> Turn {
        let mut octets = [0; FRAME];
        let len = management.hear(&mut octets, FRAME);
        if len == 0 {
            if now.saturating_sub(since) >= IDLE {
                self.break_off(management, now);
            }
            return Turn::Quiet;
        }
        self.state = State::Serving(ip, now);
        status(&mut self.update.status);
        let mut answer: Vec<u8, FRAME> = Vec::new();
        let progress = self.update.take(octets.get(..len).unwrap_or_default(), slots, &mut answer);
        management.answer(&answer);
        match progress {
            Progress::Waiting => Turn::Quiet,
            Progress::Refused(refusal) => {
                self.note_failure(now);
                self.end(management, now);
                Turn::Tell(News::Refused(ip, refusal))
            }
            Progress::Committed(version) => {
                self.state = State::Leaving(now.saturating_add(LAST_ANSWER));
                Turn::Tell(News::Updated(ip, version))
            }
        }
    }

    /// Ends the connection once all that was answered is sent.
    fn end(&mut self, management: &mut Management, now: u64) {
        management.end();
        if self.update.close() {
            self.note_failure(now);
        }
        self.state = State::Ending(now.saturating_add(LAST_ANSWER));
    }

    /// Gives up a connection that came to nothing.
    fn break_off(&mut self, management: &mut Management, now: u64) {
        management.hang_up();
        self.update.close();
        self.note_failure(now);
        self.state = State::Closed;
    }

    /// Waits until the last answer has arrived.
    fn take_leave(&mut self, management: &mut Management, until: u64, now: u64) -> Turn {
        if management.is_answering() && now < until {
            return Turn::Quiet;
        }
        if let State::Leaving(_) = self.state {
            return Turn::Restart;
        }
        if management.call() == Call::Closed || now >= until {
            management.hang_up();
            self.state = State::Closed;
        }
        Turn::Quiet
    }

    fn note_failure(&mut self, now: u64) {
        let is_forgiven = self.rest == 0 || now.saturating_sub(self.failed) >= FORGIVEN;
        self.rest = if is_forgiven { REST.0 } else { self.rest.saturating_mul(2).min(REST.1) };
        self.failed = now;
        self.rests_until = now.saturating_add(self.rest);
    }
}
