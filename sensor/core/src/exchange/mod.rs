//! Units in, exchanges and alerts out.

mod alert;
mod desk;
mod dnp3;
mod early;
mod modbus;
mod pending;

pub use alert::FirstSlot;
pub use dnp3::AssemblySlot;
pub use pending::PendingSlot;

pub(crate) use alert::Firsts;
pub(crate) use desk::{Desk, Due, Hearing};
pub(crate) use dnp3::Assemblies;
pub(crate) use pending::Pendings;

#[cfg(test)]
mod tests;
