use core::mem::offset_of;

use tagout_core::engine::Policy;
use tagout_core::engine::image::Header;

/// The policy whose image starts at the first byte of `memory`, which may be longer than the image. Only what was signed
/// gets there.
pub fn policy_at(memory: &[u8]) -> Option<Policy<'_>> {
    let (len, _) = word(memory.get(offset_of!(Header, length)..)?)?;
    Policy::trust(memory.get(..usize::try_from(len).ok()?)?).ok()
}

/// The little-endian word at the start of `bytes`, and what follows it.
pub(crate) fn word(bytes: &[u8]) -> Option<(u32, &[u8])> {
    bytes.split_first_chunk().map(|(word, rest)| (u32::from_le_bytes(*word), rest))
}
