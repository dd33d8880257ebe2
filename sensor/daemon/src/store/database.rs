use std::fs;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use redb::{
    Builder, ConcurrencyMode, ReadOnlyDatabase, ReadTransaction, ReadableDatabase, ReadableTable,
    ReadableTableMetadata, Table, TableDefinition, WriteTransaction,
};
use tagout_core::Timestamp;
use tagout_core::engine::Severity;

use super::batch::{Batch, Lost};
use super::deed::Deed;
use super::sample::Sample;
use crate::Failure;
use crate::modes;
use crate::notice::{Kind, Notice};
use crate::salvage;

/// Kind, number of the severity, and EVE of an alert, under its time and id.
const ALERTS: TableDefinition<'_, (u64, u128), (u8, u8, &str)> = TableDefinition::new("alerts");
/// The same of commands that were held against what was declared, whose records are events.
const ACTS: TableDefinition<'_, (u64, u128), (u8, u8, &str)> = TableDefinition::new("acts");
/// What was counted, as JSON, under what tells it from others.
const DEEDS: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("deeds");
/// How it stood with the sensor, as JSON, under the time.
const SAMPLES: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("samples");
/// Numbers about the whole.
const BOOKS: TableDefinition<'_, &str, u64> = TableDefinition::new("books");

/// How the tables lie: a later version may lay them otherwise.
const VERSION: u64 = 1;
/// Counts that are kept at most; the first to go are those of what was never answered, and the longest unseen.
const MOST_DEEDS: u64 = 16_384;
/// How many are left then.
const DEEDS_LEFT: usize = 15_360;
/// Samples that are kept.
const MOST_SAMPLES: u64 = 300;
/// Memory that the database takes.
const CACHE_BYTES: usize = 4 << 20;

const NANOS_PER_SECOND: u64 = 1_000_000_000;

/// How much is kept at most.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Bounds {
    /// Bytes of alerts, and as many of acts.
    pub bytes: u64,
    /// How long either is kept.
    pub age_s: u64,
}

impl Bounds {
    /// Most bytes, and the time of the oldest record that is not too old at this time.
    fn at(self, now: Timestamp) -> (u64, u64) {
        (self.bytes, now.0.saturating_sub(self.age_s.saturating_mul(NANOS_PER_SECOND)))
    }
}

/// Who wrote a database.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Origin {
    /// A daemon, which goes on with it.
    Live,
    /// A replay, which makes it anew.
    Replay,
}

/// The database as its only writer has it. Any number of processes may read it meanwhile.
pub struct Database {
    path: PathBuf,
    bounds: Bounds,
    /// `None` after an error, after which a database takes nothing more.
    open: Option<redb::Database>,
}

impl Database {
    /// Opens what a daemon goes on with, or makes it.
    ///
    /// # Errors
    /// When it cannot be opened, another process writes it, or it is of a later version.
    pub fn open(path: &Path, bounds: Bounds) -> Result<Self, Failure> {
        Self::prepare(path, bounds, Origin::Live)
    }

    /// Makes one for replays anew, without bounds.
    ///
    /// # Errors
    /// When there is something there that no replay wrote, or the file cannot be written.
    pub fn replace(path: &Path) -> Result<Self, Failure> {
        if path.exists() {
            if Reader::open(path)?.origin() != Origin::Replay {
                let place = path.display();
                return Err(Failure::Usage(format!("{place}: `tagout run` keeps this store; name another file")));
            }
            fs::remove_file(path).map_err(|error| Failure::input(path, &error))?;
        }
        Self::prepare(path, Bounds { bytes: u64::MAX, age_s: u64::MAX }, Origin::Replay)
    }

    fn prepare(path: &Path, bounds: Bounds, origin: Origin) -> Result<Self, Failure> {
        if let Some(folder) = path.parent().filter(|folder| *folder != Path::new("")) {
            modes::make_folder(folder).map_err(|error| Failure::input(folder, &error))?;
        }
        let look = |database: &redb::Database| begin(database, origin);
        let (database, version) = salvage::open(&builder(), path, "a new store begins in its place", look)
            .map_err(|error| cannot_open(path, &error))?;
        check_version(path, version)?;
        Ok(Self { path: path.to_owned(), bounds, open: Some(database) })
    }

    /// The same as an error leaves it.
    #[cfg(test)]
    pub(super) fn after_an_error(self) -> Self {
        Self { open: None, ..self }
    }

    /// Bytes of alerts that it may hold, and as many of commands that were held against intents.
    pub(super) fn limit_bytes(&self) -> u64 {
        self.bounds.bytes
    }

    /// Writes a batch durably and as one, and lets go of what has no room.
    ///
    /// # Errors
    /// When the disk does not take it. Nothing is changed then, and the next attempt begins with opening the database anew.
    pub(super) fn write(&mut self, batch: &Batch) -> Result<Written, redb::Error> {
        let database = match self.open.take() {
            Some(database) => database,
            None => builder().open(&self.path)?,
        };
        let mut transaction = database.begin_write()?;
        // After a crash whoever reads first need not go through the whole of it.
        transaction.set_quick_repair(true);
        let written = Change::new(&transaction)?.put(batch, self.bounds)?;
        transaction.commit()?;
        self.open = Some(database);
        Ok(written)
    }
}

fn builder() -> Builder {
    let mut builder = Builder::new();
    builder.set_cache_size(CACHE_BYTES).set_concurrency_mode(ConcurrencyMode::SingleWriter);
    builder
}

/// Makes the tables where there are none; tells the version of those that are there.
fn begin(database: &redb::Database, origin: Origin) -> Result<u64, redb::Error> {
    let mut transaction = database.begin_write()?;
    transaction.set_quick_repair(true);
    let version = {
        let mut change = Change::new(&transaction)?;
        let known = change.books.get("version")?.map(|version| version.value());
        if known.is_none() {
            change.books.insert("version", VERSION)?;
            change.books.insert("live", u64::from(origin == Origin::Live))?;
        }
        known.unwrap_or(VERSION)
    };
    transaction.commit()?;
    Ok(version)
}

fn check_version(path: &Path, version: u64) -> Result<(), Failure> {
    if version == VERSION {
        return Ok(());
    }
    Err(Failure::Io(format!(
        "{}: this store is of version {version}, and this tagout knows version {VERSION}: use the tagout that wrote it",
        path.display()
    )))
}

fn cannot_open(path: &Path, error: &redb::Error) -> Failure {
    let hint = match error {
        redb::Error::DatabaseAlreadyOpen => " (is another tagout running with this store?)",
        _ => "",
    };
    Failure::Io(format!("{}: cannot open the store: {error}{hint}", path.display()))
}

/// Records by time and id.
type Records<'t> = Table<'t, (u64, u128), (u8, u8, &'static str)>;

/// What came of writing a batch.
pub(super) struct Written {
    /// What the batch and the bounds lost.
    pub(super) lost: Lost,
    /// Bytes of alerts that are there now.
    pub(super) alert_bytes: u64,
    /// Bytes of commands that were held against intents.
    pub(super) act_bytes: u64,
}

/// A change in progress.
struct Change<'t> {
    alerts: Records<'t>,
    acts: Records<'t>,
    deeds: Table<'t, &'static str, &'static [u8]>,
    samples: Table<'t, u64, &'static [u8]>,
    books: Table<'t, &'static str, u64>,
}

impl<'t> Change<'t> {
    fn new(transaction: &'t WriteTransaction) -> Result<Self, redb::Error> {
        Ok(Self {
            alerts: transaction.open_table(ALERTS)?,
            acts: transaction.open_table(ACTS)?,
            deeds: transaction.open_table(DEEDS)?,
            samples: transaction.open_table(SAMPLES)?,
            books: transaction.open_table(BOOKS)?,
        })
    }

    fn put(&mut self, batch: &Batch, bounds: Bounds) -> Result<Written, redb::Error> {
        let mut lost = batch.lost;
        let Self { alerts, acts, books, .. } = self;
        lost.alerts_shed += keep(alerts, ("alert_bytes", books), &batch.alerts.notices, bounds.at(batch.now))?;
        lost.acts_shed += keep(acts, ("act_bytes", books), &batch.acts.notices, bounds.at(batch.now))?;
        for deed in batch.deeds.values() {
            self.put_deed(deed)?;
        }
        lost.deeds_shed += self.shed_deeds()?;
        if let Some(sample) = &batch.sample {
            self.put_sample(sample)?;
        }
        for (name, of) in LOSSES {
            let sum = book(&self.books, name)?.saturating_add(*of(&mut lost));
            self.books.insert(name, sum)?;
        }
        let (alert_bytes, act_bytes) = (book(&self.books, "alert_bytes")?, book(&self.books, "act_bytes")?);
        Ok(Written { lost, alert_bytes, act_bytes })
    }

    fn put_deed(&mut self, deed: &Deed) -> Result<(), redb::Error> {
        let key = deed.key();
        let known =
            self.deeds.get(key.as_str())?.and_then(|stored| serde_json::from_slice::<Deed>(stored.value()).ok());
        let whole = known.map_or_else(
            || deed.clone(),
            |mut known| {
                known.absorb(deed);
                known
            },
        );
        // Names and numbers, which JSON takes.
        self.deeds.insert(key.as_str(), serde_json::to_vec(&whole).unwrap_or_default().as_slice())?;
        Ok(())
    }

    /// Lets go of counts where there are too many: first of what was never answered, such as what a scan asks for.
    fn shed_deeds(&mut self) -> Result<u64, redb::Error> {
        if self.deeds.len()? <= MOST_DEEDS {
            return Ok(0);
        }
        let mut all = Vec::new();
        for entry in self.deeds.iter()? {
            let (key, stored) = entry?;
            let count = serde_json::from_slice::<Deed>(stored.value()).map(|deed| deed.count).unwrap_or_default();
            all.push((count.answered > 0, count.last_seen.0, key.value().to_owned()));
        }
        all.sort_unstable();
        let gone = all.len().saturating_sub(DEEDS_LEFT);
        for (_, _, key) in all.iter().take(gone) {
            self.deeds.remove(key.as_str())?;
        }
        Ok(gone as u64)
    }

    fn put_sample(&mut self, sample: &Sample) -> Result<(), redb::Error> {
        self.samples.insert(sample.time, serde_json::to_vec(sample).unwrap_or_default().as_slice())?;
        while self.samples.len()? > MOST_SAMPLES {
            self.samples.pop_first()?;
        }
        Ok(())
    }
}

fn book(books: &impl ReadableTable<&'static str, u64>, name: &str) -> Result<u64, redb::Error> {
    Ok(books.get(name)?.map_or(0, |count| count.value()))
}

/// Adds records, and lets go of the oldest while there are too many bytes of them or they are too old; tells how many went. The
/// sum of their bytes stands in the books.
fn keep(
    records: &mut Records<'_>,
    (sum, books): (&str, &mut Table<'_, &'static str, u64>),
    notices: &[Notice],
    (most_bytes, oldest): (u64, u64),
) -> Result<u64, redb::Error> {
    let mut bytes = book(books, sum)?;
    for Notice { id, kind, time, severity, eve, .. } in notices {
        let key = (time.0, u128::from_str_radix(id, 16).unwrap_or_default());
        let before = records.insert(key, (kind.number(), severity.number(), eve.as_str()))?;
        bytes += if before.is_none() { eve.len() as u64 } else { 0 };
    }
    let mut shed = 0;
    loop {
        let first = records.first()?.map(|(key, _)| key.value());
        let Some(first) = first.filter(|first| bytes > most_bytes || first.0 < oldest) else { break };
        let gone = records.remove(first)?.map_or(0, |stored| stored.value().2.len() as u64);
        bytes = bytes.saturating_sub(gone);
        shed += 1;
    }
    books.insert(sum, bytes)?;
    Ok(shed)
}

/// A count of what was lost.
type Loss = fn(&mut Lost) -> &mut u64;

/// The names under which it stands in the books.
const LOSSES: [(&str, Loss); 6] = [
    ("alerts_lost", |lost| &mut lost.alerts),
    ("alerts_shed", |lost| &mut lost.alerts_shed),
    ("acts_lost", |lost| &mut lost.acts),
    ("acts_shed", |lost| &mut lost.acts_shed),
    ("exchanges_lost", |lost| &mut lost.exchanges),
    ("deeds_shed", |lost| &mut lost.deeds_shed),
];

/// What stands in a database at one time, for whoever looks into it.
pub struct Reader {
    path: PathBuf,
    read: ReadTransaction,
    origin: Origin,
    /// Keeps the file open.
    _database: Opened,
}

enum Opened {
    Beside(#[expect(dead_code, reason = "kept open")] ReadOnlyDatabase),
    Alone(#[expect(dead_code, reason = "kept open")] redb::Database),
}

impl Reader {
    /// Looks into a database, whether a process writes it or not.
    ///
    /// # Errors
    /// When there is none, it cannot be read, or it is of a later version.
    pub fn open(path: &Path) -> Result<Self, Failure> {
        let failed = |error: redb::Error| cannot_read(path, &error);
        fs::File::open(path).map_err(|error| Failure::input(path, &error))?;
        let (read, database) = match builder().open_read_only(path) {
            Ok(database) => (database.begin_read(), Opened::Beside(database)),
            // A process that was killed left it behind: whoever may write to it sets it right.
            Err(redb::DatabaseError::RepairAborted) => {
                let database = builder().open(path).map_err(|error| failed(error.into()))?;
                (database.begin_read(), Opened::Alone(database))
            }
            Err(error) => return Err(failed(error.into())),
        };
        let read = read.map_err(|error| failed(error.into()))?;
        let books = read.open_table(BOOKS).map_err(|error| failed(error.into()))?;
        let book = |name| books.get(name).map(|found| found.map_or(0, |count| count.value()));
        let (version, live) = (book("version"), book("live"));
        check_version(path, version.map_err(|error| failed(error.into()))?)?;
        let origin = if live.map_err(|error| failed(error.into()))? == 1 { Origin::Live } else { Origin::Replay };
        Ok(Self { path: path.to_owned(), read, origin, _database: database })
    }

    /// Who wrote it.
    pub fn origin(&self) -> Origin {
        self.origin
    }

    /// Every alert between two times, both included, the latest first, for as long as they are asked for.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn alerts(
        &self,
        since: Timestamp,
        until: Timestamp,
        take: impl FnMut(Notice) -> ControlFlow<()>,
    ) -> Result<(), Failure> {
        self.records(ALERTS, since, until, take)
    }

    /// The same of commands that were held against what was declared.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn acts(
        &self,
        since: Timestamp,
        until: Timestamp,
        take: impl FnMut(Notice) -> ControlFlow<()>,
    ) -> Result<(), Failure> {
        self.records(ACTS, since, until, take)
    }

    fn records(
        &self,
        table: TableDefinition<'_, (u64, u128), (u8, u8, &'static str)>,
        since: Timestamp,
        until: Timestamp,
        mut take: impl FnMut(Notice) -> ControlFlow<()>,
    ) -> Result<(), Failure> {
        self.told(|read| {
            let table = match read.open_table(table) {
                // A store that was made before there were such records, and not written since.
                Err(redb::TableError::TableDoesNotExist(_)) => return Ok(()),
                table => table?,
            };
            for entry in table.range((since.0, 0)..=(until.0, u128::MAX))?.rev() {
                let (key, stored) = entry?;
                if take(notice(key.value(), stored.value())).is_break() {
                    break;
                }
            }
            Ok(())
        })
    }

    /// Everything that was counted.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn deeds(&self) -> Result<Vec<Deed>, Failure> {
        self.told(|read| {
            let mut deeds = Vec::new();
            for entry in read.open_table(DEEDS)?.iter()? {
                // What no version can read is passed over.
                deeds.extend(serde_json::from_slice::<Deed>(entry?.1.value()));
            }
            Ok(deeds)
        })
    }

    /// How it stood with the sensor, the latest last.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn samples(&self) -> Result<Vec<Sample>, Failure> {
        self.told(|read| {
            let mut samples = Vec::new();
            for entry in read.open_table(SAMPLES)?.iter()? {
                samples.extend(serde_json::from_slice::<Sample>(entry?.1.value()));
            }
            Ok(samples)
        })
    }

    /// What the database does not have, counted in all the time since it was made.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn lost(&self) -> Result<Lost, Failure> {
        self.told(|read| {
            let books = read.open_table(BOOKS)?;
            let mut lost = Lost::default();
            for (name, of) in LOSSES {
                *of(&mut lost) = book(&books, name)?;
            }
            Ok(lost)
        })
    }

    fn told<T>(&self, work: impl FnOnce(&ReadTransaction) -> Result<T, redb::Error>) -> Result<T, Failure> {
        work(&self.read).map_err(|error| Failure::input(&self.path, &error))
    }
}

fn cannot_read(path: &Path, error: &redb::Error) -> Failure {
    let hint = match error {
        redb::Error::TableDoesNotExist(_) => " (it is no store of tagout)",
        redb::Error::DatabaseAlreadyOpen => " (another program has it)",
        redb::Error::Io(error) if error.kind() == std::io::ErrorKind::PermissionDenied => {
            " (it was left open by a process that was killed: start tagout again, or look as its user)"
        }
        _ => "",
    };
    Failure::Io(format!("{}: cannot read the store: {error}{hint}", path.display()))
}

fn notice((time, id): (u64, u128), (kind, severity, eve): (u8, u8, &str)) -> Notice {
    Notice {
        id: format!("{id:032x}"),
        kind: Kind::from_number(kind),
        time: Timestamp(time),
        severity: Severity::from_number(severity).unwrap_or(Severity::High),
        eve: eve.to_owned(),
        cef: String::new(),
    }
}
