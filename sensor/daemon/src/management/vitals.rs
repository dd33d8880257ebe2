use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use tagout_core::engine::Occupancy;
use tagout_core::{Counters, SensorTable, Timestamp};

use crate::capture::live::InterfaceState;
use crate::output::Recorded;
use crate::store;

/// What the thread that captures counts, as of one moment.
#[derive(Clone, PartialEq, Debug)]
pub struct Vitals {
    /// When that was; at the start, if it did not look at its interfaces yet.
    pub at: Instant,
    /// Time of the last frame.
    pub last_frame: Option<Timestamp>,
    /// What the sensor counted.
    pub counters: Counters,
    /// What was reported.
    pub recorded: Recorded,
    /// Files of evidence that could not be kept, where evidence is kept.
    pub evidence_lost: Option<u64>,
    /// Records that files did not take.
    pub records_lost: u64,
    /// The interfaces that are watched; none before the first look at them.
    pub interfaces: Vec<InterfaceState>,
    /// The policy in force.
    pub policy: Policy,
    /// How full the sensor's tables are.
    pub tables: Vec<(SensorTable, Occupancy)>,
    /// How it stands with the local store, where there is one.
    pub store: Option<store::Measured>,
    /// Declarations that were not taken, where any are read.
    pub refused_declarations: Option<u64>,
    /// Heartbeats that were given.
    pub heartbeats: u64,
    /// How often the daemon was started anew, where a folder outlives it.
    pub restarts: Option<u64>,
}

/// How it stands with the policy.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Policy {
    /// Tells its image from others.
    pub version: String,
    /// How many permits it has.
    pub permits: usize,
    /// How many rules it has.
    pub rules: usize,
    /// When it came into force.
    pub loaded: Timestamp,
    /// How many others came into force since the start.
    pub taken: u64,
    /// How many did not.
    pub refused: u64,
    /// When the last one was tried and did not come into force, if so.
    pub refused_at: Option<Timestamp>,
}

/// Where the thread that captures leaves its counts, and others read them.
#[derive(Debug)]
pub struct Board(Mutex<Vitals>);

impl Board {
    /// A board for a daemon that begins with this policy, and was started anew so often.
    pub fn new(policy: Policy, restarts: Option<u64>) -> Self {
        Self(Mutex::new(Vitals {
            at: Instant::now(),
            last_frame: None,
            counters: Counters::default(),
            recorded: Recorded::default(),
            evidence_lost: None,
            records_lost: 0,
            interfaces: Vec::new(),
            policy,
            tables: Vec::new(),
            store: None,
            refused_declarations: None,
            heartbeats: 0,
            restarts,
        }))
    }

    /// Leaves new counts. Where somebody is reading the old ones just then, these are left out rather than waited for.
    pub fn post(&self, vitals: Vitals) {
        if let Ok(mut known) = self.0.try_lock() {
            *known = vitals;
        }
    }

    pub(super) fn read(&self) -> Vitals {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
