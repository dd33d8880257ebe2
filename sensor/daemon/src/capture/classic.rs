//! The classic libpcap file format: draft-ietf-opsawg-pcap, sections 4 and 5.

use pcap_parser::{parse_pcap_frame, parse_pcap_frame_be};
use tagout_core::{Frame, LinkType, Timestamp};

use super::CaptureError;
use super::file::CutOff;
use super::window::Window;

/// Size of the file header.
const FILE_HEADER: usize = 24;
/// Size of the header of a packet record.
const RECORD_HEADER: usize = 16;
/// No capture has larger packets; a larger length is damage.
const MAX_PACKET: usize = 16 * 1024 * 1024;

/// How the numbers of a file are written, as its magic number tells.
#[derive(Clone, Copy)]
pub(super) struct Format {
    big_endian: bool,
    /// Nanoseconds that one unit of the fraction of a second stands for.
    nanos_per_unit: u64,
}

impl Format {
    /// The format that the first four bytes of a file announce.
    pub(super) fn from_magic(magic: [u8; 4]) -> Option<Self> {
        match magic {
            [0xD4, 0xC3, 0xB2, 0xA1] => Some(Self { big_endian: false, nanos_per_unit: 1_000 }),
            [0xA1, 0xB2, 0xC3, 0xD4] => Some(Self { big_endian: true, nanos_per_unit: 1_000 }),
            [0x4D, 0x3C, 0xB2, 0xA1] => Some(Self { big_endian: false, nanos_per_unit: 1 }),
            [0xA1, 0xB2, 0x3C, 0x4D] => Some(Self { big_endian: true, nanos_per_unit: 1 }),
            _ => None,
        }
    }

    fn u32_at(self, bytes: &[u8], at: usize) -> u32 {
        let field = [bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]];
        if self.big_endian { u32::from_be_bytes(field) } else { u32::from_le_bytes(field) }
    }
}

/// Reads packet records one after the other.
pub(super) struct ClassicReader {
    window: Window,
    format: Format,
    link: LinkType,
    frames: u64,
    cut_off: Option<CutOff>,
}

impl ClassicReader {
    /// Takes a stream at its first byte.
    pub(super) fn new(mut window: Window, format: Format) -> Result<Self, CaptureError> {
        if !window.ensure(FILE_HEADER)? {
            return Err(CaptureError::NoHeader { bytes: window.ahead().len() });
        }
        // The upper 16 bits tell of the frame check sequence.
        let link = LinkType::from_registry(format.u32_at(window.ahead(), 20) & 0xFFFF);
        window.consume(FILE_HEADER);
        Ok(Self { window, format, link, frames: 0, cut_off: None })
    }

    pub(super) fn cut_off(&self) -> Option<CutOff> {
        self.cut_off
    }

    #[inline]
    pub(super) fn next(&mut self) -> Result<Option<Frame<'_>>, CaptureError> {
        let Some(len) = self.record_len()? else { return Ok(None) };
        self.window.consume(len);
        let ahead = self.window.behind(len);
        let parse = if self.format.big_endian { parse_pcap_frame_be } else { parse_pcap_frame };
        let Ok((_, record)) = parse(ahead) else { return Ok(None) };
        self.frames += 1;
        Ok(Some(Frame {
            number: self.frames,
            time: Timestamp(
                u64::from(record.ts_sec) * 1_000_000_000 + u64::from(record.ts_usec) * self.format.nanos_per_unit,
            ),
            link: self.link,
            bytes: record.data,
            wire_len: record.origlen,
        }))
    }

    /// Length of the next record, header included, once it is wholly ahead.
    #[inline]
    fn record_len(&mut self) -> Result<Option<usize>, CaptureError> {
        if !self.window.ensure(RECORD_HEADER)? {
            return Ok(self.end(RECORD_HEADER));
        }
        let captured = self.format.u32_at(self.window.ahead(), 8) as usize;
        if captured > MAX_PACKET {
            return Err(self.damaged("a packet record claims more than 16 MiB"));
        }
        let len = RECORD_HEADER + captured;
        if self.window.ensure(len)? { Ok(Some(len)) } else { Ok(self.end(len)) }
    }

    /// The end of the stream, where a record of `len` bytes was due unless nothing is left.
    fn end(&mut self, len: usize) -> Option<usize> {
        self.cut_off = self.window.cut_off(len, self.frames + 1);
        None
    }

    fn damaged(&self, what: &'static str) -> CaptureError {
        CaptureError::Damaged { frames: self.frames, offset: self.window.offset(), what }
    }
}
