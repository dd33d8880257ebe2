//! Link layer: frames, addresses and CRCs (IEEE 1815-2012, clause 9).

use crc::{CRC_16_DNP, Crc, Table};
use tagout_engine::AnomalyKind;

use crate::Scan;
use crate::finding::{Finding, Term};
use crate::store::copy;

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

/// Sixteen tables, 8 KiB: a data block takes a quarter of the time that it takes with one. Where flash is short, none.
type Tables = Table<{ if cfg!(target_os = "none") { 0 } else { 16 } }>;
static CRC: Crc<u16, Tables> = Crc::<u16, Tables>::new(&CRC_16_DNP);

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
    (1..end).find(|at| is_start(bytes.get(*at..).unwrap_or_default()))
}

/// True when the first bytes are a frame's header, or the beginning of one.
pub(crate) fn is_start(bytes: &[u8]) -> bool {
    matches!(head(bytes), Head::Unfinished | Head::Good { .. })
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
                len = len.saturating_add(copy(place, block));
            }
        }
        buffer.get(..len).unwrap_or_default()
    }
}

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]
mod tests;
