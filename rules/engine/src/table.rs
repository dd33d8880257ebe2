//! The hash table behind everything that is remembered by key.

use core::hash::{BuildHasher, Hash};

use crate::KeyHasher;

/// No entry, in fields that hold the index of one.
const NONE: u32 = u32::MAX;

/// One entry of a table, used or free.
#[derive(Clone, Copy, Debug)]
pub struct TableSlot<K, V> {
    key: K,
    value: V,
    /// The next slot of the same bucket, or of the free ones.
    next: u32,
    used: bool,
    /// Set at every look-up, cleared when the hand passes.
    touched: bool,
}

impl<K: Default, V: Default> Default for TableSlot<K, V> {
    /// A free slot; key and value only fill the space.
    fn default() -> Self {
        Self { key: K::default(), value: V::default(), next: NONE, used: false, touched: false }
    }
}

/// How full a table is.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Occupancy {
    /// What is in it.
    pub entries: usize,
    /// What there is room for.
    pub limit: usize,
}

/// In a function of its own, for all kinds of tables.
#[cfg_attr(target_os = "none", inline(never))]
fn clear(buckets: &mut [u32]) {
    buckets.fill(NONE);
}

/// A hash table in lent storage. When it is full, the entry goes that was not looked up for longest, as far as a clock
/// hand can tell (second chance).
#[derive(Debug)]
pub struct Table<'s, K, V> {
    buckets: &'s mut [u32],
    slots: &'s mut [TableSlot<K, V>],
    hasher: KeyHasher,
    free: u32,
    hand: usize,
    evicted: u64,
}

impl<'s, K: Copy + Eq + Hash, V> Table<'s, K, V> {
    /// An empty table of as many entries as `slots` provide for. More `buckets` than slots make it quick.
    pub fn new(buckets: &'s mut [u32], slots: &'s mut [TableSlot<K, V>], seed: u64) -> Self {
        clear(buckets);
        let mut free = NONE;
        for (index, slot) in slots.iter_mut().enumerate().rev() {
            slot.used = false;
            slot.next = free;
            free = u32::try_from(index).unwrap_or(NONE);
        }
        Self { buckets, slots, hasher: KeyHasher::with_seed(seed), free, hand: 0, evicted: 0 }
    }

    fn bucket(&self, key: &K) -> usize {
        // Some hashers have no more than 32 bits; these are mapped evenly onto the buckets without a division.
        let hash = u64::from(self.hasher.hash_one(key) as u32);
        let scaled = hash.wrapping_mul(self.buckets.len() as u64) >> 32;
        scaled as usize
    }

    /// The index of the entry with this key.
    pub fn find(&mut self, key: &K) -> Option<u32> {
        let mut id = *self.buckets.get(self.bucket(key))?;
        while let Some(slot) = self.slots.get_mut(id as usize) {
            if slot.key == *key {
                slot.touched = true;
                return Some(id);
            }
            id = slot.next;
        }
        None
    }

    /// The index of the entry with this key, quicker if it is `hint`.
    pub fn find_near(&mut self, hint: u32, key: &K) -> Option<u32> {
        match self.slots.get_mut(hint as usize) {
            Some(slot) if slot.used && slot.key == *key => {
                slot.touched = true;
                Some(hint)
            }
            _ => self.find(key),
        }
    }

    /// Adds an entry whose key is not in the table; `None` when it is full: then [`victim`](Self::victim) says which
    /// entry to [`remove`](Self::remove) first.
    pub fn insert(&mut self, key: K, value: V) -> Option<u32> {
        let id = self.free;
        let bucket = self.bucket(&key);
        let head = self.buckets.get_mut(bucket)?;
        let slot = self.slots.get_mut(id as usize)?;
        self.free = slot.next;
        *slot = TableSlot { key, value, next: *head, used: true, touched: true };
        *head = id;
        Some(id)
    }

    /// The entry with this key, made with this value if there is none: in a full table in the place of its
    /// [`victim`](Self::victim). `None` only in a table without slots.
    pub fn entry(&mut self, key: K, value: V) -> Option<u32> {
        if let Some(id) = self.find(&key) {
            return Some(id);
        }
        if self.is_full() {
            let victim = self.victim()?;
            self.remove(victim);
            self.evicted = self.evicted.wrapping_add(1);
        }
        self.insert(key, value)
    }

    /// Sets the [entry](Self::entry) with this key to this value.
    pub fn put(&mut self, key: K, value: V) -> Option<u32>
    where
        V: Copy,
    {
        let id = self.entry(key, value)?;
        *self.get_mut(id)? = value;
        Some(id)
    }

    /// How many entries it has room for; their numbers are below that.
    pub fn capacity(&self) -> u32 {
        u32::try_from(self.slots.len()).unwrap_or(u32::MAX)
    }

    /// How full it is, counted through: seldom, and not for a frame.
    pub fn occupancy(&self) -> Occupancy {
        Occupancy { entries: self.slots.iter().filter(|slot| slot.used).count(), limit: self.slots.len() }
    }

    /// How many [entries](Self::entry) went to make room for others.
    pub const fn evicted(&self) -> u64 {
        self.evicted
    }

    /// Whether there is no room for another entry.
    pub const fn is_full(&self) -> bool {
        self.free == NONE
    }

    /// The entry to give up when the table is full.
    pub fn victim(&mut self) -> Option<u32> {
        for _ in 0..self.slots.len().saturating_mul(2) {
            let at = self.hand;
            let next = at.saturating_add(1);
            self.hand = if next < self.slots.len() { next } else { 0 };
            let slot = self.slots.get_mut(at)?;
            if slot.used && !core::mem::take(&mut slot.touched) {
                return u32::try_from(at).ok();
            }
        }
        None
    }

    /// Takes an entry out.
    pub fn remove(&mut self, id: u32) {
        if self.slots.get(id as usize).is_none_or(|slot| !slot.used) {
            return;
        }
        self.unlink(id);
        if let Some(slot) = self.slots.get_mut(id as usize) {
            slot.used = false;
            slot.next = self.free;
            self.free = id;
        }
    }

    /// Gives every entry the key that `rename` tells, and takes out those for which it tells none. No two may get the same.
    /// How long none was looked up for stays known.
    pub fn rename(&mut self, mut rename: impl FnMut(&K, &mut V) -> Option<K>) {
        for id in 0..self.capacity() {
            let Some(slot) = self.slots.get_mut(id as usize).filter(|slot| slot.used) else { continue };
            match rename(&slot.key, &mut slot.value) {
                Some(key) if key == slot.key => {}
                Some(key) => self.move_to(id, key),
                None => self.remove(id),
            }
        }
    }

    fn move_to(&mut self, id: u32, key: K) {
        self.unlink(id);
        let bucket = self.bucket(&key);
        if let (Some(slot), Some(head)) = (self.slots.get_mut(id as usize), self.buckets.get_mut(bucket)) {
            slot.key = key;
            slot.next = core::mem::replace(head, id);
        }
    }

    /// Takes an entry out of its bucket.
    fn unlink(&mut self, id: u32) {
        let Some(slot) = self.slots.get(id as usize) else { return };
        let (key, after) = (slot.key, slot.next);
        let bucket = self.bucket(&key);
        let Some(head) = self.buckets.get_mut(bucket) else { return };
        if *head == id {
            *head = after;
        } else {
            let mut before = *head;
            while let Some(slot) = self.slots.get_mut(before as usize) {
                if slot.next == id {
                    slot.next = after;
                    break;
                }
                before = slot.next;
            }
        }
    }

    /// Lets the entry be the next to go.
    pub fn neglect(&mut self, id: u32) {
        if let Some(slot) = self.slots.get_mut(id as usize) {
            slot.touched = false;
        }
    }

    /// The value of an entry.
    pub fn get(&self, id: u32) -> Option<&V> {
        self.slots.get(id as usize).filter(|slot| slot.used).map(|slot| &slot.value)
    }

    /// The value of an entry, to change.
    pub fn get_mut(&mut self, id: u32) -> Option<&mut V> {
        self.slots.get_mut(id as usize).filter(|slot| slot.used).map(|slot| &mut slot.value)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests {
    extern crate std;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_full_table_gives_up_what_was_not_looked_up() {
        let (mut buckets, mut slots) = ([0; 4], [TableSlot::<u32, ()>::default(); 4]);
        let mut table = Table::new(&mut buckets, &mut slots, 0);
        (0..4).for_each(|key| assert!(table.insert(key, ()).is_some()));
        assert_eq!(table.insert(9, ()), None);
        let first = table.victim().unwrap();
        table.remove(first);
        assert!(table.insert(9, ()).is_some());
        let kept = [1, 3].map(|key| table.find(&key).unwrap());
        assert!(!kept.contains(&table.victim().unwrap()));
    }

    #[test]
    fn what_goes_to_make_room_is_counted() {
        let (mut buckets, mut slots) = ([0; 4], [TableSlot::<u32, ()>::default(); 4]);
        let mut table = Table::new(&mut buckets, &mut slots, 0);
        (0..7).chain(5..7).for_each(|key| assert!(table.entry(key, ()).is_some()));
        assert_eq!(table.evicted(), 3);
    }

    #[test]
    fn entries_are_renamed_in_their_places() {
        let (mut buckets, mut slots) = ([0; 3], [TableSlot::<u32, u32>::default(); 8]);
        let mut table = Table::new(&mut buckets, &mut slots, 0);
        let places: std::vec::Vec<_> = (0..8).map(|key| table.insert(key, key)).collect();
        table.rename(|key, value| {
            *value += 10;
            // 0 goes, 1 and 2 change places, the others stay or move on.
            [None, Some(2), Some(1), Some(3), Some(5), Some(6), Some(7), Some(8)][*key as usize]
        });
        let found = [2, 1, 3, 5, 6, 7, 8].map(|key| table.find(&key));
        assert_eq!(found.as_slice(), &places[1..]);
        assert_eq!(found.map(|id| *table.get(id.unwrap()).unwrap()), [11, 12, 13, 14, 15, 16, 17]);
        assert_eq!([0, 4].map(|key| table.find(&key)), [None; 2]);
        assert_eq!(table.insert(4, 4), places[0], "the place of what went is free");
    }

    proptest! {
        #[test]
        fn behaves_like_a_map(steps in proptest::collection::vec((0_u8..3, 0_u16..24), 0..200)) {
            let (mut buckets, mut slots) = ([0; 5], [TableSlot::<u16, usize>::default(); 16]);
            let mut table = Table::new(&mut buckets, &mut slots, 7);
            let mut model = std::collections::BTreeMap::new();
            for (n, (what, key)) in steps.into_iter().enumerate() {
                let found = table.find(&key);
                prop_assert_eq!(found.and_then(|id| table.get(id).copied()), model.get(&key).copied());
                match (what, found) {
                    (0, Some(id)) => {
                        table.remove(id);
                        model.remove(&key);
                    }
                    (1.., None) => {
                        prop_assert_eq!(table.insert(key, n).is_some(), model.len() < 16);
                        if model.len() < 16 {
                            model.insert(key, n);
                        }
                    }
                    _ => {}
                }
                prop_assert_eq!(table.occupancy(), Occupancy { entries: model.len(), limit: 16 });
            }
        }
    }
}
