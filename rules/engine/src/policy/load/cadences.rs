//! What is checked of cadences.

use zerocopy::little_endian::U16;

use super::{Check, IDS, TEXT, ascending_keys, check, each, follow, known, within};
use crate::Policy;
use crate::image::{ANY_TIME, Cadence, Cycle, Section};

impl Policy<'_> {
    pub(super) fn check_cadences(&self) -> Check {
        within(self.cycles.len(), IDS.saturating_sub(1), Section::Cycles)?;
        within(self.polls.len(), IDS, Section::Polls)?;
        let (mut next, mut number) = (0, 0_usize);
        each(Section::Devices, self.devices, |device| {
            let own = follow(&device.cadences, self.cadences, &mut next)?;
            known(
                own.iter().all(|cadence| usize::from(cadence.device.get()) == number),
                "a cadence of another device",
            )?;
            number = number.saturating_add(1);
            known(ascending_keys(own, |cadence| cadence.actor.get()), "its cadences are out of order")
        })?;
        check(next == self.cadences.len(), Section::Cadences, next, "belongs to no device")?;
        let (mut cycles, mut polls) = (0, 0);
        each(Section::Cadences, self.cadences, |cadence| {
            self.name(cadence.name, cadence.source)?;
            known(usize::from(cadence.actor.get()) < self.actors.len(), "its actor does not exist")?;
            self.check_cycles(cadence, &mut cycles, polls)?;
            follow(&cadence.polls, self.polls, &mut polls)?;
            self.check_poll_index(cadence)
        })?;
        check(cycles == self.cycles.len(), Section::Cycles, cycles, "belongs to no cadence")?;
        check(polls == self.polls.len(), Section::Polls, polls, "belongs to no cadence")?;
        check(polls == self.poll_index.len(), Section::PollIndex, polls, "not one for each poll")
    }

    /// The cycles of a cadence share its polls out among themselves; what is left may come at any time.
    fn check_cycles(&self, cadence: &Cadence, cycles: &mut usize, first: usize) -> Result<(), &'static str> {
        let (mut number, mut next) = (*cycles, first);
        for cycle in follow(&cadence.cycles, self.cycles, cycles)? {
            let polls = follow(&cycle.polls, self.polls, &mut next)?;
            let names = |cycle: U16| usize::from(cycle.get()) == number;
            known(!polls.is_empty() && polls.iter().all(|poll| names(poll.cycle)), "a cycle without polls of its own")?;
            check_band(cycle)?;
            number = number.saturating_add(1);
        }
        let end = first.saturating_add(cadence.polls.count.get() as usize);
        let rest = self.polls.get(next..end).ok_or("its cycles have more polls than it has")?;
        known(rest.iter().all(|poll| poll.cycle == ANY_TIME && self.is_text(poll.text)), "a poll of another cadence")?;
        let own = self.polls.get(first..next).unwrap_or_default();
        known(own.iter().all(|poll| self.is_text(poll.text)), TEXT)
    }

    /// Each poll of a cadence stands in its index, by key.
    fn check_poll_index(&self, cadence: &Cadence) -> Result<(), &'static str> {
        let (first, count) = (cadence.polls.first.get() as usize, cadence.polls.count.get() as usize);
        let index = cadence.polls.of(self.poll_index);
        known(index.len() == count, "its polls are not indexed")?;
        let own = first..first.saturating_add(count);
        known(index.iter().all(|id| own.contains(&usize::from(id.get()))), "its index names a poll of another")?;
        let key = |id: &U16| self.polls.get(usize::from(id.get())).map(|poll| poll.key.get());
        known(ascending_keys(index, key), "its index is out of order, or a poll stands in it twice")
    }
}

fn check_band(cycle: &Cycle) -> Result<(), &'static str> {
    let (min, max) = (cycle.min_ms.get(), cycle.max_ms.get());
    known((min == 0) == (max == 0) && min <= max, "a cycle that comes no sooner than too late")?;
    known(max == 0 || cycle.within_ms.get() <= max, "a round that takes longer than from one to the next")
}
