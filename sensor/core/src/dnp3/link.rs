//! Link layer: frames, addresses and CRCs (IEEE 1815-2012, clause 9).

use core::slice::Chunks;

use crc::{CRC_16_DNP, Crc, Table};
use tagout_engine::AnomalyKind;

use crate::Scan;

/// Octets of a frame's header, its CRC included.
pub const HEADER_LEN: usize = 10;
/// The most user data a frame carries.
pub const MAX_USER_DATA: usize = 250;
/// The longest frame: header, 16 blocks, a CRC each.
pub const MAX_FRAME: usize = 292;

const START: [u8; 2] = [0x05, 0x64];
const CRC_LEN: usize = 2;
const BLOCK_LEN: usize = 16;
const BLOCK_WITH_CRC: usize = BLOCK_LEN + CRC_LEN;
/// The length octet counts control, destination and source beside the user data.
const LENGTH_OVERHEAD: u8 = 5;

static CRC: Crc<u16, Table<1>> = Crc::<u16, Table<1>>::new(&CRC_16_DNP);

/// A frame's header.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Header {
    /// Control octet: DIR, PRM, FCB, FCV or DFC, and the function code.
    pub control: u8,
    /// Address of the receiver.
    pub destination: u16,
    /// Address of the sender.
    pub source: u16,
    /// Octets of user data, CRCs not counted; at most [`MAX_USER_DATA`].
    pub user_len: u8,
}

impl Header {
    /// DIR: true when a master sends.
    pub const fn dir(self) -> bool {
        self.control & 0x80 != 0
    }

    /// PRM: true when the frame initiates a link transaction, false when it completes one.
    pub const fn prm(self) -> bool {
        self.control & 0x40 != 0
    }

    /// FCB: the frame count bit; has a meaning where [`fcv`](Self::fcv) is true.
    pub const fn fcb(self) -> bool {
        self.control & 0x20 != 0
    }

    /// FCV: the frame count bit of this primary frame counts.
    pub const fn fcv(self) -> bool {
        self.prm() && self.control & 0x10 != 0
    }

    /// DFC: the sender of this secondary frame has no room for more.
    pub const fn dfc(self) -> bool {
        !self.prm() && self.control & 0x10 != 0
    }

    /// The function code, to be read together with [`prm`](Self::prm).
    pub const fn function(self) -> u8 {
        self.control & 0x0f
    }

    /// The standard's name of the function, if it has one.
    pub const fn function_name(self) -> Option<&'static str> {
        match (self.prm(), self.function()) {
            (true, 0) => Some("RESET_LINK_STATES"),
            (true, 2) => Some("TEST_LINK_STATES"),
            (true, 3) => Some("CONFIRMED_USER_DATA"),
            (true, 4) => Some("UNCONFIRMED_USER_DATA"),
            (true, 9) => Some("REQUEST_LINK_STATUS"),
            (false, 0) => Some("ACK"),
            (false, 1) => Some("NACK"),
            (false, 11) => Some("LINK_STATUS"),
            (false, 15) => Some("NOT_SUPPORTED"),
            _ => None,
        }
    }

    /// True when the user data is a transport segment: confirmed or unconfirmed user data.
    pub const fn carries_segment(self) -> bool {
        self.prm() && matches!(self.function(), 3 | 4)
    }

    /// True when the frame is for every outstation (0xFFFD to 0xFFFF).
    pub const fn is_broadcast(self) -> bool {
        self.destination >= 0xfffd
    }

    /// True when the frame is for whichever outstation receives it (0xFFFC).
    pub const fn is_to_self_address(self) -> bool {
        self.destination == 0xfffc
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
///
/// Data that is known to be bad before the frame is complete, with a whole header behind it, means that the frame was
/// cut short: the frames behind it do not wait for it.
fn scan_data(bytes: &[u8], len: usize) -> Scan {
    let (frame, whole) = bytes.get(..len).map_or((bytes, false), |frame| (frame, true));
    let data = frame.get(HEADER_LEN..).unwrap_or_default();
    let unfinished = if whole { 0 } else { data.len() % BLOCK_WITH_CRC };
    let blocks = data.get(..data.len().saturating_sub(unfinished)).unwrap_or_default();
    match (whole, blocks.chunks(BLOCK_WITH_CRC).all(is_intact)) {
        (true, true) => Scan::Unit { len },
        (true, false) => damaged(bytes, len, AnomalyKind::Dnp3DataCrc),
        (false, intact) => match find_start(bytes, bytes.len()) {
            Some(skip) if !intact && holds_header(bytes, skip) => {
                Scan::Damaged { skip, kind: AnomalyKind::Dnp3DataCrc }
            }
            _ => {
                let block_end = bytes.len().saturating_sub(unfinished).saturating_add(BLOCK_WITH_CRC);
                Scan::Partial { need: block_end.min(len) }
            }
        },
    }
}

/// The first `len` of `bytes`, or those before the next plausible start among them, are of no use.
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

fn holds_header(bytes: &[u8], at: usize) -> bool {
    bytes.len().saturating_sub(at) >= HEADER_LEN
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

/// The header and the user data of a frame that [`scan`] found to be whole. CRCs are not checked again.
pub fn parse(frame: &[u8]) -> Option<(Header, UserData<'_>)> {
    let (header, data) = frame.split_first_chunk::<HEADER_LEN>()?;
    let [0x05, 0x64, length, control, destination @ .., _, _] = header else { return None };
    let [d0, d1, s0, s1] = *destination;
    let user_len = length.checked_sub(LENGTH_OVERHEAD)?;
    let header = Header {
        control: *control,
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
        let blocks: Chunks<'a, u8> = self.blocks.chunks(BLOCK_WITH_CRC);
        blocks.filter_map(|block| block.split_last_chunk::<CRC_LEN>()).map(|(data, _)| data)
    }

    /// Copies the user data without its CRCs to the front of `buffer` and returns it.
    pub fn copy_to(self, buffer: &mut [u8; MAX_USER_DATA]) -> &[u8] {
        let mut len = 0_usize;
        for block in self.blocks() {
            let end = len.saturating_add(block.len());
            if let Some(place) = buffer.get_mut(len..end) {
                place.copy_from_slice(block);
                len = end;
            }
        }
        buffer.get(..len).unwrap_or_default()
    }
}
