//! Notices in an embedded database until every destination has them.

mod change;
mod clock;

use std::ops::Bound;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use redb::backends::InMemoryBackend;
use redb::{Builder, Database, ReadableDatabase, ReadableTable};
use tagout_core::Timestamp;
use tagout_core::engine::Severity;

use self::change::{EVENTS, HEARTBEATS, NOTICES, bytes, write};
use self::clock::{Clock, Reading, machine_s};
use super::filter::Filter;
use super::progress::Fault;
use crate::notice::{Kind, Notice, PerKind};
use crate::salvage;

/// Memory that the database takes.
const CACHE_BYTES: usize = 4 << 20;

/// Why the spool cannot do what it is asked.
pub(super) type SpoolError = redb::Error;

/// How far a destination is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Cursor {
    /// The destination's name.
    pub(super) name: String,
    /// It needs nothing up to this sequence number any more.
    pub(super) done: u64,
    /// Messages that it was given so far.
    pub(super) delivered: u64,
}

/// How much is kept at most.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Bounds {
    /// Bytes of notices.
    pub(super) bytes: u64,
    /// How long, by the spool's own clock.
    pub(super) age: Duration,
}

impl Bounds {
    /// How much of its age a notice can reach while the sensor does not run, each time. What came last outlasts a stop, whatever the
    /// machine's clock is set to meanwhile.
    fn age_at_rest(&self) -> Duration {
        self.age / 2
    }
}

/// The database, written by one thread and read by many.
pub(super) struct Spool {
    path: Option<PathBuf>,
    bounds: Bounds,
    clock: Clock,
    /// What each destination asks for, in the order of the cursors; everything where none is told.
    filters: Vec<Filter>,
    database: Mutex<Option<Arc<Database>>>,
    books: Mutex<Books>,
    /// Why the disk takes nothing, if so.
    fault: Mutex<Option<Fault>>,
}

/// What is known of the content without asking the database.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
struct Books {
    cursors: Vec<Cursor>,
    stock: Stock,
    /// What went since the start before destinations had what they asked for, in the order of the cursors.
    missed: Vec<PerKind>,
    /// What the clocks said when this was last written.
    read: Option<Reading>,
}

/// What came, went and is there. For each kind: `recovered + put = kept + settled + shed`.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(super) struct Stock {
    /// The greatest sequence number so far.
    pub(super) last: u64,
    /// Bytes of everything that is kept.
    pub(super) bytes: u64,
    /// What was there at the start.
    pub(super) recovered: PerKind,
    /// What was written since.
    pub(super) put: PerKind,
    /// What is there now.
    pub(super) kept: PerKind,
    /// What went because every destination was done with it.
    pub(super) settled: PerKind,
    /// What went since the start because room ran out.
    pub(super) shed_for_room: PerKind,
    /// What went since the start because it waited too long.
    pub(super) shed_for_age: PerKind,
    /// When the oldest was kept, by the spool's own clock.
    pub(super) oldest_s: Option<u64>,
}

impl Stock {
    /// What went since the start because room or time ran out.
    pub(super) fn shed(&self) -> PerKind {
        self.shed_for_room + self.shed_for_age
    }
}

impl Spool {
    /// Opens the database in a folder, or one in memory, for destinations of these names. A new destination gets what comes
    /// from here on; what waits for one that is no longer there is not kept for it.
    pub(super) fn open(path: Option<&Path>, bounds: Bounds, names: &[&str]) -> Result<Self, SpoolError> {
        let (database, mut books) = open(path)?;
        let known = std::mem::take(&mut books.cursors);
        let cursor = |name: &str| {
            known.iter().find(|cursor| cursor.name == name).cloned().unwrap_or_else(|| Cursor {
                name: name.to_owned(),
                done: books.stock.last,
                delivered: 0,
            })
        };
        let cursors: Vec<Cursor> = names.iter().map(|name| cursor(name)).collect();
        let spool = Self {
            path: path.map(Path::to_owned),
            bounds,
            clock: Clock::resumed(books.read, machine_s(), bounds.age_at_rest()),
            filters: Vec::new(),
            database: Mutex::new(Some(Arc::new(database))),
            books: Mutex::new(books),
            fault: Mutex::default(),
        };
        spool.forget_all_but(&cursors)?;
        Ok(spool)
    }

    /// Opens a database as it was left, to look into it.
    pub(super) fn inspect(path: &Path) -> Result<Self, SpoolError> {
        let (database, books) = salvage::inspect(&builder(), path, take_stock)?;
        Ok(Self {
            path: Some(path.to_owned()),
            bounds: Bounds { bytes: u64::MAX, age: Duration::MAX },
            clock: Clock::resumed(books.read, machine_s(), Duration::MAX),
            filters: Vec::new(),
            books: Mutex::new(books),
            database: Mutex::new(Some(Arc::new(database))),
            fault: Mutex::default(),
        })
    }

    /// The same spool, whose destinations ask for this, in the order of their names.
    pub(super) fn for_filters(self, filters: Vec<Filter>) -> Self {
        Self { filters, ..self }
    }

    /// How many of these notices a destination is to be brought, whether its filter lets them through or not.
    pub(super) fn brought(&self, place: usize, counts: PerKind) -> u64 {
        let takes_events = self.filters.get(place).is_none_or(Filter::takes_events);
        counts.total() - if takes_events { 0 } else { counts.of(Kind::Event) }
    }

    /// Alerts, and what the sensor tells of itself, that a destination asks for and never gets: what went from here before its
    /// turn came, and of `unkept` what never came here.
    pub(super) fn alerts_missed(&self, place: usize, unkept: PerKind) -> u64 {
        let asks = |kind: &Kind| self.filters.get(place).is_none_or(|filter| filter.kinds.contains(kind));
        let missed = self.books().missed.get(place).copied().unwrap_or_default() + unkept;
        [Kind::Alert, Kind::Sensor].iter().filter(|kind| asks(kind)).map(|kind| missed.of(*kind)).sum()
    }

    /// How far each destination was when this was last written.
    pub(super) fn cursors(&self) -> Vec<Cursor> {
        self.books().cursors.clone()
    }

    /// Where it is, unless in memory.
    pub(super) fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    /// The greatest sequence number so far.
    pub(super) fn last(&self) -> u64 {
        self.books().stock.last
    }

    /// Bytes of everything that is kept.
    pub(super) fn bytes(&self) -> u64 {
        self.books().stock.bytes
    }

    /// What came, went and is there, as of one moment.
    pub(super) fn stock(&self) -> Stock {
        self.books().stock
    }

    /// How long the oldest of what is kept waits, as of this stock.
    pub(super) fn oldest(&self, stock: &Stock) -> Option<Duration> {
        stock.oldest_s.map(|oldest_s| Duration::from_secs(self.clock.now_s().saturating_sub(oldest_s)))
    }

    /// How many bytes it may hold.
    pub(super) fn limit_bytes(&self) -> u64 {
        self.bounds.bytes
    }

    /// Why the disk takes nothing, if so.
    pub(super) fn fault(&self) -> Option<Fault> {
        self.lock_fault().clone()
    }

    /// Writes notices, and how far destinations are, durably and as one; removes what nobody needs, and what has no room.
    ///
    /// # Errors
    /// When the disk does not take it. Nothing is changed then, and the next attempt begins with opening the database anew.
    pub(super) fn commit(&self, notices: &[Notice], cursors: &[Cursor]) -> Result<(), SpoolError> {
        let mut books = self.books().clone();
        if notices.is_empty() && books.cursors == cursors {
            return Ok(());
        }
        let now = self.clock.read();
        let written = self.database().and_then(|database| {
            write(&database, &mut books, |change| {
                change.note_time(now)?;
                notices.iter().try_for_each(|notice| change.put(notice, now.own_s))?;
                change.advance(cursors)?;
                change.keep_within(self.bounds, now.own_s, &self.filters)
            })
        });
        let mut fault = self.lock_fault();
        *fault = written.as_ref().err().map(|error| Fault::going_on(fault.take(), error.to_string()));
        match written {
            Ok(()) => *self.books() = books,
            Err(_) => *self.lock() = None,
        }
        written
    }

    /// What stands behind a sequence number, in order.
    pub(super) fn after(&self, sequence: u64, most: usize, events: bool) -> Result<Vec<(u64, Notice)>, SpoolError> {
        let read = self.database()?.begin_read()?;
        let range = (Bound::Excluded(sequence), Bound::Unbounded);
        let mut found = Vec::new();
        for table in [Some(NOTICES), Some(HEARTBEATS), events.then_some(EVENTS)].into_iter().flatten() {
            for entry in read.open_table(table)?.range::<u64>(range)?.take(most) {
                let (number, stored) = entry?;
                found.push((number.value(), notice(stored.value())));
            }
        }
        found.sort_by_key(|(sequence, _)| *sequence);
        found.truncate(most);
        Ok(found)
    }

    /// Lets go of everything that waits for a destination; tells how many notices there were.
    pub(super) fn drop_for(&self, name: &str) -> Result<usize, SpoolError> {
        let (mut cursors, last) = (self.cursors(), self.last());
        let Some(cursor) = cursors.iter_mut().find(|cursor| cursor.name == name) else { return Ok(0) };
        let waiting = self.after(cursor.done, usize::MAX, true)?.len();
        cursor.done = last;
        self.commit(&[], &cursors)?;
        Ok(waiting)
    }

    fn forget_all_but(&self, cursors: &[Cursor]) -> Result<(), SpoolError> {
        let mut books = self.books().clone();
        let database = self.database()?;
        write(&database, &mut books, |change| {
            change.cursors.retain(|name, _| cursors.iter().any(|cursor| cursor.name == name))?;
            change.advance(cursors)
        })?;
        *self.books() = books;
        Ok(())
    }

    /// A spool on a disk that takes nothing more.
    #[cfg(test)]
    pub(super) fn on_a_dead_disk(names: &[&str]) -> Self {
        let bounds = Bounds { bytes: u64::MAX, age: Duration::MAX };
        let path = Some(PathBuf::from("/dev/null/spool.redb"));
        Self { path, database: Mutex::new(None), ..Self::open(None, bounds, names).unwrap() }
    }

    fn books(&self) -> MutexGuard<'_, Books> {
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lock_fault(&self) -> MutexGuard<'_, Option<Fault>> {
        self.fault.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lock(&self) -> MutexGuard<'_, Option<Arc<Database>>> {
        self.database.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The database; opened again where an error has closed it, since it takes nothing more after one.
    fn database(&self) -> Result<Arc<Database>, SpoolError> {
        let mut database = self.lock();
        match &*database {
            Some(open) => Ok(Arc::clone(open)),
            None => Ok(Arc::clone(database.insert(Arc::new(open(self.path.as_deref())?.0)))),
        }
    }
}

fn builder() -> Builder {
    let mut builder = Database::builder();
    builder.set_cache_size(CACHE_BYTES);
    builder
}

fn open(path: Option<&Path>) -> Result<(Database, Books), SpoolError> {
    let Some(path) = path else {
        let database = builder().create_with_backend(InMemoryBackend::new())?;
        let books = take_stock(&database)?;
        return Ok((database, books));
    };
    salvage::open(&builder(), path, "what waited in it is not sent", take_stock)
}

/// Reads through everything once, and makes the tables where there are none.
fn take_stock(database: &Database) -> Result<Books, SpoolError> {
    let mut books = Books::default();
    write(database, &mut books, |change| {
        let mut latest_s = None;
        for table in [&change.notices, &change.events, &change.heartbeats] {
            for entry in table.iter()? {
                let (number, stored) = entry?;
                let kind = Kind::from_number(stored.value().0);
                let stock = &mut change.books.stock;
                stock.last = stock.last.max(number.value());
                stock.bytes += bytes(stored.value());
                stock.recovered.count(kind);
                stock.kept.count(kind);
                latest_s = latest_s.max(Some(stored.value().3));
            }
        }
        change.books.read = change.last_reading(latest_s)?;
        for entry in change.cursors.iter()? {
            let (name, place) = entry?;
            let (done, delivered) = place.value();
            change.books.stock.last = change.books.stock.last.max(done);
            change.books.cursors.push(Cursor { name: name.value().to_owned(), done, delivered });
        }
        Ok(())
    })?;
    Ok(books)
}

fn notice((kind, severity, time, _, id, eve, cef): (u8, u8, u64, u64, &str, &str, &str)) -> Notice {
    Notice {
        id: id.to_owned(),
        kind: Kind::from_number(kind),
        time: Timestamp(time),
        severity: *Severity::ALL.iter().find(|known| known.number() == severity).unwrap_or(&Severity::Informational),
        eve: eve.to_owned(),
        cef: cef.to_owned(),
    }
}

#[cfg(test)]
mod tests;
