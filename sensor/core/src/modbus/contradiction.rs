//! Whether a response can be the answer to its request.

use tagout_engine::Space;

use super::fields::{rest, word};
use super::identification::{INDIVIDUAL, Identification};
use super::{EXCEPTION_BIT, FileContents, FileRecords, Request, Response, diagnostics};

/// A field of a response that contradicts its request.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Contradiction {
    /// The field in the specification's words.
    pub field: &'static str,
    /// Where it stands in the response, in octets from the function code.
    pub offset: u16,
    /// What the request calls for.
    pub expected: u32,
    /// What the response has.
    pub found: u32,
}

/// The first field of the response PDU that contradicts the request PDU: another function, another byte count than the
/// quantity asked for, an echo that differs, a structure that cannot be the answer.
///
/// Every exception answers its function. A PDU that is malformed by itself is judged by its function code only.
pub fn contradiction(request: &[u8], response: &[u8]) -> Option<Contradiction> {
    if plainly_fits(request, response) {
        return None;
    }
    let (&asked, &answered) = (request.first()?, response.first()?);
    differs("function code", 0, asked & !EXCEPTION_BIT, answered & !EXCEPTION_BIT).or_else(|| {
        match (Request::parse(request).ok()?, Response::parse(response).ok()?) {
            (_, Response::Exception { .. }) => None,
            (Request::Read { table, quantity, .. }, _) => byte_count(response, table, quantity),
            (Request::ReadWrite { read_quantity, .. }, _) => {
                byte_count(response, Space::HoldingRegister, read_quantity)
            }
            (Request::Write { .. } | Request::MaskWrite { .. }, _) => echo(request, response, echoed_fields(asked)),
            (Request::Diagnostic { sub_function, .. }, _) => echo(request, response, &["sub-function"])
                .or_else(|| if diagnostics::is_echo(sub_function) { copy(request, response, 3) } else { None }),
            (Request::WriteFile(_), _) => copy(request, response, 1),
            (Request::ReadFile(asked), Response::FileContents(found)) => file_contents(asked, found),
            (Request::ReadIdentification { code, object }, Response::Identification(found)) => {
                identification(code, object, &found)
            }
            (Request::ReadIdentification { .. } | Request::Encapsulated { .. }, _) => {
                differs("MEI type", 1, *request.get(1)?, *response.get(1)?)
            }
            _ => None,
        }
    })
}

/// Whether a response answers a read or a write of functions 1 to 6, 15 and 16 as most do: with the octets that the quantity
/// takes, or by repeating where and what or how much.
fn plainly_fits(request: &[u8], response: &[u8]) -> bool {
    match (request, response) {
        ([asked @ 1..=4, _, _, high, low], [answered, count, ..]) => {
            let quantity = u16::from_be_bytes([*high, *low]);
            asked == answered && u16::from(*count) == octets_due(*asked <= 2, quantity)
        }
        ([5 | 6 | 15 | 16, _, _, _, _, ..], _) => request.first_chunk::<5>() == response.first_chunk(),
        _ => false,
    }
}

fn differs<T: Into<u32> + PartialEq>(
    field: &'static str,
    offset: usize,
    expected: T,
    found: T,
) -> Option<Contradiction> {
    let differs = expected != found;
    differs.then(|| Contradiction { field, offset: offset as u16, expected: expected.into(), found: found.into() })
}

/// Whether the response has other than the octets that this many values take.
fn byte_count(response: &[u8], table: Space, quantity: u16) -> Option<Contradiction> {
    differs("byte count", 1, octets_due(table.is_bit(), quantity), u16::from(*response.get(1)?))
}

/// The octets that so many bits or registers take.
const fn octets_due(are_bits: bool, quantity: u16) -> u16 {
    if are_bits { quantity.div_ceil(8) } else { quantity.saturating_mul(2) }
}

/// The words that a normal response repeats from behind its function code.
const fn echoed_fields(function: u8) -> &'static [&'static str] {
    match function {
        5 | 6 => &["address", "value"],
        22 => &["address", "and mask", "or mask"],
        _ => &["address", "quantity"],
    }
}

/// The first of these words that the response does not repeat.
fn echo(request: &[u8], response: &[u8], fields: &[&'static str]) -> Option<Contradiction> {
    let mut words = (1..).step_by(2).zip(fields);
    words.find_map(|(at, field)| differs(field, at, word(request, at).ok()?, word(response, at).ok()?))
}

/// The first octet from this offset on that the response does not repeat.
fn copy(request: &[u8], response: &[u8], from: usize) -> Option<Contradiction> {
    let mut octets = (from..).zip(rest(request, from).iter().zip(rest(response, from)));
    octets
        .find_map(|(at, (expected, found))| differs("data", at, *expected, *found))
        .or_else(|| differs("length", response.len(), request.len() as u32, response.len() as u32))
}

/// Whether other records came back than were asked for.
fn file_contents(asked: FileRecords<'_>, found: FileContents<'_>) -> Option<Contradiction> {
    let mut at = 2_usize;
    let lengths = asked.zip(found).find_map(|(asked, found)| {
        let here = at;
        at = at.saturating_add(2).saturating_add(found.data.len());
        let due = u32::from(asked.length).saturating_mul(2).saturating_add(1);
        differs("file response length", here, due, found.data.len().saturating_add(1) as u32)
            .or_else(|| differs("reference type", here.saturating_add(1), asked.reference_type, found.reference_type))
    });
    lengths.or_else(|| differs("sub-responses", 1, asked.count() as u32, found.count() as u32))
}

/// Whether something else is identified than was asked for. A device that does not know the object at which a stream of
/// objects is to start begins with the first one: that is no contradiction (AP 6.21).
fn identification(code: u8, object: u8, found: &Identification<'_>) -> Option<Contradiction> {
    let identified = differs("read device id code", 2, code, found.code);
    if code != INDIVIDUAL {
        return identified;
    }
    identified
        .or_else(|| differs("number of objects", 6, 1, found.count))
        .or_else(|| differs("object id", 7, object, { found.objects }.next()?.id))
}

#[cfg(test)]
mod tests {
    use super::*;

    type Pdu = &'static [u8];

    const fn found(field: &'static str, offset: u16, expected: u32, found: u32) -> Contradiction {
        Contradiction { field, offset, expected, found }
    }

    #[test]
    fn an_answer_that_fits_is_no_contradiction() {
        let pairs: [(Pdu, Pdu); 14] = [
            (&[1, 0, 0, 0, 9], &[1, 2, 0xFF, 1]),
            (&[3, 0, 0, 0, 2], &[3, 4, 0, 1, 0, 2]),
            (&[3, 0, 0, 0, 2], &[0x83, 2]),
            (&[6, 0, 1, 0, 2], &[6, 0, 1, 0, 2]),
            (&[8, 0, 0, 7, 8], &[8, 0, 0, 7, 8]),
            (&[8, 0, 11, 0, 0], &[8, 0, 11, 1, 4]),
            (&[15, 0, 1, 0, 3, 1, 5], &[15, 0, 1, 0, 3]),
            (&[20, 7, 6, 0, 4, 0, 1, 0, 2], &[20, 6, 5, 6, 0, 1, 0, 2]),
            (&[21, 9, 6, 0, 4, 0, 7, 0, 1, 6, 7], &[21, 9, 6, 0, 4, 0, 7, 0, 1, 6, 7]),
            (&[23, 0, 0, 0, 1, 0, 0, 0, 1, 2, 0, 9], &[23, 2, 0, 9]),
            (&[24, 4, 0xDE], &[24, 0, 4, 0, 1, 9, 9]),
            (&[43, 14, 4, 1], &[43, 14, 4, 0x81, 0, 0, 1, 1, 1, b'A']),
            (&[43, 14, 1, 9], &[43, 14, 1, 1, 0xFF, 1, 1, 0, 1, b'A']),
            (&[90, 0, 2], &[90, 0, 0xFE]),
        ];
        for (request, response) in pairs {
            assert_eq!(contradiction(request, response), None, "{request:02x?} {response:02x?}");
        }
    }

    #[test]
    fn names_the_field_that_contradicts() {
        let cases: [(Pdu, Pdu, Contradiction); 19] = [
            (&[3, 0, 0, 0, 2], &[4, 4, 0, 1, 0, 2], found("function code", 0, 3, 4)),
            (&[3, 0, 0, 0, 2], &[0x84, 2], found("function code", 0, 3, 4)),
            (&[3, 0, 0, 0, 2], &[3, 2, 0, 1], found("byte count", 1, 4, 2)),
            (&[1, 0, 0, 0, 9], &[1, 1, 0xFF], found("byte count", 1, 2, 1)),
            (&[23, 0, 0, 0, 2, 0, 0, 0, 1, 2, 0, 9], &[23, 2, 0, 9], found("byte count", 1, 4, 2)),
            (&[6, 0, 1, 0, 2], &[6, 0, 9, 0, 2], found("address", 1, 1, 9)),
            (&[5, 0, 1, 0xFF, 0], &[5, 0, 1, 0, 0], found("value", 3, 0xFF00, 0)),
            (&[16, 0, 1, 0, 1, 2, 0, 9], &[16, 0, 1, 0, 2], found("quantity", 3, 1, 2)),
            (&[22, 0, 1, 0, 2, 0, 3], &[22, 0, 1, 0, 2, 0, 4], found("or mask", 5, 3, 4)),
            (&[8, 0, 11, 0, 0], &[8, 0, 12, 0, 0], found("sub-function", 1, 11, 12)),
            (&[8, 0, 0, 7, 8], &[8, 0, 0, 7, 9], found("data", 4, 8, 9)),
            (&[8, 0, 0, 7, 8], &[8, 0, 0, 7], found("length", 4, 5, 4)),
            (&[20, 7, 6, 0, 4, 0, 1, 0, 2], &[20, 4, 3, 6, 0, 1], found("file response length", 2, 5, 3)),
            (&[20, 7, 6, 0, 4, 0, 1, 0, 1], &[20, 8, 3, 6, 0, 1, 3, 6, 0, 1], found("sub-responses", 1, 1, 2)),
            (&[20, 7, 6, 0, 4, 0, 1, 0, 1], &[20, 4, 3, 7, 0, 1], found("reference type", 3, 6, 7)),
            (&[21, 9, 6, 0, 4, 0, 7, 0, 1, 6, 7], &[21, 9, 6, 0, 4, 0, 7, 0, 1, 6, 8], found("data", 10, 7, 8)),
            (&[43, 14, 1, 0], &[43, 13, 1, 0], found("MEI type", 1, 14, 13)),
            (&[43, 14, 1, 0], &[43, 14, 2, 2, 0, 0, 0], found("read device id code", 2, 1, 2)),
            (&[43, 14, 4, 1], &[43, 14, 4, 0x81, 0, 0, 1, 2, 1, b'A'], found("object id", 7, 1, 2)),
        ];
        for (request, response, contradicts) in cases {
            assert_eq!(contradiction(request, response), Some(contradicts), "{request:02x?} {response:02x?}");
        }
    }
}
