//! Units in, exchanges and alerts out.

mod absences;
mod addresses;
mod alert;
mod assemblies;
mod associations;
mod cadence;
mod desk;
mod digest;
mod dnp3;
mod early;
mod endings;
mod facts;
mod files;
mod firings;
mod fold;
mod intents;
mod link;
mod modbus;
mod pending;
mod process;
mod relations;
mod replies;
mod routine;
mod selects;
mod stations;

pub use absences::AbsenceSlot;
pub use assemblies::AssemblySlot;
pub use associations::AssociationSlot;
pub use files::FileSlot;
pub use firings::FiringSlot;
pub use fold::{FoldSlot, TallySlot};
pub use pending::PendingSlot;
pub use selects::SelectionSlot;
pub use stations::StationSlot;

pub(crate) use absences::Absences;
pub(crate) use assemblies::Assemblies;
pub(crate) use associations::Associations;
pub(crate) use desk::{Desk, Due, Hearing, renamed};
pub(crate) use files::Files;
pub(crate) use firings::Firings;
pub(crate) use fold::Folds;
pub(crate) use intents::Matching;
pub(crate) use pending::Pendings;
pub(crate) use relations::Dialogues;
pub(crate) use selects::Selects;
pub(crate) use stations::Stations;

#[cfg(test)]
mod tests;
#[cfg(test)]
mod tests_dnp3;
