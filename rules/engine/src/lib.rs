//! Verdicts from a compiled policy image.
//!
//! The engine answers one question: may this actor do this to these points of this device? It knows nothing of
//! protocols: callers translate an exchange into an [`Action`] and [`Touch`]es over numbered address [`Space`]s.
//! It reads no clock, allocates nothing and cannot panic; an image that [`Policy`] accepts can be evaluated without
//! failing.
#![no_std]
#![forbid(unsafe_code)]
#![deny(
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used
)]

mod address;
pub mod attack;
mod cadence;
mod circumstances;
pub mod condition;
mod decode;
mod engine;
mod field;
mod hash;
pub mod image;
mod policy;
mod process;
mod rules;
mod setting;
mod succession;
mod suppress;
mod table;
mod time;
mod value;
mod verdict;
mod vocabulary;

pub use address::{Endpoint, Mac};
pub use cadence::{Asked, ChannelState, CycleState, Departure, Heard, PollKey};
pub use circumstances::{HistoryKey, Past, PastSlot};
pub use condition::{ConditionId, ConditionInfo, Op, Scene, Step, Truth};
pub use engine::{Engine, Memory, Question};
pub use field::{Fact, Facts, Field, FieldType, Stage};
pub use hash::{DigestHasher, KeyHasher, StableHasher};
pub use policy::{
    ActorInfo, CadenceInfo, Codes, Considered, CycleInfo, DeviceInfo, IntentKeyInfo, IntentWaits, LoadError,
    PermitInfo, PointInfo, Policy, Rate, Replies, Reply, RuleInfo, SourceInfo, TermsInfo, ValueRange,
};
pub use process::{Audience, Breach, Commanded, Given, Involved, Item, News, Order, PointState, ProcessImage, Report};
pub use rules::{
    Firing, MOST_DISTINCT, MOST_INVARIANTS, MOST_INVOLVED, MOST_STEPS, RoutineKey, RoutineSlot, RuleKey, SeenSlot,
    Trigger, Wait, WindowSlot,
};
pub use setting::Setting;
pub use succession::{PolicyMemory, Succession};
pub use suppress::{SuppressionId, SuppressionInfo, Suspect};
pub use table::{Occupancy, Table, TableSlot};
pub use time::Timestamp;
pub use value::{Encoding, Touch, Values};
pub use verdict::{ActorId, CadenceId, DeviceId, PermitId, PointId, PollId, RuleId, Verdict, Violation};
pub use vocabulary::{
    Action, ActorKind, AnomalyKind, Aspect, CadenceEvent, Grade, IntentFinding, IntentMode, Judgement, Kind, Layer,
    Outcome, ProcessEvent, Reason, Replied, Severity, Slip, Space, Threshold,
};
