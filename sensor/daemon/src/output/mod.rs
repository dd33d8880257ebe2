//! Where records go: lines for machines, a screen for people.

mod paint;
mod polls;
mod recorder;
mod screen;
mod sink;
mod summary;

pub use paint::Paint;
pub use recorder::Recorder;
pub use screen::Screen;
pub use sink::{AlertFormat, Existing, Sinks, Target};
pub use summary::{Summary, Totals, plain_table};
