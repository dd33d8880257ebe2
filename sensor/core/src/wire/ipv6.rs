use core::net::{IpAddr, Ipv6Addr};

use crate::wire::cursor::Cursor;
use crate::wire::link::Link;
use crate::wire::{Datagram, FragmentPart, Skip};

/// The most extension headers that a datagram may chain.
const MAX_EXTENSIONS: usize = 16;

const HOP_BY_HOP: u8 = 0;
const ROUTING: u8 = 43;
const FRAGMENT: u8 = 44;
pub(super) const AUTHENTICATION: u8 = 51;
const DESTINATION_OPTIONS: u8 = 60;

/// What stands behind the extension headers.
#[derive(Clone, Copy, Debug)]
pub(super) struct UpperLayer {
    pub(super) protocol: u8,
    pub(super) fragment: Option<FragmentPart>,
}

/// RFC 8200, section 3.
#[inline]
pub(super) fn decode(link: Link, mut cursor: Cursor<'_>) -> Result<Datagram<'_>, Skip> {
    let &[version, _, _, _, len0, len1, next, ttl] = cursor.take()?;
    let src: [u8; 16] = *cursor.take()?;
    let dst: [u8; 16] = *cursor.take()?;
    if version >> 4 != 6 {
        return Err(Skip::Malformed);
    }
    bound(&mut cursor, u16::from_be_bytes([len0, len1]), next)?;
    let upper = upper_layer(next, &mut cursor)?;
    Ok(Datagram {
        src_mac: link.src_mac,
        dst_mac: link.dst_mac,
        vlan: link.vlan,
        src: IpAddr::V6(Ipv6Addr::from(src)),
        dst: IpAddr::V6(Ipv6Addr::from(dst)),
        ttl,
        protocol: upper.protocol,
        payload: cursor.rest(),
        missing: cursor.missing(),
        fragment: upper.fragment,
    })
}

/// Ends the cursor, which stands behind the fixed header, where the datagram ends.
///
/// A length of 0 stands for all bytes on the wire where the field could not have held them: before the hop-by-hop
/// header of a jumbogram (RFC 2675), and in captures of segments that the network card splits.
fn bound(cursor: &mut Cursor<'_>, payload_len: u16, next: u8) -> Result<(), Skip> {
    let unstated = next == HOP_BY_HOP || cursor.wire_len() > usize::from(u16::MAX);
    if payload_len == 0 && unstated { Ok(()) } else { cursor.limit(usize::from(payload_len)) }
}

/// RFC 8200, section 4: passes over extension headers in any order, up to the upper layer or to a fragment header that
/// splits the datagram. A fragment header that splits nothing is passed over (RFC 6946).
pub(super) fn upper_layer(mut next: u8, cursor: &mut Cursor<'_>) -> Result<UpperLayer, Skip> {
    for _ in 0..=MAX_EXTENSIONS {
        next = match next {
            HOP_BY_HOP | ROUTING | DESTINATION_OPTIONS => options(cursor)?,
            AUTHENTICATION => authentication(cursor)?,
            FRAGMENT => match fragment(cursor)? {
                (protocol, Some(part)) => return Ok(UpperLayer { protocol, fragment: Some(part) }),
                (after, None) => after,
            },
            protocol => return Ok(UpperLayer { protocol, fragment: None }),
        };
    }
    Err(Skip::Malformed)
}

/// RFC 8200, sections 4.3, 4.4 and 4.6: length in units of 8 bytes, the first not counted.
fn options(cursor: &mut Cursor<'_>) -> Result<u8, Skip> {
    let &[next, units, _, _, _, _, _, _] = cursor.take()?;
    cursor.skip(usize::from(units).saturating_mul(8))?;
    Ok(next)
}

/// RFC 4302, section 2: length in units of 4 bytes, the first two not counted, at least 12 bytes in all.
pub(super) fn authentication(cursor: &mut Cursor<'_>) -> Result<u8, Skip> {
    let &[next, units, _, _, _, _, _, _] = cursor.take()?;
    if units == 0 {
        return Err(Skip::Malformed);
    }
    cursor.skip(usize::from(units).saturating_mul(4))?;
    Ok(next)
}

/// RFC 8200, section 4.5.
fn fragment(cursor: &mut Cursor<'_>) -> Result<(u8, Option<FragmentPart>), Skip> {
    let &[next, _, part0, part1, id0, id1, id2, id3] = cursor.take()?;
    let part = u16::from_be_bytes([part0, part1]);
    let (offset, more) = (u32::from(part & 0xfff8), part & 1 != 0);
    let id = u32::from_be_bytes([id0, id1, id2, id3]);
    Ok((next, (more || offset > 0).then_some(FragmentPart { id, offset, more })))
}
