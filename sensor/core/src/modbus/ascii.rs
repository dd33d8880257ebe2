//! ASCII frames, on a serial line, over TCP and over UDP (SL 2.5.2): a colon, unit, PDU and LRC as pairs of hexadecimal
//! digits, CR, LF.

use tagout_engine::AnomalyKind;

use crate::finding::{Finding, Term};
use crate::scan::Scan;

/// The longest frame: the colon, 255 bytes as two characters each, CR and LF.
pub const MAX_FRAME: usize = 513;
/// The most bytes that a frame's digits stand for: unit, a PDU of 253 bytes, LRC.
pub const MAX_CONTENT: usize = 255;

const START: u8 = b':';
const END: [u8; 2] = *b"\r\n";
/// Colon, unit, function code and LRC as digits, CR, LF.
const MIN_FRAME: usize = 9;

/// What stands at the start of `bytes`.
///
/// A unit is one whole frame with a good LRC. A colon starts a frame wherever it stands, so damage is passed over up to
/// the next one. Digits may be of either case. Time is linear in the bytes: no frame is longer than [`MAX_FRAME`].
pub fn scan(bytes: &[u8]) -> Scan {
    read(bytes).unwrap_or_else(|kind| Scan::Damaged { skip: behind_damage(bytes), kind })
}

/// The same, without looking behind damage.
pub(crate) fn read(bytes: &[u8]) -> Result<Scan, AnomalyKind> {
    match head(bytes) {
        Head::Unfinished => Ok(Scan::Partial { need: more(bytes) }),
        Head::Frame(frame) if has_good_lrc(frame) => Ok(Scan::Unit { len: frame.len() }),
        Head::Frame(_) => Err(AnomalyKind::ModbusAsciiLrc),
        Head::No => Err(AnomalyKind::ModbusStrayBytes),
    }
}

/// How many bytes to pass over where the frame at the start will never be whole, or is damaged.
pub fn behind_damage(bytes: &[u8]) -> usize {
    if let Head::Frame(frame) = head(bytes) {
        return frame.len();
    }
    let next = bytes.iter().skip(1).position(|byte| *byte == START);
    next.map_or(bytes.len(), |at| at.saturating_add(1))
}

/// The length of the whole frame at the start, if there is one; looks no further.
pub(super) fn whole(bytes: &[u8]) -> Option<usize> {
    match head(bytes) {
        Head::Frame(frame) if has_good_lrc(frame) => Some(frame.len()),
        _ => None,
    }
}

/// True when the first byte is the one that starts a frame.
pub(crate) fn is_start(bytes: &[u8]) -> bool {
    bytes.first() == Some(&START)
}

/// How many bytes it takes to tell more, if the beginning of a frame stands at the start.
pub(super) fn begun(bytes: &[u8]) -> Option<usize> {
    matches!(head(bytes), Head::Unfinished).then(|| more(bytes))
}

/// One more byte than there are, and at least those of the shortest frame.
fn more(bytes: &[u8]) -> usize {
    bytes.len().saturating_add(1).max(MIN_FRAME)
}

/// Unit and PDU of the bytes that [`scan`] found to be a unit, written to `buffer`.
pub fn parse<'b>(frame: &[u8], buffer: &'b mut [u8; MAX_CONTENT]) -> Option<(u8, &'b [u8])> {
    let len = decode(frame, buffer)?;
    let (_lrc, content) = buffer.get(..len)?.split_last()?;
    let (unit, pdu) = content.split_first()?;
    (!pdu.is_empty()).then_some((*unit, pdu))
}

/// What exactly is wrong with bytes in which [`scan`] found this kind of damage.
pub fn explain(kind: AnomalyKind, bytes: &[u8]) -> Finding {
    let finding = Finding::new(kind, bytes.len());
    let mut content = [0; MAX_CONTENT];
    let len = decode(bytes, &mut content).filter(|_| kind == AnomalyKind::ModbusAsciiLrc);
    let Some((found, content)) = len.and_then(|len| content.get(..len)).and_then(<[u8]>::split_last) else {
        return finding;
    };
    let at = content.len().saturating_mul(2).saturating_add(1);
    finding.at("LRC", at).because(Term::Number(lrc(content).into()), Term::Number((*found).into()))
}

/// What the first bytes are as a frame.
enum Head<'a> {
    /// The beginning of one.
    Unfinished,
    /// One by its delimiters and digits.
    Frame(&'a [u8]),
    /// Something else.
    No,
}

fn head(bytes: &[u8]) -> Head<'_> {
    let Some((&START, digits)) = bytes.split_first() else { return Head::No };
    let count = digits.iter().take(MAX_FRAME).take_while(|byte| byte.is_ascii_hexdigit()).count();
    let len = count.saturating_add(START_AND_END);
    let end = digits.get(count..).unwrap_or_default();
    let ends = END.starts_with(end.get(..END.len()).unwrap_or(end));
    match bytes.get(..len) {
        _ if !ends || len > MAX_FRAME => Head::No,
        Some(frame) if len >= MIN_FRAME && count % 2 == 0 => Head::Frame(frame),
        Some(_) => Head::No,
        None => Head::Unfinished,
    }
}

/// Characters that are no digits.
const START_AND_END: usize = 1 + END.len();

/// Writes what the digits stand for to the front of `buffer`; returns how many bytes that is.
fn decode(frame: &[u8], buffer: &mut [u8; MAX_CONTENT]) -> Option<usize> {
    let digits = frame.strip_prefix(&[START])?.strip_suffix(&END)?;
    let pairs = digits.as_chunks::<2>().0;
    for (place, [high, low]) in buffer.iter_mut().zip(pairs) {
        *place = nibble(*high)? << 4 | nibble(*low)?;
    }
    Some(pairs.len().min(buffer.len()))
}

fn nibble(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).map(|nibble| nibble as u8)
}

fn has_good_lrc(frame: &[u8]) -> bool {
    let mut content = [0; MAX_CONTENT];
    let Some(len) = decode(frame, &mut content) else { return false };
    content.get(..len).and_then(<[u8]>::split_last).is_some_and(|(found, content)| lrc(content) == *found)
}

/// The two's complement of the sum of the bytes (SL 2.5.2.2).
fn lrc(content: &[u8]) -> u8 {
    content.iter().fold(0_u8, |sum, byte| sum.wrapping_add(*byte)).wrapping_neg()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects)]
mod tests {
    extern crate std;

    use std::format;
    use std::string::String;
    use std::vec;
    use std::vec::Vec;

    use proptest::collection::vec as any_vec;
    use proptest::prelude::*;

    use super::*;

    const WRITE: &[u8] = b":010600010002F6\r\n";

    fn frame(content: &[u8]) -> Vec<u8> {
        let digits: String = content.iter().chain([&lrc(content)]).map(|byte| format!("{byte:02X}")).collect();
        format!(":{digits}\r\n").into_bytes()
    }

    /// Reads a stream that arrives in `chunk` bytes at a time: the units and the kinds of damage.
    fn scan_stream(stream: &[u8], chunk: usize) -> (Vec<Vec<u8>>, Vec<AnomalyKind>) {
        let (mut units, mut kinds) = (Vec::new(), Vec::new());
        let (mut start, mut need) = (0, 1);
        for end in (0..=stream.len()).step_by(chunk).chain([stream.len()]) {
            while start < end && end - start >= need {
                let len = match scan(&stream[start..end]) {
                    Scan::Unit { len } => {
                        units.push(stream[start..start + len].to_vec());
                        len
                    }
                    Scan::Damaged { skip, kind } => {
                        kinds.push(kind);
                        skip
                    }
                    Scan::Partial { need: more } => {
                        need = more;
                        continue;
                    }
                };
                (start, need) = (start + len, 1);
            }
        }
        (units, kinds)
    }

    #[test]
    fn reads_a_frame_in_either_case() {
        let mut buffer = [0; MAX_CONTENT];
        assert_eq!(frame(&[1, 6, 0, 1, 0, 2]), WRITE);
        for frame in [WRITE.to_vec(), WRITE.to_ascii_lowercase()] {
            assert_eq!(scan(&frame), Scan::Unit { len: frame.len() });
            assert_eq!(parse(&frame, &mut buffer), Some((1, &[6, 0, 1, 0, 2][..])));
        }
        let longest = frame(&[7; MAX_CONTENT - 1]);
        assert_eq!(scan(&longest), Scan::Unit { len: MAX_FRAME });
        assert_eq!(parse(&longest, &mut buffer), Some((7, &[7; 253][..])));
        assert!(matches!(scan(&frame(&[7; MAX_CONTENT])), Scan::Damaged { .. }));
    }

    #[test]
    fn a_colon_starts_anew() {
        let stream = [&WRITE[..7], WRITE, b"noise", WRITE].concat();
        let (units, kinds) = scan_stream(&stream, stream.len());
        assert_eq!(units, [WRITE, WRITE]);
        assert_eq!(kinds, [AnomalyKind::ModbusStrayBytes; 2]);
    }

    #[test]
    fn every_flipped_bit_is_found_and_no_other_frame_is_lost() {
        let mut same = 0;
        for bit in 0..WRITE.len() * 8 {
            let mut bad = WRITE.to_vec();
            bad[bit / 8] ^= 1 << (bit % 8);
            if bad.eq_ignore_ascii_case(WRITE) {
                same += 1;
                continue;
            }
            let (units, kinds) = scan_stream(&[WRITE, &bad, WRITE].concat(), 400);
            assert_eq!(units, vec![WRITE; 2], "bit {bit}");
            assert!(!kinds.is_empty(), "bit {bit}");
        }
        assert_eq!(same, 1, "the case of the only letter");
    }

    #[test]
    fn no_truncated_frame_is_whole() {
        for len in 1..WRITE.len() {
            assert!(matches!(scan(&WRITE[..len]), Scan::Partial { need } if need > len));
        }
        for bad in [&b":01F\r\n"[..], b":01FF\r\n", b":010600010002F\r\n", b":\r\n"] {
            assert!(matches!(scan(bad), Scan::Damaged { .. }), "{bad:?}");
        }
    }

    #[test]
    fn a_wrong_lrc_is_explained() {
        let finding = explain(AnomalyKind::ModbusAsciiLrc, b":010600010002F7\r\n");
        assert_eq!((finding.field, finding.offset), ("LRC", 13));
        assert_eq!((finding.expected, finding.found), (Term::Number(0xF6), Term::Number(0xF7)));
    }

    proptest! {
        #[test]
        fn any_chunking_gives_the_same_units(
            contents in any_vec(any_vec(any::<u8>(), 2..255), 1..6),
            noise in any_vec(any::<u8>().prop_filter("a colon starts a frame", |byte| *byte != b':'), 0..9),
            chunk in 1_usize..600,
        ) {
            let frames: Vec<Vec<u8>> = contents.iter().map(|content| frame(content)).collect();
            let stream = [&noise[..], &frames.join(&noise[..])].concat();
            prop_assert_eq!(scan_stream(&stream, chunk).0, frames);
        }

        #[test]
        fn always_advances_within_the_bytes(bytes in "[:0-9A-Fx\r\n]{1,600}") {
            match scan(bytes.as_bytes()) {
                Scan::Unit { len } => prop_assert!(len <= bytes.len().min(MAX_FRAME)),
                Scan::Partial { need } => prop_assert!(need > bytes.len() && need <= MAX_FRAME),
                Scan::Damaged { skip, .. } => prop_assert!(skip > 0 && skip <= bytes.len()),
            }
        }
    }
}
