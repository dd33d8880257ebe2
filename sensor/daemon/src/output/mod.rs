//! Where records go: lines for machines, a screen for people.

mod collector;
mod missed;
mod paint;
mod polls;
mod recorded;
mod recorder;
mod screen;
mod sink;
mod summary;

pub use collector::Collector;
pub(crate) use collector::Transport;
pub use paint::Paint;
pub use recorded::Recorded;
pub use recorder::Recorder;
pub use screen::Screen;
pub use sink::{Existing, Sinks, Target};
pub use summary::{Summary, Totals, plain_table};
