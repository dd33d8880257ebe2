use core::ptr::with_exposed_provenance_mut;

/// A 32-bit register of a device.
#[derive(Clone, Copy)]
pub(crate) struct Register(usize);

impl Register {
    /// The register at `address`, which has to be one of the board's memory map.
    pub(crate) const fn at(address: usize) -> Self {
        Self(address)
    }

    pub(crate) fn read(self) -> u32 {
        let register = with_exposed_provenance_mut::<u32>(self.0);
        // SAFETY: every address in this image is that of an aligned device register of the board, which is no memory.
        #[allow(unsafe_code, reason = "registers are at fixed places")]
        unsafe {
            register.read_volatile()
        }
    }

    pub(crate) fn write(self, value: u32) {
        let register = with_exposed_provenance_mut::<u32>(self.0);
        // SAFETY: as in `read`; no device of the board is told to write to memory.
        #[allow(unsafe_code, reason = "registers are at fixed places")]
        unsafe {
            register.write_volatile(value);
        }
    }
}
