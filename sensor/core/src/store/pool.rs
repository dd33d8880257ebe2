use core::cell::Cell;

use super::{NONE, Occupancy, copy};
use crate::record::Seen;
use tagout_engine::{Mac, Timestamp};

/// Bookkeeping for one block of a pool.
#[derive(Clone, Copy, Debug)]
pub struct Block {
    /// The next block of the same list: of the free ones, or of the owner's.
    next: u32,
    len: u16,
    /// Sequence number of the first byte.
    seq: u32,
    /// Where the bytes were seen.
    seen: Seen,
    /// The MAC address that they came from, where that is told; else the default.
    sender: Mac,
}

/// There are thousands of them.
const _: () = assert!(size_of::<Block>() <= 32);

impl Block {
    /// A block that no pool has taken over.
    pub const EMPTY: Self =
        Self { next: NONE, len: 0, seq: 0, seen: Seen { frame: 0, time: Timestamp(0) }, sender: Mac([0; 6]) };
}

impl Default for Block {
    fn default() -> Self {
        Self::EMPTY
    }
}

/// Blocks of bytes, all of one size, shared by everything that must keep bytes for a while.
///
/// An owner keeps a chain of blocks by the index of the first; [`NONE`] is the empty chain.
#[derive(Debug)]
pub(crate) struct Pool<'s> {
    blocks: &'s mut [Block],
    bytes: &'s mut [u8],
    block_len: usize,
    free: u32,
    free_count: usize,
    count: usize,
}

impl<'s> Pool<'s> {
    /// A pool of as many blocks as both slices provide for.
    pub(crate) fn new(blocks: &'s mut [Block], bytes: &'s mut [u8], block_len: usize) -> Self {
        let count = bytes.len().checked_div(block_len).unwrap_or(0).min(blocks.len());
        let mut free = NONE;
        for (index, block) in blocks.iter_mut().enumerate().take(count).rev() {
            *block = Block { next: free, ..Block::EMPTY };
            free = u32::try_from(index).unwrap_or(NONE);
        }
        Self { blocks, bytes, block_len, free, free_count: count, count }
    }

    /// How many blocks there are.
    pub(crate) fn count(&self) -> usize {
        self.count
    }

    /// How many of them are free.
    pub(crate) fn free_count(&self) -> usize {
        self.free_count
    }

    /// How full it is.
    pub(crate) fn occupancy(&self) -> Occupancy {
        Occupancy { entries: self.count.saturating_sub(self.free_count), limit: self.count }
    }

    /// A block that holds `bytes`; `None` when no block is free or they do not fit.
    pub(crate) fn take(&mut self, bytes: &[u8], seq: u32, seen: Seen) -> Option<u32> {
        let id = self.free;
        let len = u16::try_from(bytes.len()).ok().filter(|_| bytes.len() <= self.block_len)?;
        let block = self.blocks.get_mut(id as usize)?;
        self.free = block.next;
        self.free_count = self.free_count.saturating_sub(1);
        *block = Block { len, seq, seen, ..Block::EMPTY };
        copy(self.whole_mut(id), bytes);
        Some(id)
    }

    /// Gives back the first block of a chain; returns the rest of the chain.
    pub(crate) fn give_back(&mut self, id: u32) -> u32 {
        let Some(block) = self.blocks.get_mut(id as usize) else { return NONE };
        let rest = core::mem::replace(&mut block.next, self.free);
        self.free = id;
        self.free_count = self.free_count.saturating_add(1);
        rest
    }

    /// Gives back a whole chain.
    pub(crate) fn give_back_all(&mut self, mut id: u32) {
        while id != NONE {
            id = self.give_back(id);
        }
    }

    /// The bytes that a block holds.
    pub(crate) fn get(&self, id: u32) -> &[u8] {
        let len = self.blocks.get(id as usize).map_or(0, |block| usize::from(block.len));
        let start = (id as usize).saturating_mul(self.block_len);
        self.bytes.get(start..start.saturating_add(len)).unwrap_or_default()
    }

    /// All the bytes of a block, held or not.
    pub(crate) fn whole_mut(&mut self, id: u32) -> &mut [u8] {
        let start = (id as usize).saturating_mul(self.block_len);
        self.bytes.get_mut(start..start.saturating_add(self.block_len)).unwrap_or_default()
    }

    /// Appends as much of `bytes` as fits up to `limit` bytes held; returns how much that was.
    pub(crate) fn append(&mut self, id: u32, bytes: &[u8], limit: usize) -> usize {
        let held = self.get(id).len();
        let limit = limit.min(self.block_len);
        let taken = self.whole_mut(id).get_mut(held..limit).map_or(0, |room| copy(room, bytes));
        self.set_len(id, held.saturating_add(taken));
        taken
    }

    /// Drops the first `count` held bytes.
    pub(crate) fn consume(&mut self, id: u32, count: usize) {
        let left = self.get(id).len().saturating_sub(count);
        let bytes = Cell::from_mut(self.whole_mut(id)).as_slice_of_cells();
        let moved = bytes.get(count..).unwrap_or_default();
        bytes.iter().zip(moved).take(left).for_each(|(to, from)| to.set(from.get()));
        self.set_len(id, left);
    }

    pub(crate) fn set_len(&mut self, id: u32, len: usize) {
        if let Some(block) = self.blocks.get_mut(id as usize) {
            block.len = u16::try_from(len.min(self.block_len)).unwrap_or(0);
        }
    }

    pub(crate) fn seq(&self, id: u32) -> u32 {
        self.blocks.get(id as usize).map_or(0, |block| block.seq)
    }

    pub(crate) fn set_seq(&mut self, id: u32, seq: u32) {
        if let Some(block) = self.blocks.get_mut(id as usize) {
            block.seq = seq;
        }
    }

    pub(crate) fn seen(&self, id: u32) -> Seen {
        self.blocks.get(id as usize).map_or(Block::EMPTY.seen, |block| block.seen)
    }

    pub(crate) fn sender(&self, id: u32) -> Mac {
        self.blocks.get(id as usize).map_or(Block::EMPTY.sender, |block| block.sender)
    }

    pub(crate) fn set_sender(&mut self, id: u32, sender: Mac) {
        if let Some(block) = self.blocks.get_mut(id as usize) {
            block.sender = sender;
        }
    }

    pub(crate) fn next(&self, id: u32) -> u32 {
        self.blocks.get(id as usize).map_or(NONE, |block| block.next)
    }

    pub(crate) fn set_next(&mut self, id: u32, next: u32) {
        if let Some(block) = self.blocks.get_mut(id as usize) {
            block.next = next;
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const SEEN: Seen = Block::EMPTY.seen;

    #[test]
    fn gives_out_every_block_once_and_again_when_given_back() {
        let (mut blocks, mut bytes) = ([Block::EMPTY; 3], [0; 24]);
        let mut pool = Pool::new(&mut blocks, &mut bytes, 8);
        let ids: [u32; 3] = core::array::from_fn(|n| pool.take(&[n as u8; 5], 0, SEEN).unwrap());
        assert_eq!(pool.take(&[], 0, SEEN), None);
        for (n, id) in ids.into_iter().enumerate() {
            assert_eq!(pool.get(id), [n as u8; 5]);
        }
        pool.give_back(ids[1]);
        assert_eq!(pool.take(b"again", 7, SEEN), Some(ids[1]));
        assert_eq!(pool.seq(ids[1]), 7);
    }

    #[test]
    fn appends_up_to_a_limit_and_consumes_from_the_front() {
        let (mut blocks, mut bytes) = ([Block::EMPTY; 1], [0; 8]);
        let mut pool = Pool::new(&mut blocks, &mut bytes, 8);
        let id = pool.take(b"abc", 0, SEEN).unwrap();
        assert_eq!(pool.append(id, b"defgh", 5), 2);
        assert_eq!(pool.append(id, b"fghijk", 99), 3);
        assert_eq!(pool.get(id), b"abcdefgh");
        pool.consume(id, 6);
        assert_eq!(pool.get(id), b"gh");
    }

    #[test]
    fn refuses_what_is_larger_than_a_block() {
        let (mut blocks, mut bytes) = ([Block::EMPTY; 2], [0; 8]);
        assert_eq!(Pool::new(&mut blocks, &mut bytes, 4).take(b"abcde", 0, SEEN), None);
    }
}
