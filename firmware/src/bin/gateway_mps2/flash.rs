//! Flash, which the board has none of that an image can write: a part of its RAM that a reset leaves as it is, and that
//! only gives up ones for zeroes. When power comes on it is programmed with what QEMU's loader put beside it.

use core::convert::Infallible;

use embedded_storage::nor_flash::{ErrorType, NorFlash, ReadNorFlash};
use tagout_firmware::{Areas, MappedFlash};

/// An area of flash.
pub(crate) struct Area {
    bytes: &'static mut [u8],
}

/// What is erased at a time.
const SECTOR: usize = 4_096;

/// What flash is programmed with, in the upper half of the code memory; see memory.x. QEMU's loader puts it there at every
/// reset, so that this cannot be the flash itself.
const PROGRAM: usize = 0x0020_0000;
/// Identity, two slots, and the log of alerts.
const FLASH: usize = 0x0030_0000;
const SLOT: usize = 128 * 1024;
const LEN: usize = SECTOR + 3 * SLOT;

/// The board's flash.
pub(crate) struct Flash {
    pub(crate) identity: &'static [u8],
    pub(crate) areas: Areas<Area>,
}

impl Flash {
    /// There is one `Flash` only, since `main` runs once.
    pub(crate) fn take(power_came_on: bool) -> Self {
        let flash = memory(FLASH);
        if power_came_on {
            flash.copy_from_slice(memory(PROGRAM));
        }
        let (identity, areas) = flash.split_at_mut(SECTOR);
        let (first, areas) = areas.split_at_mut(SLOT);
        let (second, log) = areas.split_at_mut(SLOT);
        let slots = [Area { bytes: first }, Area { bytes: second }];
        Self { identity, areas: Areas { slots, log: Area { bytes: log } } }
    }
}

/// As much memory as the flash has.
fn memory(address: usize) -> &'static mut [u8; LEN] {
    let start: *mut [u8; LEN] = core::ptr::with_exposed_provenance_mut(address);
    // SAFETY: the board has memory there, memory.x keeps the image and its statics out of it, and `Flash::take`, which is
    // called once, takes each of two places that do not overlap once. Any byte is a valid u8.
    #[allow(unsafe_code, reason = "no safe name for a fixed place in memory")]
    unsafe {
        &mut *start
    }
}

impl ErrorType for Area {
    type Error = Infallible;
}

impl ReadNorFlash for Area {
    const READ_SIZE: usize = 1;

    fn read(&mut self, offset: u32, into: &mut [u8]) -> Result<(), Infallible> {
        let bytes = self.bytes.get(offset as usize..).unwrap_or_default();
        into.iter_mut().zip(bytes).for_each(|(place, byte)| *place = *byte);
        Ok(())
    }

    fn capacity(&self) -> usize {
        self.bytes.len()
    }
}

impl NorFlash for Area {
    const WRITE_SIZE: usize = 4;
    const ERASE_SIZE: usize = SECTOR;

    fn erase(&mut self, from: u32, to: u32) -> Result<(), Infallible> {
        self.bytes.get_mut(from as usize..to as usize).unwrap_or_default().fill(0xff);
        Ok(())
    }

    fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), Infallible> {
        let places = self.bytes.get_mut(offset as usize..).unwrap_or_default();
        places.iter_mut().zip(bytes).for_each(|(place, byte)| *place &= *byte);
        Ok(())
    }
}

impl MappedFlash for Area {
    fn mapped(&self) -> &[u8] {
        self.bytes
    }
}
