//! Alerts on their way to those who act on them: kept on disk first, sent until each destination has them.
//!
//! ```text
//! capture → intake (memory, bounded) → keeper: spool (disk, one write for all that wait) → a courier for each destination
//! ```
//!
//! The contract stands in `docs/spec/delivery.md`.

mod at_start;
pub mod config;
mod courier;
mod destination;
mod filter;
mod intake;
mod keeper;
mod latency;
mod measure;
mod progress;
mod spool;
pub mod status;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use tracing::warn;

use self::config::{DestinationTable, SpoolTable};
use self::courier::Courier;
use self::destination::{Message, Sent, Trouble};
use self::intake::Intake;
use self::keeper::Keeper;
use self::progress::{Board, Progress};
use self::spool::Spool;
use self::status::{Status, StatusFile};
use crate::Failure;
use crate::modes;
use crate::news::{News, NewsKind};
use crate::notice::Notice;
use crate::record::{Origin, Stamp};

pub(crate) use at_start::AtStart;
pub(crate) use destination::host_name;
#[cfg(feature = "tls")]
pub(crate) use destination::{NatsAccess, nats_options};
pub use intake::Lost;
pub use latency::Latency;
pub use measure::{DestinationMeasured, Measured, Observer, Reason};
pub use progress::{Fault, Outcome};

/// The database's name in the spool's folder.
const FILE: &str = "spool.redb";
/// How long messages that wait are still sent at the end.
const PATIENCE: Duration = Duration::from_secs(5);
/// How much longer a destination may take that is sending just then.
const GRACE: Duration = Duration::from_secs(1);

/// The way of notices to any number of destinations.
pub struct Delivery {
    intake: Arc<Intake>,
    spool: Arc<Spool>,
    board: Arc<Board>,
    takes_events: bool,
    /// Whether whoever gives out a notice waits for room.
    waits: bool,
    couriers: Vec<Courier>,
    keeper: Option<JoinHandle<Vec<Notice>>>,
    /// Nothing ever comes; it is disconnected when all couriers' threads have ended.
    end: Option<Receiver<()>>,
}

impl Delivery {
    /// Opens the spool and whatever has to be opened before the process locks itself in; `None` without destinations.
    /// Nothing is sent before [`Delivery::start`].
    ///
    /// # Errors
    /// When the configuration is wrong, a file cannot be read, or the spool cannot be opened.
    pub fn open(destinations: &[DestinationTable], spool: &SpoolTable, waits: bool) -> Result<Option<Self>, Failure> {
        if destinations.is_empty() {
            return Ok(None);
        }
        config::check(destinations)?;
        let path = spool.directory.as_deref().map(prepare).transpose()?;
        let names: Vec<&str> = destinations.iter().map(DestinationTable::name).collect();
        let opened =
            Spool::open(path.as_deref(), spool.bounds(), &names).map_err(|error| cannot_open(&path, &error))?;
        let spool = Arc::new(opened.for_filters(destinations.iter().map(DestinationTable::filter).collect()));
        let progress: Vec<Arc<Progress>> = spool.cursors().into_iter().map(Progress::from).map(Arc::new).collect();
        let board = Arc::new(Board::new(progress, spool.last()));
        let couriers = destinations.iter().zip(board.destinations()).map(|(table, progress)| {
            Ok(Courier {
                spool: Arc::clone(&spool),
                board: Arc::clone(&board),
                progress: Arc::clone(progress),
                filter: table.filter(),
                form: table.form(),
                pace: table.pace(),
                longest_pause: table.longest_pause(),
                destination: table.open()?,
            })
        });
        let couriers: Vec<Courier> = couriers.collect::<Result<_, Failure>>()?;
        let takes_events = couriers.iter().any(|courier| courier.filter.takes_events());
        Ok(Some(Self { intake: Arc::default(), spool, board, takes_events, waits, couriers, keeper: None, end: None }))
    }

    /// Starts the threads.
    ///
    /// # Errors
    /// When one cannot be started.
    pub fn start(&mut self) -> Result<(), Failure> {
        let cannot = |error| Failure::Io(format!("cannot start a thread: {error}"));
        let keeper = Keeper {
            intake: Arc::clone(&self.intake),
            spool: Arc::clone(&self.spool),
            board: Arc::clone(&self.board),
            status: StatusFile::beside(self.spool.path()),
            patience: (!self.waits).then_some(PATIENCE),
        };
        self.keeper = Some(thread::Builder::new().name("spool".to_owned()).spawn(|| keeper.run()).map_err(cannot)?);
        let (alive, end) = channel::<()>();
        for courier in self.couriers.drain(..) {
            let alive = alive.clone();
            let work = move || {
                courier.run();
                drop(alive);
            };
            thread::Builder::new().name("courier".to_owned()).spawn(work).map_err(cannot)?;
        }
        self.end = Some(end);
        Ok(())
    }

    /// Gives out a notice. On a live capture this never waits, and the notice does, to be written with others, until it is
    /// [handed over](Self::hand_over) with them, or for half a second.
    pub fn put(&self, notice: Notice) {
        self.intake.put(notice, self.waits);
        if self.waits {
            self.hand_over();
        }
    }

    /// Has written to disk what was given out.
    pub fn hand_over(&self) {
        self.intake.hand_over();
    }

    /// Whether a destination asks for events.
    pub fn takes_events(&self) -> bool {
        self.takes_events
    }

    /// Whether what waits is there at the next start.
    pub fn outlives_the_process(&self) -> bool {
        self.spool.path().is_some()
    }

    /// How many alerts each destination asked for since the start and never gets.
    pub fn missed(&self) -> Vec<(String, u64)> {
        status::missed(&self.spool, &self.board, &self.intake)
    }

    /// Whoever counts what becomes of notices, from any thread.
    pub fn observer(&self) -> Observer {
        let Self { intake, spool, board, .. } = self;
        Observer { intake: Arc::clone(intake), spool: Arc::clone(spool), board: Arc::clone(board) }
    }

    /// How it stands with everything now.
    pub fn status(&self) -> Status {
        Status::of(&self.spool, &self.board, &self.intake)
    }

    /// Waits for what is on its way: a little on a live capture, else for as long as anything moves. Tells how it stands
    /// then.
    pub fn finish(&mut self) -> Status {
        self.intake.close();
        let unwritten = self.keeper.take().and_then(|keeper| keeper.join().ok()).unwrap_or_default();
        let mut deadline = Instant::now() + PATIENCE;
        self.board.end_at(deadline + GRACE);
        let Some(end) = self.end.take() else { return self.status() };
        let mut done = self.board.done();
        // What comes is only that the last thread ends, or that it takes too long.
        while end.recv_timeout(deadline.saturating_duration_since(Instant::now())) == Err(RecvTimeoutError::Timeout) {
            let before = std::mem::replace(&mut done, self.board.done());
            if !self.waits || done == before {
                let _ = end.recv_timeout(2 * GRACE);
                break;
            }
            deadline += PATIENCE;
            self.board.end_at(deadline + GRACE);
        }
        if let Err(error) = self.spool.commit(&unwritten, &self.board.cursors()) {
            self.intake.lose(&unwritten);
            warn!("the spool takes nothing at the end: {error}; {} notices are lost", unwritten.len());
        }
        self.status()
    }
}

/// Sends one destination a message that says that it is a test; what it says otherwise.
///
/// # Errors
/// Why it does not take the message.
pub(crate) fn try_out(table: &DestinationTable) -> Result<(), String> {
    let mut destination = table.open().map_err(|failure| failure.message().unwrap_or_default().to_owned())?;
    let why = "Somebody tries out whether this destination takes messages.";
    let host = host_name();
    let notice = Notice::of_news(&News::new(NewsKind::Test, Stamp::now().0, why), Origin::interface("none", &host));
    let message = Message { sequence: 1, number: 1, text: table.form().text(&notice), notice };
    let mut sent = destination.send(&[message]);
    while matches!(sent, Ok(Sent { arrived: 0, .. })) {
        thread::sleep(courier::LOOK);
        sent = destination.send(&[]);
    }
    match sent {
        Ok(_) => Ok(()),
        Err(Trouble::Later(why) | Trouble::NotBefore(_, why) | Trouble::Refused(why)) => Err(why),
    }
}

fn prepare(directory: &Path) -> Result<PathBuf, Failure> {
    modes::make_folder(directory).map_err(|error| Failure::input(directory, &error))?;
    Ok(directory.join(FILE))
}

fn cannot_open(path: &Option<PathBuf>, error: &spool::SpoolError) -> Failure {
    let place = path.as_deref().map_or_else(|| "memory".to_owned(), |path| path.display().to_string());
    let hint = match error {
        redb::Error::DatabaseAlreadyOpen => " (is another tagout running with this spool?)",
        _ => "",
    };
    Failure::Io(format!("{place}: cannot open the spool: {error}{hint}"))
}

#[cfg(test)]
mod tests;
