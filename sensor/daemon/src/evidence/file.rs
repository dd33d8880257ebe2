//! Frames as a pcapng file, with comments on what was seen in them.

use std::borrow::Cow;
use std::collections::HashMap;

use pcap_parser::pcapng::{
    EnhancedPacketBlock, InterfaceDescriptionBlock, OptionCode, PcapNGOption, SectionHeaderBlock,
};
use pcap_parser::{Linktype, ToVec};
use tagout_core::LinkType;

use super::ring::{Kept, Ring};

/// Timestamps count nanoseconds: 10 to the power of minus 9.
const NANOSECONDS: u8 = 9;

/// A file in the making.
pub(super) struct PcapNg {
    bytes: Vec<u8>,
    interfaces: HashMap<u32, u32>,
}

impl PcapNg {
    /// A file about this.
    pub(super) fn about(comment: &str) -> Self {
        let program = concat!("tagout ", env!("CARGO_PKG_VERSION"));
        let mut file = Self { bytes: Vec::new(), interfaces: HashMap::new() };
        file.add(&mut SectionHeaderBlock {
            block_type: 0,
            block_len1: 0,
            bom: 0,
            major_version: 1,
            minor_version: 0,
            // Not told in advance.
            section_len: -1,
            options: vec![text(OptionCode::Comment, comment), text(OptionCode::ShbUserAppl, program)],
            block_len2: 0,
        });
        file
    }

    /// Adds a frame of the ring.
    pub(super) fn frame(&mut self, ring: &Ring, kept: &Kept, comment: Option<&str>) {
        let data = ring.bytes(kept);
        let interface = self.interface(kept.link);
        self.add(&mut EnhancedPacketBlock {
            block_type: 0,
            block_len1: 0,
            if_id: interface,
            ts_high: (kept.time.0 >> 32) as u32,
            ts_low: kept.time.0 as u32,
            caplen: data.len() as u32,
            origlen: kept.wire_len,
            data,
            options: comment.map(|comment| text(OptionCode::Comment, comment)).into_iter().collect(),
            block_len2: 0,
        });
    }

    /// The whole file.
    pub(super) fn finish(self) -> Vec<u8> {
        self.bytes
    }

    /// Frames of one link type are said to come from one interface.
    fn interface(&mut self, link: LinkType) -> u32 {
        let (link, next) = (link.registered(), self.interfaces.len() as u32);
        if let Some(known) = self.interfaces.get(&link) {
            return *known;
        }
        self.interfaces.insert(link, next);
        self.add(&mut InterfaceDescriptionBlock {
            block_type: 0,
            block_len1: 0,
            linktype: Linktype(link as i32),
            reserved: 0,
            snaplen: 0,
            options: Vec::new(),
            block_len2: 0,
            if_tsresol: NANOSECONDS,
            if_tsoffset: 0,
        });
        next
    }

    fn add(&mut self, block: &mut impl ToVec) {
        // Writing to memory does not fail.
        self.bytes.extend(block.to_vec().unwrap_or_default());
    }
}

/// An option, of which no more than its length can tell is kept.
fn text(code: OptionCode, text: &str) -> PcapNGOption<'_> {
    let text = &text[..text.floor_char_boundary(usize::from(u16::MAX) - 3)];
    PcapNGOption { code, len: text.len() as u16, value: Cow::Borrowed(text.as_bytes()) }
}
