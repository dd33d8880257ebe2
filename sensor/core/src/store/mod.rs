//! Bounded storage, lent by the sensor's owner: nothing here allocates or grows.

mod fifo;
mod lists;
mod pool;
mod recent;

pub use fifo::{Fifo, Links};
pub(crate) use lists::Lists;
pub use pool::Block;
pub(crate) use pool::Pool;
pub(crate) use recent::{Recent, differs};
pub(crate) use tagout_engine::{Occupancy, Table, TableSlot};

/// No entry, in fields that hold the index of one.
pub(crate) const NONE: u32 = u32::MAX;

/// Copies as many bytes as both sides have; returns how many. Unlike `copy_from_slice` it has no way to panic,
/// however little the compiler optimises.
pub(crate) fn copy(to: &mut [u8], from: &[u8]) -> usize {
    to.iter_mut().zip(from).for_each(|(to, from)| *to = *from);
    to.len().min(from.len())
}
