//! All channels that have a cadence, in lent storage.

use super::automaton::{CycleState, NEVER, Stray};
use super::{Departure, Heard, PollKey};
use crate::image::Cadence;
use crate::{CadenceEvent, CadenceId, Policy, PollId, Succession, Timestamp};

/// A request that is repeated so long after the first, while that has no answer, is sent again because of that.
const RETRY_MS: u32 = 200;
/// A new connection excuses what departs; no more often than this.
const PATIENCE_MS: u32 = 600_000;

/// What is remembered of a channel as a whole.
#[derive(Clone, Copy, Debug)]
pub struct ChannelState {
    heard: Option<Heard>,
    /// Whether anything was answered since.
    is_answered: bool,
    /// When another connection was an excuse.
    excused: Option<Timestamp>,
}

impl Default for ChannelState {
    fn default() -> Self {
        Self { heard: None, is_answered: true, excused: None }
    }
}

impl ChannelState {
    /// Takes note of a poll; tells what happened to the channel before it.
    fn hear(&mut self, heard: Heard) -> Before {
        let was_answered = core::mem::replace(&mut self.is_answered, false);
        let Some(before) = self.heard.replace(heard) else { return Before::Nothing };
        if before.now == heard.now {
            return Before::Stalled;
        }
        let has_moved =
            before.connection != heard.connection && self.excused.is_none_or(|at| at.plus_ms(PATIENCE_MS) <= heard.now);
        if has_moved {
            self.excused = Some(heard.now);
        }
        let waited = !was_answered && before.now.plus_ms(RETRY_MS) <= heard.now;
        if has_moved || waited { Before::Disturbed } else { Before::Nothing }
    }
}

/// What happened to a channel before a poll.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Before {
    Nothing,
    /// Something that excuses what departs.
    Disturbed,
    /// Several polls come at once: they were held up, and tell nothing of when they were due.
    Stalled,
}

/// The channels at work.
#[derive(Debug)]
pub(crate) struct Channels<'s> {
    channels: &'s mut [ChannelState],
    cycles: &'s mut [CycleState],
    /// No cycle is due before this.
    due: Timestamp,
}

impl<'s> Channels<'s> {
    /// One for each cadence and one for each cycle of the policy; those beyond are not watched.
    pub(crate) fn new(channels: &'s mut [ChannelState], cycles: &'s mut [CycleState]) -> Self {
        Self { channels, cycles, due: NEVER }
    }

    /// Goes on under the numbers of another policy, in its storage.
    pub(crate) fn succeed(
        &mut self,
        (old, new): (&Policy<'_>, &Policy<'_>),
        (channels, cycles): (&'s mut [ChannelState], &'s mut [CycleState]),
        succession: &Succession<'_>,
    ) {
        channels.fill(ChannelState::default());
        cycles.fill(CycleState::default());
        for (id, (cadence, channel)) in (0..).zip(old.cadences.iter().zip(self.channels.iter())) {
            let Some(to) = succession.cadence(CadenceId(id)) else { continue };
            let Some(heir) = new.cadences.get(usize::from(to.0)) else { continue };
            if let Some(place) = channels.get_mut(usize::from(to.0)) {
                *place = *channel;
            }
            let states = own(self.cycles, cadence).iter();
            own(cycles, heir).iter_mut().zip(states).for_each(|(to, from)| *to = *from);
        }
        self.due = cycles.iter().map(CycleState::due).min().unwrap_or(NEVER);
        (self.channels, self.cycles) = (channels, cycles);
    }

    /// Takes a request on the channel of a cadence, and tells what departs. A command that the cadence does not have is
    /// none of its business.
    pub(crate) fn take(
        &mut self,
        policy: &Policy<'_>,
        id: CadenceId,
        (key, is_command): (PollKey, bool),
        heard: Heard,
    ) -> Option<Departure> {
        let cadence = policy.cadences.get(usize::from(id.0))?;
        let poll = policy.poll(cadence, key);
        if poll.is_none() && is_command {
            return None;
        }
        let before = self.channels.get_mut(usize::from(id.0))?.hear(heard);
        match before {
            Before::Nothing => {}
            Before::Disturbed => own(self.cycles, cadence).iter_mut().for_each(CycleState::excuse),
            Before::Stalled => own(self.cycles, cadence).iter_mut().for_each(CycleState::stop),
        }
        match poll {
            Some(_) if before == Before::Stalled => None,
            Some(poll) => self.take_known(policy, id, poll, heard.now),
            None => {
                let (poll, expected) = (None, None);
                Some(Departure { event: CadenceEvent::Unknown, cadence: id, poll, expected, missing: 0, ms: None })
            }
        }
    }

    fn take_known(&mut self, policy: &Policy<'_>, id: CadenceId, poll: PollId, now: Timestamp) -> Option<Departure> {
        let number = usize::from(policy.polls.get(usize::from(poll.0))?.cycle.get());
        let (cycle, state) = (policy.cycles.get(number)?, self.cycles.get_mut(number)?);
        let first = cycle.polls.first.get();
        let place = u16::try_from(u32::from(poll.0).saturating_sub(first)).ok()?;
        let stray = state.take(cycle, place, now);
        self.due = self.due.min(state.due());
        Some(departure(id, first, Some(poll), stray?))
    }

    /// Takes note that something was answered on the channel of a cadence.
    pub(crate) fn answered(&mut self, id: CadenceId) {
        if let Some(channel) = self.channels.get_mut(usize::from(id.0)) {
            channel.is_answered = true;
        }
    }

    /// Takes note that something is wrong with the connection of a channel.
    pub(crate) fn disturbed(&mut self, policy: &Policy<'_>, id: CadenceId) {
        if let Some(cadence) = policy.cadences.get(usize::from(id.0)) {
            own(self.cycles, cadence).iter_mut().for_each(CycleState::excuse);
        }
    }

    /// When the next cycle is due.
    pub(crate) fn next_due(&self) -> Option<Timestamp> {
        (self.due < NEVER).then_some(self.due)
    }

    /// Tells of one cycle that is late by `now`, and the connection on which it was heard last; works out when the next is
    /// due once there is none. That of a device that does not answer is none: this is told of by itself.
    pub(crate) fn overdue(&mut self, policy: &Policy<'_>, now: Timestamp) -> Option<(Departure, Heard)> {
        let mut next = NEVER;
        for (id, (cadence, channel)) in (0..).zip(policy.cadences.iter().zip(self.channels.iter())) {
            let cycles = cadence.cycles.of(policy.cycles);
            for (cycle, state) in cycles.iter().zip(own(self.cycles, cadence)) {
                if let Some((stray, heard)) = state.overdue(cycle, now, channel.is_answered).zip(channel.heard) {
                    return Some((departure(CadenceId(id), cycle.polls.first.get(), None, stray), heard));
                }
                next = next.min(state.due());
            }
        }
        self.due = next;
        None
    }
}

/// The states of a cadence's cycles.
fn own<'c>(cycles: &'c mut [CycleState], cadence: &Cadence) -> &'c mut [CycleState] {
    let first = cadence.cycles.first.get() as usize;
    let end = first.saturating_add(cadence.cycles.count.get() as usize).min(cycles.len());
    cycles.get_mut(first..end).unwrap_or_default()
}

/// What departs, in the policy's numbers: the cycle's polls begin with `first`.
fn departure(cadence: CadenceId, first: u32, poll: Option<PollId>, stray: Stray) -> Departure {
    let Stray { event, expected, missing, ms } = stray;
    let expected = u16::try_from(first.saturating_add(expected.into())).ok().map(PollId);
    Departure { event, cadence, poll, expected, missing, ms }
}
