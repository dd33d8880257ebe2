//! When things happened, in as many slots of time as there are bits in a word.

use tagout_core::Timestamp;

/// Slots of time that are told apart.
const SLOTS: usize = u64::BITS as usize;

/// Slots of the beginning; a short capture fills its slots as well as a long one.
const FIRST_WIDTH_NS: u64 = 1_000_000;

/// The time during which anything was seen at all, cut into equal slots.
///
/// Slots in which nothing happened, as between two captures, are not there. When one more would be too many, all become
/// twice as wide until half of them are free: memory stays the same for a second and for a year.
#[derive(Clone, Debug)]
pub(super) struct Calendar {
    width_ns: u64,
    /// The time of each slot in widths, in the order of their first use.
    used: Vec<u64>,
}

/// A set of slots.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(super) struct Slots(u64);

/// Where each slot went when slots were made wider.
#[derive(Clone, Copy, Debug)]
pub(super) struct Merge([u8; SLOTS]);

/// How something spreads over the time in which anything was seen.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) struct Spread {
    /// In how many slots it was seen.
    pub(super) occasions: u32,
    /// From its first slot to its last, as a share of all.
    pub(super) span: f64,
}

impl Default for Calendar {
    fn default() -> Self {
        Self { width_ns: FIRST_WIDTH_NS, used: Vec::with_capacity(SLOTS) }
    }
}

impl Calendar {
    /// The slot of a time. What was noted before has to be merged first, where that is told.
    pub(super) fn slot(&mut self, time: Timestamp) -> (Slots, Option<Merge>) {
        if let Some(slot) = self.find(time) {
            return (slot, None);
        }
        let merge = (self.used.len() == SLOTS).then(|| self.widen());
        let slot = self.find(time).unwrap_or_else(|| {
            self.used.push(time.0 / self.width_ns);
            Slots(1 << (self.used.len() - 1))
        });
        (slot, merge)
    }

    /// The slots in use are most often the latest.
    fn find(&self, time: Timestamp) -> Option<Slots> {
        let wanted = time.0 / self.width_ns;
        self.used.iter().rposition(|used| *used == wanted).map(|place| Slots(1 << place))
    }

    fn widen(&mut self) -> Merge {
        let mut merge: Merge = Merge(std::array::from_fn(|place| u8::try_from(place).unwrap_or(u8::MAX)));
        while self.used.len() > SLOTS / 2 {
            self.width_ns *= 2;
            let mut fewer: Vec<u64> = Vec::with_capacity(SLOTS);
            let mut moved = [0; SLOTS];
            for (place, used) in self.used.iter().enumerate() {
                let known = fewer.iter().position(|wider| *wider == used / 2);
                let new = known.unwrap_or(fewer.len());
                if known.is_none() {
                    fewer.push(used / 2);
                }
                moved[place] = u8::try_from(new).unwrap_or(u8::MAX);
            }
            merge.0.iter_mut().for_each(|place| *place = moved[usize::from(*place)]);
            self.used = fewer;
        }
        merge
    }

    /// How slots spread over all of them.
    pub(super) fn spread(&self, slots: Slots) -> Spread {
        let mut times: Vec<(u64, bool)> =
            self.used.iter().enumerate().map(|(place, time)| (*time, slots.0 >> place & 1 == 1)).collect();
        times.sort_unstable();
        let first = times.iter().position(|(_, seen)| *seen);
        let last = times.iter().rposition(|(_, seen)| *seen);
        let slots_between = first.zip(last).map_or(0, |(first, last)| last - first + 1);
        let share = |part: usize| part as f64 / times.len().max(1) as f64;
        Spread { occasions: slots.0.count_ones(), span: share(slots_between) }
    }
}

impl Slots {
    pub(super) fn add(&mut self, other: Self) {
        self.0 |= other.0;
    }

    pub(super) fn merge(&mut self, merge: &Merge) {
        let before = self.0;
        let places = (0..SLOTS).filter(|place| before >> place & 1 == 1);
        self.0 = places.fold(0, |set, place| set | 1 << merge.0[place]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;

    /// Notes the given times, and returns the calendar with the slots of those that `noted` chooses.
    fn calendar(times: impl Iterator<Item = u64>, noted: impl Fn(u64) -> bool) -> (Calendar, Slots) {
        let (mut calendar, mut slots) = (Calendar::default(), Slots::default());
        for time in times {
            let (slot, merge) = calendar.slot(Timestamp(time));
            merge.iter().for_each(|merge| slots.merge(merge));
            if noted(time) {
                slots.add(slot);
            }
        }
        (calendar, slots)
    }

    #[test]
    fn what_is_seen_all_the_time_spans_all_of_it() {
        for seconds in [1, 60, 86_400] {
            let (calendar, slots) = calendar((0..1000).map(|at| at * seconds * SECOND / 1000), |_| true);
            let Spread { occasions, span } = calendar.spread(slots);
            assert!((32..=64).contains(&occasions) && span == 1.0, "{seconds} s: {occasions} {span}");
        }
    }

    #[test]
    fn a_burst_is_one_occasion() {
        let hour = 3_600 * SECOND;
        let (calendar, slots) =
            calendar((0..36_000).map(|at| at * SECOND / 10), |time| (hour / 2..hour / 2 + 10 * SECOND).contains(&time));
        let Spread { occasions, span } = calendar.spread(slots);
        assert!(occasions <= 2 && span < 0.05, "{occasions} {span}");
    }

    #[test]
    fn pauses_between_captures_do_not_count() {
        let day = 86_400 * SECOND;
        let times = (0..2).flat_map(|capture| (0..600).map(move |at| capture * 30 * day + at * SECOND));
        let (calendar, slots) = calendar(times, |time| time < day);
        let Spread { span, .. } = calendar.spread(slots);
        assert!(span > 0.4 && span < 0.6, "{span}");
    }

    #[test]
    fn captures_in_any_order_give_the_same_spread() {
        let times = [5, 1, 9, 3, 7].map(|second| second * SECOND);
        let (calendar, slots) = calendar(times.into_iter(), |time| (3 * SECOND..8 * SECOND).contains(&time));
        assert_eq!(calendar.spread(slots), Spread { occasions: 3, span: 3.0 / 5.0 });
    }
}
