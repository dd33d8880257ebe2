//! The rhythm in which actors poll devices, and what departs from it.
//!
//! The polls of one actor on one device are its channel. A channel's cadence is a set of cycles that run beside each
//! other, each a row of polls that comes round again in a time. A poll belongs to one cycle or may come at any time, so
//! that what follows on what is never in doubt.

mod automaton;
mod channels;
mod poll;

pub use automaton::CycleState;
pub use channels::ChannelState;
pub(crate) use channels::Channels;
pub use poll::{Asked, PollKey};

use crate::{CadenceEvent, CadenceId, DeviceId, Fact, Facts, Field, Policy, PollId, Timestamp};

/// Where and when a poll was heard.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Heard {
    /// When.
    pub now: Timestamp,
    /// A number by which the caller finds the connection again.
    pub flow: u32,
    /// Tells the connection from others.
    pub connection: u64,
}

/// What departs from a cadence.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Departure {
    /// What.
    pub event: CadenceEvent,
    /// From which.
    pub cadence: CadenceId,
    /// The poll that came, if the cadence has it and one came.
    pub poll: Option<PollId>,
    /// The poll that was to come, if one was.
    pub expected: Option<PollId>,
    /// How many polls in a row were left out.
    pub missing: u16,
    /// Since the round began, if that was seen.
    pub ms: Option<u32>,
}

/// The fields of a departure, and of what it is seen by.
pub(crate) struct Departed<'d> {
    pub(crate) departure: Departure,
    pub(crate) policy: &'d Policy<'d>,
    pub(crate) rest: &'d dyn Facts,
}

impl Facts for Departed<'_> {
    fn device(&self) -> Option<DeviceId> {
        self.rest.device()
    }

    fn fact(&self, field: Field) -> Fact<'_> {
        let Departure { event, poll, expected, missing, ms, .. } = self.departure;
        let text = |poll: Option<PollId>| Fact::of(poll.and_then(|poll| self.policy.poll_text(poll)), Fact::Text);
        match field {
            Field::CadenceEvent => Fact::Text(event.name()),
            Field::CadencePoll => text(poll),
            Field::CadenceExpected => text(expected),
            Field::CadenceMissing => Fact::Number(missing.into()),
            Field::CadenceMs => Fact::of(ms, |ms| Fact::Number(ms.into())),
            other => self.rest.fact(other),
        }
    }
}
