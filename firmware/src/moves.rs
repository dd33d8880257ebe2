//! Moves of overlapping bytes, in as few instructions as it takes.
//!
//! What the compiler brings along for them is made for long stretches and takes 1.6 KB of flash. Here a dozen bytes of a number's
//! text are moved, and now and then an entry of a table.

/// Moves `len` bytes, by the name that the run-time ABI of ARM has for it (2.43, 4.3.4).
///
/// # Safety
/// As for [`core::ptr::copy`].
#[allow(unsafe_code, reason = "the compiler calls it by name")]
#[unsafe(no_mangle)]
unsafe extern "C" fn __aeabi_memmove(to: *mut u8, from: *const u8, len: usize) {
    // SAFETY: the caller says that so many bytes may be read and written. Volatile, or the compiler would take the loop for a move.
    let byte = |at| unsafe { to.add(at).write_volatile(from.add(at).read_volatile()) };
    if to.cast_const() < from {
        (0..len).for_each(byte);
    } else {
        (0..len).rev().for_each(byte);
    }
}

/// The same for stretches that are aligned to eight bytes.
///
/// # Safety
/// As for [`core::ptr::copy`].
#[allow(unsafe_code, reason = "the compiler calls it by name")]
#[unsafe(no_mangle)]
unsafe extern "C" fn __aeabi_memmove8(to: *mut u8, from: *const u8, len: usize) {
    // SAFETY: the same is asked for.
    unsafe { __aeabi_memmove(to, from, len) }
}
