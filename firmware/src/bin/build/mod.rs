//! Which build the image is.

use tagout_firmware::board::BuildId;

/// The parts of an ELF note before its content: three lengths and kinds, and the name `GNU`.
const HEAD: usize = 16;

/// The hash of the image that the linker put into it.
pub(crate) fn id() -> BuildId {
    #[allow(unsafe_code, reason = "declares what build_id.x places")]
    unsafe extern "C" {
        #[link_name = "__build_id"]
        static NOTE: [u8; HEAD + BuildId::LEN];
    }
    // SAFETY: build_id.x puts the note there, build.rs has the linker make one with a hash of that length, and any byte is
    // a valid u8.
    #[allow(unsafe_code, reason = "a static that the linker makes")]
    let note = unsafe { &NOTE };
    BuildId(note.last_chunk().copied().unwrap_or_default())
}
