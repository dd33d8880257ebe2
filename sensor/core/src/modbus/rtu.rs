//! RTU frames, on a serial line, over TCP and over UDP (SL 2.5.1): unit, PDU, CRC.
//!
//! On a line silence parts the frames, of which bytes that were passed on tell nothing. So a frame ends where its
//! function says, and the CRC has to agree.

use tagout_engine::AnomalyKind;

use super::Direction;
use super::function::{self, Length};
use super::sums::{self, Sums};
use crate::finding::{Finding, Term};
use crate::scan::Scan;

/// The longest frame: unit, a PDU of 253 bytes, CRC.
pub const MAX_FRAME: usize = 256;

const CRC_LEN: usize = 2;
/// Bytes beside the PDU.
const OVERHEAD: usize = 1 + CRC_LEN;
/// The shortest frame: its PDU is a function code.
const MIN_FRAME: usize = OVERHEAD + 1;

/// What stands at the start of `bytes`, which go this way; `None` where both ways share a line.
///
/// A unit is one whole frame with a good CRC. A function of open length ends with the bytes if the CRC fits there, else
/// at the first place where it does; where units do not follow each other as they should (not `synced`), only the former
/// counts. Damaged bytes are passed over up to the next whole frame, or the beginning of one with a public function.
///
/// Time is linear in the bytes, however often scanning resumes: no call takes more than a frame's CRC and a few steps for
/// each byte that it passes over.
pub fn scan(bytes: &[u8], direction: Option<Direction>, synced: bool) -> Scan {
    let damaged = |kind| Scan::Damaged { skip: behind_damage(bytes, direction), kind };
    read(bytes, direction, synced).unwrap_or_else(damaged)
}

/// The same, without looking behind damage.
pub(crate) fn read(bytes: &[u8], direction: Option<Direction>, synced: bool) -> Result<Scan, AnomalyKind> {
    match head(&mut Stretch::of(bytes), direction, synced) {
        Head::Whole(len) => Ok(Scan::Unit { len }),
        Head::Unfinished(need) => Ok(Scan::Partial { need }),
        _ if whole_to_the_end(&mut Stretch::of(bytes)) => Ok(Scan::Unit { len: bytes.len() }),
        Head::WrongCrc => Err(AnomalyKind::ModbusRtuCrc),
        Head::No => Err(AnomalyKind::ModbusStrayBytes),
    }
}

/// How many bytes to pass over where the frame at the start will never be whole, or is damaged.
pub fn behind_damage(bytes: &[u8], direction: Option<Direction>) -> usize {
    behind_damage_or(bytes, direction, |_| false)
}

/// The same, or up to where something stands that is `other`.
pub(crate) fn behind_damage_or(bytes: &[u8], direction: Option<Direction>, other: impl Fn(&[u8]) -> bool) -> usize {
    (0..bytes.len())
        .step_by(sums::WINDOW)
        .find_map(|start| {
            let window = bytes.get(start..).unwrap_or_default();
            let at = first_plausible(window, direction, usize::from(start == 0), &other)?;
            Some(start.saturating_add(at))
        })
        .unwrap_or(bytes.len())
}

/// The first offset from `from` on, and within the sums' window, at which a frame stands or begins, or something that is
/// `other`.
fn first_plausible(
    bytes: &[u8],
    direction: Option<Direction>,
    from: usize,
    other: impl Fn(&[u8]) -> bool,
) -> Option<usize> {
    let mut sums = None;
    (from..bytes.len().min(sums::WINDOW)).find(|at| {
        let within = Some(Within { bytes, at: *at, sums: &mut sums });
        let mut rest = Stretch { bytes: bytes.get(*at..).unwrap_or_default(), within };
        other(rest.bytes) || matches!(head(&mut rest, direction, false), Head::Whole(_) | Head::Unfinished(_))
    })
}

/// The length of the whole frame at the start, if there is one; looks no further.
pub(super) fn whole(bytes: &[u8], direction: Option<Direction>) -> Option<usize> {
    match head(&mut Stretch::of(bytes), direction, false) {
        Head::Whole(len) => Some(len),
        Head::Unfinished(_) => None,
        Head::WrongCrc | Head::No => whole_to_the_end(&mut Stretch::of(bytes)).then_some(bytes.len()),
    }
}

/// How many bytes it takes to tell more, if the beginning of a frame stands at the start.
pub(super) fn begun(bytes: &[u8], direction: Option<Direction>) -> Option<usize> {
    match head(&mut Stretch::of(bytes), direction, false) {
        Head::Unfinished(need) => Some(need),
        _ => None,
    }
}

/// The same, if its function is a public one and tells its length: among many lengths one always fits by chance. And the
/// CRC of the exception to a function that nobody has, `ff ff 00 00 00`, fits MBAP's header of transaction 0xFFFF.
pub(super) fn closed_whole(bytes: &[u8], direction: Option<Direction>) -> Option<usize> {
    let is_intact = |direction| {
        let is_public = bytes.get(1).is_some_and(|code| function::is_public(*code, direction));
        let len = expected_len(bytes, Some(direction)).filter(|_| is_public)?;
        (len <= bytes.len() && Stretch::of(bytes).is_intact(len)).then_some(len)
    };
    match direction {
        Some(direction) => is_intact(direction),
        None => is_intact(Direction::Request).or_else(|| is_intact(Direction::Response)),
    }
}

/// Unit and PDU of the bytes that [`scan`] found to be a unit.
pub fn parse(frame: &[u8]) -> Option<(u8, &[u8])> {
    let (content, _) = frame.split_last_chunk::<CRC_LEN>()?;
    let (unit, pdu) = content.split_first()?;
    (!pdu.is_empty()).then_some((*unit, pdu))
}

/// What exactly is wrong with bytes in which [`scan`] found this kind of damage.
pub fn explain(kind: AnomalyKind, bytes: &[u8], direction: Option<Direction>) -> Finding {
    let finding = Finding::new(kind, bytes.len());
    let Some(len) = expected_len(bytes, direction) else { return finding };
    let frame = bytes.get(..len).and_then(|frame| frame.split_last_chunk::<CRC_LEN>());
    match frame {
        Some((content, crc)) => finding
            .at("CRC", content.len())
            .because(Term::Number(sums::crc(content).into()), Term::Number(u16::from_le_bytes(*crc).into())),
        None => finding.at("length", 0).because(Term::Number(len as u32), Term::Number(bytes.len() as u32)),
    }
}

/// The length that the function calls for.
fn expected_len(bytes: &[u8], direction: Option<Direction>) -> Option<usize> {
    let pdu = bytes.get(1..)?;
    match function::length(pdu, direction.unwrap_or(Direction::Request)) {
        Length::Exact(len) => Some(len.saturating_add(OVERHEAD)).filter(|len| *len <= MAX_FRAME),
        Length::Needs(_) | Length::Open => None,
    }
}

/// What the first bytes are as a frame; what comes first is preferred where there are two readings.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Head {
    /// A frame of this length with a good CRC.
    Whole(usize),
    /// The beginning of a frame; more can be told when this many bytes are there.
    Unfinished(usize),
    /// A frame by its length, not by its CRC.
    WrongCrc,
    /// No frame of any length.
    No,
}

fn head(stretch: &mut Stretch<'_, '_>, direction: Option<Direction>, synced: bool) -> Head {
    match direction {
        Some(direction) => head_of(stretch, direction, synced),
        None if is_exception(stretch.bytes) => head_of(stretch, Direction::Response, synced),
        None if is_same_both_ways(stretch.bytes) => head_of(stretch, Direction::Request, synced),
        None => head_of(stretch, Direction::Request, synced).min(head_of(stretch, Direction::Response, synced)),
    }
}

/// True when the function has one length, whoever sends it.
fn is_same_both_ways(bytes: &[u8]) -> bool {
    let pdu = bytes.get(1..).unwrap_or_default();
    function::length(pdu, Direction::Request) == function::length(pdu, Direction::Response)
}

/// True when nobody but a server sends such a function code in earnest.
fn is_exception(bytes: &[u8]) -> bool {
    bytes.get(1).is_some_and(|code| code & super::EXCEPTION_BIT != 0)
}

fn head_of(stretch: &mut Stretch<'_, '_>, direction: Direction, synced: bool) -> Head {
    let bytes = stretch.bytes;
    let Some((code, _)) = bytes.get(1..).and_then(<[u8]>::split_first) else { return Head::Unfinished(MIN_FRAME) };
    let public = function::is_public(*code, direction);
    let head = match function::length(bytes.get(1..).unwrap_or_default(), direction) {
        Length::Exact(len) => closed(stretch, len.saturating_add(OVERHEAD)),
        Length::Needs(len) => unfinished(len.saturating_add(OVERHEAD)),
        Length::Open if synced => open(bytes),
        Length::Open if whole_to_the_end(stretch) => Head::Whole(bytes.len()),
        Length::Open => unfinished(bytes.len().saturating_add(1)),
    };
    match head {
        Head::Unfinished(_) if !synced && !public => Head::No,
        head => head,
    }
}

fn unfinished(need: usize) -> Head {
    if need <= MAX_FRAME { Head::Unfinished(need) } else { Head::No }
}

/// A frame whose function tells its length.
fn closed(stretch: &mut Stretch<'_, '_>, len: usize) -> Head {
    if len > MAX_FRAME {
        Head::No
    } else if len > stretch.bytes.len() {
        Head::Unfinished(len)
    } else if stretch.is_intact(len) {
        Head::Whole(len)
    } else {
        Head::WrongCrc
    }
}

/// A frame whose function does not.
fn open(bytes: &[u8]) -> Head {
    if whole_to_the_end(&mut Stretch::of(bytes)) {
        return Head::Whole(bytes.len());
    }
    let mut state = sums::INITIAL;
    let window = bytes.get(..MAX_FRAME).unwrap_or(bytes);
    for (at, byte) in window.iter().enumerate() {
        state = sums::pass(state, *byte);
        if state == 0 && at >= MIN_FRAME.wrapping_sub(1) {
            return Head::Whole(at.wrapping_add(1));
        }
    }
    unfinished(bytes.len().saturating_add(1))
}

/// True when the bytes are one frame by their CRC, whatever its function says.
fn whole_to_the_end(stretch: &mut Stretch<'_, '_>) -> bool {
    let len = stretch.bytes.len();
    (MIN_FRAME..=MAX_FRAME).contains(&len) && stretch.is_intact(len)
}

/// Bytes in which a frame may stand at the start.
struct Stretch<'a, 's> {
    bytes: &'a [u8],
    /// Where many offsets of the same bytes are looked at: which.
    within: Option<Within<'a, 's>>,
}

/// A place in bytes of which many are looked at.
struct Within<'a, 's> {
    bytes: &'a [u8],
    at: usize,
    /// Their sums, once any is asked for.
    sums: &'s mut Option<Sums<'a>>,
}

impl<'a> Stretch<'a, '_> {
    const fn of(bytes: &'a [u8]) -> Self {
        Self { bytes, within: None }
    }

    /// True when the last two of the first `len` bytes are the CRC of those before them: then the CRC of all of them is 0.
    fn is_intact(&mut self, len: usize) -> bool {
        match &mut self.within {
            Some(Within { bytes, at, sums }) => sums.get_or_insert_with(|| Sums::of(bytes)).crc(*at, len) == Some(0),
            None => self.bytes.get(..len).is_some_and(|frame| sums::crc(frame) == 0),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects)]
mod tests {
    extern crate std;

    use std::vec;
    use std::vec::Vec;

    use proptest::collection::vec as any_vec;
    use proptest::prelude::*;

    use super::super::Direction::{Request, Response};
    use super::*;

    fn frame(content: &[u8]) -> Vec<u8> {
        [content, &sums::crc(content).to_le_bytes()].concat()
    }

    /// One frame of every shape, with its direction.
    fn frames() -> Vec<(Direction, Vec<u8>)> {
        let requests: [&[u8]; 8] = [
            &[1, 3, 0, 0, 0, 10],
            &[17, 5, 0, 3, 0xFF, 0],
            &[247, 7],
            &[2, 8, 0, 1, 0xFF, 0],
            &[1, 16, 0, 9, 0, 2, 4, 0, 1, 0, 2],
            &[9, 22, 0, 4, 0, 0xF2, 0, 0x25],
            &[9, 23, 0, 3, 0, 6, 0, 14, 0, 1, 2, 0, 0xFF],
            &[1, 43, 14, 1, 0],
        ];
        let responses: [&[u8]; 4] =
            [&[1, 3, 4, 0, 1, 0, 2], &[17, 0x85, 2], &[1, 16, 0, 9, 0, 2], &[1, 24, 0, 4, 0, 1, 1, 2]];
        let requests = requests.map(|content| (Request, frame(content)));
        requests.into_iter().chain(responses.map(|content| (Response, frame(content)))).collect()
    }

    #[test]
    fn the_mbap_header_of_transaction_ffff_is_no_exception_to_a_function_that_nobody_has() {
        let header = [0xFF, 0xFF, 0, 0, 0, 6, 1, 90, 0, 1, 2, 3];
        assert_eq!(closed_whole(&header, Some(Response)), None);
        let exception = frame(&[1, 0x83, 2]);
        assert_eq!(closed_whole(&exception, Some(Response)), Some(5));
    }

    /// Reads a stream that arrives in `chunk` bytes at a time, and then ends: the units and the kinds of damage.
    fn scan_stream(stream: &[u8], way: Option<Direction>, chunk: usize) -> (Vec<Vec<u8>>, Vec<AnomalyKind>) {
        let (mut units, mut kinds, mut synced) = (Vec::new(), Vec::new(), true);
        let (mut start, mut need) = (0, 1);
        for end in (0..=stream.len()).step_by(chunk).chain([stream.len(), usize::MAX]) {
            let (ended, end) = (end == usize::MAX, end.min(stream.len()));
            while start < end && (ended || end - start >= need) {
                let (len, damage) = match scan(&stream[start..end], way, synced) {
                    Scan::Unit { len } => (len, None),
                    Scan::Damaged { skip, kind } => (skip, Some(kind)),
                    Scan::Partial { need: more } if !ended => {
                        need = more;
                        continue;
                    }
                    Scan::Partial { .. } => (behind_damage(&stream[start..end], way), Some(AnomalyKind::ModbusRtuCrc)),
                };
                match damage {
                    Some(kind) if synced => kinds.push(kind),
                    Some(_) => {}
                    None => units.push(stream[start..start + len].to_vec()),
                }
                synced = damage.is_none();
                (start, need) = (start + len, 1);
            }
        }
        (units, kinds)
    }

    #[test]
    fn reads_frames_of_every_shape_in_either_way_and_where_both_share_the_line() {
        for (direction, frame) in frames() {
            let stream = [&frame[..], &frame].concat();
            assert_eq!(scan(&stream, Some(direction), true), Scan::Unit { len: frame.len() }, "{frame:02x?}");
            assert_eq!(scan(&stream, None, true), Scan::Unit { len: frame.len() }, "{frame:02x?}");
        }
        assert_eq!(parse(&frame(&[17, 0x85, 2])), Some((17, &[0x85, 2][..])));
    }

    #[test]
    fn a_frame_from_the_specification_of_crcs_is_read() {
        assert_eq!(scan(&[0x02, 0x07, 0x41, 0x12], Some(Request), true), Scan::Unit { len: 4 });
    }

    #[test]
    fn a_function_of_open_length_ends_where_its_crc_fits() {
        let custom = frame(&[1, 100, 7, 8, 9]);
        assert_eq!(scan(&custom, Some(Request), true), Scan::Unit { len: 7 });
        let stream = [&custom[..], &frame(&[1, 6, 0, 1, 0, 2])].concat();
        assert_eq!(scan(&stream, Some(Request), true), Scan::Unit { len: 7 });
        assert_eq!(scan(&custom[..6], Some(Request), true), Scan::Partial { need: 7 });
    }

    #[test]
    fn a_frame_that_contradicts_its_function_is_read_if_the_bytes_end_with_it() {
        let padded = frame(&[1, 6, 0, 1, 0, 2, 0, 0]);
        assert_eq!(scan(&padded, Some(Request), true), Scan::Unit { len: padded.len() });
    }

    #[test]
    fn every_flipped_bit_is_found_and_no_other_frame_is_lost() {
        for (direction, good) in frames() {
            for bit in 0..good.len() * 8 {
                let mut bad = good.clone();
                bad[bit / 8] ^= 1 << (bit % 8);
                let stream = [&good[..], &bad, &good, &good].concat();
                let (units, kinds) = scan_stream(&stream, Some(direction), stream.len());
                assert_eq!(units, vec![good.clone(); 3], "bit {bit} of {good:02x?}");
                assert_eq!(kinds.len(), 1, "bit {bit} of {good:02x?}: {kinds:?}");
            }
        }
    }

    #[test]
    fn no_truncated_frame_is_whole() {
        for (direction, good) in frames() {
            for len in 0..good.len() {
                assert!(
                    !matches!(scan(&good[..len], Some(direction), true), Scan::Unit { .. }),
                    "{:02x?}",
                    &good[..len]
                );
                assert!(!matches!(scan(&good[..len], None, true), Scan::Unit { .. }), "{:02x?}", &good[..len]);
            }
        }
    }

    #[test]
    fn damage_is_explained() {
        let mut bad = frame(&[1, 6, 0, 1, 0, 2]);
        let crc = u16::from_le_bytes([bad[6], bad[7]]);
        bad[6] ^= 1;
        let finding = explain(AnomalyKind::ModbusRtuCrc, &bad, Some(Request));
        assert_eq!((finding.field, finding.offset), ("CRC", 6));
        assert_eq!((finding.expected, finding.found), (Term::Number(crc.into()), Term::Number((crc ^ 1).into())));
        let finding = explain(AnomalyKind::ModbusRtuCrc, &bad[..5], Some(Request));
        assert_eq!((finding.expected, finding.found), (Term::Number(8), Term::Number(5)));
    }

    fn session() -> impl Strategy<Value = Vec<Vec<u8>>> {
        let read = any::<[u8; 4]>().prop_map(|data| frame(&[&[1, 3][..], &data].concat()));
        let write = any_vec(any::<u8>(), 0..=123).prop_map(|registers| {
            let bytes: Vec<u8> = registers.iter().flat_map(|byte| [0, *byte]).collect();
            let count = bytes.len() as u8;
            frame(&[&[1, 16, 0, 0, 0, count / 2, count][..], &bytes].concat())
        });
        any_vec(prop_oneof![read, write], 1..8)
    }

    proptest! {
        #[test]
        fn any_chunking_gives_the_same_units(frames in session(), chunk in 1_usize..300, mixed: bool) {
            let way = (!mixed).then_some(Request);
            let (units, kinds) = scan_stream(&frames.concat(), way, chunk);
            prop_assert_eq!(units, frames);
            prop_assert_eq!(kinds, []);
        }

        #[test]
        fn garbage_costs_no_more_than_the_longest_frame(garbage in any_vec(any::<u8>(), 1..40), chunk in 1_usize..300) {
            let good = frame(&[1, 6, 0, 1, 0, 2]);
            let stream = [&garbage[..], &good.repeat(40)].concat();
            let (units, _) = scan_stream(&stream, Some(Request), chunk);
            let lost = 40 - units.iter().filter(|unit| **unit == good).count();
            prop_assert!(lost <= MAX_FRAME / good.len());
        }

        #[test]
        fn always_advances_within_the_bytes(bytes: Vec<u8>, synced: bool, way in 0..3) {
            let way = [None, Some(Request), Some(Response)][way as usize];
            match scan(&bytes, way, synced) {
                Scan::Unit { len } => prop_assert!(len >= MIN_FRAME && len <= bytes.len().min(MAX_FRAME)),
                Scan::Partial { need } => prop_assert!(need > bytes.len() && need <= MAX_FRAME),
                Scan::Damaged { skip, .. } => prop_assert!(skip > 0 && skip <= bytes.len()),
            }
        }
    }
}
