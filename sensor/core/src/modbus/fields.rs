//! Reading the fields of a PDU, and what is wrong with those that cannot stand.

use core::ops::RangeInclusive;

use super::Direction;
use super::function::{Length, length};

/// A field of a PDU that contradicts the others or its function's limits: what devices refuse with exception 3.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Malformed {
    /// The field in the specification's words; `length` is that of the PDU as a whole.
    pub field: &'static str,
    /// Where it stands, in octets from the function code; for `length`, where octets are missing or too many.
    pub offset: u16,
    /// What would have been right, or the nearest limit. Of a PDU too short to tell: the least length.
    pub expected: Option<u32>,
    /// What stands there.
    pub found: Option<u32>,
}

impl Malformed {
    /// A field with this value instead of that.
    pub(super) const fn new(field: &'static str, offset: usize, expected: usize, found: usize) -> Self {
        Self { field, offset: offset as u16, expected: Some(expected as u32), found: Some(found as u32) }
    }

    /// A PDU that has more or fewer octets than its fields call for.
    pub(super) const fn length(expected: usize, found: usize) -> Self {
        Self::new("length", if found < expected { found } else { expected }, expected, found)
    }
}

/// The octets that the PDU's function and byte counts call for. Receivers take no notice of any that follow.
pub(super) fn called_for(pdu: &[u8], direction: Direction) -> Result<&[u8], Malformed> {
    match length(pdu, direction) {
        Length::Exact(len) => pdu.get(..len).ok_or(Malformed::length(len, pdu.len())),
        Length::Needs(len) => Err(Malformed::length(len, pdu.len())),
        Length::Open => Ok(pdu),
    }
}

/// The octets behind those that the PDU's function and byte counts call for.
pub fn surplus(pdu: &[u8], direction: Direction) -> &[u8] {
    called_for(pdu, direction).map_or(&[], |called_for| rest(pdu, called_for.len()))
}

/// What is wrong with a PDU that can be read: nothing, unless it has more octets than it should.
pub(super) fn surplus_fault(pdu: &[u8], direction: Direction) -> Option<Malformed> {
    let surplus = surplus(pdu, direction).len();
    (surplus > 0).then(|| Malformed::length(pdu.len().saturating_sub(surplus), pdu.len()))
}

/// The octet at this offset from the function code.
pub(super) fn octet(pdu: &[u8], at: usize) -> Result<u8, Malformed> {
    pdu.get(at).copied().ok_or(Malformed::length(at.saturating_add(1), pdu.len()))
}

/// The word at this offset from the function code.
pub(super) fn word(pdu: &[u8], at: usize) -> Result<u16, Malformed> {
    match pdu.get(at..) {
        Some([high, low, ..]) => Ok(u16::from_be_bytes([*high, *low])),
        _ => Err(Malformed::length(at.saturating_add(2), pdu.len())),
    }
}

/// What follows from this offset on.
pub(super) fn rest(pdu: &[u8], from: usize) -> &[u8] {
    pdu.get(from..).unwrap_or_default()
}

/// Checks a value against the limits of its field.
pub(super) fn within(
    field: &'static str,
    offset: usize,
    found: u16,
    limits: RangeInclusive<u16>,
) -> Result<(), Malformed> {
    let nearest = found.max(*limits.start()).min(*limits.end());
    equal(field, offset, usize::from(nearest), usize::from(found))
}

/// Checks a value that the other fields determine.
pub(super) fn equal(field: &'static str, offset: usize, expected: usize, found: usize) -> Result<(), Malformed> {
    if expected == found { Ok(()) } else { Err(Malformed::new(field, offset, expected, found)) }
}
