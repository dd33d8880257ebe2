//! A NOR flash in memory, whose power fails when a test wants it to.

use embedded_storage::nor_flash::{
    ErrorType, NorFlash, NorFlashError, NorFlashErrorKind, ReadNorFlash, check_erase, check_read, check_write,
};
use tagout_firmware::MappedFlash;

/// Flash that is written in words of `WORD` octets and erased in sectors of `SECTOR`.
///
/// It holds its user to what NOR flash with error correction asks for: aligned words, each written once between two
/// erasures. A step is a word written or a sector erased; the step at which power fails leaves its word or sector in
/// disorder, and nothing works any more until [`Self::restore`].
#[derive(Clone, Debug)]
pub struct SimulatedFlash<const WORD: usize, const SECTOR: usize> {
    octets: Vec<u8>,
    written: Vec<bool>,
    steps_left: Option<u64>,
    steps: u64,
    powered: bool,
    /// Only one step fails, and this way.
    hiccup: Option<Hiccup>,
    chaos: u64,
}

/// What a step that fails by itself leaves behind.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Hiccup {
    /// Its word or sector as it was.
    Untouched,
    /// Its word or sector in disorder.
    Disorder,
}

impl<const WORD: usize, const SECTOR: usize> SimulatedFlash<WORD, SECTOR> {
    /// Erased flash of some sectors.
    pub fn new(sectors: usize) -> Self {
        let len = sectors * SECTOR;
        let (octets, written) = (vec![0xff; len], vec![false; len / WORD]);
        Self { octets, written, steps_left: None, steps: 0, powered: true, hiccup: None, chaos: 1 }
    }

    /// Lets the power fail in the step after `steps` more; what is left in disorder depends on `seed`.
    pub fn fail_after(&mut self, steps: u64, seed: u64) {
        (self.steps_left, self.chaos) = (Some(steps), seed.wrapping_mul(2).wrapping_add(1));
    }

    /// Lets one step fail, the one after `steps` more; the next ones work again.
    pub fn fail_once_after(&mut self, steps: u64, hiccup: Hiccup) {
        self.fail_after(steps, steps);
        self.hiccup = Some(hiccup);
    }

    /// Brings the power back.
    pub fn restore(&mut self) {
        (self.steps_left, self.powered) = (None, true);
    }

    /// Whether the power has not failed.
    pub const fn is_powered(&self) -> bool {
        self.powered
    }

    /// Steps so far.
    pub const fn steps(&self) -> u64 {
        self.steps
    }

    /// What it holds, to be tampered with.
    pub fn octets_mut(&mut self) -> &mut [u8] {
        &mut self.octets
    }

    /// Counts a step; false when it fails in disorder.
    fn step(&mut self) -> Result<bool, Fault> {
        if !self.powered {
            return Err(Fault::NoPower);
        }
        self.steps += 1;
        let fails = self.steps_left == Some(0);
        self.steps_left = self.steps_left.and_then(|left| left.checked_sub(1));
        self.powered = !fails || self.hiccup.is_some();
        match self.hiccup {
            Some(Hiccup::Untouched) if fails => Err(Fault::NoPower),
            _ => Ok(!fails),
        }
    }

    fn random(&mut self) -> u8 {
        // xorshift64
        self.chaos ^= self.chaos << 13;
        self.chaos ^= self.chaos >> 7;
        self.chaos ^= self.chaos << 17;
        (self.chaos >> 32) as u8
    }

    fn write_word(&mut self, at: usize, word: &[u8]) -> Result<(), Fault> {
        assert!(!self.written[at / WORD], "the word at {at} is written twice");
        let whole = self.step()?;
        self.written[at / WORD] = true;
        for (at, new) in (at..at + WORD).zip(word) {
            self.octets[at] = if whole { *new } else { new | self.random() };
        }
        if whole { Ok(()) } else { Err(Fault::NoPower) }
    }

    fn erase_sector(&mut self, at: usize) -> Result<(), Fault> {
        let whole = self.step()?;
        let done = if whole { SECTOR } else { usize::from(self.random()) * SECTOR / 256 };
        self.octets[at..at + done].fill(0xff);
        for octet in at + done..at + SECTOR {
            if self.random().is_multiple_of(4) {
                self.octets[octet] |= self.random();
            }
        }
        self.written[at / WORD..(at + SECTOR) / WORD].fill(!whole);
        if whole { Ok(()) } else { Err(Fault::NoPower) }
    }
}

/// Why an operation failed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fault {
    /// The power failed, now or before.
    NoPower,
    /// The caller's mistake.
    Argument(NorFlashErrorKind),
}

impl NorFlashError for Fault {
    fn kind(&self) -> NorFlashErrorKind {
        match self {
            Self::NoPower => NorFlashErrorKind::Other,
            Self::Argument(kind) => *kind,
        }
    }
}

impl<const WORD: usize, const SECTOR: usize> ErrorType for SimulatedFlash<WORD, SECTOR> {
    type Error = Fault;
}

impl<const WORD: usize, const SECTOR: usize> ReadNorFlash for SimulatedFlash<WORD, SECTOR> {
    const READ_SIZE: usize = 1;

    fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), Fault> {
        check_read(self, offset, bytes.len()).map_err(Fault::Argument)?;
        if !self.powered {
            return Err(Fault::NoPower);
        }
        let start = offset as usize;
        bytes.copy_from_slice(&self.octets[start..start + bytes.len()]);
        Ok(())
    }

    fn capacity(&self) -> usize {
        self.octets.len()
    }
}

impl<const WORD: usize, const SECTOR: usize> NorFlash for SimulatedFlash<WORD, SECTOR> {
    const WRITE_SIZE: usize = WORD;
    const ERASE_SIZE: usize = SECTOR;

    fn erase(&mut self, from: u32, to: u32) -> Result<(), Fault> {
        check_erase(self, from, to).map_err(Fault::Argument)?;
        (from as usize..to as usize).step_by(SECTOR).try_for_each(|at| self.erase_sector(at))
    }

    fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), Fault> {
        check_write(self, offset, bytes.len()).map_err(Fault::Argument)?;
        let mut words = bytes.chunks_exact(WORD).enumerate();
        words.try_for_each(|(number, word)| self.write_word(offset as usize + number * WORD, word))
    }
}

impl<const WORD: usize, const SECTOR: usize> MappedFlash for SimulatedFlash<WORD, SECTOR> {
    fn mapped(&self) -> &[u8] {
        &self.octets
    }
}
