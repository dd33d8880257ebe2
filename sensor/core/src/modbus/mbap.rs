//! The MBAP header of Modbus/TCP and Modbus/UDP (TCP 3.1.3), and finding it again in a damaged stream.

use tagout_engine::AnomalyKind;

use super::Direction;
use super::function::{self, Length};
use crate::finding::{Finding, Term};
use crate::scan::Scan;

/// Bytes before the PDU: transaction id, protocol id, length, unit id.
pub const HEADER_LEN: usize = 7;
/// The largest ADU that the specification allows: the header and a PDU of 253 bytes (AP 4.1).
pub const MAX_ADU: usize = 260;
/// The longest ADU that is read all the same.
const MAX_OVERSIZE: usize = 300;
/// How many ADUs are followed to see whether they fill the bytes: the bound keeps scanning linear.
const MAX_CHAIN: usize = 64;
/// Bytes that the length field does not count.
const UNCOUNTED: usize = 6;

/// A whole ADU.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Adu<'a> {
    /// Transaction id, copied from request to response.
    pub transaction_id: u16,
    /// Unit id.
    pub unit: u8,
    /// The PDU, from its function code on; at least one byte.
    pub pdu: &'a [u8],
}

impl<'a> Adu<'a> {
    /// Reads the bytes that [`scan`] found to be a unit.
    pub fn parse(bytes: &'a [u8]) -> Option<Self> {
        match bytes {
            [t0, t1, 0, 0, _, _, unit, pdu @ ..] if !pdu.is_empty() => {
                Some(Self { transaction_id: u16::from_be_bytes([*t0, *t1]), unit: *unit, pdu })
            }
            _ => None,
        }
    }
}

/// What stands at the start of `bytes`.
///
/// In a stream that is `synced`, the header is taken at its word as long as it is possible: the ADU ends where it says,
/// even if its function says otherwise. When not, and after damage, only a header whose length agrees with its function counts, or a chain of
/// headers that ends exactly with `bytes`.
pub fn scan(bytes: &[u8], direction: Direction, synced: bool) -> Scan {
    let damaged = |kind| Scan::Damaged { skip: behind_damage(bytes, direction), kind };
    read(bytes, direction, synced).map_or_else(damaged, |(scan, _)| scan)
}

/// The same, without looking behind damage, and whether the function bears it out: what it does not may be another
/// framing's.
pub(super) fn read(bytes: &[u8], direction: Direction, synced: bool) -> Result<(Scan, bool), AnomalyKind> {
    let opinion = if synced { trusting(bytes, direction) } else { wary(bytes, direction) };
    match opinion {
        Opinion::Adu(len) if len <= bytes.len() => Ok((Scan::Unit { len }, true)),
        Opinion::Claim(len) if len <= bytes.len() => Ok((Scan::Unit { len }, false)),
        Opinion::Adu(need) | Opinion::Claim(need) | Opinion::Unsure(need) => Ok((Scan::Partial { need }, false)),
        Opinion::No(kind) => Err(kind),
    }
}

/// The length of the whole ADU at the start that its function bears out, if there is one.
pub(super) fn whole(bytes: &[u8], direction: Direction) -> Option<usize> {
    match consistent(bytes, direction) {
        Opinion::Adu(len) if len <= bytes.len() => Some(len),
        _ => None,
    }
}

/// True when the beginning of an ADU is one that its function bears out, as far as it is there.
pub(super) fn is_plausible(bytes: &[u8], direction: Direction) -> bool {
    !matches!(consistent(bytes, direction), Opinion::No(_))
}

/// True when the ADU whose beginning is held was never finished, since the segment that follows starts afresh: nothing
/// bears out the held length, and the segment is a plausible ADU by itself.
pub fn restarts(held: &[u8], segment: &[u8], direction: Direction) -> bool {
    whole(segment, direction).is_some() && !is_confirmed(held, direction)
}

/// True when the function bears out the length of the ADU that begins with `held`.
pub(super) fn is_confirmed(held: &[u8], direction: Direction) -> bool {
    let Opinion::Claim(len) = header(held) else { return false };
    let length = held.get(HEADER_LEN..).map(|pdu| function::length(pdu, direction));
    length == Some(Length::Exact(len.saturating_sub(HEADER_LEN)))
}

/// True when `bytes` are whole ADUs from the first to the last, as those of a datagram must be.
pub fn fills(bytes: &[u8]) -> bool {
    chain_to_end(bytes)
}

/// What is wrong with bytes that are not whole ADUs.
pub fn fault(bytes: &[u8]) -> AnomalyKind {
    match header(bytes) {
        Opinion::No(kind) => kind,
        Opinion::Adu(_) | Opinion::Claim(_) => AnomalyKind::ModbusLength,
        Opinion::Unsure(_) => AnomalyKind::ModbusStrayBytes,
    }
}

/// What exactly is wrong with bytes in which [`scan`] found this kind of damage.
pub fn explain(kind: AnomalyKind, bytes: &[u8], direction: Direction) -> Finding {
    let finding = Finding::new(kind, bytes.len());
    match (kind, bytes) {
        (AnomalyKind::ModbusProtocolId, [_, _, p0, p1, ..]) => {
            finding.at("protocol identifier", 2).because(Term::Number(0), word(*p0, *p1))
        }
        (AnomalyKind::ModbusLength, [_, _, _, _, l0, l1, ..]) => {
            finding.at("length", 4).because(expected_length(bytes, direction), word(*l0, *l1))
        }
        _ => finding,
    }
}

/// The length field that the function calls for, or the limits of any.
fn expected_length(bytes: &[u8], direction: Direction) -> Term {
    match bytes.get(HEADER_LEN..).map(|pdu| function::length(pdu, direction)) {
        Some(Length::Exact(len)) => Term::Number((len as u32).saturating_add(1)),
        _ => Term::Between(2, 254),
    }
}

fn word(high: u8, low: u8) -> Term {
    Term::Number(u16::from_be_bytes([high, low]).into())
}

/// True when only a server can have sent these bytes.
pub fn is_response(bytes: &[u8]) -> bool {
    let plausible = |direction| matches!(consistent(bytes, direction), Opinion::Adu(_));
    plausible(Direction::Response) && !plausible(Direction::Request)
}

enum Opinion {
    /// An ADU of this length, which its function bears out.
    Adu(usize),
    /// An ADU of this length by its header alone.
    Claim(usize),
    /// Cannot be told before this many bytes are there.
    Unsure(usize),
    /// Not an ADU.
    No(AnomalyKind),
}

/// Checks what the header says by itself.
fn header(bytes: &[u8]) -> Opinion {
    match *bytes {
        [_, _, p, ..] if p != 0 => Opinion::No(AnomalyKind::ModbusProtocolId),
        [_, _, _, p, ..] if p != 0 => Opinion::No(AnomalyKind::ModbusProtocolId),
        [_, _, _, _, l, ..] if l != 0 => Opinion::No(AnomalyKind::ModbusLength),
        [_, _, _, _, _, l, ..] if !(2..=254).contains(&l) => Opinion::No(AnomalyKind::ModbusLength),
        [_, _, _, _, _, l, ..] => Opinion::Claim(UNCOUNTED.saturating_add(usize::from(l))),
        _ => Opinion::Unsure(HEADER_LEN.saturating_add(1)),
    }
}

/// The length of an ADU longer than the specification allows, which some devices send: only if the bytes end with it.
fn oversize(bytes: &[u8]) -> Option<usize> {
    let [_, _, 0, 0, high, low, ..] = *bytes else { return None };
    let len = UNCOUNTED.saturating_add(usize::from(u16::from_be_bytes([high, low])));
    (len == bytes.len() && (MAX_ADU..=MAX_OVERSIZE).contains(&len)).then_some(len)
}

/// The header's word, unless the function contradicts it and so do the bytes behind its end.
fn trusting(bytes: &[u8], direction: Direction) -> Opinion {
    let len = match header(bytes) {
        Opinion::Claim(len) => len,
        other => return oversize(bytes).map_or(other, Opinion::Claim),
    };
    match agreement(bytes, len, direction) {
        Agreement::Same => Opinion::Adu(len),
        Agreement::Other if !may_end(bytes, len) => Opinion::No(AnomalyKind::ModbusLength),
        Agreement::Other | Agreement::Open | Agreement::Unknown => Opinion::Claim(len),
    }
}

/// A header whose function agrees, or a chain of headers to the end of the bytes.
fn wary(bytes: &[u8], direction: Direction) -> Opinion {
    match consistent(bytes, direction) {
        Opinion::No(_) if chain_to_end(bytes) => header(bytes),
        opinion => opinion,
    }
}

/// A header whose length agrees with a public function.
fn consistent(bytes: &[u8], direction: Direction) -> Opinion {
    let len = match header(bytes) {
        Opinion::Claim(len) => len,
        other => return other,
    };
    match bytes.get(HEADER_LEN) {
        Some(&code) if !function::is_public(code, direction) => Opinion::No(AnomalyKind::ModbusStrayBytes),
        _ => match agreement(bytes, len, direction) {
            Agreement::Same | Agreement::Open => Opinion::Adu(len),
            Agreement::Other => Opinion::No(AnomalyKind::ModbusLength),
            Agreement::Unknown => Opinion::Unsure(bytes.len().saturating_add(1)),
        },
    }
}

/// What the function's own length is beside that of the header.
enum Agreement {
    /// The same.
    Same,
    /// Any.
    Open,
    /// Another.
    Other,
    /// Cannot be told from the bytes that are there.
    Unknown,
}

fn agreement(bytes: &[u8], len: usize, direction: Direction) -> Agreement {
    let pdu = bytes.get(HEADER_LEN..).unwrap_or_default();
    let pdu_len = len.saturating_sub(HEADER_LEN);
    match function::length(pdu.get(..pdu_len).unwrap_or(pdu), direction) {
        Length::Exact(exact) if exact == pdu_len => Agreement::Same,
        Length::Exact(_) => Agreement::Other,
        Length::Needs(more) if more > pdu_len => Agreement::Other,
        Length::Needs(_) => Agreement::Unknown,
        Length::Open => Agreement::Open,
    }
}

/// True unless something else than a header stands where the ADU ends.
fn may_end(bytes: &[u8], len: usize) -> bool {
    bytes.get(len..).is_none_or(|rest| rest.is_empty() || !matches!(header(rest), Opinion::No(_)))
}

/// True when at most [`MAX_CHAIN`] headers lead from one to the next exactly to the end of `bytes`.
fn chain_to_end(bytes: &[u8]) -> bool {
    let mut rest = bytes;
    for _ in 0..MAX_CHAIN {
        let Opinion::Claim(len) = header(rest) else { return false };
        match rest.get(len..) {
            Some([]) => return true,
            Some(more) => rest = more,
            None => return false,
        }
    }
    false
}

/// How many bytes to skip to the next place where an ADU may start.
pub(super) fn behind_damage(bytes: &[u8], direction: Direction) -> usize {
    let starts_adu =
        |at: &usize| bytes.get(*at..).is_some_and(|rest| !matches!(consistent(rest, direction), Opinion::No(_)));
    (1..bytes.len()).find(starts_adu).unwrap_or(bytes.len())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects)]
mod tests {
    extern crate std;

    use proptest::prelude::*;
    use std::vec::Vec;

    use super::*;

    const READ: &[u8] = &[0x12, 0x34, 0, 0, 0, 6, 1, 3, 0, 10, 0, 2];
    const WRITE: &[u8] = &[0x12, 0x35, 0, 0, 0, 6, 1, 6, 0, 10, 0x03, 0x20];

    fn joined(parts: &[&[u8]]) -> Vec<u8> {
        parts.concat()
    }

    #[test]
    fn takes_the_header_at_its_word_when_synced() {
        let long_read = [0, 1, 0, 0, 0, 8, 1, 3, 0, 10, 0, 2, 0, 0];
        assert_eq!(scan(&long_read, Direction::Request, true), Scan::Unit { len: 14 });
        assert_eq!(scan(&READ[..7], Direction::Request, true), Scan::Partial { need: 12 });
        assert_eq!(scan(&READ[..3], Direction::Request, true), Scan::Partial { need: 8 });
    }

    #[test]
    fn any_function_has_a_unit() {
        for function in 0..=127 {
            let adu = [0, 1, 0, 0, 0, 3, 1, function, 7];
            assert_eq!(scan(&adu, Direction::Request, true), Scan::Unit { len: 9 });
            assert_eq!(scan(&adu, Direction::Request, false), Scan::Unit { len: 9 });
        }
    }

    #[test]
    fn stray_bytes_cost_themselves() {
        for stray in 1..12 {
            let stream = joined(&[&[0xFF; 11][..stray], WRITE]);
            let found = scan(&stream, Direction::Request, true);
            assert!(matches!(found, Scan::Damaged { skip, .. } if skip == stray), "{stray}: {found:?}");
        }
    }

    #[test]
    fn an_impossible_header_is_named() {
        let with = |at: usize, value| {
            let mut adu = READ.to_vec();
            adu[at] = value;
            scan(&adu, Direction::Request, true)
        };
        assert!(matches!(with(2, 1), Scan::Damaged { kind: AnomalyKind::ModbusProtocolId, .. }));
        assert!(matches!(with(4, 1), Scan::Damaged { kind: AnomalyKind::ModbusLength, .. }));
        assert!(matches!(with(5, 1), Scan::Damaged { kind: AnomalyKind::ModbusLength, .. }));
        assert!(matches!(with(5, 255), Scan::Damaged { kind: AnomalyKind::ModbusLength, .. }));
    }

    #[test]
    fn a_length_that_is_too_short_is_seen_by_what_follows() {
        let mut short = READ.to_vec();
        short[5] = 4;
        let stream = joined(&[&short, WRITE]);
        assert_eq!(
            scan(&stream, Direction::Request, true),
            Scan::Damaged { skip: 12, kind: AnomalyKind::ModbusLength }
        );
    }

    #[test]
    fn a_length_that_is_too_long_is_given_up_when_the_next_request_starts() {
        let mut long = READ.to_vec();
        long[5] = 200;
        assert!(restarts(&long, WRITE, Direction::Request));
        assert!(!restarts(&READ[..9], WRITE, Direction::Request));
        assert!(!restarts(&long, &WRITE[..7], Direction::Request));
    }

    #[test]
    fn a_write_is_not_cut_short_by_data_that_looks_like_a_request() {
        let write = joined(&[&[0, 1, 0, 0, 0, 19, 1, 16, 0, 0, 0, 6, 12], READ]);
        assert!(!restarts(&write[..13], &write[13..], Direction::Request));
        assert_eq!(scan(&write, Direction::Request, true), Scan::Unit { len: 25 });
    }

    #[test]
    fn an_adu_beyond_the_limit_is_read_if_the_bytes_end_with_it() {
        let mut adu = joined(&[&[0, 1, 0, 0, 0, 255, 1, 90], &[7; 253]]);
        assert_eq!(scan(&adu, Direction::Request, true), Scan::Unit { len: 261 });
        adu.push(0);
        assert!(matches!(scan(&adu, Direction::Request, true), Scan::Damaged { kind: AnomalyKind::ModbusLength, .. }));
    }

    #[test]
    fn only_whole_adus_fill_a_datagram() {
        assert!(fills(READ));
        assert!(fills(&joined(&[READ, WRITE])));
        assert!(!fills(&READ[..11]));
        assert!(!fills(&joined(&[READ, &[0]])));
        assert!(!fills(&[]));
    }

    proptest! {
        #[test]
        fn always_advances_within_the_bytes(bytes: Vec<u8>, synced: bool, request: bool) {
            let direction = if request { Direction::Request } else { Direction::Response };
            match scan(&bytes, direction, synced) {
                Scan::Unit { len } => prop_assert!(len > 0 && len <= bytes.len() && len <= MAX_OVERSIZE),
                Scan::Partial { need } => prop_assert!(need > bytes.len()),
                Scan::Damaged { skip, .. } => prop_assert!(skip > 0 && skip <= bytes.len()),
            }
        }
    }
}
