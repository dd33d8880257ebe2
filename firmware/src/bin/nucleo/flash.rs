//! Flash: the identity at the end of the first bank, and what the gateway writes in the second one, so that the code in the
//! first one runs on meanwhile.
//!
//! Flash mends some wrong bits. A word that was being written when power failed may have more of them, and reading one
//! stops the processor unless it was told to expect that. Such words are expected in the log; a slot that has one is erased.

use core::cell::RefCell;
use core::slice;

use embassy_embedded_hal::flash::partition::{BlockingPartition, Error};
use embassy_stm32::flash::{self, Blocking, FLASH_BASE, WRITE_SIZE};
use embassy_stm32::{Peri, peripherals};
use embassy_sync::blocking_mutex::NoopMutex;
use embassy_sync::blocking_mutex::raw::NoopRawMutex;
use embedded_storage::nor_flash::{ErrorType, NorFlash, ReadNorFlash};
use tagout_firmware::{Areas, MappedFlash};

use crate::{IDENTITY, LOG_LEN};

/// Where the second bank begins in flash, and with it the slots; see memory.x.
const SLOTS: u32 = 0x0010_0000;
const SLOT_LEN: u32 = 128 * 1024;
const LOG: u32 = SLOTS + 2 * SLOT_LEN;

type Driver = flash::Flash<'static, Blocking>;
/// The driver, which the areas share.
pub(crate) type Shared = NoopMutex<RefCell<Driver>>;

/// The area that the identity is flashed to.
pub(crate) fn identity() -> &'static [u8] {
    let (start, len) = IDENTITY;
    mapped(start, len)
}

/// The driver, to be put where the areas find it for good.
pub(crate) fn driver(peripheral: Peri<'static, peripherals::FLASH>) -> Shared {
    NoopMutex::new(RefCell::new(Driver::new_blocking(peripheral)))
}

/// What the gateway writes to. A slot that cannot be read is erased, so that the other one is in force.
pub(crate) fn areas(driver: &'static Shared) -> Areas<Area> {
    let slots = [SLOTS, SLOTS + SLOT_LEN].map(|start| Area::new(driver, start, SLOT_LEN));
    Areas { slots: slots.map(Area::readable), log: Area::new(driver, LOG, LOG_LEN) }
}

/// A part of flash that the processor reads as memory.
fn mapped(start: u32, len: u32) -> &'static [u8] {
    let start = core::ptr::with_exposed_provenance(FLASH_BASE.wrapping_add(start as usize));
    // SAFETY: the board has flash there, and any byte is a valid u8. What writes to it is an `Area`, of which there is one
    // for each part and which gives its bytes out only as long as it is not written to.
    #[allow(unsafe_code, reason = "no safe name for a fixed place in memory")]
    unsafe {
        slice::from_raw_parts(start, len as usize)
    }
}

/// An area of flash.
pub(crate) struct Area {
    start: u32,
    partition: BlockingPartition<'static, NoopRawMutex, Driver>,
}

impl Area {
    const fn new(driver: &'static Shared, start: u32, len: u32) -> Self {
        Self { start, partition: BlockingPartition::new(driver, start, len) }
    }

    fn len(&self) -> u32 {
        self.partition.size()
    }

    /// The area, of which every word can be read.
    fn readable(mut self) -> Self {
        let mut word = [0; WRITE_SIZE];
        let is_readable =
            mapped(self.start, self.len()).chunks_exact(WRITE_SIZE).all(|kept| crate::copy(kept, &mut word));
        if !is_readable {
            // If this fails as well, flash is beyond help, and the fault that follows is reported.
            let _ = self.erase(0, self.len());
        }
        self
    }
}

impl ErrorType for Area {
    type Error = Error<flash::Error>;
}

impl ReadNorFlash for Area {
    const READ_SIZE: usize = 1;

    fn read(&mut self, offset: u32, into: &mut [u8]) -> Result<(), Self::Error> {
        let kept = mapped(self.start, self.len()).get(offset as usize..).and_then(|kept| kept.get(..into.len()));
        let kept = kept.ok_or(Error::OutOfBounds)?;
        if crate::copy(kept, into) { Ok(()) } else { Err(Error::Flash(flash::Error::Miss)) }
    }

    fn capacity(&self) -> usize {
        self.len() as usize
    }
}

impl NorFlash for Area {
    const WRITE_SIZE: usize = WRITE_SIZE;
    const ERASE_SIZE: usize = Driver::ERASE_SIZE;

    fn erase(&mut self, from: u32, to: u32) -> Result<(), Self::Error> {
        crate::change(|| self.partition.erase(from, to))
    }

    fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), Self::Error> {
        crate::change(|| self.partition.write(offset, bytes))
    }
}

impl MappedFlash for Area {
    fn mapped(&self) -> &[u8] {
        mapped(self.start, self.len())
    }
}
