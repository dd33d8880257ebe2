//! How deep the stack was: what it never reached still holds the paint that it was given at the start.

use core::iter;

/// How far below its top the stack is painted: far more than it may take, and on every board still the stack's own.
const PAINTED: usize = 60 * 1024;
/// What unused stack holds.
const PAINT: u32 = 0x5AFE_57AC;

/// Paints the stack below what is in use. To be called first of all.
#[inline(never)]
pub(crate) fn paint() {
    let here = 0_u32;
    // The frame of this function lies within 256 bytes of its variable.
    let top = (&raw const here).expose_provenance().wrapping_sub(256);
    for word in words(top) {
        // SAFETY: between the statics, which end below, and the stack in use.
        #[allow(unsafe_code, reason = "no safe name for unused stack")]
        unsafe {
            word.write_volatile(PAINT);
        }
    }
}

/// Bytes of stack that were used at most since it was painted.
pub(crate) fn used() -> u32 {
    // SAFETY: RAM of the board, read as words.
    #[allow(unsafe_code, reason = "no safe name for unused stack")]
    let untouched = words(start()).take_while(|word| unsafe { word.read_volatile() } == PAINT).count();
    PAINTED.wrapping_sub(untouched.wrapping_mul(4)) as u32
}

/// The addresses of the words of stack that are painted, from the lowest up.
fn words(top: usize) -> impl Iterator<Item = *mut u32> {
    let bottom = start().wrapping_sub(PAINTED);
    iter::successors(Some(bottom), |word| Some(word.wrapping_add(4)))
        .take_while(move |word| *word < top)
        .map(core::ptr::with_exposed_provenance_mut)
}

/// Where the stack begins, from where it grows down.
fn start() -> usize {
    #[allow(unsafe_code, reason = "a symbol of cortex-m-rt's linker script")]
    unsafe extern "C" {
        static _stack_start: u32;
    }
    (&raw const _stack_start).expose_provenance()
}
