use embedded_storage::nor_flash::NorFlash;
use zerocopy::IntoBytes;

use crate::identity::Identity;
use crate::package::{Package, Signed};
use crate::refusal::Refusal;

/// What makes a slot valid: the last that is written to it, at its start.
const MARK: [u8; 32] = *b"tagout: written, checked, kept.\n";
/// Where the package starts: every flash that is written in words of up to 32 octets can take the mark by itself.
const PACKAGE: usize = MARK.len();

/// Flash that the processor also reads as memory.
pub trait MappedFlash: NorFlash {
    /// All of it, as it is now.
    fn mapped(&self) -> &[u8];
}

/// Two areas of flash, each with room for one package: the newer one that is valid is in force, the other one takes the
/// next.
///
/// An update writes the package first and the mark last. Power may fail at any instant: before the mark is whole the
/// slot in force is the other one, as it was.
#[derive(Debug)]
pub struct Slots<'m, F> {
    identity: &'m Identity,
    in_force: Option<Package<'m>>,
    damaged: Option<Refusal>,
    idle: &'m mut F,
}

impl<'m, F: MappedFlash> Slots<'m, F> {
    /// Takes both areas, and from now on only reads the one with the newer package. They are of one size, and are
    /// written in words of at most 32 octets. The older package is only looked at where the newer one cannot be used.
    pub fn open(first: &'m mut F, second: &'m mut F, identity: &'m Identity) -> Self {
        let claimed = |slot: &F| written(slot).and_then(Signed::claimed_version);
        let (newer, older) = if claimed(first) < claimed(second) { (second, first) } else { (first, second) };
        let damaged = refusal(newer, identity);
        let (source, idle) = if damaged.is_none() { (newer, older) } else { (older, newer) };
        let source: &'m F = source;
        let is_valid = damaged.is_none() || refusal(source, identity).is_none();
        let in_force = written(source).filter(|_| is_valid).and_then(|bytes| Package::unpack(bytes).ok());
        Self { identity, in_force, damaged, idle }
    }

    /// The package in force: the newest that was valid when the slots were opened.
    pub fn newest(&self) -> Option<Package<'m>> {
        self.in_force.clone()
    }

    /// Who the board is.
    pub const fn identity(&self) -> &'m Identity {
        self.identity
    }

    /// The version of the package in force.
    pub fn version(&self) -> Option<u64> {
        self.in_force.as_ref().map(Package::version)
    }

    /// Why the newer of two packages that were once written whole could not be used when the slots were opened.
    pub const fn damaged(&self) -> Option<Refusal> {
        self.damaged
    }

    /// Takes a header of which the package may replace the one in force; `None`: it is the one in force.
    pub(crate) fn admit<'b>(&self, offer: &'b [u8]) -> Result<Option<&'b Signed>, Refusal> {
        let room = self.idle.capacity().saturating_sub(PACKAGE);
        let signed = Signed::read(offer, self.identity, room)?;
        match &self.in_force {
            Some(package) if package.signed() == signed => Ok(None),
            Some(package) if package.version() >= signed.version() => Err(Refusal::Version),
            _ => Ok(Some(signed)),
        }
    }

    /// Gives up what the idle slot holds, and writes the start of a package to it.
    pub(crate) fn begin(&mut self, signed: &Signed) -> Result<(), Refusal> {
        self.erase(0, PACKAGE)?;
        self.write(0, signed.as_bytes())
    }

    /// Writes the octets of the package from `at` on, which no octets were written to since it was begun, in order. `at`
    /// and the length are multiples of 32.
    pub(crate) fn write(&mut self, at: usize, octets: &[u8]) -> Result<(), Refusal> {
        let start = at.checked_add(PACKAGE).ok_or(Refusal::Length)?;
        let end = start.checked_add(octets.len()).ok_or(Refusal::Length)?;
        self.erase(start, end)?;
        self.idle.write(address(start)?, octets).map_err(|_| Refusal::Flash)
    }

    /// Erases the sectors that begin between `start` and `end`.
    fn erase(&mut self, start: usize, end: usize) -> Result<(), Refusal> {
        let boundary = |at: usize| at.checked_next_multiple_of(F::ERASE_SIZE).ok_or(Refusal::Length);
        let (from, to) = (address(boundary(start)?)?, address(boundary(end)?)?);
        if from < to { self.idle.erase(from, to).map_err(|_| Refusal::Flash) } else { Ok(()) }
    }

    /// Checks what the idle slot really holds, and makes it valid; returns its version. It comes into force when the
    /// slots are opened again.
    pub(crate) fn commit(&mut self) -> Result<u64, Refusal> {
        let written = self.idle.mapped().get(PACKAGE..).ok_or(Refusal::Length)?;
        let version = Package::read(written, self.identity)?.version();
        self.idle.write(0, &MARK).map_err(|_| Refusal::Flash)?;
        if self.idle.mapped().starts_with(&MARK) { Ok(version) } else { Err(Refusal::Flash) }
    }
}

/// What follows the mark of a slot that was once written whole.
fn written<F: MappedFlash>(slot: &F) -> Option<&[u8]> {
    slot.mapped().strip_prefix(&MARK)
}

/// Why the package of a slot cannot be used; `None` also if there is none.
fn refusal<F: MappedFlash>(slot: &F, identity: &Identity) -> Option<Refusal> {
    written(slot).and_then(|bytes| Package::read(bytes, identity).err())
}

fn address(at: usize) -> Result<u32, Refusal> {
    u32::try_from(at).map_err(|_| Refusal::Length)
}
