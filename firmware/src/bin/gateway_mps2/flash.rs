//! Flash, which the board has none of that an image can write: a part of its RAM that a reset leaves as it is, and that
//! only gives up ones for zeroes.

use core::convert::Infallible;
use core::slice;

use embedded_storage::nor_flash::{ErrorType, NorFlash, ReadNorFlash};
use tagout_firmware::{Areas, MappedFlash};

/// An area of flash.
pub(crate) struct Area {
    bytes: &'static mut [u8],
}

/// What is erased at a time.
const SECTOR: usize = 4_096;

/// The 4 MiB behind the image's code; see memory.x. QEMU's loader puts identity and packages there.
const FLASH: usize = 0x0020_0000;
const SLOT: usize = 128 * 1024;

/// The board's flash.
pub(crate) struct Flash {
    pub(crate) identity: &'static [u8],
    pub(crate) areas: Areas<Area>,
}

impl Flash {
    /// There is one `Flash` only, since `main` runs once.
    pub(crate) fn take() -> Self {
        let first = FLASH + SECTOR;
        let slots = [first, first + SLOT].map(|start| Area { bytes: area(start, SLOT) });
        let log = Area { bytes: area(first + 2 * SLOT, SLOT) };
        Self { identity: area(FLASH, SECTOR), areas: Areas { slots, log } }
    }
}

fn area(address: usize, len: usize) -> &'static mut [u8] {
    let start = core::ptr::with_exposed_provenance_mut(address);
    // SAFETY: the board has memory there, memory.x keeps the image and its statics out of it, and `Flash::take`, which is
    // called once, takes each part of it once. Any byte is a valid u8.
    #[allow(unsafe_code, reason = "no safe name for a fixed place in memory")]
    unsafe {
        slice::from_raw_parts_mut(start, len)
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
