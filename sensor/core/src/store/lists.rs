use core::hash::{BuildHasher, Hash};

use tagout_engine::KeyHasher;

use super::{Fifo, Links};

/// Queues over the indices of some other table, each found by a key. Those of keys that hash alike are one.
#[derive(Debug)]
pub(crate) struct Lists<'s> {
    links: &'s mut [Links],
    queues: &'s mut [Fifo],
    hasher: KeyHasher,
}

impl<'s> Lists<'s> {
    /// Empty queues of as many entries as there are `links`. As many `queues` make it quick.
    pub(crate) fn new(links: &'s mut [Links], queues: &'s mut [Fifo], seed: u64) -> Self {
        queues.fill(Fifo::EMPTY);
        Self { links, queues, hasher: KeyHasher::with_seed(seed) }
    }

    fn place(&self, key: impl Hash) -> usize {
        let hash = self.hasher.hash_one(key) as usize;
        hash.checked_rem(self.queues.len()).unwrap_or(0)
    }

    /// Adds an entry that is in none of the queues.
    pub(crate) fn push(&mut self, key: impl Hash, id: u32) {
        let place = self.place(key);
        if let Some(queue) = self.queues.get_mut(place) {
            queue.push(self.links, id);
        }
    }

    /// Takes out an entry that was added under this key.
    pub(crate) fn remove(&mut self, key: impl Hash, id: u32) {
        let place = self.place(key);
        if let Some(queue) = self.queues.get_mut(place) {
            queue.remove(self.links, id);
        }
    }

    /// What was added under this key, and some others, the latest first.
    pub(crate) fn latest(&self, key: impl Hash) -> impl Iterator<Item = u32> + '_ {
        self.queues.get(self.place(key)).copied().unwrap_or_default().latest(self.links)
    }
}
