//! A block of captured packets as the kernel lays it out: `linux/if_packet.h`, third version.

use std::mem::offset_of;

use libc::{
    TP_STATUS_VLAN_TPID_VALID, TP_STATUS_VLAN_VALID, sockaddr_ll, tpacket_block_desc, tpacket_hdr_v1,
    tpacket_hdr_variant1, tpacket3_hdr,
};
use tagout_core::Timestamp;

/// Where the numbers of a block stand.
const BLOCK_HEADER: usize = offset_of!(tpacket_block_desc, hdr);
const COUNT: usize = BLOCK_HEADER + offset_of!(tpacket_hdr_v1, num_pkts);
const FIRST: usize = BLOCK_HEADER + offset_of!(tpacket_hdr_v1, offset_to_first_pkt);
/// Where the address stands behind the header of a packet.
const ADDRESS: usize = size_of::<tpacket3_hdr>().next_multiple_of(libc::TPACKET_ALIGNMENT);
const TCI: usize = offset_of!(tpacket3_hdr, hv1) + offset_of!(tpacket_hdr_variant1, tp_vlan_tci);
const TPID: usize = offset_of!(tpacket3_hdr, hv1) + offset_of!(tpacket_hdr_variant1, tp_vlan_tpid);
/// EtherType of the tag that IEEE 802.1Q describes.
const ETHERTYPE_VLAN: u16 = 0x8100;

/// A place between the packets of a block.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Place {
    at: usize,
    /// Packets from here on.
    left: u32,
}

/// A packet as the kernel hands it over.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Packet<'a> {
    pub(super) time: Timestamp,
    pub(super) bytes: &'a [u8],
    /// How many bytes it had on the wire.
    pub(super) wire_len: u32,
    /// The VLAN tag that the kernel took off: TPID and TCI.
    pub(super) tag: Option<[u8; 4]>,
    pub(super) address: Address<'a>,
}

/// Where a packet was seen: the fields of `sockaddr_ll`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Address<'a> {
    /// EtherType.
    pub(super) protocol: [u8; 2],
    /// Kind of interface (ARPHRD).
    pub(super) hardware: u16,
    /// To whom it was: to this machine, to all, to some, to another, from this machine.
    pub(super) direction: u8,
    /// Bytes that the sender's link-layer address has.
    pub(super) len: u8,
    /// The sender's link-layer address, in eight bytes.
    pub(super) sender: &'a [u8],
}

impl Place {
    /// Before the first packet of a block.
    pub(super) fn first(block: &[u8]) -> Option<Self> {
        Some(Self { at: u32_at(block, FIRST)? as usize, left: u32_at(block, COUNT)? })
    }

    /// Before the packet behind the one here.
    pub(super) fn next(self, block: &[u8]) -> Option<Self> {
        let step = u32_at(block.get(self.at..)?, offset_of!(tpacket3_hdr, tp_next_offset))?;
        Some(Self { at: self.at.checked_add(step as usize)?, left: self.left.checked_sub(1)? })
    }

    /// The packet here; `None` at the end of the block.
    pub(super) fn packet(self, block: &[u8]) -> Option<Packet<'_>> {
        if self.left == 0 {
            return None;
        }
        let header = block.get(self.at..)?;
        let word = |offset| u32_at(header, offset);
        let start = usize::from(u16_at(header, offset_of!(tpacket3_hdr, tp_mac))?);
        let len = word(offset_of!(tpacket3_hdr, tp_snaplen))? as usize;
        let (seconds, nanos) = (word(offset_of!(tpacket3_hdr, tp_sec))?, word(offset_of!(tpacket3_hdr, tp_nsec))?);
        Some(Packet {
            time: Timestamp(u64::from(seconds) * 1_000_000_000 + u64::from(nanos)),
            bytes: header.get(start..)?.get(..len)?,
            wire_len: word(offset_of!(tpacket3_hdr, tp_len))?,
            tag: tag(header)?,
            address: Address::read(header.get(ADDRESS..)?)?,
        })
    }
}

impl<'a> Address<'a> {
    fn read(bytes: &'a [u8]) -> Option<Self> {
        let sender = bytes.get(offset_of!(sockaddr_ll, sll_addr)..)?.get(..8)?;
        Some(Self {
            protocol: *bytes.get(offset_of!(sockaddr_ll, sll_protocol)..)?.first_chunk()?,
            hardware: u16_at(bytes, offset_of!(sockaddr_ll, sll_hatype))?,
            direction: *bytes.get(offset_of!(sockaddr_ll, sll_pkttype))?,
            len: *bytes.get(offset_of!(sockaddr_ll, sll_halen))?,
            sender,
        })
    }
}

/// The tag that belongs to the packet with this header, if the kernel took one off.
fn tag(header: &[u8]) -> Option<Option<[u8; 4]>> {
    let status = u32_at(header, offset_of!(tpacket3_hdr, tp_status))?;
    let (tci, tpid) = (u32_at(header, TCI)? as u16, u16_at(header, TPID)?);
    let is_tagged = tci != 0 || status & TP_STATUS_VLAN_VALID != 0;
    let tpid = if tpid != 0 || status & TP_STATUS_VLAN_TPID_VALID != 0 { tpid } else { ETHERTYPE_VLAN };
    let ([a, b], [c, d]) = (tpid.to_be_bytes(), tci.to_be_bytes());
    Some(is_tagged.then_some([a, b, c, d]))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().map(|word| u32::from_ne_bytes(*word))
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..)?.first_chunk().map(|word| u16::from_ne_bytes(*word))
}
