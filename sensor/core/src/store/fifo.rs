use super::NONE;

/// The neighbours of an entry in a queue over the indices of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Links {
    previous: u32,
    next: u32,
}

impl Links {
    /// In no list.
    pub const EMPTY: Self = Self { previous: NONE, next: NONE };
}

impl Default for Links {
    fn default() -> Self {
        Self::EMPTY
    }
}

/// A queue over the indices of some other table, from which any entry can be taken in constant time. An entry is in
/// the queue at most once.
#[derive(Clone, Copy, Debug)]
pub struct Fifo {
    front: u32,
    back: u32,
}

impl Fifo {
    pub(crate) const EMPTY: Self = Self { front: NONE, back: NONE };

    /// The entry that has waited longest.
    pub(crate) fn front(&self) -> Option<u32> {
        (self.front != NONE).then_some(self.front)
    }

    /// The entry behind `id`.
    pub(crate) fn after(links: &[Links], id: u32) -> Option<u32> {
        links.get(id as usize).map(|link| link.next).filter(|next| *next != NONE)
    }

    /// Its entries, the one that has waited longest first.
    pub(crate) fn oldest(self, links: &[Links]) -> impl Iterator<Item = u32> {
        core::iter::successors(self.front(), |id| Self::after(links, *id))
    }

    /// Its entries, the one that came last first.
    pub(crate) fn latest(self, links: &[Links]) -> impl Iterator<Item = u32> {
        let ids = core::iter::successors(Some(self.back), |id| links.get(*id as usize).map(|link| link.previous));
        ids.take_while(|id| *id != NONE)
    }

    pub(crate) fn push(&mut self, links: &mut [Links], id: u32) {
        if let Some(link) = links.get_mut(id as usize) {
            *link = Links { previous: self.back, next: NONE };
            match links.get_mut(self.back as usize) {
                Some(back) => back.next = id,
                None => self.front = id,
            }
            self.back = id;
        }
    }

    /// Takes `id`, which is in this queue, out of it.
    pub(crate) fn remove(&mut self, links: &mut [Links], id: u32) {
        let Some(link) = links.get_mut(id as usize) else { return };
        let Links { previous, next } = core::mem::take(link);
        match links.get_mut(previous as usize) {
            Some(before) => before.next = next,
            None => self.front = next,
        }
        match links.get_mut(next as usize) {
            Some(behind) => behind.previous = previous,
            None => self.back = previous,
        }
    }
}

impl Default for Fifo {
    fn default() -> Self {
        Self::EMPTY
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn keeps_order_when_any_entry_leaves() {
        for leaving in 0..4 {
            let mut links = [Links::EMPTY; 4];
            let mut fifo = Fifo::EMPTY;
            (0..4).for_each(|id| fifo.push(&mut links, id));
            fifo.remove(&mut links, leaving);
            for expected in (0..4).filter(|id| *id != leaving) {
                assert_eq!(fifo.front(), Some(expected));
                fifo.remove(&mut links, expected);
            }
            assert_eq!(fifo.front(), None);
        }
    }

    #[test]
    fn an_entry_can_come_back() {
        let mut links = [Links::EMPTY; 2];
        let mut fifo = Fifo::EMPTY;
        fifo.push(&mut links, 1);
        fifo.push(&mut links, 0);
        let front = fifo.front().unwrap();
        fifo.remove(&mut links, front);
        fifo.push(&mut links, front);
        assert_eq!(fifo.front(), Some(0));
        assert_eq!(Fifo::after(&links, 0), Some(1));
        assert_eq!(Fifo::after(&links, 1), None);
    }
}
