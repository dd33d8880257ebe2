//! TCP sequence numbers, which wrap (RFC 9293, section 3.4).

/// Signed distance from `from` to `to`: positive when `to` lies ahead.
pub(crate) fn distance(from: u32, to: u32) -> i32 {
    to.wrapping_sub(from).cast_signed()
}

/// True when `a` lies before `b`.
pub(crate) fn is_before(a: u32, b: u32) -> bool {
    distance(a, b) > 0
}
