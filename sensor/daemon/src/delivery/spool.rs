//! Notices in an embedded database until every destination has them.

mod change;

use std::ops::Bound;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use redb::backends::InMemoryBackend;
use redb::{Builder, Database, ReadableDatabase, ReadableTable};
use tagout_core::Timestamp;
use tagout_core::engine::Severity;

use self::change::{EVENTS, HEARTBEATS, NOTICES, bytes, write};
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
    /// How long.
    pub(super) age: Duration,
}

/// The database, written by one thread and read by many.
pub(super) struct Spool {
    path: Option<PathBuf>,
    bounds: Bounds,
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
    /// When the oldest was kept, in seconds since 1970.
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
            books: Mutex::new(books),
            database: Mutex::new(Some(Arc::new(database))),
            fault: Mutex::default(),
        })
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
        let written = self.database().and_then(|database| {
            write(&database, &mut books, |change| {
                notices.iter().try_for_each(|notice| change.put(notice))?;
                change.advance(cursors)?;
                change.keep_within(self.bounds)
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
        for table in [&change.notices, &change.events, &change.heartbeats] {
            for entry in table.iter()? {
                let (number, stored) = entry?;
                let kind = Kind::from_number(stored.value().0);
                let stock = &mut change.books.stock;
                stock.last = stock.last.max(number.value());
                stock.bytes += bytes(stored.value());
                stock.recovered.count(kind);
                stock.kept.count(kind);
            }
        }
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

pub(super) fn now_s() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::delivery::Lost;
    use crate::delivery::tests::notice;

    const WIDE: Bounds = Bounds { bytes: 1 << 30, age: Duration::from_secs(3_600) };

    fn cursor(name: &str, done: u64) -> Cursor {
        Cursor { name: name.to_owned(), done, delivered: done }
    }

    fn shed(spool: &Spool) -> Lost {
        spool.stock().shed().into()
    }

    fn sequences(spool: &Spool) -> Vec<u64> {
        spool.after(0, usize::MAX, true).unwrap().into_iter().map(|(sequence, _)| sequence).collect()
    }

    #[test]
    fn what_was_written_is_there_after_opening_again() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("spool.redb");
        let first = Spool::open(Some(&path), WIDE, &["a"]).unwrap();
        first.commit(&[notice(Kind::Alert, 1), notice(Kind::Event, 2)], &[cursor("a", 0)]).unwrap();
        drop(first);
        let again = Spool::open(Some(&path), WIDE, &["a"]).unwrap();
        assert_eq!(again.after(0, 9, true).unwrap(), [(1, notice(Kind::Alert, 1)), (2, notice(Kind::Event, 2))]);
        assert_eq!(again.after(0, 9, false).unwrap(), [(1, notice(Kind::Alert, 1))]);
        assert_eq!(again.after(1, 9, false).unwrap(), []);
    }

    #[test]
    fn one_that_was_not_finished_is_begun_anew_and_one_that_is_damaged_is_set_aside() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("spool.redb");
        fs::write(path.with_extension("part"), "begun").unwrap();
        for damage in ["", "damaged", "damaged again"] {
            if !damage.is_empty() {
                fs::write(&path, damage).unwrap();
            }
            let spool = Spool::open(Some(&path), WIDE, &["a"]).unwrap();
            spool.commit(&[notice(Kind::Alert, 1)], &[cursor("a", 0)]).unwrap();
            assert_eq!(sequences(&spool), [1], "{damage}");
        }
        assert_eq!(fs::read_to_string(path.with_extension("damaged")).unwrap(), "damaged again");
    }

    #[test]
    fn one_with_a_damaged_page_is_set_aside_and_left_alone_by_who_only_looks() {
        const PAGE: usize = 4_096;
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("spool.redb");
        let spool = Spool::open(Some(&path), WIDE, &["a"]).unwrap();
        let notices: Vec<Notice> = (1..=500).map(|number| notice(Kind::Alert, number)).collect();
        spool.commit(&notices, &[cursor("a", 0)]).unwrap();
        drop(spool);
        let whole = fs::read(&path).unwrap();
        let mut damaged = 0;
        for page in 1..whole.len() / PAGE {
            let _ = fs::remove_file(path.with_extension("damaged"));
            let mut bytes = whole.clone();
            bytes[page * PAGE..][..PAGE].fill(0);
            fs::write(&path, &bytes).unwrap();
            if Spool::inspect(&path).is_err() {
                damaged += 1;
                assert!(!path.with_extension("damaged").exists());
            }
            let spool = Spool::open(Some(&path), WIDE, &["a"]).unwrap();
            spool.commit(&[notice(Kind::Alert, 501)], &[cursor("a", 0)]).unwrap();
            assert!(sequences(&spool).len() == 501 || path.with_extension("damaged").exists(), "page {page}");
        }
        assert!(damaged > 0);
    }

    #[test]
    fn what_every_destination_has_is_removed() {
        let spool = Spool::open(None, WIDE, &["a", "b"]).unwrap();
        let notices: Vec<Notice> = (1..=4).map(|number| notice(Kind::Alert, number)).collect();
        spool.commit(&notices, &[cursor("a", 0), cursor("b", 0)]).unwrap();
        spool.commit(&[], &[cursor("a", 3), cursor("b", 2)]).unwrap();
        assert_eq!(sequences(&spool), [3, 4]);
        spool.commit(&[], &[cursor("a", 4), cursor("b", 4)]).unwrap();
        assert_eq!((sequences(&spool), spool.bytes()), (vec![], 0));
    }

    #[test]
    fn a_destination_that_is_new_gets_what_comes_and_one_that_is_gone_holds_nothing_up() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("spool.redb");
        let spool = Spool::open(Some(&path), WIDE, &["old"]).unwrap();
        spool.commit(&[notice(Kind::Alert, 1)], &[cursor("old", 0)]).unwrap();
        drop(spool);
        let spool = Spool::open(Some(&path), WIDE, &["new"]).unwrap();
        assert_eq!(spool.cursors(), [Cursor { name: "new".to_owned(), done: 1, delivered: 0 }]);
        assert_eq!(sequences(&spool), Vec::<u64>::new());
    }

    #[test]
    fn events_go_first_and_then_the_oldest_alerts() {
        let bounds = Bounds { bytes: 4 * notice(Kind::Alert, 1).bytes() as u64, ..WIDE };
        let spool = Spool::open(None, bounds, &["a"]).unwrap();
        let behind = [cursor("a", 0)];
        spool.commit(&[notice(Kind::Alert, 1), notice(Kind::Alert, 2)], &behind).unwrap();
        spool.commit(&[notice(Kind::Event, 3), notice(Kind::Event, 4), notice(Kind::Alert, 5)], &behind).unwrap();
        assert_eq!((sequences(&spool), shed(&spool)), (vec![1, 2, 4, 5], Lost { alerts: 0, events: 1 }));
        spool.commit(&[notice(Kind::Alert, 6), notice(Kind::Alert, 7)], &behind).unwrap();
        assert_eq!((sequences(&spool), shed(&spool)), (vec![2, 5, 6, 7], Lost { alerts: 1, events: 2 }));
    }

    #[test]
    fn heartbeats_go_before_any_alert_and_reach_those_who_take_no_events() {
        let bounds = Bounds { bytes: 3 * notice(Kind::Alert, 1).bytes() as u64, ..WIDE };
        let spool = Spool::open(None, bounds, &["a"]).unwrap();
        let behind = [cursor("a", 0)];
        spool.commit(&[notice(Kind::Alert, 1), notice(Kind::Heartbeat, 2)], &behind).unwrap();
        assert_eq!(spool.after(0, 9, false).unwrap()[1], (2, notice(Kind::Heartbeat, 2)));
        spool.commit(&[notice(Kind::Alert, 3), notice(Kind::Alert, 4)], &behind).unwrap();
        assert_eq!((sequences(&spool), shed(&spool)), (vec![1, 3, 4], Lost { alerts: 0, events: 1 }));
    }

    #[test]
    fn what_is_too_old_goes() {
        let spool = Spool::open(None, Bounds { age: Duration::ZERO, ..WIDE }, &["a"]).unwrap();
        spool.commit(&[notice(Kind::Alert, 1)], &[cursor("a", 0)]).unwrap();
        let second = Duration::from_millis(2_100);
        std::thread::sleep(second);
        spool.commit(&[notice(Kind::Alert, 2)], &[cursor("a", 0)]).unwrap();
        assert_eq!((sequences(&spool), shed(&spool).alerts), (vec![2], 1));
    }

    #[test]
    fn what_waits_for_a_destination_can_be_let_go() {
        let spool = Spool::open(None, WIDE, &["a"]).unwrap();
        spool.commit(&[notice(Kind::Alert, 1), notice(Kind::Alert, 2)], &[cursor("a", 1)]).unwrap();
        assert_eq!(spool.drop_for("a").unwrap(), 1);
        assert_eq!(sequences(&spool), Vec::<u64>::new());
        assert_eq!(spool.drop_for("b").unwrap(), 0);
    }
}
