use core::net::{IpAddr, Ipv4Addr};

use crate::wire::cursor::Cursor;
use crate::wire::link::Link;
use crate::wire::{Datagram, FragmentPart, Skip, ipv6};

/// Length of the header without options.
const HEADER_LEN: usize = 20;
const MORE_FRAGMENTS: u16 = 0x2000;
const OFFSET_MASK: u16 = 0x1fff;

/// RFC 791, section 3.1. Options are passed over. A total length of 0 stands for all bytes on the wire: captures of
/// segments that the network card splits hold it.
#[inline]
pub(super) fn decode(link: Link, mut cursor: Cursor<'_>) -> Result<Datagram<'_>, Skip> {
    let &[version_ihl, _, len0, len1, id0, id1, part0, part1, ttl, protocol, _, _] = cursor.take()?;
    let src: [u8; 4] = *cursor.take()?;
    let dst: [u8; 4] = *cursor.take()?;
    let options_len = options_len(version_ihl)?;
    bound(&mut cursor, u16::from_be_bytes([len0, len1]))?;
    cursor.skip(options_len)?;
    let fragment = fragment(u16::from_be_bytes([id0, id1]), u16::from_be_bytes([part0, part1]));
    let protocol = if fragment.is_none() { upper_layer(protocol, &mut cursor)? } else { protocol };
    Ok(Datagram {
        src_mac: link.src_mac,
        dst_mac: link.dst_mac,
        vlan: link.vlan,
        src: IpAddr::V4(Ipv4Addr::from(src)),
        dst: IpAddr::V4(Ipv4Addr::from(dst)),
        ttl,
        protocol,
        payload: cursor.rest(),
        missing: cursor.missing(),
        fragment,
    })
}

/// What `protocol` carries, behind an authentication header.
#[inline]
pub(super) fn upper_layer(protocol: u8, cursor: &mut Cursor<'_>) -> Result<u8, Skip> {
    if protocol == ipv6::AUTHENTICATION { ipv6::authentication(cursor) } else { Ok(protocol) }
}

fn options_len(version_ihl: u8) -> Result<usize, Skip> {
    if version_ihl >> 4 != 4 {
        return Err(Skip::Malformed);
    }
    let header_len = usize::from(version_ihl & 0x0f).saturating_mul(4);
    header_len.checked_sub(HEADER_LEN).ok_or(Skip::Malformed)
}

/// Ends the cursor, which stands behind the fixed header, where the datagram ends.
fn bound(cursor: &mut Cursor<'_>, total_len: u16) -> Result<(), Skip> {
    if total_len == 0 {
        return Ok(());
    }
    cursor.limit(usize::from(total_len).checked_sub(HEADER_LEN).ok_or(Skip::Malformed)?)
}

fn fragment(id: u16, part: u16) -> Option<FragmentPart> {
    let offset = u32::from(part & OFFSET_MASK).saturating_mul(8);
    let more = part & MORE_FRAGMENTS != 0;
    (more || offset > 0).then_some(FragmentPart { id: u32::from(id), offset, more })
}
