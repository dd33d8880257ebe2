use embedded_storage::nor_flash::NorFlash;
use tagout_core::engine::image::CRC;
use zerocopy::IntoBytes;

use super::record::{HEAD, Head, Kind};

/// Flash is written in words of at most this many octets.
const WORD: usize = 32;
/// Readers that are each remembered where they are: as many as there are collectors.
const READERS: usize = crate::settings::COLLECTORS;

/// The part of the log that is in flash: sectors in a ring, each a row of records.
///
/// Records are only ever added. When a sector is full the next one, which is the oldest, is erased and begun. Whatever was
/// not written whole is skipped.
#[derive(Debug)]
pub(super) struct Journal<F> {
    flash: F,
    /// The sector that is written to, and the first octet in it that is free.
    end: Place,
    /// How many sectors were begun before it, ever.
    sequence: u32,
    /// Number of the last message that was written.
    pub(super) last: u32,
    /// Messages up to this number may go.
    pub(super) acknowledged: u32,
    /// Messages above the acknowledged that are no more.
    pub(super) lost: u32,
    /// Records that were not written whole.
    pub(super) torn: u32,
    readers: [Option<Reader>; READERS],
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Place {
    sector: u32,
    at: u32,
}

/// Where the record behind the message of this number is.
#[derive(Clone, Copy, Debug)]
struct Reader {
    number: u32,
    place: Place,
}

/// What is at a place.
enum Found {
    /// A head, and where the body is.
    Record(Head, Place),
    /// A word that was never written.
    Free,
    /// A word that belongs to no record.
    Torn,
}

/// The flash failed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Failed;

impl<F: NorFlash> Journal<F> {
    const SECTOR: u32 = F::ERASE_SIZE as u32;
    /// Records begin at multiples of this: a head never shares a word with anything.
    const UNIT: u32 = if F::WRITE_SIZE as u32 > HEAD { F::WRITE_SIZE as u32 } else { HEAD };

    /// Finds what is in flash.
    pub(super) fn open(flash: F) -> Self {
        let nowhere = Place { sector: 0, at: Self::SECTOR };
        let mut journal = Self {
            flash,
            end: nowhere,
            sequence: 0,
            last: 0,
            acknowledged: 0,
            lost: 0,
            torn: 0,
            readers: [None; READERS],
        };
        let starts = (0..journal.sectors()).filter_map(|sector| Some((journal.sequence_of(sector)?, sector)));
        if let Some((sequence, sector)) = starts.max() {
            (journal.sequence, journal.end) = (sequence, Place { sector, at: Self::SECTOR });
            journal.replay();
        }
        journal
    }

    /// Finds where the last record ends, and learns numbers from all of them.
    fn replay(&mut self) {
        let mut here = Place { at: 0, ..self.end };
        self.end = here;
        while here.at < Self::SECTOR {
            let next = self.behind_within(here);
            if !matches!(self.found(here), Found::Free) {
                self.end = next;
            }
            here = next;
        }
        self.each(|journal, here| match journal.found(here) {
            Found::Record(head, body) => journal.recall(&head, body),
            Found::Torn => journal.torn = journal.torn.saturating_add(1),
            Found::Free => {}
        });
        let (first, kept) = self.kept();
        let gone = first.saturating_sub(1).saturating_sub(self.acknowledged);
        self.acknowledged = self.acknowledged.saturating_add(gone);
        let above = self.last.saturating_sub(self.acknowledged);
        self.lost = gone.saturating_add(above.saturating_sub(kept));
    }

    fn each(&mut self, mut visit: impl FnMut(&mut Self, Place)) {
        let mut place = self.oldest();
        while let Some(here) = place {
            visit(self, here);
            place = self.behind(here);
        }
    }

    fn recall(&mut self, head: &Head, body: Place) {
        let mut numbers = [[0; 4]; 2];
        match (head.kind(), self.body(head, body, numbers.as_flattened_mut())) {
            (_, false) => self.torn = self.torn.saturating_add(1),
            (Some(Kind::Message), true) => self.last = self.last.max(head.number()),
            (Some(Kind::Acknowledgement), true) => self.acknowledged = self.acknowledged.max(head.number()),
            (Some(Kind::Start), true) => {
                let [last, acknowledged] = numbers.map(u32::from_le_bytes);
                self.last = self.last.max(last);
                self.acknowledged = self.acknowledged.max(acknowledged);
            }
            (None, true) => {}
        }
    }

    /// The first number above the acknowledged that is kept (the one behind the last if none is), and how many are.
    fn kept(&mut self) -> (u32, u32) {
        let (mut first, mut count) = (self.last.saturating_add(1), 0_u32);
        self.each(|journal, here| {
            if let Some(number) = journal.message(here).filter(|number| *number > journal.acknowledged) {
                (first, count) = (first.min(number), count.saturating_add(1));
            }
        });
        (first, count)
    }

    /// The number of the message at a place, if there is one that is whole.
    fn message(&mut self, here: Place) -> Option<u32> {
        let Found::Record(head, body) = self.found(here) else { return None };
        (head.kind() == Some(Kind::Message) && self.body(&head, body, &mut [])).then_some(head.number())
    }

    /// Reads the first message numbered above `after` into `into`, as much as fits; its number and its length there.
    pub(super) fn next(&mut self, after: u32, into: &mut [u8]) -> Option<(u32, usize)> {
        let known = self.readers.iter().enumerate().filter_map(|(which, reader)| Some((which, (*reader)?)));
        let nearest = known.filter(|(_, reader)| reader.number <= after).max_by_key(|(_, reader)| reader.number);
        let (which, mut place) = match nearest {
            Some((which, reader)) => (which, Some(reader.place)),
            None => (self.readers.iter().position(Option::is_none).unwrap_or(0), self.oldest()),
        };
        while let Some(here) = place {
            place = self.behind(here);
            let Found::Record(head, body) = self.found(here) else { continue };
            let wanted = head.kind() == Some(Kind::Message) && head.number() > after;
            if wanted && self.body(&head, body, into) {
                let place = place.unwrap_or(self.end);
                if let Some(reader) = self.readers.get_mut(which) {
                    *reader = Some(Reader { number: head.number(), place });
                }
                return Some((head.number(), into.len().min(usize::from(head.len()))));
            }
        }
        None
    }

    /// Writes a message, which may be in two parts, under its number.
    pub(super) fn keep(&mut self, number: u32, message: [&[u8]; 2]) -> Result<(), Failed> {
        self.add(Kind::Message, number, message)?;
        self.last = number;
        Ok(())
    }

    /// Writes down up to where messages may go.
    pub(super) fn keep_acknowledged(&mut self) -> Result<(), Failed> {
        self.add(Kind::Acknowledgement, self.acknowledged, [&[], &[]])
    }

    fn add(&mut self, kind: Kind, number: u32, body: [&[u8]; 2]) -> Result<(), Failed> {
        let head = Head::new(kind, number, body).ok_or(Failed)?;
        if self.end.at.saturating_add(Self::size(head.len())) > Self::SECTOR {
            self.turn()?;
        }
        self.write(&head, body)
    }

    /// Gives up the oldest sector, and begins it anew.
    fn turn(&mut self) -> Result<(), Failed> {
        let sector = self.following(self.end.sector);
        self.give_up(sector);
        let start = sector.checked_mul(Self::SECTOR).ok_or(Failed)?;
        self.flash.erase(start, start.checked_add(Self::SECTOR).ok_or(Failed)?).map_err(|_| Failed)?;
        (self.end, self.sequence) = (Place { sector, at: 0 }, self.sequence.saturating_add(1));
        let numbers = [self.last.to_le_bytes(), self.acknowledged.to_le_bytes()];
        let body: [&[u8]; 2] = [numbers.as_flattened(), &[]];
        let head = Head::new(Kind::Start, self.sequence, body).ok_or(Failed)?;
        let written = self.write(&head, body);
        if written.is_err() {
            // A sector without a start holds nothing that could be found again.
            self.end.at = Self::SECTOR;
        }
        written
    }

    /// Counts what is lost with a sector.
    fn give_up(&mut self, sector: u32) {
        let mut here = Place { sector, at: 0 };
        while self.is_live(sector) && here.at < Self::SECTOR {
            if let Some(number) = self.message(here).filter(|number| *number > self.acknowledged) {
                self.lost = self.lost.saturating_add(number.saturating_sub(self.acknowledged));
                self.acknowledged = number;
            }
            here = self.behind_within(here);
        }
        self.readers
            .iter_mut()
            .filter(|reader| reader.is_some_and(|reader| reader.place.sector == sector))
            .for_each(|reader| *reader = None);
    }

    fn write(&mut self, head: &Head, body: [&[u8]; 2]) -> Result<(), Failed> {
        let mut body = body.into_iter().flatten().copied();
        let mut offset = self.offset(self.end).ok_or(Failed)?;
        self.end.at = self.end.at.saturating_add(Self::size(head.len()));
        self.write_unit(offset, head.as_bytes().iter().copied())?;
        let units = u32::from(head.len()).div_ceil(Self::UNIT);
        for _ in 0..units {
            offset = offset.checked_add(Self::UNIT).ok_or(Failed)?;
            self.write_unit(offset, body.by_ref().take(Self::UNIT as usize))?;
        }
        Ok(())
    }

    fn write_unit(&mut self, offset: u32, octets: impl Iterator<Item = u8>) -> Result<(), Failed> {
        let mut unit = [0xff; WORD];
        unit.iter_mut().zip(octets).for_each(|(to, octet)| *to = octet);
        self.flash.write(offset, unit.get(..Self::UNIT as usize).ok_or(Failed)?).map_err(|_| Failed)
    }

    fn read_unit(&mut self, place: Place) -> Option<[u8; WORD]> {
        let mut unit = [0xff; WORD];
        let offset = self.offset(place)?;
        self.flash.read(offset, unit.get_mut(..Self::UNIT as usize)?).ok()?;
        Some(unit)
    }

    /// Whether the body of a record is whole; copies as much of it as fits.
    fn body(&mut self, head: &Head, mut place: Place, into: &mut [u8]) -> bool {
        let (mut sum, mut left, mut into) = (CRC.digest(), usize::from(head.len()), into.iter_mut());
        while left > 0 {
            let Some(unit) = self.read_unit(place) else { return false };
            let octets = unit.get(..left.min(Self::UNIT as usize)).unwrap_or_default();
            sum.update(octets);
            octets.iter().zip(into.by_ref()).for_each(|(octet, to)| *to = *octet);
            left = left.saturating_sub(octets.len());
            place.at = place.at.saturating_add(Self::UNIT);
        }
        sum.finalize() == head.body()
    }

    fn found(&mut self, here: Place) -> Found {
        if here.at >= Self::SECTOR {
            return Found::Free;
        }
        let Some(unit) = self.read_unit(here) else { return Found::Torn };
        if unit.iter().all(|octet| *octet == 0xff) {
            return Found::Free;
        }
        match Head::read(&unit) {
            Some(head) if here.at.saturating_add(Self::size(head.len())) <= Self::SECTOR => {
                Found::Record(head, Place { at: here.at.saturating_add(Self::UNIT), ..here })
            }
            _ => Found::Torn,
        }
    }

    /// The next place of the sector.
    fn behind_within(&mut self, here: Place) -> Place {
        let size = match self.found(here) {
            Found::Record(head, _) => Self::size(head.len()),
            // A record may be behind words whose writing failed.
            Found::Torn | Found::Free => Self::UNIT,
        };
        Place { at: here.at.saturating_add(size), ..here }
    }

    /// The next place of the journal.
    fn behind(&mut self, here: Place) -> Option<Place> {
        let next = self.behind_within(here);
        if here.sector == self.end.sector {
            return (next.at < self.end.at).then_some(next);
        }
        if next.at < Self::SECTOR { Some(next) } else { self.sector_behind(here.sector) }
    }

    /// The start of the next sector that holds records.
    fn sector_behind(&mut self, sector: u32) -> Option<Place> {
        let mut sector = sector;
        while sector != self.end.sector {
            sector = self.following(sector);
            if self.is_live(sector) {
                return Some(Place { sector, at: 0 });
            }
        }
        None
    }

    /// The start of the oldest sector that holds records.
    fn oldest(&mut self) -> Option<Place> {
        let first = self.following(self.end.sector);
        if self.is_live(first) { Some(Place { sector: first, at: 0 }) } else { self.sector_behind(first) }
    }

    /// Whether the sector was begun as long ago as its place in the ring says.
    fn is_live(&mut self, sector: u32) -> bool {
        let sectors = self.sectors();
        let ago = self.end.sector.wrapping_add(sectors).wrapping_sub(sector).checked_rem(sectors);
        let expected = ago.and_then(|ago| self.sequence.checked_sub(ago));
        expected.is_some() && self.sequence_of(sector) == expected
    }

    /// When a sector was begun, if it was.
    fn sequence_of(&mut self, sector: u32) -> Option<u32> {
        let Found::Record(head, body) = self.found(Place { sector, at: 0 }) else { return None };
        (head.kind() == Some(Kind::Start) && self.body(&head, body, &mut [])).then_some(head.number())
    }

    fn following(&self, sector: u32) -> u32 {
        sector.wrapping_add(1).checked_rem(self.sectors()).unwrap_or(0)
    }

    fn sectors(&self) -> u32 {
        u32::try_from(self.flash.capacity()).unwrap_or(u32::MAX).checked_div(Self::SECTOR).unwrap_or(0)
    }

    fn offset(&self, place: Place) -> Option<u32> {
        place.sector.checked_mul(Self::SECTOR)?.checked_add(place.at)
    }

    /// Octets of a record with a body of `len`.
    fn size(len: u16) -> u32 {
        let body = u32::from(len).checked_next_multiple_of(Self::UNIT).unwrap_or(u32::MAX);
        body.saturating_add(Self::UNIT)
    }
}
