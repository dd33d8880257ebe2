use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::intake::{Intake, Lost};
use super::latency::Latency;
use super::progress::{Board, Fault, Outcome, Tally};
use super::spool::{Spool, Stock};
use crate::notice::PerKind;

/// Looks at delivery from another thread.
#[derive(Clone)]
pub struct Observer {
    pub(super) intake: Arc<Intake>,
    pub(super) spool: Arc<Spool>,
    pub(super) board: Arc<Board>,
}

/// Everything that delivery counts, as of one moment.
///
/// For each kind: `given + recovered = in_memory + spooled + settled` and all of `dropped`.
#[derive(Clone, PartialEq, Debug)]
pub struct Measured {
    /// Notices given to delivery since the start.
    pub given: PerKind,
    /// Notices that the spool had at the start.
    pub recovered: PerKind,
    /// Notices that wait for the disk.
    pub in_memory: PerKind,
    /// Bytes of them that nobody writes yet.
    pub in_memory_bytes: usize,
    /// Notices on disk that some destination needs.
    pub spooled: PerKind,
    /// Bytes of them.
    pub spooled_bytes: u64,
    /// How many bytes there may be.
    pub spool_limit_bytes: u64,
    /// How long the oldest of them waits.
    pub oldest: Option<Duration>,
    /// Notices that every destination is done with.
    pub settled: PerKind,
    /// Notices that did not get through.
    pub dropped: [(Reason, PerKind); Reason::ALL.len()],
    /// Why the disk takes nothing, if so.
    pub spool_fault: Option<Fault>,
    /// From the packets of alerts until they were safe on disk.
    pub kept: Latency,
    /// Each destination.
    pub destinations: Vec<DestinationMeasured>,
}

impl From<(&str, Tally, u64)> for DestinationMeasured {
    fn from((name, tally, waiting): (&str, Tally, u64)) -> Self {
        Self {
            name: name.to_owned(),
            waiting,
            outcomes: Outcome::ALL.map(|outcome| (outcome, tally.of(outcome))),
            failures: tally.failures,
            taken: tally.taken,
            acknowledged: tally.latency,
            trouble: tally.trouble,
        }
    }
}

impl DestinationMeasured {
    /// How many notices came to this.
    pub fn outcome(&self, which: Outcome) -> u64 {
        self.outcomes.iter().filter(|(outcome, _)| *outcome == which).map(|(_, count)| count).sum()
    }
}

impl Measured {
    /// What did not get through, for whatever reason.
    pub fn lost(&self) -> Lost {
        self.dropped.iter().fold(PerKind::default(), |sum, (_, counts)| sum + *counts).into()
    }
}

/// Why a notice did not get through.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Reason {
    /// There was no room in memory.
    MemoryFull,
    /// There was no room in the spool.
    SpoolFull,
    /// It waited too long.
    TooOld,
    /// The disk did not take it at the end.
    NotWritten,
}

impl Reason {
    /// Every reason.
    pub const ALL: [Self; 4] = [Self::MemoryFull, Self::SpoolFull, Self::TooOld, Self::NotWritten];

    /// It in a word.
    pub const fn name(self) -> &'static str {
        match self {
            Self::MemoryFull => "memory-full",
            Self::SpoolFull => "spool-full",
            Self::TooOld => "too-old",
            Self::NotWritten => "not-written",
        }
    }
}

/// What one destination counts: `waiting` and all outcomes together are what went into the spool since the start, and
/// what waited there for it before.
#[derive(Clone, PartialEq, Debug)]
pub struct DestinationMeasured {
    /// Its name.
    pub name: String,
    /// Notices that it is not done with and can still get, without events where it takes none.
    pub waiting: u64,
    /// What became of notices since the start.
    pub outcomes: [(Outcome, u64); Outcome::ALL.len()],
    /// Attempts since the start that came to nothing.
    pub failures: u64,
    /// Why messages wait, if they cannot be sent.
    pub trouble: Option<Fault>,
    /// When it last took a message.
    pub taken: Option<SystemTime>,
    /// From the packets of alerts until it had them.
    pub acknowledged: Latency,
}

/// What each destination counts, and how much waits for it: `tallies` were taken between the two `stocks`.
pub(super) fn waits<'a>(
    spool: &'a Spool,
    board: &'a Board,
    tallies: Vec<Tally>,
    [before, after]: [Stock; 2],
) -> impl Iterator<Item = (&'a str, Tally, u64)> {
    board.destinations().iter().zip(tallies).enumerate().map(move |(place, (progress, mut tally))| {
        let behind = after.last.saturating_sub(tally.done);
        // What came between the two is there for all.
        let most = spool.brought(place, before.kept) + (after.last - before.last);
        let waiting = progress.take_stock(&mut tally, behind, most);
        (progress.name(), tally, waiting)
    })
}

impl Observer {
    /// Counts. What moves on meanwhile is seen no earlier where it goes to than where it comes from: nothing is counted twice.
    pub fn measure(&self) -> Measured {
        let before = self.spool.stock();
        let tallies = self.board.tallies();
        let kept = self.board.kept();
        let stock = self.spool.stock();
        let counts = self.intake.counts();
        let in_memory = counts.given - counts.refused - counts.unkept - stock.put;
        let destinations = waits(&self.spool, &self.board, tallies, [before, stock]);
        Measured {
            given: counts.given,
            recovered: stock.recovered,
            in_memory,
            in_memory_bytes: counts.bytes,
            spooled: stock.kept,
            spooled_bytes: stock.bytes,
            spool_limit_bytes: self.spool.limit_bytes(),
            oldest: self.spool.oldest(&stock),
            settled: stock.settled,
            dropped: [
                (Reason::MemoryFull, counts.refused),
                (Reason::SpoolFull, stock.shed_for_room),
                (Reason::TooOld, stock.shed_for_age),
                (Reason::NotWritten, counts.unkept),
            ],
            spool_fault: self.spool.fault(),
            kept,
            destinations: destinations.map(DestinationMeasured::from).collect(),
        }
    }
}
