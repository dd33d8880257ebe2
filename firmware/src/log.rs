mod journal;
mod record;

use embedded_storage::nor_flash::NorFlash;
use heapless::Deque;

use journal::{Failed, Journal};

/// Octets of the longest message; what is longer is cut off.
pub const LONGEST_MESSAGE: usize = 1024;
/// Octets before each message in RAM: its number and its length.
const ENTRY: usize = 4 + 2;

/// Alerts as they are sent, numbered from 1 without gaps and kept until every collector has them.
///
/// A message waits in RAM, in `RAM` octets with six more for each, until there is time to write it to flash
/// ([`Self::keep`]); when there is no room left it is written at once. Only what is in flash is given out, so that a
/// number once given out never names another message, whenever power fails. When flash is full the oldest are lost, and
/// counted. When flash fails RAM is all there is.
///
/// The flash has at least two sectors, and is written in words of at most 32 octets, each once between two erasures.
#[derive(Debug)]
pub struct AlertLog<F, const RAM: usize> {
    journal: Journal<F>,
    waiting: Deque<u8, RAM>,
    last: u32,
    written_acknowledged: u32,
    failures: u32,
    failing: bool,
    lost: u32,
}

/// How the log is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LogCounts {
    /// Messages that were not acknowledged yet.
    pub waiting: u32,
    /// Messages that were given up without having been acknowledged, or found to be gone at the start.
    pub lost: u32,
    /// Records that were found not to be whole at the start.
    pub torn: u32,
    /// Times that the flash failed.
    pub failures: u32,
}

impl<F: NorFlash, const RAM: usize> AlertLog<F, RAM> {
    /// Finds what is in flash.
    pub fn open(flash: F) -> Self {
        let journal = Journal::open(flash);
        let (last, written_acknowledged) = (journal.last.max(journal.acknowledged), journal.acknowledged);
        Self { journal, waiting: Deque::new(), last, written_acknowledged, failures: 0, failing: false, lost: 0 }
    }

    /// Takes a message and gives it its number.
    pub fn append(&mut self, message: &[u8]) -> u32 {
        let message = message.get(..LONGEST_MESSAGE.min(RAM.saturating_sub(ENTRY))).unwrap_or(message);
        let needed = message.len().saturating_add(ENTRY);
        while RAM.saturating_sub(self.waiting.len()) < needed && !self.waiting.is_empty() {
            if self.keep_first().is_err() {
                self.drop_first();
                self.lost = self.lost.saturating_add(1);
            }
        }
        self.last = self.last.saturating_add(1);
        let len = u16::try_from(message.len()).unwrap_or(u16::MAX);
        for part in [&self.last.to_le_bytes()[..], &len.to_le_bytes(), message] {
            // There is room: that is what the loop made.
            part.iter().for_each(|octet| _ = self.waiting.push_back(*octet));
        }
        self.last
    }

    /// Writes to flash what waits longest: a message, or how far messages were acknowledged. True while there is more.
    pub fn keep(&mut self) -> bool {
        let kept = if !self.waiting.is_empty() {
            self.keep_first()
        } else if self.written_acknowledged < self.journal.acknowledged {
            self.keep_acknowledged()
        } else {
            return false;
        };
        kept.is_ok() && (!self.waiting.is_empty() || self.written_acknowledged < self.journal.acknowledged)
    }

    /// Reads the first kept message numbered above `after` into `into`, as much as fits; its number and its length there.
    pub fn next(&mut self, after: u32, into: &mut [u8]) -> Option<(u32, usize)> {
        let after = after.max(self.journal.acknowledged);
        self.journal.next(after, into).or_else(|| if self.failing { self.next_in_ram(after, into) } else { None })
    }

    /// Lets every message up to `number` go.
    pub fn acknowledge(&mut self, number: u32) {
        let given_out = if self.failing { self.last } else { self.journal.last };
        self.journal.acknowledged = self.journal.acknowledged.max(number.min(given_out));
        while self.first().is_some_and(|(first, _)| first <= self.journal.acknowledged) {
            self.drop_first();
        }
    }

    /// How the log is.
    pub const fn counts(&self) -> LogCounts {
        LogCounts {
            waiting: self.last.saturating_sub(self.journal.acknowledged),
            lost: self.lost.saturating_add(self.journal.lost),
            torn: self.journal.torn,
            failures: self.failures,
        }
    }

    fn keep_first(&mut self) -> Result<(), Failed> {
        let Some((number, len)) = self.first() else { return Ok(()) };
        let kept = self.journal.keep(number, part(self.waiting.as_slices(), ENTRY, usize::from(len)));
        self.note(kept)?;
        self.drop_first();
        Ok(())
    }

    fn keep_acknowledged(&mut self) -> Result<(), Failed> {
        let kept = self.journal.keep_acknowledged();
        self.note(kept)?;
        self.written_acknowledged = self.journal.acknowledged;
        Ok(())
    }

    fn note(&mut self, kept: Result<(), Failed>) -> Result<(), Failed> {
        self.failing = kept.is_err();
        self.failures = self.failures.saturating_add(u32::from(self.failing));
        kept
    }

    /// Number and length of the message that waits longest in RAM.
    fn first(&self) -> Option<(u32, u16)> {
        head(&mut self.waiting.iter().copied())
    }

    fn drop_first(&mut self) {
        let len = self.first().map_or(0, |(_, len)| usize::from(len).saturating_add(ENTRY));
        (0..len).for_each(|_| _ = self.waiting.pop_front());
    }

    fn next_in_ram(&self, after: u32, into: &mut [u8]) -> Option<(u32, usize)> {
        let mut octets = self.waiting.iter().copied();
        loop {
            let (number, len) = head(&mut octets)?;
            let len = usize::from(len);
            if number > after {
                into.iter_mut().zip(octets.take(len)).for_each(|(to, octet)| *to = octet);
                return Some((number, len.min(into.len())));
            }
            (0..len).for_each(|_| _ = octets.next());
        }
    }
}

/// Number and length of the message in RAM whose entry begins here.
fn head(octets: &mut impl Iterator<Item = u8>) -> Option<(u32, u16)> {
    let number = u32::from_le_bytes([octets.next()?, octets.next()?, octets.next()?, octets.next()?]);
    Some((number, u16::from_le_bytes([octets.next()?, octets.next()?])))
}

/// What of two slices, one behind the other, is behind the first `skipped` octets and `len` long.
fn part<'s>((first, second): (&'s [u8], &'s [u8]), skipped: usize, len: usize) -> [&'s [u8]; 2] {
    let (start, rest) = (first.get(skipped..), skipped.saturating_sub(first.len()));
    let first = start.unwrap_or_default();
    let first = first.get(..len).unwrap_or(first);
    let second = second.get(rest..).unwrap_or_default();
    let second = second.get(..len.saturating_sub(first.len())).unwrap_or(second);
    [first, second]
}
