//! Link layer: frames, addresses and CRCs (IEEE 1815-2012, clause 9).

use crc::{CRC_16_DNP, Crc, Table};
use tagout_engine::AnomalyKind;

use crate::Scan;
use crate::finding::{Finding, Term};

/// Octets of a frame's header, its CRC included.
pub const HEADER_LEN: usize = 10;
/// The most user data a frame carries.
pub const MAX_USER_DATA: usize = 250;
/// The longest frame: header, 16 blocks, a CRC each.
pub const MAX_FRAME: usize = 292;

/// Nobody answers what is sent to this link address or a higher one (9.2.5.2).
pub const FIRST_BROADCAST: u16 = 0xfffd;
/// Whichever outstation receives what is sent to this address takes it, and answers from its own (9.2.5.2).
pub const SELF_ADDRESS: u16 = 0xfffc;

const START: [u8; 2] = [0x05, 0x64];
const CRC_LEN: usize = 2;
const BLOCK_LEN: usize = 16;
const BLOCK_WITH_CRC: usize = BLOCK_LEN + CRC_LEN;
/// The length octet counts control, destination and source beside the user data.
const LENGTH_OVERHEAD: u8 = 5;

/// Sixteen tables, 8 KiB: a data block takes a quarter of the time that it takes with one.
static CRC: Crc<u16, Table<16>> = Crc::<u16, Table<16>>::new(&CRC_16_DNP);

/// A frame's header.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Header {
    /// Control octet.
    pub control: Control,
    /// Address of the receiver.
    pub destination: u16,
    /// Address of the sender.
    pub source: u16,
    /// Octets of user data, CRCs not counted; at most [`MAX_USER_DATA`].
    pub user_len: u8,
}

/// Control octet: DIR, PRM, FCB, FCV or DFC, and the function code.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Control(pub u8);

/// Declares the functions with the standard's names, for primary and secondary frames.
macro_rules! link_functions {
    ($($prm:literal $code:literal $name:ident;)+) => {
        impl Control {
            /// The standard's name of the function, if it has one.
            pub const fn function_name(self) -> Option<&'static str> {
                match (self.prm(), self.function()) { $(($prm, $code) => Some(stringify!($name)),)+ _ => None }
            }

            /// The names of all functions, those of primary frames first.
            pub const FUNCTION_NAMES: &'static [&'static str] = &[$(stringify!($name),)+];
        }
    };
}

link_functions! {
    true 0 RESET_LINK_STATES;
    true 2 TEST_LINK_STATES;
    true 3 CONFIRMED_USER_DATA;
    true 4 UNCONFIRMED_USER_DATA;
    true 9 REQUEST_LINK_STATUS;
    false 0 ACK;
    false 1 NACK;
    false 11 LINK_STATUS;
    false 15 NOT_SUPPORTED;
}

impl Control {
    /// DIR: true when a master sends.
    pub const fn dir(self) -> bool {
        self.0 & 0x80 != 0
    }

    /// PRM: true when the frame initiates a link transaction, false when it completes one.
    pub const fn prm(self) -> bool {
        self.0 & 0x40 != 0
    }

    /// FCB: the frame count bit; has a meaning where [`fcv`](Self::fcv) is true.
    pub const fn fcb(self) -> bool {
        self.0 & 0x20 != 0
    }

    /// FCV: the frame count bit of this primary frame counts.
    pub const fn fcv(self) -> bool {
        self.prm() && self.0 & 0x10 != 0
    }

    /// DFC: the sender of this secondary frame has no room for more.
    pub const fn dfc(self) -> bool {
        !self.prm() && self.0 & 0x10 != 0
    }

    /// The function code, to be read together with [`prm`](Self::prm).
    pub const fn function(self) -> u8 {
        self.0 & 0x0f
    }

    /// True for RESET_LINK_STATES: the frame count starts anew.
    pub const fn resets(self) -> bool {
        self.prm() && self.function() == 0
    }

    /// True when the user data is a transport segment: confirmed or unconfirmed user data.
    pub const fn carries_segment(self) -> bool {
        self.prm() && matches!(self.function(), 3 | 4)
    }

    /// True for unconfirmed user data as it should be, which has no more to it than its segment.
    pub const fn is_plain(self) -> bool {
        self.0 & 0x5f == 0x44
    }

    /// True for the functions whose frames are counted by FCB: TEST_LINK_STATES and CONFIRMED_USER_DATA (9.2.4.1.3).
    const fn is_counted(self) -> bool {
        self.prm() && matches!(self.function(), 2 | 3)
    }

    /// True when FCB counts the frame.
    pub const fn counts(self) -> bool {
        self.is_counted() && self.fcv()
    }

    /// True for CONFIRMED_USER_DATA, which the receiver acknowledges by a secondary frame.
    pub const fn asks_for_ack(self) -> bool {
        self.prm() && self.function() == 3
    }

    /// True for ACK.
    pub const fn is_ack(self) -> bool {
        !self.prm() && self.function() == 0
    }

    /// True for the secondary functions that say no: NACK and NOT_SUPPORTED.
    pub const fn refuses(self) -> bool {
        !self.prm() && matches!(self.function(), 1 | 15)
    }
}

impl Header {
    /// True when the frame is for every outstation (0xFFFD to 0xFFFF), so that none answers it.
    pub const fn is_broadcast(self) -> bool {
        self.destination >= FIRST_BROADCAST
    }

    /// What the header says against the rules for its function: a reserved code, an FCV bit that is wrong for it, or
    /// user data where none belongs.
    pub fn misuse(self) -> Option<Finding> {
        let finding = Finding::new(AnomalyKind::Dnp3LinkFunction, frame_len(self.user_len));
        let number = |number: u8| Term::Number(number.into());
        let control = self.control;
        if control.function_name().is_none() {
            let found = number(control.function());
            return Some(finding.at("function code", 3).because(Term::Words("a function of the standard"), found));
        }
        if control.prm() && control.fcv() != control.is_counted() {
            let (due, found) = (control.is_counted().into(), control.fcv().into());
            return Some(finding.at("FCV", 3).because(number(due), number(found)));
        }
        if !control.carries_segment() && self.user_len > 0 {
            let found = number(self.user_len.saturating_add(LENGTH_OVERHEAD));
            return Some(finding.at("length", 2).because(number(LENGTH_OVERHEAD), found));
        }
        None
    }
}

/// What stands at the start of `bytes`, which are a stream's or a datagram's next.
///
/// A unit is one whole frame with every CRC good. A frame whose header is good and whose data is not is passed over up
/// to the next plausible frame start within it, as receivers do that resume their search behind the start octets;
/// there hardly ever is one, and then the whole frame is. A frame is plausible when its start octets and its header
/// CRC are good, as far as they are there.
///
/// Time is linear in the bytes, however often scanning resumes: the search computes one header CRC an offset and stops
/// at the first plausible one.
pub fn scan(bytes: &[u8]) -> Scan {
    match head(bytes) {
        Head::Unfinished => Scan::Partial { need: HEADER_LEN },
        Head::NoStart => damaged(bytes, bytes.len(), AnomalyKind::Dnp3StrayBytes),
        Head::BadCrc => damaged(bytes, bytes.len(), AnomalyKind::Dnp3HeaderCrc),
        Head::Good { length } => match length.checked_sub(LENGTH_OVERHEAD) {
            Some(user_len) => scan_data(bytes, frame_len(user_len)),
            None => damaged(bytes, HEADER_LEN, AnomalyKind::Dnp3Length),
        },
    }
}

/// Checks the data blocks of the frame of `len` octets at the start of `bytes`, as far as they are there.
fn scan_data(bytes: &[u8], len: usize) -> Scan {
    match bytes.get(HEADER_LEN..len) {
        Some(data) if data.chunks(BLOCK_WITH_CRC).all(is_intact) => Scan::Unit { len },
        Some(_) => damaged(bytes, len, AnomalyKind::Dnp3DataCrc),
        None => scan_unfinished(bytes, len),
    }
}

/// Data that is known to be bad before the frame is complete, with a whole header behind it, means that the frame was
/// cut short: what stands behind it does not wait for the rest.
fn scan_unfinished(bytes: &[u8], len: usize) -> Scan {
    let data = bytes.get(HEADER_LEN..).unwrap_or_default();
    let mut blocks = data.chunks_exact(BLOCK_WITH_CRC);
    let missing = BLOCK_WITH_CRC.saturating_sub(blocks.remainder().len());
    if blocks.all(is_intact) {
        return Scan::Partial { need: bytes.len().saturating_add(missing).min(len) };
    }
    match find_start(bytes, bytes.len()) {
        Some(skip) if bytes.len().saturating_sub(skip) >= HEADER_LEN => {
            Scan::Damaged { skip, kind: AnomalyKind::Dnp3DataCrc }
        }
        _ => Scan::Partial { need: bytes.len().saturating_add(1) },
    }
}

/// The first `len` bytes are of no use, or those of them before the next plausible start.
fn damaged(bytes: &[u8], len: usize, kind: AnomalyKind) -> Scan {
    Scan::Damaged { skip: find_start(bytes, len).unwrap_or(len), kind }
}

/// The first plausible frame start behind the first byte and before `end`.
fn find_start(bytes: &[u8], end: usize) -> Option<usize> {
    (1..end).find(|at| match head(bytes.get(*at..).unwrap_or_default()) {
        Head::Unfinished | Head::Good { .. } => true,
        Head::NoStart | Head::BadCrc => false,
    })
}

/// What the first bytes are as a frame header.
enum Head {
    /// Too few to tell; none contradicts a header.
    Unfinished,
    /// Not the start octets.
    NoStart,
    /// The start octets, and eight more that are no header.
    BadCrc,
    /// A header whose CRC is good.
    Good { length: u8 },
}

fn head(bytes: &[u8]) -> Head {
    let start = bytes.get(..START.len()).unwrap_or(bytes);
    if !START.starts_with(start) {
        return Head::NoStart;
    }
    match bytes.first_chunk::<HEADER_LEN>() {
        None => Head::Unfinished,
        Some(header) if !is_intact(header) => Head::BadCrc,
        Some([_, _, length, ..]) => Head::Good { length: *length },
    }
}

/// Whether the last two octets are the CRC of those before them.
fn is_intact(block: &[u8]) -> bool {
    block
        .split_last_chunk::<CRC_LEN>()
        .is_some_and(|(data, crc)| !data.is_empty() && CRC.checksum(data) == u16::from_le_bytes(*crc))
}

/// Octets of the frame that carries this much user data.
fn frame_len(user_len: u8) -> usize {
    let user_len = usize::from(user_len);
    let crcs = user_len.div_ceil(BLOCK_LEN).saturating_mul(CRC_LEN);
    HEADER_LEN.saturating_add(user_len).saturating_add(crcs)
}

/// What exactly is wrong with octets in which [`scan`] found this kind of damage.
pub fn explain(kind: AnomalyKind, bytes: &[u8]) -> Finding {
    let finding = Finding::new(kind, bytes.len());
    match (kind, bytes) {
        (AnomalyKind::Dnp3StrayBytes, [first, second, ..]) => {
            let found = Term::Number(u16::from_be_bytes([*first, *second]).into());
            finding.at("start octets", 0).because(Term::Number(u16::from_be_bytes(START).into()), found)
        }
        (AnomalyKind::Dnp3Length, [_, _, length, ..]) => {
            finding.at("length", 2).because(Term::Between(LENGTH_OVERHEAD.into(), 255), Term::Number((*length).into()))
        }
        (AnomalyKind::Dnp3HeaderCrc, _) => wrong_crc(finding, bytes.get(..HEADER_LEN).unwrap_or_default(), 0),
        (AnomalyKind::Dnp3DataCrc, _) => wrong_data_crc(finding, bytes.get(HEADER_LEN..).unwrap_or_default()),
        _ => finding,
    }
}

/// The first block whose CRC is wrong.
fn wrong_data_crc(finding: Finding, data: &[u8]) -> Finding {
    let mut blocks = data.chunks(BLOCK_WITH_CRC).enumerate();
    let Some((at, block)) = blocks.find(|(_, block)| !is_intact(block)) else { return finding };
    wrong_crc(finding, block, at.saturating_mul(BLOCK_WITH_CRC).saturating_add(HEADER_LEN))
}

/// What the CRC of the block at this offset should be.
fn wrong_crc(finding: Finding, block: &[u8], offset: usize) -> Finding {
    let Some((data, crc)) = block.split_last_chunk::<CRC_LEN>() else { return finding };
    let (expected, found) = (CRC.checksum(data), u16::from_le_bytes(*crc));
    let finding = finding.at("CRC", offset.saturating_add(data.len()));
    finding.because(Term::Number(expected.into()), Term::Number(found.into()))
}

/// The header and the user data of a frame that [`scan`] found to be whole. CRCs are not checked again.
pub fn parse(frame: &[u8]) -> Option<(Header, UserData<'_>)> {
    let (header, data) = frame.split_first_chunk::<HEADER_LEN>()?;
    let [0x05, 0x64, length, control, destination @ .., _, _] = header else { return None };
    let [d0, d1, s0, s1] = *destination;
    let user_len = length.checked_sub(LENGTH_OVERHEAD)?;
    let header = Header {
        control: Control(*control),
        destination: u16::from_le_bytes([d0, d1]),
        source: u16::from_le_bytes([s0, s1]),
        user_len,
    };
    let blocks = data.get(..frame_len(user_len).saturating_sub(HEADER_LEN))?;
    Some((header, UserData { blocks }))
}

/// A frame's user data where it lies: blocks of up to 16 octets, each followed by its CRC.
#[derive(Clone, Copy, Debug)]
pub struct UserData<'a> {
    blocks: &'a [u8],
}

impl<'a> UserData<'a> {
    /// The blocks without their CRCs.
    pub fn blocks(self) -> impl Iterator<Item = &'a [u8]> {
        let blocks = self.blocks.chunks(BLOCK_WITH_CRC);
        blocks.filter_map(|block| block.split_last_chunk::<CRC_LEN>()).map(|(data, _)| data)
    }

    /// Copies the user data without its CRCs to the front of `buffer` and returns it.
    pub fn copy_to(self, buffer: &mut [u8; MAX_USER_DATA]) -> &[u8] {
        let mut len = 0_usize;
        for block in self.blocks() {
            if let Some(place) = buffer.get_mut(len..).and_then(|free| free.get_mut(..block.len())) {
                place.copy_from_slice(block);
                len = len.saturating_add(block.len());
            }
        }
        buffer.get(..len).unwrap_or_default()
    }
}

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]
mod tests {
    extern crate std;

    use std::vec;
    use std::vec::Vec;

    use proptest::collection::vec as any_vec;
    use proptest::prelude::*;
    use tagout_engine::AnomalyKind::{Dnp3DataCrc, Dnp3HeaderCrc, Dnp3Length, Dnp3StrayBytes};

    use super::super::encode::{frame, header, request_frame};
    use super::*;

    fn damage(skip: usize, kind: AnomalyKind) -> Scan {
        Scan::Damaged { skip, kind }
    }

    fn user_data() -> impl Strategy<Value = Vec<u8>> {
        any_vec(any::<u8>(), 0..=MAX_USER_DATA)
    }

    /// Scans all of a stream that arrives in `chunk` octets at a time: the units and the kinds of damage.
    fn scan_stream(stream: &[u8], chunk: usize) -> (Vec<Vec<u8>>, Vec<AnomalyKind>) {
        let (mut units, mut kinds) = (Vec::new(), Vec::new());
        let (mut start, mut need) = (0, 1);
        for end in (0..=stream.len()).step_by(chunk).chain([stream.len()]) {
            while start < end && end - start >= need {
                match scan(&stream[start..end]) {
                    Scan::Unit { len } => {
                        units.push(stream[start..start + len].to_vec());
                        (start, need) = (start + len, 1);
                    }
                    Scan::Partial { need: more } => need = more,
                    Scan::Damaged { skip, kind } => {
                        kinds.push(kind);
                        (start, need) = (start + skip, 1);
                    }
                }
            }
        }
        (units, kinds)
    }

    #[test]
    fn reads_the_textbook_reset_of_link_states() {
        let bytes = [0x05, 0x64, 0x05, 0xc0, 0x01, 0x00, 0x00, 0x04, 0xe9, 0x21];
        assert_eq!(scan(&bytes), Scan::Unit { len: 10 });
        let (header, data) = parse(&bytes).unwrap();
        assert_eq!(header, Header { control: Control(0xc0), destination: 1, source: 1024, user_len: 0 });
        assert!(header.control.dir() && header.control.resets() && !header.control.carries_segment());
        assert_eq!(header.control.function_name(), Some("RESET_LINK_STATES"));
        assert_eq!(data.blocks().count(), 0);
    }

    #[test]
    fn tells_the_control_bits_by_direction_of_the_transaction() {
        assert!(Control(0x73).fcv() && Control(0x73).fcb() && !Control(0x73).dfc());
        assert!(Control(0x10).dfc() && !Control(0x10).fcv());
        assert_eq!(Control(0x0b).function_name(), Some("LINK_STATUS"));
        assert_eq!(Control(0x4b).function_name(), None);
        assert!(Control(0xe4).is_plain() && !Control(0xd4).is_plain() && !Control(0xf3).is_plain());
    }

    #[test]
    fn tells_what_is_wrong_with_a_function() {
        let field = |control, user_len| {
            let header = Header { control: Control(control), destination: 10, source: 1, user_len };
            header.misuse().map(|finding| (finding.field, finding.found))
        };
        for (control, user_len) in [(0xc0, 0), (0xf2, 0), (0xd3, 9), (0xe4, 9), (0xc9, 0), (0x00, 0), (0x1b, 0)] {
            assert_eq!(field(control, user_len), None, "{control:#x}");
        }
        assert_eq!(field(0xc5, 0), Some(("function code", Term::Number(5))));
        assert_eq!(field(0x02, 0), Some(("function code", Term::Number(2))));
        assert_eq!(field(0xd4, 9), Some(("FCV", Term::Number(1))));
        assert_eq!(field(0xc3, 9), Some(("FCV", Term::Number(0))));
        assert_eq!(field(0xc9, 3), Some(("length", Term::Number(8))));
    }

    #[test]
    fn a_length_below_five_is_no_frame() {
        let short = header(4, 0xc4, 10, 1);
        assert_eq!(scan(&short), damage(10, Dnp3Length));
        assert_eq!(scan(&[short, request_frame(&[1])].concat()), damage(10, Dnp3Length));
    }

    #[test]
    fn a_damaged_unit_costs_itself_only() {
        let good = request_frame(&[0xc0, 0xc1, 0x01]);
        let mut bad_header = request_frame(&[0xaa; 40]);
        bad_header[4] ^= 1;
        let mut bad_data = request_frame(&[0xaa; 40]);
        bad_data[30] ^= 1;
        let stream = [&good[..], &bad_header, &good, &bad_data, &good, &[0x64], &good, &[0x05], &good].concat();
        let (units, kinds) = scan_stream(&stream, stream.len());
        assert_eq!(units, vec![good; 5]);
        assert_eq!(kinds, [Dnp3HeaderCrc, Dnp3DataCrc, Dnp3StrayBytes, Dnp3StrayBytes]);
    }

    #[test]
    fn a_frame_hidden_in_a_damaged_one_is_found() {
        let hidden = request_frame(&[0xc0, 0xc1, 0x0d]);
        let mut cover = request_frame(&[0xaa; 100]);
        cover[40..40 + hidden.len()].copy_from_slice(&hidden);
        assert_eq!(scan_stream(&cover, cover.len()).0, [hidden]);
    }

    #[test]
    fn a_frame_behind_one_that_was_cut_short_does_not_wait() {
        let good = request_frame(&[0xc0, 0xc1, 0x0d]);
        let cut = &request_frame(&[0xaa; 200])[..20];
        let (units, kinds) = scan_stream(&[cut, &good].concat(), 1);
        assert_eq!((units, kinds), (vec![good], vec![Dnp3DataCrc]));
    }

    #[test]
    fn start_octets_without_end_are_passed_over_at_once() {
        let hostile = [0x05, 0x64].repeat(1 << 19);
        assert_eq!(scan(&hostile), damage(hostile.len() - 8, Dnp3HeaderCrc));
    }

    proptest! {
        #[test]
        fn keeps_its_contract_on_any_bytes(bytes in any_vec(prop_oneof![Just(0x05), Just(0x64), any::<u8>()], 0..400)) {
            match scan(&bytes) {
                Scan::Unit { len } => prop_assert!((1..=bytes.len()).contains(&len)),
                Scan::Partial { need } => prop_assert!(need > bytes.len() && need <= MAX_FRAME),
                Scan::Damaged { skip, .. } => prop_assert!((1..=bytes.len()).contains(&skip)),
            }
            let _ = parse(&bytes).map(|(_, data)| data.copy_to(&mut [0; MAX_USER_DATA]).len());
        }

        #[test]
        fn reads_what_was_written(
            control: u8, destination: u16, source: u16, data in user_data(), behind in any_vec(any::<u8>(), 0..20)
        ) {
            let bytes = frame(control, destination, source, &data);
            let stream = [&bytes[..], &behind].concat();
            prop_assert_eq!(scan(&stream), Scan::Unit { len: bytes.len() });
            let (header, read) = parse(&bytes).unwrap();
            prop_assert_eq!(header, Header { control: Control(control), destination, source, user_len: data.len() as u8 });
            let mut buffer = [0; MAX_USER_DATA];
            prop_assert_eq!(read.copy_to(&mut buffer), &data[..]);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]

        #[test]
        fn finds_every_flipped_bit(data in user_data()) {
            let whole = request_frame(&data);
            for bit in 0..whole.len() * 8 {
                let mut bytes = whole.clone();
                bytes[bit / 8] ^= 1 << (bit % 8);
                let Scan::Damaged { skip, kind } = scan(&bytes) else { panic!("bit {bit} unnoticed") };
                prop_assert!(skip >= 1);
                prop_assert_eq!(kind, match bit / 8 { 0 | 1 => Dnp3StrayBytes, 2..10 => Dnp3HeaderCrc, _ => Dnp3DataCrc });
            }
        }

        #[test]
        fn never_takes_a_part_for_the_whole(data in user_data()) {
            let whole = request_frame(&data);
            for len in 0..whole.len() {
                let Scan::Partial { need } = scan(&whole[..len]) else { panic!("{len} octets taken for whole") };
                prop_assert!(need > len && need <= whole.len());
            }
        }

        #[test]
        fn finds_every_frame_however_the_stream_arrives(
            parts in any_vec((any_vec(any::<u8>(), 0..30), user_data()), 1..5), chunk in 1_usize..400
        ) {
            let frames: Vec<Vec<u8>> = parts.iter().map(|(_, data)| request_frame(data)).collect();
            let stream: Vec<u8> = parts.iter().zip(&frames).flat_map(|((junk, _), frame)| [&junk[..], frame].concat()).collect();
            prop_assert_eq!(scan_stream(&stream, chunk).0, frames);
        }
    }
}
