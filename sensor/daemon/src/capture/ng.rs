//! The pcapng file format: draft-ietf-opsawg-pcapng.

use pcap_parser::{
    InterfaceDescriptionBlock, OptionCode, parse_interfacedescriptionblock_be, parse_interfacedescriptionblock_le,
};
use tagout_core::{Frame, LinkType, Timestamp};

use super::CaptureError;
use super::file::CutOff;
use super::window::Window;

/// Type of a section header block; reads the same in both byte orders (section 4.1).
pub(super) const SECTION_HEADER_MAGIC: [u8; 4] = [0x0A, 0x0D, 0x0D, 0x0A];
/// Byte-order magic of a section that is written big-endian.
const BIG_ENDIAN: [u8; 4] = [0x1A, 0x2B, 0x3C, 0x4D];
/// Byte-order magic of a section that is written little-endian.
const LITTLE_ENDIAN: [u8; 4] = [0x4D, 0x3C, 0x2B, 0x1A];
/// Block types of section 10.1.
const INTERFACE_DESCRIPTION: u32 = 1;
const OBSOLETE_PACKET: u32 = 2;
const SIMPLE_PACKET: u32 = 3;
const ENHANCED_PACKET: u32 = 6;
/// Bytes of the smallest block: type, length, length again.
const MIN_BLOCK: usize = 12;
/// Bytes of the smallest section header block.
const MIN_SECTION_HEADER: usize = 28;
/// No packet is larger; a larger packet or interface block is damage.
const MAX_BLOCK: usize = 16 * 1024 * 1024;
/// Interfaces remembered a section; frames of later ones have an unknown link type.
const MAX_INTERFACES: usize = 65_536;

/// Reads packet blocks one after the other and keeps track of what describes them.
pub(super) struct NgReader {
    window: Window,
    big_endian: bool,
    interfaces: Vec<Interface>,
    frames: u64,
    /// Time of the last frame that had one.
    time: Timestamp,
    cut_off: Option<CutOff>,
}

/// What an interface description block says of its packets.
struct Interface {
    link: LinkType,
    /// 0 for no limit.
    snaplen: u32,
    ticks_per_second: u128,
    offset_s: i64,
}

/// A packet block's content.
struct Packet<'a> {
    interface: usize,
    ticks: Option<u64>,
    bytes: &'a [u8],
    wire_len: u32,
}

impl NgReader {
    /// Takes a stream at its first byte.
    pub(super) fn new(mut window: Window) -> Result<Self, CaptureError> {
        if !window.ensure(MIN_SECTION_HEADER)? {
            return Err(CaptureError::NoHeader { bytes: window.ahead().len() });
        }
        Ok(Self {
            window,
            big_endian: false,
            interfaces: Vec::new(),
            frames: 0,
            time: Timestamp::default(),
            cut_off: None,
        })
    }

    pub(super) fn cut_off(&self) -> Option<CutOff> {
        self.cut_off
    }

    #[inline]
    pub(super) fn next(&mut self) -> Result<Option<Frame<'_>>, CaptureError> {
        let Some(len) = self.packet_block()? else { return Ok(None) };
        self.window.consume(len);
        let Some(packet) = Packet::parse(self.window.behind(len), self.big_endian, &self.interfaces) else {
            return Err(self.damaged("the packet block before contradicts its own length"));
        };
        let interface = self.interfaces.get(packet.interface);
        if let (Some(interface), Some(ticks)) = (interface, packet.ticks) {
            self.time = interface.time(ticks);
        }
        self.frames += 1;
        let link = interface.map_or(LinkType::Unknown(u32::MAX), |interface| interface.link);
        let frame =
            Frame { number: self.frames, time: self.time, link, bytes: packet.bytes, wire_len: packet.wire_len };
        Ok(Some(frame))
    }

    /// Goes to the next packet block and returns its length once it is wholly ahead.
    #[inline]
    fn packet_block(&mut self) -> Result<Option<usize>, CaptureError> {
        loop {
            let Some((kind, len)) = self.block_header()? else { return Ok(None) };
            match kind {
                ENHANCED_PACKET | SIMPLE_PACKET | OBSOLETE_PACKET => return self.whole(len),
                INTERFACE_DESCRIPTION => {
                    let Some(len) = self.whole(len)? else { return Ok(None) };
                    self.describe_interface(len)?;
                    self.window.consume(len);
                }
                _ => {
                    if !self.window.skip(len as u64)? {
                        self.cut_off = Some(CutOff { frame: self.frames + 1, missing: 1 });
                        return Ok(None);
                    }
                }
            }
        }
    }

    /// Type and length of the block ahead.
    fn block_header(&mut self) -> Result<Option<(u32, usize)>, CaptureError> {
        if !self.window.ensure(MIN_BLOCK)? {
            return Ok(self.end(MIN_BLOCK));
        }
        if self.window.ahead().starts_with(&SECTION_HEADER_MAGIC) {
            self.start_section()?;
        }
        let ahead = self.window.ahead();
        let (kind, len) = (u32_of(ahead, self.big_endian), u32_of(&ahead[4..], self.big_endian));
        let (Some(kind), Some(len)) = (kind, len.map(|len| len as usize)) else { return Ok(self.end(MIN_BLOCK)) };
        if len < MIN_BLOCK || !len.is_multiple_of(4) {
            return Err(self.damaged("a block length is below 12 or no multiple of 4"));
        }
        Ok(Some((kind, len)))
    }

    fn start_section(&mut self) -> Result<(), CaptureError> {
        self.big_endian = match self.window.ahead().get(8..12) {
            Some(magic) if magic == BIG_ENDIAN => true,
            Some(magic) if magic == LITTLE_ENDIAN => false,
            _ => return Err(self.damaged("a section header has no byte-order magic")),
        };
        self.interfaces.clear();
        Ok(())
    }

    /// Has a block of `len` bytes wholly ahead.
    #[inline]
    fn whole(&mut self, len: usize) -> Result<Option<usize>, CaptureError> {
        if len > MAX_BLOCK {
            return Err(self.damaged("a packet or interface block claims more than 16 MiB"));
        }
        if self.window.ensure(len)? { Ok(Some(len)) } else { Ok(self.end(len)) }
    }

    fn describe_interface(&mut self, len: usize) -> Result<(), CaptureError> {
        let block = &self.window.ahead()[..len];
        let parse =
            if self.big_endian { parse_interfacedescriptionblock_be } else { parse_interfacedescriptionblock_le };
        let Ok((_, block)) = parse(block) else {
            return Err(self.damaged("an interface description contradicts its own length"));
        };
        if self.interfaces.len() < MAX_INTERFACES {
            self.interfaces.push(Interface::new(&block, self.big_endian));
        }
        Ok(())
    }

    /// The end of the stream, where `len` bytes were due unless nothing is left.
    fn end<T>(&mut self, len: usize) -> Option<T> {
        self.cut_off = self.window.cut_off(len, self.frames + 1);
        None
    }

    fn damaged(&self, what: &'static str) -> CaptureError {
        CaptureError::Damaged { frames: self.frames, offset: self.window.offset(), what }
    }
}

impl Interface {
    fn new(block: &InterfaceDescriptionBlock<'_>, big_endian: bool) -> Self {
        let mut interface = Self {
            link: LinkType::from_registry(block.linktype.0.cast_unsigned()),
            snaplen: block.snaplen,
            ticks_per_second: 1_000_000,
            offset_s: 0,
        };
        for option in &block.options {
            match option.code {
                OptionCode::EndOfOpt => break,
                OptionCode::IfTsresol => interface.ticks_per_second = option.value.first().map_or(1_000_000, ticks),
                OptionCode::IfTsoffset => interface.offset_s = i64_of(&option.value, big_endian).unwrap_or(0),
                _ => {}
            }
        }
        interface
    }

    #[inline]
    fn time(&self, ticks: u64) -> Timestamp {
        let nanos = match self.ticks_per_second {
            1_000_000 => ticks.saturating_mul(1_000),
            1_000_000_000 => ticks,
            per_second => u64::try_from(u128::from(ticks) * 1_000_000_000 / per_second).unwrap_or(u64::MAX),
        };
        let offset = self.offset_s.unsigned_abs().saturating_mul(1_000_000_000);
        Timestamp(if self.offset_s < 0 { nanos.saturating_sub(offset) } else { nanos.saturating_add(offset) })
    }
}

/// Ticks a second of an `if_tsresol` octet: a power of ten, or of two if its highest bit is set (section 4.2).
fn ticks(resolution: &u8) -> u128 {
    let exponent = u32::from(resolution & 0x7F);
    let base: u128 = if resolution & 0x80 == 0 { 10 } else { 2 };
    base.checked_pow(exponent).unwrap_or(u128::MAX)
}

impl<'a> Packet<'a> {
    /// The packet in a whole block; `None` when it claims more bytes than the block has.
    #[inline]
    fn parse(block: &'a [u8], big_endian: bool, interfaces: &[Interface]) -> Option<Self> {
        let field = |at: usize| block.get(at..).and_then(|bytes| u32_of(bytes, big_endian));
        if field(0)? == SIMPLE_PACKET {
            let (wire_len, snaplen) = (field(8)?, interfaces.first().map_or(0, |interface| interface.snaplen));
            let captured = if snaplen == 0 { wire_len } else { wire_len.min(snaplen) };
            let bytes = block.get(12..block.len() - 4)?.get(..captured as usize)?;
            return Some(Self { interface: 0, ticks: None, bytes, wire_len });
        }
        let interface = match field(0)? {
            OBSOLETE_PACKET if big_endian => field(8)? >> 16,
            OBSOLETE_PACKET => field(8)? & 0xFFFF,
            _ => field(8)?,
        };
        Some(Self {
            interface: interface as usize,
            ticks: Some(u64::from(field(12)?) << 32 | u64::from(field(16)?)),
            bytes: block.get(28..block.len() - 4)?.get(..field(20)? as usize)?,
            wire_len: field(24)?,
        })
    }
}

/// The number in the first four bytes.
#[inline]
fn u32_of(bytes: &[u8], big_endian: bool) -> Option<u32> {
    let field = *bytes.first_chunk()?;
    Some(if big_endian { u32::from_be_bytes(field) } else { u32::from_le_bytes(field) })
}

fn i64_of(bytes: &[u8], big_endian: bool) -> Option<i64> {
    let field = *bytes.first_chunk()?;
    Some(if big_endian { i64::from_be_bytes(field) } else { i64::from_le_bytes(field) })
}
