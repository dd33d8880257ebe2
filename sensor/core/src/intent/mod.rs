//! What actors declared against what they did: sans I/O, bounded, total. `docs/design/intents.md` tells how it decides.

mod act;
mod acts;
mod compare;
mod decide;
mod declared;
mod feed;
mod table;

pub use act::{Done, MOST_ITEMS};
pub use acts::ActSlot;
pub use compare::Aspects;
pub use decide::Match;
pub use declared::{Intent, IntentKey, IntentSource, IntentTarget, MOST_TARGETS, Wanted};
pub use table::{IntentMemory, IntentSlot};

pub(crate) use act::{Act, Suppressed};
pub(crate) use acts::{Acts, Joined};
pub(crate) use decide::{Question, contradicted, decide};
pub(crate) use feed::Feed;
pub(crate) use table::{Intents, Passed};

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects, clippy::indexing_slicing)]
mod tests;
