//! What images for ARM's MPS2 board with the AN386 design share that judge a capture in memory: where policy and capture
//! lie, and the proof that nothing in core and engine can panic.

use core::panic::PanicInfo;
use core::slice;

/// The upper half of the code memory.
pub(crate) const POLICY: (usize, usize) = (0x0020_0000, 0x0020_0000);
/// The PSRAM.
pub(crate) const CAPTURE: (usize, usize) = (0x2100_0000, 0x0100_0000);

/// A part of the board's memory that the image does not use itself.
pub(crate) fn memory((address, len): (usize, usize)) -> &'static [u8] {
    let start = core::ptr::with_exposed_provenance(address);
    // SAFETY: AN386 has memory there, memory.x keeps the image and its statics out of it, and nothing writes to it
    // while the image runs. Any byte is a valid u8.
    #[allow(unsafe_code, reason = "no safe name for a fixed place in memory")]
    unsafe {
        slice::from_raw_parts(start, len)
    }
}

/// Core and engine cannot panic, and this is where the build shows it: the function that the handler calls is defined
/// nowhere. As long as nothing that is reachable from `main` can panic, the linker drops the handler and never asks for
/// it; the first panic path that survives optimisation makes it an undefined symbol, and there is no image.
#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    #[allow(unsafe_code, reason = "declares a function that must not exist")]
    unsafe extern "C" {
        fn something_in_this_image_can_panic() -> !;
    }
    // SAFETY: never linked, hence never called.
    #[allow(unsafe_code, reason = "calls a function that must not exist")]
    unsafe {
        something_in_this_image_can_panic()
    }
}
