//! The tables of the spool, and what is changed in them at once.

use redb::{Database, ReadableTable, Table, TableDefinition, WriteTransaction};

use super::{Books, Bounds, Cursor, Reading, SpoolError, Stock, notice};
use crate::delivery::filter::Filter;
use crate::notice::{Kind, Notice, PerKind};

/// Kind, number of the severity, time, when it was kept by the spool's clock in seconds, id, EVE, CEF; under its sequence number.
pub(super) type Stored = (u8, u8, u64, u64, &'static str, &'static str, &'static str);

/// Alerts, and what the sensor tells of itself.
pub(super) const NOTICES: TableDefinition<'_, u64, Stored> = TableDefinition::new("notices");
/// Events, which are the first to go where room is short.
pub(super) const EVENTS: TableDefinition<'_, u64, Stored> = TableDefinition::new("events");
/// Heartbeats, which go after events and before any alert.
pub(super) const HEARTBEATS: TableDefinition<'_, u64, Stored> = TableDefinition::new("heartbeats");
/// How far each destination is: the sequence number up to which it needs nothing more, and how many it was given.
pub(super) const CURSORS: TableDefinition<'_, &str, (u64, u64)> = TableDefinition::new("cursors");
/// What the spool's clock and the machine's said when this was last written, in seconds.
const CLOCKS: TableDefinition<'_, (), (u64, u64)> = TableDefinition::new("clocks");

/// Does some work as one durable change.
pub(super) fn write(
    database: &Database,
    books: &mut Books,
    work: impl FnOnce(&mut Change<'_>) -> Result<(), SpoolError>,
) -> Result<(), SpoolError> {
    let transaction = database.begin_write()?;
    let mut change = Change::new(&transaction, books)?;
    work(&mut change)?;
    change.note_oldest()?;
    drop(change);
    Ok(transaction.commit()?)
}

/// A change in progress.
pub(super) struct Change<'a> {
    pub(super) notices: Table<'a, u64, Stored>,
    pub(super) events: Table<'a, u64, Stored>,
    pub(super) heartbeats: Table<'a, u64, Stored>,
    pub(super) cursors: Table<'a, &'static str, (u64, u64)>,
    clocks: Table<'a, (), (u64, u64)>,
    pub(super) books: &'a mut Books,
}

impl<'a> Change<'a> {
    fn new(transaction: &'a WriteTransaction, books: &'a mut Books) -> Result<Self, SpoolError> {
        Ok(Self {
            notices: transaction.open_table(NOTICES)?,
            events: transaction.open_table(EVENTS)?,
            heartbeats: transaction.open_table(HEARTBEATS)?,
            cursors: transaction.open_table(CURSORS)?,
            clocks: transaction.open_table(CLOCKS)?,
            books,
        })
    }

    /// Notes what the clocks say now.
    pub(super) fn note_time(&mut self, now: Reading) -> Result<(), SpoolError> {
        self.clocks.insert((), (now.own_s, now.machine_s))?;
        self.books.read = Some(now);
        Ok(())
    }

    /// What the clocks said last. Where that was not noted, notices were kept by the machine's clock, the latest at `latest_s`.
    pub(super) fn last_reading(&self, latest_s: Option<u64>) -> Result<Option<Reading>, SpoolError> {
        let noted = self.clocks.get(())?.map(|noted| noted.value());
        let noted = noted.or(latest_s.map(|latest_s| (latest_s, latest_s)));
        Ok(noted.map(|(own_s, machine_s)| Reading { own_s, machine_s }))
    }

    /// Adds a notice, which is kept from now on.
    pub(super) fn put(&mut self, notice: &Notice, now_s: u64) -> Result<(), SpoolError> {
        let Notice { id, kind, time, severity, eve, cef } = notice;
        let stock = &mut self.books.stock;
        stock.last += 1;
        stock.bytes += notice.bytes() as u64;
        stock.put.count(*kind);
        stock.kept.count(*kind);
        let stored = (kind.number(), severity.number(), time.0, now_s, id.as_str(), eve.as_str(), cef.as_str());
        let table = match kind {
            Kind::Alert | Kind::Sensor => &mut self.notices,
            Kind::Event => &mut self.events,
            Kind::Heartbeat => &mut self.heartbeats,
        };
        table.insert(self.books.stock.last, stored)?;
        Ok(())
    }

    /// Notes how far destinations are, and removes what all of them have.
    pub(super) fn advance(&mut self, cursors: &[Cursor]) -> Result<(), SpoolError> {
        for Cursor { name, done, delivered } in cursors {
            self.cursors.insert(name.as_str(), (*done, *delivered))?;
        }
        self.books.cursors = cursors.to_vec();
        let Some(done) = cursors.iter().map(|cursor| cursor.done).min() else { return Ok(()) };
        for table in [&mut self.notices, &mut self.events, &mut self.heartbeats] {
            while let Some(first) = First::of(table)?.filter(|first| first.number <= done) {
                table.remove(first.number)?;
                self.books.stock.release(&first);
                self.books.stock.settled.count(first.kind);
            }
        }
        Ok(())
    }

    /// Lets events go, then heartbeats, then the oldest alerts, until the rest has room; and what is too old. `filters` tell
    /// what destinations miss thereby.
    pub(super) fn keep_within(&mut self, bounds: Bounds, now_s: u64, filters: &[Filter]) -> Result<(), SpoolError> {
        let oldest_s = now_s.saturating_sub(bounds.age.as_secs());
        for table in [&mut self.events, &mut self.heartbeats, &mut self.notices] {
            while let Some(first) = First::of(table)? {
                let stock = &mut self.books.stock;
                let has_room = stock.bytes <= bounds.bytes;
                if has_room && first.kept_s >= oldest_s {
                    break;
                }
                stock.release(&first);
                let shed = if has_room { &mut stock.shed_for_age } else { &mut stock.shed_for_room };
                shed.count(first.kind);
                if let Some(gone) = table.remove(first.number)? {
                    self.books.miss(first.number, &notice(gone.value()), filters);
                }
            }
        }
        Ok(())
    }

    fn note_oldest(&mut self) -> Result<(), SpoolError> {
        let oldest = [First::of(&self.notices)?, First::of(&self.events)?, First::of(&self.heartbeats)?];
        self.books.stock.oldest_s = oldest.into_iter().flatten().map(|first| first.kept_s).min();
        Ok(())
    }
}

impl Books {
    /// One goes before its turn came at every destination that asks for it.
    fn miss(&mut self, number: u64, notice: &Notice, filters: &[Filter]) {
        self.missed.resize(self.cursors.len(), PerKind::default());
        for (place, (cursor, missed)) in self.cursors.iter().zip(&mut self.missed).enumerate() {
            let is_asked_for = || filters.get(place).is_none_or(|filter| filter.lets_through(notice));
            if cursor.done < number && is_asked_for() {
                missed.count(notice.kind);
            }
        }
    }
}

impl Stock {
    /// One that was kept goes.
    fn release(&mut self, first: &First) {
        self.bytes -= first.bytes;
        self.kept.discount(first.kind);
    }
}

/// The oldest notice of a table.
struct First {
    number: u64,
    kind: Kind,
    kept_s: u64,
    bytes: u64,
}

impl First {
    fn of(table: &Table<'_, u64, Stored>) -> Result<Option<Self>, SpoolError> {
        let Some((number, stored)) = table.first()? else { return Ok(None) };
        let (kind, _, _, kept_s, ..) = stored.value();
        let bytes = bytes(stored.value());
        Ok(Some(Self { number: number.value(), kind: Kind::from_number(kind), kept_s, bytes }))
    }
}

pub(super) fn bytes((_, _, _, _, id, eve, cef): (u8, u8, u64, u64, &str, &str, &str)) -> u64 {
    (id.len() + eve.len() + cef.len()) as u64
}
